"""What nobody sees: talk is counted, old interactions become monthly counts, rested cool-downs go."""

from datetime import timedelta

from bot.buying import settle_buyer
from bot.context import Context
from bot.digest import arm
from bot.earning import count_talk
from bot.events import Tick
from bot.learning import learn, needs_older
from bot.replies import Wishes
from bot.router import Router
from bot.world import to_ms

router = Router("housekeeping")
_CURSOR = "contact.talk.seq"
DAYS_KEPT = timedelta(days=400)
"""How long a line that left counts as known; no window of the contact policy is longer."""
AT_ONCE = 2_000
"""Events summarised in one transaction, so that members never wait for a clean-up."""


@router.tick("housekeeping")
def clean(event: Tick, ctx: Context) -> Wishes:
    cutoff = to_ms(ctx.now - ctx.config.settings.storage.retention)
    # Talk is counted, and everything learnt, before the oldest of it goes.
    more = count_talk(ctx)
    more = _see_talk(ctx) or more
    if ctx.store.tags.has_news() or not ctx.store.agenda.has_wake("learning", ""):
        ctx.wake("learning", "", ctx.now)
    wanted = needs_older(ctx.store, ctx.desk.tags, cutoff)
    done = 0 if wanted else ctx.store.interactions.summarise_before(cutoff, AT_ONCE)
    ctx.store.agenda.drop_old(to_ms(ctx.now))
    ctx.store.calendar.drop_old(to_ms(ctx.now))
    ctx.store.campaigns.drop_old(to_ms(ctx.now))
    ctx.store.sequences.drop_old(to_ms(ctx.now))
    ctx.store.outbox.expire(to_ms(ctx.now))
    ctx.store.exposures.drop_old((ctx.now - DAYS_KEPT).date().isoformat(), AT_ONCE)
    arm(ctx)
    ctx.store.faq_log.drop_old(cutoff, AT_ONCE)
    ctx.wake("housekeeping", "", ctx.now + (timedelta(seconds=1) if more or done == AT_ONCE else timedelta(days=1)))
    return None


def _see_talk(ctx: Context) -> bool:
    """Notes who spoke when, for the stages of members. True while there is more to do."""
    office = ctx.store.office
    before = int(office.fact(_CURSOR) or 0)
    until = ctx.store.exposures.count_talk(before, AT_ONCE)
    office.remember(_CURSOR, str(until))
    return until - before == AT_ONCE


@router.tick("learning")
def study(event: Tick, ctx: Context) -> Wishes:
    """Tags, days and stages: a piece a second while there is more, else by the hour."""
    for member in ctx.store.orders.adopt(100):
        settle_buyer(ctx.store, ctx.config, ctx.desk.tags, member, ctx.now)
    if ctx.store.orders.unnoticed(1) and not ctx.store.agenda.has_wake("orders", ""):
        ctx.wake("orders", "", ctx.now)
    news = ctx.store.tags.has_news()
    more = learn(ctx.store, ctx.config, ctx.desk.tags, ctx.now)
    # Where nobody talks, we look ever more seldom; housekeeping looks every day whether there is news.
    idle = 0 if more or news else min(9, int(event.payload.get("idle", 0)) + 1)
    pause = timedelta(seconds=1) if more else timedelta(hours=2**idle)
    ctx.wake("learning", "", ctx.now + pause, {"idle": idle})
    return None
