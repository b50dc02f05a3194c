"""我的权限: what a member of staff may do here, what not, and which role that would need."""

from bot.context import Context
from bot.events import MessageReceived
from bot.replies import Sort, Wishes, say
from bot.router import Router
from bot.settings.deployment import Role

router = Router("rights", "员工")
router.says({"rights.mine": "name role rows"})


@router.command("我的权限", help="我是什么角色，能用哪些员工口令", role="read-only")
def mine(event: MessageReceived, ctx: Context) -> Wishes:
    words = ctx.desk.rights(ctx.settings)
    can = [word for word, _, change in words if ctx.may(change)]
    look = [word for word, needed, change in words if ctx.may(needed) and not ctx.may(change)]
    rows = [f"· 能用：{'、'.join(can)}"]
    if look:
        rows.append(f"· 能看不能改：{'、'.join(look)}")
    for role in Role.ORDER:
        more = [word for word, needed, _ in words if needed == role and not ctx.may(needed)]
        if more:
            rows.append(f"· 要{Role.TITLES[role]}以上：{'、'.join(more)}")
    title = Role.TITLES[ctx.role or "read-only"]
    return say("rights.mine", name=ctx.name, role=title, rows="\n".join(rows), sort=Sort.STAFF)
