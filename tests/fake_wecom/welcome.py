"""Welcome codes: 20 seconds, one use, the first app wins (wecom.md 5.4)."""

from dataclasses import dataclass, field

from tests.fake_wecom.attachments import check_text_and_attachments
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Ask, Corp


@dataclass
class Code:
    corpid: str
    userid: str
    external_userid: str
    born: float
    used: bool = False
    chatting: bool = False
    busy: int = 0


@dataclass(frozen=True)
class Greeting:
    """A welcome that reached the customer."""

    at: float
    userid: str
    external_userid: str
    text: str
    attachments: list[Json]


@dataclass
class Welcome:
    ground: Ground
    media: Media
    codes: dict[str, Code] = field(default_factory=dict)
    sent: list[Greeting] = field(default_factory=list)

    def calls(self) -> list[Call]:
        return [Call("POST", "externalcontact/send_welcome_msg", self._send, "externalcontact")]

    def new_code(self, corp: Corp, userid: str, external_userid: str) -> str:
        code = self.ground.luck.word("CALLBACK_CODE_", 40)
        self.codes[code] = Code(corp.corpid, userid, external_userid, self.ground.clock())
        return code

    def greeted(self, corp: Corp, userid: str, external_userid: str) -> bool:
        mine = (corp.corpid, userid, external_userid)
        return any(
            code.used and (code.corpid, code.userid, code.external_userid) == mine for code in self.codes.values()
        )

    def chat_started(self, userid: str, external_userid: str) -> None:
        for code in self.codes.values():
            if (code.userid, code.external_userid) == (userid, external_userid):
                code.chatting = True

    def busy(self, welcome_code: str, times: int = 1) -> None:
        """Another app is sending with this code right now: the next calls get 41096."""
        self.codes[welcome_code].busy = times

    def _send(self, ask: Ask) -> Json:
        name = ask.body.text("welcome_code")
        if not name:
            raise ApiError(41049)
        check_text_and_attachments(ask.body, self.media, ask.corp.corpid)
        code = self.codes.get(name)
        if code is None or code.corpid != ask.corp.corpid:
            raise ApiError(41050)
        if code.used or code.chatting:
            raise ApiError(41051)  # already delivered, or the chat has started
        if ask.now - code.born > self.ground.options.welcome_seconds:
            raise ApiError(41050)  # expired
        if code.busy > 0:
            code.busy -= 1
            raise ApiError(41096)
        code.used = True
        text = ask.body.part("text").text("content")
        attachments = list(ask.body.data.get("attachments") or [])
        self.sent.append(Greeting(ask.now, code.userid, code.external_userid, text, attachments))
        self.ground.tell()
        return ok()
