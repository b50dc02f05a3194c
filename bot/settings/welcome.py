"""How newcomers are greeted."""

from datetime import timedelta

from pydantic import Field

from bot.settings.kinds import Part, Span


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
