"""Facts that happened: frozen, stamped with the time they happened and the channel they came through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

NO_EXTRAS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Person:
    """A member as the platform names them: a stable id and a display name that may change or be empty."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The earlier message that a message answers."""

    id: str
    member: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every fact carries.

    `id` is unique for ever: the same id again is a repeated delivery and changes nothing. `at` (aware) is when it
    happened on the platform, not when it reached us. `group` is None in a 1:1 conversation.
    """

    kind: ClassVar[str] = "event"

    id: str
    at: datetime
    channel: str
    group: str | None = None
    member: str | None = None
    name: str = ""

    def details(self) -> Mapping[str, Any]:
        """What is worth storing besides the common columns: plain JSON values."""
        return NO_EXTRAS


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """Somebody said something. `form` is text, picture, file, link or another kind that is only noted."""

    kind: ClassVar[str] = "message"

    text: str = ""
    mentions: tuple[str, ...] = ()
    form: str = "text"
    media: str = ""
    quote: Quote | None = None

    def details(self) -> Mapping[str, Any]:
        if self.form == "text" and not self.mentions and self.quote is None:
            return NO_EXTRAS
        extras: dict[str, Any] = {}
        if self.form != "text":
            extras["form"] = self.form
        if self.media:
            extras["media"] = self.media
        if self.mentions:
            extras["mentions"] = list(self.mentions[:20])
        if self.quote is not None:
            extras["quote"] = {"id": self.quote.id, "member": self.quote.member, "text": self.quote.text[:200]}
        return extras


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(Event):
    """People entered a group. `history` marks a roster read at first connect: nobody is greeted for it."""

    kind: ClassVar[str] = "joined"

    people: tuple[Person, ...]
    inviter: str = ""
    source: str = ""
    history: bool = False

    def details(self) -> Mapping[str, Any]:
        return {
            "members": [person.id for person in self.people],
            "inviter": self.inviter,
            "source": self.source,
            "history": self.history,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeft(Event):
    """People left a group or were removed from it."""

    kind: ClassVar[str] = "left"

    people: tuple[Person, ...]

    def details(self) -> Mapping[str, Any]:
        return {"members": [person.id for person in self.people]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdded(Event):
    """Somebody added the account as a 1:1 contact. `source` names the code or page they came from."""

    kind: ClassVar[str] = "contact_added"

    source: str = ""

    def details(self) -> Mapping[str, Any]:
        return {"source": self.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatDue(Event):
    """A scheduled post fell due. Its id is `script.beat:group:due-time`, so it can enter only once."""

    kind: ClassVar[str] = "beat_due"

    beat: str

    def details(self) -> Mapping[str, Any]:
        return {"beat": self.beat}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Event):
    """A moment that some state asked to be woken at (`wake_at`). A stale tick is harmless: rules look at `at`."""

    kind: ClassVar[str] = "tick"

    topic: str
    key: str
    payload: Mapping[str, Any] = field(default_factory=dict)

    def details(self) -> Mapping[str, Any]:
        return {"topic": self.topic, "key": self.key}
