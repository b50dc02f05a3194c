"""The shop's books: stock, redemptions and their states, coupon codes."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.database import Database

_COLUMNS = "id, event_id, item, title, kind, member_id, group_id, at, price, paid, given, state, until, address"
_OWN = "member_id = ? AND state <> 'refunded'"


@dataclass(frozen=True, slots=True)
class Redemption:
    """One thing that a member redeemed. `until` (ms): when a pass ends, or how long goods wait for an address."""

    id: int
    event_id: str
    item: str
    title: str
    kind: str
    member_id: str
    group_id: str | None
    at: int
    price: int
    paid: int | None
    given: int | None
    state: str
    until: int | None
    address: str | None

    @property
    def is_pending(self) -> bool:
        """Whether it can still be called off without anything having left the house."""
        return self.state == "reserved" or (self.state == "issued" and self.kind in ("goods", "pass"))


class Shop:
    """The tables `shop_item`, `redemption` and `coupon_code`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    # -- stock ---------------------------------------------------------------------------------------------------

    def stock(self, item: str, stock: int | None) -> None:
        """Takes over what the catalogue says now. Fewer than were taken already means: none left."""
        self._execute(
            "INSERT INTO shop_item (item, stock) VALUES (?,?) ON CONFLICT (item) DO UPDATE"
            " SET stock = max(excluded.stock, taken) WHERE stock IS NOT max(excluded.stock, taken)",
            (item, stock),
        )

    def take(self, item: str) -> bool:
        """Takes one off the shelf. False when none is left."""
        return bool(
            self._execute(
                "UPDATE shop_item SET taken = taken + 1 WHERE item = ? AND (stock IS NULL OR taken < stock)", (item,)
            ).rowcount
        )

    def left(self, item: str, stock: int | None, kind: str) -> int | None:
        """How many are left of a catalogue's stock; None: as many as one likes."""
        row = self._execute("SELECT taken FROM shop_item WHERE item = ?", (item,)).fetchone()
        rest = None if stock is None else max(0, stock - (row[0] if row else 0))
        if kind != "code":
            return rest
        free = self._execute(
            "SELECT count(*) FROM coupon_code WHERE item = ? AND redemption_id IS NULL", (item,)
        ).fetchone()[0]
        return int(free) if rest is None else min(rest, int(free))

    # -- redemptions ---------------------------------------------------------------------------------------------

    def nth(self, item: str, member_id: str) -> int:
        """Which piece of an item a member would get next: the first free place, from 1."""
        rows = self._execute(f"SELECT nth FROM redemption WHERE item = ? AND {_OWN}", (item, member_id))
        taken = {row[0] for row in rows}
        return next(place for place in range(1, len(taken) + 2) if place not in taken)

    def add(
        self, event_id: str, *, item: str, title: str, kind: str, member_id: str, group_id: str | None, at: int,
        nth: int, most: int, price: int, paid: int | None, given: int | None, state: str, until: int | None,
    ) -> int:  # fmt: skip
        """Writes a redemption down. Returns its number. The tables refuse what goes beyond a limit."""
        cursor = self._execute(
            "INSERT INTO redemption (event_id, item, title, kind, member_id, group_id, at, nth, most, price, paid,"
            " given, state, until) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (event_id, item, title, kind, member_id, group_id, at, nth, most, price, paid, given, state, until),
        )
        return int(cursor.lastrowid or 0)

    def get(self, number: int) -> Redemption | None:
        """A redemption by its number."""
        return next(iter(self._all("id = ?", number)), None)

    def by_movement(self, number: int) -> Redemption | None:
        """The redemption that a movement paid for, or that gave it."""
        return next(iter(self._all("paid = ?1 OR given = ?1", number)), None)

    def of_member(self, member_id: str, most: int) -> list[Redemption]:
        """What a member redeemed, newest first."""
        return self._all("member_id = ? ORDER BY id DESC LIMIT ?", member_id, most)

    def pending(self, group_id: str | None, most: int) -> list[Redemption]:
        """What waits for staff or for an address, oldest first; of all groups in a 1:1 conversation."""
        where = "state IN ('reserved', 'issued') AND kind IN ('goods', 'pass')"
        if group_id is None:
            return self._all(f"{where} ORDER BY id LIMIT ?", most)
        return self._all(f"{where} AND group_id = ? ORDER BY id LIMIT ?", group_id, most)

    def ending(self, until: int, group_id: str | None, member_id: str | None) -> list[Redemption]:
        """What is open of a group, or of a member, and has a reminder (a tick before its end) until then (ms)."""
        column, value = ("member_id", member_id) if group_id is None else ("group_id", group_id)
        return self._all(
            f"{column} = ? AND state IN ('reserved', 'issued') AND EXISTS (SELECT 1 FROM wake w WHERE w.topic = 'shop'"
            " AND w.key = CAST(redemption.id AS TEXT) AND w.due <= ? AND w.due < redemption.until)",
            value, until,
        )  # fmt: skip

    def can_be_called_off(self, member_id: str) -> Redemption | None:
        """The newest redemption of a member that cost points and is still in the house."""
        return next(
            iter(
                self._all(
                    "member_id = ? AND price > 0 AND kind IN ('goods', 'pass') AND state IN ('reserved', 'issued')"
                    " ORDER BY id DESC LIMIT 1",
                    member_id,
                )
            ),
            None,
        )

    def _all(self, where: str, *values: object) -> list[Redemption]:
        return [Redemption(*row) for row in self._execute(f"SELECT {_COLUMNS} FROM redemption WHERE {where}", values)]

    def become(self, number: int, state: str, *, at: int, why: str = "") -> None:
        """Moves a redemption on. An address is only kept while something is still to be sent there."""
        self._execute(
            "UPDATE redemption SET state = ?1, settled_at = ?2, why = ?3,"
            " address = CASE WHEN ?1 IN ('reserved', 'issued') THEN address END WHERE id = ?4",
            (state, at, why or None, number),
        )

    def put_back(self, number: int, *, at: int, why: str) -> bool:
        """Refunds: the piece goes back on the shelf, its limit is free again. False when it was refunded before."""
        done = self._execute(
            "UPDATE redemption SET state = 'refunded', settled_at = ?, why = ?, address = NULL"
            " WHERE id = ? AND state <> 'refunded'",
            (at, why, number),
        ).rowcount
        if done:
            self._execute(
                "UPDATE shop_item SET taken = taken - 1 WHERE item = (SELECT item FROM redemption WHERE id = ?)",
                (number,),
            )
        return bool(done)

    def send_to(self, number: int, address: str) -> None:
        """Notes where goods go; they are for staff to send now."""
        self._execute("UPDATE redemption SET address = ?, state = 'issued' WHERE id = ?", (address, number))

    # -- codes ---------------------------------------------------------------------------------------------------

    def import_codes(self, item: str, codes: Iterable[str], at: int) -> int:
        """Adds codes to the pool; those that are there already change nothing. Returns how many were new."""
        return sum(
            self._execute(
                "INSERT INTO coupon_code (item, code, imported_at) VALUES (?,?,?) ON CONFLICT DO NOTHING",
                (item, code, at),
            ).rowcount
            for code in codes
        )

    def has_code(self, item: str) -> bool:
        """Whether a code is left."""
        return (
            self._execute(
                "SELECT 1 FROM coupon_code WHERE item = ? AND redemption_id IS NULL LIMIT 1", (item,)
            ).fetchone()
            is not None
        )

    def hand_out(self, item: str, number: int) -> str:
        """Binds the oldest free code to a redemption for ever and returns it. Call only after `has_code`."""
        row = self._execute(
            "UPDATE coupon_code SET redemption_id = ? WHERE id = (SELECT id FROM coupon_code WHERE item = ?"
            " AND redemption_id IS NULL ORDER BY id LIMIT 1) RETURNING code",
            (number, item),
        ).fetchone()
        return str(row[0])

    def code_of(self, number: int) -> str | None:
        """The code of a redemption."""
        row = self._execute("SELECT code FROM coupon_code WHERE redemption_id = ?", (number,)).fetchone()
        return row[0] if row else None

    def take_code_back(self, number: int) -> None:
        """A code that never left the house is free again. Call only when its line surely was not sent."""
        self._execute("UPDATE coupon_code SET redemption_id = NULL WHERE redemption_id = ?", (number,))

    def line_state(self, event_id: str, phrase: str) -> str | None:
        """What became of a line of an event: sent, failed, expired ..."""
        row = self._execute(
            "SELECT state FROM outbox WHERE event_id = ? AND phrase = ? ORDER BY id LIMIT 1", (event_id, phrase)
        ).fetchone()
        return row[0] if row else None
