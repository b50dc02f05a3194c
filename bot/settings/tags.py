"""Lifecycle: after how many days without a word somebody counts as silent, asleep, gone; and stages by purchases."""

from pydantic import Field, model_validator

from bot.settings.kinds import Part


class LifecycleSettings(Part):
    """Thresholds of the stages, in days and purchases."""

    new: int = Field(7, ge=1, le=90, title="进群几天内算新人", description="第一周决定留不留，话术和规矩都不同")
    silent: int = Field(14, ge=1, le=365, title="几天没说话算沉默", description="两周没话，少推、多给有用的")
    sleeping: int = Field(30, ge=2, le=730, title="几天没说话算沉睡", description="一个月没话，攒一次大的再叫醒")
    churned: int = Field(90, ge=3, le=1095, title="几天没说话算流失", description="一季没话，只在最大的活动时打扰")
    growing: int = Field(2, ge=2, le=50, title="第几单起算成长期", description="文章 001：头三单最要紧")
    mature: int = Field(5, ge=3, le=200, title="第几单起算成熟期", description="文章 001：第五单起习惯养成")
    declining: int = Field(90, ge=7, le=1095, title="几天没再买算衰退期", description="文章 004：复购多在三到五个月")

    @model_validator(mode="after")
    def _rising(self) -> "LifecycleSettings":
        if not self.silent < self.sleeping < self.churned:
            raise ValueError("要 silent < sleeping < churned")
        if self.growing >= self.mature:
            raise ValueError("要 growing < mature")
        return self
