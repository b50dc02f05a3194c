"""Segments as people write them: `标签:无糖 且 阶段:沉睡 且 近30天签到>=3` -> a tree, and back. A mistake points at the
character and says what would be right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.config import Config, nearest
from bot.lifecycle import BUY_STAGES, TALK_STAGES
from storage.crowds import Both, Compare, Either, Has, Node, Not

LONGEST = 500
DEEPEST = 30
SAVED = "crowd"
"""The field that names a saved segment: 分群:常客."""
FIELDS = {"标签": "tag", "阶段": "stage", "购买阶段": "buying", "群": "group", "来源": "source", "等级": "level",
          "分群": SAVED}  # fmt: skip
COUNTED = {"签到": "check_ins", "发言": "said", "来过": "days_here", "中奖": "wins", "订单": "orders", "消费": "spent"}
NUMBERS = {"积分": "points", "进群天数": "tenure", "订单": "orders", "消费": "spent"}
NAME = re.compile(r"[^\s:：()（）><=＝≥≤≠\"&|]{1,20}")
"""What a saved segment may be called; no expression looks like it."""
_NAMES = {code: name for name, code in FIELDS.items()} | {code: name for name, code in NUMBERS.items()}
_COUNT_NAMES = {code: name for name, code in COUNTED.items()}
_STAGES = {"stage": TALK_STAGES, "buying": BUY_STAGES}
_SAME = str.maketrans("：（）＞＜＝！≥≤≠　", ":()><=!≥≤≠ ")
_AND, _OR, _NOT = ("并且", "而且", "且", "&&", "&"), ("或者", "或", "||", "|"), ("不是", "非", "!")
_OPERATOR = re.compile(r"≥|≤|≠|>=|<=|!=|==|>|<|=")
_PLAIN = {"≥": ">=", "≤": "<=", "≠": "!=", "==": "="}
_WORD = re.compile(r"[^\s:()><=!≥≤≠&|\"]+")
_BARE = re.compile(r"[^\s()\"&|]+")
_DAYS = re.compile(r"近\s*(\d{1,4})\s*天\s*")
_JOINT = re.compile(
    rf"(?:且|或)(?=\s*(?:非|\(|近\d|(?:{'|'.join(sorted({*FIELDS, *NUMBERS}, key=len, reverse=True))})[:><=!≥≤≠]))"
)


class ExpressionError(ValueError):
    """An expression that cannot be read. `at` is the place (0-based) of the character, `hint` what would be right."""

    def __init__(self, text: str, at: int, reason: str, hint: str = "") -> None:
        self.text, self.at, self.reason, self.hint = text, at, reason, hint
        super().__init__(reason)

    def pointed(self) -> str:
        """The expression with a mark under the character, the reason and what would be right."""
        lead = "".join("　" if ord(char) > 0xFF else " " for char in self.text[: self.at])
        return f"{self.text}\n{lead}^ {self.reason}" + (f"，{self.hint}" if self.hint else "")


@dataclass(slots=True)
class _Reader:
    text: str
    plain: str
    at: int = 0
    depth: int = 0
    names: list[tuple[str, int]] = field(default_factory=list)
    """Saved segments that are named, and where."""

    def skip(self) -> None:
        while self.at < len(self.plain) and self.plain[self.at].isspace():
            self.at += 1

    def takes(self, words: tuple[str, ...]) -> bool:
        self.skip()
        for word in words:
            if self.plain.startswith(word, self.at) and not self.plain.startswith("!=", self.at):
                self.at += len(word)
                return True
        return False

    def wrong(self, reason: str, hint: str = "", at: int | None = None) -> ExpressionError:
        return ExpressionError(self.text, self.at if at is None else at, reason, hint)

    def either(self) -> Node:
        parts = [self.both()]
        while self.takes(_OR):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Node:
        parts = [self.one()]
        while self.takes(_AND):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def one(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"套得太深，最多 {DEEPEST} 层")
        try:
            if self.takes(_NOT):
                return Not(self.one())
            if self.takes(("(",)):
                start = self.at - 1
                inner = self.either()
                if not self.takes((")",)):
                    raise self.wrong("这里少一个右括号", f"和第 {start + 1} 个字的左括号成对")
                return inner
            return self.atom()
        finally:
            self.depth -= 1

    def atom(self) -> Node:
        self.skip()
        start = self.at
        days = _DAYS.match(self.plain, self.at)
        if days:
            self.at = days.end()
            return self.counted(int(days[1]), start)
        word = _WORD.match(self.plain, self.at)
        if word is None:
            raise self.wrong("这里应是一个条件", "比如 标签:无糖、近30天签到>=3")
        name = word[0]
        self.at = word.end()
        self.skip()
        if name in FIELDS and self.plain.startswith((":", "="), self.at):
            self.at += 1
            return self.has(name)
        if name in NUMBERS and _OPERATOR.match(self.plain, self.at):
            return self.compared(NUMBERS[name], 0)
        if name in FIELDS:
            raise self.wrong(f"「{name}」后面要写冒号和值", f"比如 {name}:…")
        if name in NUMBERS:
            raise self.wrong(f"「{name}」后面要写 >=、<= 或 = 和一个数", f"比如 {name}>=3")
        if name in COUNTED:
            raise self.wrong(f"「{name}」前面要写近几天", f"比如 近30天{name}>=3", start)
        close = nearest(name, [*FIELDS, *NUMBERS])
        known = "、".join([*FIELDS, *NUMBERS, "近N天签到"])
        raise self.wrong(f"没有「{name[:12]}」这一项", f"是不是想写 {close[0]}？" if close else f"可写 {known}", start)

    def counted(self, days: int, start: int) -> Node:
        word = _WORD.match(self.plain, self.at)
        name = word[0] if word else ""
        if name not in COUNTED:
            close = nearest(name, COUNTED)
            hint = f"是不是想写 {close[0]}？" if close else f"可写 {'、'.join(COUNTED)}"
            raise self.wrong(f"近 {days} 天的什么？", hint)
        if not 1 <= days <= 400:
            raise self.wrong("天数要在 1 到 400 之间", "", start + 1)
        self.at += len(name)
        return self.compared(COUNTED[name], days)

    def compared(self, what: str, days: int) -> Node:
        self.skip()
        operator = _OPERATOR.match(self.plain, self.at)
        if operator is None:
            raise self.wrong("这里要写 >=、<= 或 = 和一个数", "比如 >=3")
        self.at = operator.end()
        self.skip()
        number = re.compile(r"-?\d{1,9}(?![\d.])").match(self.plain, self.at)
        if number is None:
            raise self.wrong("这里要写一个整数")
        self.at = number.end()
        return Compare(what, _PLAIN.get(operator[0], operator[0]), int(number[0]), days)

    def has(self, name: str) -> Node:
        self.skip()
        start, value = self.at, self.value()
        code = FIELDS[name]
        if not value:
            raise self.wrong(f"「{name}:」后面没有写值", f"比如 {name}:…", start)
        if code == SAVED:
            self.names.append((value, start))
        stages = {title: stage for stage, title in _STAGES.get(code, {}).items()}
        if not stages:
            return Has(code, value)
        if value not in stages:
            close = nearest(value, stages)
            hint = f"是不是想写 {close[0]}？" if close else f"可写 {'、'.join(stages)}"
            raise self.wrong(f"没有「{value[:12]}」这个{name}", hint, start)
        return Has(code, stages[value])

    def value(self) -> str:
        if self.plain.startswith('"', self.at):
            return self.quoted()
        match = _BARE.match(self.plain, self.at)
        if match is None:
            return ""
        joint = _JOINT.search(self.plain, self.at)
        end = min(match.end(), joint.start()) if joint and joint.start() > self.at else match.end()
        value = self.text[self.at : end]
        self.at = end
        return value

    def quoted(self) -> str:
        start, kept = self.at, []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\" and self.at + 1 < len(self.text):
                kept.append(self.text[self.at + 1])
                self.at += 2
                continue
            self.at += 1
            if char == '"':
                return "".join(kept)
            kept.append(char)
        raise self.wrong("引号没有收尾", '再写一个 "', start)


def check(text: str) -> None:
    """Proves what a file has as a segment: an expression, or the name of a saved one, which no file knows. Raises
    ValueError with the place of a mistake."""
    if NAME.fullmatch(text):
        return
    try:
        parse(text)
    except ExpressionError as error:
        hint = f"，{error.hint}" if error.hint else ""
        raise ValueError(f"「{text[:60]}」第 {error.at + 1} 个字：{error.reason}{hint}") from None


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    return parse_named(text)[0]


def parse_named(text: str) -> tuple[Node, list[tuple[str, int]]]:
    """The tree of an expression, and (name, place) of each saved segment in it. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(text[:40], 0, f"太长了，最多 {LONGEST} 个字")
    reader = _Reader(text, text.translate(_SAME))
    tree = reader.either()
    reader.skip()
    if reader.at < len(text):
        raise reader.wrong("这里应是 且、或，或者到此为止", "条件之间写「且」或者「或」")
    return tree, reader.names


def fill(node: Node, parts: Mapping[str, Node]) -> Node:
    """The tree with saved segments in the place of their names."""
    match node:
        case Both(inner):
            return Both(tuple(fill(one, parts) for one in inner))
        case Either(inner):
            return Either(tuple(fill(one, parts) for one in inner))
        case Not(one):
            return Not(fill(one, parts))
        case Has("crowd", name):
            return parts[name]
    return node


def size(node: Node) -> int:
    """How many conditions a tree has."""
    match node:
        case Both(parts) | Either(parts):
            return sum(map(size, parts))
        case Not(one):
            return size(one)
    return 1


def show(node: Node) -> str:
    """The expression of a tree; `parse` reads the same tree from it."""
    match node:
        case Both(parts):
            return " 且 ".join(_inner(one, Either, Both) for one in parts)
        case Either(parts):
            return " 或 ".join(_inner(one, Either) for one in parts)
        case Not(one):
            return f"非 {_inner(one, Either, Both)}"
        case Has(what, value):
            return f"{_NAMES[what]}:{_shown(_STAGES.get(what, {}).get(value, value))}"
        case Compare(what, operator, number, days):
            return f"近{days}天{_COUNT_NAMES[what]}{operator}{number}" if days else f"{_NAMES[what]}{operator}{number}"


def _inner(node: Node, *wrapped: type) -> str:
    return f"({show(node)})" if isinstance(node, wrapped) else show(node)


def _shown(value: str) -> str:
    if _BARE.fullmatch(value) and value == value.translate(_SAME) and not re.search(r"且|或|\\", value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def tags_in(node: Node) -> set[str]:
    """The tags that an expression names."""
    match node:
        case Both(parts) | Either(parts):
            return set().union(*map(tags_in, parts))
        case Not(one):
            return tags_in(one)
        case Has("tag", value):
            return {value}
    return set()


def titles(node: Node) -> set[str]:
    """The titles that an expression names: they must exist where it is asked."""
    match node:
        case Both(parts) | Either(parts):
            return set().union(*map(titles, parts))
        case Not(one):
            return titles(one)
        case Has("level", value):
            return {value}
    return set()


def title_problem(text: str, node: Node, config: Config, group: str | None) -> ExpressionError | None:
    """What is wrong with a title that nobody can hold in a group."""
    known = [level.title for level in config.group(group).points.levels]
    for title in sorted(titles(node) - set(known)):
        close = nearest(title, known)
        hint = f"是不是想写 {close[0]}？" if close else f"这里有 {'、'.join(known)}"
        return ExpressionError(text, max(0, text.find(title)), f"没有「{title[:12]}」这个等级", hint)
    return None
