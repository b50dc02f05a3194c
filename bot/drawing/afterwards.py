"""After the draw: void, replacements, prizes that nobody claims, and claims."""

from bot.draw_plan import plan_of
from bot.drawing import HOUSE, Drawing, key_of, wrong
from bot.games import draw as rule
from bot.replies import Say
from storage.draws import Draw, WinnerRow
from storage.ledger import POINTS, account


def void(drawing: Drawing, draw: Draw, reason: str) -> list[Say]:
    """Abandons a draw in public, and reveals what it would have been drawn with. Raises Mistake when it is over."""
    rows = drawing.ctx.store.draws
    lines = rows.tries(draw.id) if draw.kind == "instant" else rows.lines(draw.id)
    if not rows.become(
        draw.id, "void", before=("planned", "open", "closed"), ended_at=drawing.now, list_hash=rule.sha(*lines)
    ):
        raise wrong(f"第 {draw.id} 号抽奖已经{'作废' if draw.state == 'void' else '开奖'}，不能作废", "换人用「补抽」")
    drawing.note(draw, f"作废：{reason}")
    if answers := draw.given.get("answers"):
        drawing.note(draw, f"答案：{'、'.join(answers)}")
    drawing.watch_claims(draw)
    if draw.state == "planned":
        return []
    return drawing.announce(draw, "draw.void", f"第 {draw.id} 号抽奖作废", reason=reason, secret=draw.secret)


def replace_winner(drawing: Drawing, draw: Draw, winner: WinnerRow, state: str, reason: str) -> WinnerRow | None:
    """Takes a place from a winner and gives it to the next of the ranking; None when nobody is left."""
    rows = drawing.ctx.store.draws
    if winner.state == "claimed":
        _take_back(drawing, winner)
    if not rows.settle(draw.id, winner.turn, state, before=winner.state, reason=reason):
        raise wrong(f"{winner.place} 号名额已经不在这位手里")
    lines = rows.lines(draw.id) if draw.kind == "list" else []
    turn = len(rows.winners(draw.id)) + 1
    if turn > len(lines):
        return None
    number = drawing.order(draw, lines, draw.public_number, turn)[turn - 1]
    member, group = rows.entrant(draw.id, number)
    rows.award(
        draw.id, turn=turn, place=winner.place, member_id=member, group_id=group, entrant=number,
        prize=winner.prize, at=drawing.now, due=drawing.now + drawing.claim_time(plan_of(draw.given)),
    )  # fmt: skip
    drawing.watch_claims(draw)
    return rows.winners(draw.id)[-1]


def _take_back(drawing: Drawing, winner: WinnerRow) -> None:
    key = key_of(winner)
    moved = drawing.ctx.store.ledger.by_key(key)
    if moved is not None:
        drawing.ctx.store.ledger.reverse(moved.id, at=drawing.now, event_id=drawing.ctx.event.id, cause="补抽收回")
    elif not drawing.ctx.store.prizes.take_back(key):
        raise wrong(f"{winner.place} 号的奖品已经发到手，收不回来")


def expire(drawing: Drawing, draw: Draw) -> list[Say]:
    """Prizes that nobody claimed in time: forfeited, or given to the next once, as the rules said."""
    plan = plan_of(draw.given)
    forfeited, redrawn = [], []
    for winner in drawing.ctx.store.draws.overdue(draw.id, drawing.now):
        first = _is_first_of_place(drawing, draw, winner)
        old = next(iter(drawing.winner_rows(draw, [winner])))
        if plan.unclaimed == "redraw" and first:
            fresh = replace_winner(drawing, draw, winner, "forfeited", "逾期没领")
            if fresh is not None:
                redrawn.append((old, fresh))
                continue
        else:
            drawing.ctx.store.draws.settle(draw.id, winner.turn, "forfeited", before="won", reason="逾期没领")
        forfeited.append(old)
    drawing.watch_claims(draw)
    says: list[Say] = []
    if redrawn:
        rows = [
            f"{old} → {drawing.ctx.store.members.name(fresh.member_id)}" for old, fresh in redrawn
        ]  # fmt: skip
        says += drawing.announce(
            draw, "draw.redrawn", "逾期没领，按规则由下一顺位补上", [fresh.member_id for _, fresh in redrawn][:10],
            rows="\n".join(rows), due=drawing.clock(redrawn[0][1].due, draw),
        )  # fmt: skip
    if forfeited:
        says += drawing.announce(draw, "draw.forfeited", "逾期没领，按规则作废", rows="\n".join(forfeited))
    return says


def _is_first_of_place(drawing: Drawing, draw: Draw, winner: WinnerRow) -> bool:
    """Whether no unclaimed winner held this place before: the rules give it away anew only once."""
    return not any(
        one.place == winner.place and one.state == "forfeited" and one.turn < winner.turn
        for one in drawing.ctx.store.draws.winners(draw.id)
    )


def claim(drawing: Drawing, winner: WinnerRow) -> str:
    """A winner claims: points are paid at once, anything else goes on the list of staff. Returns what it is."""
    draw, ctx = drawing.get(winner.draw_id), drawing.ctx
    prize = next(one for one in ctx.store.draws.prizes(draw.id) if one.prize == winner.prize)
    ctx.store.draws.settle(draw.id, winner.turn, "claimed", before="won")
    what = f"{prize.name}（第 {draw.id} 号抽奖）"
    if prize.points:
        ctx.store.ledger.move(
            key_of(winner), HOUSE, account(winner.member_id), prize.points, asset=POINTS, at=drawing.now,
            event_id=ctx.event.id, cause=f"第 {draw.id} 号抽奖", group_id=winner.group_id,
        )  # fmt: skip
        return f"{what}，{prize.points} 积分到账"
    ctx.store.prizes.owe(
        key_of(winner), winner.member_id, what, group_id=winner.group_id, at=drawing.now, event_id=ctx.event.id
    )
    return what
