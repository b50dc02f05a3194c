"""微信客服, our side: send_msg with 48 h and five messages, codes of events, session states (wecom.md 6.2, 6.3)."""

import re
from dataclasses import dataclass, field

from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.kf import GRANT, IDLE, WELCOME_SECONDS, Kf
from tests.fake_wecom.kf_records import ASSISTANT, ENDED, HUMAN, NEW, POOL, KfAccount, KfSent, Session
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Ask

MOST_ANSWERS = 5  # wecom.md 6.2: messages per customer message
MSGID = re.compile(r"[0-9a-zA-Z_-]{1,32}")  # wecom.md 6.2
MEDIA = ("image", "voice", "video", "file")
CLOSED, TOO_LATE, TOO_MANY = 5, 4, 6  # wecom.md 6.1 msg_send_fail fail_type


@dataclass
class KfSends:
    ground: Ground
    kf: Kf
    media: Media
    _fail: list[int] = field(default_factory=list)

    def calls(self) -> list[Call]:
        return [
            Call("POST", "kf/send_msg", self._send, GRANT),
            Call("POST", "kf/send_msg_on_event", self._send_on_event, GRANT),
            Call("POST", "kf/service_state/get", self._state, GRANT),
            Call("POST", "kf/service_state/trans", self._trans, GRANT),
        ]

    def fail_next(self, fail_type: int = 0, times: int = 1) -> None:
        """Control: the next sends answer 0 and fail afterwards by a msg_send_fail event (wecom.md 6.1)."""
        self._fail += [fail_type] * times

    # -- REST ----------------------------------------------------------------------------------------------------

    def _send(self, ask: Ask) -> Json:
        body = ask.body
        account = self.kf.account_for(ask, body.text("open_kfid", need=True))
        touser = body.text("touser", need=True)
        msgid, repeated = self._msgid(account, body)
        check_kf_message(body, self.media, ask.corp.corpid)
        if repeated:
            return ok(msgid=msgid)
        session = account.session(touser)
        self.kf.settle(session)
        wrong = self._forbidden(session, ask.now)
        late = self.ground.options.kf_late_failures
        if wrong and not late:
            raise ApiError(wrong[0])
        account.msgids.add(msgid)
        fail_type = wrong[1] if wrong else self._fail.pop(0) if self._fail else None
        if fail_type is not None:
            event: Json = {"event_type": "msg_send_fail", "fail_msgid": msgid, "fail_type": fail_type}
            self.kf.add_event(account, touser, event)
            return ok(msgid=msgid)
        session.answers += 1
        session.active_at = ask.now
        if session.state == NEW:
            session.state = ASSISTANT  # wecom.md 6.4: answering through the API assigns the smart assistant
        self._record(ask, account, touser, msgid, "send_msg")
        return ok(msgid=msgid)

    def _forbidden(self, session: Session, now: float) -> tuple[int, int] | None:
        """The error code, and the fail_type of the late form of the same answer."""
        if session.spoke_at is not None and now - session.spoke_at > IDLE:
            return 95002, TOO_LATE
        if session.state not in (NEW, ASSISTANT):
            return 95018, CLOSED
        if session.answers >= MOST_ANSWERS:
            return 95001, TOO_MANY
        return None

    def _msgid(self, account: KfAccount, body: Fields) -> tuple[str, bool]:
        """Our own id or a new one; a used one delivers nothing twice (what it answers is UNCONFIRMED: option)."""
        msgid = body.text("msgid")
        if not msgid:
            return self.ground.luck.word("", 32), False
        if not MSGID.fullmatch(msgid):
            raise refuse("msgid", "is not 1-32 of 0-9a-zA-Z_-")
        if msgid not in account.msgids:
            return msgid, False
        if self.ground.options.kf_repeated_msgid == "refuse":
            raise refuse("msgid", "is used already")
        return msgid, True

    def _send_on_event(self, ask: Ask) -> Json:
        body = ask.body
        code = self.kf.codes.get(body.text("code", need=True))
        if code is None or code.used or ask.now > code.until:
            raise refuse("code", "is unknown, used or expired")  # its own error code is UNCONFIRMED
        account = self.kf.account_for(ask, code.session.open_kfid)
        kind = check_kf_message(body, self.media, ask.corp.corpid)
        if kind not in code.types:
            raise ApiError(40008)
        if code.state is not None and code.session.state != code.state:
            raise ApiError(95018)
        msgid, repeated = self._msgid(account, body)
        if not repeated:
            code.used = True
            account.msgids.add(msgid)
            if code.state is None:
                code.session.welcomed_at = ask.now
            self._record(ask, account, code.session.external_userid, msgid, "send_msg_on_event")
        return ok(msgid=msgid)

    def _record(self, ask: Ask, account: KfAccount, touser: str, msgid: str, by: str) -> None:
        kind = ask.body.text("msgtype")
        sent = KfSent(ask.now, account.open_kfid, touser, msgid, kind, dict(ask.body.part(kind).data), by)
        self.kf.sent.append(sent)
        self.ground.tell()

    def _state(self, ask: Ask) -> Json:
        session = self._session(ask)
        return ok(service_state=session.state, servicer_userid=session.servicer)

    def _session(self, ask: Ask) -> Session:
        account = self.kf.account_for(ask, ask.body.text("open_kfid", need=True))
        session = account.session(ask.body.text("external_userid", need=True))
        self.kf.settle(session)
        return session

    def _trans(self, ask: Ask) -> Json:
        """wecom.md 6.3: which moves the API may make, and the code that two of them bring."""
        session = self._session(ask)
        account = self.kf.accounts[session.open_kfid]
        to = ask.body.number("service_state", most=4)
        servicer = ask.body.text("servicer_userid", need=to == HUMAN)
        if session.state == ENDED:
            raise ApiError(95013)
        allowed = {NEW: {ASSISTANT, POOL, HUMAN}, ASSISTANT: {POOL, HUMAN}, POOL: {HUMAN}, HUMAN: {HUMAN}}
        may = set(allowed[session.state])
        if session.state in self.ground.options.kf_end_by_api_from:
            may.add(ENDED)
        if to not in may or (session.state == to == HUMAN and servicer == session.servicer):
            raise ApiError(95016)
        if to == HUMAN:
            if servicer not in account.servicers:
                raise ApiError(95014)
            if account.servicers[servicer] != 0:
                raise ApiError(95019)
        code = ""
        before, session.state = session.state, to
        session.servicer = servicer if to == HUMAN else ""
        session.active_at = ask.now
        if to == POOL or (before == POOL and to == HUMAN):
            code = self.kf.new_code(session, IDLE, ("text",), to)
        elif to == ENDED:
            code = self.kf.new_code(session, WELCOME_SECONDS, ("text", "msgmenu"), ENDED)
        self.ground.tell()
        return ok(msg_code=code) if code else ok()


def check_kf_message(body: Fields, media: Media, owner: str) -> str:
    """wecom.md 6.2: types and lengths."""
    kind = body.text("msgtype", need=True)
    if kind not in ("text", *MEDIA, "link", "miniprogram", "msgmenu", "location"):
        raise ApiError(40008)
    part = body.part(kind, need=True)
    if kind == "text":
        if not part.text("content", bytes_most=2048):
            raise ApiError(44004)
    elif kind in MEDIA:
        media.find(part.text("media_id", need=True), owner, kind)
    elif kind == "link":
        part.text("title", need=True, bytes_most=128)
        part.text("desc", bytes_most=512)
        part.text("url", need=True, bytes_most=2048)
        media.find(part.text("thumb_media_id", need=True), owner, "image")
    elif kind == "miniprogram":
        part.text("title", bytes_most=64)
        for key in ("appid", "pagepath"):
            part.text(key, need=True)
        media.find(part.text("thumb_media_id", need=True), owner, "image")
    elif kind == "msgmenu":
        _check_menu(part)
    return kind


def _check_menu(menu: Fields) -> None:
    menu.text("head_content", bytes_most=1024)
    menu.text("tail_content", bytes_most=1024)
    for item in menu.parts("list", most=10):
        kind = item.text("type", need=True)
        inner = item.part(kind, need=True)
        if kind == "click":
            inner.text("id", need=True, bytes_most=64)
            inner.text("content", need=True, bytes_most=128)
        elif kind == "view":
            inner.text("url", need=True, bytes_most=2048)
            inner.text("content", need=True, bytes_most=1024)
        elif kind == "miniprogram":
            inner.text("appid", need=True, bytes_most=32)
            inner.text("pagepath", need=True)
            inner.text("content", need=True, bytes_most=1024)
        elif kind != "text":  # exists in later pages (UNCONFIRMED): accepted
            raise refuse(item.name("type"), "is unknown")
