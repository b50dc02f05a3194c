"""This deployment: staff, storage, outbox, channels, who the bot is."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from bot.settings.kinds import Part, Span

RoleName = Literal["owner", "operator", "guide", "service", "read-only"]


class Role:
    """Staff roles, weakest first; each may do what those before it may."""

    ORDER = ("read-only", "service", "guide", "operator", "owner")
    TITLES: ClassVar[dict[str, str]] = {
        "read-only": "只看", "service": "客服", "guide": "导购", "operator": "运营", "owner": "店主",
    }  # fmt: skip
    """What staff call them."""

    @classmethod
    def reaches(cls, role: str, needed: str) -> bool:
        """Whether `role` may do what needs `needed`."""
        return cls.ORDER.index(role) >= cls.ORDER.index(needed)


class Staff(Part):
    """One member of staff: rights hang on the platform id, never on a name."""

    id: str = Field(min_length=1, max_length=128)
    name: str = ""
    role: RoleName = "operator"
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
    others: tuple[str, ...] = Field((), description="群里别的机器人的 id：它们说的话只记下，一句也不接")
    seed: str = Field("", description="运气的种子；留空则第一次启动时随机生成并记在库里")
    scripts: str = Field("", description="自己的定时脚本目录；留空用自带的")
    draws: str = Field("", description="自己的抽奖目录（一个 TOML 一个抽奖）；留空用自带的")
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
