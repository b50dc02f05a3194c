"""Lucky draws that anyone can recompute: the algorithm, exactly as docs/verify-draw.md specifies it.

Every hash is SHA-256 of UTF-8 text, its parts joined by one line feed, written as 64 lowercase hex digits.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice

FORMAT = "yuanzi-draw 1"
MILLION = 1_000_000
"""Odds are published in parts per million."""
FEW = 20
"""Up to one winner in so many entrants it is quicker to find the best than to put all in order."""
_NUMBER, _HASH = "[1-9][0-9]{0,17}", "[0-9a-f]{64}"
_PRIZE = re.compile(f"奖品({_NUMBER})：.*，({_NUMBER}) 份(?:，每次中奖率 .*%（百万分之 ({_NUMBER})）)?")


def sha(*parts: str) -> str:
    """The hash of parts."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def code_of(commitment: str, member: str) -> str:
    """How a member appears in the published list: not their id, but whoever knows the id can find the line."""
    return sha(commitment, member)[:10]


def salt_of(event_id: str) -> str:
    """What the member's own message adds to an instant try."""
    return sha(event_id)[:10]


def seal_of(secret: str, answers: Sequence[str]) -> str:
    """By what the answers to a draw's question are known while they are kept back."""
    return sha(secret, *answers)[:16]


def entrant(code: str, weight: int = 1) -> str:
    """An entrant as a line of the list."""
    return code if weight == 1 else f"{code}*{weight}"


@dataclass(frozen=True, slots=True)
class Stock:
    """A prize as the algorithm sees it; `odds` in parts per million, 0 where the list decides."""

    number: int
    quantity: int
    odds: int = 0


def stocks(rules: Iterable[str]) -> list[Stock]:
    """The prizes that published rules name, in order."""
    found = (_PRIZE.fullmatch(rule) for rule in rules)
    return [Stock(int(one[1]), int(one[2]), int(one[3] or 0)) for one in found if one]


def places(prizes: Sequence[Stock], most: int | None = None) -> list[int]:
    """place - 1 -> prize number: all of prize 1 first, then all of prize 2, and so on; the first `most` of them."""
    return list(islice((prize.number for prize in prizes for _ in range(prize.quantity)), most))


def seed_of(number: int, rules: Sequence[str], listing: str, public: str, secret: str) -> str:
    """What the result hangs on. `listing`: the hash of the list; `public`: the public number, `-` without one."""
    return sha(FORMAT, str(number), sha(*rules), listing, public, secret)


def ranking(seed: str, lines: Sequence[str], most: int | None = None) -> list[int]:
    """Numbers (1 for the first line) of all entrants, or of the first `most`, best first. Of the w tickets of a weight
    w the best counts.

    Winners are the first of the ranking; whoever replaces a winner is the next. Nobody comes twice.
    """
    fresh = hashlib.sha256(f"{seed}\n".encode()).copy

    def score(number: int, line: str, ticket: int) -> bytes:
        one = fresh()
        one.update(f"{number}\n{line}\n{ticket}".encode())
        return one.digest()

    scores = [b""]  # nobody has the number 0
    for number, line in enumerate(lines, start=1):
        first = fresh()  # `score` of ticket 1, without a call for each of 100,000
        first.update(f"{number}\n{line}\n1".encode())
        best = first.digest()
        if "*" in line:
            tickets = int(line.partition("*")[2] or 1)
            best = min([best, *(score(number, line, ticket) for ticket in range(2, tickets + 1))])
        scores.append(best)
    numbers = range(1, len(scores))
    if most is not None and most * FEW < len(lines):
        return nsmallest(most, numbers, key=scores.__getitem__)
    return sorted(numbers, key=scores.__getitem__)[:most]


def try_luck(seed: str, number: int, line: str) -> int:
    """Where the try of this number falls, in 0..999,999."""
    return int(sha(seed, str(number), line), 16) % MILLION


def hit(position: int, prizes: Sequence[Stock], won: dict[int, int]) -> int | None:
    """The prize whose slice of the odds a try fell into, or None; a prize without stock left is won by nobody."""
    edge = 0
    for prize in prizes:
        edge += prize.odds
        if position < edge:
            return prize.number if won.get(prize.number, 0) < prize.quantity else None
    return None


# -- the published proof -------------------------------------------------------------------------------------------

PER_LINE = 20


def list_lines(lines: Sequence[str]) -> list[str]:
    """The list as lines of a proof: `entrants: <number of the first> <entrant> …`."""
    return [
        f"entrants: {start + 1} {' '.join(lines[start : start + PER_LINE])}" for start in range(0, len(lines), PER_LINE)
    ]


def pages(lines: Sequence[str], most: int) -> list[str]:
    """Lines as texts of at most `most` bytes each, never cut inside a line unless the line alone is too long."""
    found: list[list[str]] = [[]]
    size = 0
    for line in lines:
        length = len(line.encode()) + 1
        if found[-1] and size + length > most:
            found.append([])
            size = 0
        found[-1].append(line)
        size += length
    return ["\n".join(page) for page in found]


@dataclass(slots=True)
class Proof:
    """A proof taken apart. `wins` are (place, entrant or try number, prize, state), in the order of giving."""

    facts: dict[str, str]
    rules: list[str]
    lines: list[str]
    wins: list[tuple[int, int, int, str]]
    problems: list[str]


_FACTS = {
    "format": re.escape(FORMAT), "draw": _NUMBER, "kind": "list|instant", "state": "drawn|void|open|closed|planned",
    "commit": _HASH, "public": ".+", "count": f"0|{_NUMBER}", "list": _HASH, "secret": _HASH,
}  # fmt: skip
_TABLES = {
    "rule": ".+",
    "entrants": r"\S+( \S+)*",
    "win": f"{_NUMBER} {_NUMBER} {_NUMBER} (won|claimed|replaced|forfeited)",
}
_LINE = {"list": r"[0-9a-f]{10}(\*([2-9]|[1-9][0-9]))?", "instant": r"[0-9a-f]{10}\.[0-9a-f]{10}"}
_TITLES = {"rule": "规则", "entrants": "名单", "win": "中奖"}


def read_proof(text: str) -> Proof:
    """Reads a proof, whose pages may stand in any order, repeat, and have chat around them."""
    proof = Proof({}, [], [], [], [])
    tables: dict[str, dict[int, str]] = {key: {} for key in _TABLES}
    for number, raw in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        key, _, value = raw.strip().partition(": ")
        try:
            if key in _FACTS:
                _put(proof.facts, key, _shaped(_FACTS[key], value))
            elif key in _TABLES:
                first, _, rest = value.partition(" ")
                start, rest = int(_shaped(_NUMBER, first)), _shaped(_TABLES[key], rest)
                for place, one in enumerate(rest.split() if key == "entrants" else [rest], start=start):
                    _put(tables[key], place, one)
        except ValueError as error:
            proof.problems.append(f"第 {number} 行看不懂或前后不一：{error}")
    for key, found in tables.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            proof.problems.append(f"{_TITLES[key]}不连续，少了几行")
    proof.rules, proof.lines, wins = ([tables[key][one] for one in sorted(tables[key])] for key in _TABLES)
    proof.wins = [(int(place), int(who), int(prize), state) for place, who, prize, state in map(str.split, wins)]
    return proof


def _shaped(form: str, value: str) -> str:
    """The value, written as the page says. Raises ValueError."""
    if not re.fullmatch(form, value):
        raise ValueError(value[:80] or "没有值")
    return value


def _put(table: "dict[str, str] | dict[int, str]", key: object, value: str) -> None:
    known: dict[object, str] = table  # type: ignore[assignment]
    if known.setdefault(key, value) != value:
        raise ValueError(f"{key} 写了两种")


def verify(text: str) -> tuple[list[str], Proof]:
    """What is wrong with a proof (nothing: the result is right), and the proof itself."""
    proof = read_proof(text)
    problems, facts = proof.problems, proof.facts
    if facts.get("state", "drawn") not in ("drawn", "void"):
        return [*problems, "还没开奖，没有可以验的结果"], proof
    missing = [key for key in _FACTS if key not in facts] + ([] if proof.rules else ["rule"])
    if missing:
        return [*problems, f"缺少 {'、'.join(missing)}"], proof
    if sha(facts["secret"]) != facts["commit"]:
        problems.append("秘密和开始时公布的承诺对不上")
    if facts["count"] != str(len(proof.lines)):
        problems.append(f"名单应有 {facts['count']} 行，这里有 {len(proof.lines)} 行")
    if sha(*proof.lines) != facts["list"]:
        problems.append("名单和公布的名单哈希对不上")
    if not all(re.fullmatch(_LINE[facts["kind"]], line) for line in proof.lines):
        return [*problems, "名单里有写坏的行"], proof
    prizes = stocks(proof.rules)
    if not prizes or [prize.number for prize in prizes] != list(range(1, len(prizes) + 1)):
        return [*problems, "规则里奖品的号不是从 1 连着的"], proof
    instant = facts["kind"] == "instant"
    if any(bool(prize.odds) != instant for prize in prizes):
        return [*problems, "即时抽的奖品要写中奖率，名单抽奖的不写"], proof
    return [*problems, *(_check_tries if instant else _check_list)(proof, prizes)], proof


def _check_tries(proof: Proof, prizes: Sequence[Stock]) -> list[str]:
    facts = proof.facts
    if facts["public"] != "-":
        return ["即时抽没有公开数，public 只能是 -"]
    due = replay(seed_of(int(facts["draw"]), proof.rules, "instant", "-", facts["secret"]), proof.lines, prizes)
    wins = [(place, who, prize) for place, who, prize, _ in proof.wins]
    return [] if wins == due else [f"即时抽的结果对不上：应是 {due}，写的是 {wins}"]


def _check_list(proof: Proof, prizes: Sequence[Stock]) -> list[str]:
    facts = proof.facts
    if facts["state"] == "void":
        return ["作废的名单抽奖没有人中，却写了中奖"] if proof.wins else []
    order = ranking(
        seed_of(int(facts["draw"]), proof.rules, facts["list"], facts["public"], facts["secret"]), proof.lines
    )
    kinds = places(prizes, len(order))
    problems = [] if len(proof.wins) >= len(kinds) else [f"应有 {len(kinds)} 位中奖，只写了 {len(proof.wins)} 位"]
    held: set[int] = set()
    for turn, (place, who, prize, state) in enumerate(proof.wins, start=1):
        if turn > len(order) or order[turn - 1] != who:
            due = f"{order[turn - 1]} 号" if turn <= len(order) else "没有人了"
            problems.append(f"第 {turn} 个抽出的应是名单 {due}，写的是 {who} 号")
        elif place > len(kinds) or kinds[place - 1] != prize or (turn <= len(kinds) and place != turn):
            problems.append(f"第 {turn} 个抽出的名额或奖品不对")
        if state in ("won", "claimed"):
            if place in held:
                problems.append(f"{place} 号名额同时归了两位")
            held.add(place)
    return problems


def replay(seed: str, lines: Sequence[str], prizes: Sequence[Stock]) -> list[tuple[int, int, int]]:
    """(place, try number, prize) of every try that won, in order. A member who has won tries no more."""
    won: dict[int, int] = {}
    wins: list[tuple[int, int, int]] = []
    for number, line in enumerate(lines, start=1):
        prize = hit(try_luck(seed, number, line), prizes, won)
        if prize is not None:
            won[prize] = won.get(prize, 0) + 1
            wins.append((len(wins) + 1, number, prize))
    return wins
