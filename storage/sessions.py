"""Games in groups: one open session of each game in a group, its state as JSON, and the record of its moves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.database import Database


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a game in a group. `member_id` opened it; `state` is the game's own."""

    id: int
    game: str
    group_id: str
    state: Mapping[str, Any]
    status: str
    member_id: str | None
    opened_at: int


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One move as the referee wrote it down, in order."""

    number: int
    member_id: str
    at: int
    text: str
    verdict: str
    event_id: str


_COLUMNS = "id, game, group_id, state, status, member_id, opened_at"


class Sessions:
    """The tables `game_session` and `game_move`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._playing: dict[str, int] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._playing = None

    def is_playing(self, group_id: str) -> bool:
        """Whether any session is open in a group: asked for every message, so it is answered from memory."""
        if self._playing is None:
            rows = self._execute("SELECT group_id, count(*) FROM game_session WHERE status = 'open' GROUP BY group_id")
            self._playing = dict(rows.fetchall())
        return group_id in self._playing

    def opened_by(self, game: str, group_id: str, since: int, until: int) -> dict[str | None, int]:
        """Who opened how many sessions of a game in a group between two moments (ms)."""
        rows = self._execute(
            "SELECT member_id, count(*) FROM game_session WHERE group_id = ? AND game = ? AND opened_at >= ?"
            " AND opened_at < ? GROUP BY member_id",
            (group_id, game, since, until),
        )
        return dict(rows.fetchall())

    def open(
        self, game: str, group_id: str, state: Mapping[str, Any], *, member_id: str | None, at: int, event_id: str
    ) -> int | None:
        """Opens a session. Returns its number, or None when this game is open in the group already."""
        cursor = self._execute(
            "INSERT INTO game_session (game, group_id, state, status, member_id, opened_at, event_id)"
            " VALUES (?,?,?,'open',?,?,?) ON CONFLICT DO NOTHING",
            (game, group_id, json.dumps(state, ensure_ascii=False), member_id, at, event_id),
        )
        self._playing = None
        return cursor.lastrowid if cursor.rowcount else None

    def in_group(self, group_id: str) -> list[Session]:
        """The open sessions of a group, oldest first."""
        return self._all("group_id = ? AND status = 'open' ORDER BY id", group_id)

    def get(self, number: int) -> Session | None:
        """A session by its number, whatever became of it."""
        found = self._all("id = ?", number)
        return found[0] if found else None

    def latest(self, group_id: str, game: str) -> Session | None:
        """The newest session of a game in a group."""
        found = self._all("group_id = ? AND game = ? ORDER BY id DESC LIMIT 1", group_id, game)
        return found[0] if found else None

    def _all(self, where: str, *values: object) -> list[Session]:
        rows = self._execute(f"SELECT {_COLUMNS} FROM game_session WHERE {where}", values).fetchall()
        return [Session(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], row[6]) for row in rows]

    def save(self, number: int, state: Mapping[str, Any]) -> None:
        """Keeps what a game knows now."""
        self._execute("UPDATE game_session SET state = ? WHERE id = ?", (json.dumps(state, ensure_ascii=False), number))

    def end(self, number: int, state: Mapping[str, Any], *, status: str, at: int) -> None:
        """Closes a session: ended by its own rule, or stopped by somebody."""
        self.save(number, state)
        self._execute("UPDATE game_session SET status = ?, ended_at = ? WHERE id = ?", (status, at, number))
        self._playing = None

    def best(self, group_id: str, game: str) -> int:
        """The record of a game in a group; 0 when there is none."""
        sql = "SELECT value FROM game_record WHERE game = ? AND group_id = ?"
        row = self._execute(sql, (game, group_id)).fetchone()
        return int(row[0]) if row else 0

    def keep_best(self, number: int, value: int, *, at: int) -> None:
        """Notes what a session reached, if it is more than ever before in its group."""
        self._execute(
            "INSERT INTO game_record (game, group_id, value, session_id, at)"
            " SELECT game, group_id, ?1, id, ?2 FROM game_session WHERE id = ?3"
            " ON CONFLICT (game, group_id) DO UPDATE SET value = excluded.value, session_id = excluded.session_id,"
            " at = excluded.at WHERE excluded.value > game_record.value",
            (value, at, number),
        )

    def record(self, number: int, member_id: str, *, at: int, text: str, verdict: str, event_id: str) -> int:
        """Writes a move down; the order is the engine's. Returns its place, 1 for the first."""
        row = self._execute("SELECT max(number) FROM game_move WHERE session_id = ?", (number,)).fetchone()
        place = (row[0] or 0) + 1
        self._execute(
            "INSERT INTO game_move VALUES (?,?,?,?,?,?,?)",
            (number, place, member_id, at, text[:200], verdict[:100], event_id),
        )
        return place

    def moves(self, number: int, most: int = 500) -> list[MoveRow]:
        """The record of a session, in order."""
        rows = self._execute(
            "SELECT number, member_id, at, text, verdict, event_id FROM game_move WHERE session_id = ?"
            " ORDER BY number LIMIT ?",
            (number, most),
        )
        return [MoveRow(*row) for row in rows]
