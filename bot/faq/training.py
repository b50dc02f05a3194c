"""What the model learns from: questions put to knowledge bases of many sizes, made of the shipped domains."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.faq.engine import Close, Engine
from bot.faq.entry import Entry
from bot.faq.files import Asked, read_book, read_questions
from bot.faq.noise import NOISES, spoil
from bot.faq.terms import analyse, surprise

GROUP = 4
"""Domains that are put together to one larger knowledge base."""
OWN = 120
"""Questions of the entries themselves that are asked of a knowledge base, spoiled."""
LEFT_OUT = 0.25
"""Share of the questions that are also asked when their entry is not there."""
TALK = (
    "刚{}完，开心", "昨天{}了哈哈", "我的{}终于好了", "{}真麻烦", "说到{}我就来气", "我妈天天跟我念叨{}",
    "{}的事我跟他们说过了", "今天又是{}的一天", "{}那个我早弄好了", "我也{}了", "你们都{}了没", "谢谢，{}收到了",
    "{}太慢了吧", "终于不用管{}了", "别提{}了", "我朋友也是{}", "{}？哈哈哈", "我看{}还行", "刚才排队{}的人好多",
    "{}这词我听都没听过", "上次{}还是去年的事", "哪有什么{}啊笑死", "等我{}完再说", "为了{}我跑了一下午",
    "你{}我就请你吃饭"
)  # fmt: skip
"""Talk that uses the words of a knowledge base without asking anything."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One knowledge base with the questions that belong to it."""

    name: str
    entries: tuple[Entry, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One question beside its candidates. `right` is the place of the entry that is meant, -1 if none is there."""

    close: Close
    right: int
    ids: tuple[str, ...]
    role: str
    wanted: str | None
    setting: str
    kind: str


def read_domains(folder: Path) -> list[Domain]:
    """Every folder with a kb.jsonl; ids get the domain's name in front, so that domains can be put together."""
    domains = []
    for path in sorted(folder.glob("*/kb.jsonl")):
        name = path.parent.name
        entries = tuple(replace(entry, id=f"{name}/{entry.id}") for entry in read_book(path).entries)
        asked = tuple(
            replace(one, id=f"{name}/{one.id}" if one.id is not None else None)
            for file in ("queries.jsonl", "close.jsonl")
            if (path.parent / file).is_file()
            for one in read_questions(path.parent / file)
        )
        domains.append(Domain(name, entries, asked))
    return domains


def small_talk(folder: Path) -> list[Asked]:
    """Chat that belongs to no domain."""
    return [one for path in sorted(folder.glob("*.jsonl")) for one in read_questions(path)]


def about(domain: Domain, luck: random.Random, count: int) -> list[Asked]:
    """Talk with the words of a domain."""
    words = sorted({word for entry in domain.entries for word in entry.keywords})
    return [Asked(luck.choice(TALK).format(luck.choice(words)), None, "about") for _ in range(count)] if words else []


def near_misses(domain: Domain, others: Sequence[Domain], luck: random.Random, count: int) -> list[Asked]:
    """Questions of a domain about a thing that it knows nothing of: the heaviest word comes from another domain."""
    found: list[Asked] = []
    if not others:
        return found
    known = "".join(text for entry in domain.entries for text in (entry.question, *entry.similar, *entry.keywords))
    for _ in range(count):
        entry, foreign = luck.choice(domain.entries), luck.choice(luck.choice(others).entries)
        text = luck.choice((entry.question, *entry.similar))
        ours, theirs = _heaviest(text), _heaviest(foreign.question)
        if ours and theirs and theirs not in known:
            found.append(Asked(text.replace(ours, theirs), None, "offtopic"))
    return found


def _heaviest(text: str) -> str:
    words = [word for word in analyse(text).words if len(word) > 1]
    return max(words, key=lambda word: surprise("w", word), default="")


def settings(domains: Sequence[Domain], luck: random.Random) -> Iterator[tuple[str, tuple[Entry, ...], list[Asked]]]:
    """(name, entries, questions): each domain alone, thinned, enriched with half of its questions, some together, all
    together, and all together with other people's questions as entries of their own."""
    rich_ones: list[tuple[tuple[Entry, ...], list[Asked]]] = []
    for domain in domains:
        yield f"{domain.name}:plain", domain.entries, _some(_answerable(domain), luck)
        bare = tuple(replace(entry, similar=(), keywords=()) for entry in domain.entries)
        yield f"{domain.name}:bare", bare, _some(_of_similar(domain) + _answerable(domain), luck)
        few = tuple(luck.sample(domain.entries, min(28, len(domain.entries))))
        known = {entry.id for entry in few}
        yield f"{domain.name}:few", few, [one for one in _answerable(domain) if one.id in known]
        rich, rest = _enriched(domain, luck)
        yield f"{domain.name}:rich", rich, _some(rest, luck)
        small, more = _enriched(domain, luck)
        chosen = {entry.id for entry in luck.sample(small, min(35, len(small)))}
        yield (
            f"{domain.name}:richfew",
            tuple(entry for entry in small if entry.id in chosen),
            [one for one in more if one.id in chosen],
        )
        rich_ones.append((rich, rest))
    for start in range(0, len(domains), GROUP):
        some = domains[start : start + GROUP]
        asked = [one for domain in some for one in _answerable(domain)]
        yield "group:plain", tuple(entry for domain in some for entry in domain.entries), _some(asked, luck)
    if len(domains) > GROUP:
        asked = [one for domain in domains for one in _answerable(domain)]
        every = tuple(entry for domain in domains for entry in domain.entries)
        yield "all:plain", every, _some(_some(asked, luck), luck)
        yield (
            "all:rich",
            tuple(entry for rich, _ in rich_ones for entry in rich),
            _some([one for _, of in rich_ones for one in of], luck),
        )
        yield "all:crowd", *_crowd(every, asked, luck)


def _answerable(domain: Domain) -> list[Asked]:
    return [one for one in domain.asked if one.id is not None]


def _some(asked: list[Asked], luck: random.Random) -> list[Asked]:
    """Half of the questions: enough of them come again in other settings."""
    return luck.sample(asked, len(asked) // 2)


def _crowd(entries: Sequence[Entry], asked: list[Asked], luck: random.Random) -> tuple[tuple[Entry, ...], list[Asked]]:
    """Thousands of entries: what people ask about one half of the entries becomes entries, the other half is asked."""
    quiet = {entry.id for entry in luck.sample(entries, len(entries) // 2)}
    more = tuple(
        Entry(f"{one.id}~{number}", one.text) for number, one in enumerate(asked) if one.id in quiet
    )  # fmt: skip
    return (*entries, *more), _some([one for one in asked if one.id not in quiet], luck)


def _of_similar(domain: Domain) -> list[Asked]:
    return [Asked(text, entry.id, "similar") for entry in domain.entries for text in entry.similar]


def _enriched(domain: Domain, luck: random.Random) -> tuple[tuple[Entry, ...], list[Asked]]:
    """Half of the questions become similar questions of their entries; the other half is asked."""
    by_entry: dict[str, list[Asked]] = {}
    for one in domain.asked:
        if one.id is not None:
            by_entry.setdefault(one.id, []).append(one)
    entries, rest = [], []
    for entry in domain.entries:
        mine = by_entry.get(entry.id, [])
        luck.shuffle(mine)
        half = len(mine) // 2
        entries.append(replace(entry, similar=(*entry.similar, *(one.text for one in mine[:half]))))
        rest.extend(mine[half:])
    return tuple(entries), rest


def samples(
    domains: Sequence[Domain], talk: Sequence[Asked], strangers: Sequence[Asked], seed: str
) -> Iterator[Sample]:
    """Everything that is asked of every setting: questions as they are and spoiled, the questions that an entry itself
    answers spoiled, chat, talk about the domain, off-topic questions, and questions of other domains."""
    luck = random.Random(seed)  # noqa: S311  training data
    by_name = {domain.name: domain for domain in domains}
    for name, entries, asked in settings(domains, luck):
        engine = Engine.build(entries)
        domain = by_name.get(name.split(":")[0])
        wanted = list(asked)
        wanted += [
            replace(one, text=spoil(one.text, luck.choice(tuple(NOISES)), name), kind=f"{one.kind} noisy")
            for one in asked
        ]
        own = [
            Asked(luck.choice((entry.question, *entry.similar)), entry.id, "own")
            for entry in luck.sample(entries, min(OWN, len(entries)))
        ]
        for one in own:
            text = one.text
            for _ in range(luck.choice((1, 2, 3))):
                text = spoil(text, luck.choice(tuple(NOISES)), name)
            wanted.append(replace(one, text=text))
        count = max(60, len(asked) // 2)
        negative = luck.sample(list(talk), min(count, len(talk)))
        negative += about(domain or luck.choice(list(domains)), luck, count // 3)
        others = (
            [one for other in domains if other is not domain for one in other.asked if one.id is not None]
            if domain
            else []
        )
        outside = luck.sample(others, min(count // 3, len(others)))
        outside += luck.sample(list(strangers), min(count // 3, len(strangers)))
        negative += [Asked(one.text, None, "offtopic") for one in outside]
        if domain:
            negative += near_misses(domain, [other for other in domains if other is not domain], luck, count // 4)
            negative += [one for one in domain.asked if one.id is None]
        for one in wanted + negative:
            sample = put(engine, one, name)
            if sample is not None:
                yield sample
        for one in luck.sample(asked, int(len(asked) * LEFT_OUT)):
            # The entry is not there: nothing else is right, however near.
            sample = put(engine, replace(one, kind="left out"), name, without=one.id)
            if sample is not None:
                yield sample


def put(engine: Engine, one: Asked, setting: str, without: str | None = None) -> Sample | None:
    """One question to one engine; None if nothing at all is shared. `without`: this entry is not there."""
    close = engine.close(one.text, () if without is None else (without,))
    if close is None:
        return None
    ids = tuple(engine.entries[place].id for place in close.entries.tolist())
    right = ids.index(one.id) if one.id in ids else -1
    role = "offtopic" if one.kind in {"offtopic", "left out"} else "chat" if one.id is None else "question"
    return Sample(close, right, ids, role, one.id, setting, one.kind)
