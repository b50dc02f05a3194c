"""One book out of two: entries that operators wrote and entries taught by chat. Decides whether to answer, ask back or
stay silent. Nobody turned to the bot: only when nearly certain."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Protocol

from ahocorasick_rs import AhoCorasick

from bot.faq.entry import Entry, Hit
from bot.faq.keywords import Answer, FaqBook, core
from bot.faq.written import EntryModel
from bot.lazily import Lazy
from bot.settings import GroupSettings
from bot.words import Reading, fold

if TYPE_CHECKING:
    from bot.faq.engine import Engine

SHORTEST, LONGEST = 4, 60
"""Characters of a message that may be a question to nobody in particular."""
SHORTEST_ASKED = 2
COMMON = 0.08
"""Pairs of characters that so many of the entries share tell nothing; a small book has at least `FEW` of them."""
FEW = 4
ALIKE = 0.6
"""How sure the engine must be that two questions nobody answered are the same one."""
_ASKING = AhoCorasick(
    [
        "?", "怎么", "怎样", "咋", "什么", "啥", "多少", "多久", "几天", "几点", "几号", "几个", "吗", "呢", "嘛",
        "哪", "谁", "能不能", "可不可以", "可以", "能", "有没有", "是不是", "要不要", "会不会", "为什么", "为啥",
        "如何", "请问", "求", "想问", "问下", "问一下", "支持", "需要", "几块", "多大", "不了", "没到", "没收到",
    ]
)  # fmt: skip
_NOTHING = frozenset(
    {
        "怎么", "什么", "多少", "可以", "能不", "不能", "有没", "没有", "是不", "不是", "为什", "请问", "想问",
        "问一", "一下", "下怎", "么样", "怎样", "如何", "哪里", "哪个", "谁知", "知道", "吗请", "时候", "多久",
        "一个", "这个", "那个", "你们", "我们", "我的", "了吗", "的吗", "能吗", "我想", "要怎", "么办", "吗能",
        "需要", "要不", "可不", "不可", "会不", "不会", "有什", "是什", "么时",
    }
)  # fmt: skip
"""Pairs of characters that belong to asking, not to what is asked."""


class Shelf(Protocol):
    """Where taught entries come from."""

    @property
    def version(self) -> int:
        """Grows whenever `read` may give something else."""

    def read(self) -> Iterable[EntryModel]:
        """All of them. What was taught for one group names it in `groups`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry that may have been meant."""

    entry: EntryModel
    score: float
    asked: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a message asks for. `entry` None: not sure enough, `choices` may be meant. `why` is for staff."""

    entry: EntryModel | None
    score: float
    why: str
    choices: tuple[Choice, ...] = ()

    @property
    def id(self) -> str:
        """Which entry, empty when several may be meant."""
        return self.entry.id if self.entry else ""


@dataclass(frozen=True, slots=True)
class _Look:
    """What is needed of an entry, read once."""

    entry: EntryModel
    asked: Entry
    keys: tuple[str, ...]
    """What is left of its questions without courtesies."""
    pairs: frozenset[str]


class Library:
    """The whole book. Keywords and exact questions are looked up at once; the engine is made when it is first needed,
    or before by `warm_up`, and follows changes when it is needed next."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._seen = -1
        self._written = FaqBook(())
        self._looks: dict[str, _Look] = {}
        self._wanted: tuple[Entry, ...] = ()
        self._entries: dict[str, EntryModel] = {}
        self._engine: Lazy[Engine] = Lazy(self._start)
        self._alike: Lazy[Engine] = Lazy(_new_engine)
        self._compared = 0

    @property
    def entries(self) -> dict[str, EntryModel]:
        """Every entry by its id, as things stand now."""
        self._follow()
        return self._entries

    def use(self, written: FaqBook) -> None:
        """From now on these are the entries that operators wrote."""
        self._written = written
        self._seen = -1

    def warm_up(self) -> None:
        """Makes the engine in the background, before anybody asks. Reads the taught entries first, here and now."""
        self._follow()
        self._engine.warm_up()

    def _start(self) -> "Engine":
        engine = _new_engine()
        engine.renew(self._wanted)
        engine.search("先读权重")
        return engine

    def _follow(self) -> None:
        """Takes up what was taught since; one comparison when nothing was."""
        version = self._shelf.version
        if version == self._seen:
            return
        taught = tuple(self._shelf.read())
        before, self._looks = self._looks, {}
        for one in (*self._written.entries, *taught):
            known = before.get(one.id)
            self._looks[one.id] = known if known is not None and known.entry is one else _look(one)
        self._entries = {one.entry.id: one.entry for one in self._looks.values()}
        self._wanted = tuple(one.asked for one in self._looks.values())
        self._scoped = [one for one in self._entries.values() if one.is_scoped]
        self._exact: dict[str, list[EntryModel]] = {}
        # What was taught last, and for one group, comes first.
        for entry in (*reversed([one for one in taught if one.groups]), *reversed(taught), *self._written.entries):
            for key in self._looks[entry.id].keys:
                self._exact.setdefault(key, []).append(entry)
        self._pairs = _telling_pairs(self._looks.values())
        self._seen = version

    # -- one message ----------------------------------------------------------------------------------------------

    def spot(
        self, reading: Reading, group: str | None, settings: GroupSettings, at: datetime | None = None
    ) -> Found | None:
        """The entry that a message asks for, or those that may be meant; None when nothing should be said."""
        self._follow()
        text = reading.text
        if not text:
            return None
        keyword = self._written.spot(reading, group, settings, at)
        if not reading.addressed:
            return self._unasked(text, keyword, group, settings, at)
        exact = self._exactly(text, group, settings, at)
        if exact is not None:
            return exact
        if keyword is not None and keyword.coverage >= settings.faq.coverage:
            return _by_keyword(keyword)
        hits = self.search(text, group, settings, at, settings.faq.choices) if len(core(text)) >= SHORTEST_ASKED else []
        if hits and hits[0].score >= settings.faq.sure:
            return self._surely(hits[0])
        if keyword is not None:
            return _by_keyword(keyword)
        if hits and hits[0].score >= settings.faq.maybe:
            likely = [hit for hit in hits if hit.score >= settings.faq.maybe / 4]
            choices = tuple(Choice(self.entries[hit.id], hit.score, hit.asked) for hit in likely)
            return Found(None, hits[0].score, f"只有 {hits[0].score:.0%} 把握，先问是不是（faq.sure）", choices)
        return None

    def _unasked(
        self, text: str, keyword: Answer | None, group: str | None, settings: GroupSettings, at: datetime | None
    ) -> Found | None:
        """Nobody turned to the bot: the cheap looks first, for nearly all of it is chat."""
        if keyword is not None:
            return self._exactly(text, group, settings, at) or _by_keyword(keyword)
        if not SHORTEST <= len(text) <= LONGEST or settings.faq.strong >= 1 or not self._may_ask(text):
            return None
        exact = self._exactly(text, group, settings, at)
        if exact is not None:
            return exact
        hits = self.search(text, group, settings, at, 1)
        return self._surely(hits[0]) if hits and hits[0].score >= settings.faq.strong else None

    def _may_ask(self, text: str) -> bool:
        """Whether a message could be a question out of the book: it asks and shares a telling pair of characters, or
        shares several. A few microseconds; what passes costs a hundred times as much."""
        shared = len(self._pairs.find_matches_as_indexes(text, overlapping=True))
        return shared >= 3 or (shared > 0 and bool(_ASKING.find_matches_as_indexes(text)))

    def _exactly(self, text: str, group: str | None, settings: GroupSettings, at: datetime | None) -> Found | None:
        key = core(text)
        for entry in self._exact.get(key, ()) if len(key) >= SHORTEST_ASKED else ():
            if entry.fits(group, settings, at):
                return Found(entry, 1.0, f"问的就是这一条，{_named(entry)}「{entry.question or key}」")
        return None

    def _surely(self, hit: Hit) -> Found:
        entry = self.entries[hit.id]
        shared = f"，对上「{'、'.join(hit.matched[:6])}」" if hit.matched else ""
        why = f"{_named(entry)}，把握 {hit.score:.0%}{shared}，最像的问法「{hit.asked}」"
        return Found(entry, hit.score, why)

    def search(
        self, text: str, group: str | None, settings: GroupSettings, at: datetime | None = None, most: int = 3
    ) -> list[Hit]:
        """What the engine finds, surest first, of the entries that are good here and now. Waits for the engine."""
        self._follow()
        engine = self._engine.get()
        if engine.entries is not self._wanted:
            engine.renew(self._wanted)
        away = frozenset(entry.id for entry in self._scoped if not entry.fits(group, settings, at))
        return engine.search(text, most, without=away)

    def alike(self, text: str, others: Sequence[tuple[str, Sequence[str]]]) -> str | None:
        """Which of these (id, wordings) asks the same as a text, if any."""
        if not others:
            return None
        self._compared += 1
        if self._compared % 5_000 == 0:  # words of questions long gone are not kept for ever
            self._alike = Lazy(_new_engine)
        engine = self._alike.get()
        engine.renew(Entry(name, wordings[0], tuple(wordings[1:])) for name, wordings in others)
        hits = engine.search(text, 1)
        return hits[0].id if hits and hits[0].score >= ALIKE else None


def _new_engine() -> "Engine":
    from bot.faq.engine import Engine  # noqa: PLC0415  numpy and the weights: 45 MB and a moment, not for everybody

    return Engine()


def _named(entry: EntryModel) -> str:
    return f"教的问答 {entry.id[1:]}" if entry.id.startswith("#") else f"条目 {entry.id}"


def _by_keyword(found: Answer) -> Found:
    why = f"关键词「{found.keyword}」占了这句话的 {found.coverage:.0%}，条目 {found.id}"
    return Found(found.entry, found.coverage, why)


def _look(entry: EntryModel) -> _Look:
    texts = [fold(text) for text in (entry.question, *entry.similar)]
    pairs = {"".join(pair) for text in (*texts, *map(fold, entry.keywords)) for pair in pairwise(text)} - _NOTHING
    keys = tuple(dict.fromkeys(key for key in map(core, texts) if key))
    return _Look(entry, Entry(entry.id, entry.question, entry.similar, entry.keywords), keys, frozenset(pairs))


def _telling_pairs(looks: Collection[_Look]) -> AhoCorasick:
    """Pairs of characters that tell what an entry is about: those that only a few of them have."""
    counts = Counter(chain.from_iterable(one.pairs for one in looks))
    most = max(FEW, COMMON * len(looks))
    return AhoCorasick([pair for pair, count in counts.items() if count <= most] or ["\x00"])
