"""Keyword answers: which entry, if any, a message asks for. Silent unless it is sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ahocorasick_rs import AhoCorasick, MatchKind

from bot.faq.written import EntryModel
from bot.segment import SEGMENTER
from bot.settings import GroupSettings
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

_COURTESIES = AhoCorasick(_AROUND, matchkind=MatchKind.LeftmostLongest)


def core(text: str) -> str:
    """What of a normalised text carries content: no courtesies, no punctuation. Two questions with the same core are
    the same question."""
    for _, start, end in reversed(_COURTESIES.find_matches_as_indexes(text)):
        text = text[:start] + text[end:]
    return "".join(char for char in text if char not in _PUNCTUATION)


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry that a message asked for. `keyword` is what gave it away, `coverage` how much of the message it is."""

    id: str
    answer: str
    keyword: str
    coverage: float
    entry: EntryModel


class FaqBook:
    """All entries; finding one costs one pass over the message, however many there are."""

    def __init__(self, entries: Sequence[EntryModel]) -> None:
        self.entries = tuple(entries)
        self._owners: list[tuple[str, EntryModel]] = [
            (bare(keyword), entry) for entry in entries for keyword in entry.keywords
        ]
        words = [word for word, _ in self._owners] or ["\x00"]
        self._automaton = AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def answers(self) -> dict[str, str]:
        """Every entry: id -> what is answered."""
        return {entry.id: entry.answer for entry in self.entries}

    def spot(
        self, reading: Reading, group: str | None, settings: GroupSettings, at: datetime | None = None
    ) -> Answer | None:
        """The entry that a message asks for: any keyword when the bot is addressed, else only a message that is
        little more than the keyword (`faq.coverage`). Without `at` no entry is too early or too late."""
        text = reading.text
        matches = self._automaton.find_matches_as_indexes(text)
        if not matches:
            return None
        found = [
            (end - start, word, entry)
            for index, start, end in matches
            for word, entry in (self._owners[index],)
            if entry.fits(group, settings, at) and self._stands_alone(text, start, end)
        ]
        if not found:
            return None
        length, word, entry = max(found, key=lambda one: one[0])
        covered = sum(one[0] for one in found if one[2] is entry)
        coverage = min(1.0, covered / max(1, self._content(text, word), length))
        if reading.addressed or coverage >= settings.faq.coverage:
            return Answer(entry.id, entry.answer, word, round(coverage, 2), entry)
        return None

    @staticmethod
    def _stands_alone(text: str, start: int, end: int) -> bool:
        """A keyword must be words of the message, not the tail of one and the head of another."""
        return end - start == len(text) or SEGMENTER.stands_alone(text, start, end)

    @staticmethod
    def _content(text: str, keyword: str) -> int:
        """How many characters of a message carry content; the keyword itself always does."""
        return len(core(text.replace(keyword, "\x00" * len(keyword))))
