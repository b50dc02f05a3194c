"""The client of one app: one token for all, fetched by one; errors sorted by the table; never a secret in a message."""

import asyncio
import logging
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from pydantic import SecretStr

from bot.channels.wecom.errcodes import ApiRefused, ApiRetryable, Uncertain, describe, lookup
from bot.channels.wecom.http import Body, Http, code_of
from bot.channels.wecom.ports import Clock, Luck
from bot.channels.wecom.settings import ApiSettings
from bot.errors import Refused

log = logging.getLogger("yuanzi.wecom")
T = TypeVar("T")

MEDIA_BYTES = {"image": 10_485_760, "voice": 2_097_152, "video": 10_485_760, "file": 20_971_520}
"""media/upload, page 96484 of 2024-07-22; every file has more than 5 bytes."""


class Tokens:
    """The access token of one (corp, secret): whoever finds it missing fetches it, the others wait for that one."""

    def __init__(self, http: Http, settings: ApiSettings, corp_id: str, secret: SecretStr, clock: Clock) -> None:
        self._http = http
        self._settings = settings
        self._corp_id = corp_id
        self._secret = secret
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: SecretStr | None = None
        self._until = 0.0
        self._held: ApiRefused | None = None
        self._held_until = 0.0

    async def get(self) -> SecretStr:
        async with self._lock:
            now = self._clock.now().timestamp()
            if self._token is not None and now < self._until:
                return self._token
            if self._held is not None and now < self._held_until:
                raise ApiRefused(str(self._held), self._held.code, self._held.caller)
            return await self._fetch()

    def drop(self, token: SecretStr) -> None:
        """Forgets `token`, unless a newer one has taken its place."""
        if self._token is not None and self._token.get_secret_value() == token.get_secret_value():
            self._token = None

    async def _fetch(self) -> SecretStr:
        params = {"corpid": self._corp_id, "corpsecret": self._secret.get_secret_value()}
        answer = await self._http.ask("/cgi-bin/gettoken", params=params, hide=[self._secret])
        code, token = code_of(answer), answer.get("access_token")
        if code != 0:
            error = describe(code, str(answer.get("errmsg", "")), "gettoken")
            if isinstance(error, ApiRefused):
                self._held = error
                self._held_until = self._clock.now().timestamp() + self._settings.token_error_hold
            raise error
        if not isinstance(token, str) or not token:
            raise ApiRetryable("gettoken: no token in the answer", 5.0)
        lifetime = answer.get("expires_in", 7200)
        lifetime = float(lifetime) if isinstance(lifetime, (int, float)) else 7200.0
        margin = min(self._settings.token_margin, lifetime / 2)
        self._held = None
        self._token = SecretStr(token)
        self._until = self._clock.now().timestamp() + lifetime - margin
        return self._token


class Api:
    """Calls the platform as one app. Raises Retryable, Refused, or Uncertain when nobody knows whether it was done."""

    def __init__(
        self,
        settings: ApiSettings,
        *,
        corp_id: str,
        secret: SecretStr,
        session: aiohttp.ClientSession,
        clock: Clock,
        luck: Luck,
    ) -> None:
        self.corp_id = corp_id
        self._settings = settings
        self._secret = secret
        self._http = Http(session, settings)
        self._tokens = Tokens(self._http, settings, corp_id, secret, clock)
        self._clock = clock
        self._luck = luck
        self._room = asyncio.Semaphore(settings.in_flight)

    async def token_works(self) -> None:
        """Fetches a token if there is none; raises what stands in the way."""
        await self._repeat(self._tokens.get)

    async def call(
        self, path: str, body: Body = None, *, params: Mapping[str, str] | None = None, again: bool = False
    ) -> dict[str, Any]:
        """`path` under /cgi-bin/. `again`: doing it twice does no harm, so a lost answer is retried."""
        tries, renewed = 0, False
        while True:
            answer = await self._once(path, body, params or {}, again=again)
            code = code_of(answer)
            if code == 0:
                return answer
            action = lookup(code).action
            log.debug("wecom %s: errcode %d", path, code)
            if action == "refresh" and not renewed:
                renewed = True
                continue
            if action in {"busy", "crowded"} and tries < self._settings.tries:
                tries += 1
                await self._wait(tries)
                continue
            raise describe(code, str(answer.get("errmsg", "")), path)

    async def upload(self, kind: str, file: str) -> str:
        """Uploads a file for three days; answers its media_id."""
        data = await asyncio.to_thread(read_file, file, MEDIA_BYTES.get(kind, 0))
        mime = mimetypes.guess_type(file)[0] or "application/octet-stream"

        def form() -> aiohttp.FormData:
            made = aiohttp.FormData()
            made.add_field("media", data, filename=Path(file).name, content_type=mime)
            return made

        answer = await self.call("media/upload", form, params={"type": kind}, again=True)
        return str(answer.get("media_id", ""))

    async def _once(self, path: str, body: Body, params: Mapping[str, str], *, again: bool) -> dict[str, Any]:
        async def exchange() -> dict[str, Any]:
            token = await self._repeat(self._tokens.get)
            query = {**params, "access_token": token.get_secret_value()}
            async with self._room:
                answer = await self._http.ask(f"/cgi-bin/{path}", body, params=query, hide=[self._secret, token])
            if lookup(code_of(answer)).action == "refresh":
                self._tokens.drop(token)
            return answer

        return await (self._repeat(exchange) if again else exchange())

    async def _repeat(self, ask: Callable[[], Awaitable[T]]) -> T:
        """For what may be done twice: a lost connection or answer is tried again, then said to be retryable."""
        for tries in range(1, self._settings.tries + 1):
            try:
                return await ask()
            except (ApiRetryable, Uncertain) as error:
                code = getattr(error, "code", 0)
                if code and lookup(code).action not in {"busy", "crowded"}:
                    raise
                last = ApiRetryable(str(error), 10.0, code, tried=getattr(error, "tried", True))
            if tries < self._settings.tries:
                await self._wait(tries)
        raise last

    async def _wait(self, tries: int) -> None:
        await self._clock.sleep(min(8.0, 0.5 * 2**tries) * (0.5 + self._luck.random()))


def read_file(file: str, limit: int) -> bytes:
    """A file on its way out, refused when it is too big, empty or not there."""
    path = Path(file)
    if not path.is_file():
        raise Refused(f"no such file: {path.name}")
    size = path.stat().st_size
    if not 5 < size <= limit:
        raise Refused(f"{path.name}: {size} bytes, allowed are 6 to {limit}")
    return path.read_bytes()
