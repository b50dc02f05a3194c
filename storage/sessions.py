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


_from_json = json.JSONDecoder().decode
_to_json = json.JSONEncoder(ensure_ascii=False).encode
_COLUMNS = "id, game, group_id, state, status, member_id, opened_at"
REMEMBERED = 1_000
"""Groups whose open sessions are kept in memory, and sessions whose last move is; others are read again."""


def _session(
    number: int, game: str, group_id: str, state: str, status: str, member_id: str | None, opened_at: int
) -> Session:
    """A row of the table, its columns in the order of `_COLUMNS`."""
    return Session(number, game, group_id, _from_json(state), status, member_id, opened_at)


class Sessions:
    """The tables `game_session`, `game_move` and `game_record`.

    A group that plays asks for its sessions with every message, so they are remembered as they stand in the table.
    """

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._playing: dict[str, int] | None = None
        self._open: dict[str, list[Session]] = {}
        self._last_move: dict[int, int] = {}
        self._best: dict[tuple[str, str], int] = {}

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._playing = None
        self._open.clear()
        self._last_move.clear()
        self._best.clear()

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
            (game, group_id, _to_json(state), member_id, at, event_id),
        )
        self._playing = None
        self._open.pop(group_id, None)
        return cursor.lastrowid if cursor.rowcount else None

    def in_group(self, group_id: str) -> list[Session]:
        """The open sessions of a group, oldest first. Their states are shared: nobody may change them in place."""
        known = self._open.get(group_id)
        if known is None:
            if len(self._open) >= REMEMBERED:
                self._open.clear()
            known = self._open[group_id] = self._all("group_id = ? AND status = 'open' ORDER BY id", group_id)
        return known

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
        return [_session(*row) for row in rows]

    def save(self, session: Session, state: Mapping[str, Any]) -> None:
        """Keeps what a game knows now."""
        text = _to_json(state)
        self._execute("UPDATE game_session SET state = ? WHERE id = ?", (text, session.id))
        known = self._open.get(session.group_id)
        if known is not None:
            # What is remembered went through JSON as well: a restart must not make a difference to a rule.
            fresh = _session(session.id, session.game, session.group_id, text, session.status, session.member_id,
                             session.opened_at)  # fmt: skip
            self._open[session.group_id] = [fresh if one.id == session.id else one for one in known]

    def end(self, session: Session, state: Mapping[str, Any], *, status: str, at: int) -> None:
        """Closes a session: ended by its own rule, or stopped by somebody."""
        self._execute(
            "UPDATE game_session SET state = ?, status = ?, ended_at = ? WHERE id = ?",
            (_to_json(state), status, at, session.id),
        )
        self._playing = None
        self._open.pop(session.group_id, None)
        self._last_move.pop(session.id, None)

    def best(self, group_id: str, game: str) -> int:
        """The record of a game in a group; 0 when there is none."""
        known = self._best.get((group_id, game))
        if known is None:
            if len(self._best) >= REMEMBERED:
                self._best.clear()
            sql = "SELECT value FROM game_record WHERE game = ? AND group_id = ?"
            row = self._execute(sql, (game, group_id)).fetchone()
            known = self._best[group_id, game] = int(row[0]) if row else 0
        return known

    def keep_best(self, number: int, value: int, *, at: int) -> None:
        """Notes what a session reached, if it is more than ever before in its group."""
        self._execute(
            "INSERT INTO game_record (game, group_id, value, session_id, at)"
            " SELECT game, group_id, ?1, id, ?2 FROM game_session WHERE id = ?3"
            " ON CONFLICT (game, group_id) DO UPDATE SET value = excluded.value, session_id = excluded.session_id,"
            " at = excluded.at WHERE excluded.value > game_record.value",
            (value, at, number),
        )
        self._best.clear()

    def record(self, number: int, member_id: str, *, at: int, text: str, verdict: str, event_id: str) -> int:
        """Writes a move down; the order is the engine's. Returns its place, 1 for the first."""
        last = self._last_move.get(number)
        if last is None:
            row = self._execute("SELECT max(number) FROM game_move WHERE session_id = ?", (number,)).fetchone()
            last = row[0] or 0
            if len(self._last_move) >= REMEMBERED:
                self._last_move.clear()
        place = self._last_move[number] = last + 1
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
