"""Mass messages: tasks that a person must confirm, quotas per day, and what became of each target (wecom.md 5.8)."""

from dataclasses import dataclass, field

from tests.fake_wecom.attachments import check_text_and_attachments
from tests.fake_wecom.customers import GRANT
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.ground import Call, Ground, need_member
from tests.fake_wecom.media import Media
from tests.fake_wecom.pages import page
from tests.fake_wecom.records import Ask, Corp, Customer
from tests.fake_wecom.windows import Window

UNSENT, SENT, NOT_A_FRIEND, ALREADY_GOT_ONE = 0, 1, 2, 3  # wecom.md 5.8 get_groupmsg_send_result
MONTH = 31 * 86400


@dataclass
class Task:
    """One member's part of a mass message: their targets and what happened to each."""

    userid: str
    targets: dict[str, int]
    status: int = 0  # wecom.md 5.8 get_groupmsg_task: 0 unsent, 2 sent
    send_time: int = 0


@dataclass
class Mass:
    msgid: str
    corpid: str
    chat_type: str
    created: float
    creator: str
    text: str
    attachments: list[Json]
    tasks: dict[str, Task]
    allow_select: bool = False
    cancelled: bool = False
    reminders: Window = field(default_factory=lambda: Window(3, 86400))  # wecom.md 5.8: <= 3 per 24 h


@dataclass
class Masses:
    ground: Ground
    media: Media
    sent: dict[str, Mass] = field(default_factory=dict)
    _received: dict[str, list[float]] = field(default_factory=dict)

    def calls(self) -> list[Call]:
        return [
            Call("POST", "externalcontact/add_msg_template", self._add, GRANT),
            Call("POST", "externalcontact/remind_groupmsg_send", self._remind, GRANT),
            Call("POST", "externalcontact/cancel_groupmsg_send", self._cancel, GRANT),
            Call("POST", "externalcontact/get_groupmsg_list_v2", self._list, GRANT),
            Call("POST", "externalcontact/get_groupmsg_task", self._task, GRANT),
            Call("POST", "externalcontact/get_groupmsg_send_result", self._result, GRANT),
        ]

    # -- what people do (control) --------------------------------------------------------------------------------

    def tap(self, msgid: str, userid: str, only: list[str] | None = None) -> Json:
        """The member taps send; `only` is their selection where allow_select lets them choose."""
        mass = self.sent[msgid]
        task = mass.tasks[userid]
        if mass.cancelled or task.status == 2:
            return {"sent": False, "why": "cancelled" if mass.cancelled else "already sent"}
        corp, now = self.ground.corp(mass.corpid), self.ground.clock()
        for target in task.targets:
            if only is not None and mass.allow_select and target not in only:
                continue
            if mass.chat_type == "single" and userid not in corp.customers[target].follows:
                task.targets[target] = NOT_A_FRIEND
            elif self._full(target, now):
                task.targets[target] = ALREADY_GOT_ONE
            else:
                task.targets[target] = SENT
                self._received.setdefault(target, []).append(now)
        task.status, task.send_time = 2, int(now)
        self.ground.tell()
        return {"sent": True, "targets": dict(task.targets)}

    def send_personal(self, target: str) -> None:
        """A member's own mass message: it uses the same day's quota (wecom.md 5.8)."""
        self._received.setdefault(target, []).append(self.ground.clock())

    def _full(self, target: str, now: float) -> bool:
        """wecom.md 11: one a day by default; the older page knows four a calendar month (here 31 days)."""
        options, seen = self.ground.options, self._received.get(target, [])
        today = sum(_day(at) == _day(now) for at in seen)
        month = sum(at > now - MONTH for at in seen)
        return today >= options.mass_per_day or (options.mass_per_month is not None and month >= options.mass_per_month)

    # -- REST ----------------------------------------------------------------------------------------------------

    def _add(self, ask: Ask) -> Json:
        body = ask.body
        chat_type = body.text("chat_type") or "single"
        if chat_type not in ("single", "group"):
            raise ApiError(86214)
        check_text_and_attachments(body, self.media, ask.corp.corpid)
        sender = body.text("sender", need=chat_type == "group")  # wecom.md 5.8: required for group
        if sender:
            need_member(ask.corp, ask.app, sender)
        if chat_type == "group":
            tasks, failed = self._group_tasks(ask, sender)
        else:
            tasks, failed = self._single_tasks(ask, sender)
        if not any(task.targets for task in tasks.values()):
            raise ApiError(41048)
        mass = Mass(
            msgid=self.ground.luck.word("msg", 30),
            corpid=ask.corp.corpid,
            chat_type=chat_type,
            created=ask.now,
            creator=sender,
            text=body.part("text").text("content"),
            attachments=list(body.data.get("attachments") or []),
            tasks=tasks,
            allow_select=body.flag("allow_select") and chat_type == "single",
        )
        self.sent[mass.msgid] = mass
        self.ground.tell()
        return ok(fail_list=failed, msgid=mass.msgid)

    def _group_tasks(self, ask: Ask, sender: str) -> tuple[dict[str, Task], list[str]]:
        wanted = ask.body.texts("chat_id_list", most=2000)
        owned = [chat for chat, group in ask.corp.groups.items() if group.owner == sender and not group.dismissed]
        failed = [chat for chat in wanted if chat not in owned]
        targets = [chat for chat in (wanted or owned) if chat in owned]
        return {sender: Task(sender, dict.fromkeys(targets, UNSENT))}, failed

    def _single_tasks(self, ask: Ask, sender: str) -> tuple[dict[str, Task], list[str]]:
        body = ask.body
        wanted = body.texts("external_userid", most=10_000)
        filtered = body.has("tag_filter") and not wanted  # external_userid overrides tag_filter
        if not (wanted or filtered or sender):
            raise refuse("sender", "and external_userid and tag_filter are all missing")
        failed, tasks = [], dict[str, Task]()
        customers = [ask.corp.customers.get(who) for who in wanted] if wanted else list(ask.corp.customers.values())
        for at, customer in enumerate(customers):
            who = self._who_is_asked(ask, customer, sender)
            if customer is None or not who:
                if wanted:
                    failed.append(wanted[at])
            elif not filtered or _matches(ask.corp, body.part("tag_filter"), customer):
                tasks.setdefault(who, Task(who, {})).targets[customer.external_userid] = UNSENT
        return tasks, failed

    def _who_is_asked(self, ask: Ask, customer: Customer | None, sender: str) -> str:
        """The sender, or the member who chatted last with this customer (wecom.md 5.8 "which member")."""
        follows = [follow for follow in customer.follows.values() if ask.app.sees(follow.userid)] if customer else []
        if sender:
            return sender if any(follow.userid == sender for follow in follows) else ""
        return max(follows, key=lambda follow: (follow.chatted_at, follow.createtime)).userid if follows else ""

    def _find(self, ask: Ask, *, settled: bool = False) -> Mass:
        mass = self.sent.get(ask.body.text("msgid", need=True))
        if mass is None or mass.corpid != ask.corp.corpid:
            raise ApiError(41047)
        if settled and ask.now - mass.created < self.ground.options.mass_dispatch_seconds:
            raise ApiError(41063)  # wecom.md 5.8: right after creation
        return mass

    def _remind(self, ask: Ask) -> Json:
        if not self._find(ask).reminders.take(ask.now):
            raise ApiError(41094)
        return ok()

    def _cancel(self, ask: Ask) -> Json:
        mass = self._find(ask)
        if mass.cancelled:
            raise ApiError(41093)
        mass.cancelled = True
        return ok()

    def _list(self, ask: Ask) -> Json:
        body = ask.body
        chat_type = body.text("chat_type", need=True)
        start, end = body.number("start_time"), body.number("end_time")
        if not start <= end <= start + MONTH:
            raise refuse("end_time", "more than one month after start_time")
        body.number("filter_type", 2, most=2)
        limit = body.number("limit", 50, least=1, most=100)
        creator = body.text("creator")
        rows = [
            _mass_json(mass)
            for mass in self.sent.values()
            if mass.corpid == ask.corp.corpid
            and mass.chat_type == chat_type
            and start <= mass.created <= end
            and creator in ("", mass.creator)
        ]
        part, cursor = page(rows, body.text("cursor"), limit)
        return ok(group_msg_list=part, next_cursor=cursor)

    def _task(self, ask: Ask) -> Json:
        mass = self._find(ask, settled=True)
        rows = [_task_json(task) for task in mass.tasks.values()]
        part, cursor = page(rows, ask.body.text("cursor"), ask.body.number("limit", 500, least=1, most=1000))
        return ok(task_list=part, next_cursor=cursor)

    def _result(self, ask: Ask) -> Json:
        mass = self._find(ask, settled=True)
        task = mass.tasks.get(ask.body.text("userid", need=True))
        if task is None:
            raise ApiError(40003)
        key = "chat_id" if mass.chat_type == "group" else "external_userid"
        rows: list[Json] = []
        for target, status in task.targets.items():
            if mass.chat_type == "group" and status == UNSENT:
                continue  # wecom.md 5.8: group type returns only sent rows
            row: Json = {key: target, "userid": task.userid, "status": status}
            rows.append({**row, "send_time": task.send_time} if status == SENT else row)
        part, cursor = page(rows, ask.body.text("cursor"), ask.body.number("limit", 500, least=1, most=1000))
        return ok(send_list=part, next_cursor=cursor)


def _matches(corp: Corp, tag_filter: Fields, customer: Customer) -> bool:
    """Same group OR, across groups AND; at most 100 tags per group (wecom.md 5.8)."""
    marked = {tag for follow in customer.follows.values() for tag in follow.tags}
    for group in tag_filter.parts("group_list"):
        wanted = group.texts("tag_list", most=100)
        if any(corp.tag(tag) is None for tag in wanted):
            raise ApiError(40068)
        if not marked & set(wanted):
            return False
    return True


def _day(at: float) -> int:
    """The calendar day in China."""
    return int((at + 8 * 3600) // 86400)


def _mass_json(mass: Mass) -> Json:
    out: Json = {"msgid": mass.msgid, "creator": mass.creator, "create_time": str(int(mass.created)), "create_type": 0}
    return {**out, "text": {"content": mass.text}, "attachments": mass.attachments}


def _task_json(task: Task) -> Json:
    out: Json = {"userid": task.userid, "status": task.status}
    return {**out, "send_time": task.send_time} if task.status else out
