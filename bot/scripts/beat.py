"""A beat ready to be played: everything that schedule, handlers, lint and policy ask of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.replies import Sort
from bot.scripts.model import Content, Late, Origin
from bot.scripts.opens import Opens
from bot.scripts.triggers import Trigger, Weekly
from bot.settings import GroupSettings
from bot.world import Luck

OWN = "own"
"""The script of the campaigns that staff made by chat: `own.n3` is the third one. No file has this name."""
OWN_TITLE = "聊天里建的活动"
"""What they are called together, in sheets and where a problem would name its file."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Groups by type and tag, members by segment. Empty means everybody."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """Other words for a part of the audience; what is empty stays as it is."""

    phrase: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Personal:
    """A beat for one member, counted from something that they did. `minute` is the time of day, None: to the hour.

    `step` > 0 makes it part of a sequence: the following step is said when `until` of this one was done.
    """

    event: Origin | None
    days: int = 0
    hours: int = 0
    minute: int | None = None
    unless: str = ""
    where: str = "private"
    step: int = 0
    until: str = ""
    words: tuple[str, ...] = ()
    points: int = 0

    def due(self, since: datetime, zone: ZoneInfo) -> datetime:
        """The moment of this beat for a member whose event was at `since`; never before it."""
        if self.minute is None:
            return since + timedelta(days=self.days, hours=self.hours)
        day = since.astimezone(zone).date() + timedelta(days=self.days)
        due = datetime(day.year, day.month, day.day, self.minute // 60, self.minute % 60, tzinfo=zone)
        return max(due, since)


@dataclass(frozen=True, slots=True)
class Task:
    """What a person must do: `owner` is a staff id or a role, `within` the time they have."""

    what: str
    owner: str
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A beat ready to be played. `id` is `script.beat`; the moment is taken in the zone of each group.

    `content`, `kind`, `mechanics`, `items`, `deal` and `audience` say what it is about, for the lint and the contact
    policy. `campaign` is the same for all waves of one campaign.
    """

    id: str
    script: str
    title: str
    script_title: str = ""
    trigger: Trigger | None
    personal: Personal | None = None
    phrase: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    bank: str = ""
    picture: str = ""
    task: Task | None = None
    opens: Opens | None = None
    variants: Mapping[str, Variant] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    audience: Audience = Audience()
    late: Late = "send"
    lateness: timedelta = timedelta(minutes=15)
    sort: Sort = Sort.CAMPAIGN
    content: Content = "service"
    kind: str = ""
    mechanics: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    deal: bool = False
    campaign: str = ""
    campaign_title: str = ""
    wave: int = 0
    file: Path | None = None
    lint_off: Mapping[str, str] = field(default_factory=dict)
    """Rules of bot/lint that are silent for this beat, each with its reason; those of its whole script among them."""
    script_lint_off: Mapping[str, str] = field(default_factory=dict)

    @property
    def made_by_chat(self) -> bool:
        """Staff made it in a conversation: it stands in the database, not in a file."""
        return self.script == OWN

    @property
    def called(self) -> str:
        """What an operator knows a campaign made by chat by: `活动 #3 周三加场`."""
        return f"活动 #{self.id.partition('.')[2].removeprefix('n')} {self.title}"

    @property
    def weekdays(self) -> tuple[str, ...]:
        """The weekdays of a weekly beat, else none."""
        days = self.trigger.days if self.trigger else None
        return days.weekdays if isinstance(days, Weekly) else ()

    @property
    def surprise(self) -> bool:
        """Its minute is a matter of luck and not told beforehand."""
        return self.trigger is not None and self.trigger.between is not None

    @property
    def budgeted_as(self) -> str:
        """What the contact policy takes it for: whatever sells is a product post, whatever its file calls it."""
        return "product" if self.deal else self.content

    def plays_in(self, group: str, settings: GroupSettings) -> bool:
        """Whether a group gets this beat: by name, else by script, and then by type, tag and no-promotion flag."""
        if not (group in self.groups if self.groups else self.script in settings.scripts):
            return False
        if settings.contact.no_promo and (self.deal or self.content == "product"):
            return False
        wanted = self.audience
        return (not wanted.types or settings.type in wanted.types) and (
            not wanted.tags or not set(wanted.tags).isdisjoint(settings.tags)
        )

    def _trigger_at(self, anchor: date | None) -> Trigger | None:
        return self.trigger.anchored_at(anchor) if self.trigger is not None and anchor is not None else self.trigger

    def rule(self, zone: ZoneInfo, anchor: date | None = None) -> str:
        """The rule for its moments as text: when it changes, the beat starts anew instead of catching up. `anchor`: the
        day that a group chose for the anchor of the script."""
        trigger = self._trigger_at(anchor)
        return f"{trigger.text if trigger else ''} {zone.key}"

    def next_after(
        self, moment: datetime, zone: ZoneInfo, luck: Luck | None = None, group: str = "", anchor: date | None = None
    ) -> datetime | None:
        """The first due time (UTC) later than `moment`; None when the beat is over. Without `luck`, a random minute
        counts as the first one of its window. `anchor`: the day that the group chose for the anchor of the script."""
        trigger = self._trigger_at(anchor)
        if trigger is None:
            return None
        if luck is None or trigger.between is None:
            return trigger.next_after(moment, zone)

        def minute_of(day: date, count: int) -> int:
            return luck.below(count, "minute", self.id, group, day)

        return trigger.next_after(moment, zone, minute_of)

    def variant_for(self, labels: Collection[str]) -> Variant:
        """The words for an audience with these labels: the first variant of the file that fits."""
        own = Variant(self.phrase, self.slots, self.picture)
        for name, other in self.variants.items():
            if name in labels:
                return Variant(other.phrase or own.phrase, {**own.slots, **other.slots}, other.picture or own.picture)
        return own

    def all_words(self) -> list[Variant]:
        """Every way in which this beat may be said: its own words and those of its variants."""
        return [self.variant_for(()), *(self.variant_for((name,)) for name in self.variants)]
