"""Complaints, distress and questions, heard by words that operators tune: persona/<name>/mood.toml. Precision first.

A word is heard only outside the phrases of `unless`; every example of the file is proven when it is read.
"""

from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind
from pydantic import Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.settings import GroupSettings
from bot.settings.kinds import Part, Word
from bot.words import Reading, fold

SHORTEST_QUESTION = 4


class Mood(Part):
    """The words that give a mood away, the phrases in which they mean nothing, and examples that prove both."""

    words: tuple[Word, ...] = Field(min_length=1)
    unless: tuple[Word, ...] = ()
    examples: tuple[str, ...] = Field((), description="这些话要认出来")
    others: tuple[str, ...] = Field((), description="这些话不能认成")


class Questions(Part):
    """By which endings and words a question is known."""

    ends: tuple[Word, ...] = ("?", "吗", "呢", "么")
    words: tuple[Word, ...] = ("怎么", "什么时候", "有没有人", "请问", "能不能", "哪里", "多少钱")


class MoodFile(Part):
    """mood.toml."""

    distress: Mood
    complaint: Mood
    question: Questions = Field(default_factory=lambda: Questions())


class Moods:
    """All words in one pass. Without a file nothing is ever heard."""

    def __init__(self, moods: MoodFile | None) -> None:
        self._any: AhoCorasick | None = None
        """Every word at once: most messages have none, and are looked through a single time."""
        self._ears: list[tuple[str, AhoCorasick, list[str], int]] = []
        self._question = moods.question if moods else Questions()
        for name in ("distress", "complaint") if moods else ():
            mood: Mood = getattr(moods, name)
            words = [fold(one) for one in (*mood.words, *mood.unless)]
            ear = AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)
            self._ears.append((name, ear, words, len(mood.words)))
        if moods is not None:
            self._any = AhoCorasick([fold(one) for one in (*moods.distress.words, *moods.complaint.words)])

    def find(self, text: str) -> tuple[str, str] | None:
        """(complaint or distress, the word) of a normalised text; distress counts first."""
        if self._any is None or not self._any.find_matches_as_indexes(text):
            return None
        for name, ear, words, count in self._ears:
            for index, _, _ in ear.find_matches_as_indexes(text):
                if index < count:
                    return name, words[index]
        return None

    def is_question(self, text: str) -> bool:
        """Whether a normalised text asks something."""
        if len(text) < SHORTEST_QUESTION:
            return False
        bare = text.rstrip(" ~。!.")
        return bare.endswith(self._question.ends) or any(word in text for word in self._question.words)

    def overhear(self, reading: Reading, settings: GroupSettings, *, answered: bool) -> tuple[str, ...]:
        """Which band must hear a message that is no command: mood, question or none."""
        if settings.contact.moods and self.find(reading.text) is not None:
            return ("mood",)
        if settings.contact.unanswered and not answered and self.is_question(reading.text):
            return ("question",)
        return ()


def load_moods(path: Path) -> tuple[Moods, list[Problem]]:
    """The moods of a persona and what is wrong with the file: an example that is not heard, or heard wrongly."""
    if not path.is_file():
        return Moods(None), []
    try:
        file = check_model(MoodFile, read_toml(path), str(path))
    except ConfigError as error:
        return Moods(None), list(error.problems)
    moods, problems = Moods(file), []
    for name in ("distress", "complaint"):
        mood: Mood = getattr(file, name)
        problems += [
            Problem(str(path), f"{name}.examples", f"「{one}」没有认出来", "补一个词，或改 unless")
            for one in mood.examples if (moods.find(fold(one)) or ("",))[0] != name
        ]  # fmt: skip
        problems += [
            Problem(str(path), f"{name}.others", f"「{one}」认成了 {name}", "把这个说法写进 unless")
            for one in mood.others if (moods.find(fold(one)) or ("",))[0] == name
        ]  # fmt: skip
    return moods, problems
