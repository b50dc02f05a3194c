"""The terminal: shows a group chat, with colours, names and times where somebody looks, plain where nobody does."""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.text import Text

DAYS = "一二三四五六日"
MAX_SHOWN = 4_000
MAX_TYPED = 300
"""Characters of a person's message on the screen; the bot itself reads more."""
_STEERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PALETTE = ("cyan", "yellow", "blue", "bright_cyan", "bright_yellow", "bright_blue", "bright_red", "white")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message on the screen. `place` says where, when it is not the group: 私聊 …"""

    at: datetime
    name: str
    text: str
    place: str = ""
    own: bool = False
    bot: bool = False
    mentions: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The text as it stands on the screen."""
        return tidy(with_mentions(self.text, self.mentions), MAX_SHOWN if self.bot else MAX_TYPED)


class Screen(Protocol):
    """What shows a conversation."""

    def spoken(self, one: Spoken) -> None:
        """Somebody said something."""

    def typed(self, text: str) -> None:
        """A command as it was typed."""

    def note(self, text: str) -> None:
        """What the chat room itself says: who came, what a command did, what was wrong."""

    def divider(self, at: datetime) -> None:
        """Time went by; it is now."""


def day_and_time(at: datetime) -> str:
    """`周三 12月2日 11:58`."""
    return f"周{DAYS[at.weekday()]} {at.month}月{at.day}日 {at:%H:%M}"


def tidy(text: str, most: int = MAX_SHOWN) -> str:
    """Text that cannot steer a terminal: no control or direction characters, bounded length."""
    text = _STEERING.sub("", text[: most + 4_000])
    text = "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs"})
    return text if len(text) <= most else f"{text[:most]}……（太长，只显示开头）"


def with_mentions(text: str, names: Iterable[str]) -> str:
    """Puts an @ before the first place of every mentioned name; names that the text lacks stand in front."""
    present = [name for name in names if name and name in text]
    absent = "".join(f"@{name} " for name in names if name and name not in text)
    if present:
        seen: set[str] = set()

        def mark(match: re.Match[str]) -> str:
            first = match[0] not in seen
            seen.add(match[0])
            return f"@{match[0]}" if first else match[0]

        text = re.sub("(?<!@)(?:" + "|".join(map(re.escape, sorted(present, key=len, reverse=True))) + ")", mark, text)
    return absent + text


class PlainScreen:
    """Lines of text, the same bytes for the same conversation."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def spoken(self, one: Spoken) -> None:
        place = f"（{one.place}）" if one.place else ""
        text = one.shown.replace("\n", "\n      ")
        self._write(f"{one.at:%H:%M} {tidy(one.name)}{place}：{text}\n")

    def typed(self, text: str) -> None:
        self._write(f"> {tidy(text)}\n")

    def note(self, text: str) -> None:
        self._write("· " + tidy(text).replace("\n", "\n  ") + "\n")

    def divider(self, at: datetime) -> None:
        self._write(f"—— {day_and_time(at)} ——\n")


class ColourScreen:
    """The same with colours and aligned columns. Imports rich when it is made: only where somebody looks."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415
        from rich.rule import Rule  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        self._console = Console(highlight=False, emoji=False, markup=False)
        self._rule, self._table, self._text = Rule, Table, Text

    def _row(self, time: str, name: str, style: str, text: "Text") -> None:
        table = self._table.grid(padding=(0, 1), expand=False)
        table.add_column(width=5, style="dim")
        table.add_column(width=8, overflow="ellipsis", no_wrap=True, style=style)
        table.add_column(overflow="fold", ratio=1)
        table.add_row(self._text(time), self._text(name), text)
        self._console.print(table)

    def spoken(self, one: Spoken) -> None:
        text = self._text(one.shown)
        text.highlight_regex(r"@\S+?(?=[\s、，。！？～]|等|$)", "bold cyan")
        if one.place:
            text = self._text.assemble((f"〔{one.place}〕", "magenta"), text)
        if one.bot:
            style = "bold bright_magenta"
        elif one.own:
            style = "bold green"
        else:
            style = _PALETTE[sum(map(ord, one.name)) % len(_PALETTE)]
        self._row(f"{one.at:%H:%M}", tidy(one.name), style, text)

    def typed(self, text: str) -> None:
        self._console.print(self._text(f"› {tidy(text)}", style="dim"))

    def note(self, text: str) -> None:
        self._row("", "", "", self._text(tidy(text), style="dim italic" if "\n" not in text else "dim"))

    def divider(self, at: datetime) -> None:
        self._console.print(self._rule(self._text(day_and_time(at), style="dim"), characters="─", style="dim"))


class Prompt:
    """The line where one types: completion of commands and names, a bar with who and when."""

    def __init__(
        self, commands: Mapping[str, str], names: Callable[[], Iterable[str]], words: Callable[[], Iterable[str]],
        bar: Callable[[], str],
    ) -> None:  # fmt: skip
        from prompt_toolkit import PromptSession  # noqa: PLC0415
        from prompt_toolkit.completion import CompleteEvent, Completer, Completion  # noqa: PLC0415
        from prompt_toolkit.document import Document  # noqa: PLC0415
        from prompt_toolkit.formatted_text import HTML  # noqa: PLC0415
        from prompt_toolkit.styles import Style  # noqa: PLC0415

        class Suggestions(Completer):
            def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
                del complete_event
                return [
                    Completion(text, start_position=-len(old), display_meta=meta)
                    for old, text, meta in suggest(document.text_before_cursor, commands, names(), words())
                ]

        self._session: PromptSession[str] = PromptSession(
            HTML("<b><ansigreen>› </ansigreen></b>"), completer=Suggestions(), complete_while_typing=True,
            bottom_toolbar=bar, refresh_interval=0.5, erase_when_done=True, reserve_space_for_menu=6,
            style=Style.from_dict({"bottom-toolbar": "noreverse bg:#303030 #d0d0d0"}),
        )  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """Nobody is in the middle of typing."""
        return not self._session.default_buffer.text

    async def ask(self) -> str:
        """One line. Raises EOFError or KeyboardInterrupt when whoever types wants to leave."""
        return await self._session.prompt_async()


def suggest(
    typed: str, commands: Mapping[str, str], names: Iterable[str], words: Iterable[str]
) -> list[tuple[str, str, str]]:
    """What could be meant: (the part it replaces, the whole of it, what it is)."""
    if typed[:1] in {"/", "／"}:
        head, space, rest = typed[1:].partition(" ")
        if not space:
            return [(typed, f"/{word} ", text) for word, text in commands.items() if word.startswith(head)]
        part = rest.rpartition(" ")[2]
        return (
            [(part, name, "") for name in names if name.startswith(part)] if head in {"我是", "退群", "加好友"} else []
        )
    if not typed:
        return []
    speakers = [(typed, f"{name}: ", "替 TA 说") for name in names if name.startswith(typed)]
    return [*((typed, word, "口令") for word in words if word.startswith(typed) and word != typed), *speakers]


def is_watched() -> bool:
    """Whether a person looks at this: input and output are a terminal that can show colours."""
    return sys.stdin.isatty() and sys.stdout.isatty()
