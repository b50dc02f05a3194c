"""Everything that happened, once: the record that refuses a repeated event."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from storage.database import Database

_to_json = json.JSONEncoder(ensure_ascii=False).encode


class Interactions:
    """The table `interaction` and its monthly summary."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def record(
        self, event_id: str, kind: str, at: int, channel: str, group_id: str | None, member_id: str | None, *,
        text: str | None, details: Mapping[str, Any], route: str | None,
    ) -> int | None:  # fmt: skip
        """Writes a fact down. Returns its sequence number, or None when its id is known already."""
        cursor = self._execute(
            "INSERT INTO interaction (id, kind, at, channel, group_id, member_id, text, details, route)"
            " VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING",
            (
                event_id, kind, at, channel, group_id, member_id, text,
                _to_json(details) if details else None, route,
            ),
        )  # fmt: skip
        return cursor.lastrowid if cursor.rowcount else None

    def settle(self, seq: int, route: str | None, note: str | None) -> None:
        """How an event ended, in one statement: the route that took it, where it is another than expected, and why
        nothing was said; None leaves what is written."""
        self._execute(
            "UPDATE interaction SET route = coalesce(?, route), note = coalesce(?, note) WHERE seq = ?",
            (route, note, seq),
        )

    def fail(self, seq: int, note: str) -> None:
        """Marks that the rule for this event broke; the event itself stays."""
        self._execute("UPDATE interaction SET failed = 1, note = ? WHERE seq = ?", (note, seq))

    def latest(self, group_id: str | None, kind: str = "message") -> sqlite3.Row | tuple[Any, ...] | None:
        """id, text, route, note, failed of the newest event of a kind in a group."""
        row = self._execute(
            "SELECT id, text, route, note, failed FROM interaction WHERE kind = ? AND group_id IS ?"
            " ORDER BY seq DESC LIMIT 1",
            (kind, group_id),
        ).fetchone()
        return row if row is None else tuple(row)

    def summarise_before(self, cutoff: int, most: int) -> int:
        """Adds up to `most` events older than `cutoff` (ms) to the monthly counts, removes them, returns how many."""
        # Only the head of the table is looked at, never all of it; an event whose line still waits stays with it.
        rows = self._execute(
            "SELECT seq FROM (SELECT seq, id, at FROM interaction ORDER BY seq LIMIT ?) WHERE at < ?"
            " AND id NOT IN (SELECT event_id FROM outbox WHERE state = 'queued')"
            " AND id NOT IN (SELECT event_id FROM outbox WHERE state = 'sending')",
            (most, cutoff),
        ).fetchall()
        if not rows:
            return 0
        marks = ",".join("?" * len(rows))
        seqs = [row[0] for row in rows]
        self._execute(
            "INSERT INTO interaction_month (month, group_id, member_id, kind, times)"
            " SELECT strftime('%Y-%m', at / 1000, 'unixepoch', '+8 hours'), coalesce(group_id, ''),"
            f" coalesce(member_id, ''), kind, count(*) FROM interaction WHERE seq IN ({marks}) GROUP BY 1, 2, 3, 4"
            " ON CONFLICT DO UPDATE SET times = times + excluded.times",
            seqs,
        )
        self._execute(
            "DELETE FROM outbox WHERE state NOT IN ('queued', 'sending')"
            f" AND event_id IN (SELECT id FROM interaction WHERE seq IN ({marks}))",
            seqs,
        )
        self._execute(f"DELETE FROM interaction WHERE seq IN ({marks})", seqs)
        return len(rows)
