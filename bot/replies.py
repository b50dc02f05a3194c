"""Wishes: what a rule wants to happen in answer to an event. Wording comes later, from the persona."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Sort(StrEnum):
    """The class of a line; the contact policy and expiries differ by it."""

    REPLY = "reply"
    GAME = "game"
    REMINDER = "reminder"
    CAMPAIGN = "campaign"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Say:
    """Say the phrase `key` of the persona with these slots.

    Without `group` and `member` it goes where the event came from. `member` alone means 1:1; `mention` names people to
    @ in a group. `at` and `expires` bound when it may leave. `because` is the reason in words that staff can read.
    A slot may itself be a Say: it is put into words first. For the contact policy an unasked line says what `kind` of
    campaign it is (any word) and its `content`: useful, fun or product; unsaid counts as product.
    """

    key: str
    slots: Mapping[str, object] = field(default_factory=dict)
    mention: tuple[str, ...] = ()
    group: str | None = None
    member: str | None = None
    channel: str | None = None
    sort: Sort = Sort.REPLY
    at: datetime | None = None
    expires: datetime | None = None
    because: str = ""
    picture: str = ""
    kind: str = ""
    content: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Say nothing, and remember why: `为什么` shows it."""

    because: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Not mine: the next route decides. Only an open session may say so."""


PASS = Pass()
Wish = Say | Silence
Wishes = Wish | Iterable[Wish] | Pass | None
"""What a handler may return."""


def say(
    key: str, /, *, mention: tuple[str, ...] = (), sort: Sort = Sort.REPLY, because: str = "", **slots: object
) -> Say:
    """The short way to write the usual Say: `say("checkin.done", name=…, streak=3)`."""
    return Say(key, slots, mention=mention, sort=sort, because=because)


def flatten(wishes: Wishes) -> list[Wish]:
    """The wishes as a list, whatever shape the handler chose."""
    if wishes is None or isinstance(wishes, Pass):
        return []
    if isinstance(wishes, Say | Silence):
        return [wishes]
    return list(wishes)
