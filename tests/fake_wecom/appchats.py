"""App group chats: internal groups that an app makes and alone may write to (wecom.md 3.3)."""

import re
from dataclasses import dataclass, field

from tests.fake_wecom.app_messages import check_payload
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import refuse
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Ask
from tests.fake_wecom.windows import Windows

CHATID = re.compile(r"[0-9A-Za-z]{1,32}")


@dataclass
class AppChat:
    chatid: str
    name: str
    owner: str
    people: list[str]
    corpid: str
    agentid: int


@dataclass(frozen=True)
class ChatMessage:
    at: float
    chatid: str
    msgtype: str
    body: Json
    delivered: list[str]


@dataclass
class AppChats:
    ground: Ground
    media: Media
    chats: dict[str, AppChat] = field(default_factory=dict)
    sent: list[ChatMessage] = field(default_factory=list)
    _creations: Windows = field(default_factory=lambda: Windows(((1000, 86400),)))  # wecom.md 3.3: 1000 groups/day
    _updates: Windows = field(default_factory=lambda: Windows(((1000, 3600),)))  # wecom.md 3.3: 1000/h
    _per_member: Windows = field(default_factory=lambda: Windows(((200, 60), (10_000, 86400))))  # wecom.md 3.3
    _per_corp: Windows | None = None

    def calls(self) -> list[Call]:
        return [
            Call("POST", "appchat/create", self._create, "message"),
            Call("POST", "appchat/update", self._update, "message"),
            Call("GET", "appchat/get", self._get, "message"),
            Call("POST", "appchat/send", self._send, "message"),
        ]

    def _create(self, ask: Ask) -> Json:
        body = ask.body
        if ask.app.scope is not None:
            raise ApiError(60011)  # wecom.md 3.3: the app must be visible to the root department
        people = body.texts("userlist", most=2000)
        if len(set(people)) < 2:
            raise refuse("userlist", "size out of range 2-2000")
        if any(who not in ask.corp.members for who in people):
            raise ApiError(40031)  # external contacts cannot be added either
        owner = body.text("owner") or people[0]
        if owner not in people:
            raise refuse("owner", "is not in userlist")
        chatid = body.text("chatid") or self.ground.luck.word("", 32)
        if not CHATID.fullmatch(chatid) or chatid in self.chats:
            raise ApiError(40050)
        if not self._creations.take(ask.corp.corpid, ask.now):
            raise ApiError(45009)
        name = body.text("name")[:50]  # wecom.md 3.3: <= 50 chars, cut
        self.chats[chatid] = AppChat(chatid, name, owner, people, ask.corp.corpid, ask.app.agentid)
        return ok(chatid=chatid)

    def _chat(self, ask: Ask, chatid: str) -> AppChat:
        chat = self.chats.get(chatid)
        if chat is None or chat.corpid != ask.corp.corpid:
            raise ApiError(86003)
        if chat.agentid != ask.app.agentid:
            raise ApiError(86008)
        return chat

    def _update(self, ask: Ask) -> Json:
        body = ask.body
        chat = self._chat(ask, body.text("chatid", need=True))
        if not self._updates.take(ask.corp.corpid, ask.now):
            raise ApiError(45009)
        add, remove = body.texts("add_user_list"), body.texts("del_user_list")
        if any(who not in ask.corp.members for who in add):
            raise ApiError(40031)
        chat.people = [who for who in dict.fromkeys(chat.people + add) if who not in remove]
        chat.name, chat.owner = body.text("name")[:50] or chat.name, body.text("owner") or chat.owner
        return ok()

    def _get(self, ask: Ask) -> Json:
        chat = self._chat(ask, ask.query.get("chatid", ""))
        info: Json = {"chatid": chat.chatid, "name": chat.name, "owner": chat.owner, "userlist": list(chat.people)}
        return ok(chat_info=info)

    def _send(self, ask: Ask) -> Json:
        chat = self._chat(ask, ask.body.text("chatid", need=True))
        shown = check_payload(ask.body, self.media, ask.corp.corpid)
        ask.body.flag("safe")
        if self._per_corp is None:
            # wecom.md 3.3: person-times per minute, and per hour by corp size
            self._per_corp = Windows(((20_000, 60), (self.ground.options.appchat_people_per_hour, 3600)))
        if not self._per_corp.take(ask.corp.corpid, ask.now, len(chat.people)):
            raise ApiError(45009)
        got = [who for who in chat.people if self._per_member.take(f"{ask.corp.corpid} {who}", ask.now)]
        self.sent.append(ChatMessage(ask.now, chat.chatid, ask.body.text("msgtype"), shown, got))
        self.ground.tell()
        return ok()
