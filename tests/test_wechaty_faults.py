"""The wechaty channel when things break: gateways killed, frozen, mute, taken, refused, and moved."""

import asyncio
import contextlib
import logging
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.channels import Heard
from bot.channels.wechaty import WechatyChannel
from bot.channels.wechaty_failures import LinkFailure
from bot.channels.wechaty_link import Endpoint, Link
from bot.channels.wechaty_settings import WechatySettings
from bot.errors import Refused, Retryable, StorageFailure
from bot.events import Event
from tests.gateway_peer import TOKEN, Gateway, Proxy, until
from tests.wechaty_kit import FAULT_FLAVORS, RealClock, Rig

ROOT = Path(__file__).resolve().parent.parent


@pytest_asyncio.fixture(params=FAULT_FLAVORS)
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    gateway = Gateway(request.param)
    await gateway.start()
    yield gateway
    await gateway.stop()


async def take_note(event: Event) -> Heard:
    return Heard(event.id)


async def come_back(rig: Rig) -> None:
    """After an outage: the gateway remembers nobody, as the mock has no memory."""
    await rig.people(rig.group, {rig.alice: "爱丽丝", rig.bob: "鲍勃"})
    await rig.ready()


async def test_killed_in_a_burst_it_loses_nothing_that_is_announced_again_and_doubles_nothing(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        burst = [{"id": f"m{n}", "from": rig.alice, "room": rig.group, "text": f"{n}"} for n in range(300)]
        telling = asyncio.create_task(gateway.tell("say", burst))
        await until(lambda: len(rig.heard) >= 20)
        await telling
        await gateway.kill()
        await until(lambda: rig.channel.state().phase != "connected")
        with pytest.raises(Retryable):
            await rig.channel.send(rig.line("现在不行"))
        await gateway.start()
        await come_back(rig)
        await gateway.tell("say", burst)  # as a provider does that keeps an event sequence
        await rig.say("完")
        await until(lambda: "完" in rig.texts())
        assert rig.texts() == [*(f"{n}" for n in range(300)), "完"]
        assert rig.channel.state().counts.connects == 2


async def test_a_gateway_that_is_down_at_start_is_waited_for(gateway: Gateway) -> None:
    await gateway.kill()
    async with Rig(gateway, wait=False) as rig:
        await until(lambda: rig.channel.state().tries >= 2)
        assert "等待重连" in str(rig.channel.state())
        await gateway.start()
        await come_back(rig)
        await rig.say("终于")
        await rig.next()


@pytest.mark.parametrize("code", [0, 14, 13], ids=["OK", "UNAVAILABLE", "INTERNAL"])
async def test_a_stream_that_ends_is_opened_again(gateway: Gateway, code: int) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("endStreams", code=code)
        await until(lambda: rig.channel.state().counts.connects == 2)
        await rig.say("还在吗")
        await rig.next()
        assert rig.texts() == ["还在吗"]


async def test_a_wrong_token_is_refused_slowly_and_loudly_and_stands_in_no_log(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "puppet_workpro_very_wrong_secret"  # noqa: S105
    async with Rig(gateway, wait=False, token=secret) as rig:
        await until(lambda: rig.channel.state().phase == "refused")
        await until(lambda: sum(state.phase == "refused" for state in rig.states) >= 2)
        assert "网关拒绝了 token" in str(rig.channel.state())
        with pytest.raises(Retryable):
            await rig.channel.send(rig.line("说不了"))
        findings = await rig.channel.diagnose()
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    assert any(finding.level == "error" and "token" in finding.what for finding in findings)
    everything = caplog.text + "".join(map(str, findings)) + repr(rig.states) + repr(rig.channel.state())
    assert secret not in everything


async def test_a_frozen_gateway_makes_a_send_unknown_and_after_the_thaw_its_echo_settles_it(gateway: Gateway) -> None:
    await gateway.tell("settings", ECHO_SELF="1")
    async with Rig(gateway, call_seconds=0.4, patience_seconds=30.0) as rig:
        gateway.freeze()
        try:
            receipt = await rig.channel.send(rig.line("冻住了", key="row:9"))
            assert receipt.state == "unknown"
            await until(lambda: rig.channel.state().phase != "connected")
        finally:
            gateway.thaw()
        await rig.ready()
        if [row["text"] for row in await rig.sent()] == ["冻住了"]:  # it may also have died with the frozen connection
            echo = (await rig.sent())[0]["id"]
            if not rig.settled:
                await gateway.tell("replay", ids=[echo])
            await until(lambda: rig.settled)
            assert rig.settled == [("row:9", echo)]
        assert len(await rig.sent()) <= 1
        assert (await rig.channel.send(rig.line("化了"))).state == "sent"


async def test_a_connection_that_dies_during_a_send_leaves_it_unknown(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        await gateway.tell("fault", method="messageSendText", delayMs=5000, times=1)
        sending = asyncio.create_task(rig.channel.send(rig.line("在路上")))
        await until(lambda: rig.channel.state().calls.get("MessageSendText"))
        await until(rig.calls)
        await gateway.kill()
        assert (await sending).state == "unknown"


async def test_a_half_open_connection_is_noticed_and_replaced(gateway: Gateway) -> None:
    proxy = Proxy(gateway.grpc)
    await proxy.start()
    try:
        rules: dict[str, Any] = {"endpoint": f"127.0.0.1:{proxy.port}", "probe_seconds": 0.4, "call_seconds": 0.6}
        async with Rig(gateway, **rules) as rig:
            await rig.say("一")
            await rig.next()
            proxy.swallow()
            await until(lambda: rig.channel.state().counts.connects >= 2)
            await rig.ready()
            await rig.say("二")
            await rig.next(2)
            assert rig.texts() == ["一", "二"]
            assert (await rig.channel.send(rig.line("三"))).state == "sent"
    finally:
        await proxy.stop()


async def test_a_stream_that_is_dead_on_a_living_connection_is_noticed_once_the_gateway_answers_dings(
    gateway: Gateway,
) -> None:
    async with Rig(gateway, probe_seconds=0.2, call_seconds=1.5) as rig:
        await until(lambda: rig.channel._puppet and rig.channel._puppet.session._dongs)
        await gateway.tell("deafen")
        await until(lambda: rig.channel.state().counts.connects >= 2)
        await rig.ready()
        await rig.say("又听见了")
        await until(lambda: "又听见了" in rig.texts())


async def test_the_stream_that_a_crashed_bot_left_behind_is_taken_over(gateway: Gateway) -> None:
    async with stream_of_somebody_else(gateway), Rig(gateway, wait=False) as rig:
        await until(lambda: rig.channel.state().phase == "taken")
        await come_back(rig)
        await rig.say("接手了")
        await rig.next()


async def test_without_takeover_it_waits_until_the_other_is_gone(gateway: Gateway) -> None:
    async with Rig(gateway, wait=False, takeover=False) as rig:
        await rig.ready()
    async with stream_of_somebody_else(gateway) as other, Rig(gateway, wait=False, takeover=False) as rig:
        await until(lambda: rig.channel.state().tries >= 5)
        assert "另一个机器人" in str(rig.channel.state())
        assert not other.done()
        other.cancel()
        await rig.ready()


@contextlib.asynccontextmanager
async def stream_of_somebody_else(gateway: Gateway) -> AsyncIterator[asyncio.Task[None]]:
    link = Link(Endpoint.read(gateway.endpoint), TOKEN)
    arrived = asyncio.Event()

    async def take(_event: bytes) -> None:
        arrived.set()

    await link.call("Start", seconds=10)
    listening = asyncio.create_task(link.listen(b"", take))
    await arrived.wait()
    yield listening
    listening.cancel()
    link.close()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_second_bot_on_the_same_token_is_refused(gateway: Gateway, tmp_path: Path) -> None:
    def channel() -> WechatyChannel:
        rules = WechatySettings(endpoint=gateway.endpoint)
        return WechatyChannel(
            "wx", rules, clock=RealClock(), luck=lambda: 0.5, token=TOKEN, lock_folder=tmp_path / "locks"
        )

    first, second = channel(), channel()
    running = asyncio.create_task(first.run(take_note))
    await until(lambda: first.state().ready)
    with pytest.raises(Refused, match="另一个进程"):
        await second.run(take_note)
    assert second.state().phase == "locked"
    assert first.state().ready
    await first.close()
    await running
    again = asyncio.create_task(second.run(take_note))
    await until(lambda: second.state().ready)
    await second.close()
    await again


async def test_the_gateway_is_found_through_the_directory_and_its_last_place_is_remembered(gateway: Gateway) -> None:
    rules: dict[str, Any] = {"endpoint": "", "discovery": f"127.0.0.1:{gateway.http}", "discovery_tls": False}
    async with Rig(gateway, **rules) as rig:
        await rig.say("找到了")
        await rig.next()
        assert rig.channel._puppet is not None
        rig.channel._puppet.session.settings = rig.channel.settings.model_copy(update={"discovery": "127.0.0.1:9"})
        await gateway.tell("endStreams")
        await until(lambda: rig.channel.state().counts.connects == 2)
        await rig.say("还认得路")
        await rig.next(2)


async def test_a_token_that_the_directory_does_not_know_is_said_without_showing_it(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    rules: dict[str, Any] = {"endpoint": "", "discovery": f"127.0.0.1:{gateway.http}", "discovery_tls": False}
    async with Rig(gateway, wait=False, token="puppet_x_unknown_secret", **rules) as rig:  # noqa: S106
        await until(lambda: rig.channel.state().tries >= 1)
        assert "no gateway is online" in rig.channel.state().reason
        findings = await rig.channel.diagnose()
        assert any("查不到网关" in finding.what for finding in findings)
    assert "unknown_secret" not in caplog.text + repr(rig.states) + "".join(map(str, findings))


async def test_a_directory_that_is_not_there_is_a_state_and_not_an_exception(gateway: Gateway) -> None:
    async with Rig(gateway, wait=False, endpoint="", discovery="127.0.0.1:9", discovery_tls=False) as rig:
        await until(lambda: rig.channel.state().tries >= 2)
        assert rig.channel.state().phase in {"waiting", "searching"}


async def test_a_gateway_with_tls_is_reached_with_its_authority(tmp_path: Path) -> None:
    gateway = Gateway(TLS="1")
    await gateway.start()
    try:
        ca = tmp_path / "ca.pem"
        ca.write_text((await gateway.tell("ca"))["pem"])
        async with Rig(gateway, tls=True, tls_ca=str(ca)) as rig:
            await rig.say("加密")
            await rig.next()
            assert (await rig.channel.send(rig.line("收到"))).state == "sent"
        async with Rig(gateway, wait=False, tls=True) as rig:
            await until(lambda: rig.channel.state().tries >= 1)
            assert "CERTIFICATE_VERIFY_FAILED" in rig.channel.state().reason
    finally:
        await gateway.stop()


async def test_an_engine_that_cannot_remember_ends_the_channel(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        rig.fails = StorageFailure("disk full")
        await rig.say("记不住")
        assert rig.running is not None
        with pytest.raises(StorageFailure):
            await asyncio.wait_for(asyncio.shield(rig.running), 60)
        assert rig.channel.state().phase == "off"


async def test_closing_ends_run_and_frees_the_stream_for_the_next_start(gateway: Gateway) -> None:
    for text in ("一", "二"):
        async with Rig(gateway) as rig:
            await rig.say(text)
            await rig.next()
        with pytest.raises(Retryable):
            await rig.channel.send(rig.line("已关闭"))
    with pytest.raises(LinkFailure):
        await Link(Endpoint("127.0.0.1", 9), TOKEN).call("Version", seconds=2)


async def test_doctor_says_what_is_fine_and_what_to_do_next(gateway: Gateway) -> None:
    async with Rig(gateway) as rig:
        found = {finding.what: finding.level for finding in await rig.channel.diagnose()}
        assert found[f"网关 {gateway.endpoint} 有回应，token 有效"] == "ok"
        assert any("在线" in what and level == "ok" for what, level in found.items())
        assert rig.channel.state().ready
    nobody = WechatyChannel("wx", WechatySettings(), clock=RealClock(), luck=lambda: 0.5, token="")
    first = (await nobody.diagnose())[0]
    assert first.level == "error"
    assert "YUANZI_WECHATY_TOKEN" in first.what
    with pytest.raises(Refused, match="YUANZI_WECHATY_TOKEN"):
        await nobody.run(take_note)


async def test_it_prints_nothing_writes_nothing_where_it_runs_and_opens_no_port(
    gateway: Gateway, tmp_path: Path
) -> None:
    script = textwrap.dedent("""
        import asyncio, os, sys
        sys.path.insert(0, sys.argv[1])
        from bot.channels.wechaty import WechatyChannel
        from bot.channels.wechaty_settings import WechatySettings
        from pathlib import Path
        from tests.wechaty_kit import RealClock
        assert not [name for name in sys.modules if name.split(".")[0] in {"wechaty", "grpclib", "quart"}]

        async def main():
            async def hear(event): ...
            rules = WechatySettings(endpoint=sys.argv[2])
            channel = WechatyChannel("wx", rules, clock=RealClock(), luck=lambda: 0.5, token=sys.argv[3],
                                     lock_folder=Path(sys.argv[4]))
            running = asyncio.create_task(channel.run(hear))
            while not channel.state().ready:
                await asyncio.sleep(0.01)
            listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
            ours = {os.readlink(link) for link in links if os.path.lexists(link)}
            assert not [row for row in listening if row[3] == "0A" and f"socket:[{row[9]}]" in ours]
            await channel.close()
            await running

        asyncio.run(main())
    """)
    work, locks = tmp_path / "work", tmp_path / "locks"
    work.mkdir()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-B", "-c", script, str(ROOT), gateway.endpoint, TOKEN, str(locks)],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(work.iterdir()) == []
