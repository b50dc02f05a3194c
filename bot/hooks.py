"""The HTTP door for orders: `POST /hooks/orders`, signed, each order once, nothing taken that cannot be proven."""

import hashlib
import hmac
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from bot.app import App
from bot.buying import Order, Taken, read_order, take_orders
from bot.config import Config
from bot.context import zone_of
from bot.errors import ConfigError, Problem
from bot.settings.orders import HookSettings
from bot.world import World, to_ms

log = logging.getLogger("yuanzi.hooks")
BODY = 256 * 1024
"""Bytes of a request at most."""
ORDERS = 500
"""Orders of a request at most."""
SHORTEST_SECRET = 16
Take = Callable[[list[Order]], Awaitable[Taken]]


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of `X-Yuanzi-Signature`: HMAC-SHA256 over `timestamp.body`, in hexadecimal."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def secret_of(config: Config, environ: Mapping[str, str] = os.environ) -> bytes:
    """The secret of the door. Raises ConfigError when there is none, or one that can be guessed."""
    rules = config.settings.hooks
    secret = environ.get(rules.secret_env, "")
    if len(secret) < SHORTEST_SECRET:
        what = "没有设" if not secret else f"太短，至少 {SHORTEST_SECRET} 个字"
        raise ConfigError([Problem(config.file, "hooks.secret_env", f"环境变量 {rules.secret_env} {what}",
                                   "开了 hooks.port 就要有签名密钥，比如 openssl rand -hex 32")])  # fmt: skip
    return secret.encode()


class Door:
    """The server. `take` records proven orders and returns once they are durable."""

    def __init__(self, rules: HookSettings, secret: bytes, zone: ZoneInfo, world: World, take: Take) -> None:
        self._rules = rules
        self._secret = secret
        self._zone = zone
        self._world = world
        self._take = take
        self._runner: web.AppRunner | None = None
        self.port = rules.port

    async def open(self) -> None:
        """Starts to listen. Raises OSError when the port is taken."""
        app = web.Application(client_max_size=BODY)
        app.router.add_post("/hooks/orders", self._orders)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._rules.host, self._rules.port)
        await site.start()
        sockets = getattr(site._server, "sockets", ())
        self.port = sockets[0].getsockname()[1] if sockets else self._rules.port

    async def close(self) -> None:
        """Lets requests under way finish and stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _orders(self, request: web.Request) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _answer(413, error=f"太大了，最多 {BODY} 字节")
        if why := self._forged(request, body):
            log.warning("orders refused from %s: %s", request.remote, why)
            return _answer(401, error="签名不对或过期")
        try:
            orders = parse(body, self._zone)
        except ValueError as error:
            return _answer(400, error=str(error))
        taken = await self._take(orders)
        counts = {"fresh": taken.fresh, "known": taken.known, "refunded": taken.refunded, "unmapped": taken.unmapped}
        return _answer(409 if taken.clashes else 200, **counts, clashes=taken.clashes or [])

    def _forged(self, request: web.Request, body: bytes) -> str:
        """Why a request is not believed; empty when it is."""
        stamp, given = request.headers.get("X-Yuanzi-Timestamp", ""), request.headers.get("X-Yuanzi-Signature", "")
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            return "no timestamp"
        if abs(int(stamp) - to_ms(self._world.now()) // 1000) > self._rules.window:
            return "timestamp outside the window"
        expected = signature(self._secret, stamp, body)
        return "" if hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")) else "wrong signature"


def parse(body: bytes, zone: ZoneInfo) -> list[Order]:
    """The orders of a body: one object, or `{"orders": [...]}`. Raises ValueError naming the order that is wrong."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("不是 JSON") from None
    rows = data.get("orders") if isinstance(data, dict) and "orders" in data else [data]
    if not isinstance(rows, list) or not rows or len(rows) > ORDERS:
        raise ValueError(f"orders 要有 1 到 {ORDERS} 单")
    found: list[Order] = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ValueError(f"第 {number} 单不是对象")  # noqa: TRY004  one kind of mistake for the caller
        unknown = sorted(set(row) - {"id", "buyer", "at", "amount", "items", "state"})
        if unknown:
            raise ValueError(f"第 {number} 单：没有 {unknown[0][:40]} 这一项，可写 id buyer at amount items state")
        try:
            found.append(read_order(_cells(row), zone))
        except ValueError as error:
            raise ValueError(f"第 {number} 单：{error}") from None
    if len({one.order_id for one in found}) < len(found):
        raise ValueError("同一个订单号写了两次")
    return found


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    items = row.get("items", "")
    text = "、".join(map(str, items)) if isinstance(items, list) else str(items)
    names = {"order": "id", "buyer": "buyer", "at": "at", "amount": "amount", "state": "state"}
    cells = {field: str(row.get(name, "")) for field, name in names.items() if not isinstance(row.get(name), bool)}
    return {**cells, "items": text}


def _answer(status: int, **data: object) -> web.Response:
    return web.json_response(data, status=status, dumps=lambda one: json.dumps(one, ensure_ascii=False))


def door_of(app: App, environ: Mapping[str, str] = os.environ) -> Door | None:
    """The door of a running bot, closed as yet; None when the settings want none. Raises ConfigError."""
    rules = app.config.settings.hooks
    if not rules.port:
        return None

    async def take(orders: list[Order]) -> Taken:
        result: list[Taken] = []

        def work() -> None:
            now = app.world.now()
            book = app.desk.content.tags
            result.append(take_orders(app.store, app.config, book, orders, source="hook", now=now))
            app.store.agenda.wake_at("orders", "", to_ms(now), {})
            app.engine.refresh_soon()  # what follows is said with this very transaction

        await app.errand(work)
        return result[0]

    return Door(rules, secret_of(app.config, environ), zone_of(app.config.group(None)), app.world, take)
