"""What a platform allows, with the days on which it holds: bot/quotas.toml, and `[[quota]]` of config.toml."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from bot.settings.kinds import Part


class Quota(Part):
    """At most `n` unasked lines in a window, on the days from `from` (included) until `until` (not included).

    `channel` is a channel's name, `confirmed` for every channel on which a person confirms what is sent, or `*`.
    """

    channel: str = Field(min_length=1, title="哪个通道")
    title: str = Field(min_length=1, max_length=40, title="叫什么")
    scope: Literal["target", "account"] = Field(title="每个群每个人各算，还是整个通道合着算")
    window: Literal["day", "month"] = Field(title="按天还是按月")
    n: int = Field(ge=0, title="几条")
    since: date = Field(alias="from", title="从哪天起")
    until: date | None = Field(None, title="到哪天为止", description="不含这一天")
    reference: str = Field(min_length=1, title="依据")

    @model_validator(mode="after")
    def _in_order(self) -> "Quota":
        if self.until is not None and self.until <= self.since:
            raise ValueError("until 要在 from 之后")
        return self

    def binds(self, channel: str, speaks: str, day: date) -> bool:
        """Whether it holds for a channel on a day."""
        mine = self.channel in ("*", channel, speaks)
        return mine and self.since <= day and (self.until is None or day < self.until)

    def first_day(self, day: date) -> date:
        """The first day of the window that `day` is in."""
        return day if self.window == "day" else day.replace(day=1)

    @property
    def spoken(self) -> str:
        """The window in words."""
        return "每天" if self.window == "day" else "每月"
