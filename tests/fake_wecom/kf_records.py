"""What 微信客服 keeps: accounts, sessions, the message log and the codes of events (wecom.md 6)."""

from dataclasses import dataclass, field

from tests.fake_wecom.errors import Json

NEW, ASSISTANT, POOL, HUMAN, ENDED = 0, 1, 2, 3, 4  # wecom.md 6.3


@dataclass
class Session:
    """One customer at one account. `answers` counts our messages since the customer last wrote."""

    open_kfid: str
    external_userid: str
    state: int = ENDED
    servicer: str = ""
    spoke_at: float | None = None
    active_at: float = 0.0
    welcomed_at: float | None = None
    answers: int = 0


@dataclass
class EventCode:
    """A code that allows one message: welcome or a change of state (wecom.md 6.2 table)."""

    session: Session
    until: float
    types: tuple[str, ...]
    state: int | None  # the session state it needs; None = any
    used: bool = False


@dataclass
class KfAccount:
    open_kfid: str
    name: str
    corpid: str
    servicers: dict[str, int] = field(default_factory=dict)  # wecom.md 6.4: 0 receiving, 1 stopped
    messages: list[Json] = field(default_factory=list)
    dropped: int = 0  # how many old messages left the front of the log
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)
    msgids: set[str] = field(default_factory=set)
    api_managed: bool = True
    granted: set[int] | None = None  # agentids that may use it; None = every app with the kf grant

    def session(self, external_userid: str) -> Session:
        return self.sessions.setdefault(external_userid, Session(self.open_kfid, external_userid))


@dataclass(frozen=True)
class KfSent:
    """A message that reached the customer."""

    at: float
    open_kfid: str
    touser: str
    msgid: str
    msgtype: str
    body: Json
    by: str  # send_msg, send_msg_on_event
