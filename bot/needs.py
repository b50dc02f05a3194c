"""Needs that members mention in passing (a big pack, a cold, a gift for the office), heard by words that operators
write: persona/<name>/needs.toml. What is heard becomes a task for a person; article 004 met its members that way."""

from datetime import timedelta
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind
from pydantic import Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.settings import GroupSettings
from bot.settings.kinds import Part, Span, Word
from bot.tagrules import says_no
from bot.words import fold

_SHORT = 200
"""Characters of a message in which words are looked for: longer ones are pasted, not said."""


class Need(Part):
    """One need: how it sounds, and what a person should do about it."""

    id: str = Field(pattern=r"^[a-z0-9_.-]{1,40}$", description="编号")
    words: tuple[Word, ...] = Field(min_length=1, description="说到这些词就算")
    unless: tuple[Word, ...] = Field((), description="出现在这些说法里不算")
    what: str = Field(min_length=1, max_length=60, description="请人做什么")
    owner: str = Field("service", min_length=1, description="交给谁：员工 id 或角色")
    within: Span = Field(timedelta(hours=4), description="多久内要做")
    again: Span = Field(timedelta(days=7), description="同一个人同一种需要多久内只交代一次")
    reply: bool = Field(False, description="要不要跟本人说一声（话术 need.noted）；不写就一声不响")
    examples: tuple[str, ...] = Field((), description="这些话要听出来")
    others: tuple[str, ...] = Field((), description="这些话不能听成")


class NeedFile(Part):
    """needs.toml."""

    refusals: tuple[Word, ...] = Field(
        ("不要", "不需要", "不用", "没有", "没", "别", "不是", "不"), description="词前面有这些话就不算"
    )
    need: tuple[Need, ...] = ()


class Needs:
    """All words in one pass. Without a file nothing is ever heard."""

    def __init__(self, file: NeedFile | None = None) -> None:
        self.all = {one.id: one for one in file.need} if file else {}
        self._refusals = tuple(map(fold, file.refusals)) if file else ()
        self._owners: list[Need | None] = []
        words: list[str] = []
        for one in self.all.values():
            words += [fold(word) for word in (*one.words, *one.unless)]
            self._owners += [one] * len(one.words) + [None] * len(one.unless)
        self._ear = AhoCorasick(words, matchkind=MatchKind.LeftmostLongest) if words else None

    def find(self, text: str) -> tuple[Need, str] | None:
        """(need, the word that gave it away) of a normalised text; the first that is said, unless refused."""
        if self._ear is None:
            return None
        text = text[:_SHORT]
        for index, start, end in self._ear.find_matches_as_indexes(text):
            owner = self._owners[index]
            if owner is not None and not says_no(text, start, self._refusals):
                return owner, text[start:end]
        return None

    def overheard(self, text: str, settings: GroupSettings) -> bool:
        """Whether the band of needs must hear a message."""
        return settings.contact.needs and self.find(text) is not None


def load_needs(path: Path) -> tuple[Needs, list[Problem]]:
    """The needs of a persona and what is wrong with the file: an example that is not heard, or heard wrongly."""
    if not path.is_file():
        return Needs(), []
    try:
        file = check_model(NeedFile, read_toml(path), str(path))
    except ConfigError as error:
        return Needs(), list(error.problems)
    needs, problems = Needs(file), []
    owners: dict[str, str] = {}
    for number, one in enumerate(file.need, start=1):
        if one.id in [other.id for other in file.need[: number - 1]]:
            problems.append(Problem(str(path), f"need {one.id}", "编号重复", "一种需要一个编号"))
        for word in map(fold, one.words):
            if word in owners:
                problems.append(
                    Problem(str(path), f"need {one.id}.words", f"「{word}」已经在 {owners[word]} 里", "留一处")
                )
            owners.setdefault(word, one.id)
        problems += _wrongly_heard(needs, one, str(path))
    return needs, problems


def _wrongly_heard(needs: Needs, one: Need, file: str) -> list[Problem]:
    def heard(text: str) -> bool:
        found = needs.find(fold(text))
        return found is not None and found[0].id == one.id

    deaf = [
        Problem(file, f"need {one.id}.examples", f"「{text}」没有听出来", "补一个词，或改 unless")
        for text in one.examples if not heard(text)
    ]  # fmt: skip
    wrong = [
        Problem(file, f"need {one.id}.others", f"「{text}」听成了 {one.id}", "把这个说法写进 unless")
        for text in one.others if heard(text)
    ]  # fmt: skip
    return [*deaf, *wrong]
