"""微信客服: the customer's side, the callback without content, sync_msg, accounts (wecom.md 6.1, 6.4)."""

from dataclasses import dataclass, field
from itertools import takewhile

from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import refuse
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.kf_records import ASSISTANT, ENDED, HUMAN, NEW, POOL, EventCode, KfAccount, KfSent, Session
from tests.fake_wecom.pusher import Pusher
from tests.fake_wecom.records import Ask
from tests.fake_wecom.windows import Windows

GRANT = "kf"
HISTORY = 3 * 86400  # wecom.md 6.1: the oldest of the last 3 days
TOKEN_SECONDS = 600  # wecom.md 6.1: the callback's token is valid 10 min
IDLE = 48 * 3600  # wecom.md 6.3: a session lasts until 48 h idle
WELCOME_SECONDS = 20  # wecom.md 6.2
CURSOR = "kfcur"


@dataclass
class Kf:
    ground: Ground
    pusher: Pusher
    accounts: dict[str, KfAccount] = field(default_factory=dict)
    codes: dict[str, EventCode] = field(default_factory=dict)
    sent: list[KfSent] = field(default_factory=list)
    empty_pages: int = 0
    """The next sync_msg answers come empty with has_more=1 (wecom.md 6.1): clients must keep looping."""
    _bare_syncs: Windows | None = None

    def calls(self) -> list[Call]:
        return [
            Call("POST", "kf/sync_msg", self._sync, GRANT),
            Call("GET", "kf/account/list", self._accounts, GRANT),
            Call("POST", "kf/account/list", self._accounts, GRANT),
            Call("GET", "kf/servicer/list", self._servicers, GRANT),
            Call("POST", "kf/add_contact_way", self._contact_way, GRANT),
            Call("POST", "kf/customer/batchget", self._customers, GRANT),
        ]

    # -- what people do (control) --------------------------------------------------------------------------------

    def add_account(self, name: str, servicers: list[str] | None = None, open_kfid: str = "", corpid: str = "") -> str:
        corp = self.ground.corp(corpid)
        kfid = open_kfid or self.ground.luck.word("wk", 30)  # wecom.md 0 "id prefixes"
        self.accounts[kfid] = KfAccount(kfid, name, corp.corpid, dict.fromkeys(servicers or [], 0))
        return kfid

    def enter(self, open_kfid: str, external_userid: str, scene: str = "", scene_param: str = "") -> str:
        """The customer opens the chat. A welcome code comes only if none in 48 h and they have not written."""
        account, now = self.accounts[open_kfid], self.ground.clock()
        session = account.session(external_userid)
        event: Json = {"event_type": "enter_session", "scene": scene, "scene_param": scene_param}
        fresh = session.welcomed_at is None or now - session.welcomed_at > IDLE
        unwritten = session.spoke_at is None or now - session.spoke_at > IDLE
        code = ""
        if fresh and unwritten:
            code = self.new_code(session, WELCOME_SECONDS, ("text", "msgmenu"), None)
            event["welcome_code"] = code
        self.add_event(account, external_userid, event)
        return code

    def say(self, open_kfid: str, external_userid: str, content: str = "", msg: Json | None = None) -> str:
        """The customer writes: text, or any payload with its msgtype (`{"msgtype": "image", "image": {...}}`)."""
        account, now = self.accounts[open_kfid], self.ground.clock()
        session = account.session(external_userid)
        self.settle(session)
        if session.state == ENDED:
            session.state, session.servicer = NEW, ""  # wecom.md 6.3: customer message -> 0
        session.spoke_at = session.active_at = now
        session.answers = 0
        payload = msg or {"msgtype": "text", "text": {"content": content}}
        msgid = self.ground.luck.word("", 32)
        head: Json = {"msgid": msgid, "open_kfid": open_kfid, "external_userid": external_userid}
        head |= {"send_time": int(now), "origin": 3}  # wecom.md 6.1: 3 customer
        self._append(account, {**head, **payload})
        return msgid

    def say_as_servicer(self, open_kfid: str, external_userid: str, servicer_userid: str, content: str) -> str:
        """A person answers in the WeCom client: origin 5."""
        account, msgid = self.accounts[open_kfid], self.ground.luck.word("", 32)
        account.session(external_userid).active_at = self.ground.clock()
        row: Json = {"msgid": msgid, "open_kfid": open_kfid, "external_userid": external_userid}
        row |= {"send_time": int(self.ground.clock()), "origin": 5, "servicer_userid": servicer_userid}
        self._append(account, {**row, "msgtype": "text", "text": {"content": content}})
        return msgid

    def change_by_servicer(
        self, open_kfid: str, external_userid: str, change_type: int, servicer_userid: str = ""
    ) -> str:
        """wecom.md 6.1: 1 taken from pool, 2 transferred, 3 ended, 4 re-opened; a code comes with 1 and 3."""
        account = self.accounts[open_kfid]
        session = account.session(external_userid)
        old, session.servicer = session.servicer, "" if change_type == 3 else servicer_userid
        session.state = ENDED if change_type == 3 else HUMAN
        session.active_at = self.ground.clock()
        event: Json = {"event_type": "session_status_change", "change_type": change_type}
        event |= {"old_servicer_userid": old, "new_servicer_userid": session.servicer}
        code = ""
        if change_type == 1:
            code = self.new_code(session, IDLE, ("text",), HUMAN)
        elif change_type == 3:
            code = self.new_code(session, WELCOME_SECONDS, ("text", "msgmenu"), ENDED)
        if code:
            event["msg_code"] = code
        self.add_event(account, external_userid, event)
        return code

    def set_servicer(self, open_kfid: str, servicer_userid: str, status: int) -> None:
        """A person starts (0 in lists, 1 in the event) or stops (1 and 2) receiving; the event tells (wecom.md 6.1)."""
        account = self.accounts[open_kfid]
        account.servicers[servicer_userid] = status
        event: Json = {"event_type": "servicer_status_change", "servicer_userid": servicer_userid}
        event |= {"status": 1 if status == 0 else 2, "open_kfid": open_kfid}
        self.add_event(account, "", event)

    def recall(self, open_kfid: str, external_userid: str, msgid: str) -> None:
        event: Json = {"event_type": "user_recall_msg", "recall_msgid": msgid}
        self.add_event(self.accounts[open_kfid], external_userid, event)

    # -- shared with the sending side ----------------------------------------------------------------------------

    def account_for(self, ask: Ask, open_kfid: str) -> KfAccount:
        account = self.accounts.get(open_kfid)
        if account is None or account.corpid != ask.corp.corpid:
            raise ApiError(95000)
        if account.granted is not None and ask.app.agentid not in account.granted:
            raise ApiError(48007)
        return account

    def settle(self, session: Session) -> None:
        """wecom.md 6.3: a session ends after 48 h without a word."""
        if session.state in (NEW, ASSISTANT, POOL, HUMAN) and self.ground.clock() - session.active_at > IDLE:
            session.state, session.servicer = ENDED, ""

    def new_code(self, session: Session, seconds: float, types: tuple[str, ...], state: int | None) -> str:
        code = self.ground.luck.word("kfcode_", 40)
        self.codes[code] = EventCode(session, self.ground.clock() + seconds, types, state)
        return code

    def add_event(self, account: KfAccount, external_userid: str, event: Json) -> None:
        """wecom.md 6.1: the outer open_kfid and external_userid are absent; they stand inside `event`."""
        inner = {**event, "open_kfid": account.open_kfid}
        if external_userid:
            inner["external_userid"] = external_userid
        row: Json = {"msgid": self.ground.luck.word("", 32), "send_time": int(self.ground.clock()), "origin": 4}
        self._append(account, {**row, "msgtype": "event", "event": inner})

    def _append(self, account: KfAccount, message: Json) -> None:
        """Every message fires its own callback, which carries only a token (wecom.md 6.1)."""
        account.messages.append(message)
        now = self.ground.clock()
        while account.tokens and (oldest := next(iter(account.tokens))) and account.tokens[oldest] <= now:
            del account.tokens[oldest]
        token = self.ground.luck.word("ENC", 60)
        account.tokens[token] = now + TOKEN_SECONDS
        fields: Json = {"MsgType": "event", "Event": "kf_msg_or_event", "Token": token, "OpenKfId": account.open_kfid}
        self.pusher.tell_apps(self.ground.corp(account.corpid), GRANT, fields)
        self.ground.tell()

    # -- REST ----------------------------------------------------------------------------------------------------

    def _sync(self, ask: Ask) -> Json:
        body = ask.body
        cursor, token = body.text("cursor", bytes_most=64), body.text("token", bytes_most=128)
        limit = body.number("limit", 1000, least=1, most=1000)
        body.number("voice_format", 0, most=1)
        account = self.account_for(ask, body.text("open_kfid", need=True))
        if token:
            if account.tokens.get(token, 0) <= ask.now:
                raise ApiError(95007)
        else:
            if self._bare_syncs is None:
                self._bare_syncs = Windows(((self.ground.options.kf_syncs_without_token_per_minute, 60),))
            if not self._bare_syncs.take(account.open_kfid, ask.now):
                raise ApiError(45009)
        old = sum(1 for _ in takewhile(lambda row: row["send_time"] <= ask.now - HISTORY, account.messages))
        del account.messages[:old]
        account.dropped += old
        start = max(self._position(account, cursor) - account.dropped, 0)
        if self.empty_pages > 0:
            self.empty_pages -= 1
            return ok(next_cursor=f"{CURSOR}{start + account.dropped}", has_more=1, msg_list=[])
        rows = account.messages[start : start + limit]
        stop = start + len(rows)
        more = int(stop < len(account.messages))
        return ok(next_cursor=f"{CURSOR}{stop + account.dropped}", has_more=more, msg_list=rows)

    def _position(self, account: KfAccount, cursor: str) -> int:
        if not cursor:
            return 0
        digits = cursor.removeprefix(CURSOR)
        if digits == cursor or not digits.isdecimal() or int(digits) > account.dropped + len(account.messages):
            raise refuse("cursor", "is invalid")
        return int(digits)

    def _accounts(self, ask: Ask) -> Json:
        mine = [
            {"open_kfid": one.open_kfid, "name": one.name, "avatar": "", "manage_privilege": one.api_managed}
            for one in self.accounts.values()
            if one.corpid == ask.corp.corpid and (one.granted is None or ask.app.agentid in one.granted)
        ]
        offset = ask.body.number("offset", 0)
        return ok(account_list=mine[offset : offset + ask.body.number("limit", 100, least=1, most=100)])

    def _servicers(self, ask: Ask) -> Json:
        account = self.account_for(ask, ask.query.get("open_kfid", ""))
        return ok(servicer_list=[{"userid": who, "status": status} for who, status in account.servicers.items()])

    def _contact_way(self, ask: Ask) -> Json:
        account = self.account_for(ask, ask.body.text("open_kfid", need=True))
        scene = ask.body.text("scene", bytes_most=32)
        if not all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in scene):
            raise refuse("scene", "has other characters than 0-9a-zA-Z_-")
        return ok(url=f"https://work.weixin.qq.com/kf/{account.open_kfid}?enc_scene={scene}")

    def _customers(self, ask: Ask) -> Json:
        known = {who for account in self.accounts.values() for who in account.sessions}
        wanted = ask.body.texts("external_userid_list", need=True)
        found = [
            {"external_userid": who, "nickname": who[:8], "avatar": "", "gender": 0} for who in wanted if who in known
        ]
        return ok(customer_list=found, invalid_external_userid=[who for who in wanted if who not in known])
