"""What settings are made of: lengths of time, clock times, zones, words; and the table that refuses unknown keys."""

import re
from datetime import date, datetime, timedelta
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

_UNITS = {
    "s": "seconds", "秒": "seconds", "min": "minutes", "m": "minutes", "分钟": "minutes", "分": "minutes",
    "h": "hours", "小时": "hours", "d": "days", "天": "days", "周": "weeks", "w": "weeks",
}  # fmt: skip
_SPAN = re.compile(r"^(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)$")
_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
LONGEST = timedelta(days=3650)


def parse_span(value: Any) -> timedelta:
    """`90s`, `15min`, `1h`, `3d`, `20分钟`, `2小时`, `1天` -> a length of time. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.match(str(value).strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    if not match or unit is None:
        raise ValueError(f"「{value}」不是时长，应写成 30s、15min、1h、3d 这样")
    try:
        span = timedelta(**{unit: float(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError(f"「{str(value)[:40]}」太长了，最多 {LONGEST.days} 天")
    return span


def show_span(span: timedelta) -> str:
    """A length of time as people write it, the inverse of `parse_span` for whole units."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_clock(value: Any) -> int:
    """`12:00` -> minutes after midnight. Raises ValueError saying what is right."""
    match = _CLOCK.match(str(value).strip())
    if not match:
        raise ValueError(f"「{value}」不是钟点，应写成 09:00 这样")
    return int(match[1]) * 60 + int(match[2])


def _quiet(value: Any) -> tuple[int, int] | None:
    if value in ("", None):
        return None
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, int) for one in value):
        return (int(value[0]), int(value[1]))
    start, dash, end = str(value).partition("-")
    if not dash:
        raise ValueError(f"「{value}」不是时段，应写成 22:30-07:30，留空表示不设")
    return parse_clock(start), parse_clock(end)


def _zone(value: Any) -> str:
    try:
        ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"「{value}」不是时区，应写成 Asia/Shanghai 这样") from error
    return str(value)


Span = Annotated[timedelta, BeforeValidator(parse_span)]
Clock = Annotated[int, BeforeValidator(parse_clock)]
Quiet = Annotated[tuple[int, int] | None, BeforeValidator(_quiet)]
Zone = Annotated[str, BeforeValidator(_zone)]
Day = Annotated[date | None, BeforeValidator(lambda value: value or None)]
Floor = Annotated[str, BeforeValidator(str), Field(pattern=r"^[1-9][0-9]{0,5}$")]
Floors = tuple[Floor, ...]
"""Numbers of floors, as staff write them."""
Word = Annotated[str, Field(min_length=1, max_length=32)]


_Kind = Literal["bool_type", "int_type", "float_type", "date_type", "datetime_type"]


def _as_written(annotation: object, value: object) -> None:
    """Nothing is taken for something else: `true` is no number, `"5"` neither, and `1` no switch and no date."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    if value is None or any(get_origin(kind) is Annotated for kind in kinds):
        return
    number, text = isinstance(value, int | float), isinstance(value, str)
    table: tuple[tuple[type, bool, _Kind], ...] = (
        (bool, not isinstance(value, bool), "bool_type"), (int, isinstance(value, bool) or text, "int_type"),
        (float, isinstance(value, bool) or text, "float_type"), (date, number, "date_type"),
        (datetime, number, "datetime_type"), (AwareDatetime, number, "datetime_type"),
    )  # fmt: skip
    for kind, refused, error in table:
        if kind in kinds and refused:
            raise PydanticKnownError(error)


class Part(BaseModel):
    """A table of settings: frozen, a key it does not know is an error, and so is a value of another kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _kinds(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        # What has a reader of its own (`Span`, `Clock`) says itself what it takes.
        if not any(isinstance(one, BeforeValidator) for one in field.metadata):
            _as_written(field.annotation, value)
        return value
