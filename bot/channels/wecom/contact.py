"""客户联系: newcomers and their welcome, who joins and leaves customer groups, tags, mass sends that staff confirm."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.channels import Abilities, Hear, Line, Pace, Receipt
from bot.channels.wecom.callback import Document
from bot.channels.wecom.client import Api
from bot.channels.wecom.codes import Codes
from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.errcodes import ApiRefused, Uncertain
from bot.channels.wecom.findings import Finding, failed, fine
from bot.channels.wecom.inbox import Inbox, Parcel, persist
from bot.channels.wecom.mass import MassSends
from bot.channels.wecom.payload import Node, excess, parse_xml, plain_id, text_at
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.quotas import BYTES
from bot.channels.wecom.roster import Rosters
from bot.channels.wecom.settings import ContactSettings
from bot.channels.wecom.tags import Tags
from bot.errors import ChannelError, Refused, Retryable
from bot.events import ContactAdded

log = logging.getLogger("yuanzi.wecom")

EVENTS = {"change_external_contact", "change_external_chat", "change_external_tag"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to a customer that the house's events have no word for yet."""

    kind: str
    """left_us: the customer deleted staff; dropped: the reverse; edited, transfer_fail, archive_agreed, tags"""
    staff: str
    member: str
    at: datetime
    detail: str = ""


Noticed = Callable[[Notice], Awaitable[None]]
NOTICES = {
    "del_follow_user": "left_us",
    "del_external_contact": "dropped",
    "edit_external_contact": "edited",
    "transfer_fail": "transfer_fail",
    "msg_audit_approved": "archive_agreed",
}


@dataclass(slots=True)
class _Change:
    """Group events that wait for the platform to write the details."""

    at: datetime
    dismissed: bool = False
    versions: set[str] = field(default_factory=set)
    parcels: list[Parcel] = field(default_factory=list)


def wants(document: Document) -> bool:
    return isinstance(document, Node) and document.word("Event") in EVENTS


class ContactWire:
    """Hears ContactAdded, MemberJoined, MemberLeft. Says a welcome within 20 s; else makes mass-send tasks."""

    def __init__(
        self,
        settings: ContactSettings,
        *,
        api: Api,
        inbox: Inbox,
        ports: Ports,
        noticed: Noticed | None = None,
    ) -> None:
        self.name = settings.name
        self.abilities = Abilities(
            hears="direct",
            speaks="confirmed",
            joins=True,
            mention=False,
            pictures=True,
            max_bytes=BYTES["welcome.text"],
            in_flight=4,
        )
        self.pace = Pace()
        self.inbox = inbox
        self.tags = Tags(api, settings.tag_group)
        self.mass = MassSends(
            self.name, api, ports.memory, ports.clock, per_day=settings.mass_per_day, zone=settings.zone
        )
        self._settings = settings
        self._api = api
        self._clock = ports.clock
        self._memory = ports.memory
        self._codes = Codes(self.name, ports.memory, ports.clock)
        self._rosters = Rosters(self.name, api, ports.memory, ports.clock, settings.settle)
        self._noticed = noticed
        self._changed: dict[str, _Change] = {}
        self._wake = asyncio.Event()

    async def run(self, hear: Hear) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._drain(hear))
            group.create_task(self._settle(hear))
            group.create_task(self._resync(hear))

    async def close(self) -> None:
        """Nothing is held."""

    async def send(self, line: Line) -> Receipt:
        if excess(line.text, self.abilities.max_bytes):
            raise Refused(f"longer than {self.abilities.max_bytes} bytes")
        try:
            if line.group is None and line.member is not None:
                return await self._to_member(line, line.member)
            if line.group is not None and self._settings.mass != "off":
                owner = await self._rosters.owner(line.group)
                attachments = await self._attachments(line)
                task = await self.mass.create(
                    line.text, chat="group", targets=[line.group], sender=owner, attachments=attachments
                )
                return Receipt(platform_id=task.id)
        except Uncertain as error:
            return Receipt("unknown", error=str(error))
        raise Refused("official customer groups hear only mass sends that staff confirm; `mass` is off")

    async def sync_groups(self, hear: Hear) -> None:
        """Reads every group in scope. Known groups tell what changed meanwhile; new ones their history."""
        body: dict[str, Any] = {"status_filter": 0, "limit": 1000, "cursor": ""}
        if self._settings.owners:
            body["owner_filter"] = {"userid_list": self._settings.owners[:100]}
        while True:
            answer = await self._api.call("externalcontact/groupchat/list", body, again=True)
            chats = answer.get("group_chat_list")
            for entry in chats if isinstance(chats, list) else []:
                try:
                    await self._rosters.sync(plain_id(text_at(entry, "chat_id"), "chat_id"), hear)
                except (Garbled, Refused) as error:
                    log.warning("wecom %s: a group was not read: %s", self.name, error)
            following = text_at(answer, "next_cursor")
            if not following or following == body["cursor"]:
                return
            body = {**body, "cursor": following}

    async def diagnose(self) -> list[Finding]:
        """Token, address list and the scope of 客户联系."""
        item = f"客户联系 {self.name}"
        try:
            answer = await self._api.call("externalcontact/get_follow_user_list", again=True)
        except ChannelError as error:
            return [failed(item, error)]
        staff = answer.get("follow_user")
        if not isinstance(staff, list) or not staff:
            step = "管理后台 > 客户联系 > 权限配置，给成员开通客户联系；应用可见范围要包含他们"
            return [Finding("warn", item, "没有一个成员开通了客户联系，收不到新客户和客户群事件", step)]
        found = [fine(item, f"接口可用，{len(staff)} 名成员开通了客户联系")]
        if self._settings.mass == "off":
            found.append(Finding("warn", item, "群发任务关闭：欢迎语之外的话都不会发", "config.toml 里设置 mass"))
        return found

    # ---- hearing -------------------------------------------------------------------------------------------------

    async def _drain(self, hear: Hear) -> None:
        while True:
            parcel = await self.inbox.take()
            if not self._defer(parcel):
                await persist(self.name, self._clock, lambda body=parcel.body: self._work(body, hear))  # type: ignore[misc]
                await self.inbox.done(parcel)

    def _defer(self, parcel: Parcel) -> bool:
        """Group changes wait for their details; several for one group become one reading."""
        try:
            document = parse_xml(parcel.body.encode())
            if document.word("Event") != "change_external_chat":
                return False
            chat = plain_id(document.word("ChatId"), "ChatId")
            at = _when(document)
            version = document.word("CurMemVer")
        except Garbled:
            return False
        change = self._changed.setdefault(chat, _Change(at))
        change.at = max(change.at, at)
        change.dismissed = change.dismissed or document.word("ChangeType") == "dismiss"
        change.versions.add(version)
        change.parcels.append(parcel)
        self._wake.set()
        return True

    async def _settle(self, hear: Hear) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._clock.sleep(self._settings.settle)
            changed, self._changed = self._changed, {}
            for chat, change in changed.items():
                await persist(self.name, self._clock, lambda c=chat, x=change: self._apply(c, x, hear))  # type: ignore[misc]
                for parcel in change.parcels:
                    await self.inbox.done(parcel)

    async def _apply(self, chat: str, change: _Change, hear: Hear) -> None:
        if change.dismissed:
            await self._rosters.dismiss(chat, hear, change.at)
        else:
            await self._rosters.sync(chat, hear, at=change.at, versions=change.versions)

    async def _resync(self, hear: Hear) -> None:
        while True:
            await persist(self.name, self._clock, lambda: self.sync_groups(hear))
            await self._clock.sleep(self._settings.resync)

    async def _work(self, body: str, hear: Hear) -> None:
        document = parse_xml(body.encode())
        kind = document.word("ChangeType")
        if document.word("Event") == "change_external_tag":
            self.tags.forget()
            await self._notice(Notice("tags", "", "", _when(document), document.word("Id")))
            return
        staff = plain_id(document.word("UserID"), "UserID")
        member = plain_id(document.word("ExternalUserID"), "ExternalUserID")
        if kind in {"add_external_contact", "add_half_external_contact"}:
            await self._added(document, staff, member, hear)
        elif kind in NOTICES:
            if kind.startswith("del_"):
                await self._memory.put(self._relation(staff, member), "")
            detail = document.word("Source") or document.word("FailReason")
            await self._notice(Notice(NOTICES[kind], staff, member, _when(document), detail))
        else:
            log.info("wecom %s: unknown ChangeType ignored", self.name)

    async def _added(self, document: Node, staff: str, member: str, hear: Hear) -> None:
        """One ContactAdded per friendship: a half friend who was welcomed and becomes a whole one is no news."""
        at = _when(document)
        code = document.word("WelcomeCode")
        if code:
            await self._codes.keep(member, code, kind=staff, at=at, life=self._settings.welcome_life)
        known = await self._memory.get(self._relation(staff, member))
        stamp = document.word("CreateTime")
        if known and known != stamp and not code:
            return
        name = await self._name(member)
        event_id = f"{self.name}:contact:{staff}:{member}:{stamp}"
        source = document.word("State")
        await hear(ContactAdded(id=event_id, at=at, channel=self.name, member=member, name=name, source=source))
        await self._memory.put(self._relation(staff, member), stamp)

    async def _name(self, member: str) -> str:
        if not self._settings.names:
            return ""
        try:
            async with asyncio.timeout(self._settings.name_deadline):
                answer = await self._api.call("externalcontact/get", params={"external_userid": member}, again=True)
        except (ChannelError, TimeoutError):
            return ""  # half friends have none yet; the welcome must not wait
        return text_at(answer, "external_contact", "name")

    async def _notice(self, notice: Notice) -> None:
        if self._noticed is not None:
            await self._noticed(notice)

    def _relation(self, staff: str, member: str) -> str:
        return f"{self.name}/relation/{staff}/{member}"

    # ---- speaking ------------------------------------------------------------------------------------------------

    async def _to_member(self, line: Line, member: str) -> Receipt:
        attachments = await self._attachments(line)
        code = await self._codes.spend(member)
        if code is None:
            if self._settings.mass != "all":
                raise Refused("no welcome code is alive: a customer hears us in the first 20 seconds only (use kf)")
            task = await self.mass.create(line.text, chat="single", targets=[member], attachments=attachments)
            return Receipt(platform_id=task.id)
        body: dict[str, Any] = {"welcome_code": code.value, "text": {"content": line.text}}
        if attachments:
            body["attachments"] = attachments
        try:
            await self._api.call("externalcontact/send_welcome_msg", body)
        except Retryable:
            await self._codes.give_back(member, code)
            raise
        except ApiRefused as error:
            raise Refused(f"welcome: {error}") from None
        return Receipt()

    async def _attachments(self, line: Line) -> list[dict[str, Any]]:
        if not line.picture:
            return []
        media = await self._api.upload("image", line.picture)
        return [{"msgtype": "image", "image": {"media_id": media}}]


def _when(document: Node) -> datetime:
    return datetime.fromtimestamp(document.number("CreateTime") % 10**11, UTC)
