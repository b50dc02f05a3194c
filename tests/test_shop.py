"""The points shop: each code once whatever the rush, refunds by themselves, and books that stay right."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.catalogue import Catalogue, load_catalogue
from bot.channels import Channel, Line, Receipt
from bot.config import shipped
from bot.errors import ConfigError
from storage.database import Database
from storage.fsck import check
from storage.ledger import POINTS, account
from storage.shop import Shop
from tests.conftest import OpenRoom, Room, Wire, group_config, keys

DAY = timedelta(days=1)
SHOP = """
[[item]]
id = "coupon"
title = "满减券"
kind = "code"
price = 10
[[item]]
id = "gift"
title = "新人礼"
kind = "points"
price = 0
points = 30
[[item]]
id = "pass"
title = "体验卡"
kind = "pass"
price = 20
days = 2
stock = 2
limit = 2
level = "常客"
closes = 2026-12-20T00:00:00+08:00
"""
OpenShop = Callable[..., Any]


@pytest.fixture
def open_shop(open_room: OpenRoom, tmp_path: Path) -> OpenShop:
    """Opens rooms whose persona has another shop."""

    async def open_one(shop: str = SHOP, *, wire: Any = None, **points: Any) -> Room:
        folder = tmp_path / "persona"
        shutil.copytree(shipped("persona"), folder, dirs_exist_ok=True)
        (folder / "xiaoyuanzi" / "shop.toml").write_text(shop, encoding="utf-8")
        more = {"wire": wire} if wire else {}
        changes = {"bot": {"persona_dir": str(folder)}, **group_config(scripts=[], points=points)}
        return await open_room(changes, **more)

    return open_one


async def rich(room: Room, members: list[str], points: int) -> None:
    """Gives everybody points to spend."""

    def work() -> None:
        for member in members:
            room.app.store.ledger.move(
                f"test/{member}", "house:test", account(member), points, asset=POINTS, at=1, event_id=member,
                cause="测试",
            )  # fmt: skip

    await room.app.engine.write(work)


async def pool(room: Room, count: int, item: str = "coupon") -> None:
    """Fills the pool of codes."""

    def work() -> None:
        room.app.store.shop.import_codes(item, [f"C{number}" for number in range(count)], 1)

    await room.app.engine.write(work)


def clean(room: Room) -> list[str]:
    return [f"{one.rule}: {one.where} {one.what}" for one in check(room.db).violations]


async def test_a_thousand_members_race_for_ten_codes(open_shop: OpenShop) -> None:
    room = await open_shop()
    crowd = [f"抢券{number}" for number in range(1_000)]
    await rich(room, crowd, 10)
    await pool(room, 10)
    lines = await room.everyone_says(crowd, "兑换 1")
    counts = {key: keys(lines).count(key) for key in set(keys(lines))}
    assert counts == {"shop.done": 10, "shop.code": 10, "shop.sold_out": 990}
    codes = [line for line in lines if line.phrase == "shop.code"]
    assert all(line.group is None and line.member for line in codes)
    assert room.one("SELECT count(DISTINCT redemption_id) FROM coupon_code") == 10
    assert room.one("SELECT count(*) FROM entry WHERE account LIKE 'member:%' AND amount < 0") == 10
    assert await room.again() == []
    assert clean(room) == []
    await room.wait(timedelta(minutes=12))
    assert room.rows("SELECT state, count(*) FROM redemption GROUP BY state") == [("delivered", 10)]


async def test_a_power_cut_between_purchase_and_the_look_back_changes_nothing(open_shop: OpenShop) -> None:
    room = await open_shop()
    await rich(room, ["小满"], 10)
    await pool(room, 1)
    assert keys(await room.says("小满", "兑换 满减券")) == ["shop.done", "shop.code"]
    await room.restart()
    assert await room.again() == []
    await room.power_cut(timedelta(hours=1))
    assert room.one("SELECT state FROM redemption") == "delivered"
    assert clean(room) == []


def _no_private(show: Callable[[Line], None]) -> Channel:
    return Wire(show, lambda line: Receipt("failed", error="不是好友") if line.group is None else None)


async def test_a_code_that_cannot_be_sent_goes_back_with_a_receipt(open_shop: OpenShop) -> None:
    room = await open_shop(wire=_no_private)
    await rich(room, ["小满"], 10)
    await pool(room, 1)
    assert keys(await room.says("小满", "兑换 1")) == ["shop.done"]
    (receipt,) = await room.wait(timedelta(minutes=12))
    assert receipt.phrase == "shop.refunded"
    assert receipt.group == "yuanqi"
    assert room.app.store.ledger.balance(account("小满")) == 10
    assert room.app.store.shop.has_code("coupon")
    assert clean(room) == []


async def test_codes_are_shown_again_only_to_their_owner_in_private(open_shop: OpenShop) -> None:
    room = await open_shop()
    await rich(room, ["小满"], 10)
    await pool(room, 1)
    await room.says("小满", "兑换 1")
    (public,) = await room.says("小满", "我的兑换")
    (private,) = await room.says("小满", "我的兑换", private=True)
    assert "C0" not in public.text
    assert "C0" in private.text


async def test_a_free_gift_is_taken_once_and_raises_nobody(open_shop: OpenShop) -> None:
    room = await open_shop()
    assert keys(await room.says("小满", "兑换 2")) == ["shop.done"]
    assert keys(await room.says("小满", "兑换 2")) == ["shop.limit"]
    assert room.app.store.ledger.balance(account("小满")) == 30
    assert room.app.store.points.earned("小满") == 0
    assert clean(room) == []


async def test_level_window_stock_and_limit_each_refuse_with_their_reason(open_shop: OpenShop) -> None:
    room = await open_shop()
    await rich(room, ["新人"], 100)
    await rich(room, ["甲", "乙", "丙"], 200)
    (line,) = await room.says("新人", "兑换 3")
    assert line.phrase == "shop.gated"
    assert "常客" in line.text
    assert keys(await room.says("甲", "兑换 3")) == ["shop.done"]
    assert keys(await room.says("乙", "兑换 3")) == ["shop.done"]
    assert keys(await room.says("丙", "兑换 3")) == ["shop.sold_out"]
    assert keys(await room.boss_says("退回 1 算错了")) == ["shop.refunded"]
    assert keys(await room.says("丙", "兑换 3")) == ["shop.done"]
    await room.wait(20 * DAY)
    (late,) = await room.says("丁", "兑换 3")
    assert late.phrase == "shop.closed"
    assert clean(room) == []


async def test_a_pass_that_is_written_off_neither_reminds_nor_expires(open_shop: OpenShop) -> None:
    room = await open_shop()
    await rich(room, ["甲"], 200)
    await room.says("甲", "兑换 3")
    assert keys(await room.boss_says("核销 1")) == ["shop.written_off"]
    assert await room.wait(3 * DAY) == []
    assert room.one("SELECT state FROM redemption") == "written_off"


async def passes(open_shop: OpenShop, *bought: tuple[str, timedelta]) -> Room:
    """A room in which members redeemed passes of two days, each so long after the one before."""
    shop = (
        SHOP.replace("stock = 2\n", "stock = 99\n")
        .replace("limit = 2\n", "limit = 9\n")
        .replace('level = "常客"\n', "")
    )
    room: Room = await open_shop(shop)
    names = dict.fromkeys(name for name, _ in bought)
    for name in names:
        await room.says(name, "来啦")
    await rich(room, [room.id_of(name) for name in names], 100)
    for name, gap in bought:
        await room.wait(gap)
        assert keys(await room.says(name, "兑换 3")) == ["shop.done"]
    return room


MINUTE = timedelta(minutes=1)


async def test_reminders_of_one_place_that_fall_together_are_one_line(open_shop: OpenShop) -> None:
    room = await passes(open_shop, ("小满", MINUTE), ("小满", MINUTE), ("小明", 20 * MINUTE), ("小红", 2 * 60 * MINUTE))
    said = await room.wait(2 * DAY)
    assert keys(said) == [
        "shop.remind_several", "shop.remind", "shop.remind_several", "shop.remind",
        "shop.expired", "shop.expired", "shop.expired", "shop.expired",
    ]  # fmt: skip
    first = said[0]
    assert (first.group, first.sort) == ("yuanqi", "reminder")
    assert first.text.count("小满") == 2
    assert first.text.count("「体验卡」") == 3
    assert "小红" not in first.text, "two hours later is another line"
    assert sorted(first.mentions) == sorted(room.id_of(name) for name in ("小满", "小明"))
    assert clean(room) == []


async def test_a_contact_with_several_things_hears_one_line_in_private(open_shop: OpenShop) -> None:
    room = await passes(open_shop, ("小满", MINUTE), ("小明", MINUTE), ("小满", MINUTE))
    await room.adds_contact("小满")
    said = [line for line in await room.wait(DAY) if line.phrase.startswith("shop.remind")]
    assert sorted((line.phrase, line.group, line.member) for line in said) == sorted(
        [("shop.remind_several", None, room.id_of("小满")), ("shop.remind", "yuanqi", None)], key=str
    )
    (own,) = [line for line in said if line.group is None]
    assert "1 号" in own.text
    assert "3 号" in own.text
    assert "小明" not in own.text


async def test_what_was_used_meanwhile_is_not_in_the_line(open_shop: OpenShop) -> None:
    room = await passes(open_shop, ("小满", MINUTE), ("小明", MINUTE), ("小红", MINUTE))
    assert keys(await room.boss_says("核销 2")) == ["shop.written_off"]
    (line,) = [line for line in await room.wait(DAY) if line.phrase.startswith("shop.remind")]
    assert "小明" not in line.text
    assert "小满" in line.text
    assert "小红" in line.text


async def test_more_than_fit_one_line_take_a_second(open_shop: OpenShop) -> None:
    room = await passes(open_shop, *((f"群友{number}", timedelta(0)) for number in range(20)))
    said = [line for line in await room.wait(DAY) if line.phrase.startswith("shop.remind")]
    assert [line.text.count("「体验卡」") for line in said] == [15, 5]
    assert len({mention for line in said for mention in line.mentions}) == 20


@pytest.mark.parametrize("cut", [timedelta(0), timedelta(hours=3)])
async def test_a_power_cut_over_reminders_that_fall_together_brings_one_line(
    open_shop: OpenShop, cut: timedelta
) -> None:
    room = await passes(open_shop, ("小满", MINUTE), ("小明", MINUTE))
    said = await room.wait(DAY - MINUTE * 10)
    said += await room.power_cut(MINUTE * 20 + cut)
    said += await room.restart()
    assert keys(said) == ["shop.remind_several"]


async def test_an_address_is_forgotten_once_it_was_used(open_shop: OpenShop) -> None:
    room = await open_shop('[[item]]\nid = "cup"\ntitle = "杯子"\nkind = "goods"\nprice = 5\n')
    await rich(room, ["小满"], 5)
    await room.says("小满", "兑换 1")
    await room.says("小满", "收货地址 1 小满 138 和平路1号", private=True)
    assert room.one("SELECT address FROM redemption") == "小满 138 和平路1号"
    (listed,) = await room.boss_says("待兑现", private=True)
    assert "和平路1号" in listed.text
    await room.boss_says("核销 1")
    assert room.one("SELECT address FROM redemption") is None


async def test_lower_stock_than_was_taken_means_none_left(open_shop: OpenShop, tmp_path: Path) -> None:
    room = await open_shop()
    await rich(room, ["甲", "乙"], 200)
    await room.says("甲", "兑换 3")
    path = tmp_path / "persona" / "xiaoyuanzi" / "shop.toml"
    path.write_text(SHOP.replace("stock = 2", "stock = 0"), encoding="utf-8")
    assert keys(await room.boss_says("重载")) == ["reload.done"]
    assert keys(await room.says("乙", "兑换 3")) == ["shop.sold_out"]
    assert clean(room) == []


# -- the shop file -------------------------------------------------------------------------------------------------


def test_every_mistake_in_a_shop_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(
        '[[item]]\nid = "a"\ntitle = "最低价券"\nkind = "code"\nprice = 1\nlevel = "长客"\n'
        '[[item]]\nid = "a"\ntitle = "b"\nkind = "code"\nprice = 1\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_catalogue(path, ["最低价"], ["常客"])
    assert [problem.key for problem in caught.value.problems] == ["item.1.level", "item.1.title", "item.2.id"]
    assert "常客" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    "lines",
    [
        'kind = "pass"\nprice = 1', 'kind = "code"\nprice = 1\ndays = 3', 'kind = "points"\nprice = 1\npoints = 5\nlimit = 0',
        'kind = "code"\nprice = -1', 'kind = "magic"\nprice = 1', 'kind = "code"\nprice = 1\nopens = 2026-12-01T00:00:00',
        'kind = "code"\nprice = 1\nopens = 2026-12-02T00:00:00Z\ncloses = 2026-12-01T00:00:00Z',
    ],
)  # fmt: skip
def test_an_item_that_cannot_work_is_refused(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(f'[[item]]\nid = "a"\ntitle = "甲"\n{lines}\n', encoding="utf-8")
    with pytest.raises(ConfigError):
        load_catalogue(path, [], [])


def test_no_shop_file_is_an_empty_shop(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path / "shop.toml", [], []) == Catalogue()


# -- importing codes -----------------------------------------------------------------------------------------------


def _import(tmp_path: Path, text: str, item: str = "coupon5") -> int:
    (tmp_path / "codes.csv").write_text(text, encoding="utf-8-sig")
    return main(["codes", "import", str(tmp_path / "codes.csv"), "--item", item, "--db", str(tmp_path / "c.db")])


def _codes(tmp_path: Path) -> list[tuple[Any, ...]]:
    database = Database.open(tmp_path / "c.db", "off")
    rows = database.execute("SELECT item, code FROM coupon_code ORDER BY id").fetchall()
    database.close()
    return rows


def test_codes_are_imported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(tmp_path, "券码\nA1\n\nA2,备注\n") == 0
    assert _import(tmp_path, "A2\nA3\n") == 0
    assert _codes(tmp_path) == [("coupon5", "A1"), ("coupon5", "A2"), ("coupon5", "A3")]
    assert "1 个早就有了" in capsys.readouterr().out


def test_a_bad_row_imports_nothing_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(tmp_path, f"A1\n{'x' * 200}\nA1\n") == 2
    err = capsys.readouterr().err
    assert "第 2 行" in err
    assert "第 3 行" in err
    assert not (tmp_path / "c.db").exists()


def test_codes_for_nothing_in_the_shop_are_refused_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _import(tmp_path, "A1\n", "coupon") == 2
    assert "coupon5" in capsys.readouterr().err


def test_the_tables_refuse_a_second_owner_of_a_code(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "t.db", "off")
    shop = Shop(database)
    assert shop.import_codes("a", ["X", "X", "Y"], 1) == 2
    database.close()
