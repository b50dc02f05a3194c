"""Instant draws: each try is decided at once against stock and published odds; the end reveals the secret."""

from bot.claims import watch
from bot.context import zone_of
from bot.draw_plan import DrawPlan
from bot.draw_proof import name_of_prize
from bot.drawing import Drawing
from bot.games import draw as rule
from bot.replies import Say
from storage.draws import Draw


def attempt(drawing: Drawing, draw: Draw, plan: DrawPlan) -> tuple[str, dict[str, object], list[Say]]:
    """An instant try of whoever wrote: (phrase key, slots, what else follows)."""
    ctx, rows = drawing.ctx, drawing.ctx.store.draws
    zone = zone_of(ctx.config.group(draw.groups[0]))
    day = ctx.event.at.astimezone(zone).date().isoformat()
    if rows.has_won(draw.id, ctx.member):
        return "draw.try_done", {}, []
    nth = rows.tries_on(draw.id, ctx.member, day) + 1
    if nth > plan.tries:
        return "draw.try_none", {"tries": plan.tries}, []
    line = f"{rule.code_of(draw.commitment, ctx.member)}.{rule.salt_of(ctx.event.id)}"
    number = rows.add_try(draw.id, ctx.member, ctx.group, line, day=day, nth=nth, at=ctx.at_ms, event_id=ctx.event.id)
    seed = rule.seed_of(draw.id, draw.rules, "instant", "-", draw.secret)
    count, won = rows.won_so_far(draw.id)
    stocks = rule.stocks(draw.rules)
    prize = rule.hit(rule.try_luck(seed, number, line), stocks, won)
    if prize is None:
        return "draw.try_lost", {"left": plan.tries - nth, "try": number}, []
    turn = count + 1
    due = drawing.now + drawing.claim_time(plan)
    rows.award(
        draw.id, turn=turn, place=turn, member_id=ctx.member, group_id=ctx.group, entrant=number, prize=prize,
        at=drawing.now, due=due,
    )  # fmt: skip
    watch(ctx, draw)
    gone = turn == sum(one.quantity for one in stocks)
    slots = {"prize": name_of_prize(draw, prize), "try": number}
    return "draw.try_won", slots, end(drawing, draw, "奖品发完了") if gone else []


def end(drawing: Drawing, draw: Draw, why: str) -> list[Say]:
    """Ends the tries, and reveals the secret with the hash of all of them. Nothing when they have ended before."""
    rows = drawing.ctx.store.draws
    tries = rows.tries(draw.id)
    listing = rule.sha(*tries)
    stamps = {"closed_at": drawing.now, "ended_at": drawing.now, "list_hash": listing}
    if not rows.become(draw.id, "drawn", before=("open",), **stamps):
        return []
    drawing.watch_claims(draw)
    return drawing.announce(
        draw, "draw.ended", f"{why}，即时抽结束，公布秘密", count=len(tries), winners=len(rows.winners(draw.id)),
        list=listing, secret=draw.secret,
    )  # fmt: skip
