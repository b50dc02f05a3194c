"""Which wires this deployment has and what they need of the house: built from settings, bound to the app."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from bot.app import App
from bot.channels import Channel, Line, Pace
from bot.channels.pipe import NAME as PIPE
from bot.channels.pipe import PipeChannel
from bot.channels.wechaty import WechatyChannel
from bot.channels.wechaty_settings import WechatySettings
from bot.channels.wechaty_state import State
from bot.channels.wecom.contact import Notice
from bot.channels.wecom.house import Builder, House
from bot.channels.wecom.kf_session import KfNotice
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.settings import WeComSettings
from bot.commands.pipe import write_out
from bot.config import Config, check_model, nearest
from bot.context import zone_of
from bot.errors import ConfigError, Problem
from bot.replies import say
from bot.world import RealWorld, to_ms
from storage.database import read_only

log = logging.getLogger("yuanzi.wiring")
ECHO_WITHIN = timedelta(hours=1)
"""How old a line of unknown outcome may be for its echo to be still expected after a restart."""


@dataclass(slots=True)
class Host:
    """What wires ask of the house before the app exists: it is bound later. Implements the wires' `Memory`."""

    world: RealWorld
    app: App | None = None
    patience: float = 5.0
    """Seconds that a trouble of an account lasts before staff hear of it."""
    _reader: sqlite3.Connection | None = None
    _told: dict[str, str] = field(default_factory=dict)
    _trouble: dict[str, str] = field(default_factory=dict)
    _waiting: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    async def get(self, key: str) -> str | None:
        """A wire's note, read on a connection of its own."""
        row = self._read().execute("SELECT value FROM channel_memory WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    async def put(self, key: str, value: str) -> None:
        """A wire's note, durable once this returns."""
        app = self._bound()
        await app.errand(lambda: app.store.office.keep(key, value))

    async def settle(self, key: str, platform_id: str) -> None:
        """The platform showed a line of unknown outcome: it was sent."""
        app = self._bound()
        now = to_ms(self.world.now())
        await app.errand(lambda: (app.store.outbox.echo(key, platform_id, now), None)[1])

    def renamed(self, group: str, title: str) -> None:
        """A group has a new name; written down with the next transaction."""
        app = self._bound()
        app.run_soon(lambda: app.store.members.rename_group(group, title))

    def changed(self, name: str, state: State) -> None:
        """An account's link or login changed: 状态 shows it, and staff hear of what needs a person."""
        app = self.app
        if app is None:
            return
        app.desk.channel_states[name] = str(state)
        if state.account:
            app.engine.accounts[name] = state.account
        trouble = _trouble(state)
        if trouble == self._trouble.get(name, ""):
            return
        self._trouble[name] = trouble
        if waiting := self._waiting.pop(name, None):
            waiting.cancel()
        # Every connection has a moment in which nobody is logged in yet; only what lasts is news.
        patience = self.patience * (20 if trouble == "away" else 1)
        self._waiting[name] = asyncio.get_running_loop().call_later(patience, self._tell, name, trouble)

    def _tell(self, name: str, trouble: str) -> None:
        """Staff hear once of a trouble that lasts, and once that it is over."""
        app = self._bound()
        if trouble == self._told.get(name, ""):
            return
        self._told[name] = trouble
        state = app.desk.channel_states[name] if trouble else "好了"
        app.run_soon(lambda: app.engine.announce("channel", say("staff.channel", channel=name, state=state)))

    def sent_on(self, name: str, day: str) -> int:
        """How many lines left on a channel that business day: what is left of its budget after a restart."""
        zone = zone_of(self._bound().config.group(None))
        start = datetime.fromisoformat(day).replace(tzinfo=zone)
        end = start + timedelta(days=1)
        return self._bound().store.outbox.sent_between(name, to_ms(start), to_ms(end))

    async def contact_noticed(self, notice: Notice) -> None:
        """A customer who deleted us, an edited customer, changed tags: noted in the log until features ask for it."""
        log.info("contact %s: %s of %s", notice.kind, notice.member, notice.staff)

    async def kf_noticed(self, notice: KfNotice) -> None:
        """A line that failed after it was accepted is no longer `sent`; staff hear of it."""
        log.info("kf %s: %s", notice.kind, notice.member)
        if notice.kind == "send_failed":
            app = self._bound()
            state = f"给 {notice.member} 的一句没送到（{notice.detail}）"

            def note() -> None:
                if not app.store.outbox.bounced(notice.message, to_ms(self.world.now()), notice.detail):
                    log.warning("kf: no line that was sent is known as %s", notice.message)
                app.engine.announce("channel", say("staff.channel", channel="微信客服", state=state))

            await app.errand(note)

    def _bound(self) -> App:
        assert self.app is not None
        return self.app

    def _read(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = read_only(self._bound().database.path)
        return self._reader

    def close(self) -> None:
        """Lets go of the reading connection."""
        for waiting in self._waiting.values():
            waiting.cancel()
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _trouble(state: State) -> str:
    """What a person must know of an account's state, as one word; empty while all is well or switched off."""
    if state.phase in ("refused", "locked"):
        return state.phase
    if state.phase == "connected":
        return "" if state.logged_in else "logged out"
    return "" if state.phase == "off" else "away"


@dataclass(slots=True)
class Wiring:
    """All wires of a deployment, by name."""

    channels: dict[str, Channel]
    accounts: list[WechatyChannel]
    house: House
    host: Host
    session: aiohttp.ClientSession

    async def serve(self, app: App) -> None:
        """Binds the wires to the app and runs it with open doors, until its channels end or the task is cancelled."""
        self.host.app = app
        await app.engine.recover()  # first: what was under way at a kill is of unknown outcome from here on
        self._expect_echoes(app)
        listening = asyncio.create_task(app.listen())
        # The doors open beside the writer, not before it: what they left undone last time goes through it.
        opening = asyncio.create_task(self.house.start())
        try:
            await asyncio.wait({listening, opening}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done() and isinstance(error := opening.exception(), OSError):
                why = f"回调端口打不开：{error.strerror or error}"
                raise ConfigError([Problem(app.config.file, "wecom.callback.port", why, "换一个，或停掉占用它的程序")])
            await listening
        finally:
            for task in (opening, listening):
                task.cancel()
            await asyncio.gather(opening, listening, return_exceptions=True)

    def _expect_echoes(self, app: App) -> None:
        since = to_ms(self.host.world.now() - ECHO_WITHIN)
        for account in self.accounts:
            for row, key, group, member, text in app.store.outbox.unknown_since(account.name, since, 100):
                account.expect_echo(
                    Line(row, key, account.name, group, member, text, phrase="", event_id="", because="", sort="reply")
                )

    async def close(self) -> None:
        """Closes the doors in reverse order."""
        await self.house.close()
        await self.session.close()
        self.host.close()


def channel_problems(config: Config) -> list[Problem]:
    """What is wrong with the settings of all channels, without opening any."""
    problems: list[Problem] = []
    for name in config.settings.channels:
        if name != PIPE:
            close = nearest(name, [PIPE])
            hint = f"是不是想写 {close[0]}？" if close else f"有 {PIPE}；微信群写 [wechaty.名字]，官方接口写 [wecom]"
            problems.append(Problem(config.file, f"channels.{name}", "没有这个通道", hint))
    for read in (wechaty_settings, wecom_settings):
        try:
            read(config)
        except ConfigError as error:
            problems += error.problems
    return problems or name_problems(config)


def name_problems(config: Config) -> list[Problem]:
    """Names of channels that are used twice, or that staff and groups refer to and nobody has."""
    official = [one.name for one in wecom_settings(config).wires()]
    names = [*config.settings.channels, *config.settings.wechaty, *official]
    problems = [
        Problem(config.file, f"通道 {name}", "两个通道用了同一个名字", "换一个名字")
        for name in sorted({one for one in names if names.count(one) > 1})
    ]
    asked = [(f"staff.{person.id}.channels", name) for person in config.settings.staff for name in person.channels]
    asked += [(f"groups.{group}.channel", config.group(group).channel) for group in config.named_groups]
    for key, name in asked:
        if name and name not in names:
            close = nearest(name, names)
            problems.append(Problem(config.file, key, f"没有通道「{name}」", f"是不是 {close[0]}？" if close else ""))
    return problems


def wechaty_settings(config: Config) -> dict[str, WechatySettings]:
    """The wechaty accounts by name. Raises ConfigError with the problems of all."""
    found: dict[str, WechatySettings] = {}
    problems: list[Problem] = []
    for name, data in config.settings.wechaty.items():
        try:
            found[name] = check_model(WechatySettings, data, config.file, f"wechaty.{name}", quote=False)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return found


def wecom_settings(config: Config) -> WeComSettings:
    """The official channels. Raises ConfigError."""
    return check_model(WeComSettings, config.settings.wecom, config.file, "wecom", quote=False)


def build(config: Config, host: Host, environ: Mapping[str, str] = os.environ) -> Wiring:
    """Every wire of the settings. Needs a running loop. Raises ConfigError with every problem, also missing secrets."""
    problems = channel_problems(config)
    if problems:
        raise ConfigError(problems)
    session = aiohttp.ClientSession()
    house = builder(config, host, session, environ).build()
    accounts = [wechaty_account(name, one, host) for name, one in wechaty_settings(config).items()]
    channels: dict[str, Channel] = {one.name: one for one in (*house.channels(), *accounts)}
    pipe = config.settings.channels.get(PIPE)
    if pipe is not None and pipe.on:
        pace = Pace(pipe.pace.account_gap, pipe.pace.group_gap, pipe.pace.jitter)
        channels[PIPE] = PipeChannel(0, write_out, host.world.now, acks=True, pace=pace)
    if not channels:
        raise ConfigError([Problem(config.file, "channels", "一个通道也没开", f"比如 [channels.{PIPE}] on = true")])
    return Wiring(channels, accounts, house, host, session)


def builder(config: Config, host: Host, session: aiohttp.ClientSession, environ: Mapping[str, str]) -> Builder:
    """Builds the official wires, or says for the doctor why it cannot."""
    ports = Ports(clock=host.world, luck=host.world, ids=host.world, memory=host)
    return Builder(
        wecom_settings(config), environ=environ, session=session, ports=ports, file=config.file,
        noticed=host.contact_noticed, kf_noticed=host.kf_noticed,
    )  # fmt: skip


def wechaty_account(name: str, settings: WechatySettings, host: Host) -> WechatyChannel:
    """One wechaty account, bound to the house."""
    return WechatyChannel(
        name, settings, clock=host.world, luck=host.world.random, settle=host.settle, renamed=host.renamed,
        changed=lambda state: host.changed(name, state), already_sent=lambda day: host.sent_on(name, day),
        lock_folder=Path(os.environ.get("XDG_RUNTIME_DIR", "")) if os.environ.get("XDG_RUNTIME_DIR") else None,
    )  # fmt: skip
