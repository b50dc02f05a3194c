"""Sequences for single members: what begins them, what members do in them, 买过 for staff, 新手任务 for members.

Runs after `welcome` (handlers go by file name), which notes who is a contact.
"""

from bot.context import Context
from bot.errors import Mistake
from bot.events import ContactAdded, MemberJoined, MessageReceived, Tick
from bot.meant import members_meant
from bot.replies import PASS, Pass, Silence, Sort, Wishes, say
from bot.router import Router
from bot.sequences import begin_sequence, current_step, line_for, notice_deed, notice_talk, say_step, segments_of
from bot.words import one_line

MOST = 10
"""Steps that staff are shown of what was planned."""
router = Router("welcome_sequence", "定时")
router.says(
    {
        "sequence.bought": "name what rows",
        "sequence.bought_plain": "name what",
        "sequence.usage": "",
        "sequence.none": "name",
        "sequence.segment": "title id pointed",
    }
)


@router.on(ContactAdded)
def contact_added(event: ContactAdded, ctx: Context) -> Wishes:
    if ctx.config.role_of(ctx.member, event.channel) is None:
        begin_sequence(ctx, "contact_added", ctx.member, event.at, once=True)
    return None


@router.on(MemberJoined)
def joined(event: MemberJoined, ctx: Context) -> Wishes:
    if event.group is None or event.history:
        return None
    for person in event.people:
        if person.id in ctx.config.settings.bot.ids or ctx.config.role_of(person.id, event.channel):
            continue
        begin_sequence(ctx, "joined", person.id, event.at, group=event.group, once=True)
        notice_deed(ctx, person.id, "join")
    return None


@router.tick("sequence")
def step_due(event: Tick, ctx: Context) -> Wishes:
    payload = event.payload
    return say_step(
        ctx, str(payload["beat"]), str(payload["member"]), str(payload["group"] or ""), int(payload["since"])
    )


@router.watch("sequence")
def heard(event: MessageReceived, ctx: Context) -> Pass | Silence:
    """Steps look at what members say. An answer to a step is heard and nothing more; a command or a question that has
    an answer of its own goes on to whoever it is for."""
    answered = notice_talk(ctx, ctx.member)
    if answered and ctx.hit is None and not ctx.desk.is_command(ctx.reading, ctx.settings):
        return Silence("新手任务里的回答，记下就好")
    return PASS


@router.command(
    "买过", "已购", help="记下谁买了什么：三周内不推销，开着的跟进排好", usage="@群友 [什么]", role="service"
)
def bought(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    members, what = members_meant(event, ctx)
    if not members:
        raise Mistake("sequence.usage")
    what = one_line(what, 40) or "东西"
    rows: list[str] = []
    for member in members:
        ctx.store.bonds.bought(member, ctx.at_ms, what, by=ctx.member, event_id=f"{event.id}/{member}")
        planned = begin_sequence(ctx, "purchase", member, event.at, group=event.group)
        rows += [f"· {ctx.local(when):%m-%d %H:%M}「{beat.title}」" for when, beat in planned if len(rows) < MOST]
    names = "、".join(map(ctx.store.members.name, members))
    ctx.audit("买过", f"{names}：{what}")
    if not rows:
        return say("sequence.bought_plain", name=names, what=what, sort=Sort.STAFF)
    return say("sequence.bought", name=names, what=what, rows="\n".join(dict.fromkeys(rows)), sort=Sort.STAFF)


@router.command("新手任务", help="我的新手任务做到哪一步了")
def where_am_i(event: MessageReceived, ctx: Context) -> Wishes:
    found = current_step(ctx, ctx.member)
    if found is None or found[0].personal is None:
        return say("sequence.none", name=ctx.name)
    beat, step = found
    segments = segments_of(ctx, ctx.member)
    return line_for(ctx, beat, found[0].personal, ctx.member, step.group_id, segments, because="问新手任务做到哪一步")
