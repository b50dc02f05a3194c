"""Uploading over the long connection: init, chunks in any order, finish (wecom.md 7.5)."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from tests.fake_wecom.bot_records import Bot
from tests.fake_wecom.errors import ApiError, Json
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Ground
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Upload

SESSION_SECONDS = 1800  # wecom.md 7.5: session 30 min
MOST_CHUNKS = 100
CHUNK_BYTES = 512 * 1024


@dataclass
class Session:
    bot_id: str
    kind: str
    filename: str
    size: int
    chunks: int
    md5: str
    born: float
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class BotUploads:
    ground: Ground
    media: Media
    sessions: dict[str, Session] = field(default_factory=dict)

    def init(self, bot: Bot, body: Fields) -> Json:
        kind = body.text("type", need=True)
        if kind not in ("file", "image", "voice", "video"):
            raise ApiError(40004)
        size = body.number("total_size", least=5)
        chunks = body.number("total_chunks", least=1, most=MOST_CHUNKS)
        now = self.ground.clock()
        if not bot.uploads.take(bot.bot_id, now):
            raise ApiError(45009)  # 30/min and 1000/h per bot
        name = self.ground.luck.word("up", 30)
        filename = body.text("filename", need=True)
        self.sessions[name] = Session(bot.bot_id, kind, filename, size, chunks, body.text("md5"), now)
        return {"upload_id": name}

    def chunk(self, bot: Bot, body: Fields) -> Json:
        session = self._session(bot, body)
        index = body.number("chunk_index", most=session.chunks)  # both 0-based and 1-based pass (wecom.md 11)
        try:
            raw = base64.b64decode(body.text("base64_data", need=True), validate=True)
        except binascii.Error as wrong:
            raise refuse("base64_data", "is not base64") from wrong
        if len(raw) > CHUNK_BYTES:
            raise refuse("base64_data", f"exceed max length {CHUNK_BYTES}")
        session.parts.setdefault(index, raw)  # duplicates are ignored
        return {}

    def finish(self, bot: Bot, body: Fields) -> Json:
        session = self._session(bot, body)
        first = 0 if 0 in session.parts else 1
        wanted = range(first, first + session.chunks)
        if sorted(session.parts) != list(wanted):
            raise refuse("upload_id", "has missing chunks")
        data = b"".join(session.parts[index] for index in wanted)
        if len(data) != session.size:
            raise refuse("total_size", "does not match")
        if session.md5 and hashlib.md5(data).hexdigest() != session.md5.lower():  # noqa: S324
            raise refuse("md5", "does not match")
        kept = self.media.keep(session.kind, Upload(session.filename, "", data), f"bot {bot.bot_id}")
        del self.sessions[body.text("upload_id")]
        return {key: kept[key] for key in ("type", "media_id", "created_at")}

    def _session(self, bot: Bot, body: Fields) -> Session:
        session = self.sessions.get(body.text("upload_id", need=True))
        if session is None or session.bot_id != bot.bot_id or self.ground.clock() - session.born > SESSION_SECONDS:
            raise refuse("upload_id", "is unknown or expired")
        return session
