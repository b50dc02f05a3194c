"""The only place that sends: pacing, contact policy, wording, delivery, receipts."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.channels import Channel, Line, Receipt
from bot.config import Config
from bot.contact import UNASKED, Verdict, decide
from bot.errors import Refused, Retryable
from bot.events import Event
from bot.exposure import Exposure
from bot.pace import Gate
from bot.replies import Say
from bot.settings import GroupSettings
from bot.voice import Voice, cut, pack, unpack
from bot.world import Luck, World, from_ms, span_ms, to_ms
from storage.outbox import Waiting
from storage.store import Store

log = logging.getLogger("yuanzi.outbox")
AT_ONCE = 200
ASK_AGAIN = 3_000
"""Milliseconds until a line of unknown outcome is repeated where repeating is harmless."""
REPORT = "staff.trouble"
"""The report about sends that failed. Where it fails itself, there is nothing more to report."""
NEVER = 1 << 62
"""Later than any moment (ms)."""


def _line(row: Waiting, number: int, text: str) -> Line:
    """A stored line as channels get it."""
    return Line(
        row=number, key=row.key, channel=row.channel, group=row.group_id, member=row.member_id, text=text,
        phrase=row.phrase, event_id=row.event_id, because=row.because, sort=row.sort, mentions=row.mentions,
        picture=row.picture,
    )  # fmt: skip


class Outbox:
    """Queues wishes as rows, claims what may leave, delivers it after the commit, and notes how it ended.

    `enqueue` and `claim` run inside the engine's transaction; `deliver` outside of it.
    """

    def __init__(self, store: Store, config: Config, world: World, luck: Luck, channels: Mapping[str, Channel]) -> None:
        self._store = store
        self._rows = store.outbox
        self.exposure = Exposure(store, config)
        self._config = config
        self._world = world
        self._luck = luck
        self._gates = {name: Gate(channel, luck) for name, channel in channels.items()}
        self._receipts: list[tuple[str, int, str | None, str | None, int]] = []
        self._again: list[tuple[Line, int, Receipt, bool]] = []
        # What was queued a moment ago is still in memory; before `_silent_until` the table has nothing else that is
        # due, so that a reply leaves without being looked up again. 0: unknown, ask the table.
        self._fresh: dict[str, list[Waiting]] = {name: [] for name in channels}
        # Claimed while they were queued: they only wait for the event to end well.
        self._spoken: dict[str, list[Line]] = {name: [] for name in channels}
        self._silent_until = dict.fromkeys(channels, 0)
        self.troubles: list[tuple[str, str]] = []
        """(line key, what happened) of sends that failed, until the engine tells staff."""
        self.put_off: int | None = None
        """The earliest moment (ms) that a line was put off to, until the engine takes note of it."""
        self._started = to_ms(world.now())
        self.voice: Voice

    def speaks(self, channel: str) -> str:
        """When a channel may speak: first, only in answer, or what a person confirmed."""
        gate = self._gates.get(channel)
        return gate.channel.abilities.speaks if gate else "first"

    @property
    def channels(self) -> list[str]:
        """Names of the channels that are here."""
        return list(self._gates)

    def enqueue(self, say: Say, event: Event, number: int, now: datetime, route: str) -> int | None:
        """Queues one wish of an event. Returns when it may leave (ms), or None when it cannot or was queued before."""
        group, member = (say.group, say.member) if say.group or say.member else (event.group, event.member)
        if say.group is None and say.member is None and group is not None:
            member = None
        if group is None and member is None:
            return None
        created = to_ms(now)
        not_before = max(created, to_ms(say.at)) if say.at else created
        span: timedelta = getattr(self._config.settings.outbox, say.sort)
        expires = to_ms(say.expires) if say.expires else not_before + span_ms(span)
        waiting = Waiting(
            0, f"{event.id}/{number}", say.sort.value, say.channel or event.channel, group, member, say.key,
            {name: pack(value) for name, value in say.slots.items()}, tuple(say.mention), say.picture, event.id,
            say.because or f"回应 {event.kind}（{route}）", not_before, expires, 0, 0,
        )  # fmt: skip
        gate = self._gates.get(waiting.channel)
        text = self._words_at_once(waiting, say, gate, now, created) if gate is not None else None
        row = self._rows.queue(waiting, created, text)
        if row is None:
            return None
        if waiting.sort in UNASKED:
            self.exposure.note(waiting._replace(id=row), say)
        if text is not None:
            self._spoken[waiting.channel].append(_line(waiting, row, text))
        elif not_before > created:
            self._expect(waiting.channel, not_before)
        elif gate is not None:
            self._fresh[waiting.channel].append(waiting._replace(id=row))
        return not_before

    def _words_at_once(self, line: Waiting, say: Say, gate: Gate, now: datetime, stamp: int) -> str | None:
        """The words of a line that nothing holds back: it is stored claimed, in one statement. None for all others,
        which `claim` looks at."""
        name = line.channel
        if line.sort in UNASKED:  # the table knows how often people were written to
            return None
        waits = gate.paced or line.not_before > stamp or self._fresh[name] or stamp >= self._silent_until[name]
        if waits or gate.room <= len(self._spoken[name]):
            return None
        settings = self._config.group(line.group_id)
        if self._verdict(line, gate, settings, now).what != "now":
            return None
        try:
            words = self._words(say, line, now, settings)
        except (KeyError, ValueError):
            return None
        return cut(words, gate.channel.abilities.max_bytes)

    def _expect(self, channel: str, moment: int) -> None:
        """From this moment on the table may have a line that is due."""
        if channel in self._gates:
            self._silent_until[channel] = min(self._silent_until[channel], moment)

    def look_again(self) -> None:
        """Rows were taken back, or changed behind our back: memory is not trusted, the table is asked."""
        for name in self._gates:
            self._spoken[name], self._fresh[name] = [], []
            self._silent_until[name] = 0

    def claim(self, now: datetime) -> list[Line]:
        """Takes the lines that may leave now: policy, pace, words. Rows become `sending` in this transaction."""
        stamp = to_ms(now)
        lines: list[Line] = []
        for name, gate in self._gates.items():
            if self._spoken[name]:
                lines += self._spoken[name]
                gate.under_way += len(self._spoken[name])
                self._spoken[name] = []
            while (most := min(gate.room, AT_ONCE)) > 0:
                rows = self._due(name, stamp, most)
                for row in rows:
                    line = self._take(row, gate, now, stamp)
                    if line is not None:
                        lines.append(line)
                        gate.under_way += 1
                if len(rows) < most:
                    break
            if self._fresh[name]:  # no room: they wait in the table, not in memory
                self._fresh[name], self._silent_until[name] = [], 0
        return lines

    def _due(self, name: str, stamp: int, most: int) -> list[Waiting]:
        """The lines of a channel whose time has come, in order; fewer than `most` only when these are all."""
        fresh, self._fresh[name] = self._fresh[name], []
        if stamp < self._silent_until[name] and len(fresh) < most and not (fresh and fresh[-1].not_before > stamp):
            return fresh
        rows = self._rows.due(name, stamp, most)
        following = self._rows.next_due(name, stamp) if len(rows) < most else 0
        self._silent_until[name] = NEVER if following is None else following
        return rows

    def _take(self, row: Waiting, gate: Gate, now: datetime, stamp: int) -> Line | None:
        settings = self._config.group(row.group_id)
        verdict = self._verdict(row, gate, settings, now)
        if row.sort in UNASKED:
            verdict, row = self.exposure.judge(row, verdict, settings, now, gate.channel.abilities.speaks)
        if verdict.what == "later" and verdict.until is not None:
            self._put_off(row.id, to_ms(verdict.until), verdict.why, paced=False)
            return None
        if verdict.what != "now":
            self._rows.close(row.id, "expired" if verdict.what == "expired" else "held", stamp, verdict.why)
            return None
        # A place in the pace that was booked before a restart is void: else all that waited would leave at once.
        if not row.paced or row.not_before < self._started:
            slot = gate.book(row.group_id or row.member_id or "", row.key, stamp)
            if slot > stamp:
                self._put_off(row.id, slot, "排队：说话留间隔", paced=True)
                return None
        try:
            # A line that was tried before is repeated word for word: the first try may be what arrived.
            text = self._rows.text_of(row.id) if row.attempts else ""
            if not text:
                say = Say(row.phrase, {name: unpack(value) for name, value in row.slots.items()})
                text = cut(self._words(say, row, now, settings), gate.channel.abilities.max_bytes)
        except (KeyError, ValueError) as error:
            log.error("line %s: phrase %s cannot be put into words: %r", row.key, row.phrase, error)  # noqa: TRY400
            self._rows.close(row.id, "failed", stamp, f"话术 {row.phrase} 说不出来：{error!r}")
            self.troubles.append((row.key, f"话术 {row.phrase} 缺失"))
            return None
        self._rows.claim(row.id, text)
        if row.sort in UNASKED:
            self.exposure.count(row, settings, now)
            if gate.channel.abilities.speaks == "confirmed":
                self._await_tap(row, stamp)
        return _line(row, row.id, text)

    def _await_tap(self, row: Waiting, stamp: int) -> None:
        """Whoever has to tap this line hears of it: a task, in the same transaction as the line itself leaves."""
        self._store.agenda.wake_at("tap", str(row.id), stamp, {"group": row.group_id} if row.group_id else {})
        self.put_off = stamp if self.put_off is None else min(self.put_off, stamp)

    def _verdict(self, row: Waiting, gate: Gate, settings: GroupSettings, now: datetime) -> Verdict:
        """What the contact policy says of a line, now."""
        return decide(
            row.sort, settings, now=now, expires=from_ms(row.expires_at), speaks=gate.channel.abilities.speaks
        )

    def _words(self, say: Say, row: Waiting, now: datetime, settings: GroupSettings) -> str:
        place = row.group_id or row.member_id or ""
        spoken = self.voice.speak(
            say, luck=self._luck, occasion=row.key, now=now, settings=settings,
            last=self._rows.last_variant(place, row.phrase),
        )  # fmt: skip
        self._rows.use_variant(place, row.phrase, spoken.variant)
        return spoken.text

    async def deliver(self, lines: Iterable[Line]) -> None:
        """Sends claimed lines in order. Their receipts wait for the next transaction."""
        for line in lines:
            gate = self._gates[line.channel]
            try:
                receipt = await gate.channel.send(line)
            except Retryable as error:
                again = Receipt("failed", error=str(error))
                self._again.append((line, self._stamp() + int(error.after * 1000), again, error.tried))
            except Refused as error:
                self._fail(line, Receipt("failed", error=str(error)))
            except Exception as error:  # noqa: BLE001  the one try of the outbox: a bug in a channel must not stop the rest
                # What a bug did before it broke is unknown, so the line is never repeated blindly.
                log.error("channel %s broke on line %s: %r", line.channel, line.key, error)  # noqa: TRY400
                self._fail(line, Receipt("unknown", error=repr(error)))
            else:
                self._ended(line, receipt, gate)
            finally:
                gate.under_way -= 1

    def _ended(self, line: Line, receipt: Receipt, gate: Gate) -> None:
        if receipt.state == "sent":
            self._note(line, receipt)
        elif receipt.state == "unknown" and gate.channel.abilities.idempotent:
            # The same key twice arrives once there: asking again is how one learns that it arrived.
            self._again.append((line, self._stamp() + ASK_AGAIN, receipt, True))
        else:
            self._fail(line, receipt)

    def _note(self, line: Line, receipt: Receipt) -> None:
        self._receipts.append(
            (receipt.state, self._stamp(), receipt.platform_id or None, receipt.error or None, line.row)
        )

    def _fail(self, line: Line, receipt: Receipt) -> None:
        self._note(line, receipt)
        self._trouble(line, receipt)

    def _trouble(self, line: Line, receipt: Receipt) -> None:
        if line.phrase != REPORT:
            self.troubles.append((line.key, receipt.error))

    def _stamp(self) -> int:
        return to_ms(self._world.now())

    @property
    def is_busy(self) -> bool:
        """Whether a send is under way or its end is not written down yet."""
        return self.has_receipts or any(gate.under_way for gate in self._gates.values())

    @property
    def has_receipts(self) -> bool:
        """Whether sends ended that are not written down yet."""
        return bool(self._receipts or self._again)

    def settle(self) -> None:
        """Writes down how sends ended, inside the engine's transaction."""
        if self._receipts:
            self._rows.settle(self._receipts)
            self._receipts = []
        for line, until, receipt, tried in self._again:
            if tried and self._tries(line.row) >= self._config.settings.outbox.attempts:
                self._rows.close(line.row, receipt.state, self._stamp(), f"试了太多次：{receipt.error}")
                self._trouble(line, receipt)
            else:
                if not tried:
                    self._rows.untry(line.row)
                self._put_off(line.row, until, receipt.error, paced=False)
        self._again = []

    def _put_off(self, row: int, until: int, why: str, *, paced: bool) -> None:
        self._rows.postpone(row, until, why, paced=paced)
        self.put_off = until if self.put_off is None else min(self.put_off, until)
        for channel in self._gates:
            self._expect(channel, until)

    def _tries(self, row: int) -> int:
        return int(self._store.db.execute("SELECT attempts FROM outbox WHERE id = ?", (row,)).fetchone()[0])

    def next_due(self, after: int) -> int | None:
        """When a queued line may leave (ms), where there is room; due lines count as `after`."""
        due = [self._rows.next_due(name) for name, gate in self._gates.items() if gate.room > 0]
        return min((max(one, after) for one in due if one is not None), default=None)

    def recover(self, now: datetime) -> int:
        """After a restart: what was under way is unknown, except where repeating is harmless. Returns how many."""
        repeatable = [name for name, gate in self._gates.items() if gate.channel.abilities.idempotent]
        self.look_again()
        self._rows.expire(to_ms(now))
        return self._rows.interrupted(repeatable, at=to_ms(now), why="发送途中进程中断，不知道有没有送到")

    def unknown(self, most: int) -> Sequence[tuple[str, str | None, str | None, str, str, str | None]]:
        """The newest lines of unknown outcome."""
        return self._rows.in_state("unknown", most)
