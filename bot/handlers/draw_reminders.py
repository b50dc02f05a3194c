"""Whoever won and has not claimed is reminded a day and three hours before the end: in 1:1, else in the group."""

from bot.claims import TOPIC, awake_at, by_place, reminded, watch
from bot.context import Context
from bot.draw_proof import name_of_prize
from bot.drawing import Drawing
from bot.events import Tick
from bot.redeeming import show_left
from bot.replies import Say, Silence, Sort, Wishes
from bot.router import Router
from bot.world import from_ms, to_ms
from storage.draws import Draw, WinnerRow

router = Router("draw_reminders", "抽奖")
router.says({"draw.remind": "name title number prize left until", "draw.remind_group": "names title number left until"})
WHY = "中了奖还没领，提前一天和三小时各提醒一次"


@router.tick(TOPIC)
def remind(event: Tick, ctx: Context) -> Wishes:
    draw, since = ctx.store.draws.get(int(event.key)), int(event.payload.get("since", to_ms(event.at) - 1))
    if draw is None:
        return Silence("没有这个抽奖")
    winners = reminded(ctx, draw, since)
    if not winners:
        watch(ctx, draw, to_ms(ctx.now))
        return Silence("都领了，不用提醒")
    later = awake_at(ctx, draw.groups, min(one.due for one in winners))
    if later is not None:
        ctx.wake(TOPIC, event.key, later, {"group": draw.groups[0], "since": since})
        return Silence("安静时段，等它结束再看谁还没领")
    watch(ctx, draw, to_ms(ctx.now))
    private, groups = by_place(ctx, winners)
    return [
        *(_one(ctx, draw, winner) for winner in private),
        *(_merged(ctx, draw, group, several) for group, several in groups.items()),
    ]


def _one(ctx: Context, draw: Draw, winner: WinnerRow) -> Say:
    slots = {
        "name": ctx.store.members.name(winner.member_id), "title": draw.title, "number": draw.id,
        "prize": name_of_prize(draw, winner.prize), "left": show_left(from_ms(winner.due) - ctx.now),
        "until": Drawing(ctx).clock(winner.due, draw),
    }  # fmt: skip
    channel = ctx.store.members.channel_of_member(winner.member_id) or ctx.event.channel
    return Say(
        "draw.remind", slots, member=winner.member_id, channel=channel, sort=Sort.REMINDER,
        expires=from_ms(winner.due), because=WHY,
    )  # fmt: skip


def _merged(ctx: Context, draw: Draw, group: str, winners: list[WinnerRow]) -> Say:
    due, most = min(one.due for one in winners), max(1, ctx.config.group(group).draws.mentions)
    names = "、".join(ctx.store.members.name(one.member_id) for one in winners[:most])
    more = f"等 {len(winners)} 位" if len(winners) > most else ""
    slots = {
        "names": names + more, "title": draw.title, "number": draw.id, "left": show_left(from_ms(due) - ctx.now),
        "until": Drawing(ctx).clock(due, draw),
    }  # fmt: skip
    return Say(
        "draw.remind_group", slots, group=group, mention=tuple(one.member_id for one in winners[:most]),
        channel=ctx.store.members.channel_of_group(group) or ctx.event.channel, sort=Sort.REMINDER,
        expires=from_ms(due), because=WHY,
    )  # fmt: skip
