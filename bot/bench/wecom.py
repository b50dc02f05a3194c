"""Callbacks of WeCom per second: verified, decrypted, stored, answered; beside an aiohttp handler of the crypto alone.

Both are posted to by the same client, which is a process of its own."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from bot.app import App
from bot.bench.run import Run
from bot.channels.wecom.crypto import Envelope
from bot.channels.wecom.inbox import Inbox
from bot.config import ROOT, Config, build_config, merged, read_toml, shipped
from bot.wiring import Host, build
from bot.world import RealWorld

CORP, TOKEN, AES_KEY = "ww0123456789abcdef", "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
PATH, IN_FLIGHT, PATIENCE = "/wecom", 64, 120.0
SECRETS = {"BENCH_SECRET": "nobody-is-asked", "BENCH_TOKEN": TOKEN, "BENCH_KEY": AES_KEY}


def _envelope() -> Envelope:
    return Envelope(SecretStr(TOKEN), SecretStr(AES_KEY), CORP)


def _config(db: Path, count: int) -> Config:
    callback = {"path": PATH, "token": {"env": "BENCH_TOKEN"}, "aes_key": {"env": "BENCH_KEY"}, "waiting": count}
    app = {"corp_id": CORP, "agent_id": 1, "secret": {"env": "BENCH_SECRET"}, "message": {"name": "app"}}
    wecom = {"callback": {"port": 0, "at_once": 1_000}, "apps": [{**app, "callback": callback}]}
    own = {
        "wecom": wecom, "channels": {"pipe": {"on": False}}, "staff": [],
        "storage": {"path": str(db), "synchronous": "full"},
    }  # fmt: skip
    return build_config(merged(read_toml(shipped("config.toml")), own), "bench")


@asynccontextmanager
async def _ours(db: Path, count: int) -> AsyncIterator[tuple[int, Inbox]]:
    """The whole bot. Pictures are posted: they are stored and heard, and nothing is said to them."""
    config, world = _config(db, count), RealWorld()
    wiring = build(config, Host(world), SECRETS)
    app = App(config, world, wiring.channels, db=db)
    server = wiring.house.server
    assert server is not None
    running = asyncio.create_task(wiring.serve(app))
    try:
        while not server.port and not running.done():  # noqa: ASYNC110  a server says nothing when it is up
            await asyncio.sleep(0.01)
        yield server.port, server.inboxes()[0]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        app.close()
        await wiring.close()


@asynccontextmanager
async def _bare() -> AsyncIterator[int]:
    """What the crypto and aiohttp cost: nothing is checked besides the signature, nothing is kept."""
    envelope = _envelope()

    async def serve(request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        encrypt = body.partition("<![CDATA[")[2].partition("]]>")[0]
        query = request.query
        envelope.verify(query["msg_signature"], query["timestamp"], query["nonce"], encrypt)
        envelope.open(encrypt)
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _posted(port: int, count: int) -> Run:
    """Lets the client post so many callbacks."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.bench.wecom", str(port), str(count),
        env={**os.environ, "PYTHONPATH": str(ROOT.parent)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    found: dict[str, Any] = json.loads(out)
    if found["refused"]:
        raise RuntimeError(f"{found['refused']} callbacks were refused")
    return Run(count, found["seconds"], found["waits"])


async def callbacks(folder: Path, count: int, rounds: int) -> dict[str, list[Run]]:
    """Both in turns. `worked off`: the same callbacks until the engine has heard the last of them."""
    runs: dict[str, list[Run]] = {"ours": [], "worked off": [], "bare": []}
    for number in range(rounds):
        async with _ours(folder / f"callbacks{number}.db", count) as (port, inbox):
            run = await _posted(port, count)
            runs["ours"].append(run)
            began = perf_counter()
            while len(inbox):  # noqa: ASYNC110  an inbox says nothing when it is empty
                await asyncio.sleep(0.01)
            runs["worked off"].append(Run(count, run.seconds + perf_counter() - began, run.waits))
        async with _bare() as port:
            runs["bare"].append(await _posted(port, count))
    return runs


async def _client(port: int, count: int) -> dict[str, Any]:
    envelope, stamp = _envelope(), str(int(RealWorld().now().timestamp()))
    posts = []
    for number in range(count):
        inner = (
            f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>member{number % 500}</FromUserName>"
            f"<CreateTime>{stamp}</CreateTime><MsgType>image</MsgType><PicUrl>http://x/{number}</PicUrl>"
            f"<MediaId>media{number}</MediaId><MsgId>{number + 1}</MsgId><AgentID>1</AgentID></xml>"
        )
        encrypt = envelope.seal(inner.encode())
        query = {"timestamp": stamp, "nonce": str(number)}
        query["msg_signature"] = envelope.sign(stamp, str(number), encrypt)
        outer = (
            f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt><AgentID>1</AgentID></xml>"
        )
        posts.append((query, outer.encode()))
    waits: list[float] = []
    refused = 0
    left = iter(posts)
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post_on() -> None:
            nonlocal refused
            for query, body in left:
                began = perf_counter()
                headers = {"Content-Type": "text/xml"}
                url = f"http://127.0.0.1:{port}{PATH}"
                async with session.post(url, params=query, data=body, headers=headers) as answer:
                    refused += answer.status != 200
                waits.append(perf_counter() - began)

        start = perf_counter()
        await asyncio.gather(*(post_on() for _ in range(IN_FLIGHT)))
        return {"seconds": perf_counter() - start, "waits": waits, "refused": refused}


def main() -> None:
    """The client."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    args = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(_client(args.port, args.count))))


if __name__ == "__main__":
    main()
