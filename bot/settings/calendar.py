"""Scheduled posts: what a group is, how often a beat may play, how late counts as late."""

from datetime import timedelta

from pydantic import Field

from bot.settings.kinds import Day, Part, Span


class CalendarSettings(Part):
    """Scheduled posts and sequences for single members."""

    private: tuple[str, ...] = Field(
        (),
        title="一对一脚本",
        description="加好友、购买后对一个人说的；默认不开，写脚本名，比如 onboarding、after-purchase",
    )
    anchor: Day = Field(
        None, title="活动那天", description="写日期，这个群的脚本就围着这天转（T-3 到 T0）；留空用脚本自己的 anchor"
    )
    min_gap: Span = Field(
        timedelta(minutes=10), title="同一拍至少隔多久", description="时间写错或改乱时，同一条也不会连着刷屏"
    )
    punctual: Span = Field(timedelta(minutes=2), title="晚多久才算晚", description="重启一次不过一两分钟，这点不算晚")
    bank_days: int = Field(
        60,
        ge=0,
        le=3650,
        title="素材多少天内不重复",
        description="两个月内用过的大家还记得；都用过了就取很久没用的那条",
    )
    new_days: int = Field(7, ge=0, le=365, title="多少天内算新人", description="第一周还在认人")
    test_group: str = Field(
        "", max_length=128, title="试发群", description="写群 id：在那个群里可以「预览」；别的群成员看得到，不放预览"
    )
    approval: bool = Field(
        False, title="要第二个人批准", description="有优惠的活动，新建和立即发都等另一位运营「批准」；一个人容易手滑"
    )
    approval_within: Span = Field(
        timedelta(days=1), title="多久没人批就作废", description="隔了一天，价格和库存可能都变了"
    )
    confirm_owner: str = Field(
        "operator",
        min_length=1,
        max_length=64,
        title="要人点的发送归谁",
        description="员工 id 或角色；官方群发要人在企业微信里点一下才发得出去",
    )
    confirm_within: Span = Field(
        timedelta(hours=2), title="多久没点就作废", description="活动当天两小时还没人点，再发就过点了；其间最多提醒三次"
    )
    remind_every: Span = Field(
        timedelta(hours=4), title="任务到期后多久提醒一次", description="一共提醒三次，再催就成了打扰"
    )
