"""Scripts: when to say what to whom. TOML in, beats with triggers out; the wording is the persona's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import BeforeValidator, Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.replies import Sort
from bot.settings import GroupSettings
from bot.settings.kinds import Clock, Part, Span

BUILT_IN = Path(__file__).resolve().parent
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE_DAYS = {
    f"{prefix}{day}": name for prefix in ("周", "星期") for day, name in zip("一二三四五六日", _DAYS, strict=True)
}
EVERY_DAY = {"周天": "sun", "星期天": "sun", "每天": "*", "daily": "*"}


def _weekdays(value: Any) -> tuple[str, ...]:
    words = value if isinstance(value, list | tuple) else [value]
    days: list[str] = []
    for word in map(str, words):
        day = _CHINESE_DAYS.get(word) or EVERY_DAY.get(word) or word.lower()[:3]
        if day not in (*_DAYS, "*"):
            raise ValueError(f"「{word}」不是星期几，写 周三、wed 或 每天")
        days += _DAYS if day == "*" else (day,)
    if not days:
        raise ValueError("至少写一天：周三、wed 或 每天")
    return tuple(dict.fromkeys(days))


class BeatModel(Part):
    """One beat of a script: a phrase at a time on some weekdays."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = Field(min_length=1, max_length=40)
    weekday: Annotated[tuple[str, ...], BeforeValidator(_weekdays)]
    time: Clock
    phrase: str
    slots: dict[str, str] = Field(default_factory=dict)
    groups: tuple[str, ...] = Field((), description="只给这些群；留空给所有启用了这个脚本的群")
    lateness: Span = Field(timedelta(minutes=15), description="晚了多久就不发、改报漏发；15 分钟后再发像机器")
    sort: Literal["campaign", "reminder"] = "campaign"
    kind: str = Field(
        "", max_length=20, description="哪一类活动（新品、福利日……）；同类隔几天见 contact.same_kind_days"
    )
    content: Literal["", "useful", "fun", "product"] = Field("", description="有用、好玩还是产品；不写的活动算产品")


class ScriptModel(Part):
    """One script file."""

    title: str = Field(min_length=1, max_length=40)
    beat: tuple[BeatModel, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat ready to be played. `id` is `script.beat`; the moment is taken in the zone of each group."""

    id: str
    script: str
    title: str
    weekdays: tuple[str, ...]
    minute: int
    phrase: str
    slots: Mapping[str, str]
    groups: tuple[str, ...]
    lateness: timedelta
    sort: Sort
    kind: str = ""
    content: str = ""

    def plays_in(self, group: str, settings: GroupSettings) -> bool:
        """Whether a group gets this beat."""
        return group in self.groups if self.groups else self.script in settings.scripts

    def rule(self, zone: ZoneInfo) -> str:
        """The rule for its moments as text: when it changes, the beat starts anew instead of catching up."""
        return f"{','.join(self.weekdays)} {self.minute // 60:02}:{self.minute % 60:02} {zone.key}"

    def trigger(self, zone: ZoneInfo) -> CronTrigger:
        """The rule for its moments in a zone. Weekdays are named: numbers mean other days elsewhere."""
        return CronTrigger(
            day_of_week=",".join(self.weekdays),
            hour=self.minute // 60,
            minute=self.minute % 60,
            second=0,
            timezone=zone,
        )

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first due time later than `moment`."""
        trigger = self.trigger(zone)
        found: datetime | None = trigger.get_next_fire_time(None, moment + timedelta(milliseconds=1))
        assert found is not None  # a weekly rule always has a next time
        return found


def load_scripts(folder: Path | None) -> dict[str, list[Beat]]:
    """Every script: the built-in ones, then those of `folder`, which replace built-in ones of the same file name.

    Raises ConfigError with the problems of all files.
    """
    files = {path.stem: path for path in sorted(BUILT_IN.glob("*.toml"))}
    if folder is not None:
        if not folder.is_dir():
            raise ConfigError([Problem(str(folder), "bot.scripts", "找不到这个目录")])
        files |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    scripts: dict[str, list[Beat]] = {}
    problems: list[Problem] = []
    for name, path in files.items():
        try:
            scripts[name] = _beats(name, check_model(ScriptModel, read_toml(path), str(path)), path)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return scripts


def _beats(name: str, script: ScriptModel, path: Path) -> list[Beat]:
    ids = [beat.id for beat in script.beat]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ConfigError([Problem(str(path), f"beat.{one}", "这个 id 写了两次", "每一拍用自己的 id") for one in twice])
    return [
        Beat(
            id=f"{name}.{beat.id}", script=name, title=beat.title, weekdays=beat.weekday, minute=beat.time,
            phrase=beat.phrase, slots=beat.slots, groups=beat.groups, lateness=beat.lateness, sort=Sort(beat.sort),
            kind=beat.kind, content=beat.content,
        )
        for beat in script.beat
    ]  # fmt: skip
