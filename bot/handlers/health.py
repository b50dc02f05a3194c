"""群体检: how this group is doing, for staff, in numbers with their bands."""

from collections.abc import Sequence
from datetime import datetime

from bot.checkups import health_lines, health_row
from bot.context import Context
from bot.digest import tells
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.learning import ASKED, learn
from bot.replies import Say, Sort, Wishes
from bot.router import Router

router = Router("health", "群体检")
router.says({"health.report": "group days rows", "health.only_in_group": "groups"})


@router.command("群体检", help="这个群健不健康：自发、日活、广告、没人接、沉默、退群", usage="[群名]", role="read-only")
def report(event: MessageReceived, ctx: Context) -> Wishes:
    wanted = ctx.reading.verbatim.strip()
    named = {ctx.config.group(one).name or one: one for one in (*ctx.config.named_groups, *ctx.store.members.groups())}
    group = named.get(wanted) or (wanted if wanted in named.values() else None) if wanted else event.group
    if group is None:
        raise Mistake("health.only_in_group", groups="、".join(list(named)[:20]))
    if learn(ctx.store, ctx.config, ctx.desk.tags, ctx.now, ASKED):
        ctx.wake("learning", "", ctx.now)
    settings = ctx.config.group(group)
    rows = "\n".join(health_lines(ctx.store, ctx.config, group, ctx.now))
    name = settings.name or ctx.store.members.title(group)
    slots = {"group": name, "days": settings.health.days, "rows": rows}
    return Say("health.report", slots, member=ctx.member, sort=Sort.STAFF, because="员工查的，只给本人看")


@tells(65)
def numbers(ctx: Context, group: str, since: datetime, until: datetime) -> Sequence[str]:
    """How healthy the group is, for the weekly digest."""
    row = health_row(ctx.store, ctx.config, group, until)
    return [row] if row else []
