"""删除我 and its sisters: nothing of the person is left in any table, and every promise of the books still holds."""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.channels import Line
from bot.config import shipped
from bot.scenario import _config_factory, load_scenario, perform
from bot.stage import Cast, Stage
from storage.database import Database
from storage.fsck import check
from storage.privacy import COVER, GONE
from tests.conftest import Room, group_config, keys

OpenRoom = Callable[..., Awaitable[Room]]
SCENARIOS = Path(__file__).parent / "scenarios"
ALIAS = "gone-0123456789abcdef"
PERSON = re.compile(
    r"^(account|noted_by|ruled_by|ended_by|inviter|place|.*(member|staff|opener|person|user|owner|player|author).*)$"
)
"""How a column that may hold a member's id is called in this house."""
NOT_PEOPLE = {
    ("draw_entry", "place"), ("draw_group", "place"), ("draw_winner", "place"), ("quiz_answer", "place"),
}  # fmt: skip
"""Columns with such a name that hold a number."""


def test_every_table_with_a_member_column_is_covered(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    Database.open(path, "off").close()
    conn = sqlite3.connect(path)
    covered = {(one.table, column) for one in COVER for column in (*one.who, *one.also_who)}
    tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {(table, row[1]) for table in tables for row in conn.execute(f"PRAGMA table_info({table})")}
    people = {(table, column) for table, column in columns if PERSON.match(column)} - NOT_PEOPLE
    assert people - covered == set(), "add the table to storage/privacy.py"
    named = {(one.table, c) for one in COVER for c in (*one.who, *one.also_who, *one.boxes, *one.free, *one.keys)}
    assert named <= columns, "storage/privacy.py names a column that is gone"
    assert {("story_reader", "reader_member"), ("x", "member_id")} <= {
        one for one in (("story_reader", "reader_member"), ("x", "member_id")) if PERSON.match(one[1])
    }
    conn.close()


def traces(path: Path, member: str, name: str) -> list[str]:
    """Where the id or the name of somebody still stands."""
    conn = sqlite3.connect(path)
    found = []
    names = "|".join(re.escape(one) for one in {member, name})
    word = re.compile(rf"(?<![A-Za-z0-9_-])(?:{names})(?![A-Za-z0-9_-])")
    for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        cursor = conn.execute(f"SELECT * FROM {table}")
        titles = [one[0] for one in cursor.description]
        for row in cursor:
            for title, value in zip(titles, row, strict=True):
                if isinstance(value, str) and word.search(value):
                    found.append(f"{table}.{title}: {value[:120]}")
    conn.close()
    return found


@pytest.mark.parametrize(
    "scenario",
    [
        "milestone_make_up_and_board", "shop_kinds", "goods_without_address", "undo_with_consequences", "quiz_series",
        "quiz_appeal", "draw_by_passphrase", "draw_instant", "draw_photo", "draw_streak", "relay_chain",
        "vote_for_the_new_one", "group_buy_succeeds", "sign_up_list", "team_match", "invite_and_leave",
        "gates_in_shadow_then_on", "talk_that_counts", "trial_card_that_ends", "points_and_history", "care_distress",
        "hand_over_and_back", "distance_agreed", "unanswered_questions", "join_storm",
    ],
)  # fmt: skip
async def test_whoever_was_part_of_anything_can_be_forgotten_and_the_books_still_prove(
    scenario: str, tmp_path: Path
) -> None:
    play = load_scenario(SCENARIOS / f"{scenario}.toml")
    db = tmp_path / "x.db"
    fresh = _config_factory(play, scenario, shipped("persona"))
    stage = Stage(fresh, db, start=play.start, group=play.group, show=_deaf, people=Cast.load().people())
    await stage.open()
    for step in play.step:
        if step.write is None:
            await perform(stage, step)
    assert check(db).violations == []
    everybody = [row[0] for row in stage.app.store.db.execute("SELECT member_id FROM member").fetchall()]
    staff = set(stage.app.config.staff)
    gone: list[tuple[str, str]] = []

    def work() -> None:
        for number, member in enumerate(sorted(set(everybody) - staff)[:6]):
            gone.append((member, stage.app.store.members.name(member)))
            stage.app.store.privacy.forget(member, f"{ALIAS}{number}", at=0)
        stage.app.store.forget_caches()

    await stage.app.engine.write(work)
    await stage.close()
    assert gone
    assert check(db).violations == []
    left = [trace for member, name in gone for trace in traces(db, member, name)]
    assert [one for one in left if not one.startswith(("draw.", "fact."))] == []


def _deaf(line: Line) -> None:
    """Nobody listens."""


async def test_deleting_is_asked_twice_and_leaves_a_clean_ledger(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    member = room.id_of("小满")
    await room.says("小满", "签到")
    await room.says("小满", "我住在和平路 8 号", private=True)
    assert keys(await room.says("小满", "删除我 确认", private=True)) == ["privacy.expired"]
    (line,) = await room.says("小满", "删除我", private=True)
    assert (line.phrase, "签到 1 条" in line.text) == ("privacy.confirm", True)
    assert keys(await room.says("小满", "删除我 确认", private=True)) == ["privacy.gone"]
    assert room.one("SELECT count(*) FROM entry WHERE account = ?", f"member:{member}") == 0
    assert room.one("SELECT count(*) FROM entry WHERE account LIKE 'member:gone-%'") == 1
    assert room.one("SELECT count(*) FROM interaction WHERE text LIKE '%和平路%'") == 0
    assert room.one("SELECT name FROM member WHERE member_id LIKE 'gone-%'") == GONE
    await room.wait(room.app.config.group(None).contact.handover)
    await room.close()
    assert check(room.db).violations == []
    assert traces(room.db, member, "小满") == []


async def test_whoever_comes_back_is_new(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "签到")
    await room.says("小满", "删除我")
    await room.says("小满", "删除我 确认")
    (line,) = await room.says("小满", "签到")
    assert line.phrase == "checkin.done"
    assert room.one("SELECT count(*) FROM check_in") == 2
    await room.again()
    assert room.one("SELECT count(*) FROM check_in") == 2


async def test_a_confirmation_that_comes_too_late_deletes_nothing(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "签到")
    await room.says("小满", "删除我")
    await room.wait(room.app.config.settings.outbox.campaign)
    assert keys(await room.says("小满", "删除我 确认")) == ["privacy.expired"]
    assert room.one("SELECT count(*) FROM check_in WHERE member_id = ?", room.id_of("小满")) == 1


async def test_staff_cannot_delete_the_record_of_what_they_did(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    assert keys(await room.boss_says("删除我")) == ["privacy.staff"]


async def test_personal_data_is_shown_in_private_only_and_completely(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    for number in range(30):
        await room.says("小满", f"今天第{number}件开心的事情")
    await room.says("小满", "签到")
    assert keys(await room.says("小满", "导出我的数据")) == ["privacy.private"]
    (first,) = await room.says("小满", "导出我的数据", private=True)
    pages = int(re.findall(r"共 (\d+) 页|/(\d+)", first.text)[0][0] or re.findall(r"/(\d+)", first.text)[0])
    assert pages > 1
    text = ""
    for page in range(1, pages + 3):
        (line,) = await room.says("小满", f"导出我的数据 {page}", private=True)
        assert len(line.text.encode()) <= 2048
        text += line.text
    missing = [number for number in range(30) if f"今天第{number}件" not in text]
    assert missing == [], text
    assert "【签到】" in text
    (line,) = await room.says("阿杰", "我的数据")
    assert "签到" not in line.text.split("\n")[1]


async def test_nobody_sees_the_data_of_somebody_else(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.says("小满", "我的秘密是爱吃芒果", private=True)
    (line,) = await room.says("阿杰", "导出我的数据", private=True)
    assert "芒果" not in line.text
