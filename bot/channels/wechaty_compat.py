"""python-wechaty made importable and quiet: the only module that imports it, itself imported lazily.

The package is unmaintained since 2022. No set of pins alone makes it import on Python 3.11 and newer, so four things
are mended here, each a no-op where it is not needed; and its habits (a folder in the working directory, handlers on
stderr, a scheduler, a web server) are kept from us.
"""

import asyncio
import importlib
import logging
import os
import shutil
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def _mend_pyee() -> None:
    """pyee 12 moved AsyncIOEventEmitter."""
    import pyee  # noqa: PLC0415
    from pyee.asyncio import AsyncIOEventEmitter  # noqa: PLC0415

    if "AsyncIOEventEmitter" not in vars(pyee):
        vars(pyee)["AsyncIOEventEmitter"] = AsyncIOEventEmitter


def _mend_urllib3() -> None:
    """urllib3 2 dropped get_host."""
    import urllib3  # noqa: PLC0415

    def get_host(url: str) -> tuple[str, str | None, int | None]:
        parsed = urllib3.util.parse_url(url)
        return parsed.scheme or "http", parsed.hostname, parsed.port

    if "get_host" not in vars(urllib3):
        vars(urllib3)["get_host"] = get_host


def _mend_telnetlib() -> None:
    """Python 3.13 dropped telnetlib; wechaty uses it to knock at a port, which we never let it do."""
    if sys.version_info < (3, 13) or "telnetlib" in sys.modules:
        return

    class Telnet:
        def __init__(self, *_: object, **__: object) -> None:
            raise OSError("telnetlib is gone")

    stub = types.ModuleType("telnetlib")
    vars(stub)["Telnet"] = Telnet
    sys.modules["telnetlib"] = stub


def _mend_options() -> None:
    """An unhashable default of a dataclass is refused since Python 3.11."""
    from wechaty_puppet.schemas.puppet import PuppetOptions  # noqa: PLC0415

    PuppetOptions.__hash__ = object.__hash__


@contextmanager
def _elsewhere() -> Iterator[None]:
    """Wechaty makes folders below the working directory and reads its log level while it is imported."""
    folder = tempfile.mkdtemp(prefix="yuanzi-wechaty-")
    wanted = {"CACHE_DIR": folder, "WECHATY_LOG": "error"}
    before = {key: os.environ.get(key) for key in (*wanted, "WECHATY_LOG_FILE")}
    os.environ.update(wanted)
    os.environ.pop("WECHATY_LOG_FILE", None)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        shutil.rmtree(folder, ignore_errors=True)


def _import() -> tuple[Any, Any, Any]:
    known = set(logging.root.manager.loggerDict)
    with _elsewhere(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for mend in (_mend_pyee, _mend_urllib3, _mend_telnetlib, _mend_options):
            mend()
        packages = importlib.import_module("wechaty"), importlib.import_module("wechaty_puppet")
        core = importlib.import_module("wechaty.wechaty")
        importlib.import_module("wechaty_puppet_service")
    for name in set(logging.root.manager.loggerDict) - known:
        logger = logging.getLogger(name)
        for handler in [found for found in logger.handlers if type(found) is logging.StreamHandler]:
            logger.removeHandler(handler)
            logger.propagate = True
            logger.setLevel(logging.ERROR)  # its INFO lines hold message texts and the token
    vars(core)["SingleIdContainer"] = _NeverSeen  # ours is per account and remembers only what was really handled
    return *packages, core


class _NeverSeen:
    @classmethod
    def instance(cls) -> "_NeverSeen":
        return cls()

    def exist(self, _message_id: str) -> bool:
        return False


class NoPlugins:
    """In the place of Wechaty's plug-in manager: no scheduler, no job file, no web server, no knocking at ports."""

    async def start(self) -> None:
        """Nothing to start."""

    async def emit_events(self, *_: object, **__: object) -> None:
        """Nobody to tell."""


def no_scheduler() -> Any:
    """A scheduler that is never started, so that Wechaty does not create one with a job file."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415

    asyncio.get_running_loop()
    return AsyncIOScheduler()


_wechaty, _puppet, _core = _import()

Wechaty: Any = _wechaty.Wechaty
WechatyOptions: Any = _wechaty.WechatyOptions
Puppet: Any = _puppet.Puppet
ContactPayload: Any = _puppet.ContactPayload
FriendshipPayload: Any = _puppet.FriendshipPayload
RoomPayload: Any = _puppet.RoomPayload
MessageType: Any = _puppet.MessageType
