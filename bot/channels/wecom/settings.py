"""What a deployer writes about WeCom: strict models, no secret in any of them. UNCONFIRMED facts are settings here."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from bot.channels.wecom.payload import PLAIN_ID
from bot.channels.wecom.secret import SecretSource, Strict

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def _safe_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.query or parts.fragment or not parts.hostname:
        raise ValueError("要写一个地址，后面不带 ? 和 #")
    if parts.scheme in {"https", "wss"} or (parts.scheme in {"http", "ws"} and parts.hostname in LOOPBACK):
        return value.rstrip("/")
    raise ValueError("要用 https（只有本机可以用 http）：里面传的是密钥")


def _plain(value: str) -> str:
    if not PLAIN_ID.fullmatch(value):
        raise ValueError("要写 1 到 64 个字母、数字或 - _ . @")
    return value


Address = Annotated[str, AfterValidator(_safe_address)]
Name = Annotated[str, AfterValidator(_plain)]
Path = Annotated[str, Field(pattern=r"^/[0-9A-Za-z/_.-]{0,200}$")]
Seconds = Annotated[float, Field(gt=0, le=864_000)]
Count = Annotated[int, Field(gt=0, le=1_000_000)]


class ApiSettings(Strict):
    """How the platform is called."""

    base: Address = "https://qyapi.weixin.qq.com"
    deadline: Seconds = 10.0
    upload_deadline: Seconds = 60.0
    in_flight: Count = 8
    tries: Count = 3
    token_margin: float = Field(default=300.0, ge=0)
    """A token is renewed this long before it ends."""
    token_error_hold: float = Field(default=30.0, ge=0)
    """After a refused token no new one is asked for this long: 2000 errors in an hour block the caller for an hour."""


class CallbackSettings(Strict):
    """The server that the platform posts to. Put TLS in front of it."""

    host: str = "127.0.0.1"
    port: int = Field(default=8089, ge=0, le=65535)
    public_url: Address | None = None
    """What the platform sees, without path; `diagnose` tries it."""
    max_body: Count = 262_144
    body_deadline: Seconds = 5.0
    idle: Seconds = 10.0
    """A connection that sends no whole request head within this time is closed."""
    at_once: Count = 256
    """So many requests are served at a time; more are answered 503 and posted again."""
    replay_window: Seconds = 300.0
    remembered: Count = 20_000
    xml_types: list[str] = Field(default=["text/xml", "application/xml"])
    """UNCONFIRMED which one the platform sends; a missing Content-Type is accepted too."""
    json_types: list[str] = Field(default=["application/json"])


class EndpointSettings(Strict):
    """One callback address: its path, Token and EncodingAESKey as typed into the admin console."""

    path: Path
    token: SecretSource
    aes_key: SecretSource
    waiting: Count = 256
    """How many answered callbacks may wait to be worked off; more are answered 503 and posted again."""


class MessageSettings(Strict):
    """App messages to members and to group chats that the app created."""

    name: Name
    member_limits: list[tuple[int, float]] = Field(default=[(30, 60.0), (1000, 3600.0)], strict=False, min_length=1)


class ContactSettings(Strict):
    """客户联系: newcomers, customer groups, tags, mass sends."""

    name: Name
    settle: Seconds = 2.0
    """The platform writes details this long after it has posted a group change."""
    resync: Seconds = 21_600.0
    owners: list[Name] = Field(default=[])
    """Whose groups to follow; empty: all in scope (more than 1000 people in scope need it)."""
    names: bool = True
    """Ask for a newcomer's name, one call each."""
    name_deadline: Seconds = 3.0
    welcome_life: Seconds = 20.0
    mass: Literal["off", "groups", "all"] = "groups"
    """Whether a line that cannot be said at once becomes a mass-send task that staff must confirm."""
    mass_per_day: Count = 1
    """UNCONFIRMED: 1 a day per target (2022 page); an older page says 4 a month."""
    zone: str = "Asia/Shanghai"
    tag_group: str = Field(default="元子", min_length=1, max_length=30)


class KfSettings(Strict):
    """One customer-service account of 微信客服."""

    name: Name
    open_kfid: Name
    limit: int = Field(default=1000, ge=1, le=1000)
    sync_at_start: bool = True
    reply_hours: Seconds = 48 * 3600.0
    reply_count: Count = 5
    code_life: Seconds = 20.0
    names: bool = True
    """Ask for a customer's nickname, one call each, once."""
    name_deadline: Seconds = 3.0
    end_from: list[int] = Field(default=[2, 3])
    """From which session states the API may end a session. UNCONFIRMED for 2."""
    repeated_msgid_codes: list[int] = Field(default=[])
    """UNCONFIRMED: what the platform answers to a msgid it has already sent; such an answer counts as sent."""


class AppSettings(Strict):
    """One self-built app of one corp, with the wires that share its secret and its callback address."""

    corp_id: Name
    agent_id: int = Field(ge=0)
    secret: SecretSource
    callback: EndpointSettings | None = None
    message: MessageSettings | None = None
    contact: ContactSettings | None = None
    kf: list[KfSettings] = Field(default=[])

    @model_validator(mode="after")
    def _needs_callback(self) -> Self:
        if (self.contact or self.kf) and self.callback is None:
            raise ValueError("写了 contact 或 kf，就要写 callback")
        return self


class AiBotSettings(Strict):
    """One 智能机器人. Long connection (`ws`, no public address) or callback address (`url`), never both."""

    name: Name
    bot_id: Name
    mode: Literal["ws", "url"] = "ws"
    bot_name: str = Field(default="", max_length=64)
    """How members @ it; without it the first @word is taken off."""
    secret: SecretSource | None = None
    callback: EndpointSettings | None = None
    ws: Address = "wss://openws.work.weixin.qq.com"
    ping: Seconds = 30.0
    ack_deadline: Seconds = 5.0
    auth_failures: Count = 5
    retake_after: Seconds | None = None
    """After another connection took the bot over: None stops this wire, a number takes it back after so long."""
    limits: list[tuple[int, float]] = Field(default=[(30, 60.0), (1000, 3600.0)], strict=False, min_length=1)
    stream_frames_count: bool = True
    """UNCONFIRMED whether stream refreshes count against the limits."""
    stream_gap: Seconds = 1.0
    stream_life: Seconds = 360.0
    answer_life: Seconds = 86_400.0
    welcome_life: Seconds = 5.0
    thinking: str = Field(default="", max_length=200)
    silence: Seconds = 30.0
    """URL mode: a stream that nobody fills is finished after so long."""
    fetched_within: Seconds = 10.0
    """URL mode: how long a line waits for the next refresh (UNCONFIRMED pace); then it goes by response_url."""
    url_life: Seconds = 3600.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mode == "ws" and self.secret is None:
            raise ValueError("mode 是 ws 时要写 secret")
        if self.mode == "url" and self.callback is None:
            raise ValueError("mode 是 url 时要写 callback")
        return self


class RobotSettings(Strict):
    """One webhook robot (消息推送) in one internal group."""

    name: Name
    group: Name
    key: SecretSource
    limits: list[tuple[int, float]] = Field(default=[(20, 60.0)], strict=False, min_length=1)
    markdown: bool = False


class WeComSettings(Strict):
    """Everything about WeCom in config.toml, under [wecom]."""

    api: ApiSettings = ApiSettings()
    callback: CallbackSettings | None = None
    apps: list[AppSettings] = Field(default=[])
    aibots: list[AiBotSettings] = Field(default=[])
    robots: list[RobotSettings] = Field(default=[])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        endpoints = [app.callback for app in self.apps if app.callback]
        endpoints += [bot.callback for bot in self.aibots if bot.mode == "url" and bot.callback]
        if endpoints and self.callback is None:
            raise ValueError("写了回调地址，却没有 [wecom.callback]")
        paths = [endpoint.path for endpoint in endpoints]
        names = [wire.name for wire in self.wires()]
        for what, found in (("回调路径", paths), ("名字", names)):
            if len(set(found)) != len(found):
                raise ValueError(f"两处用了同一个{what}")
        return self

    def wires(self) -> "list[MessageSettings | ContactSettings | KfSettings | AiBotSettings | RobotSettings]":
        """The settings of every wire; each has the name of its channel."""
        found: list[MessageSettings | ContactSettings | KfSettings | AiBotSettings | RobotSettings] = []
        for app in self.apps:
            found += [one for one in (app.message, app.contact) if one is not None]
            found += app.kf
        return [*found, *self.aibots, *self.robots]
