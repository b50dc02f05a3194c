"""One HTTP exchange with the platform: deadline, bounded answer, and no word about addresses that carry secrets."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
from pydantic import SecretStr

from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.errcodes import MINUTE, ApiRefused, ApiRetryable, Uncertain
from bot.channels.wecom.payload import parse_json
from bot.channels.wecom.settings import ApiSettings

MAX_ANSWER = 16 * 1024 * 1024
Body = Mapping[str, Any] | Callable[[], aiohttp.FormData] | None
UNREACHED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class Http:
    """Asks and hands back the JSON object. What went wrong decides whether it may be asked again:

    ApiRetryable: it never left. Uncertain: it left, no answer. ApiRefused: answered, but not by the platform's rules.
    """

    def __init__(self, session: aiohttp.ClientSession, settings: ApiSettings) -> None:
        self._session = session
        self._base = settings.base
        self._timeout = aiohttp.ClientTimeout(total=settings.deadline, sock_connect=settings.deadline / 2)
        self._upload = aiohttp.ClientTimeout(total=settings.upload_deadline, sock_connect=settings.deadline / 2)

    async def ask(
        self,
        path: str,
        body: Body = None,
        *,
        params: Mapping[str, str] | None = None,
        hide: Sequence[SecretStr] = (),
        address: str = "",
    ) -> dict[str, Any]:
        """GET without body, POST with one. `address` replaces base and path; `path` still names it in messages."""
        failure: Exception
        try:
            status, raw = await self._exchange(address or self._base + path, body, params)
        except UNREACHED as error:
            failure = ApiRetryable(f"{path}: not reached ({type(error).__name__})", 5.0, tried=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = Uncertain(f"{path}: no answer ({type(error).__name__})")
        else:
            return self._read(path, status, raw, hide)
        raise failure  # outside the handler: what aiohttp raised knows the whole address

    async def _exchange(self, url: str, body: Body, params: Mapping[str, str] | None) -> tuple[int, bytes]:
        options: dict[str, Any] = {"params": params, "timeout": self._timeout, "allow_redirects": False}
        if callable(body):
            options |= {"data": body(), "timeout": self._upload}
        elif body is not None:
            options["json"] = body
        async with self._session.request("GET" if body is None else "POST", url, **options) as response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                raw += chunk
                if len(raw) > MAX_ANSWER:
                    raise aiohttp.ClientPayloadError("too large")
            return response.status, bytes(raw)

    @staticmethod
    def _read(path: str, status: int, raw: bytes, hide: Sequence[SecretStr]) -> dict[str, Any]:
        if status == 429:
            raise ApiRetryable(f"{path}: HTTP 429", MINUTE)
        if status >= 500:
            raise Uncertain(f"{path}: HTTP {status}")
        if status != 200:
            raise ApiRefused(f"{path}: HTTP {status}")
        answer: dict[str, Any] | None = None
        with contextlib.suppress(Garbled):
            answer = parse_json(raw, trusted=True)
        if answer is None:
            raise Uncertain(f"{path}: the answer is not JSON")
        if "errmsg" in answer:
            answer["errmsg"] = scrub(str(answer["errmsg"]), hide)
        return answer


def scrub(text: str, hide: Sequence[SecretStr]) -> str:
    """Takes our own secrets out of what a server says."""
    for secret in hide:
        if secret.get_secret_value():
            text = text.replace(secret.get_secret_value(), "***")
    return text


def code_of(answer: Mapping[str, Any]) -> int:
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else -2
