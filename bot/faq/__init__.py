"""Keyword answers: which entry, if any, a message asks for. Silent unless it is sure."""

from dataclasses import dataclass
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind
from pydantic import Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.segment import SEGMENTER
from bot.settings import GroupSettings
from bot.settings.kinds import Part, Word
from bot.words import Reading, bare

# Words around a question that carry none of it: "请问怎么退款呀" asks 怎么退款.
_AROUND = [
    "请问一下",
    "请问下",
    "请问",
    "问一下",
    "问下",
    "想问",
    "想知道",
    "麻烦",
    "你好",
    "您好",
    "大家",
    "有人知道",
    "谁知道",
    "我想",
    "咱们",
    "我们",
    "你们",
    "一下",
    "可以",
    "能不能",
    "的话",
    "呢",
    "呀",
    "啊",
    "吗",
    "吧",
    "哦",
    "哈",
    "嘛",
    "么",
    "了",
    "的",
    "我",
    "谢谢",
    "多谢",
]
_PUNCTUATION = frozenset(" \t\n,.!?;:~…、，。！？；：～·\"'“”‘’()（）【】[]「」『』-—_/\\|@#*")


class EntryModel(Part):
    """One answer of faq.toml."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    question: str = ""
    keywords: tuple[Word, ...] = Field(min_length=1)
    answer: str = Field(min_length=1, max_length=1000)
    groups: tuple[str, ...] = Field((), description="只在这些群答；留空到处都答")


class FaqModel(Part):
    """faq.toml."""

    entry: tuple[EntryModel, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry that a message asked for. `keyword` is what gave it away, `coverage` how much of the message it is."""

    id: str
    answer: str
    keyword: str
    coverage: float


class FaqBook:
    """All entries; finding one costs one pass over the message, however many there are."""

    def __init__(self, entries: tuple[EntryModel, ...]) -> None:
        self._owners: list[tuple[str, EntryModel]] = [
            (bare(keyword), entry) for entry in entries for keyword in entry.keywords
        ]
        words = [word for word, _ in self._owners] or ["\x00"]
        self._automaton = AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)
        self._around = AhoCorasick(_AROUND, matchkind=MatchKind.LeftmostLongest)

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def answers(self) -> dict[str, str]:
        """Every entry: id -> what is answered."""
        return {entry.id: entry.answer for _, entry in self._owners}

    def spot(self, reading: Reading, group: str | None, settings: GroupSettings) -> Answer | None:
        """The entry that a message asks for: any keyword when the bot is addressed, else only a message that is
        little more than the keyword (`faq.coverage`)."""
        text = reading.text
        matches = self._automaton.find_matches_as_indexes(text)
        if not matches:
            return None
        found = [
            (end - start, word, entry)
            for index, start, end in matches
            for word, entry in (self._owners[index],)
            if (not entry.groups or group in entry.groups) and self._stands_alone(text, start, end)
        ]
        if not found:
            return None
        length, word, entry = max(found, key=lambda one: one[0])
        covered = sum(one[0] for one in found if one[2] is entry)
        coverage = min(1.0, covered / max(1, self._content(text, word), length))
        if reading.addressed or coverage >= settings.faq.coverage:
            return Answer(entry.id, entry.answer, word, round(coverage, 2))
        return None

    @staticmethod
    def _stands_alone(text: str, start: int, end: int) -> bool:
        """A keyword must be words of the message, not the tail of one and the head of another."""
        return end - start == len(text) or SEGMENTER.stands_alone(text, start, end)

    def _content(self, text: str, keyword: str) -> int:
        """How many characters of a message carry content; the keyword itself always does."""
        rest = text.replace(keyword, "\x00" * len(keyword))
        for _, start, end in reversed(self._around.find_matches_as_indexes(rest)):
            rest = rest[:start] + rest[end:]
        return sum(char not in _PUNCTUATION for char in rest)


def load_faq(path: Path) -> FaqBook:
    """faq.toml -> book. Raises ConfigError with every problem."""
    if not path.is_file():
        return FaqBook(())
    model = check_model(FaqModel, read_toml(path), str(path))
    problems = _twice(path, [(entry.id, entry.id) for entry in model.entry], "id")
    problems += _twice(path, [(bare(word), entry.id) for entry in model.entry for word in entry.keywords], "关键词")
    problems += [
        Problem(str(path), f"entry.{entry.id}.keywords", f"「{word}」太短，会到处误答", "至少两个字")
        for entry in model.entry for word in entry.keywords if len(bare(word)) < 2
    ]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    return FaqBook(model.entry)


def _twice(path: Path, claims: list[tuple[str, str]], what: str) -> list[Problem]:
    owners: dict[str, str] = {}
    problems: list[Problem] = []
    for word, owner in claims:
        if word in owners:
            problems.append(Problem(str(path), f"entry.{owner}", f"{what}「{word}」{owners[word]} 已经用了"))
        owners.setdefault(word, owner)
    return problems
