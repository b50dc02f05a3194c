"""Daily check-in: milestones, grace, make-up cards."""

from datetime import timedelta

from pydantic import Field, model_validator

from bot.settings.kinds import Part, Span, Word


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
