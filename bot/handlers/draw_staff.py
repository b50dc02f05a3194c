"""Lucky draws for staff: 开奖, 立即开奖, 延期, 公开数, 补抽, 作废, 更正, 晒单, 中奖名单. Every change is public."""

from typing import Any

from bot.context import Context, zone_of
from bot.draw_desk import asked_number, open_plan, tell_openers
from bot.draw_plan import one_line, plan_of
from bot.draw_proof import name_of_prize
from bot.draw_words import parse_answers, parse_prizes, parse_when
from bot.drawing import Drawing, afterwards, closing, key_of, opening, wrong
from bot.errors import ConfigError, Mistake
from bot.events import MessageReceived
from bot.redeeming import aftermath, title_in
from bot.replies import Say, Sort, Wishes, say
from bot.router import Router
from bot.words import normalise
from bot.world import from_ms, to_ms
from storage.draws import Draw, WinnerRow

router = Router("draw_staff", "抽奖")
router.says(
    {
        "draw.bad": "reason how", "draw.told": "what", "draw.extended": "title number deadline",
        "draw.hurried": "title number", "draw.replaced": "title number old new prize reason due",
        "draw.corrected": "title number reason fresh", "draw.photo_ok": "name title",
        "draw.photo_no": "name title reason", "draw.photos": "rows", "draw.winners": "title number rows",
    }
)  # fmt: skip
FIELDS = {
    "名称": "name", "条件": "conditions", "领奖": "redeem", "主办": "organiser", "联系": "contact", "口令": "word",
    "公开数": "public", "奖品": "prizes", "题目": "question", "答案": "answers",
}  # fmt: skip


def _asked(ctx: Context, word: str) -> tuple[Drawing, Draw, str]:
    """(drawing, draw, the rest as typed). Raises Mistake."""
    ctx.needs("operator")
    drawing = Drawing(ctx)
    draw = drawing.get(asked_number(ctx, word))
    if ctx.event.group is not None and ctx.event.group not in draw.groups:
        raise Mistake("draw.unknown", number=draw.id)
    return drawing, draw, one_line((*ctx.reading.verbatim.split(maxsplit=1), "", "")[1])


@router.command("开奖", help="按写好的文件开一个抽奖", usage="名", role="operator")
def open_file(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    name = next((one for one in ctx.desk.draw_plans() if normalise(one) == ctx.reading.rest), "")
    plan = ctx.desk.draw_plan(name) if name else None
    if plan is None:
        known = "、".join(ctx.desk.draw_plans()[:20]) or "一个也没有"
        raise wrong("没有这份抽奖", f"有：{known}；或者私聊我「开奖池」一步步开")
    groups = plan.groups or ((event.group,) if event.group else ())
    if not groups:
        raise wrong("这份抽奖没写 groups", "到那个群里发，或在文件里写上群 id")
    return open_plan(ctx, plan, groups)


@router.command("立即开奖", help="现在就截止并开奖", usage="号", role="operator")
def hurry(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, draw, _ = _asked(ctx, "立即开奖")
    if draw.state != "open":
        raise wrong(f"第 {draw.id} 号抽奖现在不能开奖")
    drawing.note(draw, "提前截止，立即开奖")
    ctx.audit("立即开奖", f"第 {draw.id} 号")
    says = drawing.announce(draw, "draw.hurried", "员工提前截止，公开")
    return tell_openers(ctx, [*says, *closing.close(drawing, draw, "员工提前截止")], f"第 {draw.id} 号已截止。")


@router.command("延期", help="把截止时间往后挪", usage="号 时间", role="operator")
def extend(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, draw, text = _asked(ctx, "延期")
    zone = zone_of(ctx.config.group(draw.groups[0]))
    if draw.state != "open" or draw.deadline <= to_ms(ctx.now):
        raise wrong(f"第 {draw.id} 号抽奖已经截止", "只有截止前能延期")
    try:
        later = parse_when(text, ctx.now.astimezone(zone))
    except ValueError as error:
        raise wrong(str(error)) from None
    if not draw.deadline < to_ms(later) <= draw.opens_at + 92 * 86_400_000:
        raise wrong(f"只能延到现在的截止（{drawing.clock(draw.deadline, draw)}）之后，最长 92 天")
    ctx.store.draws.postpone(draw.id, to_ms(later))
    ctx.wake("draw", str(draw.id), later, {"group": draw.groups[0]})
    shown = drawing.clock(to_ms(later), draw)
    drawing.note(draw, f"延期到 {shown}")
    ctx.audit("延期", f"第 {draw.id} 号到 {shown}")
    return tell_openers(
        ctx, drawing.announce(draw, "draw.extended", "员工延期，公开", deadline=shown), f"已延期到 {shown}。"
    )


@router.command("公开数", help="名单封存后填公开数，马上开奖", usage="号 数", role="operator")
def public_number(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, draw, text = _asked(ctx, "公开数")
    if draw.state != "closed":
        raise wrong(f"第 {draw.id} 号抽奖不在等公开数")
    if not text or len(text) > 60 or text == "-":
        raise wrong("公开数要写 1 到 60 个字", "比如：公开数 12 3456.78")
    drawing.note(draw, f"公开数 {text}")
    ctx.audit("公开数", f"第 {draw.id} 号：{text}")
    return tell_openers(ctx, closing.draw_list(drawing, draw, text), f"第 {draw.id} 号已开奖。")


@router.command("补抽", help="换掉一位中奖的人，由下一顺位补上", usage="号 奖品 原因", role="operator")
def replace(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, draw, text = _asked(ctx, "补抽")
    which, _, reason = text.partition(" ")
    if not which or not reason.strip():
        raise wrong(
            "要写明换哪一位、为什么", f"比如：补抽 {draw.id} 1 联系不上（1 是名额号，看「中奖名单 {draw.id}」）"
        )
    winner = _chosen(ctx, draw, which)
    title = title_in(ctx, winner.group_id, winner.member_id)
    fresh = afterwards.replace_winner(drawing, draw, winner, "replaced", reason.strip()[:60])
    if fresh is None:
        raise wrong("名单里没有候补了")
    old, new = (ctx.store.members.name(one.member_id) for one in (winner, fresh))
    drawing.note(draw, f"{winner.place} 号名额补抽：{reason.strip()[:60]}")
    ctx.audit("补抽", f"第 {draw.id} 号 {winner.place} 号名额：{old} 换成 {new}，{reason.strip()[:60]}")
    says = drawing.announce(
        draw, "draw.replaced", "员工换人，写明了原因，按顺位补", [fresh.member_id], old=old, new=new,
        prize=name_of_prize(draw, winner.prize), reason=reason.strip()[:60], due=drawing.clock(fresh.due, draw),
    )  # fmt: skip
    follows = aftermath(ctx, winner.group_id, winner.member_id, title) if winner.state == "claimed" else ""
    if follows:
        ctx.audit("补抽", f"{old}{follows}")
        says.append(
            Say(
                "undo.told", {"name": old, "what": f"第 {draw.id} 号抽奖领过的奖{follows}"}, group=winner.group_id,
                mention=(winner.member_id,), because="补抽收回了奖品，花出去的积分跟着退",
                channel=ctx.store.members.channel_of_group(winner.group_id) or event.channel,
            )
        )  # fmt: skip
    return tell_openers(ctx, says, f"已换成 {new}。")


def _chosen(ctx: Context, draw: Draw, which: str) -> WinnerRow:
    """The standing winner that is meant: by place, by their name, or by a prize that only one of them has."""
    standing = [one for one in ctx.store.draws.winners(draw.id) if one.state in ("won", "claimed")]
    place = which.removesuffix("号").removeprefix("#")
    found = [one for one in standing if place.isdecimal() and one.place == int(place)]
    found = found or [one for one in standing if name_of_prize(draw, one.prize) == which]
    found = found or [one for one in standing if ctx.store.members.name(one.member_id) == which.removeprefix("@")]
    if len(found) != 1:
        raise wrong(
            f"「{which[:20]}」{'有好几位' if found else '不在中奖名单里'}", f"用名额号，看「中奖名单 {draw.id}」"
        )
    return found[0]


@router.command("作废", help="公开作废一个没开奖的抽奖", usage="号 原因", role="operator")
def void(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, draw, reason = _asked(ctx, "作废")
    if not reason:
        raise wrong("要写明原因", f"比如：作废 {draw.id} 奖品写错了")
    says = afterwards.void(drawing, draw, reason[:60])
    ctx.audit("作废", f"第 {draw.id} 号：{reason[:60]}")
    return tell_openers(ctx, says, f"第 {draw.id} 号已作废。")


@router.command("更正", help="规则写错了：公开作废，改好重开", usage="号 项 新内容", role="operator")
def correct(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, draw, text = _asked(ctx, "更正")
    what, _, value = text.partition(" ")
    field = FIELDS.get(what)
    if field is None or not value.strip():
        raise wrong(f"可以更正：{'、'.join(FIELDS)}", f"比如：更正 {draw.id} 联系 群里找店长")
    if draw.state != "open":
        raise wrong(f"第 {draw.id} 号抽奖不在报名，不能更正")
    data: dict[str, Any] = dict(draw.given)
    if "deadline" in data or data.get("mode", "once") in ("once", "instant"):
        data.pop("lasts", None)
        data["deadline"] = from_ms(draw.deadline).isoformat()
    try:
        data[field] = {"prizes": parse_prizes, "answers": parse_answers}.get(field, str.strip)(value)
        plan = plan_of(data)
    except ValueError as error:
        raise wrong(str(error)) from None
    except ConfigError as error:
        raise wrong(error.problems[0].reason) from None
    voided = afterwards.void(drawing, draw, f"更正{what}")
    fresh, opened = opening.start(drawing, plan, draw.groups, draw.round)
    ctx.audit("更正", f"第 {draw.id} 号改{what}，重开为第 {fresh.id} 号")
    says = drawing.announce(draw, "draw.corrected", "规则不能改，更正要作废重开", reason=f"更正{what}", fresh=fresh.id)
    return tell_openers(ctx, [*voided, *says, *opened], f"已重开为第 {fresh.id} 号。")


@router.command("晒单", help="看等审的晒单；通过或退回", usage="[通过|退回 编号 原因]", role="service")
def photos(event: MessageReceived, ctx: Context) -> Wishes:
    drawing = Drawing(ctx)
    verdict, number, reason = (*ctx.reading.verbatim.split(maxsplit=2), "", "", "")[:3]
    if not verdict:
        waiting = [
            f"· 编号 {one.id} {ctx.store.members.name(one.member_id)}（{drawing.get(one.draw_id).title}）"
            f"{drawing.clock(one.at, drawing.get(one.draw_id))} {one.media[:80]}"
            for one in ctx.store.draws.photos(20)
        ]
        return say("draw.photos", rows="\n".join(waiting) or "（没有等审的晒单）", sort=Sort.STAFF)
    ctx.needs("service")
    if verdict not in ("通过", "退回") or not number.isdecimal() or len(number) > 12:
        raise wrong("没看懂", "写成：晒单 通过 3，或 晒单 退回 3 图看不清")
    photo = ctx.store.draws.photo(int(number))
    if photo is None or photo.state != "waiting":
        raise wrong(f"{number} 号晒单不在等审")
    draw = drawing.get(photo.draw_id)
    if draw.state != "open":
        raise wrong(f"第 {draw.id} 号抽奖已经截止")
    ctx.store.draws.judge_photo(photo.id, "approved" if verdict == "通过" else "refused")
    ctx.audit("晒单", f"{verdict} {photo.id} 号 {one_line(reason)[:60]}")
    name = ctx.store.members.name(photo.member_id)
    slots: dict[str, object] = {"name": name, "title": draw.title}
    if verdict == "通过":
        drawing.enter(draw, photo.member_id, photo.group_id, photo.at, photo.event_id)
    else:
        slots["reason"] = one_line(reason)[:60] or "不太符合要求"
    told = Say(
        "draw.photo_ok" if verdict == "通过" else "draw.photo_no", slots, mention=(photo.member_id,),
        group=photo.group_id, channel=ctx.store.members.channel_of_group(photo.group_id) or event.channel,
        because="员工看过了晒单",
    )  # fmt: skip
    return [told] if event.group == photo.group_id else [told, say("draw.told", what=f"{number} 号已{verdict}。")]


@router.command("中奖名单", help="一个抽奖的中奖和领奖情况", usage="号", role="read-only")
def winners(event: MessageReceived, ctx: Context) -> Wishes:
    drawing = Drawing(ctx)
    draw = drawing.get(asked_number(ctx, "中奖名单"))
    states = {"won": "待领", "claimed": "已领，待发", "forfeited": "逾期作废", "replaced": "已换人"}
    keys = ctx.store.prizes.handed(f"draw/{draw.id}/")
    rows = [
        f"· 名额 {one.place} {ctx.store.members.name(one.member_id)}：{name_of_prize(draw, one.prize)}，"
        + ("已发放" if key_of(one) in keys or _is_paid(draw, one) else states[one.state])
        + (f"（{one.reason}）" if one.reason else "")
        for one in ctx.store.draws.winners(draw.id)
    ]
    shown = rows[:60] + ([f"……一共 {len(rows)} 位"] if len(rows) > 60 else [])
    return say("draw.winners", title=draw.title, number=draw.id, rows="\n".join(shown) or "（还没有）", sort=Sort.STAFF)


def _is_paid(draw: Draw, won: WinnerRow) -> bool:
    """Points are paid as soon as they are claimed."""
    return won.state == "claimed" and bool(draw.given["prizes"][won.prize - 1].get("points"))
