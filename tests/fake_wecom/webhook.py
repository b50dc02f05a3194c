"""The webhook robot: one key in the URL, 20 messages per minute, byte limits that reject (wecom.md 4)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Literal

from tests.fake_wecom.cards import WEBHOOK_KINDS, check_card
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Ground
from tests.fake_wecom.media import MEGA, Media, looks_like
from tests.fake_wecom.records import Upload
from tests.fake_wecom.windows import Window

TEXT_BYTES = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}  # wecom.md 4
STATES = {"disabled": 93004, "not_in_group": 93008, "removed": 93000}


@dataclass
class Robot:
    key: str
    state: Literal["ok", "disabled", "not_in_group", "removed"] = "ok"
    window: Window = field(default_factory=lambda: Window(20, 60))  # wecom.md 4 "Rate", sliding (10 item 5)


@dataclass(frozen=True)
class Posting:
    """A message that appeared in the group."""

    at: float
    key: str
    msgtype: str
    body: Json


@dataclass
class Webhooks:
    ground: Ground
    media: Media
    robots: dict[str, Robot] = field(default_factory=dict)
    sent: list[Posting] = field(default_factory=list)

    def add(self, key: str) -> None:
        """Control: a robot is added to an internal group."""
        self.robots[key] = Robot(key)

    def set_state(self, key: str, state: Literal["ok", "disabled", "not_in_group", "removed"]) -> None:
        self.robots[key].state = state

    def _robot(self, key: str) -> Robot:
        robot = self.robots.get(key)
        if robot is None:
            raise ApiError(93000)
        if robot.state != "ok":
            raise ApiError(STATES[robot.state])
        return robot

    def send(self, key: str, body: Fields) -> Json:
        robot = self._robot(key)
        kind = self._check(key, body)
        now = self.ground.clock()
        if not robot.window.take(now):
            raise ApiError(45009)
        self.sent.append(Posting(now, key, kind, dict(body.data[kind])))
        self.ground.tell()
        return ok()

    def upload(self, key: str, kind: str, upload: Upload | None) -> Json:
        """wecom.md 4 "Upload": file or voice, usable by this robot only."""
        self._robot(key)
        if kind not in ("file", "voice"):
            raise ApiError(40005)
        return self.media.keep(kind, upload, f"webhook {key}")

    def _check(self, key: str, body: Fields) -> str:
        kind = body.text("msgtype", need=True)
        if kind not in (*TEXT_BYTES, "image", "news", "file", "voice", "template_card"):
            raise ApiError(40008)
        part = body.part(kind, need=True)
        if kind in TEXT_BYTES:
            if not part.text("content", bytes_most=TEXT_BYTES[kind]):
                raise ApiError(44004)
            part.texts("mentioned_list")
            part.texts("mentioned_mobile_list")
        elif kind == "image":
            _check_image(part)
        elif kind == "news":
            if len(part.parts("articles", least=1)) > 8:
                raise ApiError(45008)
            for article in part.parts("articles"):
                article.text("title", need=True)  # over 128 bytes it is cut, not refused
                article.text("url", need=True)
        elif kind == "template_card":
            check_card(part, WEBHOOK_KINDS)
        else:
            self.media.find(part.text("media_id", need=True), f"webhook {key}", kind)
        return kind


def _check_image(part: Fields) -> None:
    """2 MB before base64, JPG or PNG, md5 of the raw bytes (wecom.md 4)."""
    try:
        raw = base64.b64decode(part.text("base64", need=True), validate=True)
    except binascii.Error as wrong:
        raise refuse("image.base64", "is not base64") from wrong
    if len(raw) > 2 * MEGA:
        raise ApiError(40009)
    if not looks_like("image", raw):
        raise ApiError(40004)
    if hashlib.md5(raw).hexdigest() != part.text("md5", need=True).lower():  # noqa: S324
        raise refuse("image.md5", "does not match")
