"""Customer groups: list and get, and change events that arrive before their details (wecom.md 5.2, 5.6)."""

from dataclasses import dataclass, field, replace

from tests.fake_wecom.customers import GRANT
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import refuse
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.pages import page
from tests.fake_wecom.pusher import Pusher
from tests.fake_wecom.records import Ask, Corp, Group, GroupView, Participant

QR = 3
"""wecom.md 5.2: the event says JoinScene 3 for the group QR code and 0 for any invitation; get says 1, 2, 3."""


@dataclass
class Change:
    """A membership change that waits for others to be merged with (wecom.md 5.2)."""

    people: list[str]
    last_version: str
    version: str


@dataclass
class Groups:
    ground: Ground
    pusher: Pusher
    internal: dict[str, str] = field(default_factory=dict)
    """Internal chats by id, to answer 90501 for them."""
    _merging: dict[tuple[str, str, str, int], Change] = field(default_factory=dict)

    def calls(self) -> list[Call]:
        return [
            Call("POST", "externalcontact/groupchat/list", self._list, GRANT),
            Call("POST", "externalcontact/groupchat/get", self._get, GRANT),
        ]

    # -- what people do (control) --------------------------------------------------------------------------------

    def create(
        self, owner: str, name: str, people: list[str] | None = None, chat_id: str = "", corpid: str = ""
    ) -> str:
        corp = self.ground.corp(corpid)
        chat = chat_id or self.ground.luck.word("wr", 30)  # wecom.md 0 "id prefixes"
        group = Group(chat, name, owner, int(self.ground.clock()))
        corp.groups[chat] = group
        for who in [owner, *(people or [])]:
            group.people[who] = self._participant(corp, who, name="", scene=1, invitor=owner, state="")
        self._new_version(group)
        self._event(corp, group, "create", {})
        return chat

    def join(
        self,
        chat_id: str,
        people: list[str],
        *,
        names: list[str] | None = None,
        scene: int = 1,
        invitor: str = "",
        state: str = "",
        corpid: str = "",
    ) -> None:
        """People enter; `scene` in groupchat/get's numbering: 1 direct, 2 link, 3 QR."""
        corp = self.ground.corp(corpid)
        group = corp.groups[chat_id]
        for at, who in enumerate(people):
            name = names[at] if names else ""
            group.people[who] = self._participant(
                corp, who, name=name, scene=scene, invitor=invitor or group.owner, state=state
            )
        self._membership(corp, group, "add_member", people, QR if scene == QR else 0)

    def leave(self, chat_id: str, people: list[str], removed: bool = False, corpid: str = "") -> None:
        """People go by themselves (QuitScene 0) or are removed (1)."""
        corp = self.ground.corp(corpid)
        group = corp.groups[chat_id]
        for who in people:
            del group.people[who]
        self._membership(corp, group, "del_member", people, int(removed))

    def change(
        self,
        chat_id: str,
        *,
        owner: str = "",
        name: str = "",
        notice: str = "",
        status: int | None = None,
        corpid: str = "",
    ) -> None:
        """A new owner, name or notice: one event each, no new member version."""
        corp = self.ground.corp(corpid)
        group = corp.groups[chat_id]
        group.owner, group.name, group.notice = owner or group.owner, name or group.name, notice or group.notice
        group.status = group.status if status is None else status
        self._show(group)
        for detail, changed in (("change_owner", owner), ("change_name", name), ("change_notice", notice)):
            if changed:
                self._event(corp, group, "update", {"UpdateDetail": detail})

    def dismiss(self, chat_id: str, corpid: str = "") -> None:
        corp = self.ground.corp(corpid)
        corp.groups[chat_id].dismissed = True
        self._event(corp, corp.groups[chat_id], "dismiss", {})

    def add_internal(self, chat_id: str, name: str = "") -> None:
        """An internal chat: groupchat/get answers 90501 for it."""
        self.internal[chat_id] = name

    # -- events --------------------------------------------------------------------------------------------------

    def _participant(self, corp: Corp, who: str, *, name: str, scene: int, invitor: str, state: str) -> Participant:
        member, customer = corp.members.get(who), corp.customers.get(who)
        shown = name or (member.name if member else customer.name if customer else "")
        return Participant(who, 1 if member else 2, int(self.ground.clock()), scene, shown, invitor, state)

    def _new_version(self, group: Group) -> str:
        """member_version changes with every membership change (wecom.md 10 item 7)."""
        before, group.version = group.version, self.ground.luck.word("", 32).lower()
        self._show(group)
        return before

    def _show(self, group: Group) -> None:
        """The event goes out at once; groupchat/get shows the change about 2 s later (wecom.md 5.2)."""
        now = self.ground.clock()
        delay = self.ground.options.group_detail_delay if group.views else 0.0
        view = GroupView(now + delay, group.name, group.owner, group.notice, dict(group.people), group.version)
        shown = [old for old in group.views if old.visible_at <= now][-1:]
        group.views = [*shown, *(old for old in group.views if old.visible_at > now), view]

    def _membership(self, corp: Corp, group: Group, detail: str, people: list[str], scene: int) -> None:
        before = self._new_version(group)
        span = self.ground.options.group_merge_seconds
        key = (corp.corpid, group.chat_id, detail, scene)
        if span <= 0:
            self._membership_event(corp, group, detail, scene, Change(people, before, group.version))
        elif key in self._merging:
            waiting = self._merging[key]
            self._merging[key] = replace(waiting, people=waiting.people + people, version=group.version)
        else:
            self._merging[key] = Change(people, before, group.version)
            self.ground.spawn(self._merge(corp, group, key, span))

    async def _merge(self, corp: Corp, group: Group, key: tuple[str, str, str, int], span: float) -> None:
        await self.ground.clock.sleep(span)
        self._membership_event(corp, group, key[2], key[3], self._merging.pop(key))

    def _membership_event(self, corp: Corp, group: Group, detail: str, scene: int, change: Change) -> None:
        fields: Json = {"UpdateDetail": detail, "JoinScene" if detail == "add_member" else "QuitScene": scene}
        fields["MemChangeCnt"] = len(change.people)
        form = self.ground.options.member_list_form
        if form == "items":
            fields["MemChangeList"] = {"Item": list(change.people)}
        elif form == "flat":
            fields["MemChangeList"] = ",".join(change.people)
        fields |= {"LastMemVer": change.last_version, "CurMemVer": change.version}
        self._event(corp, group, "update", fields)

    def _event(self, corp: Corp, group: Group, change: str, fields: Json) -> None:
        """Only groups of an owner with 客户联系 inside the app's scope make events (wecom.md 5.2)."""
        owner = corp.members.get(group.owner)
        if owner is None or not owner.contact:
            return
        head: Json = {"FromUserName": "sys", "MsgType": "event", "Event": "change_external_chat"}
        head |= {"ChatId": group.chat_id, "ChangeType": change}
        self.pusher.tell_apps(corp, GRANT, {**head, **fields}, about=group.owner)

    # -- REST ----------------------------------------------------------------------------------------------------

    def _list(self, ask: Ask) -> Json:
        body = ask.body
        status = body.number("status_filter", 0, most=3)
        owners = body.part("owner_filter").texts("userid_list", most=100)
        if not body.has("limit"):
            raise refuse("limit", "missing")  # wecom.md 5.6: required
        limit = body.number("limit", least=1, most=1000)
        seen = [who for who in ask.corp.members if ask.app.sees(who)]
        if not owners and len(seen) > 1000:
            raise ApiError(81017)
        groups = [
            {"chat_id": group.chat_id, "status": group.status}
            for group in ask.corp.groups.values()
            if not group.dismissed
            and ask.app.sees(group.owner)
            and (not owners or group.owner in owners)
            and status in (0, group.status)
        ]
        part, cursor = page(groups, body.text("cursor"), limit)
        return ok(group_chat_list=part, next_cursor=cursor)

    def _get(self, ask: Ask) -> Json:
        chat_id, need_name = ask.body.text("chat_id", need=True), ask.body.flag("need_name")
        if chat_id in self.internal:
            raise ApiError(90501)  # wecom.md 5.6: not a customer group
        group = ask.corp.groups.get(chat_id)
        if group is None or group.dismissed or not ask.app.sees(group.owner):
            raise ApiError(86003)
        view = [shown for shown in group.views if shown.visible_at <= ask.now][-1]
        out: Json = {"chat_id": chat_id, "name": view.name, "owner": view.owner, "create_time": group.create_time}
        out |= {"notice": view.notice, "member_list": [_person(who, need_name) for who in view.people.values()]}
        out |= {"admin_list": [{"userid": who} for who in group.admins], "member_version": view.version}
        return ok(group_chat=out)


def _person(who: Participant, need_name: bool) -> Json:
    out: Json = {"userid": who.userid, "type": who.type, "join_time": who.join_time, "join_scene": who.join_scene}
    if who.invitor and who.join_scene != QR:
        out["invitor"] = {"userid": who.invitor}
    if need_name:
        out["name"] = who.name
    if who.state:
        out["state"] = who.state
    return {**out, "group_nickname": ""}
