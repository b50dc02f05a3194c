"""Those who bring others along: pictures find their announcement, nobody is paid twice, forgetting leaves no trace."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.events import MessageReceived
from bot.stage import CHANNEL
from storage.database import Database
from storage.fsck import check
from storage.fsck_koc import QUESTIONS
from storage.ledger import POINTS
from storage.store import Store
from tests.conftest import BOSS, OpenRoom, Room, group_config, keys
from tests.fsck_kit import Break, broken, sql


async def a_room(open_room: OpenRoom) -> Room:
    room = await open_room(group_config(scripts=[], welcome={"on": False}))
    room.people["店长"] = BOSS
    return room


async def shows_picture(room: Room, name: str, number: int) -> list[str]:
    event = MessageReceived(
        id=f"picture-{number}", at=room.world.now(), channel=CHANNEL, group=room.group, member=room.id_of(name),
        name=name, form="picture", media=f"p{number}.jpg",
    )  # fmt: skip
    return keys(await room.feed([event]))


async def test_only_the_picture_that_was_announced_is_a_show(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    assert await shows_picture(room, "小满", 1) == []
    assert keys(await room.says("小满", "买家秀")) == ["show.picture"]
    assert await shows_picture(room, "小红", 2) == []
    await room.restart()
    assert keys(await room.says("小满", "等我找找")) == []
    assert await shows_picture(room, "小满", 3) == ["show.sent", "show.staff"]
    assert await shows_picture(room, "小满", 4) == []
    assert keys(await room.says("小满", "买家秀")) == ["show.picture"]
    await room.wait(timedelta(minutes=11))
    assert await shows_picture(room, "小满", 5) == []
    assert room.rows("SELECT media, state FROM buyer_show") == [("p3.jpg", "waiting")]


async def test_a_day_has_room_for_so_many(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    for number in range(3):
        assert keys(await room.says("小满", f"投稿 第{number}篇"))[0] == "show.sent"
    assert keys(await room.says("小满", "投稿 再来一篇")) == ["show.full"]
    await room.wait(timedelta(days=1))
    assert keys(await room.says("小满", "投稿 再来一篇"))[0] == "show.sent"


async def test_an_approved_show_is_paid_once_and_a_refusal_stays_private(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "投稿 好喝")
    await room.says("小红", "投稿 一般")
    await room.boss_says("审稿 1 通过")
    await room.again()
    await room.boss_says("审稿 1 不过")
    told = [line for line in await room.boss_says("审稿 2 不过 太短") if line.phrase == "show.declined"]
    assert [line.group for line in told] == [None]
    assert room.rows("SELECT amount FROM entry WHERE account LIKE 'member:%'") == [(10,)]
    await room.close()
    assert check(room.db).violations == []


def test_forgetting_leaves_no_trace(store: Store) -> None:
    store.members.join("g", "m2", 1, inviter="m1", source="")
    store.koc.thank("m1", "g", "s", "谢谢", at=1, event_id="e")
    store.koc.submit("m1", "g", "好喝", "", at=1, event_id="e1")
    store.koc.wait_for_picture("m1", "g", 9)
    assert store.koc.is_waiting("g", "m1")
    store.koc.forget("m1")
    assert not store.koc.is_waiting("g", "m1")
    for table in ("thanks", "buyer_show", "show_draft"):
        assert store.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert store.db.execute("SELECT inviter FROM membership").fetchone() == (None,)


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """One show, approved and paid."""
    path = tmp_path / "shown.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    number = store.koc.submit("m1", "g", "好喝", "", at=1, event_id="e1")
    assert number == 1
    store.koc.judge(1, "approved", by="s", at=2, why="")
    store.ledger.move(
        "show/1", "house:x", "member:m1", 5, asset=POINTS, at=2, event_id="e2", cause="投稿", group_id="g"
    )
    database.commit()
    database.close()
    return path


CASES: dict[str, Break] = {
    "show_paid_unapproved": sql("UPDATE buyer_show SET state = 'declined'"),
    "show_paid_another": sql("UPDATE buyer_show SET member_id = 'm2'"),
}


def test_every_rule_has_a_case() -> None:
    assert set(QUESTIONS) == set(CASES)


def test_a_paid_show_is_clean(shown: Path) -> None:
    assert check(shown).violations == []


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(shown: Path, rule: str) -> None:
    assert broken(shown, CASES[rule]) == [rule]
