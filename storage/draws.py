"""Lucky draws: what was published and frozen, who entered in which order, and how it went on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.database import Database


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw. `given` is the plan as it was written; `rules` the published lines; moments in ms."""

    id: int
    state: str
    kind: str
    title: str
    given: Mapping[str, Any]
    rules: tuple[str, ...]
    enter: str
    word: str
    secret: str
    commitment: str
    opens_at: int
    deadline: int
    closed_at: int | None
    ended_at: int | None
    public_number: str
    list_hash: str | None
    round: int
    opener_id: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrizeRow:
    """A prize of a draw and how much of it is left."""

    prize: int
    name: str
    kind: str
    points: int
    quantity: int
    remaining: int


@dataclass(frozen=True, slots=True)
class WinnerRow:
    """Who won: the `turn`-th that was drawn, for a place; `number` is the entrant's (or the try's)."""

    draw_id: int
    turn: int
    place: int
    member_id: str
    group_id: str
    number: int
    prize: int
    state: str
    at: int
    due: int
    reason: str


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A picture that staff have to look at."""

    id: int
    draw_id: int
    member_id: str
    group_id: str
    media: str
    at: int
    event_id: str
    state: str


_DRAW = (
    "id, state, kind, title, given, rules, enter, word, secret, commitment, opens_at, deadline, closed_at, ended_at,"
    " public_number, list_hash, round, opener_id"
)
_WINNER = "draw_id, turn, place, member_id, group_id, number, prize, state, at, due, reason"
_PHOTO = "id, draw_id, member_id, group_id, media, at, event_id, state"


class Draws:
    """The tables `draw`, `draw_group`, `draw_prize`, `draw_entry`, `draw_try`, `draw_photo`, `draw_winner`,
    `draw_note` and `draw_draft`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._executemany = db.executemany
        self._open: dict[str, list[Draw]] | None = None
        self._drafting: set[str] | None = None
        self._last: dict[int, int] = {}

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._open, self._drafting = None, None
        self._last = {}

    # -- asked for every message, so answered from memory --------------------------------------------------------

    def open_in(self, group_id: str) -> list[Draw]:
        """The draws of a group that can be entered, oldest first."""
        if self._open is None:
            self._open = {}
            for row in self._execute("SELECT id FROM draw WHERE state = 'open' ORDER BY id").fetchall():
                draw = self.get(row[0])
                assert draw is not None
                for group in draw.groups:
                    self._open.setdefault(group, []).append(draw)
        return self._open.get(group_id, [])

    def is_awake(self, group_id: str | None, member_id: str | None) -> bool:
        """Whether a message may belong to a draw: one is open in its group, or its writer is setting one up."""
        if group_id is not None:
            return bool(self.open_in(group_id))
        if self._drafting is None:
            self._drafting = {row[0] for row in self._execute("SELECT member_id FROM draw_draft")}
        return member_id in self._drafting

    # -- the draw itself -----------------------------------------------------------------------------------------

    def add(
        self, *, kind: str, title: str, given: str, rules: Sequence[str], enter: str, word: str, secret: str,
        commitment: str, opens_at: int, deadline: int, round_: int, opener_id: str, event_id: str,
        groups: Sequence[str], prizes: Sequence[tuple[str, str, int, int]],
    ) -> int:  # fmt: skip
        """Writes a planned draw down. `prizes`: (name, kind, points, quantity) in order. Returns its number."""
        cursor = self._execute(
            "INSERT INTO draw (state, kind, title, given, rules, enter, word, secret, commitment, opens_at, deadline,"
            " round, opener_id, event_id) VALUES ('planned',?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (kind, title, given, "\n".join(rules), enter, word, secret, commitment, opens_at, deadline, round_,
             opener_id, event_id),
        )  # fmt: skip
        number = int(cursor.lastrowid or 0)
        self._executemany(
            "INSERT INTO draw_group VALUES (?,?,?)", [(number, place, one) for place, one in enumerate(groups, 1)]
        )
        self._executemany(
            "INSERT INTO draw_prize VALUES (?,?,?,?,?,?,?)",
            [(number, place, *one, one[3]) for place, one in enumerate(prizes, 1)],
        )
        return number

    def next_number(self) -> int:
        """The number that the next draw will have."""
        return int(self._execute("SELECT coalesce(max(id), 0) + 1 FROM draw").fetchone()[0])

    def get(self, number: int) -> Draw | None:
        """A draw by its number (号)."""
        row = self._execute(f"SELECT {_DRAW} FROM draw WHERE id = ?", (number,)).fetchone()
        if row is None:
            return None
        groups = self._execute("SELECT group_id FROM draw_group WHERE draw_id = ? ORDER BY place", (number,)).fetchall()
        values = [*row[:4], json.loads(row[4]), tuple(row[5].split("\n")), *row[6:], tuple(one[0] for one in groups)]
        return Draw(*values)

    def live(self) -> list[Draw]:
        """Draws that are not over, in order."""
        rows = self._execute("SELECT id FROM draw WHERE state IN ('planned', 'open', 'closed') ORDER BY id").fetchall()
        return [draw for row in rows if (draw := self.get(row[0])) is not None]

    def become(self, number: int, state: str, *, before: Sequence[str], **values: object) -> bool:
        """Goes on to a state from one of those `before`. False when it was in another: nothing happened."""
        sets = "".join(f", {name} = ?" for name in values)
        marks = ",".join("?" * len(before))
        cursor = self._execute(
            f"UPDATE draw SET state = ?{sets} WHERE id = ? AND state IN ({marks})",
            (state, *values.values(), number, *before),
        )
        self._open = None
        return bool(cursor.rowcount)

    def postpone(self, number: int, deadline: int) -> None:
        """A later deadline (ms)."""
        self._execute("UPDATE draw SET deadline = ? WHERE id = ?", (deadline, number))
        self._open = None

    def note(self, number: int, text: str, *, at: int, event_id: str) -> None:
        """Writes down what was changed in public."""
        self._execute(
            "INSERT INTO draw_note SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM draw_note"
            " WHERE draw_id = ?1",
            (number, at, text, event_id),
        )

    def notes(self, number: int) -> list[tuple[int, str]]:
        """(at ms, text) of what was changed in public, in order."""
        return self._execute("SELECT at, text FROM draw_note WHERE draw_id = ? ORDER BY number", (number,)).fetchall()

    # -- entrants ------------------------------------------------------------------------------------------------

    def enter(self, number: int, member_id: str, group_id: str, line: str, *, at: int, event_id: str) -> int | None:
        """Enters a member. Returns their number in the list, or None when they are in it already."""
        place = self._last.get(number)
        if place is None:
            place = self.count(number)
        cursor = self._execute(
            "INSERT INTO draw_entry VALUES (?,?,?,?,?,?,?) ON CONFLICT (draw_id, member_id) DO NOTHING",
            (number, place + 1, member_id, group_id, line, at, event_id),
        )
        self._last[number] = place + cursor.rowcount
        return place + 1 if cursor.rowcount else None

    def count(self, number: int) -> int:
        """How many are in the list."""
        return int(
            self._execute("SELECT coalesce(max(number), 0) FROM draw_entry WHERE draw_id = ?", (number,)).fetchone()[0]
        )

    def entries(self, number: int) -> list[tuple[str, str, str]]:
        """(member, group, line) of all entrants, in order."""
        return self._execute(
            "SELECT member_id, group_id, line FROM draw_entry WHERE draw_id = ? ORDER BY number", (number,)
        ).fetchall()

    def lines(self, number: int) -> list[str]:
        """The published lines of all entrants, in order."""
        rows = self._execute("SELECT line FROM draw_entry WHERE draw_id = ? ORDER BY number", (number,)).fetchall()
        return [row[0] for row in rows]

    def entry_of(self, number: int, member_id: str) -> tuple[int, str] | None:
        """(number, line) of a member in the list."""
        row = self._execute(
            "SELECT number, line FROM draw_entry WHERE draw_id = ? AND member_id = ?", (number, member_id)
        ).fetchone()
        return (row[0], row[1]) if row else None

    def entrant(self, number: int, place: int) -> tuple[str, str]:
        """(member, group) of an entrant by their number in the list."""
        row = self._execute(
            "SELECT member_id, group_id FROM draw_entry WHERE draw_id = ? AND number = ?", (number, place)
        ).fetchone()
        return row[0], row[1]

    def entered_by(self, member_id: str, most: int) -> list[tuple[int, int, str]]:
        """(draw, number, line) of what a member entered, newest first."""
        return self._execute(
            "SELECT draw_id, number, line FROM draw_entry WHERE member_id = ? ORDER BY draw_id DESC LIMIT ?",
            (member_id, most),
        ).fetchall()

    def set_lines(self, number: int, lines: Sequence[tuple[str, int]]) -> None:
        """Writes lines of the list anew: (line, number)."""
        self._executemany(
            "UPDATE draw_entry SET line = ? WHERE draw_id = ? AND number = ?",
            [(line, number, place) for line, place in lines],
        )

    def streaks(self, groups: Sequence[str], *, least: int, since: int, until: int) -> list[tuple[str, str, int]]:
        """(member, group, at ms) of those whose streak reached `least` days by a check-in within a time."""
        marks = ",".join("?" * len(groups))
        return self._execute(
            f"SELECT member_id, min(group_id), min(at) FROM check_in WHERE group_id IN ({marks}) AND streak >= ?"
            " AND at >= ? AND at < ? GROUP BY member_id ORDER BY 3, 1",
            (*groups, least, since, until),
        ).fetchall()

    def streak_now(self, groups: Sequence[str], since: str) -> dict[str, int]:
        """member -> the longest streak that ended on the day `since` or later."""
        marks = ",".join("?" * len(groups))
        rows = self._execute(
            f"SELECT member_id, max(streak) FROM check_in WHERE group_id IN ({marks}) AND day >= ? GROUP BY member_id",
            (*groups, since),
        )
        return dict(rows.fetchall())

    # -- instant tries -------------------------------------------------------------------------------------------

    def add_try(
        self, number: int, member_id: str, group_id: str, line: str, *, day: str, nth: int, at: int, event_id: str
    ) -> int:
        """Writes a try down. Returns its number."""
        row = self._execute("SELECT coalesce(max(number), 0) + 1 FROM draw_try WHERE draw_id = ?", (number,)).fetchone()
        self._execute(
            "INSERT INTO draw_try VALUES (?,?,?,?,?,?,?,?,?)",
            (number, row[0], member_id, group_id, line, day, nth, at, event_id),
        )
        return int(row[0])

    def tries_on(self, number: int, member_id: str, day: str) -> int:
        """How often a member tried on a day."""
        row = self._execute(
            "SELECT count(*) FROM draw_try WHERE draw_id = ? AND member_id = ? AND day = ?", (number, member_id, day)
        ).fetchone()
        return int(row[0])

    def tries(self, number: int) -> list[str]:
        """The lines of all tries, in order."""
        rows = self._execute("SELECT line FROM draw_try WHERE draw_id = ? ORDER BY number", (number,))
        return [row[0] for row in rows]

    # -- prizes and winners --------------------------------------------------------------------------------------

    def prizes(self, number: int) -> list[PrizeRow]:
        """The prizes of a draw, in order."""
        rows = self._execute(
            "SELECT prize, name, kind, points, quantity, remaining FROM draw_prize WHERE draw_id = ? ORDER BY prize",
            (number,),
        )
        return [PrizeRow(*row) for row in rows]

    def award(
        self, number: int, *, turn: int, place: int, member_id: str, group_id: str, entrant: int, prize: int, at: int,
        due: int,
    ) -> None:  # fmt: skip
        """A member wins a place, until `due` (ms) to claim it. A new place takes from the stock."""
        taken = self._execute(
            "SELECT 1 FROM draw_winner WHERE draw_id = ? AND place = ? LIMIT 1", (number, place)
        ).fetchone()
        self._execute(
            f"INSERT INTO draw_winner ({_WINNER}) VALUES (?,?,?,?,?,?,?,'won',?,?,'')",
            (number, turn, place, member_id, group_id, entrant, prize, at, due),
        )
        if taken is None:
            self._execute(
                "UPDATE draw_prize SET remaining = remaining - 1 WHERE draw_id = ? AND prize = ?", (number, prize)
            )

    def settle(self, number: int, turn: int, state: str, *, before: str, reason: str = "") -> bool:
        """A winner's state changes. False when it was not `before`."""
        cursor = self._execute(
            "UPDATE draw_winner SET state = ?, reason = ? WHERE draw_id = ? AND turn = ? AND state = ?",
            (state, reason, number, turn, before),
        )
        return bool(cursor.rowcount)

    def winners(self, number: int) -> list[WinnerRow]:
        """All who were drawn, in order."""
        rows = self._execute(f"SELECT {_WINNER} FROM draw_winner WHERE draw_id = ? ORDER BY turn", (number,))
        return [WinnerRow(*row) for row in rows]

    def has_won(self, number: int, member_id: str) -> bool:
        """Whether a member was ever drawn in a draw."""
        sql = "SELECT 1 FROM draw_winner WHERE draw_id = ? AND member_id = ?"
        return self._execute(sql, (number, member_id)).fetchone() is not None

    def won_so_far(self, number: int) -> tuple[int, dict[int, int]]:
        """(how many were drawn, prize -> how many places were given away), however long the list of winners is."""
        row = self._execute("SELECT coalesce(max(turn), 0) FROM draw_winner WHERE draw_id = ?", (number,)).fetchone()
        given = self._execute("SELECT prize, quantity - remaining FROM draw_prize WHERE draw_id = ?", (number,))
        return int(row[0]), dict(given.fetchall())

    def unclaimed(self, number: int) -> list[WinnerRow]:
        """Who won and has neither claimed nor lost it, in order."""
        sql = f"SELECT {_WINNER} FROM draw_winner WHERE draw_id = ? AND state = 'won' ORDER BY turn"
        return [WinnerRow(*row) for row in self._execute(sql, (number,))]

    def next_unclaimed(self, number: int, since: int, before: int) -> int | None:
        """When (ms) the next unclaimed prize is lost, of those where `before` ms earlier is after `since` and after
        the winner won. By index, however many have won."""
        row = self._execute(
            "SELECT due FROM draw_winner WHERE draw_id = ? AND state = 'won' AND due > ? AND due - ? > at"
            " ORDER BY due LIMIT 1",
            (number, since + before, before),
        ).fetchone()
        return row[0] if row else None

    def overdue(self, number: int, at: int) -> list[WinnerRow]:
        """Who has not claimed by now (ms)."""
        sql = f"SELECT {_WINNER} FROM draw_winner WHERE draw_id = ? AND state = 'won' AND due <= ? ORDER BY turn"
        return [WinnerRow(*row) for row in self._execute(sql, (number, at))]

    def next_due(self, number: int) -> int | None:
        """When the next unclaimed prize falls due (ms)."""
        row = self._execute(
            "SELECT min(due) FROM draw_winner WHERE draw_id = ? AND state = 'won'", (number,)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def won_by(self, member_id: str, most: int) -> list[WinnerRow]:
        """What a member won, newest first."""
        rows = self._execute(
            f"SELECT {_WINNER} FROM draw_winner WHERE member_id = ? ORDER BY draw_id DESC LIMIT ?", (member_id, most)
        )
        return [WinnerRow(*row) for row in rows]

    # -- pictures ------------------------------------------------------------------------------------------------

    def add_photo(
        self, number: int, member_id: str, group_id: str, media: str, *, at: int, event_id: str
    ) -> int | None:  # fmt: skip
        """A picture waits for staff. None when one of this member waits already, or was approved."""
        cursor = self._execute(
            "INSERT INTO draw_photo (draw_id, member_id, group_id, media, at, event_id, state)"
            " VALUES (?,?,?,?,?,?,'waiting') ON CONFLICT DO NOTHING",
            (number, member_id, group_id, media, at, event_id),
        )
        return cursor.lastrowid if cursor.rowcount else None

    def photo(self, number: int) -> PhotoRow | None:
        """A picture by its number."""
        row = self._execute(f"SELECT {_PHOTO} FROM draw_photo WHERE id = ?", (number,)).fetchone()
        return PhotoRow(*row) if row else None

    def photos(self, most: int) -> list[PhotoRow]:
        """The pictures that wait, oldest first."""
        rows = self._execute(f"SELECT {_PHOTO} FROM draw_photo WHERE state = 'waiting' ORDER BY id LIMIT ?", (most,))
        return [PhotoRow(*row) for row in rows]

    def judge_photo(self, number: int, state: str) -> bool:
        """Staff decided. False when it did not wait any more."""
        cursor = self._execute("UPDATE draw_photo SET state = ? WHERE id = ? AND state = 'waiting'", (state, number))
        return bool(cursor.rowcount)

    # -- drafts --------------------------------------------------------------------------------------------------

    def draft(self, member_id: str) -> dict[str, Any] | None:
        """The answers so far of whoever is setting up a draw."""
        row = self._execute("SELECT answers FROM draw_draft WHERE member_id = ?", (member_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def keep_draft(self, member_id: str, answers: Mapping[str, Any], at: int) -> None:
        """Remembers the answers so far."""
        self._execute(
            "INSERT INTO draw_draft VALUES (?,?,?)"
            " ON CONFLICT DO UPDATE SET answers = excluded.answers, at = excluded.at",
            (member_id, json.dumps(answers, ensure_ascii=False), at),
        )
        self._drafting = None

    def drop_draft(self, member_id: str) -> bool:
        """Forgets them. False when there were none."""
        cursor = self._execute("DELETE FROM draw_draft WHERE member_id = ?", (member_id,))
        self._drafting = None
        return bool(cursor.rowcount)
