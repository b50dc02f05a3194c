"""What needs a second person: deals that are new or sent by hand, where the group's settings ask for it."""

from collections.abc import Mapping

from bot.context import Context
from bot.errors import Mistake
from bot.replies import Say, Sort, say
from bot.settings.deployment import Role
from bot.world import to_ms


def needs_second(ctx: Context, group: str, *, deal: bool) -> bool:
    """Whether somebody else must agree first."""
    return deal and ctx.config.group(group).calendar.approval


def others(ctx: Context) -> list[tuple[str, str]]:
    """(channel, staff id) of everybody else who may agree."""
    people = [one for one in ctx.config.settings.staff if Role.reaches(one.role, "operator") and one.id != ctx.member]
    return [
        (ctx.store.members.channel_of_member(one.id) or next(iter(one.channels), "") or ctx.event.channel, one.id)
        for one in people
    ]


def propose(ctx: Context, kind: str, title: str, what: Mapping[str, object], group: str) -> list[Say]:
    """Asks everybody else; whoever answers first decides. Raises Mistake when there is nobody else."""
    people = others(ctx)
    if not people:
        raise Mistake("approval.nobody", title=title)
    until = ctx.now + ctx.config.group(group).calendar.approval_within
    number = ctx.store.campaigns.propose(
        kind, title, what, group_id=group, by=ctx.member, at=to_ms(ctx.now), expires=to_ms(until),
        event_id=ctx.event.id,
    )  # fmt: skip
    ctx.wake("approval", str(number), until)
    ctx.audit("提请批准", f"{number} 号「{title}」群 {group}")
    clock = f"{ctx.local(until):%m-%d %H:%M}"
    slots = {"number": number, "name": ctx.name, "title": title, "until": clock}
    asked = [
        Say(
            "approval.asked",
            slots,
            member=member,
            channel=channel,
            sort=Sort.STAFF,
            because="有优惠的活动要第二个人批准",
        )
        for channel, member in people
    ]
    return [say("approval.proposed", number=number, title=title, until=clock, sort=Sort.STAFF), *asked]
