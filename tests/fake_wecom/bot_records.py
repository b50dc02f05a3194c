"""What the AI bot's server side keeps: bots, open callbacks, streams, and what reached people (wecom.md 7)."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fake_wecom.errors import Json
from tests.fake_wecom.records import Callback
from tests.fake_wecom.windows import Window, Windows

STREAM_SECONDS = 360  # wecom.md 7.3, 7.5: finish within 6 min
EVENT_SECONDS = 5  # wecom.md 7.2: welcome and card update within 5 s
REQ_SECONDS = 86400  # wecom.md 7.5: a message's req_id is usable for 24 h
RESPONSE_URL_SECONDS = 3600  # wecom.md 7.4: one call only, valid 1 hour
BLOB_SECONDS = 300  # wecom.md 7.1: media URLs are valid 5 min
TEXT_BYTES = 20_480  # wecom.md 7.3-7.5: stream and markdown content


@dataclass
class Stream:
    """One growing answer; every frame replaces the whole text."""

    id: str
    born: float
    finished: bool = False
    frames: list[str] = field(default_factory=list)

    def grows(self, now: float) -> bool:
        return not self.finished and now - self.born <= STREAM_SECONDS


@dataclass
class Open:
    """A callback that may still be answered. In WebSocket mode it lives and dies with its connection."""

    kind: str  # message, or the eventtype
    msgid: str
    chat: str
    userid: str
    born: float
    task_id: str = ""
    answered: bool = False
    stream: Stream | None = None


@dataclass(frozen=True)
class BotSent:
    """Something people saw. Of a stream every frame is one entry."""

    at: float
    bot_id: str
    chat: str
    by: Literal["reply", "welcome", "update", "push", "response_url"]
    msgtype: str
    body: Json
    to_msgid: str = ""


@dataclass(frozen=True)
class Blob:
    """An encrypted file behind a URL."""

    data: bytes
    until: float


@dataclass
class Bot:
    bot_id: str
    secret: str
    name: str
    corpid: str
    mode: Literal["ws", "url"]
    callback: Callback | None = None
    visible: set[str] | None = None
    groups: set[str] = field(default_factory=set)
    spoken_in: set[str] = field(default_factory=set)
    entered: dict[str, int] = field(default_factory=dict)
    growing: list[Open] = field(default_factory=list)
    task_ids: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    """Why answers in URL mode were thrown away: nobody tells the bot, but tests may look."""
    connection: Any = None
    deaf: bool = False
    """The socket is open but no longer subscribed: every command gets 846609 (wecom.md 7.5)."""
    chat_windows: Windows = field(default_factory=lambda: Windows(()))
    subscribes: Window = field(default_factory=lambda: Window(0, 60))
    uploads: Windows = field(default_factory=lambda: Windows(((30, 60), (1000, 3600))))  # wecom.md 7.5

    def sees(self, userid: str) -> bool:
        return self.visible is None or userid in self.visible

    def streaming(self, userid: str, now: float) -> int:
        """How many answers to this user are still growing (wecom.md 7.0: at most 3 in flight)."""
        self.growing = [one for one in self.growing if one.stream is not None and one.stream.grows(now)]
        return sum(one.userid == userid for one in self.growing)
