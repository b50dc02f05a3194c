"""The whole fake WeCom: builds its parts, serves them on one port, and hands out the control object."""

import dataclasses
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.fake_wecom.app_messages import AppMessages
from tests.fake_wecom.appchats import AppChats
from tests.fake_wecom.bot_media import BotUploads
from tests.fake_wecom.bot_socket import BotSocket
from tests.fake_wecom.bot_url import BotUrl
from tests.fake_wecom.bots import Bots
from tests.fake_wecom.clock import Clock, as_clock, flowing
from tests.fake_wecom.control import Control
from tests.fake_wecom.customers import Customers
from tests.fake_wecom.door import Door
from tests.fake_wecom.errors import Json
from tests.fake_wecom.faults import Faults
from tests.fake_wecom.ground import Ground
from tests.fake_wecom.groups import Groups
from tests.fake_wecom.kf import Kf
from tests.fake_wecom.kf_sends import KfSends
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.mass import Masses
from tests.fake_wecom.media import Media
from tests.fake_wecom.options import Options
from tests.fake_wecom.pusher import Pusher
from tests.fake_wecom.records import Logged
from tests.fake_wecom.tags import Tags
from tests.fake_wecom.webhook import Webhooks
from tests.fake_wecom.welcome import Welcome
from tests.fake_wecom.wire import Wire

BODY_MOST = 32 * 1024 * 1024


class Sandbox:
    """Each attribute is one area of WeCom; their public methods are what people and consoles do."""

    def __init__(self, clock: Clock, luck: Luck, options: Options) -> None:
        ground = self._ground = Ground(clock, luck, options)
        self.corps = Door(ground)
        self.pusher = Pusher(ground)
        self.media = Media(ground)
        self.welcome = Welcome(ground, self.media)
        self.customers = Customers(ground, self.pusher, self.welcome)
        self.tags = Tags(ground, self.pusher)
        self.groups = Groups(ground, self.pusher)
        self.mass = Masses(ground, self.media)
        self.kf = Kf(ground, self.pusher)
        self.kf_sends = KfSends(ground, self.kf, self.media)
        self.messages = AppMessages(ground, self.media)
        self.chats = AppChats(ground, self.media)
        self.webhooks = Webhooks(ground, self.media)
        self.bots = Bots(ground, self.media)
        self.bot_socket = BotSocket(ground, self.bots, BotUploads(ground, self.media))
        self.bot_url = BotUrl(ground, self.bots, self.pusher)
        self._wire = Wire(ground, self.corps, self.media, self.webhooks, self.bots)
        for part in (self.corps, self.customers, self.tags, self.groups, self.welcome, self.mass):
            self._wire.add(part.calls())
        for other in (self.kf, self.kf_sends, self.media, self.messages, self.chats):
            self._wire.add(other.calls())
        self.control = Control(self._controls())
        self._runner: web.AppRunner | None = None

    @property
    def clock(self) -> Clock:
        return self._ground.clock

    @property
    def options(self) -> Options:
        return self._ground.options

    @property
    def faults(self) -> Faults:
        return self._ground.faults

    @property
    def log(self) -> list[Logged]:
        """Every REST request so far, without secrets."""
        return self._ground.log

    @property
    def url(self) -> str:
        """What stands for https://qyapi.weixin.qq.com."""
        return self._ground.base_url

    @property
    def ws_url(self) -> str:
        """What stands for wss://openws.work.weixin.qq.com."""
        return self._ground.base_url.replace("http://", "ws://") + "/"

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits, without sleeping, for a change that makes `true()` true."""
        await self._ground.until(true)

    async def settle(self) -> None:
        """Waits until no push is under way."""
        await self.until(lambda: self.pusher.under_way == 0)

    def set_options(self, **changes: Any) -> Json:
        """Control: turns options while running; an unknown name is refused."""
        known = {part.name for part in dataclasses.fields(Options)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"no option {name!r}")
            setattr(self.options, name, tuple(value) if isinstance(value, list) else value)
        return dataclasses.asdict(self.options)

    def forget_seen(self) -> None:
        """Control: empties the logs of requests and frames, for long runs."""
        self.log.clear()
        self.bot_socket.frames.clear()

    async def start(self, host: str, port: int) -> None:
        app = web.Application(client_max_size=BODY_MOST)
        app.router.add_route("*", "/cgi-bin/{path:.+}", self._wire.handle)
        app.router.add_get("/_blob/{name}", self._wire.blob)
        app.router.add_get("/_control", self.control.show)
        app.router.add_post("/_control/{area}/{action}", self.control.handle)
        app.router.add_get("/", self.bot_socket.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._ground.base_url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Ends every connection and task; safe to call twice."""
        for connection in list(self.bot_socket.connections):
            await connection.socket.close()
        await self._ground.close()
        await self.pusher.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._ground.mishaps:
            broken, self._ground.mishaps = self._ground.mishaps, []
            raise BaseExceptionGroup("the sandbox itself broke", broken)

    def _controls(self) -> dict[str, Callable[..., Any]]:
        """POST /_control/<name>: what another process may do and read."""
        ground, bots = self._ground, self.bots
        areas: dict[str, tuple[object, str]] = {
            "corps": (self.corps, "add_corp add_app add_member set_callback set_trusted_ips kill_token reset_secret"),
            "callbacks": (
                self.pusher,
                "hold release lose double again replay passive_reply post_raw push_event say_to_app verify",
            ),
            "customers": (
                self.customers,
                "add chat edit_by_hand drop_by_member drop_by_customer fail_transfer",
            ),
            "welcome": (self.welcome, "busy"),
            "tags": (self.tags, "make drop mark"),
            "groups": (self.groups, "create join leave change dismiss add_internal"),
            "mass": (self.mass, "tap send_personal"),
            "kf": (self.kf, "add_account enter say say_as_servicer change_by_servicer set_servicer recall"),
            "kf_sends": (self.kf_sends, "fail_next"),
            "webhooks": (self.webhooks, "add set_state"),
            "bots": (bots, "add set_callback add_to_group say say_media enter click feedback"),
            "bot_socket": (self.bot_socket, "deafen cut subscribed send_raw"),
            "bot_url": (self.bot_url, "verify"),
            "faults": (self.faults, "add clear"),
            "clock": (self.clock, "advance"),
        }
        controls: dict[str, Callable[..., Any]] = {
            f"{area}/{name}": getattr(part, name) for area, (part, names) in areas.items() for name in names.split()
        }
        return controls | {
            "options/set": self.set_options,
            "sandbox/settle": self.settle,
            "sandbox/forget_seen": self.forget_seen,
            "clock/now": ground.clock,
            "sent/webhooks": lambda: self.webhooks.sent,
            "sent/messages": lambda: self.messages.sent,
            "sent/chats": lambda: self.chats.sent,
            "sent/kf": lambda: self.kf.sent,
            "sent/bots": lambda: bots.sent,
            "sent/welcome": lambda: self.welcome.sent,
            "sent/mass": lambda: self.mass.sent,
            "seen/requests": lambda: ground.log,
            "seen/deliveries": lambda: self.pusher.deliveries,
            "seen/frames": lambda: self.bot_socket.frames,
            "seen/refused": lambda bot_id: bots.bots[bot_id].refused,
            "seen/customer": lambda external_userid, corpid="": ground.corp(corpid).customers[external_userid],
            "seen/group": lambda chat_id, corpid="": ground.corp(corpid).groups[chat_id],
        }


async def serve(
    host: str,
    port: int,
    *,
    clock: Callable[[], float] | None = None,
    luck: Luck | None = None,
    options: Options | None = None,
) -> Sandbox:
    """A running fake WeCom on host:port (0 = any free port). Without a clock it runs on the machine's."""
    sandbox = Sandbox(flowing() if clock is None else as_clock(clock), luck or Luck(), options or Options())
    await sandbox.start(host, port)
    return sandbox
