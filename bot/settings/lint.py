"""What the check of the calendar measures against. The articles disagree, so every group may differ."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bot.settings.kinds import Part, Span

Reason = Annotated[str, Field(min_length=4, max_length=200)]
"""Why a rule is silent here: without a reason nobody dares to change it later."""
Mix = Literal["auto", "7:2:1", "70/15/15", "off"]
PROFILES = {"7:2:1": (70, 20, 10), "70/15/15": (70, 15, 15)}
"""Percent of useful posts, of fun and cases, of products: article 003 and article 004."""
MIX_OF_TYPE: dict[str, Mix] = {
    "welfare": "7:2:1", "interest": "7:2:1", "vip": "7:2:1", "knowledge": "70/15/15", "flash": "off",
}  # fmt: skip
"""The profile of a group type. A flash group lives for four days around one sale and has no mix; a group of another
type follows the profile of its persona."""


class LintSettings(Part):
    """What `yuanzi check` looks for in the calendar of a group."""

    mix: Mix = Field(
        "auto",
        title="内容配比",
        description="有用、有趣和案例、产品各占几成；auto 按群类型：knowledge 是 70/15/15，flash 不看，"
        "welfare、interest、vip 是 7:2:1，没写类型按人设",
    )
    mix_slack: int = Field(10, ge=0, le=100, title="配比差多少个百分点才提醒", description="一个月里多一条少一条很平常")
    mix_least: int = Field(8, ge=1, le=1000, title="四周少于几条不看配比", description="三五条算不出比例")
    weeks: int = Field(4, ge=1, le=26, title="往后看几周", description="配比和空档看四周，正好一个月的节奏")
    ad_share: int = Field(
        30, ge=0, le=100, title="产品和优惠最多占百分之几", description="文章 000：只发商品的渠道掉粉"
    )
    promo_week: int = Field(5, ge=0, le=100, title="一周最多几条推广", description="文章 000：一周五条已经嫌多")
    member_days: int = Field(1, ge=0, le=31, title="一个月最多几个会员日", description="文章 004：一个月只一次")
    deals_day: int = Field(1, ge=0, le=24, title="一天最多几个优惠活动", description="文章 003：不在一天里堆两个")
    new_items: int = Field(
        2, ge=1, le=20, title="新品日发几样", description="文章 000：两样；多了看不过来，少了不值得发"
    )
    mechanics: int = Field(2, ge=0, le=20, title="一个活动最多几种玩法", description="文章 004：不出算术题")
    kind_gap: int = Field(
        5,
        ge=0,
        le=60,
        title="同类活动至少隔几天",
        description="新品、秒杀、拼团、试用、福利日、邀请；每周一次是习惯，再密就累",
    )
    draw_gap: int = Field(2, ge=0, le=60, title="定时抽奖至少隔几天", description="惊喜天天有就不是惊喜")
    apart: Span = Field(
        timedelta(minutes=10), title="两条定时内容至少隔多久", description="同一分钟两条，后一条把前一条顶走"
    )
    empty_days: int = Field(2, ge=0, le=365, title="最多连着几天没有内容", description="三天没动静，群就凉了")
    group_chars: int = Field(300, ge=20, le=2000, title="群里一条最多几个字", description="手机一屏看得完")
    private_chars: int = Field(
        120, ge=20, le=2000, title="一对一一条最多几个字", description="文章 003：一对一不说长篇"
    )
    off: dict[str, Reason] = Field(
        default_factory=dict, title="这个群不看哪些规则", description='写规则名和理由：{ mix = "因为…" }'
    )
