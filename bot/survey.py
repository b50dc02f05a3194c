"""Questionnaires as data: persona/<name>/survey/*.toml -> questions whose choices are tags, or points for a band."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field, model_validator

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.settings.kinds import Part
from bot.tagrules import LONGEST
from bot.words import bare

REFUSALS = frozenset({"不想答", "不答", "算了", "退出", "不填", "不方便", "下次吧", "拒绝"})
"""Words that end a questionnaire, whichever question is open."""
_LETTERS = "abcdefgh"


class Choice(Part):
    """One answer."""

    text: str = Field(min_length=1, max_length=30)
    tag: str = Field("", max_length=LONGEST, pattern=r"^\S*$", description="选它就有的标签")
    score: int = Field(0, ge=0, le=100, description="计分问卷：选它得几分")


class Ask(Part):
    """One question."""

    text: str = Field(min_length=1, max_length=80)
    choice: tuple[Choice, ...] = Field(min_length=2, max_length=8)

    @model_validator(mode="after")
    def _different(self) -> "Ask":
        if len({bare(one.text) for one in self.choice}) < len(self.choice):
            raise ValueError("两个选项一样")
        return self


class Band(Part):
    """What a total from `at` points on means."""

    at: int = Field(0, ge=0, le=10_000)
    tag: str = Field(min_length=1, max_length=LONGEST, pattern=r"^\S+$")
    say: str = Field(min_length=1, max_length=200, description="告诉成员的结果和下一步，不下诊断")


class _File(Part):
    title: str = Field(min_length=1, max_length=20)
    intro: str = Field(min_length=1, max_length=100)
    days: int = Field(365, ge=1, le=3650, description="答案算几天")
    question: tuple[Ask, ...] = Field(min_length=1, max_length=10)
    band: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Survey:
    """One questionnaire; `name` is the name of its file."""

    name: str
    title: str
    intro: str
    days: int
    questions: Sequence[Ask]
    bands: Sequence[Band]

    @cached_property
    def version(self) -> str:
        """Changes with every question and choice: a run of another version starts over."""
        data = json.dumps([one.model_dump() for one in (*self.questions, *self.bands)], sort_keys=True)
        return hashlib.sha256(data.encode()).hexdigest()[:12]

    def band(self, choices: Mapping[int, int]) -> Band | None:
        """The band of all answers (question -> choice); None for a questionnaire without points."""
        total = sum(self.questions[number].choice[choice].score for number, choice in choices.items())
        return next((one for one in reversed(self.bands) if total >= one.at), None)


def chosen(ask: Ask, text: str) -> int | None:
    """Which choice an answer means: its number, its letter or its words."""
    said = bare(text).removeprefix("选").removeprefix("第").removesuffix("个")
    if said.isdecimal() and len(said) < 3:
        return int(said) - 1 if 1 <= int(said) <= len(ask.choice) else None
    if len(said) == 1 and said in _LETTERS:
        place = _LETTERS.index(said)
        return place if place < len(ask.choice) else None
    words = [bare(one.text) for one in ask.choice]
    if said in words:
        return words.index(said)
    hits = [place for place, word in enumerate(words) if said and word in said]
    return hits[0] if len(hits) == 1 else None


def load_surveys(folder: Path, taboo: Collection[str]) -> tuple[dict[str, Survey], list[Problem]]:
    """(questionnaires by name, everything that is wrong with the others)."""
    found: dict[str, Survey] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            data = check_model(_File, read_toml(path), str(path))
        except ConfigError as error:
            problems += error.problems
            continue
        problems += _problems(path, data, taboo)
        found[path.stem] = Survey(path.stem, data.title, data.intro, data.days, data.question, data.band)
    return found, problems


def _problems(path: Path, data: _File, taboo: Collection[str]) -> list[Problem]:
    file = str(path)
    problems: list[Problem] = []
    scored = any(one.score for ask in data.question for one in ask.choice)
    if scored != bool(data.band):
        problems.append(
            Problem(file, "band", "有分数就要有 band，没有分数就不写 band", "band 写从几分起、叫什么、怎么说")
        )
    marks = [one.at for one in data.band]
    if marks != sorted(set(marks)) or (marks and marks[0] != 0):
        problems.append(Problem(file, "band", "要从 0 分起，由低到高，不重复"))
    if not data.band and not any(one.tag for ask in data.question for one in ask.choice):
        problems.append(Problem(file, "question", "一个标签也不会给", "给选项写 tag，或写分数和 band"))
    texts = [data.title, data.intro, *(ask.text for ask in data.question), *(one.say for one in data.band)]
    problems += [Problem(file, "", f"用了禁用词「{word}」") for word in taboo if any(word in text for text in texts)]
    return problems
