"""What may stand in a script file: beats with their days, their words and what they are about."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bot.crowd import LONGEST, check
from bot.scripts.opens import Opens
from bot.scripts.triggers import On, Short
from bot.scripts.words import (
    Anchor,
    Clocks,
    DateWords,
    Edge,
    Festivals,
    MonthDays,
    Numbers,
    Weekdays,
    Window,
)
from bot.settings.kinds import Part, Span, Word
from bot.settings.lint import Reason

Late = Literal["send", "merge", "ask", "drop"]
Kind = Literal[
    "", "new-item", "flash", "group-buy", "trial", "benefit", "draw", "topic", "column", "announcement", "referral",
    "member-day", "lesson", "live", "follow-up", "greeting", "check-in",
]  # fmt: skip
Content = Literal["useful", "case", "fun", "product", "service"]
Origin = Literal["contact_added", "joined", "purchase", "first_check_in"]
LATENESS: dict[str, timedelta] = {
    "send": timedelta(minutes=15), "merge": timedelta(days=1), "ask": timedelta(hours=6), "drop": timedelta(0),
}  # fmt: skip
"""How long a late post is still worth something when its file does not say: a quarter of an hour later it looks like a
machine; merged into the next one it may be a day old; staff get six hours to answer."""
PERSONAL_LATENESS = timedelta(days=1)
"""A follow-up for one member is still one a day later."""
_WHEN = ("weekday", "monthday", "date", "festival", "day", "after")


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[Word, ...], BeforeValidator(_several)]


class AudienceModel(Part):
    """Whom a beat is for: groups by type and tag; members, of beats that go to one person, by segment."""

    types: Words = Field((), description="只给这些类型的群（群设置 type）")
    tags: Words = Field((), description="群的标签（群设置 tags）有其中一个就算")
    segment: str = Field(
        "", max_length=LONGEST,
        description="只给这一类人：buyer、new、member，保存过的分群的名字，或一个条件；只用于一对一的拍",
    )  # fmt: skip

    @field_validator("segment")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value:
            check(value)
        return value


class VariantModel(Part):
    """The same beat for a part of its audience: group type or tag; for one person their segment."""

    phrase: str = ""
    slots: dict[str, str] = Field(default_factory=dict)
    picture: str = ""


class WaveModel(Part):
    """One wave of a campaign: another time, and other words where it says so."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = Field("", max_length=40)
    time: Clocks = ()
    between: Window = None
    phrase: str = ""
    slots: dict[str, str] = Field(default_factory=dict)
    picture: str = ""
    late: Late | None = None
    lateness: Span | None = None


class RewardModel(Part):
    """What the last step of a sequence gives."""

    points: int = Field(0, ge=0, le=10_000)


class BeatModel(Part):
    """One beat: when, to whom, what."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = Field(min_length=1, max_length=40)
    # -- when --
    weekday: Weekdays = ()
    monthday: MonthDays = ()
    short_month: Short | None = Field(None, description="没有那一号的月份：last 用最后一天，skip 跳过")
    date: DateWords = ()
    festival: Festivals = ()
    days: Numbers = Field((), description="离节日几天：-3 是前三天；after 时是几天后")
    day: Numbers = Field((), description="离脚本的 anchor 几天")
    on: Annotated[tuple[On, ...], BeforeValidator(_several)] = ()
    time: Clocks = ()
    between: Window = Field(None, description="在这段时间里随机一分钟，事先不说")
    # -- for one member --
    after: Origin | None = None
    hours: int = Field(0, ge=0, le=24 * 90)
    unless: Literal["", "talked"] = ""
    where: Literal["private", "group"] = "private"
    step: int = Field(0, ge=0, le=9, description="一步一步来的第几步，做完这一步才说下一步")
    until: Literal["", "talk", "word", "check_in", "join"] = Field("", description="做了什么算做完这一步")
    words: Words = ()
    reward: RewardModel = Field(default_factory=lambda: RewardModel())
    # -- what --
    does: Literal["say", "task"] = "say"
    phrase: str = ""
    slots: dict[str, str] = Field(default_factory=dict)
    bank: str = Field("", max_length=40, description="从这个素材库里取一条，填进空位 entry")
    picture: str = ""
    task: str = Field("", max_length=200, description='does = "task" 时要人做的事')
    owner: str = Field("operator", min_length=1, max_length=64, description="员工 id 或角色")
    within: Span = Field(timedelta(days=1), description="任务多久内做完")
    opens: Opens | None = Field(None, description="不说话，而是开一样东西：抽奖、答题或游戏")
    variant: dict[str, VariantModel] = Field(default_factory=dict)
    wave: tuple[WaveModel, ...] = ()
    # -- to whom --
    groups: tuple[str, ...] = Field((), description="只给这些群；留空给所有启用了这个脚本的群")
    audience: AudienceModel = Field(default_factory=lambda: AudienceModel())
    # -- too late --
    late: Late = "send"
    lateness: Span | None = Field(None, description="晚了多久就不发；15 分钟后再发像机器")
    # -- what it is about: read by the lint and by the contact policy --
    sort: Literal["campaign", "reminder"] = "campaign"
    content: Content = "service"
    kind: Kind = ""
    mechanics: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    deal: bool = False
    lint_off: dict[str, Reason] = Field(default_factory=dict, description="检查不看哪条规则，写理由")

    @model_validator(mode="after")
    def _whole(self) -> "BeatModel":
        self._one_when()
        self._one_time()
        self._something_to_do()
        return self

    def _one_when(self) -> None:
        chosen = [name for name in _WHEN if getattr(self, name) not in ((), None)]
        if len(chosen) > 1:
            raise ValueError(f"{'、'.join(chosen)} 只能写一个")
        if not chosen and not self.on and not self.step > 1:
            raise ValueError(f"没写哪一天：{'、'.join(_WHEN)} 里写一个，或写 on")
        long = any(abs(one) > 28 for one in self.monthday) or "02-29" in self.date
        if long and self.short_month is None:
            raise ValueError('有的月份没有这一天，写 short_month = "last"（用最后一天）或 "skip"（跳过）')
        if not long and self.short_month is not None:
            raise ValueError("每个月都有这一天，short_month 用不上")
        if self.days and not (self.festival or self.after):
            raise ValueError("days 要和 festival 或 after 一起写")

    def _one_time(self) -> None:
        personal = self.after is not None or self.step > 0
        if self.time and self.between:
            raise ValueError("time 和 between 只能写一个")
        if personal:
            if self.between or len(self.time) > 1 or self.wave or self.on:
                raise ValueError("对一个人的拍只写一个 time，没有 between、wave 和 on")
            if len(self.days) > 1 or any(one < 0 for one in self.days) or (self.days and self.hours):
                raise ValueError("几天后（days）和几小时后（hours）写一个，不能是负数")
            if self.late not in ("send", "drop"):
                raise ValueError("对一个人的拍，late 只能写 send 或 drop")
            if self.time and not self.days:
                raise ValueError("time 要和 days 一起写：几天后的几点")
        elif not self.time and not self.between and not self.wave:
            raise ValueError('没写几点：time = "12:00" 或 between = ["14:00", "17:00"]')
        elif self.wave and (self.time or self.between):
            raise ValueError("写了 wave，钟点就写在每一波里")
        if self.audience.segment and not personal:
            raise ValueError("群里的话大家都看得到，segment 只用于一对一的拍")

    def _something_to_do(self) -> None:
        if any(not (one.time or one.between) for one in self.wave):
            raise ValueError("每一波都要写 time 或 between")
        ids = [one.id for one in self.wave]
        if len(set(ids)) < len(ids):
            raise ValueError("每一波用自己的 id")
        if self.does == "task" and not self.task:
            raise ValueError('does = "task" 要写 task：要人做什么')
        if self.opens is not None:
            self._only_opens()
        elif self.does == "say" and not self.phrase and not (self.wave and all(one.phrase for one in self.wave)):
            raise ValueError("没写说哪句话术（phrase），也没写开什么（opens）")
        if self.until == "word" and not self.words:
            raise ValueError('until = "word" 要写 words：说哪个词算做完')

    def _only_opens(self) -> None:
        said = self.phrase or self.slots or self.bank or self.picture or self.variant or self.does == "task"
        if said or any(one.phrase or one.slots or one.picture for one in self.wave):
            raise ValueError("opens（开抽奖、答题或游戏）和 phrase、slots、bank、picture、task 不能一起写")
        if self.after is not None or self.step or self.late not in ("send", "drop"):
            raise ValueError("开东西的一拍只给群，late 只写 send 或 drop：不写 after、step")


class WindowModel(Part):
    """From when until when a temporary script plays: dates, or days from the anchor."""

    opens: Edge = Field(None, alias="from")
    closes: Edge = Field(None, alias="until")

    @model_validator(mode="after")
    def _right_way_round(self) -> "WindowModel":
        if self.opens is None or self.closes is None or type(self.opens) is not type(self.closes):
            raise ValueError("from 和 until 都要写，要么都是日期，要么都是离 anchor 几天")
        if self.opens > self.closes:  # type: ignore[operator]  # both are of one type
            raise ValueError("until 比 from 早")
        return self


class ScriptModel(Part):
    """One script file."""

    title: str = Field(min_length=1, max_length=40)
    anchor: Anchor = Field("", description="整个脚本围着转的那天：2026-12-12，或节日名（每年）")
    window: WindowModel | None = None
    lint_off: dict[str, Reason] = Field(default_factory=dict, description="整个脚本不看哪条规则，写理由")
    beat: tuple[BeatModel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _anchored(self) -> "ScriptModel":
        relative = self.window is not None and isinstance(self.window.opens, int)
        if not self.anchor and (relative or any(beat.day for beat in self.beat)):
            raise ValueError('写了 day 或离那天几天的 window，就要写 anchor = "2026-12-12" 或节日名')
        return self


def as_date(text: str) -> date | None:
    """A date as the anchor has it, or None for a festival."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
