"""A self-built app as a wire: 1:1 with members of the corp, group chats the app created, alerts to staff."""

from datetime import UTC, datetime
from typing import Any

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wecom.callback import Document
from bot.channels.wecom.cards import check_card
from bot.channels.wecom.client import Api
from bot.channels.wecom.errcodes import Uncertain
from bot.channels.wecom.findings import Finding, failed, fine
from bot.channels.wecom.inbox import Inbox, persist
from bot.channels.wecom.pacing import Windows
from bot.channels.wecom.payload import Node, cut, excess, parse_xml, plain_id, text_at
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.settings import MessageSettings
from bot.errors import ChannelError, Refused, Retryable
from bot.events import ContactAdded, Event, MessageReceived

MESSAGES = {
    "text": "text",
    "image": "picture",
    "voice": "voice",
    "video": "video",
    "location": "location",
    "link": "link",
}
HEARD_EVENTS = {"subscribe", "click"}


def wants(document: Document) -> bool:
    if not isinstance(document, Node):
        return False
    return document.word("MsgType") in MESSAGES or document.word("Event") in HEARD_EVENTS


class AppWire:
    """Hears members who write to the app; speaks to members (`message/send`) and app groups (`appchat/send`)."""

    def __init__(
        self, settings: MessageSettings, *, api: Api, agent_id: int, ports: Ports, inbox: Inbox | None = None
    ) -> None:
        self.name = settings.name
        self.abilities = Abilities(
            hears="direct", joins=False, mention=True, pictures=True, max_bytes=BYTES["app.text"], in_flight=4
        )
        self.pace = Pace()
        self.inbox = Inbox(settings.name, ports.memory) if inbox is None else inbox
        self._api = api
        self._agent_id = agent_id
        self._clock = ports.clock
        self._windows = Windows(settings.member_limits, ports.clock)

    async def run(self, hear: Hear) -> None:
        while True:
            parcel = await self.inbox.take()
            await persist(self.name, self._clock, lambda body=parcel.body: self._work(body, hear))  # type: ignore[misc]
            await self.inbox.done(parcel)

    async def close(self) -> None:
        """Nothing is held."""

    async def _work(self, body: str, hear: Hear) -> None:
        document = parse_xml(body.encode())
        member = plain_id(document.word("FromUserName"), "FromUserName")
        await hear(self._event(document, member))

    def _event(self, document: Node, member: str) -> Event:
        stamp = document.word("CreateTime")
        at = datetime.fromtimestamp(document.number("CreateTime") % 10**11, UTC)
        kind = document.word("MsgType")
        if kind == "event":
            name = document.word("Event")
            event_id = f"{self.name}:{name}:{member}:{stamp}:{cut(document.word('EventKey'), 64)}"
            if name == "subscribe":
                return ContactAdded(id=event_id, at=at, channel=self.name, member=member, source="subscribe")
            text = document.word("EventKey")
            return MessageReceived(id=event_id, at=at, channel=self.name, member=member, text=text, form="card")
        text = document.word("Content") or document.word("Label") or document.word("Title")
        media = document.word("MediaId") or document.word("Url")
        event_id = f"{self.name}:{document.number('MsgId') or f'{member}:{stamp}:{kind}'}"
        form = MESSAGES.get(kind, "other")
        return MessageReceived(id=event_id, at=at, channel=self.name, member=member, text=text, form=form, media=media)

    # ---- speaking ------------------------------------------------------------------------------------------------

    async def send(self, line: Line) -> Receipt:
        if excess(line.text, self.abilities.max_bytes):
            raise Refused(f"longer than {self.abilities.max_bytes} bytes")
        receipt = Receipt()
        if line.picture:
            media = await self._api.upload("image", line.picture)
            receipt = await self._say(line, {"msgtype": "image", "image": {"media_id": media}})
        if line.text:
            content: dict[str, Any] = {"content": line.text}
            if line.mentions and line.group is not None:
                content["mentioned_list"] = list(line.mentions)
            receipt = await self._say(line, {"msgtype": "text", "text": content})
        return receipt

    async def send_card(self, member: str, card: dict[str, Any]) -> Receipt:
        check_card(card)
        return await self._to_member(member, {"msgtype": "template_card", "template_card": card})

    async def alert(self, members: list[str], text: str) -> Receipt:
        """One message to several members of staff, cut to what the platform shows."""
        if not 0 < len(members) <= 1000:
            raise Refused("1 to 1000 receivers")
        content = {"content": cut(text, BYTES["app.text"])}
        return await self._to_member("|".join(members), {"msgtype": "text", "text": content})

    async def create_group(self, chat: str, name: str, members: list[str], owner: str = "") -> str:
        """A group chat of this app, internal members only; answers its chatid."""
        if not (chat.isascii() and chat.isalnum() and len(chat) <= 32) or not 2 <= len(members) <= 2000:
            raise Refused("chatid is 1 to 32 letters and digits; a group has 2 to 2000 members")
        body: dict[str, Any] = {"chatid": chat, "name": name[:50], "userlist": members}
        body |= {"owner": owner} if owner else {}
        return text_at(await self._api.call("appchat/create", body), "chatid") or chat

    async def recall(self, message: str) -> None:
        """Takes a message back, within 24 hours."""
        await self._api.call("message/recall", {"msgid": message}, again=True)

    async def _say(self, line: Line, content: dict[str, Any]) -> Receipt:
        if line.group is None:
            return await self._to_member(line.member or "", content)
        self._count(line.group)
        try:
            await self._api.call("appchat/send", {"chatid": line.group, "safe": 0, **content})
        except Uncertain as error:
            return Receipt("unknown", error=str(error))
        return Receipt()

    async def _to_member(self, member: str, content: dict[str, Any]) -> Receipt:
        if not member:
            raise Refused("neither a group nor a member to talk to")
        self._count(member)
        try:
            answer = await self._api.call("message/send", {"touser": member, "agentid": self._agent_id, **content})
        except Uncertain as error:
            return Receipt("unknown", error=str(error))
        lost = text_at(answer, "invaliduser") or text_at(answer, "unlicenseduser")
        if lost and "|" not in member:
            raise Refused("the member is not in the app's visible range, or has no licence")
        return Receipt(platform_id=text_at(answer, "msgid"), error=f"not reached: {lost}" if lost else "")

    def _count(self, receiver: str) -> None:
        """Above 30 a minute the platform drops messages and says ok: so the limit is kept here."""
        wait = self._windows.take(receiver)
        if wait:
            raise Retryable("this member or group is at its limit of app messages", wait)

    async def diagnose(self) -> list[Finding]:
        """Token and address list; callback addresses of the platform prove that the app may call at all."""
        item = f"应用消息 {self.name}"
        try:
            await self._api.call("getcallbackip", again=True)
        except ChannelError as error:
            return [failed(item, error)]
        return [fine(item, "access_token 可用，可信 IP 已包含本机")]
