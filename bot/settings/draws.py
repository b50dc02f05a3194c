"""Lucky draws."""

from datetime import timedelta

from pydantic import Field, model_validator

from bot.settings.kinds import Part, Span


class DrawSettings(Part):
    """Lucky draws."""

    on: bool = Field(True, title="抽奖")
    most_open: int = Field(5, ge=1, le=50, title="一个群同时最多开几个抽奖", description="再多就没人记得口令")
    entry_gap: Span = Field(
        timedelta(seconds=20),
        title="报名回话至少隔多久",
        description="几百人一起报名，不能一人一句刷屏；没回话的也记下了",
    )
    result_within: Span = Field(
        timedelta(days=1),
        title="停机回来，多久内的抽奖公告还要补发",
        description="开奖结果晚了也得公布，隔天再说就只能查",
    )
    public_within: Span = Field(
        timedelta(days=3), title="名单封存后几天内要填公开数", description="过期公开作废：不能封了名单又一直不开"
    )
    page_bytes: int = Field(1400, ge=500, le=1500, title="一条公告最多多少字节", description="企业微信一条 2048 字节")
    proof_pages: int = Field(
        4, ge=1, le=20, title="验奖最多在群里发几条", description="更长的用 yuanzi draw proof 导出文件"
    )
    mentions: int = Field(10, ge=0, le=50, title="开奖时最多@几位中奖的人")

    @model_validator(mode="after")
    def _waits(self) -> "DrawSettings":
        if self.public_within <= timedelta(0) or self.result_within <= timedelta(0):
            raise ValueError("public_within 和 result_within 要大于 0")
        return self
