"""微信客服: automatic 1:1 talk with WeChat customers. Pulls messages by cursor, answers within 48 h and 5 lines."""

import asyncio
import hashlib
import logging
from datetime import UTC, datetime
from typing import Any

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wecom.callback import Document
from bot.channels.wecom.client import Api
from bot.channels.wecom.codes import Codes
from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.errcodes import TABLE, ApiRefused, Uncertain
from bot.channels.wecom.findings import Finding, failed, fine
from bot.channels.wecom.inbox import Inbox, persist
from bot.channels.wecom.kf_session import BOT, ENDED, FAILURES, HUMAN, POOL, KfNotice, KfNoticed, Sessions
from bot.channels.wecom.payload import Node, excess, parse_xml, plain_id, text_at
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.settings import KfSettings
from bot.errors import ChannelError, Refused, Retryable
from bot.events import ContactAdded, Event, MessageReceived

log = logging.getLogger("yuanzi.wecom")

CUSTOMER, SYSTEM = 3, 4
MAX_EMPTY = 200
NAME_LONGEST = 64
FOREVER = 10**9
"""What was announced but cannot be pulled yet stays announced."""
FORMS = {"image": "picture", "voice": "voice", "video": "video", "file": "file", "link": "link"}


class KfWire:
    """One customer-service account. Give its inbox every callback that `wants` says yes to."""

    def __init__(
        self, settings: KfSettings, *, api: Api, inbox: Inbox, ports: Ports, noticed: KfNoticed | None = None
    ) -> None:
        self.name = settings.name
        self.abilities = Abilities(
            hears="direct",
            speaks="answer",
            joins=False,
            mention=False,
            pictures=True,
            max_bytes=BYTES["kf.text"],
            idempotent=True,
            in_flight=4,
        )
        self.pace = Pace()
        self.inbox = inbox
        self.sessions = Sessions(settings, api, ports)
        self._settings = settings
        self._api = api
        self._clock = ports.clock
        self._memory = ports.memory
        self._codes = Codes(self.name, ports.memory, ports.clock)
        self._noticed = noticed
        self._lock = asyncio.Lock()

    def wants(self, document: Document) -> bool:
        if not isinstance(document, Node) or document.word("Event") != "kf_msg_or_event":
            return False
        return document.word("OpenKfId") == self._settings.open_kfid

    async def run(self, hear: Hear) -> None:
        await self._since()
        if self._settings.sync_at_start:
            await persist(self.name, self._clock, lambda: self.sync(hear), tries=FOREVER)
        while True:
            parcels = [await self.inbox.take(), *self.inbox.take_waiting()]
            token = parse_xml(parcels[-1].body.encode()).word("Token")
            await persist(self.name, self._clock, lambda key=token: self.sync(hear, key), tries=FOREVER)  # type: ignore[misc]
            await asyncio.gather(*(self.inbox.done(parcel) for parcel in parcels))  # one commit for all

    async def close(self) -> None:
        """Nothing is held."""

    # ---- hearing -------------------------------------------------------------------------------------------------

    async def sync(self, hear: Hear, token: str = "") -> None:
        """Pulls until nothing is left. One at a time; the cursor moves only after a page has been heard whole."""
        async with self._lock:
            empty = 0
            while empty < MAX_EMPTY:
                cursor = await self._memory.get(f"{self.name}/cursor") or ""
                answer = await self._pull(cursor, token)
                found = answer.get("msg_list")
                messages = [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []
                since = await self._since() if not cursor or await self._replaying() else 0.0
                for message in messages:
                    await self._one(message, since, hear)
                following = text_at(answer, "next_cursor")
                if following and following != cursor:
                    await self._memory.put(f"{self.name}/cursor", following)
                if answer.get("has_more") != 1:
                    await self._memory.put(f"{self.name}/replayed", "yes")
                    return
                empty = 0 if messages else empty + 1
            raise Retryable("sync_msg says there is more, but sends nothing", 30.0)

    async def _pull(self, cursor: str, token: str) -> dict[str, Any]:
        body: dict[str, Any] = {"open_kfid": self._settings.open_kfid, "limit": self._settings.limit}
        body |= {"cursor": cursor} if cursor else {}
        if token:
            try:
                return await self._api.call("kf/sync_msg", {**body, "token": token}, again=True)
            except ApiRefused as error:
                if error.code != 95007:
                    raise  # an old token: without one it is only slower
        return await self._api.call("kf/sync_msg", body, again=True)

    async def _since(self) -> float:
        """When this account was first run: what is older is history."""
        stored = await self._memory.get(f"{self.name}/since")
        if not stored:
            stored = str(int(self._clock.now().timestamp()))
            await self._memory.put(f"{self.name}/since", stored)
        return float(stored)

    async def _replaying(self) -> bool:
        return not await self._memory.get(f"{self.name}/replayed")

    async def _one(self, message: dict[str, Any], since: float, hear: Hear) -> None:
        sent = message.get("send_time")
        if not isinstance(sent, int) or not 0 <= sent < 10**11 or sent < since:
            return
        try:
            at = datetime.fromtimestamp(sent, UTC)
            message_id = plain_id(text_at(message, "msgid"), "msgid")
            if text_at(message, "msgtype") == "event":
                event = await self._event(message, message_id, at)
            elif message.get("origin") == CUSTOMER:
                event = await self._message(message, message_id, at)
            else:
                event = None  # what staff type in their client is theirs
        except Garbled as error:
            log.warning("wecom %s: a message was not understood: %s", self.name, error)
            return
        if event is not None:
            await hear(event)

    async def _message(self, message: dict[str, Any], message_id: str, at: datetime) -> Event:
        member = plain_id(text_at(message, "external_userid"), "external_userid")
        await self.sessions.customer_wrote(member, message_id, at)
        kind = text_at(message, "msgtype")
        text = text_at(message, kind, "content") or text_at(message, kind, "title") or text_at(message, kind, "name")
        media = text_at(message, kind, "media_id") or text_at(message, kind, "url")
        form = "text" if kind == "text" else FORMS.get(kind, kind or "other")
        event_id = f"{self.name}:{message_id}"
        name = await self._name(member)
        return MessageReceived(
            id=event_id, at=at, channel=self.name, member=member, name=name, text=text, form=form, media=media
        )

    async def _event(self, message: dict[str, Any], message_id: str, at: datetime) -> Event | None:
        kind = text_at(message, "event", "event_type")
        member = text_at(message, "event", "external_userid")
        if kind == "servicer_status_change":
            return None
        member = plain_id(member, "external_userid")
        if kind == "enter_session":
            return await self._entered(message["event"], message_id, member, at)
        if kind == "session_status_change":
            await self._session_changed(message["event"], member, at)
        elif kind == "msg_send_fail":
            failure = message["event"].get("fail_type")
            detail = FAILURES.get(failure, "unknown") if isinstance(failure, int) else "unknown"
            log.warning("wecom %s: a line was accepted but not delivered: %s", self.name, detail)
            await self._notice(KfNotice("send_failed", member, at, detail, text_at(message, "event", "fail_msgid")))
        elif kind == "user_recall_msg":
            await self._notice(KfNotice("recalled", member, at, "", text_at(message, "event", "recall_msgid")))
        elif kind == "reject_customer_msg_switch_change":
            await self._notice(KfNotice("muted", member, at, str(message["event"].get("reject_switch", ""))))
        return None

    async def _entered(self, event: dict[str, Any], message_id: str, member: str, at: datetime) -> Event | None:
        """A customer opened the chat. With a welcome code (first time in 48 h) they are news to the house."""
        code = text_at(event, "welcome_code")
        if not code:
            return None
        await self._codes.keep(member, code, kind="welcome", at=at, life=self._settings.code_life)
        source = ":".join(part for part in (text_at(event, "scene"), text_at(event, "scene_param")) if part)
        event_id = f"{self.name}:{message_id}"
        name = await self._name(member)
        return ContactAdded(id=event_id, at=at, channel=self.name, member=member, name=name, source=source)

    async def _name(self, member: str) -> str:
        """The nickname, asked once per customer; without an answer in time the talk goes on without it."""
        key = f"{self.name}/name/{member}"
        known = await self._memory.get(key)
        if known or not self._settings.names:
            return known or ""
        try:
            async with asyncio.timeout(self._settings.name_deadline):
                answer = await self._api.call("kf/customer/batchget", {"external_userid_list": [member]}, again=True)
        except (ChannelError, TimeoutError):
            return ""
        found = answer.get("customer_list")
        name = text_at(found[0], "nickname")[:NAME_LONGEST] if isinstance(found, list) and found else ""
        if name:
            await self._memory.put(key, name)
        return name

    async def _session_changed(self, event: dict[str, Any], member: str, at: datetime) -> None:
        change = event.get("change_type")
        await self.sessions.changed(member, {1: HUMAN, 2: HUMAN, 3: ENDED, 4: HUMAN}.get(change or 0, BOT))
        code = text_at(event, "msg_code")
        if code and change == 3:
            await self._codes.keep(member, code, kind="end", at=at, life=self._settings.code_life)
        await self._notice(KfNotice("session", member, at, str(change)))

    async def _notice(self, notice: KfNotice) -> None:
        if self._noticed is not None:
            await self._noticed(notice)

    # ---- speaking ------------------------------------------------------------------------------------------------

    async def send(self, line: Line) -> Receipt:
        if line.group is not None or line.member is None:
            raise Refused("customer service talks to one customer at a time")
        if excess(line.text, self.abilities.max_bytes):
            raise Refused(f"longer than {self.abilities.max_bytes} bytes")
        content: dict[str, Any] = {"msgtype": "text", "text": {"content": line.text}}
        message_id = msgid_for(line.key)
        try:
            receipt = None if line.picture else await self._by_code(line.member, content, message_id)
            if receipt is not None:
                return receipt
            if line.picture:
                return await self._with_picture(line, line.member, content, message_id)
            return await self._by_turn(line.member, content, message_id)
        except Uncertain as error:
            return Receipt("unknown", platform_id=message_id, error=str(error))

    async def _by_code(self, member: str, content: dict[str, Any], message_id: str) -> Receipt | None:
        code = await self._codes.spend(member)
        if code is None:
            return None
        try:
            answer = await self._api.call("kf/send_msg_on_event", {"code": code.value, "msgid": message_id, **content})
        except (Retryable, Uncertain):
            await self._codes.give_back(member, code)  # a code works once, so trying it again is harmless
            raise
        except Refused:
            return None  # too late for the code; the turn may still allow it
        return Receipt(platform_id=text_at(answer, "msgid") or message_id)

    async def _with_picture(self, line: Line, member: str, content: dict[str, Any], message_id: str) -> Receipt:
        media = await self._api.upload("image", line.picture)
        picture = {"msgtype": "image", "image": {"media_id": media}}
        receipt = await self._by_turn(member, picture, msgid_for(f"{line.key}/picture"))
        return await self._by_turn(member, content, message_id) if line.text else receipt

    async def _by_turn(self, member: str, content: dict[str, Any], message_id: str) -> Receipt:
        again = await self.sessions.may_speak(member, message_id)
        body = {"touser": member, "open_kfid": self._settings.open_kfid, "msgid": message_id, **content}
        try:
            answer = await self._api.call("kf/send_msg", body)
        except ApiRefused as error:
            if error.code in self._settings.repeated_msgid_codes:
                return Receipt(platform_id=message_id)
            if again and error.code not in TABLE:
                return Receipt("unknown", platform_id=message_id, error=str(error))  # maybe: "this msgid was sent"
            await self.sessions.refused(member, message_id, error.code)
            raise
        except Retryable:
            await self.sessions.refused(member, message_id, 0)
            raise
        return Receipt(platform_id=text_at(answer, "msgid") or message_id)

    async def hand_over(self, member: str, servicer: str = "", *, text: str = "") -> None:
        """To a person by userid, or into the pool. `text` is said with the code that comes back, if one does."""
        state = HUMAN if servicer else POOL
        code = await self.sessions.move(member, state, servicer)
        if code and text:
            content = {"msgtype": "text", "text": {"content": text}}
            await self._api.call("kf/send_msg_on_event", {"code": code, **content})

    async def take_back(self, member: str, *, text: str = "") -> None:
        """Ends the person's session; the customer's next message is the bot's. `text` is said at the end."""
        code = await self.sessions.move(member, ENDED)
        if code and text:
            content = {"msgtype": "text", "text": {"content": text}}
            await self._api.call("kf/send_msg_on_event", {"code": code, **content})

    async def diagnose(self) -> list[Finding]:
        """Token, address list, and whether the app may speak for this account."""
        item = f"微信客服 {self.name}"
        try:
            answer = await self._api.call("kf/account/list", {"offset": 0, "limit": 100}, again=True)
        except ChannelError as error:
            return [failed(item, error)]
        accounts = answer.get("account_list")
        mine = [a for a in accounts if text_at(a, "open_kfid") == self._settings.open_kfid] if accounts else []
        if not mine:
            step = "管理后台 > 微信客服 > 可调用接口的应用，勾选该应用并选择客服账号；核对 open_kfid"
            return [Finding("error", item, "应用看不到这个客服账号", step)]
        if mine[0].get("manage_privilege") is False:
            step = "管理后台 > 微信客服 > 通过 API 管理微信客服账号，选择该应用"
            return [Finding("error", item, "客服账号没有交给 API 管理，发不出消息", step)]
        return [fine(item, f"客服账号“{text_at(mine[0], 'name')}”可用")]


def msgid_for(key: str) -> str:
    """A msgid the platform takes (32 of [0-9a-zA-Z_-]), the same for the same line."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
