"""What `yuanzi fsck` proves of games: floors without gaps, chains without repeats, stakes given back."""

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator

Found = Iterator[tuple[str, str]]
WOKEN = ("bomb", "floors", "groupbuy", "passphrase", "pk", "relay", "signup", "sums", "vote")
"""Games whose every open session waits for a moment at which it ends by itself."""


def _floors(conn: sqlite3.Connection) -> Found:
    for number, count in conn.execute(
        "SELECT id, json_extract(state, '$.count') FROM game_session WHERE game = 'floors' ORDER BY id"
    ):
        floor, top = 0, ""
        for place, member, verdict in conn.execute(
            "SELECT number, member_id, verdict FROM game_move WHERE session_id = ? ORDER BY number", (number,)
        ):
            if not verdict.isdecimal():
                continue
            if int(verdict) != floor + 1:
                yield f"盖楼 第 {number} 局 第 {place} 手", f"应是 {floor + 1} 楼，记的是 {verdict} 楼"
            if member == top:
                yield f"盖楼 第 {number} 局 第 {place} 手", f"成员 {member} 连盖了两层"
            floor, top = int(verdict), member
        if floor != count:
            yield f"盖楼 第 {number} 局", f"记录到 {floor} 楼，状态写着 {count} 楼"


def _relay(conn: sqlite3.Connection) -> Found:
    for number, text in conn.execute("SELECT id, state FROM game_session WHERE game = 'relay' ORDER BY id"):
        state = json.loads(text)
        used = state["used"]
        if len(set(used)) != len(used):
            yield f"成语接龙 第 {number} 局", "同一个成语接了两次"
        for before, after in itertools.pairwise(used):
            if state["match"] == "char" and before[-1] != after[0]:
                yield f"成语接龙 第 {number} 局", f"{before} 后面接不上 {after}"
        record = conn.execute("SELECT value FROM game_record WHERE session_id = ?", (number,)).fetchone()
        if record is not None and record[0] != len(used) - 1:
            yield f"成语接龙 第 {number} 局", f"纪录写着 {record[0]} 个，接了 {len(used) - 1} 个"


def _passphrase(conn: sqlite3.Connection) -> Found:
    for number, text in conn.execute("SELECT id, state FROM game_session WHERE game = 'passphrase' ORDER BY id"):
        by = json.loads(text)["by"]
        if len(set(by)) != len(by):
            yield f"口令接龙 第 {number} 局", "同一个人接了两个字"


def _stakes(conn: sqlite3.Connection) -> Found:
    """Whoever is in a group buy has paid; whoever left it, or saw it fail, has the points back."""
    for number, status, text in conn.execute(
        "SELECT id, status, state FROM game_session WHERE game = 'groupbuy' ORDER BY id"
    ):
        state = json.loads(text)
        if not state["price"]:
            continue
        failed = status != "open" and state["result"] != "done"
        inside = {f"game/{number}/{key}": member for member, key in state["members"].items()}
        prefix = f"game/{number}/join/"
        for key, back in conn.execute(
            "SELECT m.key, r.id IS NOT NULL FROM movement m LEFT JOIN movement r ON r.reverses = m.id"
            " WHERE m.key >= ? AND m.key < ? ORDER BY m.id",
            (prefix, prefix[:-1] + "0"),
        ):
            if not back and (failed or key not in inside):
                yield f"拼团 第 {number} 局 {key}", "该退的积分没有退"
            inside.pop(key, None)
        for key, member in inside.items():
            yield f"拼团 第 {number} 局 {key}", f"成员 {member} 在团里，却没有付积分的流水"


def _points(conn: sqlite3.Connection) -> Found:
    for number, key, group in conn.execute(
        "SELECT id, key, group_id FROM movement WHERE key >= 'game/' AND key < 'game0' ORDER BY id"
    ):
        session = key.split("/")[1]
        row = conn.execute("SELECT group_id FROM game_session WHERE id = ?", (session,)).fetchone()
        if row is None or row[0] != group:
            yield f"流水 {number}", f"键 {key} 说的那一局不存在，或不在群 {group}"


def _woken(conn: sqlite3.Connection) -> Found:
    marks = ",".join("?" * len(WOKEN))
    for number, game, group in conn.execute(
        f"SELECT id, game, group_id FROM game_session s WHERE status = 'open' AND game IN ({marks})"
        " AND NOT EXISTS (SELECT 1 FROM wake w WHERE w.topic = 'play' AND w.key = CAST(s.id AS TEXT))",
        WOKEN,
    ):
        yield f"{game} 第 {number} 局（群 {group}）", "还开着，却没有定下什么时候结束"


GAME_RULES: dict[str, Callable[[sqlite3.Connection], Found]] = {
    "floors_without_gaps": _floors,
    "relay_without_repeats": _relay,
    "passphrase_one_each": _passphrase,
    "stakes_given_back": _stakes,
    "game_points_of_a_session": _points,
    "open_game_will_end": _woken,
}
