"""What is to be said, what was said, and what became of it. Every line has a key that is used once."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from storage.database import Database

REMEMBERED = 20_000
"""Last variants kept in memory; others are read again when needed."""
_to_json = json.JSONEncoder(ensure_ascii=False).encode
_OPEN = "(state = 'sending' OR state = 'unknown' OR state = 'failed' OR state = 'held')"
"""The words of the index outbox_open: SQLite uses it only for a query that repeats them, else it reads every line."""
_COLUMNS = (
    "id, key, sort, channel, group_id, member_id, phrase, slots, mentions, picture, event_id, because, not_before,"
    " expires_at, paced, attempts"
)


class Waiting(NamedTuple):
    """A line that waits for its turn. Times in ms; `slots` and `mentions` as they were given."""

    id: int
    key: str
    sort: str
    channel: str
    group_id: str | None
    member_id: str | None
    phrase: str
    slots: Mapping[str, Any]
    mentions: tuple[str, ...]
    picture: str
    event_id: str
    because: str
    not_before: int
    expires_at: int
    paced: int
    attempts: int


class Outbox:
    """The tables `outbox` and `last_variant`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._executemany = db.executemany
        self._variants: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._new_variants: dict[tuple[str, str], int] = {}

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._variants.clear()

    def queue(self, line: Waiting, created_at: int, text: str | None = None) -> int | None:
        """Queues a line, whose id is not known yet; with `text` it is claimed at once: about to be sent with these
        words. Returns its id, or None when the key was used before: it is said once, whatever happens."""
        cursor = self._execute(
            "INSERT INTO outbox (key, sort, channel, group_id, member_id, phrase, slots, mentions, picture, event_id,"
            " because, created_at, not_before, expires_at, state, attempts, text)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING",
            (
                line.key, line.sort, line.channel, line.group_id, line.member_id, line.phrase, _to_json(line.slots),
                _to_json(line.mentions) if line.mentions else None, line.picture or None, line.event_id, line.because,
                created_at, line.not_before, line.expires_at, "queued" if text is None else "sending",
                0 if text is None else 1, text,
            ),
        )  # fmt: skip
        return cursor.lastrowid if cursor.rowcount else None

    def due(self, channel: str, now: int, most: int) -> list[Waiting]:
        """Queued lines of a channel whose time has come, in order."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE state = 'queued' AND channel = ? AND not_before <= ?"
            " ORDER BY not_before, id LIMIT ?",
            (channel, now, most),
        ).fetchall()
        return [
            Waiting(
                *row[:7],
                json.loads(row[7]),
                tuple(json.loads(row[8])) if row[8] else (),
                row[9] or "",
                *row[10:],
            )  # type: ignore[call-arg]  # sqlite3 rows are tuples of unknown length; _COLUMNS fixes it
            for row in rows
        ]

    def next_due(self, channel: str, after: int = -1) -> int | None:
        """When the next queued line of a channel may leave (ms), of those later than `after`."""
        row = self._execute(
            "SELECT not_before FROM outbox WHERE state = 'queued' AND channel = ? AND not_before > ?"
            " ORDER BY not_before LIMIT 1",
            (channel, after),
        ).fetchone()
        return row[0] if row else None

    def expire(self, now: int) -> int:
        """Ends queued lines whose time is over, whatever their channel. Returns how many."""
        return self._execute(
            "UPDATE outbox SET state = 'expired', settled_at = ?1, why_not = 'expired while waiting'"
            " WHERE state = 'queued' AND expires_at < ?1",
            (now,),
        ).rowcount

    def claim(self, row: int, text: str) -> None:
        """The line is about to be sent with these words."""
        self._execute(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, text = ? WHERE id = ?", (text, row)
        )

    def text_of(self, row: int) -> str:
        """The words a line had when it was last tried; empty before."""
        found = self._execute("SELECT coalesce(text, '') FROM outbox WHERE id = ?", (row,)).fetchone()
        return str(found[0]) if found else ""

    def untry(self, row: int) -> None:
        """The last try was none: the wire was down."""
        self._execute("UPDATE outbox SET attempts = attempts - 1, text = NULL WHERE id = ? AND attempts > 0", (row,))

    def bounced(self, platform_id: str, at: int, why: str) -> bool:
        """The platform took a line and could not deliver it after all. False when it is not among the newest sent."""
        return bool(
            self._execute(
                "UPDATE outbox SET state = 'failed', settled_at = ?, why_not = ? WHERE platform_id = ?"
                " AND state = 'sent' AND id > (SELECT max(id) FROM outbox) - 20000",
                (at, why, platform_id),
            ).rowcount
        )

    def postpone(self, row: int, until: int, why: str, *, paced: bool) -> None:
        """Not now: back into the queue, not before `until` (ms). `paced`: that moment is its own place in the pace."""
        self._execute(
            "UPDATE outbox SET state = 'queued', not_before = ?, why_not = ?, paced = ? WHERE id = ?",
            (until, why, int(paced), row),
        )

    def settle(self, results: Iterable[tuple[str, int, str | None, str | None, int]]) -> None:
        """Writes down how sends ended: (state, at ms, platform id, why not, row)."""
        self._executemany(
            "UPDATE outbox SET state = ?, settled_at = ?, platform_id = ?, why_not = coalesce(?, why_not) WHERE id = ?",
            results,
        )

    def close(self, row: int, state: str, at: int, why: str) -> None:
        """Ends a line that is not sent: expired, held or failed, with the reason."""
        self.settle([(state, at, None, why, row)])

    def interrupted(self, channels: Sequence[str], *, at: int, why: str) -> int:
        """After a restart: sends that were under way become unknown, or wait again on channels where the same key
        sent twice arrives once (`channels`). Returns how many became unknown."""
        marks = ",".join("?" * len(channels))
        self._execute(
            f"UPDATE outbox SET state = 'queued' WHERE state = 'sending' AND {_OPEN} AND channel IN ({marks})",
            tuple(channels),
        )
        return self._execute(
            f"UPDATE outbox SET state = 'unknown', settled_at = ?, why_not = ? WHERE state = 'sending' AND {_OPEN}",
            (at, why),
        ).rowcount

    def echo(self, key: str, platform_id: str, at: int) -> bool:
        """The platform showed us a line of unknown outcome: it was sent. False when nothing was unknown."""
        return bool(
            self._execute(
                "UPDATE outbox SET state = 'sent', settled_at = ?, platform_id = ?, why_not = NULL"
                " WHERE key = ? AND state = 'unknown'",
                (at, platform_id, key),
            ).rowcount
        )

    def unknown_since(self, channel: str, since: int, most: int) -> list[tuple[int, str, str | None, str | None, str]]:
        """(row, key, group, member, text) of a channel's lines of unknown outcome, newest first."""
        return self._execute(
            "SELECT id, key, group_id, member_id, coalesce(text, '') FROM outbox WHERE state = 'unknown'"
            " AND channel = ? AND settled_at >= ? ORDER BY id DESC LIMIT ?",
            (channel, since, most),
        ).fetchall()

    def sent_between(self, channel: str, start: int, end: int) -> int:
        """How many lines left on a channel between two moments (ms)."""
        row = self._execute(
            "SELECT count(*) FROM outbox WHERE channel = ? AND state IN ('sent', 'unknown')"
            " AND settled_at >= ? AND settled_at < ?",
            (channel, start, end),
        ).fetchone()
        return int(row[0])

    def in_state(self, state: str, most: int) -> list[tuple[str, str | None, str | None, str, str, str | None]]:
        """(key, group, member, phrase, text, why not) of the newest lines that are sending, unknown, failed or held."""
        return self._execute(
            "SELECT key, group_id, member_id, phrase, coalesce(text, ''), why_not FROM outbox"
            f" WHERE state = ? AND {_OPEN} ORDER BY id DESC LIMIT ?",
            (state, most),
        ).fetchall()

    def counts(self) -> dict[str, int]:
        """How many lines are in each state that still matters."""
        return dict(
            self._execute(
                f"SELECT state, count(*) FROM outbox WHERE {_OPEN} GROUP BY state"
                " UNION ALL SELECT state, count(*) FROM outbox WHERE state = 'queued' GROUP BY state"
            ).fetchall()
        )

    def last_said(self, group_id: str | None, member_id: str | None) -> tuple[str, str, str, str] | None:
        """(phrase, text, because, event id) of the newest line that left for a place."""
        row = self._execute(
            "SELECT phrase, text, because, event_id FROM outbox WHERE group_id IS ? AND (?2 IS NULL OR member_id IS ?2)"
            " AND state IN ('sending', 'sent', 'unknown') ORDER BY id DESC LIMIT 1",
            (group_id, member_id),
        ).fetchone()
        return tuple(row) if row else None

    def last_variant(self, place: str, phrase: str) -> int | None:
        """Which variant of a phrase a place heard last."""
        known = self._new_variants.get((place, phrase), self._variants.get((place, phrase)))
        if known is not None:
            return known
        row = self._execute(
            "SELECT variant FROM last_variant WHERE place = ? AND phrase = ?", (place, phrase)
        ).fetchone()
        return row[0] if row else None

    def use_variant(self, place: str, phrase: str, variant: int) -> None:
        """Remembers which variant a place hears now; `write_variants` puts it into the table."""
        self._new_variants[place, phrase] = variant

    def write_variants(self) -> None:
        """Writes down what this transaction used: once for each place and phrase, however often it was said."""
        if not self._new_variants:
            return
        self._executemany(
            "INSERT INTO last_variant VALUES (?,?,?) ON CONFLICT DO UPDATE SET variant = excluded.variant",
            [(place, phrase, variant) for (place, phrase), variant in self._new_variants.items()],
        )
        self._variants.update(self._new_variants)
        self._new_variants.clear()
        while len(self._variants) > REMEMBERED:
            self._variants.popitem(last=False)
