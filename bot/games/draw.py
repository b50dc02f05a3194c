"""Lucky draws that anyone can recompute: the algorithm, exactly as docs/verify-draw.md specifies it.

Every hash is SHA-256 of UTF-8 text, its parts joined by one line feed, written as 64 lowercase hex digits.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FORMAT = "yuanzi-draw 1"
MILLION = 1_000_000
"""Odds are published in parts per million."""
_PRIZE = re.compile(r"^奖品(\d+)：.*，(\d+) 份(?:，每次中奖率 .*（百万分之 (\d+)）)?$")


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
    found = (_PRIZE.match(rule) for rule in rules)
    return [Stock(int(one[1]), int(one[2]), int(one[3] or 0)) for one in found if one]


def places(prizes: Sequence[Stock]) -> list[int]:
    """place - 1 -> prize number: all of prize 1 first, then all of prize 2, and so on."""
    return [prize.number for prize in prizes for _ in range(prize.quantity)]


def seed_of(number: int, rules: Sequence[str], listing: str, public: str, secret: str) -> str:
    """What the result hangs on. `listing`: the hash of the list; `public`: the public number, `-` without one."""
    return sha(FORMAT, str(number), sha(*rules), listing, public, secret)


def ranking(seed: str, lines: Sequence[str]) -> list[int]:
    """Numbers (1 for the first line) of all entrants, best first. Of the w tickets of a weight w the best counts.

    Winners are the first of the ranking; whoever replaces a winner is the next. Nobody comes twice.
    """
    fresh = hashlib.sha256(f"{seed}\n".encode()).copy

    def score(number: int, line: str, ticket: int) -> bytes:
        one = fresh()
        one.update(f"{number}\n{line}\n{ticket}".encode())
        return one.digest()

    scores = [b""]  # nobody has the number 0
    for number, line in enumerate(lines, start=1):
        if "*" in line:
            tickets = int(line.partition("*")[2] or 1)
            scores.append(min(score(number, line, ticket) for ticket in range(1, tickets + 1)))
        else:
            scores.append(score(number, line, 1))
    return sorted(range(1, len(scores)), key=scores.__getitem__)


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
    """A proof taken apart. `wins` are (place, entrant or try number, prize) in the order in which they were given."""

    facts: dict[str, str]
    rules: list[str]
    lines: list[str]
    wins: list[tuple[int, int, int]]
    problems: list[str]


_FACTS = ("format", "draw", "kind", "state", "commit", "public", "count", "list", "secret")


def read_proof(text: str) -> Proof:
    """Reads a proof, whose pages may stand in any order, repeat, and have chat around them."""
    proof = Proof({}, [], [], [], [])
    rules: dict[int, str] = {}
    entrants: dict[int, str] = {}
    wins: dict[int, tuple[int, int, int]] = {}
    for number, raw in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        key, colon, value = raw.strip().partition(": ")
        try:
            if key in _FACTS and colon:
                _put(proof.facts, key, value.strip())
            elif key == "rule" and colon:
                place, _, rule = value.strip().partition(" ")
                _put(rules, int(place), rule)
            elif key == "entrants" and colon:
                first, *lines = value.split()
                for offset, line in enumerate(lines):
                    _put(entrants, int(first) + offset, line)
            elif key == "win" and colon:
                turn, at, who, prize = map(int, value.split()[:4])
                _put(wins, turn, (at, who, prize))
        except ValueError as error:
            proof.problems.append(f"第 {number} 行看不懂或前后不一：{error}")
    for what, found in (("规则", rules), ("名单", entrants), ("中奖", wins)):
        if sorted(found) != list(range(1, len(found) + 1)):
            proof.problems.append(f"{what}不连续，少了几行")
    proof.rules = [rules[one] for one in sorted(rules)]
    proof.lines = [entrants[one] for one in sorted(entrants)]
    proof.wins = [wins[one] for one in sorted(wins)]
    return proof


def _put(
    table: "dict[str, str] | dict[int, str] | dict[int, tuple[int, int, int]]", key: object, value: object
) -> None:
    known: dict[object, object] = table  # type: ignore[assignment]
    if known.setdefault(key, value) != value:
        raise ValueError(f"{key} 写了两种")


def verify(text: str) -> tuple[list[str], Proof]:
    """What is wrong with a proof (nothing: the result is right), and the proof itself."""
    proof = read_proof(text)
    problems, facts = proof.problems, proof.facts
    missing = [key for key in _FACTS if key not in facts]
    if missing:
        return [*problems, f"缺少 {'、'.join(missing)}"], proof
    if facts["format"] != FORMAT or not facts["draw"].isdecimal():
        return [*problems, f"不认识的格式 {facts['format']}"], proof
    if facts["state"] not in ("drawn", "void"):
        return [*problems, "还没开奖，没有可以验的结果"], proof
    if sha(facts["secret"]) != facts["commit"]:
        problems.append("秘密和开始时公布的承诺对不上")
    if facts["count"] != str(len(proof.lines)):
        problems.append(f"名单应有 {facts['count']} 行，这里有 {len(proof.lines)} 行")
    if sha(*proof.lines) != facts["list"]:
        problems.append("名单和公布的名单哈希对不上")
    if any(not re.fullmatch(r"[0-9a-f]{10}(\*\d{1,2}|\.[0-9a-f]{10})?", line) for line in proof.lines):
        return [*problems, "名单里有写坏的行"], proof
    if facts["state"] == "drawn" or facts["kind"] == "instant":
        problems += _check_wins(proof)
    return problems, proof


def _check_wins(proof: Proof) -> list[str]:
    facts, prizes = proof.facts, stocks(proof.rules)
    listing = "instant" if facts["kind"] == "instant" else facts["list"]
    seed = seed_of(int(facts["draw"]), proof.rules, listing, facts["public"], facts["secret"])
    if facts["kind"] == "instant":
        wins = replay(seed, proof.lines, prizes)
        return [] if proof.wins == wins else [f"即时抽的结果对不上：应是 {wins}，写的是 {proof.wins}"]
    order, kinds = ranking(seed, proof.lines), places(prizes)
    first = min(len(order), len(kinds))
    problems = [] if len(proof.wins) >= first else [f"应有 {first} 位中奖，只写了 {len(proof.wins)} 位"]
    for turn, (place, who, prize) in enumerate(proof.wins, start=1):
        if turn > len(order) or order[turn - 1] != who:
            due = f"{order[turn - 1]} 号" if turn <= len(order) else "没有人了"
            problems.append(f"第 {turn} 个抽出的应是名单 {due}，写的是 {who} 号")
        elif not 1 <= place <= first or kinds[place - 1] != prize or (turn <= first and place != turn):
            problems.append(f"第 {turn} 个抽出的名额或奖品不对")
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
