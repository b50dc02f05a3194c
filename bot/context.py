"""What a handler may reach for, bound to the current transaction."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from bot.banks import Bank
from bot.catalogue import Catalogue
from bot.config import Config
from bot.draw_plan import DrawPlan
from bot.errors import Mistake, Problem
from bot.events import Event
from bot.faq.library import Library
from bot.needs import Need
from bot.quizbank import Question
from bot.replies import Say
from bot.scripts import Beat
from bot.scripts.opens import Opens
from bot.settings import GroupSettings
from bot.settings.deployment import Role
from bot.story import Story
from bot.survey import Survey
from bot.tagrules import TagBook
from bot.words import Reading
from bot.world import Luck, span_ms, to_ms
from storage.store import Store

NAMED = 3
"""People whom a refusal names."""


class Desk(Protocol):
    """What handlers may ask of the house itself, beyond this one event."""

    def help_for(self, role: str | None, settings: GroupSettings) -> list[tuple[str, tuple[str, ...], str, str]]:
        """(section, words, usage, help) of every command that a role may use under these settings."""

    def needed(self, word: str, settings: GroupSettings, *, acting: bool = True) -> str | None:
        """The least role for what a staff word changes (or for looking, where not `acting`), with this deployment's
        rights; None: no staff word."""

    def rights(self, settings: GroupSettings) -> list[tuple[str, str, str]]:
        """(word, least role to use it, least role for what it changes) of every staff word."""

    def words(self, settings: GroupSettings) -> list[str]:
        """Every command word, for "did you mean"."""

    def is_command(self, reading: Reading, settings: GroupSettings) -> bool:
        """Whether a message is a command under these settings, of a member or of staff."""

    @property
    def library(self) -> Library:
        """The question book: what operators wrote and what was taught by chat."""

    def taboo(self, text: str) -> str:
        """The word of a text that the persona must not use, or an empty string."""

    def asks(self, text: str) -> bool:
        """Whether a normalised text sounds like a question."""

    def questions(self) -> Sequence[Question]:
        """Every question of the persona's banks, in the order of the files."""

    def preview(self, say: Say, settings: GroupSettings) -> str:
        """The words that a Say would become now, without saying them."""

    @property
    def catalogue(self) -> Catalogue:
        """What the shop has."""

    @property
    def tags(self) -> TagBook:
        """The rules by which members get tags."""

    def surveys(self) -> Mapping[str, Survey]:
        """The questionnaires of the persona, by name."""

    def is_our_name(self, name: str) -> bool:
        """Whether the bot goes by this name."""

    def reload(self) -> list[str]:
        """Reads persona, FAQ and scripts anew; returns what was read. Raises ConfigError and keeps the old content."""

    def replan(self) -> None:
        """Plans scheduled posts anew after settings changed."""

    def clashes(self, group: str, settings: GroupSettings) -> list[Problem]:
        """What would be wrong with these settings for a group: words claimed twice, unknown phrases or scripts."""

    def upcoming(self, group: str | None, most: int) -> list[tuple[datetime, str, str, str]]:
        """(when, group, beat, title) of the next scheduled posts, in order."""

    def title_of(self, beat: str) -> str:
        """What a beat is called."""

    def play(self, beat: str, group: str) -> Say | None:
        """The line of a beat for a group, or None when the beat is gone."""

    def opens(self, beat: str, group: str | None = None) -> Opens | None:
        """What a beat opens instead of saying a line; with a group only where it is played."""

    def beat(self, name: str) -> Beat | None:
        """A beat by its id, `script.beat`; None when the files have none."""

    def beats(self) -> Mapping[str, Beat]:
        """Every beat of every script, by id."""

    def banks(self) -> Mapping[str, Bank]:
        """The banks of the persona, by name."""

    def lateness(self, beat: str) -> timedelta | None:
        """How late a beat may be posted."""

    def slots_of(self, phrase: str) -> set[str] | None:
        """What a phrase of the persona wants to be filled in; None when there is no such phrase."""

    def taboo_in(self, text: str) -> list[str]:
        """The words of a text that the persona never says."""

    def stories(self) -> Mapping[str, Story]:
        """The serials of the persona, by name."""

    def secret(self, *occasion: object) -> str:
        """64 hexadecimal digits that nobody can know before; whoever asks must store them."""

    def draw_plan(self, name: str) -> DrawPlan | None:
        """A draw that an operator wrote as a file, by its name."""

    def draw_plans(self) -> list[str]:
        """The names of all of them."""

    def status(self) -> list[str]:
        """How the process is doing, one fact a line."""

    def mood_of(self, text: str) -> tuple[str, str] | None:
        """(complaint or distress, the word that gave it away) of a normalised text."""

    def need_of(self, text: str) -> tuple[Need, str] | None:
        """(a need, the word that gave it away) of a normalised text."""

    def need(self, name: str) -> Need | None:
        """A need that operators wrote, by its id."""

    def speaks(self, channel: str) -> str:
        """When a channel may speak: first, only in answer, or what a person confirmed."""

    def staff_rooms(self) -> list[tuple[str, str]]:
        """(channel, member id) of those who are told when something needs a person."""


class Context:
    """One event's view of the house. `now` is when it is handled; facts count for `event.at`, when they happened."""

    __slots__ = ("config", "desk", "event", "hit", "luck", "now", "on_wake", "reading", "role", "settings", "store")

    def __init__(
        self, event: Event, *, now: datetime, reading: Reading, settings: GroupSettings, role: str | None,
        store: Store, config: Config, luck: Luck, desk: Desk, on_wake: Callable[[int], None], hit: Any = None,
    ) -> None:  # fmt: skip
        self.event = event
        self.now = now
        self.reading = reading
        self.settings = settings
        self.role = role
        self.store = store
        self.config = config
        self.luck = luck
        self.desk = desk
        self.on_wake = on_wake
        self.hit = hit

    @property
    def at_ms(self) -> int:
        """When the event happened, in ms."""
        return to_ms(self.event.at)

    @property
    def name(self) -> str:
        """The name of whoever caused the event."""
        return self.store.members.name(self.event.member) if self.event.member else ""

    @property
    def group(self) -> str:
        """The group of an event that has one."""
        assert self.event.group is not None
        return self.event.group

    @property
    def member(self) -> str:
        """The member of an event that has one."""
        assert self.event.member is not None
        return self.event.member

    def local(self, moment: datetime) -> datetime:
        """A moment in the group's zone."""
        return moment.astimezone(zone_of(self.settings))

    def day_of(self, moment: datetime) -> date:
        """The business day of a moment: a date in the group's zone."""
        return self.local(moment).date()

    def wake(self, topic: str, key: str, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Asks to be woken at a moment with a Tick; the same topic and key again replaces the wish."""
        due = to_ms(at)
        self.store.agenda.wake_at(topic, key, due, payload or {})
        self.on_wake(due)

    def resting(self, name: str, place: str, span: timedelta) -> bool:
        """True while something rests in a place; otherwise lets it rest for `span` from now."""
        now = to_ms(self.now)
        if self.store.agenda.cooling(name, place, now) is not None:
            return True
        if span > timedelta(0):
            self.store.agenda.rest(name, place, now + span_ms(span))
        return False

    def may(self, role: str) -> bool:
        """Whether whoever caused the event has at least this staff role."""
        return self.role is not None and Role.reaches(self.role, role)

    def needs(self, role: str) -> None:
        """Raises Mistake, naming who may, when the staff member's role is too weak for what the word changes. `role` is
        the word's own right; `[staff_rights]` of the deployment comes before it."""
        needed = self.desk.needed(self.reading.head, self.settings) or role
        if not self.may(needed):
            raise Mistake("staff.read_only", name=self.name, **self.refusal(needed))

    def refusal(self, needed: str) -> dict[str, str]:
        """What a refusal names: the word, the least role, and the people who have it on this channel."""
        people = [
            one.name or one.id for one in self.config.settings.staff
            if Role.reaches(one.role, needed) and (not one.channels or self.event.channel in one.channels)
        ]  # fmt: skip
        more = f"等 {len(people)} 位" if len(people) > NAMED else ""
        who = f"{'、'.join(people[:NAMED])}{more}" or "还没有人有这个权限，请改设置文件"
        return {"word": self.reading.head[:20], "role": Role.TITLES[needed], "who": who}

    def audit(self, action: str, what: str, *, group: str | None = None) -> int:
        """Writes a staff action down, of this place or of `group`. Returns the number of the entry."""
        return self.store.office.audit(
            self.member, group or self.event.group, action, what, at=to_ms(self.now), event_id=self.event.id
        )


_ZONES: dict[str, ZoneInfo] = {}


def zone_of(settings: GroupSettings) -> ZoneInfo:
    """The zone of a group. There are only so many zones, so they are remembered."""
    zone = _ZONES.get(settings.zone)
    if zone is None:
        zone = _ZONES[settings.zone] = ZoneInfo(settings.zone)
    return zone
