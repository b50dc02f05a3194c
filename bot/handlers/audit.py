"""审计: who of staff did what, when and where. 撤销设置: a changed setting gets back the value it had before."""

import re

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.meant import member_meant
from bot.replies import Sort, Wishes, say
from bot.retuning import paths, retune
from bot.router import Router
from bot.words import one_line
from bot.world import from_ms
from storage.office import AuditRow

router = Router("audit", "员工")
router.says(
    {
        "audit.list": "count page pages rows", "audit.none": "what", "audit.usage": "",
        "audit.undone": "number key old new group", "audit.no_setting": "number what",
        "audit.changed_since": "number key later who when now", "audit.other_group": "number group",
        "audit.gone": "number key",
    }
)  # fmt: skip
USUAL, MOST = 10, 30
"""Entries on a page."""
LONGEST = 60
_PAGE = re.compile(r"第?\s*(\d{1,4})\s*页")


@router.command("审计", help="员工谁在什么时候改了什么", usage="[几条|@某人|词] [第几页]", role="read-only")
def listed(event: MessageReceived, ctx: Context) -> Wishes:
    rest, page = ctx.reading.verbatim.strip(), 1
    if found := _PAGE.search(rest):
        page, rest = max(1, int(found[1])), _PAGE.sub("", rest).strip()
    size, staff, word = USUAL, "", ""
    count = rest.removesuffix("条").strip()
    if count.isdecimal() and len(count) < 5:
        size = min(MOST, max(1, int(count)))
    elif rest:
        staff, word = _asked(event, ctx, rest)
    total, rows = ctx.store.office.entries(
        event.group, staff_id=staff, word=word, skip=(page - 1) * size, most=size
    )  # fmt: skip
    pages = -(-total // size)
    if not rows:
        what = f"第 {page} 页（一共 {pages} 页）" if total else (f"「{rest[:20]}」" if rest else "员工操作")
        return say("audit.none", what=what, sort=Sort.STAFF)
    lines = "\n".join(_row(ctx, one) for one in rows)
    return say("audit.list", count=total, page=page, pages=pages, rows=lines, sort=Sort.STAFF)


def _asked(event: MessageReceived, ctx: Context, rest: str) -> tuple[str, str]:
    """(staff id, word): whose entries, or which word in them. A name in the settings counts as well."""
    name = rest.removeprefix("@")
    named = [one.id for one in ctx.config.settings.staff if name in (one.name, one.id)]
    if len(named) == 1:
        return named[0], ""
    if event.mentions or rest.startswith("@"):
        member, _ = member_meant(event, ctx)
        if member is None:
            raise Mistake("audit.usage")
        return member, ""
    return "", rest


def _row(ctx: Context, one: AuditRow) -> str:
    when = ctx.local(from_ms(one.at))
    where = "" if ctx.event.group else f" {_place(ctx, one.group_id)}"
    return (
        f"· {one.id} 号 {when:%m-%d %H:%M} {_who(ctx, one.staff_id)}{where} {one.action}：{one_line(one.what, LONGEST)}"
    )


def _who(ctx: Context, staff_id: str) -> str:
    person = ctx.config.staff.get(staff_id)
    return (person.name if person else "") or ctx.store.members.name(staff_id)


def _place(ctx: Context, group: str | None) -> str:
    if group is None:
        return "私聊"
    return ctx.config.group(group).name or ctx.store.members.title(group)


@router.command("撤销设置", help="按审计号把改过的设置放回原值", usage="审计号", role="operator")
def undo(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    text = ctx.reading.rest.removeprefix("#").removesuffix("号").strip()
    entry = ctx.store.office.entry(int(text)) if text.isdecimal() and len(text) < 10 else None
    if entry is None:
        raise Mistake("audit.usage")
    change = ctx.store.office.change(entry.id)
    if change is None:
        raise Mistake("audit.no_setting", number=entry.id, what=f"{entry.action} {one_line(entry.what, LONGEST)}")
    if event.group not in (None, change.group_id):
        raise Mistake("audit.other_group", number=entry.id, group=_place(ctx, change.group_id))
    if change.key not in paths():
        raise Mistake("audit.gone", number=entry.id, key=change.key)
    later = ctx.store.office.entry(ctx.store.office.last_change(change.group_id, change.key))
    if later is not None and later.id != entry.id:
        raise Mistake(
            "audit.changed_since", number=entry.id, key=change.key, later=later.id, who=_who(ctx, later.staff_id),
            when=f"{ctx.local(from_ms(later.at)):%m-%d %H:%M}", now=one_line(later.what, LONGEST),
        )  # fmt: skip
    done = retune(ctx, change.group_id, change.key, change.before, "撤销设置", f"撤销 {entry.id} 号，")
    if done is None:  # the table was edited by hand meanwhile
        raise Mistake("audit.gone", number=entry.id, key=change.key)
    return say(
        "audit.undone", number=entry.id, key=change.key, old=done[0], new=done[1],
        group=_place(ctx, change.group_id), sort=Sort.STAFF,
    )  # fmt: skip
