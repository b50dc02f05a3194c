"""Exports of what play leaves behind: who entered, who won, what is still to be handed over, what was redeemed."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from tests.conftest import OpenRoom, Room, group_config

Capture = pytest.CaptureFixture[str]


@pytest.fixture
async def room(open_room: OpenRoom) -> Room:
    """A draw that is over, one that is open, and a voucher pass redeemed."""
    room: Room = await open_room(group_config(scripts=[]))
    await room.boss_says("开奖 新品试吃")
    await room.everyone_says(["小满", "阿杰", "豆豆", "=cmd"], "我要尝鲜")
    await room.boss_says("立即开奖 1")
    for name in ("小满", "阿杰", "豆豆", "=cmd"):
        await room.says(name, "领奖")
    await room.boss_says("开奖 新品试吃")
    await room.says("小满", "我要尝鲜")
    await room.boss_says("发分 小满 500 多谢分享")
    await room.says("小满", "兑换 3")
    await room.app.settle()
    return room


def rows(room: Room, what: str, capfd: Capture) -> list[dict[str, Any]]:
    capfd.readouterr()
    assert main(["export", what, "--db", str(room.db)]) == 0
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


async def test_a_secret_leaves_only_when_its_draw_is_over(room: Room, capfd: Capture) -> None:
    over, running = rows(room, "draws", capfd)
    assert (over["state"], over["entrants"], over["winners"]) == ("drawn", 4, 4)
    assert len(over["secret"]) == 64
    assert (running["state"], running["entrants"], running["secret"]) == ("open", 1, None)
    assert over["group"] == "元气福利群"
    assert over["opener"] == "店长"


async def test_every_entrant_stands_in_the_order_of_the_list(room: Room, capfd: Capture) -> None:
    found = rows(room, "entrants", capfd)
    assert [(one["draw"], one["number"], one["member"]) for one in found] == [
        (1, 1, "小满"), (1, 2, "阿杰"), (1, 3, "豆豆"), (1, 4, "=cmd"), (2, 1, "小满"),
    ]  # fmt: skip
    assert all(len(one["line"]) == 10 and one["at"].endswith("+08:00") for one in found)


async def test_winners_and_prizes_agree_about_what_is_still_to_be_handed_over(room: Room, capfd: Capture) -> None:
    winners = rows(room, "winners", capfd)
    assert [one["place"] for one in winners] == [1, 2, 3, 4]
    goods = [one for one in winners if one["kind"] == "实物"]
    owed = rows(room, "prizes", capfd)
    assert {one["prize_number"] for one in goods} == {one["number"] for one in owed}
    assert {one["state"] for one in owed} == {"owed"}
    await room.boss_says(f"兑现 {owed[0]['number']}")
    states = {one["prize_number"]: one["state"] for one in rows(room, "winners", capfd) if one["prize_number"]}
    assert sorted(states.values()) == ["claimed", "claimed", "handed"]
    (points,) = [one for one in winners if one["kind"] == "积分"]
    assert points["state"] == "handed"  # points are paid as soon as they are claimed


async def test_redemptions_say_what_they_cost_and_how_they_stand(room: Room, capfd: Capture) -> None:
    (one,) = rows(room, "redemptions", capfd)
    assert (one["item"], one["price"], one["member"], one["state"]) == ("trial", 200, "小满", "issued")


async def test_a_spreadsheet_reads_codes_as_chinese_and_names_as_text(room: Room, tmp_path: Path) -> None:
    out = tmp_path / "w.csv"
    assert main(["export", "winners", "--db", str(room.db), "--out", str(out)]) == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert {one["状态"] for one in found} == {"已领，待发放", "已发放"}
    assert "'=cmd" in {one["成员"] for one in found}
