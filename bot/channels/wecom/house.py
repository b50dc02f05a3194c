"""Builds every configured WeCom wire from the settings: secrets read once, all problems reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from pydantic import SecretStr

from bot.channels import Channel
from bot.channels.wecom import app_message, contact
from bot.channels.wecom.aibot import AiBotWire
from bot.channels.wecom.aibot_url import AiBotUrlWire
from bot.channels.wecom.app_message import AppWire
from bot.channels.wecom.callback import CallbackServer, Endpoint
from bot.channels.wecom.client import Api
from bot.channels.wecom.contact import ContactWire, Noticed
from bot.channels.wecom.crypto import Envelope
from bot.channels.wecom.findings import Finding, can_do, fine
from bot.channels.wecom.inbox import Inbox
from bot.channels.wecom.kf import KfWire
from bot.channels.wecom.kf_session import KfNoticed
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.probe import probe_address
from bot.channels.wecom.robot import RobotWire
from bot.channels.wecom.secret import SecretMissing, SecretSource
from bot.channels.wecom.settings import AiBotSettings, AppSettings, EndpointSettings, WeComSettings
from bot.errors import ChannelError, ConfigError, Problem

Wire = ContactWire | KfWire | AppWire | AiBotWire | AiBotUrlWire | RobotWire


@dataclass(slots=True)
class House:
    """The wires, to be run by the host each in its own task, and the one server that feeds them."""

    wires: list[Wire] = field(default_factory=list)
    server: CallbackServer | None = None
    endpoints: list[Endpoint] = field(default_factory=list)
    public_url: str | None = None

    def channels(self) -> list[Channel]:
        return list(self.wires)

    async def start(self) -> None:
        if self.server is not None:
            await self.server.start()

    async def close(self) -> None:
        if self.server is not None:
            await self.server.close()
        for wire in self.wires:
            await wire.close()

    async def diagnose(self, session: aiohttp.ClientSession, ports: Ports) -> list[Finding]:
        """Everything `yuanzi doctor` says about WeCom; a wire that fails does not silence the others."""
        found: list[Finding] = []
        for wire in self.wires:
            found += [*await wire.diagnose(), can_do(wire.name, wire.abilities)]
        for endpoint in self.endpoints:
            found.append(await probe_address(session, self.public_url, endpoint, ports))
        return found


class Builder:
    """Collects problems instead of stopping at the first; `build` raises ConfigError with all of them."""

    def __init__(
        self,
        settings: WeComSettings,
        *,
        environ: Mapping[str, str],
        session: aiohttp.ClientSession,
        ports: Ports,
        noticed: Noticed | None = None,
        kf_noticed: KfNoticed | None = None,
        file: str = "config.toml",
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._session = session
        self.ports = self._ports = ports
        self._noticed = noticed
        self._kf_noticed = kf_noticed
        self._file = file
        self._problems: list[Problem] = []
        self._house = House()

    def build(self) -> House:
        """Every wire, or ConfigError with every problem."""
        house = self._assemble()
        if self._problems:
            raise ConfigError(self._problems)
        return house

    def survey(self) -> tuple[House, list[Finding]]:
        """For the doctor: the wires that could be built, and what keeps the others from being built."""
        house = self._assemble()
        found = [Finding("error", f"设置 {one.key}", one.reason, one.hint) for one in self._problems]
        return house, found or [fine("密钥", "都在，格式正确（不显示内容）")]

    def _assemble(self) -> House:
        for index, app in enumerate(self._settings.apps):
            self._app(app, f"wecom.apps[{index}]")
        for index, bot in enumerate(self._settings.aibots):
            self._aibot(bot, f"wecom.aibots[{index}]")
        for index, robot in enumerate(self._settings.robots):
            key = self._secret(robot.key, f"wecom.robots[{index}].key")
            if key.get_secret_value():
                wire = RobotWire(robot, key=key, session=self._session, api=self._settings.api, ports=self._ports)
                self._house.wires.append(wire)
        callback = self._settings.callback
        if callback is not None and self._house.endpoints:
            self._house.server = CallbackServer(callback, self._ports.clock, self._house.endpoints)
            self._house.public_url = callback.public_url
        return self._house

    def _app(self, app: AppSettings, where: str) -> None:
        secret = self._secret(app.secret, f"{where}.secret")
        endpoint = self._endpoint(app.callback, app.corp_id, "xml", f"{where}.callback")
        if not secret.get_secret_value():
            return
        clock, luck = self._ports.clock, self._ports.luck
        api = Api(self._settings.api, corp_id=app.corp_id, secret=secret, session=self._session, clock=clock, luck=luck)
        waiting = app.callback.waiting if app.callback else 1
        if app.message is not None:
            inbox = Inbox(app.message.name, self._ports.memory, size=waiting)
            message = AppWire(app.message, api=api, agent_id=app.agent_id, ports=self._ports, inbox=inbox)
            self._house.wires.append(message)
            if endpoint is not None:
                endpoint.route(app_message.wants, inbox)
        if app.contact is not None and endpoint is not None:
            inbox = Inbox(app.contact.name, self._ports.memory, size=waiting)
            wire = ContactWire(app.contact, api=api, inbox=inbox, ports=self._ports, noticed=self._noticed)
            self._house.wires.append(wire)
            endpoint.route(contact.wants, inbox)
        for account in app.kf if endpoint is not None else []:
            inbox = Inbox(account.name, self._ports.memory, size=waiting)
            kf = KfWire(account, api=api, inbox=inbox, ports=self._ports, noticed=self._kf_noticed)
            self._house.wires.append(kf)
            if endpoint is not None:
                endpoint.route(kf.wants, inbox)

    def _aibot(self, bot: AiBotSettings, where: str) -> None:
        if bot.mode == "ws" and bot.secret is not None:
            secret = self._secret(bot.secret, f"{where}.secret")
            if secret.get_secret_value():
                self._house.wires.append(AiBotWire(bot, secret=secret, session=self._session, ports=self._ports))
        elif bot.callback is not None:
            endpoint = self._endpoint(bot.callback, "", "json", f"{where}.callback")
            if endpoint is None:
                return
            inbox = Inbox(bot.name, self._ports.memory, size=bot.callback.waiting)
            wire = AiBotUrlWire(bot, inbox=inbox, session=self._session, api=self._settings.api, ports=self._ports)
            self._house.wires.append(wire)
            endpoint.answer = wire.answer
            endpoint.route(wire.wants, inbox)

    def _endpoint(self, settings: EndpointSettings | None, receive_id: str, form: str, where: str) -> Endpoint | None:
        if settings is None:
            return None
        token = self._secret(settings.token, f"{where}.token")
        aes_key = self._secret(settings.aes_key, f"{where}.aes_key")
        if not token.get_secret_value() or not aes_key.get_secret_value():
            return None
        try:
            envelope = Envelope(token, aes_key, receive_id)
        except ChannelError as error:
            self._problems.append(Problem(self._file, where, str(error), "管理后台 > 应用 > 接收消息 > 设置API接收"))
            return None
        endpoint = Endpoint(settings.path, envelope, form=form)
        self._house.endpoints.append(endpoint)
        return endpoint

    def _secret(self, source: SecretSource, where: str) -> SecretStr:
        try:
            return source.read(self._environ)
        except SecretMissing as error:
            self._problems.append(Problem(self._file, where, str(error)))
            return SecretStr("")
