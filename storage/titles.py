"""Titles that were announced to a group."""

from storage.database import Database


class Titles:
    """The table `title_told`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def tell(self, member_id: str, day: str, group_id: str, title: str, *, lasting: bool, event_id: str) -> bool:
        """Notes that a title is announced on a day (ISO). False when this member was announced on that day already,
        or this title for life ever before."""
        cursor = self._execute(
            "INSERT INTO title_told (member_id, day, group_id, title, lasting, event_id) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (member_id, day, group_id, title, int(lasting), event_id),
        )
        return bool(cursor.rowcount)

    def last_passing(self, member_id: str, group_id: str) -> str | None:
        """The newest title that can be lost again and was announced for a member in a group."""
        row = self._execute(
            "SELECT title FROM title_told WHERE member_id = ? AND group_id = ? AND lasting = 0"
            " ORDER BY day DESC LIMIT 1",
            (member_id, group_id),
        ).fetchone()
        return row[0] if row else None
