"""What the tests of the joined house share: the whole bot in real time on the fake WeCom, and what both sides know."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.app import App
from bot.channels.wecom.kf import msgid_for
from bot.config import Config, build_config, merged, read_toml, shipped
from bot.segment import SEGMENTER
from bot.wiring import Host, Wiring, build
from bot.world import RealWorld
from storage.database import read_only
from tests.fake_wecom.demo import furnish
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.options import Options
from tests.fake_wecom.sandbox import Sandbox, serve
from tests.gateway_peer import until
from tests.ports import free_port
from tests.quick_process import Forked

ROOT = Path(__file__).resolve().parent.parent
KF, APP, CONTACT, BOT, ROBOT = "kefu", "app", "kehu", "zhinen", "tixing"
"""Names of the channels."""
KFID, GROUP, BOSS, MEI = "wkSandboxKf", "wrSandboxGroup", "zhangsan", "wmSandboxXiaomei"
CORP, AGENT, SECRET = "ww0123456789abcdef", 1000002, "sandbox-secret"
TOKEN, AES_KEY = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
SECRETS = {
    "SANDBOX_SECRET": SECRET,
    "SANDBOX_TOKEN": TOKEN,
    "SANDBOX_AES_KEY": AES_KEY,
    "SANDBOX_BOT_SECRET": "sandbox-bot-secret",
    "SANDBOX_ROBOT_KEY": "00000000-0000-4000-8000-000000000001",
}


def wecom(base: str, ws: str, port: int, *wires: str) -> dict[str, Any]:
    """The `[wecom]` table for the sandbox with these wires."""
    app: dict[str, Any] = {
        "corp_id": CORP,
        "agent_id": AGENT,
        "secret": {"env": "SANDBOX_SECRET"},
        "callback": {"path": "/wecom", "token": {"env": "SANDBOX_TOKEN"}, "aes_key": {"env": "SANDBOX_AES_KEY"}},
    }
    if APP in wires:
        app["message"] = {"name": APP}
    if CONTACT in wires:
        app["contact"] = {"name": CONTACT, "settle": 0.2, "mass_per_day": 3}
    if KF in wires:
        app["kf"] = [{"name": KF, "open_kfid": KFID}]
    found: dict[str, Any] = {
        "api": {"base": base, "deadline": 2.0},
        "callback": {"port": port, "public_url": f"http://127.0.0.1:{port}"},
        "apps": [app],
    }
    if BOT in wires:
        secret = {"env": "SANDBOX_BOT_SECRET"}
        found["aibots"] = [{"name": BOT, "bot_id": "aibSandbox", "bot_name": "元子", "secret": secret, "ws": ws}]
    if ROBOT in wires:
        found["robots"] = [{"name": ROBOT, "group": "staff-room", "key": {"env": "SANDBOX_ROBOT_KEY"}}]
    return found


def settings(db: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The shipped settings without the simulated group, with the owner on the app's messages."""
    own = {
        "storage": {"path": str(db), "synchronous": "full"},
        "staff": [{"id": BOSS, "name": "张三", "role": "owner", "channels": [APP]}]
        if repr(APP) in repr(changes)
        else [],
        "channels": {"pipe": {"on": False}},
    }
    return merged(merged(read_toml(shipped("config.toml")), own), changes)


def as_toml(data: Mapping[str, Any]) -> str:
    """The settings as a file, every table on one line."""

    def write(value: Any) -> str:
        if isinstance(value, Mapping):
            return "{" + ", ".join(f'"{key}" = {write(one)}' for key, one in value.items()) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(map(write, value)) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        return repr(value) if isinstance(value, (int, float)) else f"'{value}'"

    return "".join(f'"{key}" = {write(value)}\n' for key, value in data.items())


@dataclass(slots=True)
class Books:
    """What the database says, read by another connection than the bot's."""

    db: Path

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with contextlib.closing(read_only(self.db)) as conn:
            return [tuple(row) for row in conn.execute(sql, values).fetchall()]

    def said(self, member: str | None = None, *, channel: str = KF) -> list[tuple[str, str]]:
        """(phrase, state) of the lines to a member, in order."""
        return [
            (str(phrase), str(state))
            for phrase, state in self.rows(
                "SELECT phrase, state FROM outbox WHERE channel = ?1 AND (?2 IS NULL OR member_id = ?2) ORDER BY id",
                channel, member,
            )
        ]  # fmt: skip

    def sent(self, phrase: str, **where: Any) -> int:
        """How many lines of a phrase are known as sent."""
        return self.said(**where).count((phrase, "sent"))

    def told(self, phrase: str) -> list[tuple[str, str, str]]:
        """(member, state, text) of lines of a phrase on any channel."""
        return [
            (str(member), str(state), str(text))
            for member, state, text in self.rows(
                "SELECT member_id, state, coalesce(text, '') FROM outbox WHERE phrase = ? ORDER BY id", phrase
            )
        ]

    def unfinished(self) -> int:
        """Lines that still wait or are under way."""
        try:
            return int(self.rows("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")[0][0])
        except sqlite3.OperationalError:
            return -1


@dataclass(slots=True)
class Joined:
    """One running bot with all its wires. `stop` is a tidy end; `start` again is the next life on the same database."""

    config: Config
    db: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(SECRETS))
    patience: float = 0.3
    app: App = field(init=False)
    wiring: Wiring = field(init=False)
    running: asyncio.Task[None] | None = None

    @property
    def books(self) -> Books:
        return Books(self.db)

    async def start(self) -> None:
        SEGMENTER.warm_up()
        world = RealWorld()
        host = Host(world, patience=self.patience)
        self.wiring = build(self.config, host, self.environ)
        self.app = App(self.config, world, self.wiring.channels, db=self.db)
        self.running = asyncio.create_task(self.wiring.serve(self.app))
        server = self.wiring.house.server
        await until(lambda: (server is None or server.running) or self._ended())

    def _ended(self) -> bool:
        assert self.running is not None
        if self.running.done():
            self.running.result()
        return False

    async def stop(self) -> None:
        running, self.running = self.running, None
        if running is None:
            return
        running.cancel()
        results = await asyncio.gather(running, return_exceptions=True)
        self.app.close()
        await self.wiring.close()
        if isinstance(results[0], Exception):
            raise results[0]

    async def quiet(self) -> None:
        """Waits until everything that was heard is answered and every line has ended."""
        await until(lambda: self.books.unfinished() == 0)


@dataclass(slots=True)
class World:
    """A sandbox with the demo corp, and a bot on it."""

    sandbox: Sandbox
    bot: Joined
    port: int

    @property
    def books(self) -> Books:
        return self.bot.books

    async def asks(self, text: str, member: str = MEI) -> None:
        """A customer writes to 微信客服, and everything that follows from it happens."""
        seen = len(self.books.rows("SELECT id FROM interaction WHERE kind = 'message'"))
        self.sandbox.kf.say(KFID, member, text)
        await until(lambda: len(self.books.rows("SELECT id FROM interaction WHERE kind = 'message'")) > seen)
        await self.bot.quiet()

    def heard(self, member: str = MEI) -> list[str]:
        """What a customer of 微信客服 has received."""
        return [str(row.body["content"]) for row in self.sandbox.kf.sent if row.touser == member]

    def agree(self) -> None:
        """What the bot believes to have sent to 微信客服 is what arrived there, each line once."""
        arrived = [row.msgid for row in self.sandbox.kf.sent]
        rows = self.books.rows("SELECT key, state FROM outbox WHERE channel = ?", KF)
        believed = [msgid_for(str(key)) for key, state in rows if state == "sent"]
        assert len(arrived) == len(set(arrived)), "a line arrived twice"
        assert sorted(arrived) == sorted(believed)


def fill(sandbox: Sandbox, port: int) -> None:
    """The demo corp, posting its callbacks to the bot."""
    furnish(sandbox)
    sandbox.corps.set_callback(AGENT, f"http://127.0.0.1:{port}/wecom", TOKEN, AES_KEY)


@asynccontextmanager
async def joined(
    folder: Path, *wires: str, changes: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None,
    before: Any = None, **options: Any,
) -> AsyncIterator[World]:  # fmt: skip
    """`async with joined(tmp_path, KF, APP) as w`. `before(sandbox)` happens before the bot's first start."""
    options = {"group_detail_delay": 0.05, "mass_dispatch_seconds": 0.0} | options
    sandbox = await serve("127.0.0.1", free_port(), luck=Luck(source=os.urandom), options=Options(**options))
    port = free_port()
    fill(sandbox, port)
    if before is not None:
        before(sandbox)
    db = folder / "joined.db"
    data = settings(db, merged({"wecom": wecom(sandbox.url, sandbox.ws_url, port, *wires)}, changes or {}))
    bot = Joined(build_config(data, "config.toml"), db, environ or dict(SECRETS))
    world = World(sandbox, bot, port)
    try:
        await bot.start()
        yield world
    finally:
        await bot.stop()
        await world.sandbox.close()


class Process:
    """`yuanzi run` as a process of its own, which can be killed."""

    def __init__(self, folder: Path, data: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self.config = folder / "config.toml"
        self.config.write_text(as_toml(data), encoding="utf-8")
        self._folder = folder
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SANDBOX_", "YUANZI_"))}
        self.env = {**inherited, **secrets, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(folder)}
        self._process: asyncio.subprocess.Process | None = None
        self.errors = folder / "stderr.txt"

    async def start(self) -> None:
        with self.errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run", "--config", str(self.config),
                cwd=self._folder, env=self.env, stdin=asyncio.subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip

    async def kill(self) -> None:
        """SIGKILL in the middle of whatever it does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; returns its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(how)
        code = await asyncio.wait_for(process.wait(), 60)
        process._transport.close()  # type: ignore[attr-defined]
        return code


async def yuanzi(folder: Path, environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """One command of the command line: its exit code and all it printed."""
    process = Forked(*arguments, cwd=folder, env=environ)
    out, errors = await asyncio.to_thread(process.communicate)
    return process.wait(), (out + errors).decode()
