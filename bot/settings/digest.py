"""The weekly digest that staff get."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.settings.kinds import Part, parse_clock

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


def _clock(value: object) -> str:
    minutes = parse_clock(value)
    return f"{minutes // 60:02}:{minutes % 60:02}"


class DigestSettings(Part):
    """When staff hear how the week went."""

    on: bool = Field(False, title="周报自己来", description="每周私聊发给运营和店主；默认不主动发，随时能用「周报」看")
    day: Literal["周一", "周二", "周三", "周四", "周五", "周六", "周日"] = Field("周一", title="周报哪天发")
    at: Annotated[str, BeforeValidator(_clock)] = Field(
        "09:30", title="周报几点发", description="群的时区；上班坐下来正好看"
    )
