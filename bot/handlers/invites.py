"""Points for inviting: paid once for each new face, taken back when they leave early. Off until a group wants it.

Runs before `welcome` (handlers go by file name), which writes down who joined: whoever was here before pays nobody.
"""

from urllib.parse import quote

from bot.context import Context
from bot.earning import DAY_MS, HOUSE, percent_of
from bot.events import MemberJoined, MemberLeft
from bot.levels import boosted
from bot.redeeming import aftermath, title_in
from bot.replies import Say, Silence, Wishes, say
from bot.router import Router
from bot.world import to_ms
from storage.gates import LEFT_EARLY
from storage.ledger import POINTS, account

router = Router("invites", "邀请")
router.says({"invite.paid": "name friends points days", "invite.taken_back": "name friend points more"})


def _key(group: str, member: str) -> str:
    return f"invite/{quote(group, safe='')}/{quote(member, safe='')}"


@router.on(MemberJoined)
def joined(event: MemberJoined, ctx: Context) -> Wishes:
    rules, inviter = ctx.settings.points, event.inviter
    if not (rules.on and rules.invite and inviter and event.group) or event.history:
        return None
    if inviter in ctx.config.settings.bot.ids or ctx.config.role_of(inviter, event.channel):
        return Silence("机器人和员工邀请人不算分")
    midnight = ctx.local(event.at).replace(hour=0, minute=0, second=0, microsecond=0)
    room = rules.invite_most - ctx.store.points.paid_invites(inviter, to_ms(midnight))
    points = boosted(rules.invite, percent_of(ctx, event.group, inviter, "invite"))
    paid: list[str] = []
    for person in event.people:
        if len(paid) >= room or person.id in (inviter, *ctx.config.settings.bot.ids):
            continue
        if ctx.store.points.was_here(event.group, person.id):
            continue
        name = ctx.store.members.name(person.id)
        if ctx.store.ledger.move(
            _key(event.group, person.id), HOUSE, account(inviter), points, asset=POINTS, at=ctx.at_ms,
            event_id=event.id, cause=f"邀请 {name}", group_id=event.group,
        ):  # fmt: skip
            paid.append(name)
    if not paid:
        return Silence("邀请不再给分：来过的人，或者今天的份数满了（points.invite_most）")
    return say(
        "invite.paid", name=ctx.store.members.name(inviter), friends="、".join(paid), points=points * len(paid),
        days=rules.invite_days, mention=(inviter,), because=f"邀请来 {len(paid)} 位新人",
    )  # fmt: skip


@router.on(MemberLeft)
def left(event: MemberLeft, ctx: Context) -> Wishes:
    if event.group is None:
        return None
    return [told for person in event.people if (told := _take_back(ctx, event.group, person.id)) is not None]


def _take_back(ctx: Context, group: str, member: str) -> Say | None:
    found = ctx.store.points.moved_at(_key(group, member))
    if found is None or ctx.at_ms - found[1] >= ctx.settings.points.invite_days * DAY_MS:
        return None
    movement = ctx.store.ledger.get(found[0])
    assert movement is not None
    inviter = movement.taker.removeprefix("member:")
    title = title_in(ctx, group, inviter)
    ctx.store.ledger.reverse(movement.id, at=to_ms(ctx.now), event_id=ctx.event.id, cause=LEFT_EARLY)
    return say(
        "invite.taken_back", name=ctx.store.members.name(inviter), friend=ctx.store.members.name(member),
        points=movement.amount, more=aftermath(ctx, group, inviter, title), mention=(inviter,),
        because=f"被邀请的人 {ctx.settings.points.invite_days} 天内退群（points.invite_days）",
    )  # fmt: skip
