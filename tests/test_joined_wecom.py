"""The whole bot on the official channels: real time, full synchronous, real HTTP both ways, on the fake WeCom."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.sandbox import Sandbox, serve
from tests.gateway_peer import until
from tests.joined import (
    AES_KEY,
    AGENT,
    APP,
    BOSS,
    BOT,
    CONTACT,
    GROUP,
    KF,
    KFID,
    MEI,
    ROBOT,
    SECRETS,
    Books,
    Process,
    fill,
    joined,
    settings,
    wecom,
    yuanzi,
)
from tests.ports import free_port

QIANG = "wmSandboxAqiang"


async def test_a_customer_of_kf_is_welcomed_once_and_served_like_a_member_of_the_first_issue(tmp_path: Path) -> None:
    async with joined(tmp_path, KF, APP) as w:
        w.sandbox.kf.enter(KFID, MEI)
        await until(lambda: w.books.sent("welcome.contact", member=MEI) == 1)
        assert w.sandbox.kf.sent[0].by == "send_msg_on_event"  # in time: a code is good for 20 seconds
        w.sandbox.kf.enter(KFID, MEI)  # no code comes with it: they are no news
        await w.asks("帮助")
        await w.asks("怎么退款")
        await w.asks("我想问问你们的瓶盖能不能回收")
        await w.asks("签到")
        await w.asks("设置")
        await w.asks("状态")
        assert w.books.said(MEI) == [
            ("welcome.contact", "sent"), ("help.member", "sent"), ("faq.answer", "sent"), ("faq.unsure", "sent"),
            ("checkin.only_in_group", "sent"), ("staff.refused", "sent"),
        ]  # fmt: skip
        assert "wmSandboxXiaomei" not in "".join(w.heard())  # a customer goes by their nickname
        (told,) = w.books.told("staff.question")
        assert (told[0], told[1]) == (BOSS, "sent")
        assert "瓶盖" in told[2]
        assert [row.delivered for row in w.sandbox.messages.sent] == [[BOSS]]
        w.agree()


async def test_check_in_on_kf_where_it_is_switched_on(tmp_path: Path) -> None:
    private = {"groups": {"default": {"checkin": {"private": True}}}}
    async with joined(tmp_path, KF, APP, changes=private) as w:
        await w.asks("签到")
        await w.asks("签到")
        await w.asks("我的签到")
        assert [phrase for phrase, _ in w.books.said(MEI)] == ["checkin.done", "checkin.again", "checkin.card"]
        assert w.books.rows("SELECT group_id, member_id, kind FROM check_in") == [("", MEI, "own")]
        assert (await yuanzi(tmp_path, {"PYTHONPATH": str(Path.cwd())}, "fsck", "--db", str(w.bot.db)))[0] == 0


async def test_repeated_and_doubled_callbacks_answer_once(tmp_path: Path) -> None:
    async with joined(tmp_path, KF, APP) as w:
        w.sandbox.pusher.double(2)
        await w.asks("怎么退款")
        await w.asks("帮助")
        for delivery in list(w.sandbox.pusher.deliveries):
            w.sandbox.pusher.again(delivery.id)
        answers = [(await w.sandbox.pusher.replay(1)).status]
        await w.sandbox.settle()
        await w.asks("完全听不懂的一句话嘛")
        assert answers == [200]
        assert w.books.said(MEI) == [("faq.answer", "sent"), ("help.member", "sent"), ("faq.unsure", "sent")]
        w.agree()


async def test_the_history_of_the_first_sync_is_not_answered(tmp_path: Path) -> None:
    def earlier(sandbox: Sandbox) -> None:
        for text in ("怎么退款", "帮助", "在吗"):
            sandbox.kf.say(KFID, MEI, text)
        for message in sandbox.kf.accounts[KFID].messages:
            message["send_time"] -= 3_600

    async with joined(tmp_path, KF, before=earlier) as w:
        await w.asks("怎么退款")
        assert w.books.said() == [("faq.answer", "sent")]
        w.agree()


async def test_joins_of_a_customer_group_become_one_welcome_that_staff_confirm(tmp_path: Path) -> None:
    async with joined(tmp_path, CONTACT, APP) as w:
        await until(lambda: w.books.rows("SELECT id FROM interaction WHERE kind = 'joined'"))  # the roster as it was
        people = [
            w.sandbox.customers.add("zhangsan", name, quiet=True)["external_userid"]
            for name in ("小满", "豆豆", "阿杰")
        ]
        w.sandbox.groups.join(GROUP, people[:2])
        w.sandbox.groups.join(GROUP, people[2:])
        await until(lambda: w.sandbox.mass.sent)
        await w.bot.quiet()
        (task,) = w.sandbox.mass.sent.values()
        assert (task.chat_type, task.creator, list(task.tasks["zhangsan"].targets)) == ("group", "zhangsan", [GROUP])
        assert "小满" in task.text
        assert "wm" not in task.text
        assert w.books.said(channel=CONTACT) == [("welcome.group", "sent")]
        assert w.sandbox.mass.tap(task.msgid, "zhangsan")["sent"]


async def test_a_new_friend_of_an_employee_is_welcomed_within_twenty_seconds(tmp_path: Path) -> None:
    async with joined(tmp_path, CONTACT) as w:
        w.sandbox.pusher.double()
        w.sandbox.customers.add("zhangsan", "小禾", external_userid="wmXiaohe")
        await until(lambda: w.sandbox.welcome.sent)
        await w.bot.quiet()
        assert "小禾" in w.sandbox.welcome.sent[0].text
        assert w.books.said("wmXiaohe", channel=CONTACT) == [("welcome.contact", "sent")]


async def test_all_five_roads_in_one_process_answer_each_in_its_own_way(tmp_path: Path) -> None:
    async with joined(tmp_path, KF, APP, CONTACT, BOT, ROBOT) as w:
        await until(lambda: w.sandbox.bot_socket.subscribed("aibSandbox"))
        w.sandbox.kf.say(KFID, MEI, "怎么退款")
        w.sandbox.pusher.say_to_app(AGENT, BOSS, "状态")
        w.sandbox.bots.say("aibSandbox", "lisi", "@元子 签到", chatid="sandbox-internal-group")
        await until(lambda: w.books.sent("faq.answer", channel=KF) == 1)
        await until(lambda: w.books.sent("status.report", channel=APP) == 1)
        await until(lambda: w.books.sent("checkin.done", channel=BOT) == 1)
        await w.bot.quiet()
        report = next(text for _, _, text in w.books.told("status.report"))
        assert all(f"通道 {name}" in report for name in (KF, APP, CONTACT, BOT, ROBOT))
        w.agree()


async def test_a_channel_with_a_wrong_secret_leaves_the_others_working(tmp_path: Path) -> None:
    environ = {**SECRETS, "SANDBOX_SECRET": "not-this-one"}
    async with joined(tmp_path, KF, APP, CONTACT, BOT, environ=environ) as w:
        await until(lambda: w.sandbox.bot_socket.subscribed("aibSandbox"))
        w.sandbox.bots.say("aibSandbox", "lisi", "@元子 签到", chatid="sandbox-internal-group")
        await until(lambda: w.books.sent("checkin.done", channel=BOT) == 1)
        w.sandbox.kf.say(KFID, MEI, "帮助")  # its callback is taken, its text cannot be pulled
        await w.sandbox.settle()
        assert w.sandbox.kf.sent == []
        w.sandbox.bots.say("aibSandbox", "lisi", "@元子 怎么退款", chatid="sandbox-internal-group")
        await until(lambda: w.books.sent("faq.answer", channel=BOT) == 1)


FAULTS: dict[str, list[dict[str, Any]]] = {
    "dropped before": [{"kind": "drop", "times": 2}],
    "dropped after": [{"kind": "drop", "after": True}],
    "late after": [{"kind": "delay", "seconds": 2.5, "after": True}],
    "busy": [{"kind": "errcode", "errcode": -1, "times": 5}],
    "bad gateway after": [{"kind": "status", "status": 502, "after": True}],
    "garbage after": [{"kind": "garbage", "after": True}],
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_faults_of_sends_lose_and_double_nothing(tmp_path: Path, fault: list[dict[str, Any]]) -> None:
    async with joined(tmp_path, KF) as w:
        for one in fault:
            w.sandbox.faults.add(where="kf/send_msg", **one)
        for member, text in ((MEI, "怎么退款"), (QIANG, "帮助")):
            w.sandbox.kf.say(KFID, member, text)
        await until(lambda: len(w.books.said()) == 2)
        await w.bot.quiet()
        assert {state for _, state in w.books.said()} == {"sent"}
        w.agree()


async def test_a_welcome_whose_answer_was_lost_is_said_once(tmp_path: Path) -> None:
    async with joined(tmp_path, KF) as w:
        w.sandbox.faults.add("drop", "kf/send_msg_on_event", after=True)
        w.sandbox.kf.enter(KFID, MEI)
        await until(lambda: w.books.said(MEI))
        w.sandbox.faults.add("drop", "kf/send_msg_on_event")
        w.sandbox.kf.enter(KFID, QIANG)
        await until(lambda: len(w.books.said()) == 2)
        await w.bot.quiet()
        assert w.books.said() == [("welcome.contact", "sent")] * 2
        w.agree()


async def test_a_frequency_limit_puts_a_line_off_for_a_minute_and_tells_nobody_twice(tmp_path: Path) -> None:
    async with joined(tmp_path, KF) as w:
        w.sandbox.faults.add("errcode", "kf/send_msg", errcode=45009)
        w.sandbox.kf.say(KFID, MEI, "怎么退款")
        sql = "SELECT state, attempts, not_before - created_at, why_not FROM outbox"
        await until(lambda: w.books.rows(f"{sql} WHERE state = 'queued' AND attempts = 1"))
        ((_, _, wait, why),) = w.books.rows(sql)
        assert 55_000 < wait < 70_000
        assert "45009" in why
        assert w.sandbox.kf.sent == []


async def test_faults_while_pulling_lose_no_message(tmp_path: Path) -> None:
    async with joined(tmp_path, KF) as w:
        for kind, more in (("drop", {}), ("errcode", {"errcode": -1}), ("drop", {"after": True}), ("garbage", {})):
            w.sandbox.faults.add(kind, "kf/sync_msg", **more)  # type: ignore[arg-type]
        w.sandbox.corps.kill_token(AGENT)
        members = [f"wmCrowd{number}" for number in range(20)]
        for member in members:
            w.sandbox.kf.say(KFID, member, "怎么退款")
        await until(lambda: len(w.books.said()) == 20)
        await w.bot.quiet()
        assert sorted(row.touser for row in w.sandbox.kf.sent) == sorted(members)
        w.agree()


async def test_a_platform_that_goes_away_and_comes_back_is_waited_for(tmp_path: Path) -> None:
    async with joined(tmp_path, KF) as w:
        await w.asks("怎么退款")
        port = int(w.sandbox.url.rpartition(":")[2])
        w.sandbox.kf.say(KFID, QIANG, "帮助")
        await until(lambda: w.books.rows("SELECT id FROM interaction WHERE member_id = ?", QIANG))
        old, kf = w.sandbox, w.sandbox.kf
        await old.close()
        w.sandbox = await serve("127.0.0.1", port, luck=Luck("again"), options=old.options)
        fill(w.sandbox, w.port)
        # What the platform has on its disks outlives its process.
        w.sandbox.kf.accounts.update(kf.accounts)
        w.sandbox.kf.sent.extend(kf.sent)
        w.sandbox.kf.say(KFID, MEI, "帮助")
        await until(lambda: w.books.said(MEI)[1:] == [("help.member", "sent")])
        await w.bot.quiet()
        assert [phrase for phrase, _ in w.books.said(QIANG)] == ["help.member"]
        w.agree()


async def test_a_line_that_bounces_after_it_was_taken_is_no_longer_called_sent(tmp_path: Path) -> None:
    async with joined(tmp_path, KF, APP) as w:
        w.sandbox.kf_sends.fail_next(10)
        w.sandbox.kf.say(KFID, MEI, "怎么退款")
        await until(lambda: w.books.told("staff.channel"))
        await w.bot.quiet()
        assert w.books.said(MEI) == [("faq.answer", "failed")]
        (told,) = w.books.told("staff.channel")
        assert "没送到" in told[2]
        w.agree()


async def test_a_restart_goes_on_where_it_stopped_and_hears_what_was_said_meanwhile(tmp_path: Path) -> None:
    async with joined(tmp_path, KF, CONTACT, APP) as w:
        await w.asks("怎么退款")
        await w.bot.stop()
        w.sandbox.kf.say(KFID, MEI, "帮助")
        w.sandbox.kf.enter(KFID, QIANG)
        await w.sandbox.settle()
        await w.bot.start()
        await until(lambda: w.books.sent("help.member", member=MEI) == 1)
        await until(lambda: w.books.sent("welcome.contact", member=QIANG) == 1)
        await w.bot.quiet()
        assert w.books.said(MEI) == [("faq.answer", "sent"), ("help.member", "sent")]
        w.agree()


async def test_a_callback_port_that_is_taken_is_a_clear_line(tmp_path: Path) -> None:
    async with joined(tmp_path, KF) as w:
        await w.bot.stop()
        busy = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", w.port)
        try:
            with pytest.raises(ConfigError, match="回调端口"):
                await w.bot.start()
                await w.bot.running  # type: ignore[misc]
        finally:
            busy.close()
            w.bot.running = None
            w.bot.app.close()
            await w.bot.wiring.close()


# -- the doctor ----------------------------------------------------------------------------------------------------


async def examined(folder: Path, sandbox: Sandbox, port: int, secrets: dict[str, str]) -> tuple[int, str]:
    table = wecom(sandbox.url, sandbox.ws_url, port, KF, APP, CONTACT, BOT, ROBOT)
    process = Process(folder, settings(folder / "joined.db", {"wecom": table}), secrets)
    return await yuanzi(folder, process.env, "doctor", "--config", str(process.config))


async def test_the_doctor_finds_everything_fine_on_a_running_sandbox(tmp_path: Path) -> None:
    async with joined(tmp_path, KF, APP, CONTACT, BOT, ROBOT) as w:
        code, text = await examined(tmp_path, w.sandbox, w.port, SECRETS)
        assert code == 0, text
        assert "都好" in text
        for word in (
            "微信客服 kefu",
            "客户联系 kehu",
            "应用消息 app",
            "智能机器人 zhinen",
            "消息推送 tixing",
            "URL 校验通过",
        ):
            assert word in text
        assert [value for value in SECRETS.values() if value in text] == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SANDBOX_SECRET", "wrong-secret-value", ["errcode 40001", "管理后台 > 应用管理"]),
        ("SANDBOX_SECRET", "", ["SANDBOX_SECRET"]),
        ("SANDBOX_AES_KEY", "", ["SANDBOX_AES_KEY"]),
        ("SANDBOX_AES_KEY", "short-aes-key-value", ["EncodingAESKey", "设置API接收"]),
        ("SANDBOX_TOKEN", "WrongTokenValue", ["签名或企业 ID 不对", "Token"]),
        ("SANDBOX_BOT_SECRET", "", ["SANDBOX_BOT_SECRET"]),
    ],
)
async def test_the_doctor_says_what_is_wrong_and_the_next_step(
    tmp_path: Path, name: str, value: str, words: list[str]
) -> None:
    async with joined(tmp_path, KF, APP, CONTACT, BOT, ROBOT) as w:
        secrets = {**SECRETS, name: value}
        code, text = await examined(tmp_path, w.sandbox, w.port, secrets)
        assert code == 1, text
        assert "处要修" in text
        assert [word for word in words if word not in text] == [], text
        assert [one for one in (*SECRETS.values(), value) if one and one in text] == []


# -- SIGKILL -------------------------------------------------------------------------------------------------------


async def test_killed_in_bursts_the_process_answers_each_message_once_and_loses_none(tmp_path: Path) -> None:
    sandbox = await serve("127.0.0.1", free_port(), luck=Luck("kills"))
    port, db = free_port(), tmp_path / "joined.db"
    fill(sandbox, port)
    books = Books(db)
    data = settings(db, {"wecom": wecom(sandbox.url, sandbox.ws_url, port, KF, APP)})
    process = Process(tmp_path, data, {**SECRETS, "SANDBOX_AES_KEY": AES_KEY})

    def answered() -> int:
        return len({row.touser for row in sandbox.kf.sent})

    try:
        await process.start()
        await until(lambda: db.exists() and sandbox.log and books.unfinished() == 0)
        await until(lambda: books.rows("SELECT value FROM channel_memory WHERE key = ?", f"{KF}/replayed"))
        members: list[str] = []
        for life in range(4):
            burst = [f"wmLife{life}x{number}" for number in range(60)]
            members += burst
            before = answered()
            for member in burst:
                sandbox.kf.say(KFID, member, "怎么退款")
            wanted = before + (5, 17, 31)[life % 3]
            await until(lambda: answered() >= wanted)  # noqa: B023
            await process.kill()
            await process.start()
        await until(lambda: answered() == len(members))
        await until(lambda: books.unfinished() == 0)
        assert await process.stop() == 0
        stored = [row[0] for row in books.rows("SELECT member_id FROM interaction WHERE kind = 'message'")]
        assert sorted(stored) == sorted(members)
        arrived = [row.touser for row in sandbox.kf.sent]
        assert sorted(arrived) == sorted(members), "lost or doubled"
        assert {state for _, state in books.said()} == {"sent"}
        assert (await yuanzi(tmp_path, process.env, "fsck", "--db", str(db)))[0] == 0
        shown = process.errors.read_text(encoding="utf-8")
        assert [secret for secret in SECRETS.values() if secret in shown] == []
        assert "Traceback" not in shown
    finally:
        await process.kill()
        await sandbox.close()
