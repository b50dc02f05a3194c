"""Echo speed of the wechaty channel beside the raw gRPC stub and stock python-wechaty, in one run on a local gateway.

Every path runs in a process of its own, the paths take turns, and both stamps of a rate are taken in the gateway. Needs
the repository (the gateway is part of the tests), Node and the extra `wechaty`.
"""

import argparse
import asyncio
import importlib
import importlib.util
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.channels import Heard, Line
from bot.channels.wechaty import WechatyChannel
from bot.channels.wechaty_settings import WechatySettings
from bot.events import Event, MessageReceived

ROOT = Path(__file__).resolve().parent.parent.parent
PATHS = ("raw", "stock", "ours")
SENDERS = [f"78813000000{number:05d}" for number in range(50)]
ROOMS = [f"R:1069{number:04d}" for number in range(5)]
AT_ONCE = 64


class _RealClock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def missing() -> str:
    """Why this cannot be measured here; empty when it can. Installs the gateway where that was not done yet."""
    if not (ROOT / "tests" / "gateway_peer.py").exists():
        return "the gateway is part of the repository, not of the installed package"
    absent = [name for name in ("wechaty", "grpclib") if importlib.util.find_spec(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    try:
        _peer().installed()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"the gateway cannot be installed: {error}"
    return ""


def _peer() -> Any:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module("tests.gateway_peer")


async def _raw(endpoint: str, token: str, ready: Callable[[], None]) -> None:
    """Nothing but the generated stub: what the wire itself costs."""
    importlib.import_module("bot.channels.wechaty_compat")
    stubs = importlib.import_module("wechaty_grpc.wechaty")
    channels = importlib.import_module("grpclib.client")
    host, port = endpoint.split(":")
    channel = channels.Channel(host, int(port))
    channel._authority = token
    stub = stubs.PuppetStub(channel)
    gate = asyncio.Semaphore(AT_ONCE)

    async def echo(message_id: str) -> None:
        async with gate:
            payload = await stub.message_payload(id=message_id)
            await stub.message_send_text(conversation_id=payload.room_id, text=payload.text, mentonal_ids=[])

    tasks = set()
    await stub.start()
    async for event in stub.event():
        if event.type == 25:
            ready()
        if event.type == 2:
            task = asyncio.create_task(echo(json.loads(event.payload)["messageId"]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def _stock(endpoint: str, token: str, ready: Callable[[], None]) -> None:
    """python-wechaty as its documentation shows it, made importable only."""
    compat = importlib.import_module("bot.channels.wechaty_compat")

    class Echo(compat.Wechaty):  # type: ignore[name-defined,misc]
        async def on_login(self, contact: object) -> None:  # noqa: ARG002
            ready()

        async def on_message(self, msg: Any) -> None:
            if msg.payload.from_id != self.puppet.self_id():
                await msg.say(msg.text())

    await Echo(compat.WechatyOptions(token=token, endpoint=endpoint, port=0, scheduler=compat.no_scheduler())).start()


async def _ours(endpoint: str, token: str, ready: Callable[[], None]) -> None:
    """The channel as the engine uses it, with an engine that answers at once."""
    settings = WechatySettings(endpoint=endpoint, day_budget=0)
    gate = asyncio.Semaphore(AT_ONCE)
    tasks = set()

    async def echo(event: MessageReceived) -> None:
        async with gate:
            line = Line(0, event.id, "bench", event.group, event.member, event.text, "", event.id, "", "reply")
            await channel.send(line)

    async def hear(event: Event) -> Heard:
        if isinstance(event, MessageReceived):
            task = asyncio.create_task(echo(event))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return Heard(event.id)

    channel = WechatyChannel(
        "bench",
        settings,
        clock=_RealClock(),
        luck=random.Random(1).random,  # noqa: S311
        token=token,
        changed=lambda state: ready() if state.ready else None,
        lock_folder=Path(tempfile.mkdtemp()),
    )
    await channel.run(hear)


def _client(path: str, endpoint: str, token: str) -> None:
    """The measured process: prints "ready" once, and its CPU seconds and peak memory when its input ends."""
    announced = False

    def ready() -> None:
        nonlocal announced
        if not announced:
            announced = True
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    async def run() -> None:
        echo: Callable[[str, str, Callable[[], None]], Awaitable[None]] = {"raw": _raw, "stock": _stock, "ours": _ours}[
            path
        ]
        task = asyncio.ensure_future(echo(endpoint, token, ready))
        while command := await asyncio.to_thread(sys.stdin.readline):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            figures = {
                "cpu": usage.ru_utime + usage.ru_stime,
                "rss_mb": usage.ru_maxrss / 1024,
                "asked": command.strip(),
            }
            sys.stdout.write(json.dumps(figures) + "\n")
            sys.stdout.flush()
        task.cancel()

    asyncio.run(run())


async def _measure(peer: Any, path: str, messages: int) -> dict[str, float]:
    gateway = peer.Gateway()
    await gateway.start()
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "CACHE_DIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.bench.wechaty", "--client", path, "--endpoint", gateway.endpoint,
            cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert client.stdin is not None
        assert client.stdout is not None

        async def usage() -> dict[str, float]:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(b"usage\n")
            while not (line := await client.stdout.readline()).startswith(b"{"):
                if not line:
                    raise RuntimeError(f"the {path} client ended")
            found: dict[str, float] = json.loads(line)
            return found

        try:
            await asyncio.wait_for(client.stdout.readline(), 30)
            await gateway.tell("contact", [{"id": sender, "name": f"member {sender[-3:]}"} for sender in SENDERS])
            await gateway.tell("room", [{"id": room, "topic": room, "memberIdList": SENDERS} for room in ROOMS])
            warm = len(SENDERS) * 2
            await gateway.tell("flood", count=warm, senders=SENDERS, rooms=ROOMS, prefix="w")
            await gateway.tell("wait", count=warm)
            before = await usage()
            await gateway.tell("forget")
            await gateway.tell("flood", count=messages, senders=SENDERS, rooms=ROOMS)
            await gateway.tell("wait", count=messages, seconds=120)
            after = await usage()
            marks, calls, sent = await gateway.tell("marks"), await gateway.tell("calls"), await gateway.sent()
        finally:
            client.kill()
            await client.wait()
            await gateway.stop()
    numbers: dict[str, list[int]] = {}
    for row in sent:
        numbers.setdefault(row["to"], []).append(int(row["text"][1:]))
    inversions = sum(one > two for row in numbers.values() for one, two in itertools.pairwise(row))
    return {
        "messages_per_second": marks["sent"] / (marks["lastSent"] - marks["firstSaid"]) * 1000,
        "lost": messages - marks["sent"],
        "grpc_calls_per_message": sum(calls.values()) / messages,
        "cpu_ms_per_message": (after["cpu"] - before["cpu"]) / messages * 1000,
        "inversions": inversions,
        "rss_mb": after["rss_mb"],
    }


async def echo(messages: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    """All paths in turns: what each round of each path measured."""
    peer = _peer()
    runs: dict[str, list[dict[str, float]]] = {path: [] for path in PATHS}
    for _ in range(rounds):
        for path in PATHS:
            runs[path].append(await _measure(peer, path, messages))
    return runs


def main() -> None:
    """The measured process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", choices=PATHS, required=True)
    parser.add_argument("--endpoint", required=True)
    asked = parser.parse_args()
    _client(asked.client, asked.endpoint, "puppet_workpro_local")


if __name__ == "__main__":
    main()
