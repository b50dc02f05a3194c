"""Processes of `yuanzi` that start at once: forked from one that has imported the bot and done nothing else.

Most of the time of a short life goes into imports. A fork of a fresh interpreter is a process like any other: it can be
killed, its pipes close, nothing of the test's own memory is in it. Only the seed of its hashes is its parent's: what
asks for the same bytes from another process starts `python -m bot`.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

from bot.__main__ import main
from bot.app import discover

ROOT = Path(__file__).resolve().parent.parent
_MOST = 1 << 16


class Forked:
    """One process: what `subprocess.Popen` with three pipes offers, as far as tests use it."""

    def __init__(self, *arguments: str | Path, cwd: Path = ROOT, env: Mapping[str, str] = os.environ) -> None:
        (child_in, self_in), (self_out, child_out), (self_err, child_err) = os.pipe(), os.pipe(), os.pipe()
        self.returncode: int | None = None
        self.stdin: IO[bytes] = os.fdopen(self_in, "wb")
        self.stdout: IO[bytes] = os.fdopen(self_out, "rb")
        self.stderr: IO[bytes] = os.fdopen(self_err, "rb")
        theirs = [child_in, child_out, child_err]
        self._parent = _parent()
        self.pid = self._parent.fork({"arguments": [*map(str, arguments)], "cwd": str(cwd), "env": {**env}}, theirs)
        for one in theirs:
            os.close(one)

    def communicate(self, data: bytes = b"") -> tuple[bytes, bytes]:
        """Writes all of the input and ends it, reads all of the output and of the errors, waits for the end."""
        errors: list[bytes] = []
        others = [
            threading.Thread(target=self._write, args=(data,)),
            threading.Thread(target=lambda: errors.append(self.stderr.read())),
        ]
        for one in others:
            one.start()
        out = self.stdout.read()
        for one in others:
            one.join()
        self.__exit__()
        return out, b"".join(errors)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stdin.write(data)
            self.stdin.close()

    def send_signal(self, number: int) -> None:
        """Sends a signal to a process that was not waited for."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """Waits for the end; the exit code, or the signal as a negative number."""
        if self.returncode is None:
            self.returncode = self._parent.wait_for(self.pid)
        return self.returncode

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.wait()


class _Parent:
    """The process that has imported the bot, and the socket over which it is asked for children."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # One thread only, so that a fork takes everything along.
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.quick_process", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        self._ended: dict[int, int] = {}

    def fork(self, wish: Mapping[str, Any], pipes: Sequence[int]) -> int:
        """Starts a child on three pipes; returns its id."""
        socket.send_fds(self._ours, [json.dumps(wish).encode()], pipes)
        while True:
            news = self._news()
            if "started" in news:
                return news["started"]

    def wait_for(self, pid: int) -> int:
        """Waits for the end of a child; its exit code."""
        while pid not in self._ended:
            self._news()
        return self._ended.pop(pid)

    def _news(self) -> dict[str, int]:
        data = self._ours.recv(_MOST)
        assert data, "the parent of all processes is gone"
        news: dict[str, int] = json.loads(data)
        if "ended" in news:
            self._ended[news["ended"]] = news["code"]
        return news

    def close(self) -> None:
        """Ends the process."""
        self._ours.close()
        self._process.wait()


@cache
def _parent() -> _Parent:
    return _Parent()


def close_quick_processes() -> None:
    """Ends what `Forked` started, when anything did."""
    if _parent.cache_info().currsize:
        _parent().close()
        _parent.cache_clear()


def _serve(wire: socket.socket) -> None:
    """Forks for every wish that comes in, and tells when a child has ended, until the other side is gone."""

    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                news = {"ended": found[0], "code": os.waitstatus_to_exitcode(found[1])}
                wire.send(json.dumps(news).encode())

    signal.signal(signal.SIGCHLD, reap)
    while True:
        data, pipes, _, _ = socket.recv_fds(wire, _MOST, 3)
        if not data:
            return
        # The end of a child is told after its start, however short its life.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            wire.close()
            _live(json.loads(data), pipes)
        for one in pipes:
            os.close(one)
        wire.send(json.dumps({"started": pid}).encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def _live(wish: Mapping[str, Any], pipes: Sequence[int]) -> None:
    """The child: `yuanzi` with these arguments on these pipes. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    for number, one in enumerate(pipes):
        os.dup2(one, number)
        os.close(one)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    code = 70
    try:
        code = main(wish["arguments"])
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:  # noqa: BLE001  as the interpreter would
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    discover()
    for name in ("fsck", "pipe"):
        importlib.import_module(f"bot.commands.{name}")
    gc.collect()
    gc.freeze()  # else the collector of every child would touch, and so copy, all of it
    with socket.socket(fileno=int(sys.argv[1])) as one_wire:
        _serve(one_wire)
