"""Question banks: persona/<name>/quiz/*.toml, proven when they are read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.games.judge import is_attempt, key_of, tells
from bot.settings.kinds import Part
from bot.toml_text import toml_value

Answer = Annotated[str, Field(min_length=1, max_length=40)]
Hint = Annotated[str, Field(min_length=1, max_length=120)]
Tag = Annotated[str, Field(min_length=1, max_length=20)]


class Question(Part):
    """One question. `answers`: every wording that counts, the one to show first. `source`: where the fact is from."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^\S+$")
    text: str = Field(min_length=2, max_length=300)
    answers: tuple[Answer, ...] = Field(min_length=1, max_length=20)
    hint: tuple[Hint, ...] = Field((), max_length=5)
    explanation: str = Field("", max_length=300)
    source: str = Field("", max_length=200)
    tags: tuple[Tag, ...] = Field((), max_length=20)
    difficulty: int = Field(2, ge=1, le=3)
    picture: str = Field("", max_length=500)
    bank: str = Field("", exclude=True)
    """The title of its bank, filled in when the bank is read."""

    def is_about(self, topic: str) -> bool:
        """Whether it belongs to a bank or carries a tag of this name."""
        wanted = key_of(topic)
        return bool(wanted) and (wanted in key_of(self.bank) or any(wanted == key_of(tag) for tag in self.tags))


class Bank(Part):
    """A file of questions."""

    title: str = Field(min_length=1, max_length=20)
    question: tuple[Question, ...] = Field(min_length=1)


def load_banks(folder: Path, taboo: Sequence[str] = ()) -> tuple[Question, ...]:
    """Every bank in a folder, by file name. Raises ConfigError with every problem of every file."""
    problems: list[Problem] = []
    questions: list[Question] = []
    seen: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            bank = check_model(Bank, read_toml(path), str(path))
        except ConfigError as error:
            problems += error.problems
            continue
        for number, question in enumerate(bank.question, start=1):
            where = f"question.{number}（{question.id}）"
            problems += [Problem(str(path), where, reason) for reason in wrong_with(question, taboo)]
            problems += _again(question, str(path), where, seen)
            questions.append(question.model_copy(update={"bank": bank.title}))
    if problems:
        raise ConfigError(problems)
    return tuple(questions)


def _again(question: Question, file: str, where: str, seen: dict[str, str]) -> list[Problem]:
    """The same id, or the same question, a second time; `seen` is kept up to date."""
    found = []
    for mark, what in ((f"id {question.id}", "编号"), (f"text {key_of(question.text)}", "题目")):
        if mark in seen:
            found.append(Problem(file, where, f"{what}和 {seen[mark]} 重复"))
        seen.setdefault(mark, f"{Path(file).name} 的 {question.id}")
    return found


def wrong_with(question: Question, taboo: Sequence[str] = ()) -> list[str]:
    """What is wrong with one question besides its shape."""
    found = [f"答案「{answer}」只有标点，判不了" for answer in question.answers if not key_of(answer)]
    found += [
        f"答案「{answer}」会被当成闲聊，答了不算"
        for answer in question.answers if key_of(answer) and not is_attempt(answer, question.answers)
    ]  # fmt: skip
    for hint in question.hint:
        told = tells(hint, question.answers)
        if told is not None:
            found.append(f"提示「{hint}」里就有答案「{told}」")
    texts = (question.text, question.explanation, *question.hint)
    found += [f"用了禁用词「{word}」" for word in taboo if any(word in text for text in texts)]
    return found


def as_toml(title: str, questions: Sequence[Mapping[str, Any]]) -> str:
    """A bank as the TOML that `load_banks` reads."""
    parts = [f"title = {toml_value(title)}"]
    for question in questions:
        rows = [f"{name} = {toml_value(value)}" for name, value in question.items() if value not in ("", (), [])]
        parts.append("\n".join(["[[question]]", *rows]))
    return "\n\n".join(parts) + "\n"
