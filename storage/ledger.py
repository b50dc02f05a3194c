"""The double-entry ledger: every movement has a cause and two sides, and is only ever reversed, never changed."""

from dataclasses import dataclass
from typing import NamedTuple

from storage.database import Database

POINTS = "points"
CARD = "make_up_card"


def account(member_id: str) -> str:
    """The account of a member."""
    return f"member:{member_id}"


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement and its two sides. `amount` went from `giver` to `taker`."""

    id: int
    key: str
    event_id: str
    cause: str
    group_id: str | None
    reverses: int | None
    giver: str
    taker: str
    asset: str
    amount: int


class Earning(NamedTuple):
    """Points that a member earned, at a moment (ms)."""

    member_id: str
    group_id: str | None
    amount: int
    at: int


class Ledger:
    """The tables `movement` and `entry`. Amounts are whole points or cards."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self.earned: list[Earning] = []
        """What members earned since whoever looks at it emptied it last: the engine, with every event."""

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self.earned.clear()

    def move(
        self, key: str, giver: str, taker: str, amount: int, *, asset: str, at: int, event_id: str, cause: str,
        group_id: str | None = None, reverses: int | None = None,
    ) -> int | None:  # fmt: skip
        """Moves `amount` (> 0) from one account to another. Returns its number, or None when `key` has moved before."""
        cursor = self._execute(
            "INSERT INTO movement (key, at, event_id, cause, group_id, reverses) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (key) DO NOTHING",
            (key, at, event_id, cause, group_id, reverses),
        )
        if not cursor.rowcount:
            return None
        number = int(cursor.lastrowid or 0)
        self._execute(
            "INSERT INTO entry (movement_id, account, asset, amount, balance) VALUES"
            " (?1, ?2, ?4, -?5, coalesce((SELECT balance FROM entry WHERE account = ?2 AND asset = ?4"
            " ORDER BY id DESC LIMIT 1), 0) - ?5),"
            " (?1, ?3, ?4, ?5, coalesce((SELECT balance FROM entry WHERE account = ?3 AND asset = ?4"
            " ORDER BY id DESC LIMIT 1), 0) + ?5)",
            (number, giver, taker, asset, amount),
        )
        # What the shop gives is bought, not earned.
        if asset == POINTS and reverses is None and taker.startswith("member:") and not key.startswith("redeem/"):
            self.earned.append(Earning(taker.removeprefix("member:"), group_id, amount, at))
        return number

    def reverse(self, number: int, *, at: int, event_id: str, cause: str) -> int | None:
        """Books the counter-entry of a movement. None when there is none, it was reversed before, or is a reversal."""
        old = self.get(number)
        if old is None or old.reverses is not None or self.is_reversed(number):
            return None
        return self.move(
            f"reverse:{number}", old.taker, old.giver, old.amount, asset=old.asset, at=at, event_id=event_id,
            cause=cause, group_id=old.group_id, reverses=number,
        )  # fmt: skip

    def balance(self, owner: str, asset: str = POINTS) -> int:
        """What an account holds now."""
        row = self._execute(
            "SELECT balance FROM entry WHERE account = ? AND asset = ? ORDER BY id DESC LIMIT 1", (owner, asset)
        ).fetchone()
        return int(row[0]) if row else 0

    def get(self, number: int) -> Movement | None:
        """A movement by its number (流水号)."""
        return self._one("m.id = ?", number)

    def by_key(self, key: str) -> Movement | None:
        """A movement by its key."""
        return self._one("m.key = ?", key)

    def by_event(self, event_id: str) -> int | None:
        """The number of the first movement that an event caused."""
        row = self._execute("SELECT min(id) FROM movement WHERE event_id = ?", (event_id,)).fetchone()
        return None if row[0] is None else int(row[0])

    def _one(self, where: str, value: object) -> Movement | None:
        row = self._execute(
            "SELECT m.id, m.key, m.event_id, m.cause, m.group_id, m.reverses, giver.account, taker.account,"
            " taker.asset, taker.amount FROM movement m"
            " JOIN entry taker ON taker.movement_id = m.id AND taker.amount > 0"
            f" JOIN entry giver ON giver.movement_id = m.id AND giver.amount < 0 WHERE {where}",
            (value,),
        ).fetchone()
        return Movement(*row) if row else None

    def is_reversed(self, number: int) -> bool:
        """Whether a counter-entry exists."""
        return self._execute("SELECT 1 FROM movement WHERE reverses = ?", (number,)).fetchone() is not None

    def standing(self, prefix: str) -> dict[str, int]:
        """key -> number of the movements whose key starts with `prefix` and that have not been reversed."""
        rows = self._execute(
            "SELECT key, id FROM movement m WHERE key >= ? AND key < ?"
            " AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id)",
            (prefix, prefix + "\U0010ffff"),
        )
        return {row[0]: row[1] for row in rows}


class Prizes:
    """The table `prize`: what members won and staff still have to hand over."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def owe(self, key: str, member_id: str, what: str, *, group_id: str | None, at: int, event_id: str) -> bool:
        """Notes a prize won. False when this key won before and still stands; one that was taken back may go to
        somebody else, and is then theirs in every column."""
        cursor = self._execute(
            "INSERT INTO prize (key, member_id, group_id, what, won_at, event_id) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (key) DO UPDATE SET state = 'owed', member_id = excluded.member_id,"
            " group_id = excluded.group_id, what = excluded.what, won_at = excluded.won_at,"
            " event_id = excluded.event_id WHERE state = 'taken_back'",
            (key, member_id, group_id, what, at, event_id),
        )
        return bool(cursor.rowcount)

    def take_back(self, key: str) -> bool:
        """Takes back a prize that has not been handed over. False when it has been, or never was."""
        return bool(
            self._execute("UPDATE prize SET state = 'taken_back' WHERE key = ? AND state = 'owed'", (key,)).rowcount
        )

    def of_key(self, key: str) -> tuple[str, str] | None:
        """(what, state) of a prize by its key."""
        row = self._execute("SELECT what, state FROM prize WHERE key = ?", (key,)).fetchone()
        return (row[0], row[1]) if row else None

    def hand_over(self, number: int) -> bool:
        """Staff gave it to the member. False when it is not owed."""
        return bool(
            self._execute("UPDATE prize SET state = 'handed' WHERE id = ? AND state = 'owed'", (number,)).rowcount
        )

    def owed(self, group_id: str | None, most: int) -> list[tuple[int, str, str, int]]:
        """(number, member id, what, won ms) still to be handed over."""
        where = "" if group_id is None else "AND group_id = ?"
        values: tuple[object, ...] = (most,) if group_id is None else (group_id, most)
        return self._execute(
            f"SELECT id, member_id, what, won_at FROM prize WHERE state = 'owed' {where} ORDER BY id LIMIT ?", values
        ).fetchall()

    def handed(self, prefix: str) -> set[str]:
        """Keys with this prefix whose prizes were handed over."""
        rows = self._execute(
            "SELECT key FROM prize WHERE key >= ? AND key < ? AND state = 'handed'", (prefix, prefix + "\U0010ffff")
        )
        return {row[0] for row in rows}

    def of_member(self, member_id: str, most: int) -> list[tuple[int, str, str, str]]:
        """(number, key, what, state) of what a member won and was not taken back, newest first."""
        return self._execute(
            "SELECT id, key, what, state FROM prize WHERE member_id = ? AND state <> 'taken_back'"
            " ORDER BY id DESC LIMIT ?",
            (member_id, most),
        ).fetchall()

    def standing(self, prefix: str) -> set[str]:
        """Keys with this prefix that were won and not taken back."""
        rows = self._execute(
            "SELECT key FROM prize WHERE key >= ? AND key < ? AND state <> 'taken_back'",
            (prefix, prefix + "\U0010ffff"),
        )
        return {row[0] for row in rows}
