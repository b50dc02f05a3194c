"""What a rehearsal calls too close and too much."""

from datetime import timedelta

from pydantic import Field

from bot.settings.kinds import Part, Span


class RehearsalSettings(Part):
    """`yuanzi rehearse` reports what is beyond these."""

    apart: Span = Field(
        timedelta(minutes=30),
        title="彩排：两条定时至少隔多久",
        description="挨得太近，前一条没人看；半小时够大家接两句",
    )
    most_day: int = Field(
        8,
        ge=1,
        le=200,
        title="彩排：一个人一天最多看到几条主动内容",
        description="所有群和私信加起来；文章 000：天天刷屏的群先被静音",
    )
    quiet_days: int = Field(
        0, ge=0, le=30, title="彩排：一周里可以有几天没内容", description="开着脚本的群，空着的那天没人想起来"
    )
