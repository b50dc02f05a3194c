"""Needs that members mention in passing: a task for a person, with what was said and who says it. The member hears
nothing, unless the operator wants a word said."""

from bot.context import Context
from bot.events import MessageReceived, Tick
from bot.needs import Need
from bot.replies import PASS, Pass, Say, Silence, Wishes
from bot.router import Router
from bot.tasking import told
from bot.words import one_line
from bot.world import to_ms

router = Router("needs", "需要")
router.says({"need.noted": "name"})
TAGS = 4
_QUOTE, _LONGEST = 40, 200


@router.band("need")
def heard(event: MessageReceived, ctx: Context) -> Pass:
    """Notes the task; staff hear of it in a moment, and whatever answers the message answers it as ever."""
    found = ctx.desk.need_of(ctx.reading.text)
    if found is None or ctx.role is not None:
        return PASS
    need, _ = found
    agenda, now = ctx.store.agenda, to_ms(ctx.now)
    resting = ((f"need.{need.id}", need.again), ("need", ctx.settings.contact.needs_gap))
    if any(agenda.cooling(name, ctx.member, now) is not None for name, _ in resting):
        return PASS
    due = ctx.now + need.within
    number = ctx.store.tasks.add(
        f"need/{need.id}/{event.id}", what=_what(event, ctx, need), owner=need.owner, at=now, due=to_ms(due),
        event_id=event.id, group_id=event.group, member_id=ctx.member,
    )  # fmt: skip
    if number is None:
        return PASS
    for name, span in resting:
        agenda.rest(name, ctx.member, now + int(span.total_seconds() * 1000))
    place = {"group": event.group} if event.group else {}
    ctx.wake("task", str(number), due, place)
    ctx.wake("need", str(number), ctx.now, {"need": need.id, "channel": event.channel, **place})
    return PASS


def _what(event: MessageReceived, ctx: Context, need: Need) -> str:
    """What is to be done, what was said and where, and what is known of whoever said it."""
    place = "私聊" if event.group is None else f"「{ctx.settings.name or ctx.store.members.title(event.group)}」"
    remark = " · ".join(filter(None, ctx.store.tags.remark(ctx.member) or ()))
    telling = {rule.id for rule in ctx.desk.tags.rules if rule.shown} | {"staff"}
    held = ctx.store.tags.held(ctx.member, to_ms(ctx.now))
    tags = "、".join([one.tag for one in held if one.origin == "answer" or one.rule in telling][:TAGS])
    orders = len(ctx.store.orders.of(ctx.member))
    known = (f"备注 {remark}" if remark else "", f"标签 {tags}" if tags else "", f"买过 {orders} 单" if orders else "")
    about = "；".join(filter(None, known))
    said = f"在{place}说「{one_line(event.text, _QUOTE)}」"
    return one_line(f"{need.what}（{said}{f'；{about}' if about else ''}）", _LONGEST)


@router.tick("need")
def tell(event: Tick, ctx: Context) -> Wishes:
    row = ctx.store.tasks.get(int(event.key)) if event.key.isdecimal() else None
    if row is None or row.state != "open":
        return Silence("任务已经了结")
    need = ctx.desk.need(str(event.payload.get("need")))
    lines = told(ctx, "task.new", row, f"听到成员说起需要（needs.toml 的 {event.payload.get('need')}）")
    if need is not None and need.reply and row.member_id is not None:
        name = ctx.store.members.name(row.member_id)
        because = f"needs.toml 的 {need.id} 写了 reply"
        lines.append(
            Say("need.noted", {"name": name}, because=because) if row.group_id
            else Say("need.noted", {"name": name}, member=row.member_id, channel=str(event.payload["channel"]),
                     because=because)
        )  # fmt: skip
    return lines
