"""One gRPC connection to a Wechaty gateway, with a deadline on every call; and how to find the gateway."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
from grpclib.client import Channel, Handler
from grpclib.config import Configuration
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from grpclib.protocol import H2Protocol

from bot.channels.wechaty_failures import Late, LinkLost, Turned
from bot.channels.wechaty_wire import WireError, chunk, parse, string, write_id

for _wordy in ("hpack", "h2"):  # at DEBUG they write every header, and the token is one
    logging.getLogger(_wordy).setLevel(logging.WARNING)

T = TypeVar("T")

SERVICE: Final = "/wechaty.Puppet/"
PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def read(cls, address: str) -> "Endpoint":
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(address)
        return cls(host.strip("[]"), int(port))


async def discover(authority: str, token: str, *, tls: bool, seconds: float) -> Endpoint:
    """Asks the directory where the gateway of this token is. The token is part of the address: no error may show it."""
    url = f"{'https' if tls else 'http'}://{authority}/v0/hosties/{token}"
    try:
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session, session.get(url) as response:
            status = response.status
            found: Any = await response.json(content_type=None) if status == 200 else None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise LinkLost(f"{authority}: {type(error).__name__}") from None
    if status != 200 or not isinstance(found, dict):
        raise LinkLost(f"{authority}: HTTP {status}")
    host, port = str(found.get("ip") or found.get("host") or ""), found.get("port")
    if host in {"", "0.0.0.0"} or not isinstance(port, int) or port <= 0:  # noqa: S104
        raise LinkLost(f"{authority}: no gateway is online for this token")
    return Endpoint(host, port)


class _Raw(bytes):
    """Bytes that grpclib takes for a message of its own kind."""

    __slots__ = ()

    def SerializeToString(self) -> bytes:  # noqa: N802
        return self

    @classmethod
    def FromString(cls, data: bytes) -> "_Raw":  # noqa: N802
        return cls(data)


class _Gathering:
    """A transport that writes once per turn of the loop: grpclib writes every frame by itself, three a call."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def _flush(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Protocol(H2Protocol):  # type: ignore[misc]  # grpclib counts as untyped here
    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Gathering(transport))


class _Channel(Channel):  # type: ignore[misc]
    def _protocol_factory(self) -> _Protocol:
        return _Protocol(Handler(), self._config, self._h2_config)


def tls_context(ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(Path(ca)) if ca else None)
    context.set_alpn_protocols(["h2"])
    return context


class Link:
    """One connection. Lost once, it stays lost: whoever needs another makes another."""

    def __init__(
        self, endpoint: Endpoint, token: str, *, tls: ssl.SSLContext | None = None, tls_name: str = ""
    ) -> None:
        config = Configuration(ssl_target_name_override=tls_name or None) if tls else None
        self._channel = _Channel(endpoint.host, endpoint.port, ssl=tls, config=config)
        # Without TLS the gateway reads the token from :authority, with TLS from the header.
        self._channel._authority = tls_name or endpoint.host if tls else token
        self._metadata = {"authorization": f"Wechaty {token}"} if tls else None
        self.calls: Counter[str] = Counter()

    def close(self) -> None:
        self._channel.close()

    @asynccontextmanager
    async def _open(self, method: str, kind: Cardinality) -> AsyncIterator[Any]:
        self.calls[method] += 1
        reached = False
        try:
            async with self._channel.request(SERVICE + method, kind, _Raw, _Raw, metadata=self._metadata) as stream:
                await stream.send_request()
                reached = True
                yield stream
        except GRPCError as error:
            status = error.status.name if isinstance(error.status, Status) else str(error.status)
            raise Turned(status, str(error.message or "")[:300]) from None
        except (StreamTerminatedError, ProtocolError, OSError, AttributeError) as error:
            # AttributeError: grpclib's own, where the connection goes away while a stream is being opened
            if isinstance(error, TimeoutError):
                raise
            raise LinkLost(f"{type(error).__name__}: {error}"[:200], reached=reached) from None

    async def call(self, method: str, request: bytes = b"", *, seconds: float) -> bytes:
        """One question, one answer."""
        started = False

        async def ask() -> Any:
            nonlocal started
            async with self._open(method, Cardinality.UNARY_UNARY) as stream:
                started = True
                await stream.send_message(_Raw(request), end=True)
                return await stream.recv_message()

        try:
            reply = await _alone(ask(), seconds)
        except TimeoutError:
            if not started:
                raise LinkLost(f"{method}: no connection within {seconds:g} s") from None
            raise Late(f"{method}: no answer within {seconds:g} s") from None
        if reply is None:
            raise LinkLost(f"{method}: empty answer", reached=True)
        return bytes(reply)

    async def listen(self, request: bytes, take: Callable[[bytes], Awaitable[None]]) -> None:
        """Hands over every event until the gateway ends the stream. While `take` waits, nothing more is read."""

        async def read() -> None:
            async with self._open("Event", Cardinality.UNARY_STREAM) as stream:
                await stream.send_message(_Raw(request), end=True)
                while (event := await stream.recv_message()) is not None:
                    await take(event)

        await _alone(read(), None)

    async def upload(self, data: bytes, *, seconds: float) -> str:
        """Leaves a file at the gateway and returns the UUID it goes by there."""

        async def write() -> Any:
            async with self._open("Upload", Cardinality.STREAM_UNARY) as stream:
                for start in range(0, len(data), PIECE):
                    await stream.send_message(_Raw(chunk(1, data[start : start + PIECE])))
                await stream.end()
                return await stream.recv_message()

        try:
            reply = await _alone(write(), seconds)
        except TimeoutError:
            raise Late(f"Upload: not done within {seconds:g} s") from None
        return string(parse(reply or b""), 1)

    async def download(self, uuid: str, *, seconds: float, most: int) -> bytes:
        """Fetches a file by its UUID, but never more than `most` bytes."""
        data = bytearray()

        async def read() -> None:
            async with self._open("Download", Cardinality.UNARY_STREAM) as stream:
                await stream.send_message(_Raw(write_id(uuid)), end=True)
                while (piece := await stream.recv_message()) is not None:
                    for part in parse(piece).get(1, ()):
                        data.extend(part)
                    if len(data) > most:
                        raise WireError(f"larger than {most} bytes")

        try:
            await _alone(read(), seconds)
        except TimeoutError:
            raise Late(f"Download: not done within {seconds:g} s") from None
        return bytes(data)


async def _alone(work: Coroutine[Any, Any, T], seconds: float | None) -> T:
    """Runs it in a task of its own: grpclib wakes its tasks by cancelling, and takes our cancelling for its own."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
        if task.cancelled():
            raise LinkLost("cancelled", reached=True)
        return task.result()
    finally:
        if task.done():
            _hush(task)
        else:
            task.cancel()
            task.add_done_callback(_hush)


def _hush(task: asyncio.Task[Any]) -> None:
    """Its failure was expected: nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
