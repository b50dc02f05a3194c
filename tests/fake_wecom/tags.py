"""Corp tags: groups of tags, marking customers, and the events of changes made by hand (wecom.md 5.3, 5.7)."""

from dataclasses import dataclass

from tests.fake_wecom.customers import GRANT, need_follow
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.pusher import Pusher
from tests.fake_wecom.records import Ask, Corp, Tag, TagGroup

BY_HAND = 0
"""The maker of tags that a person made in the console: no app may edit them (wecom.md 5.7, 81011)."""


@dataclass
class Tags:
    ground: Ground
    pusher: Pusher

    def calls(self) -> list[Call]:
        return [
            Call("POST", "externalcontact/get_corp_tag_list", self._list, GRANT),
            Call("POST", "externalcontact/add_corp_tag", self._add, GRANT),
            Call("POST", "externalcontact/edit_corp_tag", self._edit, GRANT),
            Call("POST", "externalcontact/del_corp_tag", self._delete, GRANT),
            Call("POST", "externalcontact/mark_tag", self._mark, GRANT),
        ]

    # -- control -------------------------------------------------------------------------------------------------

    def make(self, group: str, names: list[str], corpid: str = "") -> Json:
        """A person makes tags in the console: events for the group and each new tag."""
        corp = self.ground.corp(corpid)
        new = not any(known.name == group for known in corp.tag_groups.values())
        made, tags = self._put(corp, group, names, BY_HAND)
        if new:
            self._event(corp, "create", made.id, "tag_group")
        for tag in tags:
            self._event(corp, "create", tag.id, "tag")
        return group_json(made)

    def drop(self, id: str, corpid: str = "") -> None:  # noqa: A002  the platform's word
        """A person deletes a tag or a group: one event for a group (per-tag events are UNCONFIRMED, wecom.md 5.3)."""
        corp = self.ground.corp(corpid)
        self._event(corp, "delete", id, "tag_group" if id in corp.tag_groups else "tag")
        self._remove(corp, [id], [id])

    def mark(self, userid: str, external_userid: str, tag_ids: list[str], corpid: str = "") -> None:
        """A person marks a customer by hand: edit_external_contact is pushed (wecom.md 5.1)."""
        corp = self.ground.corp(corpid)
        follow = corp.customers[external_userid].follows[userid]
        follow.tags += [tag for tag in tag_ids if tag not in follow.tags]
        fields: Json = {"FromUserName": "sys", "MsgType": "event", "Event": "change_external_contact"}
        fields |= {"ChangeType": "edit_external_contact", "UserID": userid, "ExternalUserID": external_userid}
        self.pusher.tell_apps(corp, GRANT, {**fields, "State": follow.state}, about=userid)

    def _event(self, corp: Corp, change: str, about: str, kind: str) -> None:
        fields: Json = {"FromUserName": "sys", "MsgType": "event", "Event": "change_external_tag"}
        self.pusher.tell_apps(corp, GRANT, {**fields, "ChangeType": change, "Id": about, "TagType": kind})

    # -- REST ----------------------------------------------------------------------------------------------------

    def _list(self, ask: Ask) -> Json:
        tag_ids, group_ids = ask.body.texts("tag_id"), ask.body.texts("group_id")
        groups = list(ask.corp.tag_groups.values())
        if group_ids:  # group wins (wecom.md 5.7)
            return ok(tag_group=[group_json(group) for group in groups if group.id in group_ids])
        if tag_ids:
            found = [group_json(group, tag_ids) for group in groups if set(tag_ids) & set(group.tags)]
            return ok(tag_group=found)
        return ok(tag_group=[group_json(group) for group in groups])

    def _add(self, ask: Ask) -> Json:
        body = ask.body
        group_id, group_name = body.text("group_id"), body.text("group_name", chars_most=30)
        names = [tag.text("name", need=True, chars_most=30) for tag in body.parts("tag", least=1)]
        if sum(len(group.tags) for group in ask.corp.tag_groups.values()) + len(names) > self.ground.options.most_tags:
            raise refuse("tag", f"exceed max size {self.ground.options.most_tags}")
        if group_id:
            if group_id not in ask.corp.tag_groups:
                raise ApiError(40068)
            group_name = ask.corp.tag_groups[group_id].name
        elif not group_name:
            raise refuse("group_name", "missing")
        known = next((group for group in ask.corp.tag_groups.values() if group.name == group_name), None)
        if known is not None and known.maker != ask.app.agentid:
            raise ApiError(81011)
        group, tags = self._put(ask.corp, group_name, names, ask.app.agentid, body.parts("tag"))
        return ok(tag_group=group_json(group, [tag.id for tag in tags]))

    def _put(
        self, corp: Corp, name: str, names: list[str], maker: int, details: list[Fields] | None = None
    ) -> tuple[TagGroup, list[Tag]]:
        """An existing name is appended to; equal names become one (wecom.md 5.7)."""
        now, luck = int(self.ground.clock()), self.ground.luck
        group = next((known for known in corp.tag_groups.values() if known.name == name), None)
        if group is None:
            group = TagGroup(luck.word("et", 30), name, now, maker)
            corp.tag_groups[group.id] = group
        tags = []
        for at, tag_name in enumerate(names):
            tag = next((known for known in group.tags.values() if known.name == tag_name), None)
            if tag is None:
                order = details[at].number("order") if details else 0
                tag = Tag(luck.word("et", 30), tag_name, now, order)
                group.tags[tag.id] = tag
            if tag not in tags:
                tags.append(tag)
        return group, tags

    def _edit(self, ask: Ask) -> Json:
        about, name = ask.body.text("id", need=True), ask.body.text("name", chars_most=30)
        group = ask.corp.tag_groups.get(about)
        found = ask.corp.tag(about)
        owner = group or (found[0] if found else None)
        if owner is None:
            raise ApiError(40068)
        if owner.maker != ask.app.agentid:
            raise ApiError(81011)
        target = group or owner.tags[about]
        peers: list[TagGroup] | list[Tag] = (
            list(ask.corp.tag_groups.values()) if group is not None else list(owner.tags.values())
        )
        if name and any(peer.name == name and peer.id != about for peer in peers):
            raise ApiError(40071)  # wecom.md 5.7
        target.name = name or target.name
        target.order = ask.body.number("order", target.order)
        return ok()

    def _delete(self, ask: Ask) -> Json:
        tag_ids, group_ids = ask.body.texts("tag_id"), ask.body.texts("group_id")
        owners = [ask.corp.tag_groups.get(about) for about in group_ids]
        owners += [found[0] if (found := ask.corp.tag(about)) else None for about in tag_ids]
        if not owners:
            raise refuse("tag_id", "missing")
        for owner in owners:
            if owner is None:
                raise ApiError(40068)
            if owner.maker != ask.app.agentid:
                raise ApiError(81011)
        self._remove(ask.corp, tag_ids, group_ids)
        return ok()

    def _remove(self, corp: Corp, tag_ids: list[str], group_ids: list[str]) -> None:
        gone = set(tag_ids)
        for group in list(corp.tag_groups.values()):
            if group.id in group_ids:
                gone |= set(group.tags)
            for about in gone & set(group.tags):
                del group.tags[about]
            if not group.tags:
                del corp.tag_groups[group.id]  # wecom.md 5.7: a group disappears with its last tag
        for customer in corp.customers.values():
            for follow in customer.follows.values():
                follow.tags = [tag for tag in follow.tags if tag not in gone]

    def _mark(self, ask: Ask) -> Json:
        body = ask.body
        follow, _ = need_follow(ask.corp, ask.app, body.text("userid", need=True), body.text("external_userid"))
        add, remove = body.texts("add_tag"), body.texts("remove_tag")
        if not add and not remove:
            raise refuse("add_tag", "and remove_tag are both missing")
        if any(ask.corp.tag(tag) is None for tag in add + remove):
            raise ApiError(40068)  # wecom.md 5.7
        follow.tags = [tag for tag in follow.tags if tag not in remove] + [tag for tag in add if tag not in follow.tags]
        self.ground.tell()
        return ok()


def group_json(group: TagGroup, only: list[str] | None = None) -> Json:
    tags = [
        {"id": tag.id, "name": tag.name, "create_time": tag.create_time, "order": tag.order, "deleted": False}
        for tag in group.tags.values()
        if only is None or tag.id in only
    ]
    out: Json = {"group_id": group.id, "group_name": group.name, "create_time": group.create_time}
    return {**out, "order": group.order, "deleted": False, "tag": tags}
