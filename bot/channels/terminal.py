"""The terminal: shows a group chat, with colours, names and times where somebody looks, plain where nobody does."""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

DAYS = "一二三四五六日"
MAX_SHOWN = 4_000
MAX_TYPED = 300
"""Characters of a person's message on the screen; the bot itself reads more."""
NEW_LINE, INDENT = "\n", "\n      "
_PIECE = re.compile(r"(?:[!-~]+|.)[，。！？；：、）」』…～》〕]*")
NAME_WIDTH = 10
_STEERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PALETTE = ("cyan", "yellow", "blue", "bright_cyan", "bright_yellow", "bright_blue", "bright_red", "white")


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


def wrapped(text: str, width: int, cells: Callable[[str], int]) -> str:
    """Text broken where Chinese may break: anywhere but inside a Latin word or before closing punctuation."""
    rows = []
    for paragraph in text.split(NEW_LINE):
        row = ""
        for piece in _PIECE.findall(paragraph):
            if row and cells(row) + cells(piece) > width:
                rows.append(row.rstrip())
                row = "" if piece.isspace() else piece
            else:
                row += piece
        rows.append(row)
    return NEW_LINE.join(rows)


def _shown(text: str, mentions: tuple[str, ...], bot: bool) -> str:
    return tidy(with_mentions(text, mentions), MAX_SHOWN if bot else MAX_TYPED)


class PlainScreen:
    """Lines of text, the same bytes for the same conversation."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def spoken(
        self, at: datetime, name: str, text: str, *, place: str = "", own: bool = False, bot: bool = False,
        mentions: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        del own
        where = f"（{place}）" if place else ""
        self._write(f"{at:%H:%M} {tidy(name)}{where}：{_shown(text, mentions, bot).replace(NEW_LINE, INDENT)}\n")

    def typed(self, text: str) -> None:
        self._write(f"> {tidy(text)}\n")

    def heading(self, lines: list[str]) -> None:
        self._write("".join(f"{line}\n" for line in lines))

    def note(self, text: str) -> None:
        self._write("· " + tidy(text).replace("\n", "\n  ") + "\n")

    def divider(self, at: datetime) -> None:
        self._write(f"—— {day_and_time(at)} ——\n")


class ColourScreen:
    """The same with colours and aligned columns. Imports rich when it is made: only where somebody looks."""

    def __init__(self) -> None:
        from rich.cells import cell_len  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415
        from rich.rule import Rule  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        self._console = Console(highlight=False, emoji=False, markup=False)
        self._cells = cell_len
        self._rule, self._table, self._text = Rule, Table, Text

    def _fit(self, text: str) -> str:
        return wrapped(text, max(20, self._console.width - NAME_WIDTH - 8), self._cells)

    def _row(self, time: str, name: str, style: str, text: "Text") -> None:
        table = self._table.grid(padding=(0, 1), expand=False)
        table.add_column(width=5, style="dim")
        table.add_column(width=NAME_WIDTH, overflow="ellipsis", no_wrap=True, style=style)
        table.add_column(overflow="fold", ratio=1)
        table.add_row(self._text(time), self._text(name), text)
        self._console.print(table)

    def spoken(
        self, at: datetime, name: str, text: str, *, place: str = "", own: bool = False, bot: bool = False,
        mentions: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        where = f"〔{place}〕" if place else ""
        shown = self._text(self._fit(where + _shown(text, mentions, bot)))
        shown.highlight_words([f"@{one}" for one in mentions], "bold cyan")
        shown.stylize("magenta", 0, len(where))
        if bot:
            style = "bold bright_magenta"
        elif own:
            style = "bold green"
        else:
            style = _PALETTE[sum(map(ord, name)) % len(_PALETTE)]
        self._row(f"{at:%H:%M}", tidy(name), style, shown)

    def typed(self, text: str) -> None:
        self._console.print(self._text(f"› {tidy(text)}", style="dim"))

    def heading(self, lines: list[str]) -> None:
        self._console.print(self._text(lines[0], style="bold"))
        for line in lines[1:]:
            self._console.print(self._text(line, style="dim"))

    def note(self, text: str) -> None:
        self._row("", "", "", self._text(self._fit(tidy(text)), style="dim"))

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

    def patched(self) -> AbstractContextManager[None]:
        """While this holds, what is printed appears above the prompt."""
        from prompt_toolkit.patch_stdout import patch_stdout  # noqa: PLC0415

        return patch_stdout(raw=True)

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
