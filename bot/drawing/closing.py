"""A draw by list closes: entrants are numbered, weighed and sealed, then ranked, awarded and told."""

from collections.abc import Sequence
from datetime import timedelta

from bot.context import zone_of
from bot.crowds import catch_up
from bot.draw_plan import DrawPlan, plan_of
from bot.drawing import Drawing, instant
from bot.drawing.opening import start
from bot.errors import Mistake
from bot.games import draw as rule
from bot.replies import Say
from bot.world import from_ms
from storage.draws import Draw, WinnerRow


def close(drawing: Drawing, draw: Draw, why: str) -> list[Say]:
    """Closes the list: from here on nobody comes in, and what was entered is published as a hash."""
    plan, rows = plan_of(draw.given), drawing.ctx.store.draws
    if draw.kind == "instant":
        return instant.end(drawing, draw, why)
    if draw.enter == "streak" or plan.right:
        _gather(drawing, draw, plan)
    if plan.weights:
        _weigh(drawing, draw, plan)
    lines = rows.lines(draw.id)
    listing = rule.sha(*lines)
    if not rows.become(draw.id, "closed", before=("open",), closed_at=drawing.now, list_hash=listing):
        return []
    draw = drawing.get(draw.id)
    told = _tell_answers(drawing, draw, plan)
    if not plan.public:
        return [*told, *draw_list(drawing, draw, "-", lines)]
    waits = drawing.now + int(drawing.ctx.config.group(draw.groups[0]).draws.public_within.total_seconds() * 1000)
    drawing.alarm(draw, waits)
    return told + drawing.announce(
        draw, "draw.closed", f"{why}，名单封存，等公开数", count=len(lines), list=listing, public=plan.public,
        until=drawing.clock(waits, draw),
    )  # fmt: skip


def _tell_answers(drawing: Drawing, draw: Draw, plan: DrawPlan) -> list[Say]:
    """What was the right answer all along: the rules carry its seal, the proof keeps it."""
    if not plan.question:
        return []
    answers = "、".join(plan.answers)
    drawing.note(draw, f"答案：{answers}")
    return drawing.announce(draw, "draw.answer", "截止了，公布答案", question=plan.question, answer=answers)


def _gather(drawing: Drawing, draw: Draw, plan: DrawPlan) -> None:
    """Enters whoever earned it by check-ins or by answers, in the order in which they did."""
    until = min(draw.deadline, drawing.now + 1)
    store = drawing.ctx.store
    found = (
        store.quizzes.right_answers(draw.groups, least=plan.right, since=draw.opens_at, until=until)
        if plan.right
        else store.draws.streaks(draw.groups, least=plan.streak, since=draw.opens_at, until=until)
    )
    if plan.segment:
        catch_up(drawing.ctx)
    for member, group, at in found:
        if drawing.may_enter(draw, member) and drawing.is_meant(draw, member, group):
            drawing.enter(draw, member, group, at, drawing.ctx.event.id)


def _weigh(drawing: Drawing, draw: Draw, plan: DrawPlan) -> None:
    rows = drawing.ctx.store.draws
    zone = zone_of(drawing.ctx.config.group(draw.groups[0]))
    since = (from_ms(min(draw.deadline, drawing.now)).astimezone(zone).date() - timedelta(days=1)).isoformat()
    streaks = rows.streak_now(draw.groups, since)
    changed = []
    for number, (member, _, line) in enumerate(rows.entries(draw.id), start=1):
        streak = streaks.get(member, 0)
        weight = max((one.weight for one in plan.weights if streak >= one.streak), default=1)
        if weight > 1:
            changed.append((rule.entrant(line, weight), number))
    rows.set_lines(draw.id, changed)


def draw_list(drawing: Drawing, draw: Draw, public: str, lines: Sequence[str] | None = None) -> list[Say]:
    """Ranks the closed list, awards the places, and reveals the secret. `lines`: the list, where it is known."""
    rows, plan = drawing.ctx.store.draws, plan_of(draw.given)
    if not rows.become(draw.id, "drawn", before=("closed",), ended_at=drawing.now, public_number=public):
        return []
    known = rows.lines(draw.id) if lines is None else lines
    places = rule.places(rule.stocks(draw.rules), len(known))
    order = drawing.order(draw, known, public, len(places))
    due = drawing.now + drawing.claim_time(plan)
    for turn, (number, prize) in enumerate(zip(order, places, strict=True), start=1):
        member, group = rows.entrant(draw.id, number)
        rows.award(
            draw.id, turn=turn, place=turn, member_id=member, group_id=group, entrant=number, prize=prize,
            at=drawing.now, due=due,
        )  # fmt: skip
    drawing.watch_claims(draw)
    says = _result(drawing, draw, rows.winners(draw.id), len(known))
    return [*says, *_next_round(drawing, draw, plan)]


def _result(drawing: Drawing, draw: Draw, winners: Sequence[WinnerRow], count: int) -> list[Say]:
    why = f"第 {draw.id} 号抽奖到点开奖"
    if not winners:
        return drawing.announce(draw, "draw.nobody", why, secret=draw.secret)
    settings = drawing.ctx.config.group(draw.groups[0]).draws
    most = settings.page_bytes
    first, *more = rule.pages(list(drawing.winner_rows(draw, winners)), most)
    says = drawing.announce(
        draw, "draw.result", why, [one.member_id for one in winners[: settings.mentions]], rows=first, count=count,
        list=draw.list_hash, secret=draw.secret, due=drawing.clock(winners[0].due, draw),
    )  # fmt: skip
    for page in more[:5]:
        says += drawing.announce(draw, "draw.more", why, text=page)
    return says


def _next_round(drawing: Drawing, draw: Draw, plan: DrawPlan) -> list[Say]:
    if plan.mode != "daily" or draw.round >= plan.rounds:
        return []
    try:
        return start(drawing, plan, draw.groups, draw.round + 1, draw.opener_id)[1]
    except Mistake as mistake:
        return drawing.announce(draw, "draw.stopped", "每日抽奖的下一天开不了", reason=mistake.slots.get("reason", ""))
