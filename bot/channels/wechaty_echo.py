"""Which of our sends a message of our own account is the echo of: what settles a send whose answer never came. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.channels.wechaty_kept import Bounded

_AT = re.compile(r"@[^@\u2005]{1,40}\u2005")


def _plain(line: str) -> str:
    """Platforms write the mentions into the text in their own way."""
    return "".join(_AT.sub("", line).split())


@dataclass(slots=True)
class Waiting:
    """One send: under way, or of unknown outcome. `form` is "text", "picture", "file" or "link"."""

    key: str
    conversation: str
    form: str
    text: str
    flying: bool = True
    kept: tuple[str, ...] = ()
    """Echoes that came while it was under way and may be its own."""

    def matches(self, conversation: str, form: str, line: str) -> bool:
        if conversation != self.conversation:
            return False
        if self.form in {"picture", "file"}:
            return form in {"picture", "file"}
        if self.form == "link":
            return form == "link"
        return form == "text" and _plain(line) == _plain(self.text)


class Echoes:
    """The ledger of sends. At most one is under way per conversation, because the outbox sends one after another."""

    def __init__(self, most: int = 1000) -> None:
        self._sent: Bounded[str, None] = Bounded(most)
        self._waiting: Bounded[str, Waiting] = Bounded(most)
        self._serial = 0

    def unsettled(self) -> int:
        return sum(not waiting.flying for waiting in self._waiting.values())

    def begin(self, key: str, conversation: str, form: str, line: str, *, flying: bool = True) -> str:
        """A send starts (or, not flying, was left unknown by an earlier process). Returns its handle."""
        self._serial += 1
        handle = f"{self._serial}"
        self._waiting[handle] = Waiting(key, conversation, form, line, flying)
        return handle

    def succeeded(self, handle: str, platform_id: str) -> list[tuple[str, str]]:
        """The answer came. Echoes that waited for it and are not its own are matched again."""
        waiting = self._waiting.pop(handle, None)
        if platform_id:
            self._sent[platform_id] = None
        if waiting is None:
            return []
        rest = [echo for echo in waiting.kept if echo != platform_id] if platform_id else list(waiting.kept[1:])
        return self._settle(waiting, rest)

    def refused(self, handle: str) -> list[tuple[str, str]]:
        waiting = self._waiting.pop(handle, None)
        return self._settle(waiting, waiting.kept) if waiting else []

    def lost(self, handle: str) -> tuple[str, list[tuple[str, str]]]:
        """No answer came. If its echo did, this returns the id; else it goes on waiting as unknown."""
        waiting = self._waiting.get(handle)
        if waiting is None:
            return "", []
        if waiting.kept:
            first, *rest = waiting.kept
            del self._waiting[handle]
            self._sent[first] = None
            return first, self._settle(waiting, rest)
        waiting.flying = False
        return "", []

    def heard(self, platform_id: str, conversation: str, form: str, line: str) -> list[tuple[str, str]]:
        """A message of our own account came by: (key, platform id) of every send that it settles."""
        if platform_id in self._sent:
            return []
        suits: Callable[[Waiting], bool] = lambda waiting: waiting.matches(conversation, form, line)  # noqa: E731
        for waiting in self._waiting.values():
            if waiting.flying and suits(waiting):
                if platform_id not in waiting.kept:
                    waiting.kept = (*waiting.kept[-9:], platform_id)
                return []
        return self._match(platform_id, suits)

    def _match(self, platform_id: str, suits: Callable[[Waiting], bool]) -> list[tuple[str, str]]:
        for handle, waiting in self._waiting.items():
            if not waiting.flying and suits(waiting):
                del self._waiting[handle]
                self._sent[platform_id] = None
                return [(waiting.key, platform_id)]
        return []

    def _settle(self, like: Waiting, echoes: list[str] | tuple[str, ...]) -> list[tuple[str, str]]:
        settled = []
        for echo in echoes:
            if echo not in self._sent:
                settled += self._match(echo, lambda waiting: waiting.matches(like.conversation, like.form, like.text))
        return settled
