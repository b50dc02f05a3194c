"""Customers and the members who follow them: reads, remarks, events of adding and deleting (wecom.md 5.1, 5.5)."""

from dataclasses import dataclass

from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import refuse
from tests.fake_wecom.ground import Call, Ground, need_member
from tests.fake_wecom.pages import page
from tests.fake_wecom.pusher import Pusher
from tests.fake_wecom.records import App, Ask, Corp, Customer, Follow
from tests.fake_wecom.welcome import Welcome

GRANT = "externalcontact"


@dataclass
class Customers:
    ground: Ground
    pusher: Pusher
    welcome: Welcome

    def calls(self) -> list[Call]:
        return [
            Call("GET", "externalcontact/get_follow_user_list", self._follow_users, GRANT),
            Call("GET", "externalcontact/list", self._list, GRANT),
            Call("GET", "externalcontact/get", self._get, GRANT),
            Call("POST", "externalcontact/batch/get_by_user", self._batch, GRANT),
            Call("POST", "externalcontact/remark", self._remark, GRANT),
        ]

    # -- what people do (control) --------------------------------------------------------------------------------

    def add(
        self,
        userid: str,
        name: str,
        *,
        external_userid: str = "",
        state: str = "",
        add_way: int = 1,
        type: int = 1,  # noqa: A002  the platform's word
        half: bool = False,
        quiet: bool = False,
        corpid: str = "",
    ) -> Json:
        """A customer adds a member: record, welcome code and event; `quiet` makes only the record."""
        corp, luck = self.ground.corp(corpid), self.ground.luck
        member = corp.members[userid]
        who = external_userid or luck.word("wm", 30)  # wecom.md 0 "id prefixes"
        customer = corp.customers.setdefault(who, Customer(who, name, type))
        customer.unionid = customer.unionid or (luck.word("o", 27) if type == 1 else "")
        before = customer.follows.get(userid)
        chatted = before.chatted_at if before else 0.0
        follow = Follow(userid, int(self.ground.clock()), add_way, state, half, chatted)
        customer.follows[userid] = follow
        code = ""
        if not quiet and member.contact:
            # wecom.md 5.1: no code after a chat, for another corp's WeCom user, or when add_half's code was used
            used = before is not None and before.half and self.welcome.greeted(corp, userid, who)
            if not (chatted or type == 2 or used):
                code = self.welcome.new_code(corp, userid, who)
            fields: Json = {"UserID": userid, "ExternalUserID": who, "State": state}
            self._event(corp, "add_half_external_contact" if half else "add_external_contact", fields, code)
        return {"external_userid": who, "welcome_code": code}

    def chat(self, userid: str, external_userid: str, corpid: str = "") -> None:
        """The two exchange a message in the client: the welcome is too late, and mass sends prefer this member."""
        follow = self.ground.corp(corpid).customers[external_userid].follows[userid]
        follow.chatted_at, follow.half = self.ground.clock(), False
        self.welcome.chat_started(userid, external_userid)

    def edit_by_hand(self, userid: str, external_userid: str, remark: str, corpid: str = "") -> None:
        """A human edits the remark in the client; only that makes an event (wecom.md 5, D/96361)."""
        corp = self.ground.corp(corpid)
        follow = corp.customers[external_userid].follows[userid]
        follow.remark = remark
        fields: Json = {"UserID": userid, "ExternalUserID": external_userid, "State": follow.state}
        self._event(corp, "edit_external_contact", fields)

    def drop_by_member(self, userid: str, external_userid: str, transferred: bool = False, corpid: str = "") -> None:
        """The member deletes the customer."""
        corp = self.ground.corp(corpid)
        del corp.customers[external_userid].follows[userid]
        fields: Json = {"UserID": userid, "ExternalUserID": external_userid}
        if transferred:
            fields["Source"] = "DELETE_BY_TRANSFER"
        self._event(corp, "del_external_contact", fields)

    def drop_by_customer(self, userid: str, external_userid: str, corpid: str = "") -> None:
        """The customer deletes the member."""
        corp = self.ground.corp(corpid)
        del corp.customers[external_userid].follows[userid]
        self._event(corp, "del_follow_user", {"UserID": userid, "ExternalUserID": external_userid})

    def fail_transfer(self, userid: str, external_userid: str, reason: str, corpid: str = "") -> None:
        """reason: customer_refused or customer_limit_exceed (wecom.md 5.1)."""
        fields: Json = {"UserID": userid, "ExternalUserID": external_userid, "FailReason": reason}
        self._event(self.ground.corp(corpid), "transfer_fail", fields)

    def _event(self, corp: Corp, change: str, fields: Json, code: str = "") -> None:
        head: Json = {"FromUserName": "sys", "MsgType": "event", "Event": "change_external_contact"}
        head["ChangeType"] = change
        if code:
            fields = {**fields, "WelcomeCode": code}
        self.pusher.tell_apps(corp, GRANT, {**head, **fields}, about=str(fields["UserID"]))

    # -- REST ----------------------------------------------------------------------------------------------------

    def _follow_users(self, ask: Ask) -> Json:
        members = ask.corp.members.values()
        return ok(follow_user=[who.userid for who in members if who.contact and ask.app.sees(who.userid)])

    def _list(self, ask: Ask) -> Json:
        userid = ask.query.get("userid", "")
        need_member(ask.corp, ask.app, userid)
        mine = [who.external_userid for who in ask.corp.customers.values() if userid in who.follows]
        if not mine:
            raise ApiError(84061)  # wecom.md 5.5
        return ok(external_userid=mine)

    def _get(self, ask: Ask) -> Json:
        customer = ask.corp.customers.get(ask.query.get("external_userid", ""))
        if customer is None:
            raise ApiError(84061)
        seen = [follow for follow in customer.follows.values() if ask.app.sees(follow.userid)]
        if not seen:
            raise ApiError(84061)
        part, cursor = page(seen, ask.query.get("cursor", ""), 500)  # wecom.md 5.5: next_cursor if > 500 followers
        follows = [follow_json(ask.corp, follow) for follow in part]
        more = {"next_cursor": cursor} if cursor else {}
        return ok(external_contact=customer_json(customer), follow_user=follows, **more)

    def _batch(self, ask: Ask) -> Json:
        one = ask.body.text("userid")
        userids = ask.body.texts("userid_list", most=100) or ([one] if one else [])
        limit = ask.body.number("limit", 50, least=1, most=100)  # wecom.md 5.5
        if not userids:
            raise refuse("userid_list", "missing")
        for userid in userids:
            need_member(ask.corp, ask.app, userid)
        pairs = [
            (customer, customer.follows[userid])
            for userid in userids
            for customer in ask.corp.customers.values()
            if userid in customer.follows
        ]
        part, cursor = page(pairs, ask.body.text("cursor"), limit)
        rows = [{"external_contact": customer_json(who), "follow_info": follow_info_json(how)} for who, how in part]
        return ok(external_contact_list=rows, next_cursor=cursor)

    def _remark(self, ask: Ask) -> Json:
        """wecom.md 5.5: lengths in characters; an API change makes no event (wecom.md 5)."""
        body = ask.body
        follow, customer = need_follow(ask.corp, ask.app, body.text("userid", need=True), body.text("external_userid"))
        changes = {
            "remark": body.text("remark", chars_most=20),
            "description": body.text("description", chars_most=150),
            "remark_corp_name": body.text("remark_company", chars_most=20),
        }
        keys = ("remark", "description", "remark_company", "remark_mobiles", "remark_pic_mediaid")
        if not any(body.has(key) for key in keys):
            raise refuse("remark", "at least one field is needed")
        if changes["remark_corp_name"] and customer.type != 1:
            raise refuse("remark_company", "only for WeChat users")
        if body.has("remark"):
            follow.remark = changes["remark"]
        if body.has("description"):
            follow.description = changes["description"]
        if body.has("remark_company"):
            follow.remark_corp_name = changes["remark_corp_name"]
        if body.has("remark_mobiles"):
            follow.remark_mobiles = [mobile for mobile in body.texts("remark_mobiles") if mobile]  # [""] clears
        self.ground.tell()
        return ok()


def need_follow(corp: Corp, app: App, userid: str, external_userid: str) -> tuple[Follow, Customer]:
    """The relation, whole: no relation or only half a friend -> 84061 (wecom.md 1, 5.1)."""
    need_member(corp, app, userid)
    customer = corp.customers.get(external_userid)
    follow = customer.follows.get(userid) if customer else None
    if customer is None or follow is None or follow.half:
        raise ApiError(84061)
    return follow, customer


def customer_json(customer: Customer) -> Json:
    out: Json = {"external_userid": customer.external_userid, "name": customer.name, "type": customer.type}
    out |= {"avatar": customer.avatar, "gender": customer.gender}
    if customer.unionid:
        out["unionid"] = customer.unionid
    return out


def follow_json(corp: Corp, follow: Follow) -> Json:
    tags: list[Json] = []
    for tag_id in follow.tags:
        found = corp.tag(tag_id)
        if found:
            group, tag = found
            tags.append({"group_name": group.name, "tag_name": tag.name, "tag_id": tag.id, "type": 1})
    out = follow_info_json(follow)
    del out["tag_id"]
    return {**out, "tags": tags}


def follow_info_json(follow: Follow) -> Json:
    return {
        "userid": follow.userid,
        "remark": follow.remark,
        "description": follow.description,
        "createtime": follow.createtime,
        "tag_id": list(follow.tags),
        "remark_corp_name": follow.remark_corp_name,
        "remark_mobiles": list(follow.remark_mobiles),
        "oper_userid": follow.userid,
        "add_way": follow.add_way,
        "state": follow.state,
    }
