"""People as a spreadsheet brings them: what is known, and what a file adds."""

from typing import NamedTuple

from storage.database import Database
from storage.privacy import GONE


class Known(NamedTuple):
    """What the table holds about a member; `contact_since` in ms."""

    name: str
    channel: str
    contact_since: int | None
    source: str | None

    @property
    def is_gone(self) -> bool:
        """Whether they asked to be deleted."""
        return self.name == GONE


class Roster:
    """The table `member`, from the command line."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def find(self, member_id: str) -> Known | None:
        """A member by id."""
        row = self._execute(
            "SELECT name, channel, contact_since, source FROM member WHERE member_id = ?", (member_id,)
        ).fetchone()
        return Known(*row) if row else None

    def write(self, member_id: str, one: Known, at: int) -> None:
        """Adds a member, first seen now, or gives a known one these values."""
        self._execute(
            "INSERT INTO member (member_id, name, channel, first_seen, contact_since, source) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (member_id) DO UPDATE SET name = excluded.name, contact_since = excluded.contact_since,"
            " source = excluded.source",
            (member_id, one.name, one.channel, at, one.contact_since, one.source),
        )
