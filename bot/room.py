"""The room that `yuanzi chat` shows: one person before a stage; what happens in it is shown, recorded and kept."""

import asyncio
import re
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.channels import Line
from bot.errors import Mistake
from bot.recording import Recording
from bot.stage import YOU, Stage
from bot.words import normalise, one_line

AT_ONCE = 30
"""Lines of the bot shown for one thing that was typed; the rest is counted."""


class Screen(Protocol):
    """What shows a conversation."""

    def spoken(
        self, at: datetime, name: str, text: str, *, place: str = "", own: bool = False, bot: bool = False,
        mentions: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Somebody said something; `place` says where, when it was not in the group."""

    def typed(self, text: str) -> None:
        """A command as it was typed."""

    def heading(self, lines: list[str]) -> None:
        """What this is: the title, then what helps."""

    def note(self, text: str) -> None:
        """What the room itself says: who came, what a command did, what was wrong."""

    def divider(self, at: datetime) -> None:
        """Time went by; it is now."""


class Room:
    """Where `me` sits. Whoever lets something happen holds `lock`.

    `keeps`: the clock and the identity are remembered in the database. `recording` is None in a session that did not
    start from an empty database, because it could not be replayed.
    """

    def __init__(self, stage: Stage, screen: Screen, *, keeps: bool = False, resumed: bool = False) -> None:
        self.stage = stage
        self.screen = screen
        self.lock = asyncio.Lock()
        self.me = YOU[1]
        self.recording = None if resumed else Recording(stage.start)
        self.reason = "我还没说过话。"
        """Why the bot said its last line, or was silent."""
        self.left: set[str] = set()
        self._keeps = keeps
        self._kept: tuple[datetime, str] | None = None
        self._day = stage.start.date()
        self._left_to_show = AT_ONCE
        self.hidden = 0
        """Lines said but not shown since `show_at_most`."""
        stage.show = self._show

    # -- who is here -----------------------------------------------------------------------------------------------

    @property
    def bot(self) -> str:
        """What the bot is called."""
        return self.stage.app.desk.content.voice.persona.name

    def names(self) -> list[str]:
        """Everybody who can be spoken as, yourself first."""
        return [self.me, *(name for name in self.stage.people if name != self.me and name not in self.left)]

    def knows(self, name: str) -> bool:
        """Whether somebody of this name is in the cast, or was seen here before."""
        if name in self.stage.people:
            return True
        members = self.stage.app.store.members
        found = [one for one in members.find(name, None) if members.name(one) == name]
        if found:
            self.stage.people[name] = found[0]
        return bool(found)

    def be(self, name: str) -> None:
        """From now on plain text is said by this person."""
        self.me = name
        self.stage.id_of(name)

    def new_name(self, text: str) -> str:
        """A name that somebody new may have. Raises Mistake."""
        wrong = not text or text != one_line(text) or re.search(r"[\s:：/／@]", text)
        if wrong or normalise(text) == normalise(self.bot):
            raise Mistake("chat.name", text=text[:30])
        return text

    def newcomers(self, pool: Sequence[str], many: int) -> list[str]:
        """So many people who were never seen here; past the end of the pool they are numbered."""
        names: list[str] = []
        number = 1
        while len(names) < many:
            fresh = [name if number == 1 else f"{name}{number}" for name in pool]
            names += [name for name in fresh if not self.knows(name)][: many - len(names)]
            number += 1
        return names

    # -- what happens ----------------------------------------------------------------------------------------------

    async def happen(self, action: dict[str, Any], work: Awaitable[list[Line]], *, asked: bool = True) -> list[Line]:
        """Something happens, `action` says what in the words of a scenario. `asked`: somebody typed it, so the silence
        that follows is worth explaining too."""
        lines = await work
        if self.recording is not None:
            self.recording.add(action, lines)
        if lines or asked:
            self.reason = self.stage.why()
        return lines

    async def until(self, moment: datetime) -> list[Line]:
        """Time goes by until then."""
        before = self.stage.now
        span = max(moment - before, timedelta(0))
        lines = await self.happen({"until": self.stage.now + span}, self.stage.wait(span), asked=False)
        held = self.stage.held_since(before + timedelta(milliseconds=1))
        if held:
            self.note(f"有 {len(held.splitlines())} 条按规矩没发。想知道原因：/为什么")
            self.reason = held
        if lines:
            await self.keep()
        return lines

    async def chatter(self, name: str, text: str) -> None:
        """Somebody of the group says something by themselves."""
        self.screen.spoken(self.stage.now, name, text)
        await self.happen({"say": text, "by": name}, self.stage.says(name, text), asked=False)

    async def meet(self) -> None:
        """The bot meets whoever sits here: the first line of every new conversation."""
        await self.happen({"contact": self.me}, self.stage.adds_contact(self.me))
        await self.keep()

    async def keep(self) -> None:
        """Remembers where we are, to go on from here next time."""
        state = (self.stage.now, self.me)
        if self._keeps and state != self._kept:
            self._kept = state
            await self.stage.remember({"chat.now": state[0].isoformat(), "chat.me": self.me})

    # -- what is shown ---------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Something that the room itself says."""
        self.screen.note(text)

    def divide(self) -> None:
        """Shows that it is another time now."""
        self._day = self.stage.now.date()
        self.screen.divider(self.stage.now)

    def show_at_most(self, lines: int = AT_ONCE) -> None:
        """From now on so many lines of the bot are shown, then they are only counted."""
        self._left_to_show, self.hidden = lines, 0

    def _show(self, line: Line) -> None:
        if self._left_to_show <= 0:
            self.hidden += 1
            return
        self._left_to_show -= 1
        if self.stage.now.date() != self._day:
            self.divide()
        members = self.stage.app.store.members
        self.screen.spoken(
            self.stage.now, self.bot, line.text, place="" if line.group else f"私聊 {members.name(line.member or '')}",
            bot=True, mentions=tuple(members.name(member) for member in line.mentions),
        )  # fmt: skip
