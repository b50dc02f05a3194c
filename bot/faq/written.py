"""Entries as operators write them: persona/<name>/faq.toml and every file of persona/<name>/faq/."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.settings import GroupSettings
from bot.settings.kinds import Day, Part, Quiet, Word
from bot.words import bare

Wording = Annotated[str, Field(min_length=1, max_length=120)]
LONGEST_ANSWER = 1000


class EntryModel(Part):
    """One answer. Whatever has a default may be left out, but question, similar or keywords must be there."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    question: str = Field("", max_length=120)
    similar: tuple[Wording, ...] = Field((), max_length=50, description="同一个问题的别的问法")
    keywords: tuple[Word, ...] = Field((), validate_default=True)
    answer: str = Field(min_length=1, max_length=LONGEST_ANSWER)
    picture: str = Field("", max_length=500, description="随答案发的图，文件写相对这个文件的路径，或写网址")
    link: str = Field("", max_length=500, pattern=r"^(https?://\S+)?$", description="附在答案后面的网址")
    evidence: str = Field("", max_length=500, description="依据：检测报告、公告的图或网址，答完再发")
    groups: tuple[str, ...] = Field((), description="只在这些群答；留空到处都答")
    types: tuple[str, ...] = Field((), description="只在这些类型的群答")
    hours: Quiet = Field(None, description="只在这段时间答，比如 09:00-18:00，按群的时区")
    where: Literal["", "group", "private"] = Field("", description="只在群里（group）或只在私聊（private）答")
    owner: str = Field("", max_length=60, description="谁负责这一条")
    until: Day = Field(None, description="有效到哪天（含），过了就不答")

    @field_validator("keywords", mode="after")
    @classmethod
    def _can_be_asked(cls, keywords: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not (keywords or info.data.get("question") or info.data.get("similar")):
            raise PydanticKnownError("too_short", {"field_type": "Tuple", "min_length": 1, "actual_length": 0})
        return keywords

    @property
    def is_scoped(self) -> bool:
        """Whether it is not good everywhere and always."""
        return bool(self.groups or self.types or self.hours or self.where or self.until)

    def fits(self, group: str | None, settings: GroupSettings, at: datetime | None = None) -> bool:
        """Whether it is good in a place at a moment. Without `at` it is never too early or too late."""
        if (self.groups and group not in self.groups) or (self.types and settings.type not in self.types):
            return False
        if self.where and (self.where == "private") != (group is None):
            return False
        if at is None or not (self.hours or self.until):
            return True
        local = at.astimezone(ZoneInfo(settings.zone))
        if self.until and local.date() > self.until:
            return False
        minute, (start, end) = local.hour * 60 + local.minute, self.hours or (0, 24 * 60)
        return start <= minute < end if start <= end else minute >= start or minute < end


class FaqModel(Part):
    """faq.toml."""

    entry: tuple[EntryModel, ...] = ()


def load_faq(path: Path, taboo: Sequence[str] = ()) -> tuple[EntryModel, ...]:
    """faq.toml and the folder faq/ beside it -> entries. Raises ConfigError with every problem."""
    entries: list[tuple[Path, EntryModel]] = []
    problems: list[Problem] = []
    files = [one for one in (path, *sorted(path.with_suffix("").glob("*.toml"))) if one.is_file()]
    for file in files:
        try:
            entries += [(file, _located(one, file)) for one in check_model(FaqModel, read_toml(file), str(file)).entry]
        except ConfigError as error:
            problems += error.problems
    problems += problems_of(entries, taboo)
    if problems:
        raise ConfigError(problems)
    return tuple(entry for _, entry in entries)


def problems_of(entries: Sequence[tuple[Path, EntryModel]], taboo: Sequence[str] = ()) -> list[Problem]:
    """What is wrong with entries that are right one by one."""
    problems = _twice(((file, entry.id, entry.id) for file, entry in entries), "id")
    problems += _twice(((file, entry.id, bare(word)) for file, entry in entries for word in entry.keywords), "关键词")
    for file, entry in entries:
        name = f"entry.{entry.id}"
        problems += [
            Problem(str(file), f"{name}.keywords", f"「{word}」太短，会到处误答", "至少两个字")
            for word in entry.keywords if len(bare(word)) < 2
        ]  # fmt: skip
        problems += [
            Problem(str(file), f"{name}.answer", f"用了禁用词「{word}」") for word in taboo if word in entry.answer
        ]
        problems += [
            Problem(str(file), f"{name}.{field}", f"找不到文件 {value}")
            for field, value in (("picture", entry.picture), ("evidence", entry.evidence))
            if value and "://" not in value and not Path(value).is_file()
        ]
    return problems


def _located(entry: EntryModel, file: Path) -> EntryModel:
    """Pictures lie beside the file; what has an address is taken as it stands."""
    changes = {
        field: str((file.parent / value).resolve())
        for field, value in (("picture", entry.picture), ("evidence", entry.evidence))
        if value and "://" not in value
    }
    return entry.model_copy(update=changes) if changes else entry


def _twice(claims: Iterable[tuple[Path, str, str]], what: str) -> list[Problem]:
    owners: dict[str, str] = {}
    problems: list[Problem] = []
    for file, owner, word in claims:
        if word in owners:
            problems.append(Problem(str(file), f"entry.{owner}", f"{what}「{word}」{owners[word]} 已经用了"))
        owners.setdefault(word, owner)
    return problems
