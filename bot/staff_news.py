"""What staff must hear of the house: sends that failed or are of unknown outcome, bugs, channels that went away."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.context import Context, Desk
from bot.events import Event, Tick
from bot.outbox import REPORT, Outbox
from bot.replies import Say, Sort, Wishes, say
from bot.router import Router
from bot.world import to_ms
from storage.store import Store

REPORTS = timedelta(hours=1)
"""How far apart reports of failed sends are."""
ROWS = 5
"""Lines of a report that name what failed."""
own_words = Router("engine")
own_words.says(
    {
        "staff.channel": "channel state",
        "staff.bug": "route event",
        "staff.unknown_sends": "count rows",
        REPORT: "count rows",
    }
)


@own_words.tick("trouble")
def report_troubles(event: Tick, ctx: Context) -> Wishes:
    """What failed since the last report."""
    ctx.store.agenda.rest("trouble", "", to_ms(ctx.now + REPORTS))
    slots = {"count": event.payload["count"], "rows": "\n".join(event.payload["rows"])}
    return [
        Say(REPORT, slots, member=member, channel=channel, sort=Sort.STAFF, because="上次报过以后又有没发出去的")
        for channel, member in ctx.desk.staff_rooms()
    ]


class StaffNews:
    """Queues lines for staff, in 1:1, inside the engine's transaction. Everything returns whether a line was queued."""

    def __init__(self, store: Store, outbox: Outbox, desk: Desk) -> None:
        self._store = store
        self._outbox = outbox
        self._desk = desk

    def tell(self, message: Say, event: Event, now: datetime, number: int = 0) -> bool:
        """Tells staff something about an event; its lines count from `number` on."""
        queued = False
        for offset, (channel, member) in enumerate(self._desk.staff_rooms()):
            told = Say(
                message.key, message.slots, member=member, channel=channel, sort=Sort.STAFF,
                because="要人知道的事",
            )  # fmt: skip
            queued |= self._outbox.enqueue(told, event, number + offset, now, "engine") is not None
        return queued

    def announce(self, topic: str, message: Say, now: datetime) -> bool:
        """Something that no event of a platform brought."""
        about = str(message.slots.get("channel", ""))  # two channels may have news in the same millisecond
        return self.tell(message, self._note(topic, now, about), now)

    def of_unknown(self, count: int, now: datetime) -> bool:
        """After a start: so many sends were under way when the process ended."""
        rows = [
            f"· {group or member}：{' '.join(text.split())[:30]}"
            for _, group, member, _, text, _ in self._outbox.unknown(ROWS)
        ]
        message = say("staff.unknown_sends", count=count, rows="\n".join(rows))
        return self.tell(message, self._note("unknown", now), now)

    def of_troubles(self, troubles: Sequence[tuple[str, str]], now: datetime) -> tuple[bool, int | None]:
        """Sends that failed, as (line key, why). At most one report an hour: what fails meanwhile is told with the next
        one, for which the second value is the moment (ms) to wake."""
        agenda, rows = self._store.agenda, [f"· {key}：{what}" for key, what in troubles[:ROWS]]
        until = agenda.cooling("trouble", "", to_ms(now))
        if until is None:
            agenda.rest("trouble", "", to_ms(now + REPORTS))
            message = say(REPORT, count=len(troubles), rows="\n".join(rows))
            return self.tell(message, self._note("trouble", now), now), None
        waiting = agenda.payload_of("trouble", "")
        count, rows = waiting.get("count", 0) + len(troubles), [*waiting.get("rows", ()), *rows][:ROWS]
        agenda.wake_at("trouble", "", until, {"count": count, "rows": rows})
        return False, until

    def _note(self, topic: str, now: datetime, about: str = "") -> Tick:
        """An event of the bot's own, recorded like any other, that staff lines can point to."""
        event = Tick(id=f"tick:{topic}:{about}:{to_ms(now)}", at=now, channel="", topic=topic, key=about)
        self._store.interactions.record(
            event.id, event.kind, to_ms(now), "", None, None,
            text=None, details=event.details(), route=f"engine.{topic}",
        )  # fmt: skip
        return event
