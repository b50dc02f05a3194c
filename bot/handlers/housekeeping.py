"""What nobody sees: talk is counted, old interactions become monthly counts, rested cool-downs go."""

from datetime import timedelta

from bot.context import Context
from bot.earning import count_talk
from bot.events import Tick
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
    # Talk is counted before the oldest of it goes.
    more = count_talk(ctx)
    more = _see_talk(ctx) or more
    done = ctx.store.interactions.summarise_before(cutoff, AT_ONCE)
    ctx.store.agenda.drop_old(to_ms(ctx.now))
    ctx.store.calendar.drop_old(to_ms(ctx.now))
    ctx.store.sequences.drop_old(to_ms(ctx.now))
    ctx.store.outbox.expire(to_ms(ctx.now))
    ctx.store.exposures.drop_old((ctx.now - DAYS_KEPT).date().isoformat(), AT_ONCE)
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
