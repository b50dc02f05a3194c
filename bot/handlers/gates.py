"""Freeloader gates for people: 防刷预览 for staff, one appeal for a refused member, 放行 and 驳回."""

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.redeeming import switched_off, to_staff
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import to_ms
from storage.gates import GateNote

router = Router("gates", "防刷")
router.says(
    {
        "gate.stopped": "name item why", "gate.appealed": "name number item", "gate.nothing": "name",
        "gate.to_staff": "name item number why", "gate.preview": "mode count rows", "gate.preview_empty": "mode",
        "gate.ruled": "number name outcome", "gate.told": "name item outcome", "gate.usage": "",
    }
)  # fmt: skip
MOST = 20
DAYS = 30
_MODES = {"off": "关着", "shadow": "影子模式，只记不拦", "on": "正在拦"}
_APPEALS = {"none": "", "open": " · 申诉中", "granted": " · 已放行", "denied": " · 已驳回"}


@router.command("防刷预览", help="防羊毛党会拦下谁、为什么", role="read-only")
def preview(event: MessageReceived, ctx: Context) -> Wishes:
    mode = _MODES[ctx.settings.points.gate.mode]
    since = to_ms(ctx.now) - DAYS * 86_400_000
    found = ctx.store.gates.gate_notes(event.group, since, MOST)
    if not found:
        return say("gate.preview_empty", mode=mode, sort=Sort.STAFF)
    count = ctx.store.gates.count_notes(event.group, since)
    rows = "\n".join(_row(ctx, one) for one in found)
    return say("gate.preview", mode=mode, count=count, rows=rows, sort=Sort.STAFF)


def _row(ctx: Context, one: GateNote) -> str:
    verb = "会拦" if one.shadow else "拦了"
    name = ctx.store.members.name(one.member_id)
    return f"· {one.id} 号 {name} 换「{one.title}」{verb} {one.times} 次：{one.why}{_APPEALS[one.appeal]}"


@router.command("申诉兑换", help="被防刷误伤了，请店里看一眼", off=switched_off)
def appeal(event: MessageReceived, ctx: Context) -> Wishes:
    note = ctx.store.gates.last_stop(ctx.member, event.group)
    if note is None:
        raise Mistake("gate.nothing", name=ctx.name)
    ctx.store.gates.appeal(note.id, "open", was="none")
    return [
        say("gate.appealed", name=ctx.name, number=note.id, item=note.title),
        *to_staff(ctx, "gate.to_staff", name=ctx.name, item=note.title, number=note.id, why=note.why),
    ]


@router.command("放行", help="申诉通过，以后不拦这一样", usage="几号", role="operator")
def grant(event: MessageReceived, ctx: Context) -> Wishes:
    return _rule(ctx, "granted", "放行", "可以换了")


@router.command("驳回", help="申诉不通过", usage="几号", role="operator")
def deny(event: MessageReceived, ctx: Context) -> Wishes:
    return _rule(ctx, "denied", "驳回", "这次不能换")


def _rule(ctx: Context, state: str, verb: str, outcome: str) -> Wishes:
    text = ctx.reading.rest.removeprefix("#").removesuffix("号")
    if not text.isdecimal() or len(text) > 15:
        # 驳回 and 放行 are ordinary words, too.
        return say("gate.usage", sort=Sort.STAFF) if not text or ctx.reading.addressed else Silence("不是号码")
    ctx.needs("operator")
    note = ctx.store.gates.gate_note(number=int(text))
    if note is None or not ctx.store.gates.appeal(note.id, state, was="open"):
        raise Mistake("gate.usage")
    name = ctx.store.members.name(note.member_id)
    ctx.audit(verb, f"{note.id} 号 {name}「{note.title}」")
    channel = ctx.store.members.channel_of_group(note.group_id) or ctx.store.members.channel_of_member(note.member_id)
    told = Say(
        "gate.told", {"name": name, "item": note.title, "outcome": outcome}, group=note.group_id or None,
        member=None if note.group_id else note.member_id, mention=(note.member_id,) if note.group_id else (),
        channel=channel, because="申诉有结果了",
    )  # fmt: skip
    return [say("gate.ruled", number=note.id, name=name, outcome=verb, sort=Sort.STAFF), told]
