"""What may be set, per group and for the deployment, with the default and its reason. Unknown keys are refused."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNITS = {
    "s": "seconds", "秒": "seconds", "min": "minutes", "m": "minutes", "分钟": "minutes", "分": "minutes",
    "h": "hours", "小时": "hours", "d": "days", "天": "days", "周": "weeks", "w": "weeks",
}  # fmt: skip
_SPAN = re.compile(r"^(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)$")
_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
LONGEST = timedelta(days=3650)


def parse_span(value: Any) -> timedelta:
    """`90s`, `15min`, `1h`, `3d`, `20分钟`, `2小时`, `1天` -> a length of time. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.match(str(value).strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    if not match or unit is None:
        raise ValueError(f"「{value}」不是时长，应写成 30s、15min、1h、3d 这样")
    try:
        span = timedelta(**{unit: float(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError(f"「{str(value)[:40]}」太长了，最多 {LONGEST.days} 天")
    return span


def show_span(span: timedelta) -> str:
    """A length of time as people write it, the inverse of `parse_span` for whole units."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_clock(value: Any) -> int:
    """`12:00` -> minutes after midnight. Raises ValueError saying what is right."""
    match = _CLOCK.match(str(value).strip())
    if not match:
        raise ValueError(f"「{value}」不是钟点，应写成 09:00 这样")
    return int(match[1]) * 60 + int(match[2])


def _quiet(value: Any) -> tuple[int, int] | None:
    if value in ("", None):
        return None
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, int) for one in value):
        return (int(value[0]), int(value[1]))
    start, dash, end = str(value).partition("-")
    if not dash:
        raise ValueError(f"「{value}」不是时段，应写成 22:30-07:30，留空表示不设")
    return parse_clock(start), parse_clock(end)


def _zone(value: Any) -> str:
    try:
        ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"「{value}」不是时区，应写成 Asia/Shanghai 这样") from error
    return str(value)


Span = Annotated[timedelta, BeforeValidator(parse_span)]
Clock = Annotated[int, BeforeValidator(parse_clock)]
Quiet = Annotated[tuple[int, int] | None, BeforeValidator(_quiet)]
Zone = Annotated[str, BeforeValidator(_zone)]
Word = Annotated[str, Field(min_length=1, max_length=32)]


class Part(BaseModel):
    """A table of settings: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Welcome(Part):
    """How newcomers are greeted."""

    on: bool = Field(True, title="欢迎新人")
    gap: Span = Field(
        timedelta(hours=1), title="两次欢迎至少隔多久", description="文章 000：每次进群都弹太吵，一小时一次"
    )
    max_names: int = Field(5, ge=1, le=30, title="一次最多点几个名字", description="再多就写「等 N 位」，一屏看得完")
    rejoin_days: int = Field(
        30, ge=0, le=3650, title="多少天内重新进群不再欢迎", description="退了又进的人不想再被欢迎一遍"
    )
    stale_after: Span = Field(
        timedelta(hours=2), title="进群多久以后就不再补欢迎", description="断线回来，不欢迎几小时前的人"
    )
    benefit: str = Field(
        "", max_length=200, title="欢迎里带上的福利一句话", description="文章 000：欢迎语加明确福利，进店率更高"
    )
    sources: dict[str, str] = Field(
        default_factory=dict, title="来源 -> 欢迎话术", description="比如 抖音 = welcome.douyin"
    )
    phrase: str = Field("welcome.group", title="欢迎话术")


class Milestone(Part):
    """What a streak of so many days wins."""

    days: int = Field(ge=1, le=1000)
    points: int = Field(0, ge=0, le=100_000)
    cards: int = Field(0, ge=0, le=10, description="补签卡")
    prize: str = Field("", max_length=60, description="实物或卡券，发给员工兑现")

    @model_validator(mode="after")
    def _something(self) -> "Milestone":
        if not (self.points or self.cards or self.prize):
            raise ValueError("里程碑至少要给一样：points、cards 或 prize")
        return self


class CheckIn(Part):
    """Daily check-in."""

    on: bool = Field(True, title="签到")
    words: tuple[Word, ...] = Field(("签到", "打卡"), min_length=1, title="签到口令")
    points: int = Field(
        5, ge=0, le=10_000, title="每天几分", description="100 分抵 1 元，一天 5 分，一个月够换点小东西"
    )
    grace: Span = Field(
        timedelta(0), title="夜猫子宽限", description="0 点后这么久内，前一天还没签就算前一天；默认按自然日"
    )
    late_days: int = Field(
        31, ge=0, le=366, title="迟到的消息最多补记几天", description="断线补传按发生的那天算，太久以前的不算"
    )
    milestones: tuple[Milestone, ...] = Field(
        (
            Milestone(days=3, prize="试吃装一份"),
            Milestone(days=7, points=20, cards=1),
            Milestone(days=14, points=50),
            Milestone(days=30, points=100, cards=1, prize="当月新品一份"),
        ),
        title="连续签到奖励",
        description="文章 000：签满 X 天赢试吃装；第一个奖放近一点，第一周就拿得到",
    )
    make_up_days: int = Field(7, ge=0, le=60, title="最多补签几天前的", description="一周内的漏签可以用补签卡补")
    page: int = Field(10, ge=3, le=50, title="签到榜一页几人")
    private: bool = Field(
        False, title="1 对 1 里也能签到", description="微信客服这样没有群的通道打开它；单独算，不和任何群混在一起"
    )

    @model_validator(mode="after")
    def _each_once(self) -> "CheckIn":
        days = [milestone.days for milestone in self.milestones]
        if len(set(days)) != len(days):
            raise ValueError("同一个天数写了两次里程碑")
        return self


class Faq(Part):
    """Keyword answers."""

    on: bool = Field(True, title="关键词回复")
    cooldown: Span = Field(timedelta(minutes=10), title="同一答案多久内不重复", description="群里刚答过，往上翻就有")
    coverage: float = Field(
        0.75, ge=0.1, le=1.0, title="没@我时，关键词要占整句的几成才答", description="顺口提到不算问，宁可安静"
    )


class Play(Part):
    """Games in the group."""

    points: int = Field(10, ge=0, le=10_000, title="赢一局给几分", description="两天签到的分，够开心又不至于刷")


class GroupSettings(Part):
    """Everything that can be set for one group."""

    name: str = Field("", max_length=60, title="群名")
    channel: str = Field("", title="走哪个通道", description="定时发布用；留空就用最近听到消息的那个")
    zone: Zone = Field("Asia/Shanghai", title="时区")
    muted: bool = Field(False, title="静音", description="只回答，不主动说话")
    quiet: Quiet = Field((22 * 60 + 30, 7 * 60 + 30), title="安静时段", description="这段时间不发活动和提醒，回答照常")
    scripts: tuple[str, ...] = Field((), title="定时脚本", description="默认不主动发；写脚本名，比如 welfare")
    welcome: Welcome = Field(default_factory=lambda: Welcome())
    checkin: CheckIn = Field(default_factory=lambda: CheckIn())
    faq: Faq = Field(default_factory=lambda: Faq())
    play: Play = Field(default_factory=lambda: Play())


class Role:
    """Staff roles, weakest first; each may do what those before it may."""

    ORDER = ("read-only", "service", "guide", "operator", "owner")

    @classmethod
    def reaches(cls, role: str, needed: str) -> bool:
        """Whether `role` may do what needs `needed`."""
        return cls.ORDER.index(role) >= cls.ORDER.index(needed)


class Staff(Part):
    """One member of staff: rights hang on the platform id, never on a name."""

    id: str = Field(min_length=1, max_length=128)
    name: str = ""
    role: Literal["owner", "operator", "guide", "service", "read-only"] = "operator"
    channels: tuple[str, ...] = Field((), description="留空表示所有通道")


class Storage(Part):
    """Where and how things are remembered."""

    path: str = "var/yuanzi.db"
    synchronous: Literal["full", "normal", "off"] = Field(
        "full", description="full：断电也不丢；normal：断电可能丢最后几条，进程被杀不丢"
    )
    retention: Span = Field(timedelta(days=400), description="更早的互动汇总成月度次数后删除；400 天够看同比")


class OutboxSettings(Part):
    """How long a line of each class may wait before it is better unsaid, and how often a send is tried."""

    reply: Span = Field(timedelta(minutes=10), description="十分钟前的话再回，只会让人莫名其妙")
    game: Span = Field(timedelta(minutes=10), description="一局的话过了就过了")
    reminder: Span = Field(timedelta(minutes=15), description="提醒晚了就不再是提醒")
    campaign: Span = Field(timedelta(minutes=15), description="定时内容晚一刻钟就不发，报漏发")
    staff: Span = Field(timedelta(days=3), description="给员工的话周末也要等得到")
    attempts: int = Field(5, ge=1, le=50, description="通道说稍后再试时，最多试几次")


class BotPart(Part):
    """Who the bot is here."""

    persona: str = "xiaoyuanzi"
    ids: tuple[str, ...] = Field(("yuanzi", "bot"), description="平台上机器人自己的 id，被@时认得出来")
    seed: str = Field("", description="运气的种子；留空则第一次启动时随机生成并记在库里")
    scripts: str = Field("", description="自己的定时脚本目录；留空用自带的")
    persona_dir: str = Field("", description="自己的人设目录；留空用 ./persona 或自带的")


class PaceSettings(Part):
    """How fast an account talks."""

    account_gap: Span = timedelta(0)
    group_gap: Span = timedelta(0)
    jitter: Span = timedelta(0)


class ChannelSettings(Part):
    """One channel of this deployment."""

    on: bool = True
    pace: PaceSettings = Field(default_factory=lambda: PaceSettings())


class Settings(Part):
    """The whole of config.toml. Groups are merged over `groups.default` before they are read."""

    bot: BotPart = Field(default_factory=lambda: BotPart())
    storage: Storage = Field(default_factory=lambda: Storage())
    outbox: OutboxSettings = Field(default_factory=lambda: OutboxSettings())
    staff: tuple[Staff, ...] = ()
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    wechaty: dict[str, dict[str, Any]] = Field(default_factory=dict)
    wecom: dict[str, Any] = Field(default_factory=dict)
    """Both are proven by the channels themselves (bot/wiring.py): each knows its own settings."""
    groups: dict[str, GroupSettings] = Field(default_factory=dict)
