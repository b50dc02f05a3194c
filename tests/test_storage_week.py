"""Two lived weeks as material for the tests of the data tools: everything that people do to a database."""

import asyncio
import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bot.channels import Channel, Line, Receipt
from bot.context import Context
from bot.events import MessageReceived
from bot.replies import Wishes
from bot.router import Router
from storage.database import Database
from storage.fsck import check
from tests.conftest import BOSS, Room, Wire, a_config, at, keys

DAY = timedelta(days=1)
NASTY = "=1+1\n{points}"


def _breaks(event: MessageReceived, ctx: Context) -> Wishes:
    raise RuntimeError(event.text)


async def _live(path: Path) -> None:
    broken = Router("broken")
    broken.command("弄坏", help="总是出错")(_breaks)
    room = Room(a_config, path, more=[broken])
    await room.open()
    room.people["店长"] = BOSS
    await _first_week(room)
    await _play(room)
    await _second_week(room)
    await room.close()


async def _first_week(room: Room) -> None:
    await room.adds_contact("小满", source="抖音")
    for number in range(8):
        await room.everyone_says(["小满", "阿杰", "豆豆"] if number != 5 else ["小满", "豆豆"], "签到")
        await room.says(NASTY, "打卡")
        await room.again()
        await room.wait(DAY)
    made_up = await room.says("小满", "补签 12-09")  # taken: a kind refusal
    assert keys(made_up) == ["checkin.nothing_to_make_up"]
    await room.says("店长", "撤销 1")
    await room.says("小满", "签到", at=at("12-02 12:30"))  # again after the undo, late
    await room.joins([f"新人{number}" for number in range(60)], source="抖音")
    await room.power_cut(timedelta(minutes=20))
    await room.joins(["晚来的", "马上走的"])
    await room.leaves("马上走的")


async def _play(room: Room) -> None:
    """A draw with a winner who claims, tries of an instant one, and something redeemed."""
    await room.says("店长", "开奖 新品试吃")
    await room.everyone_says(["小满", "阿杰", NASTY], "我要尝鲜")
    drawn = await room.says("店长", "立即开奖 1")
    assert "draw.result" in keys(drawn)
    await room.says("小满", "领奖")
    await room.says("店长", "发分 小满 500 多谢分享")
    assert keys(await room.says("小满", "兑换 3")) == ["shop.done"]


async def _second_week(room: Room) -> None:
    await room.wait(2 * DAY)
    back = await room.says("小满", "签到")
    assert keys(back) == ["checkin.done"]
    made_up = await room.says("小满", "补签")
    assert keys(made_up) == ["checkin.made_up"]
    await room.says("阿杰", "签到", at=at("12-07 21:00"))  # the missing day arrives late and repairs the streak
    await room.says("豆豆", "弄坏")
    await room.says("店长", "设置 welcome.gap 2h")
    await room.says("店长", "名单 奖品", private=True)
    await room.says("店长", "兑现 1")
    await room.power_cut(timedelta(hours=30))  # posts are missed meanwhile
    await room.joins(["等着的"])
    await room.joins(["也等着的"])
    await room.says("豆豆", "签到")
    room.wire = _lost
    await room.restart()
    await room.says("豆豆", "我的签到")
    await room.says("@SUM(A1)", "+1 也来", private=True)


def _lost(show: Callable[[Line], None]) -> Channel:
    return Wire(show, _unknown)


def _unknown(line: Line) -> Receipt:
    return Receipt("unknown", error="timeout")


@functools.cache
def _lived() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="yuanzi-week-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    asyncio.run(_live(directory / "week.db"))
    return directory / "week.db"


def two_weeks(directory: Path) -> Path:
    """A database of one's own in which two weeks were lived."""
    path = directory / "week.db"
    shutil.copy(_lived(), path)
    return path


def test_two_lived_weeks_keep_every_promise(tmp_path: Path) -> None:
    report = check(two_weeks(tmp_path))
    assert report.violations == []
    assert report.events > 70
    assert report.check_ins > 30


def test_the_lived_weeks_hold_what_the_tools_must_cope_with(tmp_path: Path) -> None:
    database = Database.open(two_weeks(tmp_path), "off")
    questions = {
        "a reversed movement": "SELECT 1 FROM movement WHERE reverses IS NOT NULL",
        "a made-up day": "SELECT 1 FROM check_in WHERE kind = 'make_up'",
        "a prize handed over": "SELECT 1 FROM prize WHERE state = 'handed'",
        "a milestone": "SELECT 1 FROM movement WHERE key LIKE 'milestone/%'",
        "a failed event": "SELECT 1 FROM interaction WHERE failed = 1",
        "a missed post": "SELECT 1 FROM missed",
        "a post": "SELECT 1 FROM outbox WHERE sort IN ('campaign', 'reminder') AND state = 'sent'",
        "somebody waiting": "SELECT 1 FROM membership WHERE waiting > 0",
        "an unknown outcome": "SELECT 1 FROM outbox WHERE state = 'unknown'",
        "an audit": "SELECT 1 FROM audit WHERE action = '撤销'",
        "a nasty name": "SELECT 1 FROM member WHERE name LIKE '=%'",
    }
    missing = [what for what, sql in questions.items() if database.execute(f"{sql} LIMIT 1").fetchone() is None]
    database.close()
    assert missing == []
