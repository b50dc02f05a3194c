"""Days on which members were here, joins and leaves, and the dated stages that follow from them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from storage.database import Database


class DayRow(NamedTuple):
    """One business day of a member in a group: first and last word (ms)."""

    day: str
    first_at: int
    last_at: int


class StageRow(NamedTuple):
    """The stage that a member is in since `since` (ms); it ends by itself at `due` (ms)."""

    stage: str
    since: int
    due: int


class Past(NamedTuple):
    """What a stage follows from: (first ms, last ms) of days, (ms, join or leave) in order, the first word ever."""

    talks: list[tuple[int, int]]
    moves: list[tuple[int, str]]
    first_seen: int | None


class Rewritten(NamedTuple):
    """The stages of a member after `after` (ms): `changes` are (ms, stage, stage before), and `now` is the last."""

    group_id: str
    member_id: str
    after: int
    changes: Sequence[tuple[int, str, str | None]]
    now: StageRow


ASKED_AT_ONCE = 300
"""Members whom one question names."""


def _values(width: int, rows: Sequence[tuple[object, ...]]) -> tuple[str, list[object]]:
    """(VALUES with a place for each value, the values)."""
    one = f"({','.join('?' * width)})"
    return f"VALUES {','.join([one] * len(rows))}", [value for row in rows for value in row]


class Lifecycle:
    """The tables `member_day`, `member_move`, `stage_change` and `stage_now`. `group_id` is empty for 1:1."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._executemany = db.executemany

    def add_days(self, days: Iterable[tuple[str, str, str, int, int, int, int]]) -> None:
        """Adds (group, member, day, first ms, last ms, lines said, commands) to what is known."""
        self._executemany(
            "INSERT INTO member_day VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
            " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
            " said = said + excluded.said, acts = acts + excluded.acts",
            days,
        )

    def add_moves(self, moves: Iterable[tuple[str, str, int, str]]) -> None:
        """Adds (group, member, ms, join or leave)."""
        self._executemany("INSERT INTO member_move VALUES (?,?,?,?) ON CONFLICT DO NOTHING", moves)

    def courses(self, wanted: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], Past]:
        """(group, member) -> past, of every (group, member, day): the last day before `day` on which the member was
        here, and every day from `day` on, with all joins and leaves."""
        found: dict[tuple[str, str], Past] = {}
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            some = wanted[start : start + ASKED_AT_ONCE]
            asked, values = _values(3, some)
            for group, member, first in self._execute(
                f"WITH w (g, m, d) AS ({asked}) SELECT g, m, (SELECT f.first_at FROM member_day f WHERE f.group_id = g"
                " AND f.member_id = m ORDER BY f.day LIMIT 1) FROM w",
                values,
            ):
                found[group, member] = Past([], [], first)
            for group, member, *day in self._execute(
                f"WITH w (g, m, d) AS ({asked}) SELECT g, m, s.first_at, s.last_at FROM w JOIN member_day s ON"
                " s.group_id = g AND s.member_id = m AND s.day >= coalesce((SELECT max(b.day) FROM member_day b WHERE"
                " b.group_id = g AND b.member_id = m AND b.day < d), '')",
                values,
            ):
                found[group, member].talks.append((day[0], day[1]))
            for group, member, at, what in self._execute(
                f"WITH w (g, m, d) AS ({asked}) SELECT g, m, v.at, v.what FROM w JOIN member_move v ON v.group_id = g"
                " AND v.member_id = m ORDER BY v.at, v.what",
                values,
            ):
                found[group, member].moves.append((at, what))
        return found

    def first_seen(self, group_id: str, member_id: str) -> int | None:
        """When a member said their first word in a group (ms)."""
        row = self._execute(
            "SELECT first_at FROM member_day WHERE group_id = ? AND member_id = ? ORDER BY day LIMIT 1",
            (group_id, member_id),
        ).fetchone()
        return row[0] if row else None

    def moves(self, group_id: str, member_id: str) -> list[tuple[int, str]]:
        """(ms, join or leave) of a member, in order."""
        return self._execute(
            "SELECT at, what FROM member_move WHERE group_id = ? AND member_id = ? ORDER BY at, what",
            (group_id, member_id),
        ).fetchall()

    # -- stages ----------------------------------------------------------------------------------------------------

    def rewrite(self, family: str, anew: Sequence[Rewritten]) -> None:
        """The stages of these members after a moment are what each of them says."""
        self._executemany(
            "DELETE FROM stage_change WHERE family = ? AND group_id = ? AND member_id = ? AND at > ?",
            ((family, one.group_id, one.member_id, one.after) for one in anew),
        )
        self._executemany(
            "INSERT INTO stage_change VALUES (?,?,?,?,?,?)",
            (
                (family, one.group_id, one.member_id, at, stage, was)
                for one in anew for at, stage, was in one.changes
            ),
        )  # fmt: skip
        self._executemany(
            "INSERT INTO stage_now VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET stage = excluded.stage,"
            " since = excluded.since, due = excluded.due",
            ((family, one.group_id, one.member_id, one.now.stage, one.now.since, one.now.due) for one in anew),
        )

    def drop(self, family: str, group_id: str, member_id: str) -> None:
        """Nothing is left from which a stage would follow."""
        for table in ("stage_change", "stage_now"):
            self._execute(
                f"DELETE FROM {table} WHERE family = ? AND group_id = ? AND member_id = ?",
                (family, group_id, member_id),
            )

    def newest_changes(self, family: str, wanted: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
        """(group, member) -> since when (ms) they were in the stage that they had reached, of every (group, member,
        moment ms)."""
        found: dict[tuple[str, str], int] = {}
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            asked, values = _values(3, wanted[start : start + ASKED_AT_ONCE])
            for group, member, at in self._execute(
                f"WITH w (g, m, t) AS ({asked}) SELECT g, m, (SELECT max(c.at) FROM stage_change c WHERE c.family = ?"
                " AND c.group_id = g AND c.member_id = m AND c.at <= t) FROM w",
                (*values, family),
            ):
                if at is not None:
                    found[group, member] = at
        return found

    def changes(self, family: str, group_id: str, member_id: str) -> list[tuple[int, str, str | None]]:
        """(ms, stage, stage before) of a member, in order."""
        return self._execute(
            "SELECT at, stage, was FROM stage_change WHERE family = ? AND group_id = ? AND member_id = ? ORDER BY at",
            (family, group_id, member_id),
        ).fetchall()

    def stages_of(self, member_id: str) -> list[tuple[str, str, str, int]]:
        """(family, group, stage, since ms) of a member, everywhere."""
        return self._execute(
            "SELECT family, group_id, stage, since FROM stage_now WHERE member_id = ? ORDER BY family, group_id",
            (member_id,),
        ).fetchall()

    def due(self, now: int, most: int) -> list[tuple[str, str, str]]:
        """(family, group, member) whose stage has ended by itself."""
        return self._execute(
            "SELECT family, group_id, member_id FROM stage_now WHERE due <= ? ORDER BY due LIMIT ?", (now, most)
        ).fetchall()

    def drop_stages(self, family: str) -> None:
        """Forgets the stages of a family before they are worked out anew."""
        self._execute("DELETE FROM stage_change WHERE family = ?", (family,))
        self._execute("DELETE FROM stage_now WHERE family = ?", (family,))

    def everybody(self, after: tuple[str, str], most: int) -> list[tuple[str, str]]:
        """(group, member) of whoever was ever here, after these, in order."""
        return self._execute(
            "SELECT group_id, member_id FROM (SELECT group_id, member_id FROM member_day UNION SELECT group_id,"
            " member_id FROM member_move) AS seen WHERE (group_id, member_id) > (?, ?) ORDER BY 1, 2 LIMIT ?",
            (*after, most),
        ).fetchall()

    def count(self, family: str, group_id: str) -> dict[str, int]:
        """stage -> how many members of a group are in it."""
        rows = self._execute(
            "SELECT stage, count(*) FROM stage_now WHERE family = ? AND group_id = ? GROUP BY stage",
            (family, group_id),
        )
        return {row[0]: row[1] for row in rows}

    def forget(self, member_id: str) -> int:
        """Removes everything this family knows of a member. Returns how many rows."""
        return sum(
            self._execute(f"DELETE FROM {table} WHERE member_id = ?", (member_id,)).rowcount
            for table in ("member_day", "member_move", "stage_change", "stage_now")
        )
