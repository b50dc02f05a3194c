"""tags.toml: which tags there are, what gives them, which exclude each other. Read and proven with every mistake."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bot.config import check_model, nearest, read_toml
from bot.errors import ConfigError, Problem
from bot.settings.kinds import Part, Quiet, Word
from bot.words import normalise

Kind = Literal["talk", "act", "hours", "days", "source", "place", "spend", "bought"]
_NEEDS = {"talk": (), "act": ("routes",), "hours": ("hours",), "days": (), "source": (), "place": ("words", "before"),
          "spend": ("amount",), "bought": ()}  # fmt: skip
_OWN = ("routes", "hours", "before", "amount", "words", "products")
_MAY = {"talk": ("words", "products"), "place": ("words", "before"), "bought": ("words", "products")}
VALUE = "{value}"
LONGEST = 24
"""Characters of a tag."""


class TagRule(Part):
    """One rule."""

    id: str = Field(pattern=r"^[a-z0-9_.-]{1,40}$", description="编号，别改：依据记着它")
    tag: str = Field(min_length=1, max_length=LONGEST, description="给什么标签；{value} 换成来源、地方或产品")
    kind: Kind = Field(
        description="talk 说到、act 用过、hours 时段、days 来的天数、source 来源、place 地方、spend 消费满、bought 买过"
    )
    words: tuple[Word, ...] = Field((), description="说到这些词（写原样，大小写和全半角不计）")
    products: bool = Field(False, description="用 [products] 里的产品词，每个产品一个标签")
    before: tuple[Word, ...] = Field((), description="kind = place：地名前面的话，比如 坐标、我在")
    routes: tuple[str, ...] = Field((), description="kind = act：功能的名字开头，比如 draw. checkin.check_in")
    hours: Quiet = Field(None, description="kind = hours：22:30-05:00")
    amount: int = Field(0, ge=0, le=10_000_000, description="kind = spend：几元")
    need: int = Field(1, ge=1, le=15, description="要几次才算")
    days: int = Field(90, ge=0, le=3650, description="几天内的才算，过了就掉；0 一直算")
    per: Literal["line", "day"] = Field("line", description="一句算一次，还是一天算一次")
    whole: bool = Field(False, description="要单独成词：短词用，免得词中词")
    version: int = Field(1, ge=1, description="改了规则就加一；旧依据按新规则重读")
    shown: bool = Field(True, description="成员自己看「我的标签」时给不给看")
    why: str = Field(min_length=1, max_length=30, description="依据怎么说：后面接「3 次」")

    @model_validator(mode="after")
    def _whole_rule(self) -> "TagRule":
        for name in _NEEDS[self.kind]:
            if not getattr(self, name):
                raise ValueError(f"kind = {self.kind} 要写 {name}")
        may = (*_NEEDS[self.kind], *_MAY.get(self.kind, ()))
        for name in _OWN:
            if getattr(self, name) and name not in may:
                raise ValueError(f"kind = {self.kind} 用不到 {name}")
        if self.kind in ("talk", "bought") and bool(self.words) == self.products:
            raise ValueError("words 和 products 写一个，只写一个")
        many = self.kind in ("source", "place") or self.products
        if many != (VALUE in self.tag):
            raise ValueError(f"tag 里{'要有' if many else '不能有'} {VALUE}")
        return self

    def named(self, value: str) -> str:
        """The tag for a source, place or product."""
        return self.tag.replace(VALUE, value)[:LONGEST]

    def covers(self, minute: int) -> bool:
        """Whether a minute of the day lies in `hours`, which may cross midnight."""
        if self.hours is None:
            return False
        start, end = self.hours
        return start <= minute < end if start <= end else minute >= start or minute < end

    @property
    def from_orders(self) -> bool:
        """Whether orders give this tag, not interactions."""
        return self.kind in ("spend", "bought")


class Conflict(Part):
    """Tags of which a member has one at most. `keep`: newest evidence, or the one that stands first here."""

    name: str = Field(min_length=1, max_length=20)
    tags: tuple[str, ...] = Field(min_length=1, description="几个标签，或一个「地区:*」这样的")
    keep: Literal["newest", "first"] = "newest"


class TagFile(Part):
    """A whole tags.toml."""

    refusals: tuple[Word, ...] = Field((), description="词前面有这些话就不算：不要、讨厌 …")
    products: dict[str, tuple[Word, ...]] = Field(default_factory=dict, description="产品 = [叫法]")
    rule: tuple[TagRule, ...] = ()
    conflict: tuple[Conflict, ...] = ()


@dataclass(frozen=True)
class TagBook:
    """All rules together."""

    rules: tuple[TagRule, ...] = ()
    products: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @cached_property
    def heard(self) -> tuple[TagRule, ...]:
        """The rules that interactions feed."""
        return tuple(rule for rule in self.rules if not rule.from_orders)

    @cached_property
    def bought(self) -> tuple[TagRule, ...]:
        """The rules that orders feed."""
        return tuple(rule for rule in self.rules if rule.from_orders)

    @cached_property
    def listening(self) -> dict[tuple[str, ...], tuple[list[tuple[TagRule, str, str]], Any]]:
        """Rule ids -> (owners of the words, automaton over them): what was built to hear these rules."""
        return {}

    def rule(self, rule_id: str) -> TagRule | None:
        """The rule with this id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def patterns(self, rule: TagRule) -> Iterator[tuple[str, str]]:
        """(tag, normalised word) of a rule that listens for words."""
        if rule.products:
            yield from ((rule.named(name), normalise(word)) for name, words in self.products.items() for word in words)
        elif rule.kind == "place":
            yield from ((rule.named(word), normalise(lead + word)) for word in rule.words for lead in rule.before)
        else:
            yield from ((rule.tag, normalise(word)) for word in rule.words)

    def refused(self, text: str, start: int) -> bool:
        """Whether the words right before a place in a text say no: 不要无糖. 要不要 and 喜不喜欢 are questions."""
        return says_no(text, start, self.refusals)

    def arena(self, tag: str) -> tuple[str | None, int | None]:
        """(conflict, rank where the first wins) of a tag; (None, None) when it excludes nothing."""
        if tag in self._arenas:
            return self._arenas[tag]
        return next((place for start, place in self._prefixes if tag.startswith(start)), (None, None))

    @cached_property
    def _places(self) -> list[tuple[str, tuple[str | None, int | None]]]:
        return [
            (tag, (conflict.name, rank if conflict.keep == "first" else None))
            for conflict in self.conflicts for rank, tag in enumerate(conflict.tags)
        ]  # fmt: skip

    @cached_property
    def _arenas(self) -> dict[str, tuple[str | None, int | None]]:
        return {tag: place for tag, place in self._places if not tag.endswith("*")}

    @cached_property
    def _prefixes(self) -> list[tuple[str, tuple[str | None, int | None]]]:
        return [(tag[:-1], place) for tag, place in self._places if tag.endswith("*")]

    def version(self, rule: TagRule) -> str:
        """The version of a rule and of everything that it depends on: whoever edits a word starts it anew."""
        return self._versions[rule.id]

    @cached_property
    def _versions(self) -> dict[str, str]:
        shared = [list(self.refusals), [one.model_dump() for one in self.conflicts]]
        products = {name: list(words) for name, words in self.products.items()}
        found = {}
        for rule in self.rules:
            data = json.dumps([rule.model_dump(), shared, products if rule.products else None], sort_keys=True)
            found[rule.id] = f"{rule.version}.{hashlib.sha256(data.encode()).hexdigest()[:8]}"
        return found


def says_no(text: str, start: int, refusals: Collection[str]) -> bool:
    """Whether the words right before a place in a normalised text say no. 要不要 and 喜不喜欢 are questions."""
    head = text[max(0, start - 6) : start]
    for word in refusals:
        if head.endswith(word):
            rest = head[: len(head) - len(word)]
            if not (word.startswith("不") and len(word) > 1 and rest.endswith(word[1])):
                return True
    return False


def load_tags(path: Path, taboo: Collection[str] = ()) -> TagBook:
    """Reads and proves a tags.toml. Raises ConfigError with every problem."""
    file = str(path)
    data = check_model(TagFile, read_toml(path), file)
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for rule in data.rule:
        for what, name in (("编号", f"id {rule.id}"), ("标签", f"tag {rule.tag}")):
            if name in seen:
                problems.append(Problem(file, f"rule {rule.id}", f"{what}和 {seen[name]} 重复", "一个标签只归一条规则"))
            seen.setdefault(name, rule.id)
        if rule.products and not data.products:
            problems.append(Problem(file, f"rule {rule.id}.products", "[products] 里一个产品也没有"))
        words = [normalise(word) for word in rule.words]
        problems += [
            Problem(file, f"rule {rule.id}.words", f"「{word}」写了两次")
            for word in sorted({one for one in words if words.count(one) > 1})
        ]
        problems += [Problem(file, f"rule {rule.id}.tag", f"用了禁用词「{one}」") for one in taboo if one in rule.tag]
    book = TagBook(data.rule, data.products, tuple(map(normalise, data.refusals)), data.conflict)
    problems += _conflict_problems(book, file)
    if problems:
        raise ConfigError(problems)
    return book


def _conflict_problems(book: TagBook, file: str) -> list[Problem]:
    tags = [rule.tag.replace(VALUE, "*") for rule in book.rules]
    problems: list[Problem] = []
    owners: dict[str, str] = {}
    for conflict in book.conflicts:
        if len(conflict.tags) == 1 and not conflict.tags[0].endswith("*"):
            problems.append(Problem(file, f"conflict {conflict.name}", "只有一个标签，和谁也不冲突"))
        for tag in conflict.tags:
            if tag not in tags:
                close = nearest(tag, tags)
                hint = f"是不是想写 {close[0]}？" if close else "先写一条给它的规则"
                problems.append(Problem(file, f"conflict {conflict.name}", f"没有规则给「{tag}」", hint))
            if tag in owners:
                problems.append(Problem(file, f"conflict {conflict.name}", f"「{tag}」已经在 {owners[tag]} 里"))
            owners.setdefault(tag, conflict.name)
    return problems
