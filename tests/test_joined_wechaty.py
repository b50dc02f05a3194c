"""The whole bot on the real Node gateway: real time, full synchronous, killed and brought back on both sides."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from bot.config import build_config, merged
from bot.world import RealWorld
from tests.gateway_peer import BOT, TOKEN, Gateway, until
from tests.joined import APP, BOSS, KF, KFID, MEI, Books, Joined, Process, World, joined, settings, yuanzi

WX = "fuli"
GROUP = "R:10690000000001"
ALICE, BOB, KEEPER = "788130000000000001", "788130000000000002", "788130000000000003"
QUICK: dict[str, Any] = {
    "account_gap_seconds": 0.0, "group_gap_seconds": 0.0, "jitter_seconds": 0.0, "day_budget": 0, "call_seconds": 5.0,
    "retry_first_seconds": 0.05, "retry_most_seconds": 0.4,
}  # fmt: skip
SECRETS = {"YUANZI_WECHATY_TOKEN": TOKEN}


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[Gateway]:
    gateway = Gateway(ECHO_SELF="1")
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YUANZI_WECHATY_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def table(gateway: Gateway, **more: Any) -> dict[str, Any]:
    """The settings of one account on the gateway, with a keeper as staff."""
    return {
        "wechaty": {WX: {"endpoint": gateway.endpoint, **QUICK, **more}},
        "staff": [{"id": KEEPER, "name": "店长", "role": "owner", "channels": [WX]}],
    }


@dataclass(slots=True)
class Room:
    """A group on the gateway and the bot in it."""

    gateway: Gateway
    books: Books

    async def people(self, names: Mapping[str, str]) -> None:
        await self.gateway.tell("contact", [{"id": person, "name": name} for person, name in names.items()])
        await self.gateway.tell("room", id=GROUP, topic="福利群", memberIdList=[BOT, *names])

    async def usual(self) -> None:
        await self.people({ALICE: "爱丽丝", BOB: "鲍勃", KEEPER: "店长"})

    def phrases(self, *, group: str | None = GROUP) -> list[str]:
        """What was said in the group, in order, as far as it is known as sent."""
        return [
            row[0]
            for row in self.books.rows(
                "SELECT phrase FROM outbox WHERE channel = ? AND group_id IS ? AND state = 'sent' ORDER BY id",
                WX,
                group,
            )
        ]

    async def says(self, text: str, expect: str, *, by: str = ALICE, **more: Any) -> str:
        """Somebody says something in the group; waits for the answer of this phrase and returns its words."""
        count = self.phrases().count(expect)
        await self.gateway.say(by, text, room=GROUP, **more)
        await until(lambda: self.phrases().count(expect) > count)
        sql = "SELECT text FROM outbox WHERE phrase = ? AND channel = ? ORDER BY id DESC LIMIT 1"
        words = self.books.rows(sql, expect, WX)[0][0]
        assert [row["text"] for row in await self.gateway.sent() if row["to"] == GROUP][-1].endswith(words)
        return str(words)


@asynccontextmanager
async def in_room(
    folder: Path, gateway: Gateway, changes: Mapping[str, Any] | None = None, **more: Any
) -> AsyncIterator[tuple[Room, Joined]]:
    db = folder / "joined.db"
    data = settings(db, merged(table(gateway, **more), changes or {}))
    bot = Joined(build_config(data, "config.toml"), db, {})
    room = Room(gateway, bot.books)
    await room.usual()
    try:
        await bot.start()
        await until(lambda: bot.app.desk.channel_states.get(WX, "").endswith("在线"))
        yield room, bot
    finally:
        await bot.stop()


async def test_the_member_flows_of_the_first_issue_in_a_group_on_the_gateway(tmp_path: Path, gateway: Gateway) -> None:
    async with in_room(tmp_path, gateway) as (room, bot):
        await gateway.tell("contact", id="newcomer1", name="小新")
        await gateway.tell("join", room=GROUP, ids=["newcomer1"], inviter=ALICE)
        await until(lambda: room.phrases() == ["welcome.group"])
        assert "爱丽丝" in await room.says("签到", "checkin.done")
        await room.says("签到", "checkin.again")
        assert "申请退款" in await room.says("怎么退款", "faq.answer", by=BOB)
        await room.says("@小元子 帮助", "help.member")
        await gateway.say(BOB, "今天天气真不错", room=GROUP)
        await room.says("@元子\u2005你们的瓶盖能回收吗", "faq.unsure", mentions=[BOT])
        await until(lambda: "staff.question" in room.phrases(group=None))
        await room.says("设置 muted 开", "staff.refused", by=BOB)
        await room.says("状态", "status.report", by=KEEPER)
        await bot.quiet()
        assert room.phrases() == [
            "welcome.group", "checkin.done", "checkin.again", "faq.answer", "help.member", "faq.unsure",
            "staff.refused", "status.report",
        ]  # fmt: skip
        assert room.books.told("staff.channel") == []  # a start is no news
        assert len(await gateway.sent()) == 9


async def test_a_post_that_fell_due_is_held_where_the_account_only_answers_and_sent_where_it_may_speak(
    tmp_path: Path, gateway: Gateway
) -> None:
    now = RealWorld().now().astimezone(ZoneInfo("Asia/Shanghai"))
    due = now - timedelta(minutes=2)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "now.toml").write_text(
        f'title = "现在"\n[[beat]]\nid = "now"\ntitle = "现在发"\nweekday = "每天"\ntime = "{due:%H:%M}"\n'
        'phrase = "post.morning_call"\n',
        encoding="utf-8",
    )
    group = {"scripts": ["now"], "quiet": "", "channel": WX}
    changes = {"bot": {"scripts": str(scripts)}, "groups": {GROUP: group}}
    for speaks, expected in (("answer", "held"), ("first", "sent")):
        folder = tmp_path / speaks
        folder.mkdir()
        async with in_room(folder, gateway, changes, speaks=speaks) as (room, bot):
            await bot.stop()
            with contextlib.closing(sqlite3.connect(bot.db)) as conn:  # as if the process had been down since then
                conn.execute("UPDATE beat SET done_until = ?", (int((due - timedelta(hours=1)).timestamp() * 1000),))
                conn.commit()
            await bot.start()
            await until(lambda: bot.app.desk.channel_states.get(WX, "").endswith("在线"))
            states = "SELECT state FROM outbox WHERE phrase = 'post.morning_call'"
            await until(lambda: room.books.rows(states) == [(expected,)])  # noqa: B023
            await room.says("签到", "checkin.done")  # an answer leaves in either case
            assert room.phrases().count("post.morning_call") == (expected == "sent")
            arrived = [row["text"] for row in await gateway.sent() if row["to"] == GROUP]
            assert len(arrived) == (2 if expected == "sent" else 1)
            await gateway.tell("forget")


async def test_a_gateway_killed_in_a_burst_doubles_and_loses_nothing(tmp_path: Path, gateway: Gateway) -> None:
    crowd = {f"crowd{number:03}": f"成员{number:03}" for number in range(80)}
    async with in_room(tmp_path, gateway) as (room, bot):
        await room.people(crowd)
        burst = [{"id": f"b{number}", "from": who, "room": GROUP, "text": "签到"} for number, who in enumerate(crowd)]
        seen: list[str] = []

        async def arrived() -> int:
            seen[:] = [row["text"] for row in await gateway.sent()]
            return len(seen)

        await gateway.tell("say", burst)

        async def ten() -> bool:
            return await arrived() >= 10

        await until(ten)
        await gateway.kill()
        await until(lambda: "等待重连" in bot.app.desk.channel_states[WX])
        await gateway.start()
        await gateway.tell("settings", ECHO_SELF="1")
        await room.people(crowd)
        await until(lambda: bot.app.desk.channel_states[WX].endswith("在线"))
        await gateway.tell("say", burst)  # as a provider does that keeps an event sequence
        await until(lambda: len(room.books.rows("SELECT 1 FROM check_in")) == len(crowd))
        await bot.quiet()
        seen += [row["text"] for row in await gateway.sent()]
        for name in crowd.values():
            assert sum(name in text for text in seen) <= 1, f"{name} was answered twice"
        states = [
            row[0] for row in room.books.rows("SELECT state FROM outbox WHERE phrase = 'checkin.done' ORDER BY id")
        ]
        assert len(states) == len(crowd)
        assert set(states) <= {"sent", "unknown"}
        assert states.count("unknown") <= 1
        assert sum(any(name in text for text in seen) for name in crowd.values()) >= states.count("sent") - 3
        assert len(room.books.told("staff.trouble")) == states.count("unknown")
        assert (await yuanzi(tmp_path, {"PYTHONPATH": str(Path.cwd())}, "fsck", "--db", str(bot.db)))[0] == 0


async def test_an_outage_longer_than_all_tries_is_waited_out(tmp_path: Path, gateway: Gateway) -> None:
    async with in_room(tmp_path, gateway, {"outbox": {"attempts": 2}}) as (room, bot):
        await gateway.tell("fault", method="messageSendText", delayMs=60_000, times=1)
        await gateway.say(ALICE, "签到", room=GROUP)
        await until(lambda: room.books.rows("SELECT 1 FROM outbox WHERE state = 'sending'"))
        await gateway.say(BOB, "签到", room=GROUP)
        await until(lambda: len(room.books.rows("SELECT 1 FROM check_in")) == 2)
        await gateway.kill()
        tried = "SELECT 1 FROM outbox WHERE state = 'queued' AND why_not LIKE '网关%'"
        await until(lambda: room.books.rows(tried))
        await asyncio.sleep(5)  # more than two tries, two seconds apart
        await gateway.start()
        await room.usual()
        await until(lambda: room.phrases() == ["checkin.done"])
        await bot.quiet()
        (text,) = [row["text"] for row in await gateway.sent() if row["to"] == GROUP]
        assert "鲍勃" in text
        assert {state for _, state, _ in room.books.told("checkin.done")} == {"sent", "unknown"}


@pytest.mark.parametrize("echo", [True, False], ids=["its echo comes", "no echo comes"])
async def test_a_send_under_way_at_a_kill_is_settled_by_its_echo_or_reported_and_never_repeated(
    tmp_path: Path, gateway: Gateway, echo: bool
) -> None:
    await gateway.tell("settings", ECHO_SELF="")
    db = tmp_path / "joined.db"
    books = Books(db)
    room = Room(gateway, books)
    await room.usual()
    process = Process(tmp_path, settings(db, table(gateway)), SECRETS)
    try:
        await process.start()
        await until(lambda: db.exists() and books.unfinished() >= 0)

        async def streams() -> bool:
            return bool((await gateway.tell("state"))["streams"])

        await until(streams)
        await room.says("怎么退款", "faq.answer", by=BOB)
        await gateway.tell("fault", method="messageSendText", delayMs=60_000, times=1, after=True)
        await gateway.say(ALICE, "签到", room=GROUP)

        async def two() -> bool:
            return len(await gateway.sent()) == 2

        await until(two)
        await process.kill()
        assert books.told("checkin.done")[0][1] == "sending"
        await process.start()
        await until(lambda: books.told("checkin.done")[0][1] == "unknown")
        await until(lambda: [state for _, state, _ in books.told("staff.unknown_sends")] == ["sent"])
        (row,) = [row for row in await gateway.sent() if "爱丽丝" in row["text"] and row["to"] == GROUP]
        if echo:
            # The platform shows the account its own line, as it does after every login.
            await gateway.tell("say", id=row["id"], **{"from": BOT, "room": GROUP, "text": row["text"]})
            await until(lambda: books.told("checkin.done")[0][1] == "sent")
        await room.says("签到", "checkin.again")
        texts = [one["text"] for one in await gateway.sent() if one["to"] == GROUP]
        assert len(texts) == len(set(texts)) == 3
        assert books.told("checkin.done")[0][1] == ("sent" if echo else "unknown")
        assert await process.stop() == 0
        assert TOKEN not in process.errors.read_text(encoding="utf-8")
    finally:
        await process.kill()


@asynccontextmanager
async def two_roads(folder: Path, gateway: Gateway) -> AsyncIterator[tuple[Room, World]]:
    """One process on the gateway and on 微信客服; staff are told by app messages."""
    changes = {
        "wechaty": {WX: {"endpoint": gateway.endpoint, **QUICK}},
        "groups": {"default": {"checkin": {"private": True}}},
    }
    async with joined(folder, KF, APP, changes=changes) as w:
        room = Room(gateway, w.books)
        await room.usual()
        await until(lambda: w.bot.app.desk.channel_states.get(WX, "").endswith("在线"))
        yield room, w


async def test_the_same_flows_on_two_channels_of_one_process(tmp_path: Path, gateway: Gateway) -> None:
    words = ["签到", "签到", "怎么退款", "帮助", "我的签到", "状态"]
    phrases = [
        "checkin.done", "checkin.again", "faq.answer", "help.member", "checkin.card", "staff.refused",
    ]  # fmt: skip
    async with two_roads(tmp_path, gateway) as (room, w):
        w.sandbox.kf.enter(KFID, MEI)
        await gateway.tell("contact", id="newcomer1", name="小新")
        await gateway.tell("join", room=GROUP, ids=["newcomer1"])
        await until(lambda: room.phrases() == ["welcome.group"])
        await until(lambda: w.books.sent("welcome.contact", member=MEI) == 1)
        for word, phrase in zip(words, phrases, strict=True):
            await asyncio.gather(w.asks(word), room.says(word, phrase))
        await w.bot.quiet()
        assert room.phrases() == ["welcome.group", *phrases]
        assert w.books.said(MEI) == [(phrase, "sent") for phrase in ("welcome.contact", *phrases)]
        w.agree()
        groups = {(row[0], row[1]) for row in w.books.rows("SELECT group_id, member_id FROM check_in")}
        assert groups == {("", MEI), (GROUP, ALICE)}


async def test_killing_one_platform_leaves_the_other_working(tmp_path: Path, gateway: Gateway) -> None:
    async with two_roads(tmp_path, gateway) as (room, w):
        await gateway.kill()
        await w.asks("签到")
        await gateway.start()
        await room.usual()
        await until(lambda: w.bot.app.desk.channel_states[WX].endswith("在线"))
        await w.sandbox.close()
        await room.says("签到", "checkin.done")
        assert [phrase for phrase, _ in w.books.said(MEI)] == ["checkin.done"]


async def test_a_logout_shows_in_the_status_and_staff_hear_of_it_once(tmp_path: Path, gateway: Gateway) -> None:
    async with two_roads(tmp_path, gateway) as (room, w):
        await gateway.tell("logout", reason="kicked")
        await until(lambda: w.books.told("staff.channel"))
        await gateway.tell("logout", reason="kicked again")
        await gateway.tell("emit", name="heartbeat", payload={"data": "x"})
        w.sandbox.pusher.say_to_app(1000002, BOSS, "状态")
        await until(lambda: w.books.told("status.report"))
        await w.bot.quiet()
        assert f"通道 {WX}：已连接，账号未登录" in w.books.told("status.report")[0][2]
        await asyncio.sleep(w.bot.patience * 2)
        (told,) = w.books.told("staff.channel")
        assert (told[0], told[1]) == (BOSS, "sent")
        assert "未登录" in told[2]
        await gateway.tell("login")
        await until(lambda: len(w.books.told("staff.channel")) == 2)
        assert "好了" in w.books.told("staff.channel")[1][2]
        await room.says("签到", "checkin.done")
