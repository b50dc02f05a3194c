"""Ports for tests that go down and come back on the same one."""

import contextlib
import fcntl
import os
import socket
import tempfile
from pathlib import Path

_PORTS = iter(range(12_000, 20_000))
"""Below those that the system gives to outgoing connections."""


def free_port() -> int:
    """A port that nobody listens on, and that stays this process's own while a bot is down: every test process of this
    machine claims its ports in one folder, with locks that end with the process."""
    folder = Path(tempfile.gettempdir()) / f"yuanzi-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in _PORTS:
        claim = os.open(folder / str(port), os.O_CREAT | os.O_RDWR)
        with contextlib.suppress(OSError), socket.socket() as probe:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port  # the claim stays open
        os.close(claim)
    raise OSError("no free port")
