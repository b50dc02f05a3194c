"""`yuanzi fsck` on draws: for every promise, a database on which it is broken."""

import sqlite3
from datetime import timedelta

import pytest

from storage.fsck import check
from storage.fsck_draws import DRAW_RULES
from tests.conftest import OpenRoom, Room, group_config

CASES = {
    "draw_commitments": ("UPDATE draw SET secret = 'other' WHERE id = 1",),
    "draw_lists": ("UPDATE draw_entry SET line = 'aaaaaaaaaa' WHERE number = 1",),
    "draw_winners": (
        "CREATE TABLE loose AS SELECT * FROM draw_winner",
        "DROP TABLE draw_winner",
        "ALTER TABLE loose RENAME TO draw_winner",
        "UPDATE draw_winner SET member_id = (SELECT member_id FROM draw_winner WHERE turn = 1) WHERE turn = 2",
    ),
    "draw_stock": ("UPDATE draw_prize SET remaining = remaining + 1 WHERE prize = 1",),
    "draw_results": ("UPDATE draw_winner SET number = number + 1000 WHERE turn = 1",),
    "draw_undrawn": ("UPDATE draw SET state = 'void' WHERE id = 1",),
}


@pytest.fixture
async def drawn(open_room: OpenRoom) -> Room:
    """A room in which a draw with many entrants is over."""
    room = await open_room(group_config(scripts=[], draws={"entry_gap": "0s"}))
    await room.boss_says("开奖 新品试吃")
    await room.everyone_says([f"群友{n}" for n in range(20)], "我要尝鲜")
    await room.wait(timedelta(days=1))
    assert check(room.db).violations == []
    return room


def test_every_rule_of_draws_has_a_case() -> None:
    assert set(CASES) == set(DRAW_RULES)


@pytest.mark.parametrize("rule", CASES)
async def test_a_broken_promise_of_a_draw_is_named(drawn: Room, rule: str) -> None:
    conn = sqlite3.connect(drawn.db, isolation_level=None)
    for statement in CASES[rule]:
        conn.execute(statement)
    conn.close()
    assert rule in {one.rule for one in check(drawn.db).violations}


@pytest.mark.parametrize(("state", "said"), [("void", "已经作废"), ("closed", "还没开奖")])
async def test_winners_of_a_draw_by_list_that_was_not_drawn_are_named(drawn: Room, state: str, said: str) -> None:
    conn = sqlite3.connect(drawn.db, isolation_level=None)
    conn.execute("UPDATE draw SET state = ? WHERE id = 1", (state,))
    conn.close()
    (found,) = check(drawn.db).violations
    assert found.rule == "draw_undrawn"
    assert said in str(found)


async def test_stock_cannot_become_negative(drawn: Room) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        sqlite3.connect(drawn.db).execute("UPDATE draw_prize SET remaining = -1")


async def test_nobody_can_be_written_down_as_a_winner_twice(drawn: Room) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        sqlite3.connect(drawn.db).execute(
            "INSERT INTO draw_winner SELECT draw_id, 999, 999, member_id, group_id, number, prize, 'replaced', at, due, ''"
            " FROM draw_winner WHERE turn = 1"
        )
