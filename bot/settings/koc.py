"""Those who bring others along: what counts how much, and what a buyer show is worth."""

from pydantic import Field

from bot.settings.kinds import Part


class KocSettings(Part):
    """The score of KOCs and buyer shows."""

    days: int = Field(90, ge=7, le=400, title="看最近几天", description="一季的热心看得出长久")
    invite: int = Field(5, ge=0, le=100, title="拉来一位留下的算几分")
    buyer: int = Field(
        10, ge=0, le=100, title="拉来一位下过单的再加几分", description="文章 004：一位 KOC 带来 10–20 位买家"
    )
    show: int = Field(8, ge=0, le=100, title="一篇通过的买家秀算几分", description="文章 002：发出来之后再奖")
    day: int = Field(1, ge=0, le=100, title="来一天算几分")
    thank_after: int = Field(30, ge=1, le=365, title="几天没谢过就提醒", description="文章 004：KOC 当朋友待")
    show_points: int = Field(10, ge=0, le=10_000, title="买家秀通过给几积分", description="心意，不是买稿子")
    show_most: int = Field(3, ge=1, le=50, title="一人一天最多投几篇", description="审的人看得过来")
    cluster: int = Field(3, ge=2, le=100, title="一小时里拉来几位不说话的算可疑", description="一串小号的样子")
