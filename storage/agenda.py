"""What is still to come: wake-ups that states asked for, how far each beat has been played, and cool-downs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from storage.database import Database

REMEMBERED = 5_000
"""Cool-downs kept in memory; others are read again when needed."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A moment (`due`, ms) that a rule asked to be woken at, under a topic and key of its own."""

    topic: str
    key: str
    due: int
    payload: Mapping[str, Any]


class Agenda:
    """The tables `wake`, `beat`, `missed` and `cooldown`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._resting: dict[tuple[str, str], int] = {}

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._resting.clear()

    def wake_at(self, topic: str, key: str, due: int, payload: Mapping[str, Any]) -> None:
        """Asks for a tick; the same topic and key again replaces the earlier wish."""
        self._execute(
            "INSERT INTO wake VALUES (?,?,?,?)"
            " ON CONFLICT DO UPDATE SET due = excluded.due, payload = excluded.payload",
            (topic, key, due, json.dumps(payload, ensure_ascii=False)),
        )

    def forget_wake(self, topic: str, key: str) -> None:
        """No tick after all."""
        self._execute("DELETE FROM wake WHERE topic = ? AND key = ?", (topic, key))

    def has_wake(self, topic: str, key: str) -> bool:
        """Whether such a tick is still to come."""
        return self._execute("SELECT 1 FROM wake WHERE topic = ? AND key = ?", (topic, key)).fetchone() is not None

    def payload_of(self, topic: str, key: str) -> Mapping[str, Any]:
        """What a tick that is still to come will bring; nothing when there is none."""
        row = self._execute("SELECT payload FROM wake WHERE topic = ? AND key = ?", (topic, key)).fetchone()
        return json.loads(row[0]) if row else {}

    def next_wake(self) -> Wake | None:
        """The earliest wake-up."""
        row = self._execute("SELECT topic, key, due, payload FROM wake ORDER BY due, topic, key LIMIT 1").fetchone()
        return Wake(row[0], row[1], row[2], json.loads(row[3])) if row else None

    def beats(self) -> dict[tuple[str, str, str], int]:
        """(beat, group, rule) -> until when (ms) it has been played or declared missed."""
        return {tuple(row[:3]): row[3] for row in self._execute("SELECT beat, group_id, rule, done_until FROM beat")}

    def start_beats(self, fresh: Iterable[tuple[str, str, str, int]]) -> None:
        """These beats (beat, group, rule, since ms) count from now on: they are new, or their time was changed."""
        for one in fresh:
            self._execute(
                "INSERT INTO beat VALUES (?,?,?,?)"
                " ON CONFLICT DO UPDATE SET rule = excluded.rule, done_until = excluded.done_until",
                one,
            )

    def drop_beats(self, gone: Iterable[tuple[str, str]]) -> None:
        """These (beat, group) are not played any more; should they come back, they start anew."""
        for one in gone:
            self._execute("DELETE FROM beat WHERE beat = ? AND group_id = ?", one)

    def play_beat(self, beat: str, group_id: str, until: int) -> None:
        """This beat needs no look before `until` (ms) any more."""
        self._execute(
            "UPDATE beat SET done_until = max(done_until, ?) WHERE beat = ? AND group_id = ?", (until, beat, group_id)
        )

    def miss_beat(self, beat: str, group_id: str, due: int, at: int, reason: str) -> None:
        """Notes a post that was not made, and why."""
        self._execute("INSERT INTO missed VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING", (beat, group_id, due, at, reason))

    def missed_since(self, at: int, most: int) -> list[tuple[str, str, int, str]]:
        """(beat, group, due ms, reason) noticed since."""
        return self._execute(
            "SELECT beat, group_id, due, reason FROM missed WHERE noticed_at >= ? ORDER BY due LIMIT ?", (at, most)
        ).fetchall()

    def cooling(self, name: str, place: str, at: int) -> int | None:
        """Until when (ms) something rests in a place, or None when it may happen now."""
        known = self._resting.get((name, place))
        if known is not None and known > at:  # a crowd in one moment asks the same again and again
            return known
        row = self._execute("SELECT until FROM cooldown WHERE name = ? AND place = ?", (name, place)).fetchone()
        return row[0] if row and row[0] > at else None

    def rest(self, name: str, place: str, until: int) -> None:
        """Lets something rest in a place until then (ms)."""
        self._execute(
            "INSERT INTO cooldown VALUES (?,?,?) ON CONFLICT DO UPDATE SET until = excluded.until", (name, place, until)
        )
        if len(self._resting) >= REMEMBERED:
            self._resting.clear()
        self._resting[name, place] = until

    def drop_old(self, at: int) -> None:
        """Removes cool-downs and missed notes that no longer matter: rested, or missed over 90 days ago."""
        self._execute("DELETE FROM cooldown WHERE until < ?", (at,))
        self._execute("DELETE FROM missed WHERE noticed_at < ?", (at - 90 * 86_400_000,))
