"""The group games."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bot.settings.kinds import Day, Floors, Part, Span, Word


class Play(Part):
    """Games in the group."""

    points: int = Field(10, ge=0, le=10_000, title="赢一局给几分", description="两天签到的分，够开心又不至于刷")


class Games(Part):
    """The single games: how long, how many, how often."""

    on: bool = Field(True, title="一起玩的游戏", description="没人开就没有声音；关掉以后连口令也不认")
    staff_only: tuple[Word, ...] = Field((), title="只许员工开的游戏", description="写游戏名，比如 投票；拼团总归员工")
    idle: Span = Field(timedelta(minutes=10), title="多久没人接就自己结束", description="十分钟没人接，大家就是散了")
    longest: Span = Field(timedelta(days=30), title="截止时间最远多久", description="再远就没人记得了")
    board_gap: Span = Field(
        timedelta(seconds=30), title="看板至少隔多久再发", description="投票、报名一窝蜂来时，半分钟汇总一次，不刷屏"
    )
    relay_match: Literal["char", "tone", "sound"] = Field(
        "char", title="成语接龙怎么算接上", description="char 同字；tone 同音同调也行；sound 同音就行"
    )
    relay_most: int = Field(200, ge=5, le=500, title="成语接龙最长几个", description="两百个够一晚上，到头算圆满")
    relay_least: int = Field(4, ge=1, le=100, title="成语接龙接满几个才给分", description="接一两个就散，不算赢")
    relay_hints: int = Field(3, ge=0, le=50, title="成语接龙一局几次提示", description="提示太多就成了机器人自己玩")
    pass_span: Span = Field(timedelta(minutes=30), title="口令接龙限时", description="半小时凑不齐就散")
    floor_span: Span = Field(timedelta(minutes=30), title="盖楼默认多久", description="一个午休够盖一栋")
    floor_lucky: Floors = Field(
        ("8", "18", "66", "88", "168", "188"),
        title="幸运楼层",
        description="开局就公布，中途不改；前密后疏，小群也中得到",
    )
    floor_every: int = Field(10, ge=1, le=1000, title="每几层报一次楼", description="层层都报会刷屏")
    floor_most: int = Field(2000, ge=10, le=100_000, title="最高盖到几层", description="到顶就封顶，免得没完")
    pk_span: Span = Field(timedelta(minutes=10), title="花式PK多久", description="十分钟一场，中场报一次比分")
    sums_rounds: int = Field(5, ge=1, le=50, title="速算几题", description="五题两三分钟，见好就收")
    sums_wait: Span = Field(timedelta(seconds=60), title="速算一题等多久", description="一分钟没人答就公布")
    vote_span: Span = Field(timedelta(days=1), title="投票默认多久", description="一天，早晚看群的人都投得到")
    vote_options: int = Field(10, ge=2, le=30, title="投票最多几个选项", description="再多一屏看不完")
    buy_gap: Span = Field(timedelta(minutes=10), title="拼团看板至少隔多久再发", description="十分钟一次，有人参团才发")
    buy_span: Span = Field(timedelta(hours=8), title="拼团默认多久", description="当天开当天成")
    buy_stock: int = Field(30, ge=1, le=10_000, title="拼团默认几份", description="没写份数时用")
    signup_span: Span = Field(timedelta(days=7), title="报名默认多久", description="一周，够下一次活动")
    signup_most: int = Field(200, ge=2, le=500, title="报名最多几人", description="微信群上限 500；再多要分批")
    signup_native: bool = Field(True, title="读微信自带的 #接龙", description="大家已经会用，不必改习惯")
    story: str = Field("", max_length=60, title="连载哪个故事", description="文件名，留空就是人设里的头一个")
    story_since: Day = Field(None, title="从哪天起的签到算数", description="开新故事时写；留空就全算")
    story_gap: Span = Field(
        timedelta(hours=1), title="同一回多久内不在群里重贴", description="加了好友的发私信，没加的才贴群里"
    )
