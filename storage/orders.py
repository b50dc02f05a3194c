"""Orders: recorded once by their id, belonging to a member by platform id or by an id that staff mapped."""

from dataclasses import dataclass

from storage.database import Database


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order. `at` and `recorded_at` in ms, `cents` in fen; `member_id` is None until somebody is known for it."""

    order_id: str
    member_id: str | None
    external_id: str | None
    at: int
    cents: int
    items: str
    state: str
    source: str
    recorded_at: int


_COLUMNS = "order_id, member_id, external_id, at, cents, items, state, source, recorded_at"


class Orders:
    """The tables `purchase`, `buyer_alias` and `purchase_milestone`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def get(self, order_id: str) -> Purchase | None:
        """The order with this id."""
        row = self._execute(f"SELECT {_COLUMNS} FROM purchase WHERE order_id = ?", (order_id,)).fetchone()
        return Purchase(*row) if row else None

    def add(self, one: Purchase) -> bool:
        """Records an order. False when its id is known: nothing changes then."""
        cursor = self._execute(
            f"INSERT INTO purchase ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (
                one.order_id, one.member_id, one.external_id, one.at, one.cents, one.items, one.state, one.source,
                one.recorded_at,
            ),
        )  # fmt: skip
        return bool(cursor.rowcount)

    def refund(self, order_id: str) -> bool:
        """The order was paid back: it no longer counts. False when it did not count before."""
        cursor = self._execute(
            "UPDATE purchase SET state = 'refunded' WHERE order_id = ? AND state = 'paid'", (order_id,)
        )
        return bool(cursor.rowcount)

    def owner(self, text: str) -> str | None:
        """The member behind a platform id or a mapped id of the shop."""
        row = self._execute(
            "SELECT member_id FROM member WHERE member_id = ?1 UNION ALL SELECT member_id FROM buyer_alias"
            " WHERE external_id = ?1 LIMIT 1",
            (text,),
        ).fetchone()
        return row[0] if row else None

    def map(self, external_id: str, member_id: str, *, at: int, staff_id: str) -> int:
        """From now on this id of the shop is this member. Returns how many recorded orders are theirs now."""
        self._execute(
            "INSERT INTO buyer_alias VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET member_id = excluded.member_id,"
            " at = excluded.at, staff_id = excluded.staff_id",
            (external_id, member_id, at, staff_id),
        )
        self._execute(
            "DELETE FROM purchase_milestone WHERE member_id <> ? AND order_id IN (SELECT order_id FROM purchase"
            " WHERE external_id = ?)",
            (member_id, external_id),
        )
        return self._execute(
            "UPDATE purchase SET member_id = ? WHERE external_id = ?", (member_id, external_id)
        ).rowcount

    def adopt(self, most: int) -> list[str]:
        """Orders whose buyer was seen only after the order came: they are theirs now. Returns the members."""
        rows = self._execute(
            "SELECT DISTINCT p.external_id FROM purchase p JOIN member m ON m.member_id = p.external_id"
            " WHERE p.external_id IS NOT NULL AND p.member_id IS NULL LIMIT ?",
            (most,),
        ).fetchall()
        for (member,) in rows:
            self._execute(
                "UPDATE purchase SET member_id = external_id, external_id = NULL WHERE external_id = ?"
                " AND member_id IS NULL",
                (member,),
            )
        return [row[0] for row in rows]

    def alias(self, external_id: str) -> str | None:
        """Whom staff mapped an id of the shop to."""
        row = self._execute("SELECT member_id FROM buyer_alias WHERE external_id = ?", (external_id,)).fetchone()
        return row[0] if row else None

    def of(self, member_id: str, most: int = 500) -> list[Purchase]:
        """The orders of a member that count, newest first."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM purchase WHERE member_id = ? AND state = 'paid' ORDER BY at DESC, order_id DESC"
            " LIMIT ?",
            (member_id, most),
        )
        return [Purchase(*row) for row in rows]

    def last(self, member_id: str, until: int) -> int | None:
        """When (ms) a member bought last, up to a moment (ms)."""
        row = self._execute(
            "SELECT max(at) FROM purchase WHERE member_id = ? AND state = 'paid' AND at <= ?", (member_id, until)
        ).fetchone()
        return row[0] if row else None

    def nth(self, one: Purchase) -> int:
        """Which purchase of its member an order is, counted from 1."""
        row = self._execute(
            "SELECT count(*) FROM purchase WHERE member_id = ? AND state = 'paid' AND (at, order_id) <= (?, ?)",
            (one.member_id, one.at, one.order_id),
        ).fetchone()
        return int(row[0])

    def unnoticed(self, most: int) -> list[Purchase]:
        """Orders of known members that nobody has looked at yet, in the order in which they were bought."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM purchase WHERE noticed = 0 AND member_id IS NOT NULL ORDER BY recorded_at, at,"
            " order_id LIMIT ?",
            (most,),
        )
        return [Purchase(*row) for row in rows]

    def notice(self, order_id: str) -> None:
        """This order was looked at."""
        self._execute("UPDATE purchase SET noticed = 1 WHERE order_id = ?", (order_id,))

    def reach(self, member_id: str, nth: int, order_id: str, at: int) -> bool:
        """Notes a milestone. False when the member reached it before."""
        cursor = self._execute(
            "INSERT INTO purchase_milestone VALUES (?,?,?,?) ON CONFLICT DO NOTHING", (member_id, nth, order_id, at)
        )
        return bool(cursor.rowcount)

    def unmapped(self, most: int) -> list[tuple[str, int]]:
        """(id of the shop, orders) of buyers whom nobody knows, most orders first."""
        return self._execute(
            "SELECT external_id, count(*) AS orders FROM purchase WHERE member_id IS NULL AND external_id IS NOT NULL"
            " GROUP BY external_id ORDER BY orders DESC, external_id LIMIT ?",
            (most,),
        ).fetchall()

    def buyers(self) -> list[str]:
        """Everybody who has an order."""
        return [row[0] for row in self._execute("SELECT DISTINCT member_id FROM purchase WHERE member_id IS NOT NULL")]

    def forget(self, member_id: str) -> int:
        """Removes everything by which orders point to a member; amounts stay for the books. Returns how many rows."""
        gone = self._execute("DELETE FROM purchase_milestone WHERE member_id = ?", (member_id,)).rowcount
        gone += self._execute("DELETE FROM buyer_alias WHERE member_id = ?", (member_id,)).rowcount
        self._execute("UPDATE buyer_alias SET staff_id = '' WHERE staff_id = ?", (member_id,))
        return (
            gone
            + self._execute(
                "UPDATE purchase SET member_id = NULL, external_id = NULL, items = '', noticed = 1"
                " WHERE member_id = ?1 OR external_id = ?1",
                (member_id,),
            ).rowcount
        )
