"""Check-ins: at most one a member, group and business day, each with the streak it stands in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.database import Database


@dataclass(frozen=True, slots=True)
class CheckInRow:
    """One day of one member in one group. `day` is an ISO date, `kind` own or make_up."""

    day: str
    kind: str
    streak: int
    event_id: str
    at: int


class CheckIns:
    """The table `check_in`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def add(
        self, group_id: str, member_id: str, day: str, *, at: int, kind: str, streak: int, event_id: str
    ) -> bool:  # fmt: skip
        """Writes a day down. False when that day is taken."""
        cursor = self._execute(
            "INSERT INTO check_in (group_id, member_id, day, at, kind, streak, event_id) VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (group_id, member_id, day, at, kind, streak, event_id),
        )
        return bool(cursor.rowcount)

    def remove(self, group_id: str, member_id: str, day: str) -> None:
        """Takes a day away: only a reversal does that."""
        self._execute(
            "DELETE FROM check_in WHERE group_id = ? AND member_id = ? AND day = ?", (group_id, member_id, day)
        )

    def move(self, group_id: str, member_id: str, day: str, to: str) -> None:
        """Gives a check-in another day that is free."""
        self._execute(
            "UPDATE check_in SET day = ? WHERE group_id = ? AND member_id = ? AND day = ?",
            (to, group_id, member_id, day),
        )

    def on(self, group_id: str, member_id: str, day: str) -> CheckInRow | None:
        """The check-in of that day."""
        row = self._execute(
            "SELECT day, kind, streak, event_id, at FROM check_in WHERE group_id = ? AND member_id = ? AND day = ?",
            (group_id, member_id, day),
        ).fetchone()
        return CheckInRow(*row) if row else None

    def by_event(self, group_id: str, member_id: str, event_id: str) -> CheckInRow | None:
        """The check-in that an event made."""
        row = self._execute(
            "SELECT day, kind, streak, event_id, at FROM check_in"
            " WHERE group_id = ? AND member_id = ? AND event_id = ?",
            (group_id, member_id, event_id),
        ).fetchone()
        return CheckInRow(*row) if row else None

    def last_before(self, group_id: str, member_id: str, day: str) -> CheckInRow | None:
        """The newest check-in before that day."""
        row = self._execute(
            "SELECT day, kind, streak, event_id, at FROM check_in"
            " WHERE group_id = ? AND member_id = ? AND day < ? ORDER BY day DESC LIMIT 1",
            (group_id, member_id, day),
        ).fetchone()
        return CheckInRow(*row) if row else None

    def since(self, group_id: str, member_id: str, day: str) -> list[CheckInRow]:
        """The check-ins from that day on, in order."""
        return [
            CheckInRow(*row)
            for row in self._execute(
                "SELECT day, kind, streak, event_id, at FROM check_in"
                " WHERE group_id = ? AND member_id = ? AND day >= ? ORDER BY day",
                (group_id, member_id, day),
            )
        ]

    def most_days(self, member_id: str, day: str) -> int:
        """The days of a member since `day` in the group where there are most of them."""
        row = self._execute(
            "SELECT max(days) FROM (SELECT count(*) AS days FROM check_in WHERE member_id = ? AND day >= ?"
            " GROUP BY group_id) AS counted",
            (member_id, day),
        ).fetchone()
        return int(row[0] or 0)

    def count_since(self, group_id: str, member_id: str, day: str) -> int:
        """How many days a member has in a group since `day`."""
        row = self._execute(
            "SELECT count(*) FROM check_in WHERE group_id = ? AND member_id = ? AND day >= ?",
            (group_id, member_id, day),
        ).fetchone()
        return int(row[0])

    def set_streaks(self, group_id: str, member_id: str, streaks: Iterable[tuple[str, int]]) -> None:
        """Writes repaired streaks: (day, streak)."""
        for day, streak in streaks:
            self._execute(
                "UPDATE check_in SET streak = ? WHERE group_id = ? AND member_id = ? AND day = ?",
                (streak, group_id, member_id, day),
            )

    def on_day(self, group_id: str, day: str, most: int) -> Sequence[tuple[str, int, str]]:
        """(member id, streak, event id) of everybody who checked in that day, in order."""
        return self._execute(
            "SELECT member_id, streak, event_id FROM check_in WHERE group_id = ? AND day = ? ORDER BY at, member_id"
            " LIMIT ?",
            (group_id, day, most),
        ).fetchall()

    def count_on(self, group_id: str, day: str) -> int:
        """How many checked in that day."""
        row = self._execute("SELECT count(*) FROM check_in WHERE group_id = ? AND day = ?", (group_id, day)).fetchone()
        return int(row[0])

    def board(self, group_id: str, first: str, last: str) -> Sequence[tuple[str, int]]:
        """(member id, days) between two days, most days first, then who got there first."""
        return self._execute(
            "SELECT member_id, count(*) AS days FROM check_in WHERE group_id = ? AND day BETWEEN ? AND ?"
            " GROUP BY member_id ORDER BY days DESC, max(at), member_id",
            (group_id, first, last),
        ).fetchall()
