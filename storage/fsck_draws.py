"""Proves the promises of draws on real data: winners distinct, stock never negative, every result recomputes.

An implementation of docs/verify-draw.md of its own: storage knows nothing of the bot.
"""

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator

Found = Iterator[tuple[str, str]]
_PRIZE = re.compile(r"^奖品(\d+)：.*，(\d+) 份(?:，每次中奖率 .*（百万分之 (\d+)）)?$")
_ENDED = "state = 'drawn' OR (state = 'void' AND kind = 'instant')"


def _sha(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def commitments(conn: sqlite3.Connection) -> Found:
    """The secret is the one that was committed to."""
    for number, secret, commitment in conn.execute("SELECT id, secret, commitment FROM draw ORDER BY id"):
        if _sha(secret) != commitment:
            yield f"抽奖 {number}", "秘密和公布的承诺对不上"


def lists(conn: sqlite3.Connection) -> Found:
    """The list is numbered without gaps, and is the one whose hash was published."""
    for number, kind, listing in conn.execute("SELECT id, kind, list_hash FROM draw ORDER BY id").fetchall():
        lines = _lines(conn, number, kind)
        table = "draw_try" if kind == "instant" else "draw_entry"
        last = conn.execute(f"SELECT coalesce(max(number), 0) FROM {table} WHERE draw_id = ?", (number,)).fetchone()[0]
        if last != len(lines):
            yield f"抽奖 {number}", f"名单编号到 {last}，只有 {len(lines)} 行"
        if listing is not None and _sha(*lines) != listing:
            yield f"抽奖 {number}", "名单和公布的名单哈希对不上"


def distinct(conn: sqlite3.Connection) -> Found:
    """Nobody wins twice in one draw, and a place has one holder at a time."""
    rows = conn.execute(
        "SELECT draw_id, member_id, count(*) FROM draw_winner GROUP BY draw_id, member_id HAVING count(*) > 1"
    )
    for number, member, times in rows:
        yield f"抽奖 {number} 成员 {member}", f"中了 {times} 次"
    rows = conn.execute(
        "SELECT draw_id, place, count(*) FROM draw_winner WHERE state IN ('won', 'claimed')"
        " GROUP BY draw_id, place HAVING count(*) > 1"
    )
    for number, place, times in rows:
        yield f"抽奖 {number} 名额 {place}", f"同时有 {times} 个人"


def stock(conn: sqlite3.Connection) -> Found:
    """What is left of a prize is what was there without what was given away, and never below nothing."""
    rows = conn.execute(
        "SELECT p.draw_id, p.prize, p.quantity, p.remaining, (SELECT count(DISTINCT w.place) FROM draw_winner w"
        " WHERE w.draw_id = p.draw_id AND w.prize = p.prize) FROM draw_prize p ORDER BY 1, 2"
    )
    for number, prize, quantity, remaining, given in rows:
        if remaining < 0 or remaining != quantity - given:
            yield (
                f"抽奖 {number} 奖品 {prize}",
                f"{quantity} 份给出 {given} 份，应剩 {quantity - given}，记的是 {remaining}",
            )


def results(conn: sqlite3.Connection) -> Found:
    """Every result is what rules, list, public number and secret say."""
    draws = conn.execute(
        f"SELECT id, kind, rules, coalesce(list_hash, ''), public_number, secret FROM draw WHERE {_ENDED} ORDER BY id"
    ).fetchall()
    for number, kind, rules, listing, public, secret in draws:
        mixed = "instant" if kind == "instant" else listing
        seed = _sha("yuanzi-draw 1", str(number), _sha(*rules.split("\n")), mixed, public, secret)
        prizes = [(int(one[1]), int(one[2]), int(one[3] or 0)) for one in map(_PRIZE.match, rules.split("\n")) if one]
        wins = conn.execute(
            "SELECT place, number, prize FROM draw_winner WHERE draw_id = ? ORDER BY turn", (number,)
        ).fetchall()
        lines = _lines(conn, number, kind)
        due = _instant(seed, lines, prizes) if kind == "instant" else _ranked(seed, lines, prizes, wins)
        if [tuple(one) for one in wins] != due:
            yield f"抽奖 {number}", f"结果重算对不上：应是 {due[:5]}，记的是 {[tuple(one) for one in wins][:5]}"


def undrawn(conn: sqlite3.Connection) -> Found:
    """A draw by list has winners once it was drawn: none while it goes on, and none when it was voided."""
    rows = conn.execute(
        "SELECT d.id, d.state, count(*) FROM draw d JOIN draw_winner w ON w.draw_id = d.id"
        " WHERE d.kind = 'list' AND d.state <> 'drawn' GROUP BY d.id, d.state ORDER BY d.id"
    )
    for number, state, count in rows:
        yield f"抽奖 {number}", f"{'已经作废' if state == 'void' else '还没开奖'}，却记着 {count} 位中奖"


def _lines(conn: sqlite3.Connection, number: int, kind: str) -> list[str]:
    table = "draw_try" if kind == "instant" else "draw_entry"
    return [row[0] for row in conn.execute(f"SELECT line FROM {table} WHERE draw_id = ? ORDER BY number", (number,))]


def _ranked(
    seed: str, lines: list[str], prizes: list[tuple[int, int, int]], wins: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    def score(number: int, line: str) -> str:
        weight = line.partition("*")[2]
        return min(_sha(seed, str(number), line, str(ticket + 1)) for ticket in range(int(weight or 1)))

    order = [number for _, number in sorted((score(number, line), number) for number, line in enumerate(lines, 1))]
    places = [prize for prize, quantity, _ in prizes for _ in range(quantity)][: len(order)]
    due = [(place, order[place - 1], prize) for place, prize in enumerate(places, start=1)]
    # Who stepped in later must be the next of the ranking; for which place is what the record says.
    for place, _, prize in wins[len(due) :]:
        due.append((place, order[len(due)] if len(due) < len(order) else 0, prize))
    return due


def _instant(seed: str, lines: list[str], prizes: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    given: Counter[int] = Counter()
    due: list[tuple[int, int, int]] = []
    for number, line in enumerate(lines, start=1):
        position = int(_sha(seed, str(number), line), 16) % 1_000_000
        for prize, quantity, odds in prizes:
            if 0 <= position < odds and given[prize] < quantity:
                given[prize] += 1
                due.append((len(due) + 1, number, prize))
            position -= odds
    return due


DRAW_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    "draw_commitments": commitments, "draw_lists": lists, "draw_winners": distinct, "draw_stock": stock,
    "draw_results": results, "draw_undrawn": undrawn,
}  # fmt: skip
"""Name -> rule, hooked into storage/fsck.py."""
