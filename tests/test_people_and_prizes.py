"""Who is known in a group, and whose a prize is."""

import sqlite3
from pathlib import Path

from storage.database import Database
from storage.schema import steps
from storage.store import Store
from tests.conftest import OpenRoom, group_config, keys

DRAW = (
    "INSERT INTO draw (state, kind, title, given, rules, enter, word, secret, commitment, opens_at, deadline, opener_id,"
    " event_id) VALUES ('planned', 'list', 't', '{}', 'r', ?, '', 's', ?, 1, 2, 'boss', 'e')"
)


def seen(store: Store, member: str, name: str) -> None:
    store.members.see_member(member, name, "pipe", 1)


def said(store: Store, event_id: str, group: str, member: str) -> None:
    store.interactions.record(event_id, "message", 1, "pipe", group, member, text="嗨", details={}, route=None)
    store.members.see_in(member, group, 1)


def test_who_only_talked_in_a_group_is_found_there_and_nowhere_else(store: Store) -> None:
    seen(store, "u1", "小满")
    seen(store, "u2", "小满")
    said(store, "e1", "g", "u1")
    said(store, "e2", "other", "u2")
    assert store.members.find("小满", "g") == ["u1"]
    assert store.members.find("u2", "other") == ["u2"]
    assert store.members.find("u2", "g") == []
    assert sorted(store.members.find("小满", None)) == ["u1", "u2"]


def test_who_only_talked_is_still_found_when_the_lines_themselves_are_summed_up(store: Store) -> None:
    seen(store, "u1", "小满")
    said(store, "e1", "g", "u1")
    assert store.interactions.summarise_before(1_000, 100) == 1
    assert store.members.find("小满", "g") == ["u1"]


def test_finding_somebody_reads_no_table_from_end_to_end(store: Store) -> None:
    asked: list[str] = []
    store.db.conn.set_trace_callback(asked.append)
    store.members.find("小满", "g")
    store.db.conn.set_trace_callback(None)
    plan = store.db.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    assert [row[3] for row in plan if row[3].startswith("SCAN")] == []


async def test_points_go_to_the_one_of_that_name_who_talks_here(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.feed([room.a_message("m1", "嗨", member="here", name="阿满")])
    await room.feed([room.a_message("m2", "嗨", member="there", name="阿满", group="elsewhere")])
    assert keys(await room.boss_says("发分 阿满 5 谢谢分享")) == ["points.granted"]
    assert room.rows("SELECT account FROM entry WHERE account LIKE 'member:%'") == [("member:here",)]


def test_a_prize_taken_back_and_won_by_somebody_else_is_theirs(store: Store) -> None:
    assert store.prizes.owe("k", "u1", "杯子", group_id="g", at=1, event_id="e1")
    assert not store.prizes.owe("k", "u2", "杯子", group_id="g", at=2, event_id="e2")
    assert [row[1] for row in store.prizes.owed("g", 9)] == ["u1"]
    assert store.prizes.take_back("k")
    assert store.prizes.owe("k", "u2", "大杯子", group_id="h", at=3, event_id="e3")
    assert store.prizes.owed("g", 9) == []
    assert store.prizes.owed("h", 9) == [(1, "u2", "大杯子", 3)]
    assert store.prizes.of_member("u1", 9) == []
    assert store.db.execute("SELECT event_id FROM prize").fetchall() == [("e3",)]


def test_draws_of_an_older_database_keep_their_way_in_and_learn_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    ways = ("passphrase", "say", "streak", "photo")
    Database.open(path, "off").close()
    conn = sqlite3.connect(path)
    _go_back_before_answers(conn)
    for way in ways:
        conn.execute(DRAW, (way, way))
    conn.execute("INSERT INTO draw_group VALUES (1, 1, 'g')")
    conn.commit()
    conn.close()

    again = Database.open(path, "off")
    again.begin()
    assert [row[0] for row in again.execute("SELECT enter FROM draw ORDER BY id")] == list(ways)
    again.execute(DRAW, ("answer", "new"))
    try:
        again.execute(DRAW, ("guess", "wrong"))
    except sqlite3.IntegrityError:
        pass
    else:
        raise AssertionError("a way in that does not exist was taken")
    assert again.execute("PRAGMA foreign_key_check").fetchall() == []
    again.rollback()
    again.close()
    assert list(tmp_path.glob("old.db.before-*")), "no copy was kept before the table was rewritten"


def _go_back_before_answers(conn: sqlite3.Connection) -> None:
    """The tables as they were before the steps of the plays."""
    for name in ("draw_winner_by_place", "member_by_name"):
        conn.execute(f"DROP INDEX {name}")
    conn.execute("DROP TABLE presence")
    conn.execute("ALTER TABLE draw DROP COLUMN enter")
    conn.execute(
        "ALTER TABLE draw ADD COLUMN enter TEXT NOT NULL DEFAULT 'say'"
        " CHECK (enter IN ('passphrase', 'say', 'streak', 'photo'))"
    )
    late = [step.name for step in steps._migrations if step.name in ("m050_draws_by_answer", "m051_quick_look_ups")]
    conn.executemany("DELETE FROM _sqlite_migrations WHERE name = ?", [(name,) for name in late])
