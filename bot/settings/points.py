"""Points: worth, sources, titles, gates."""

from typing import Literal

from pydantic import Field, model_validator

from bot.settings.kinds import Part


class Level(Part):
    """A title that members hold from so many lifetime points on."""

    title: str = Field(min_length=1, max_length=12)
    at: int = Field(0, ge=0, le=10_000_000, description="攒满几分（花掉的也算）")
    percent: int = Field(100, ge=100, le=500, description="积分按百分之几给；算在哪些来源上见 points.boost")
    days: int = Field(0, ge=0, le=3650, description="称号要保级：只看最近几天攒的分；0 是终身")


class Gate(Part):
    """Freeloader gates before a redemption. A number of 0 switches its rule off."""

    mode: Literal["off", "shadow", "on"] = Field(
        "shadow", title="防羊毛党", description="shadow 只记下会拦谁、照常兑换；看过「防刷预览」再开 on，免得误伤老实人"
    )
    tenure: int = Field(3, ge=0, le=365, title="进群满几天", description="领完就走的人多半当天进群")
    talk: int = Field(3, ge=0, le=1000, title="近 30 天至少说过几句真话", description="指令、复读、单字不算")
    wins: int = Field(3, ge=0, le=1000, title="近 7 天最多拿几份", description="让更多人拿到")
    leavers: int = Field(2, ge=0, le=1000, title="拉来又退群的人到几个", description="拉小号领邀请分的样子")
    cluster: int = Field(3, ge=0, le=1000, title="同一人拉来的几个人近 7 天换了同一样", description="一串小号的样子")


class Boost(Part):
    """Where a title's share on top (`percent` of a level) counts."""

    checkin: bool = Field(True, title="签到算称号加成", description="天天来的人，多一点是应该的")
    talk: bool = Field(True, title="发言算称号加成", description="每天有上限，加成也刷不出多少")
    invite: bool = Field(True, title="邀请算称号加成", description="老友请来的人留得住")
    quiz: bool = Field(False, title="答题算称号加成", description="默认不算：同一道题一样答对，得一样的分才服气")
    games: bool = Field(False, title="游戏算称号加成", description="默认不算：同一局一把尺子，称号高的不该赢得多")


class Points(Part):
    """Points: what they are worth, how they are earned, titles, gates."""

    on: bool = Field(True, title="积分和商城")
    per_yuan: int = Field(100, ge=1, le=100_000, title="几分抵 1 元", description="文章 000：100 分抵 1 元")
    page: int = Field(10, ge=3, le=30, title="明细和排行榜一页几行", description="手机一屏看得完")
    talk: int = Field(0, ge=0, le=100, title="一句话几分", description="默认不给：给分会招来灌水；每天清点，不逐条记账")
    talk_most: int = Field(5, ge=1, le=20, title="一天最多几句算分", description="多说不多得，聊天不变成任务")
    talk_chars: int = Field(4, ge=2, le=100, title="几个字起才算一句", description="「嗯」「哈哈」不算")
    invite: int = Field(0, ge=0, le=10_000, title="邀请一人几分", description="默认不给：先看防刷预览再开")
    invite_days: int = Field(7, ge=0, le=365, title="被邀请的人几天内退群就收回", description="拉来就走的不算")
    invite_most: int = Field(5, ge=1, le=1000, title="一天最多几个邀请算分", description="一天拉几十人的多半在刷")
    grant_most: int = Field(1_000, ge=1, le=1_000_000, title="员工一次最多发几分", description="防手滑多打一个零")
    levels: tuple[Level, ...] = Field(
        (
            Level(title="新朋友"), Level(title="常客", at=200), Level(title="老友", at=1_000),
            Level(title="元老", at=5_000),
        ),
        title="等级称号", description="一天 5 分，一个多月到常客，半年到老友；默认不加成，省得账算不清",
    )  # fmt: skip
    level_up: bool = Field(
        True, title="升了称号在群里说一句", description="攒了一两个月才到，值得当众道贺；每人一天最多一次"
    )
    boost: Boost = Field(default_factory=lambda: Boost())
    gate: Gate = Field(default_factory=lambda: Gate())

    @model_validator(mode="after")
    def _rising(self) -> "Points":
        marks = [level.at for level in self.levels]
        if marks != sorted(set(marks)) or len({level.title for level in self.levels}) != len(marks):
            raise ValueError("等级要从低到高写，称号和分数都不能重复")
        return self
