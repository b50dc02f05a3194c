"""AI bots: who may talk to them, and the messages and events that people cause (wecom.md 7.0 - 7.2)."""

import base64
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tests.fake_wecom import crypto
from tests.fake_wecom.bot_records import BLOB_SECONDS, RESPONSE_URL_SECONDS, Blob, Bot, BotSent, Open
from tests.fake_wecom.bot_rules import check_content, check_feedback
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import Fields
from tests.fake_wecom.ground import Ground
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Callback
from tests.fake_wecom.windows import Window, Windows

ONLY_SINGLE = ("image", "voice", "file", "video")  # wecom.md 7.1: not delivered from groups


class Road(Protocol):
    """How callbacks reach a bot: a WebSocket or its URL."""

    def carry(self, bot: Bot, opened: Open, body: Json) -> str:
        """Sends it on its way; a non-empty answer says why it cannot be delivered."""


@dataclass
class Bots:
    ground: Ground
    media: Media
    bots: dict[str, Bot] = field(default_factory=dict)
    sent: list[BotSent] = field(default_factory=list)
    blobs: dict[str, Blob] = field(default_factory=dict)
    roads: dict[str, Road] = field(default_factory=dict)
    external_groups: set[str] = field(default_factory=set)
    _response_codes: dict[str, tuple[str, Open]] = field(default_factory=dict)

    # -- console (control) ---------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        *,
        secret: str = "",
        bot_id: str = "",
        mode: Literal["ws", "url"] = "ws",
        visible: list[str] | None = None,
        corpid: str = "",
    ) -> Json:
        luck, options = self.ground.luck, self.ground.options
        corp = self.ground.corp(corpid)
        bot = Bot(bot_id or luck.word("aib", 32), secret or luck.word("", 43), name, corp.corpid, mode)
        bot.visible = None if visible is None else set(visible)
        bot.chat_windows = Windows(((options.bot_per_minute, 60), (options.bot_per_hour, 3600)))  # wecom.md 7.5
        bot.subscribes = Window(options.ws_subscribes_per_minute, 60)
        self.bots[bot.bot_id] = bot
        return {"bot_id": bot.bot_id, "secret": bot.secret}

    def set_callback(self, bot_id: str, url: str, token: str, aes_key: str) -> None:
        """URL mode, which switches the long connection off (wecom.md 7.0: mutually exclusive)."""
        bot = self.bots[bot_id]
        bot.callback, bot.mode = Callback(url, token, aes_key), "url"

    def add_to_group(self, bot_id: str, chatid: str) -> None:
        """Internal groups only: an external group refuses (wecom.md 7.0, 10 item 13)."""
        corp = self.ground.corp(self.bots[bot_id].corpid)
        if chatid in corp.groups:
            raise ApiError(90501, "aibot cannot be added to an external group")
        self.bots[bot_id].groups.add(chatid)

    # -- what people do (control) --------------------------------------------------------------------------------

    def say(
        self,
        bot_id: str,
        userid: str,
        content: str = "",
        *,
        chatid: str = "",
        mention: bool = True,
        msg: Json | None = None,
        quote: Json | None = None,
        msgid: str = "",
    ) -> Json:
        """A member writes; in a group only with an @, which stays in the text (wecom.md 7.0, 7.1)."""
        bot, now = self.bots[bot_id], self.ground.clock()
        text = f"@{bot.name} {content}" if chatid and mention and f"@{bot.name}" not in content else content
        payload = msg or {"msgtype": "text", "text": {"content": text}}
        why = self._unheard(bot, userid, chatid, mention=mention, kind=str(payload["msgtype"]))
        if why:
            return {"msgid": "", "delivered": False, "why": why}
        bot.spoken_in.add(chatid or userid)
        opened = Open("message", msgid or self.ground.luck.word("", 32), chatid or userid, userid, now)
        body = self._frame(bot, opened, chatid)
        if quote:
            body["quote"] = quote
        return self._carry(bot, opened, {**body, **payload})

    def say_media(self, bot_id: str, userid: str, kind: str, data: str) -> Json:
        """A picture or file (base64) as an encrypted blob behind a URL that lives 5 minutes (wecom.md 7.1)."""
        bot, luck = self.bots[bot_id], self.ground.luck
        own_key = bot.callback.aes_key if bot.mode == "url" and bot.callback else ""
        key = crypto.key_bytes(own_key) if own_key else luck.draw(32)
        name = luck.word("", 24)
        sealed = crypto.seal_media(key, base64.b64decode(data))
        self.blobs[name] = Blob(sealed, self.ground.clock() + BLOB_SECONDS)
        part: Json = {"url": f"{self.ground.base_url}/_blob/{name}"}
        if not own_key:
            part["aeskey"] = base64.b64encode(key).decode().rstrip("=")  # wecom.md 7.1: padding may be missing
        return self.say(bot_id, userid, msg={"msgtype": kind, kind: part})

    def enter(self, bot_id: str, userid: str) -> Json:
        """The member opens the 1:1 chat: an event on the first time of a day (wecom.md 7.2)."""
        bot, now = self.bots[bot_id], self.ground.clock()
        today = int((now + 8 * 3600) // 86400)
        if bot.entered.get(userid) == today or not bot.sees(userid):
            return {"msgid": "", "delivered": False, "why": "not the first entry of the day"}
        bot.entered[userid] = today
        return self._event(bot, userid, "", "enter_chat", more={})

    def click(
        self,
        bot_id: str,
        userid: str,
        task_id: str,
        *,
        event_key: str = "",
        chatid: str = "",
        card_type: str = "button_interaction",
        selected: list[Json] | None = None,
    ) -> Json:
        """A member uses a card. selected: [{question_key, option_ids}] (wecom.md 7.2)."""
        items = [
            {"question_key": item["question_key"], "option_ids": {"option_id": list(item["option_ids"])}}
            for item in selected or []
        ]
        inner: Json = {"card_type": card_type, "event_key": event_key, "task_id": task_id}
        inner["selected_items"] = {"selected_item": items}
        event: Json = {"template_card_event": inner}
        return self._event(self.bots[bot_id], userid, chatid, "template_card_event", more=event, task_id=task_id)

    def feedback(
        self,
        bot_id: str,
        userid: str,
        *,
        feedback_id: str,
        kind: int,
        content: str = "",
        reasons: list[int] | None = None,
    ) -> Json:
        """A thumb on an answer. What the type numbers mean is UNCONFIRMED (wecom.md 7.2)."""
        if kind not in self.ground.options.feedback_kinds:
            raise ValueError(f"feedback type {kind}")
        inner: Json = {"id": feedback_id, "type": kind, "content": content, "inaccurate_reason_list": reasons or []}
        return self._event(self.bots[bot_id], userid, "", "feedback_event", more={"feedback_event": inner})

    def _event(self, bot: Bot, userid: str, chatid: str, kind: str, *, more: Json, task_id: str = "") -> Json:
        opened = Open(kind, self.ground.luck.word("", 32), chatid or userid, userid, self.ground.clock(), task_id)
        body = self._frame(bot, opened, chatid)
        return self._carry(bot, opened, {**body, "msgtype": "event", "event": {"eventtype": kind, **more}})

    def _unheard(self, bot: Bot, userid: str, chatid: str, *, mention: bool, kind: str) -> str:
        """Why this message never reaches the bot; empty when it does."""
        most, now = self.ground.options.bot_in_flight, self.ground.clock()
        if not bot.sees(userid) or userid not in self.ground.corp(bot.corpid).members:
            return "not in the bot's visible range"
        if chatid and chatid not in bot.groups:
            return "the bot is not in this group"
        if chatid and not mention:
            return "not mentioned"
        if chatid and kind in ONLY_SINGLE:
            return f"{kind} only in single chats"
        if most is not None and bot.streaming(userid, now) >= most:
            return "too many messages in flight"
        return ""

    def _frame(self, bot: Bot, opened: Open, chatid: str) -> Json:
        """The common fields of wecom.md 7.1."""
        body: Json = {"msgid": opened.msgid, "aibotid": bot.bot_id, "chattype": "group" if chatid else "single"}
        if chatid:
            body["chatid"] = chatid
        body |= {"from": {"userid": opened.userid}, "create_time": int(opened.born)}
        code = self.ground.luck.word("", 40)
        self._response_codes[code] = (bot.bot_id, opened)
        body["response_url"] = f"{self.ground.base_url}/cgi-bin/aibot/response?response_code={code}"
        return body

    def _carry(self, bot: Bot, opened: Open, body: Json) -> Json:
        why = self.roads[bot.mode].carry(bot, opened, body)
        self.ground.tell()
        return {"msgid": opened.msgid, "delivered": not why, "why": why}

    # -- what the bot does ---------------------------------------------------------------------------------------

    def record(self, sent: BotSent) -> None:
        self.sent.append(sent)
        self.ground.tell()

    def respond_by_url(self, code: str, body: Fields) -> Json:
        """wecom.md 7.4: plain JSON, one call only, valid 1 hour; markdown or template_card."""
        known = self._response_codes.get(code)
        if known is None or self.ground.clock() - known[1].born > RESPONSE_URL_SECONDS:
            raise ApiError(self.ground.options.response_url_error)
        bot, opened = self.bots[known[0]], known[1]
        kind = check_content(bot, body, ("markdown", "template_card"), self.media)
        check_feedback(body.part(kind))
        del self._response_codes[code]
        shown = dict(body.part(kind).data)
        now = self.ground.clock()
        self.record(BotSent(now, bot.bot_id, opened.chat, "response_url", kind, shown, opened.msgid))
        return ok()

    def blob(self, name: str) -> bytes | None:
        blob = self.blobs.get(name)
        return blob.data if blob and self.ground.clock() <= blob.until else None
