"""Orders: imported or posted, each once; what follows for the buyer; and the door that believes nobody."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from bot.__main__ import main
from bot.buying import Order, last_purchase, read_order, take_orders
from bot.errors import ConfigError
from bot.hooks import BODY, Door, door_of, parse, secret_of, signature
from bot.world import from_ms, to_ms
from storage.database import Database
from storage.fsck import check
from storage.store import Store
from tests.conftest import BOSS, OpenRoom, Room, a_config, group_config, keys
from tests.test_tagging import BOOK, DAY, START, fresh, moment

ZONE = ZoneInfo("Asia/Shanghai")
CONFIG = a_config()
Capture = pytest.CaptureFixture[str]


def order(
    number: int, at: int, cents: int = 1990, *, buyer: str = "m1", items: str = "气泡水", state: str = "paid"
) -> Order:
    return Order(f"o{number}", buyer, at, cents, items, state)


def known(*members: str) -> Store:
    store = fresh()
    for member in members:
        store.members.see_member(member, member, "pipe", START)
    return store


def take(store: Store, *orders: Order, now: int = START + 100 * DAY) -> tuple[int, int, int, int, list[str]]:
    done = take_orders(store, CONFIG, BOOK, orders, source="test", now=moment(now))
    return done.fresh, done.known, done.refunded, done.unmapped, done.clashes


def test_an_order_is_recorded_once_and_a_contradiction_is_named() -> None:
    store = known("m1")
    assert take(store, order(1, START)) == (1, 0, 0, 0, [])
    assert take(store, order(1, START)) == (0, 1, 0, 0, [])
    assert take(store, order(1, START, 5)) == (0, 0, 0, 0, ["o1"])
    assert take(store, order(1, START, state="refunded")) == (0, 0, 1, 0, [])
    assert take(store, order(1, START, state="refunded")) == (0, 1, 0, 0, [])
    assert store.orders.of("m1") == []
    assert store.lifecycle.changes("buy", "", "m1") == []


def test_tags_and_stage_follow_from_orders_and_leave_with_a_refund() -> None:
    store = known("m1")
    take(store, *(order(number, START + number * DAY, 30_000) for number in range(5)), now=START + 6 * DAY)
    now = START + 6 * DAY
    assert {one.tag for one in store.tags.held("m1", now)} == {"高消费", "买过:气泡水"}
    assert [one[1] for one in store.lifecycle.changes("buy", "", "m1")] == ["new", "growing", "mature"]
    assert last_purchase(store, "m1", moment(now)) == from_ms(START + 4 * DAY)
    take(
        store, order(4, START + 4 * DAY, 30_000, state="refunded"), order(3, START + 3 * DAY, 30_000, state="refunded")
    )
    assert {one.tag for one in store.tags.held("m1", now)} == {"中消费", "买过:气泡水"}
    assert [one[1] for one in store.lifecycle.changes("buy", "", "m1")][:2] == ["new", "growing"]


def test_a_buyer_nobody_knows_is_recognised_later() -> None:
    store = known("m1")
    assert take(store, order(1, START, buyer="tb_1"), order(2, START, buyer="m2"))[3] == 2
    assert store.orders.unmapped(5) == [("m2", 1), ("tb_1", 1)]
    assert store.orders.map("tb_1", "m1", at=1, staff_id=BOSS) == 1
    assert [one.order_id for one in store.orders.of("m1")] == ["o1"]
    store.members.see_member("m2", "阿二", "pipe", START)
    assert store.orders.adopt(10) == ["m2"]
    assert [one.order_id for one in store.orders.of("m2")] == ["o2"]


orders_of_two = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 300), st.integers(1, 200_000), st.sampled_from(["m1", "m2"])),
    max_size=20, unique_by=lambda one: one[0],
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(orders_of_two, st.integers(1, 5))
def test_order_and_portions_of_deliveries_do_not_matter(rows: list[tuple[int, int, int, str]], piece: int) -> None:
    orders = [order(number, START + day * DAY, cents, buyer=who) for number, day, cents, who in rows]
    once, pieces = known("m1", "m2"), known("m1", "m2")
    take(once, *orders, now=START + 400 * DAY)
    backwards = orders[::-1]
    for start in range(0, len(backwards), piece):
        take(pieces, *backwards[start : start + piece], *backwards[: start + 1], now=START + 400 * DAY)
    tables = ("purchase", "member_tag", "tag_evidence", "stage_change", "stage_now")
    for table in tables:
        sql = f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4"
        assert once.db.execute(sql).fetchall() == pieces.db.execute(sql).fetchall()


@settings(max_examples=40, deadline=None)
@given(orders_of_two)
def test_every_tag_from_orders_has_orders_that_support_it_and_forgetting_leaves_no_trace(
    rows: list[tuple[int, int, int, str]],
) -> None:
    store = known("m1", "m2")
    take(store, *(order(number, START + day * DAY, cents, buyer=who) for number, day, cents, who in rows))
    for member, tag in store.db.execute("SELECT member_id, tag FROM member_tag WHERE origin = 'order'").fetchall():
        evidence = [store.orders.get(one.ref) for one in store.tags.evidence(member, tag, "order")]
        assert evidence
        assert all(one is not None and one.member_id == member for one in evidence)
        if tag == "高消费":
            assert sum(one.cents for one in evidence if one) >= 100_000
    for family in (store.orders, store.tags, store.lifecycle):
        family.forget("m1")
    for table in ("purchase", "buyer_alias", "purchase_milestone", "member_tag", "tag_evidence", "stage_now"):
        assert store.db.execute(f"SELECT count(*) FROM {table} WHERE member_id = 'm1'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"order": ""}, "没写订单号"), ({"buyer": ""}, "没写买家"), ({"amount": "十块"}, "不是数字"),
        ({"amount": "1.234"}, "两位小数"), ({"amount": "-5"}, "0 以上"), ({"amount": "NaN"}, "0 以上"), ({"at": "昨天"}, "看不懂"),
        ({"state": "飞了"}, "不认识的状态"), ({"order": "x" * 200}, "太长"), ({"amount": "1e99"}, "0 以上"),
    ],
)  # fmt: skip
def test_a_bad_order_says_what_is_wrong(cells: dict[str, str], says: str) -> None:
    good = {"order": "o1", "buyer": "m1", "at": "2026-12-02 11:58", "amount": "19.90"}
    with pytest.raises(ValueError, match=says):
        read_order({**good, **cells}, ZONE)


@pytest.mark.parametrize(
    "at",
    ["2026-12-02 11:58", "2026/12/2 11:58", "2026-12-02T11:58:00+08:00", "2026-12-02 11:58:00", "2026-12-02T03:58:00Z"],
)
def test_times_are_read_as_people_write_them(at: str) -> None:
    found = read_order(
        {"order": "o", "buyer": "m", "at": at, "amount": "¥1,299.00元", "items": "a;b", "state": ""}, ZONE
    )
    assert from_ms(found.at).isoformat() == "2026-12-02T03:58:00+00:00"
    assert (found.cents, found.items) == (129_900, "a、b")


# -- files ---------------------------------------------------------------------------------------------------------


def sheet(path: Path, rows: Sequence[Any]) -> Path:
    if path.suffix == ".xlsx":
        book = Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        path.write_text("\n".join(",".join(map(str, row)) for row in rows), encoding="gb18030")
    return path


HEAD = ["订单号", "买家", "时间", "金额", "商品"]


@pytest.mark.parametrize("name", ["orders.csv", "orders.xlsx"])
def test_a_file_is_imported_once_whatever_its_form(tmp_path: Path, name: str, capfd: Capture) -> None:
    rows = [HEAD, *([f"o{number}", "tb_1", "2026-11-02 11:58", 19.9, "气泡水"] for number in range(3))]
    path, db = sheet(tmp_path / name, rows), tmp_path / "x.db"
    assert main(["orders", "import", str(path), "--db", str(db)]) == 0
    assert "新订单 3，还没对上人 3" in capfd.readouterr().out
    assert main(["orders", "import", str(path), "--db", str(db)]) == 0
    assert "新订单 0，早就有了 3" in capfd.readouterr().out
    assert check(db).violations == []


def test_every_bad_row_is_named_and_nothing_is_imported(tmp_path: Path, capfd: Capture) -> None:
    rows = [
        HEAD,
        ["o1", "a", "2026-11-02", 5, ""],
        ["o2", "a", "前天", 5, ""],
        ["", "a", "2026-11-02", 5, ""],
        ["o1", "a", "2026-11-02", 5, ""],
    ]
    path, db = sheet(tmp_path / "bad.csv", rows), tmp_path / "x.db"
    assert main(["orders", "import", str(path), "--db", str(db)]) == 2
    said = capfd.readouterr().err
    for piece in ("第 3 行：时间「前天」看不懂", "第 4 行：没写订单号", "第 5 行：订单号和第 2 行重复"):
        assert piece in said
    assert (
        main(["orders", "import", str(sheet(tmp_path / "c.csv", [["订单", "卖家"], ["1", "2"]])), "--db", str(db)]) == 2
    )
    assert "是不是想写 订单号" in capfd.readouterr().err


def test_an_order_that_contradicts_what_is_known_stops_the_whole_file(tmp_path: Path, capfd: Capture) -> None:
    db = tmp_path / "x.db"
    main(
        ["orders", "import", str(sheet(tmp_path / "a.csv", [HEAD, ["o1", "a", "2026-11-02", 5, ""]])), "--db", str(db)]
    )
    rows = [HEAD, ["o2", "a", "2026-11-02", 5, ""], ["o1", "a", "2026-11-02", 6, ""]]
    assert main(["orders", "import", str(sheet(tmp_path / "b.csv", rows)), "--db", str(db)]) == 2
    assert "第 3 行：订单号 o1 早就有了" in capfd.readouterr().err
    database = Database.open(db, "off")
    assert database.execute("SELECT count(*) FROM purchase").fetchone() == (1,)
    database.close()


# -- what a purchase sets off --------------------------------------------------------------------------------------


async def a_shop(open_room: OpenRoom, **orders: Any) -> Room:
    room = await open_room(
        {
            **group_config(scripts=[], welcome={"on": False}),
            "groups": {"default": {"orders": orders, "contact": {"ask": False}}, "yuanqi": {"scripts": []}},
        }
    )
    room.people["店长"] = BOSS
    await room.adds_contact("小满")
    await room.says("小满", "早")
    return room


async def buys(room: Room, *orders: Order) -> list[str]:
    def work() -> None:
        now = room.world.now()
        take_orders(room.app.store, room.app.config, room.app.desk.content.tags, orders, source="hook", now=now)
        room.app.store.agenda.wake_at("orders", "", to_ms(now), {})
        room.app.engine.refresh_soon()

    await room.app.engine.write(work)
    return keys(await room.wait(timedelta(minutes=1)))


async def test_milestones_are_thanked_for_once_and_big_orders_reach_staff(open_room: OpenRoom) -> None:
    room = await a_shop(open_room)
    me, now = room.people["小满"], to_ms(room.world.now())
    assert await buys(room, order(1, now, buyer=me)) == ["orders.thanks"]
    assert await buys(room, order(1, now, buyer=me)) == []
    assert await buys(room, order(2, now, 500_000, buyer=me)) == ["orders.high"]
    assert await buys(room, order(3, now, buyer=me)) == ["orders.thanks"]
    assert await buys(room, order(4, now - 90 * DAY, 900_000, buyer=me)) == []
    await room.close()
    assert check(room.db).violations == []


async def test_old_orders_disturb_nobody(open_room: OpenRoom) -> None:
    room = await a_shop(open_room)
    past = to_ms(room.world.now()) - 30 * DAY
    assert await buys(room, order(1, past, 900_000, buyer=room.people["小满"])) == []
    assert room.one("SELECT count(*) FROM purchase_milestone") == 1


# -- the door ------------------------------------------------------------------------------------------------------

SECRET = b"0123456789abcdef0123"


@pytest.fixture
async def door(open_room: OpenRoom) -> AsyncIterator[tuple[Room, Door]]:
    """A running writer with an open door; the room's clock is the door's."""
    room = await open_room({**group_config(scripts=[]), "hooks": {"port": 1}})
    made = door_of(room.app, {"YUANZI_HOOK_SECRET": SECRET.decode()})
    assert made is not None
    made._rules = made._rules.model_copy(update={"port": 0})
    await made.open()
    room.app.channels.clear()
    writer = asyncio.create_task(room.app._write({}))
    yield room, made
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await made.close()


async def post(
    room: Room, made: Door, data: Any, *, shift: int = 0, secret: bytes = SECRET, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    stamp = str(to_ms(room.world.now()) // 1000 + shift)
    signed = {"X-Yuanzi-Timestamp": stamp, "X-Yuanzi-Signature": signature(secret, stamp, body), **(headers or {})}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{made.port}/hooks/orders", data=body, headers=signed) as answer,
    ):
        return answer.status, await answer.json()


ONE = {"id": "o1", "buyer": "u1", "at": "2026-12-02T11:00:00+08:00", "amount": "19.90", "items": ["气泡水"]}


async def test_a_signed_order_is_durable_when_it_is_answered(door: tuple[Room, Door]) -> None:
    room, made = door
    assert await post(room, made, ONE) == (200, {"fresh": 1, "known": 0, "refunded": 0, "unmapped": 1, "clashes": []})
    assert room.rows("SELECT order_id, cents, source FROM purchase") == [("o1", 1990, "hook")]
    assert (await post(room, made, {"orders": [ONE]}))[1]["known"] == 1
    assert (await post(room, made, {**ONE, "amount": 20}))[0] == 409
    assert room.one("SELECT cents FROM purchase") == 1990


async def test_whatever_is_not_signed_now_with_our_secret_is_refused(door: tuple[Room, Door]) -> None:
    room, made = door
    assert (await post(room, made, ONE, secret=b"another secret here"))[0] == 401
    assert (await post(room, made, ONE, shift=-301))[0] == 401
    assert (await post(room, made, ONE, shift=301))[0] == 401
    assert (await post(room, made, ONE, headers={"X-Yuanzi-Timestamp": "1"}))[0] == 401
    assert (await post(room, made, ONE, headers={"X-Yuanzi-Timestamp": "١٢٣"}))[0] == 401
    assert (await post(room, made, ONE, headers={"X-Yuanzi-Signature": "sha256=é"}))[0] == 401
    assert (await post(room, made, b" " * (BODY + 1)))[0] == 413
    assert room.rows("SELECT * FROM purchase") == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "不是 JSON"), ({"orders": []}, "1 到 500"), ({"orders": [1]}, "不是对象"), ({**ONE, "prise": 1}, "prise"),
        ({**ONE, "amount": True}, "金额"), ({"orders": [ONE, ONE]}, "写了两次"), (b"[" * 100_000, "不是 JSON"), ([ONE], "不是对象"),
    ],
)  # fmt: skip
async def test_a_body_that_cannot_be_is_explained(door: tuple[Room, Door], data: Any, says: str) -> None:
    room, made = door
    status, answer = await post(room, made, data)
    assert status == 400
    assert says in answer["error"]


def test_the_door_does_not_open_without_a_secret() -> None:
    config = a_config({"hooks": {"port": 8090}})
    for environ in ({}, {"YUANZI_HOOK_SECRET": "short"}):
        with pytest.raises(ConfigError, match="YUANZI_HOOK_SECRET"):
            secret_of(config, environ)


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(body, ZONE)
