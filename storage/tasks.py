"""What a person has to do: owner, deadline, at most three reminders."""

from dataclasses import dataclass

from storage.database import Database

REMINDERS = 3
"""More would be nagging (the table refuses them, too)."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `owner` is a staff id or a role; moments in ms."""

    number: int
    group_id: str | None
    member_id: str | None
    what: str
    owner: str
    due: int
    reminders: int
    state: str


_COLUMNS = "id, group_id, member_id, what, owner, due, reminders, state"


class Tasks:
    """The table `task`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def add(
        self, key: str, *, what: str, owner: str, at: int, due: int, event_id: str, group_id: str | None = None,
        member_id: str | None = None,
    ) -> int | None:  # fmt: skip
        """Writes a task down. Returns its number, or None when this `key` has one."""
        cursor = self._execute(
            "INSERT INTO task (key, group_id, member_id, what, owner, created_at, due, event_id)"
            " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING",
            (key, group_id, member_id, what, owner, at, due, event_id),
        )
        return int(cursor.lastrowid or 0) if cursor.rowcount else None

    def get(self, number: int) -> Task | None:
        """A task by its number."""
        row = self._execute(f"SELECT {_COLUMNS} FROM task WHERE id = ?", (number,)).fetchone()
        return Task(*row) if row else None

    def open(self, most: int) -> tuple[int, list[Task]]:
        """How many are open, and the most urgent of them."""
        (count,) = self._execute("SELECT count(*) FROM task WHERE state = 'open'").fetchone()
        rows = self._execute(f"SELECT {_COLUMNS} FROM task WHERE state = 'open' ORDER BY due, id LIMIT ?", (most,))
        return count, [Task(*row) for row in rows]

    def remind(self, number: int) -> int | None:
        """Counts one more reminder of an open task. Returns which one it is, or None when it may not be reminded of."""
        row = self._execute(
            "UPDATE task SET reminders = reminders + 1 WHERE id = ? AND state = 'open' AND reminders < ?"
            " RETURNING reminders",
            (number, REMINDERS),
        ).fetchone()
        return row[0] if row else None

    def close(self, number: int, state: str, *, at: int, by: str) -> bool:
        """An open task is done or dropped. False when it was not open."""
        cursor = self._execute(
            "UPDATE task SET state = ?, closed_at = ?, closed_by = ? WHERE id = ? AND state = 'open'",
            (state, at, by, number),
        )
        return bool(cursor.rowcount)
