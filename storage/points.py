"""Points seen from the member's side: earnings, history, boards, nicknames, invitations, and talk by day."""

from dataclasses import dataclass

from storage.database import Database
from storage.ledger import POINTS, account

_STANDS = "NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id)"
_EARNED = (
    # The plus keeps SQLite from starting with all movements that reverse nothing, which are nearly all there are.
    f"e.asset = 'points' AND e.amount > 0 AND e.account >= 'member:' AND +m.reverses IS NULL AND {_STANDS}"
    # What the shop gave is bought, not earned: buying points with points must not raise anybody.
    " AND NOT (m.key >= 'redeem/' AND m.key < 'redeem0')"
)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of a member's account. `reversed`: 1 when it was taken back later."""

    number: int
    at: int
    cause: str
    amount: int
    balance: int
    reverses: int | None
    reversed: int


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One place on a board; equal points share a rank."""

    rank: int
    member_id: str
    points: int


@dataclass(frozen=True, slots=True)
class Said:
    """A line of ordinary talk that waits to be counted."""

    seq: int
    at: int
    group_id: str
    member_id: str
    text: str


class Points:
    """The tables `board_name` and `talk_day`, and questions to the ledger that no handler should have to spell out."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def earned(self, member_id: str, since: int = 0) -> int:
        """Points that came in since a moment (ms) and still stand. Spending and refunds do not count."""
        row = self._execute(
            "SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN movement m ON m.id = e.movement_id"
            f" WHERE e.account = ? AND {_EARNED} AND m.at >= ?",
            (account(member_id), since),
        ).fetchone()
        return int(row[0])

    def history(self, member_id: str, size: int, skip: int) -> list[HistoryRow]:
        """A page of the member's account, newest first."""
        rows = self._execute(
            "SELECT m.id, m.at, m.cause, e.amount, e.balance, m.reverses,"
            " EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id) FROM entry e"
            " JOIN movement m ON m.id = e.movement_id WHERE e.account = ? AND e.asset = ?"
            " ORDER BY e.id DESC LIMIT ? OFFSET ?",
            (account(member_id), POINTS, size, skip),
        )
        return [HistoryRow(*row) for row in rows]

    def history_length(self, member_id: str) -> int:
        """How many lines the member's account has."""
        row = self._execute(
            "SELECT count(*) FROM entry WHERE account = ? AND asset = ?", (account(member_id), POINTS)
        ).fetchone()
        return int(row[0])

    def board(self, group_id: str, since: int, until: int, size: int, skip: int) -> list[BoardRow]:
        """A page of who earned most in a group between two moments (ms)."""
        return self._board(group_id, since, until, "ORDER BY place, owner LIMIT ? OFFSET ?", size, skip)

    def place(self, group_id: str, since: int, until: int, member_id: str) -> BoardRow | None:
        """Where a member stands on that board."""
        found = self._board(group_id, since, until, "WHERE owner = ?", account(member_id))
        return found[0] if found else None

    def board_length(self, group_id: str, since: int, until: int) -> int:
        """How many earned anything in a group between two moments (ms)."""
        row = self._execute(
            "SELECT count(DISTINCT e.account) FROM movement m JOIN entry e ON e.movement_id = m.id"
            f" WHERE m.group_id = ? AND m.at >= ? AND m.at < ? AND {_EARNED}",
            (group_id, since, until),
        ).fetchone()
        return int(row[0])

    def _board(self, group_id: str, since: int, until: int, end: str, *values: object) -> list[BoardRow]:
        rows = self._execute(
            "SELECT place, owner, total FROM (SELECT e.account AS owner, sum(e.amount) AS total,"
            " rank() OVER (ORDER BY sum(e.amount) DESC) AS place FROM movement m"
            f" JOIN entry e ON e.movement_id = m.id WHERE m.group_id = ? AND m.at >= ? AND m.at < ? AND {_EARNED}"
            f" GROUP BY e.account) AS board {end}",
            (group_id, since, until, *values),
        )
        return [BoardRow(row[0], row[1].removeprefix("member:"), row[2]) for row in rows]

    # -- nicknames -----------------------------------------------------------------------------------------------

    def nickname(self, member_id: str) -> str | None:
        """The name a member wants on boards instead of their own."""
        row = self._execute("SELECT nickname FROM board_name WHERE member_id = ?", (member_id,)).fetchone()
        return row[0] if row else None

    def name_on_boards(self, member_id: str, nickname: str, folded: str) -> bool:
        """Takes a nickname. False when somebody else has it (`folded` is how names are compared)."""
        taken = self._execute(
            "SELECT 1 FROM board_name WHERE folded = ? AND member_id <> ?", (folded, member_id)
        ).fetchone()
        if taken is not None:
            return False
        self._execute(
            "INSERT INTO board_name VALUES (?,?,?) ON CONFLICT (member_id) DO UPDATE SET nickname = excluded.nickname,"
            " folded = excluded.folded",
            (member_id, nickname, folded),
        )
        return True

    def drop_nickname(self, member_id: str) -> None:
        """Back to the member's own name."""
        self._execute("DELETE FROM board_name WHERE member_id = ?", (member_id,))

    # -- invitations ---------------------------------------------------------------------------------------------

    def was_here(self, group_id: str, member_id: str) -> bool:
        """Whether a member was ever seen to join or leave a group."""
        return (
            self._execute(
                "SELECT 1 FROM membership WHERE group_id = ? AND member_id = ?", (group_id, member_id)
            ).fetchone()
            is not None
        )

    def moved_at(self, key: str) -> tuple[int, int] | None:
        """(number, ms) of the movement with this key, if it stands."""
        row = self._execute(f"SELECT id, at FROM movement m WHERE key = ? AND {_STANDS}", (key,)).fetchone()
        return (row[0], row[1]) if row else None

    def paid_invites(self, member_id: str, since: int) -> int:
        """How many invitations paid a member since a moment (ms)."""
        row = self._execute(
            "SELECT count(*) FROM entry e JOIN movement m ON m.id = e.movement_id WHERE e.account = ? AND e.amount > 0"
            " AND m.key >= 'invite/' AND m.key < 'invite0' AND m.at >= ?",
            (account(member_id), since),
        ).fetchone()
        return int(row[0])

    # -- talk ----------------------------------------------------------------------------------------------------

    def newest_event(self) -> int:
        """The sequence number of the newest event."""
        return int(self._execute("SELECT coalesce(max(seq), 0) FROM interaction").fetchone()[0])

    def talk_after(self, seq: int, until: int, shortest: int) -> list[Said]:
        """Ordinary talk in groups (nothing that a rule answered) among the events after `seq` up to `until`."""
        rows = self._execute(
            "SELECT seq, at, group_id, member_id, text FROM interaction WHERE seq > ? AND seq <= ?"
            " AND kind = 'message' AND route IS NULL AND group_id IS NOT NULL AND member_id IS NOT NULL"
            " AND length(text) >= ? ORDER BY seq",
            (seq, until, shortest),
        )
        return [Said(*row) for row in rows]

    def talk_of(self, group_id: str, member_id: str, day: str) -> str:
        """The marks of what a member said that day, as `add_talk` stored them."""
        row = self._execute(
            "SELECT seen FROM talk_day WHERE group_id = ? AND member_id = ? AND day = ?", (group_id, member_id, day)
        ).fetchone()
        return row[0] if row else ""

    def add_talk(self, group_id: str, member_id: str, day: str, said: int, seen: str) -> None:
        """Notes how many different lines a member said on a day."""
        self._execute(
            "INSERT INTO talk_day (group_id, member_id, day, said, seen) VALUES (?,?,?,?,?)"
            " ON CONFLICT DO UPDATE SET said = excluded.said, seen = excluded.seen",
            (group_id, member_id, day, said, seen),
        )

    def unpaid_talk(self, before: str, most: int) -> list[tuple[str, str, str, int]]:
        """(group, member, day, lines) of days before `before` (ISO) that have not been paid."""
        return self._execute(
            "SELECT group_id, member_id, day, said FROM talk_day WHERE paid = 0 AND day < ?"
            " ORDER BY day, group_id, member_id LIMIT ?",
            (before, most),
        ).fetchall()

    def talk_paid(self, group_id: str, member_id: str, day: str) -> None:
        """This day is settled."""
        self._execute(
            "UPDATE talk_day SET paid = 1 WHERE group_id = ? AND member_id = ? AND day = ?", (group_id, member_id, day)
        )

    def drop_talk(self, before: str, most: int) -> None:
        """Forgets settled days before `before` (ISO), oldest groups first, at most so many."""
        self._execute(
            "DELETE FROM talk_day WHERE (group_id, member_id, day) IN (SELECT group_id, member_id, day FROM talk_day"
            " WHERE paid = 1 AND day < ? LIMIT ?)",
            (before, most),
        )
