"""What the freeloader gates need to know, and whom they noticed."""

from dataclasses import dataclass

from storage.database import Database
from storage.ledger import account

LEFT_EARLY = "被邀请的人退群"
"""The cause of an invitation that was taken back."""


@dataclass(frozen=True, slots=True)
class GateNote:
    """Somebody whom the gates stopped, or would have (`shadow`)."""

    id: int
    member_id: str
    group_id: str
    item: str
    title: str
    times: int
    shadow: int
    why: str
    appeal: str


class Gates:
    """The table `gate_note`, and facts from the other tables."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def since(self, group_id: str | None, member_id: str) -> int | None:
        """Since when (ms) a member is known, in a group or at all."""
        row = self._execute(
            "SELECT coalesce((SELECT joined_at FROM membership WHERE group_id = ?1 AND member_id = ?2),"
            " (SELECT first_seen FROM member WHERE member_id = ?2))",
            (group_id, member_id),
        ).fetchone()
        return row[0] if row else None

    def said(self, group_id: str | None, member_id: str, day: str) -> int:
        """Real lines of a member since a day (ISO), in a group or in all."""
        where = "group_id = ?3 AND " if group_id is not None else "group_id IN (SELECT group_id FROM chat_group) AND "
        row = self._execute(
            f"SELECT coalesce(sum(said), 0) FROM talk_day WHERE {where} member_id = ?1 AND day >= ?2",
            (member_id, day, group_id) if group_id is not None else (member_id, day),
        ).fetchone()
        return int(row[0])

    def wins(self, member_id: str, since: int) -> int:
        """How many things a member got since a moment (ms): redeemed or won."""
        row = self._execute(
            "SELECT (SELECT count(*) FROM redemption WHERE member_id = ? AND state <> 'refunded' AND at >= ?)"
            " + (SELECT count(*) FROM prize WHERE member_id = ? AND won_at >= ? AND state <> 'taken_back')",
            (member_id, since, member_id, since),
        ).fetchone()
        return int(row[0])

    def leavers(self, member_id: str) -> int:
        """How many invitations of a member were taken back because the invitee left early."""
        row = self._execute(
            "SELECT count(*) FROM entry e JOIN movement m ON m.id = e.movement_id WHERE e.account = ? AND e.amount > 0"
            " AND m.key >= 'invite/' AND m.key < 'invite0' AND EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id"
            " AND r.cause = ?)",
            (account(member_id), LEFT_EARLY),
        ).fetchone()
        return int(row[0])

    def cluster(self, group_id: str, member_id: str, item: str, since: int) -> int:
        """How many others of the same inviter took an item since a moment (ms)."""
        row = self._execute(
            "SELECT count(DISTINCT r.member_id) FROM membership me JOIN membership o ON o.group_id = me.group_id"
            " AND o.inviter = me.inviter AND o.member_id <> me.member_id JOIN redemption r"
            " ON r.item = ? AND r.member_id = o.member_id AND r.state <> 'refunded' AND r.at >= ?"
            " WHERE me.group_id = ? AND me.member_id = ?",
            (item, since, group_id, member_id),
        ).fetchone()
        return int(row[0])

    def note_gate(
        self, member_id: str, group_id: str, item: str, title: str, *, at: int, shadow: bool, why: str
    ) -> None:
        """Remembers whom the gates stopped, or would have; the same member and item again counts up."""
        self._execute(
            "INSERT INTO gate_note (member_id, group_id, item, title, at, shadow, why) VALUES (?,?,?,?,?,?,?)"
            " ON CONFLICT (member_id, group_id, item) DO UPDATE SET times = times + 1, at = excluded.at,"
            " why = excluded.why, shadow = excluded.shadow",
            (member_id, group_id, item, title, at, int(shadow), why),
        )

    def gate_note(self, *, number: int = 0, member_id: str = "", group_id: str = "", item: str = "") -> GateNote | None:
        """A note by its number, else by its member, group and item."""
        where = "id = ?" if number else "member_id = ? AND group_id = ? AND item = ?"
        values = (number,) if number else (member_id, group_id, item)
        return next(iter(self._notes(where, *values)), None)

    def last_stop(self, member_id: str, group_id: str | None) -> GateNote | None:
        """The newest refusal of a member that has not been appealed."""
        if group_id is None:
            found = self._notes("member_id = ? AND shadow = 0 AND appeal = 'none' ORDER BY at DESC LIMIT 1", member_id)
        else:
            found = self._notes(
                "member_id = ? AND group_id = ? AND shadow = 0 AND appeal = 'none' ORDER BY at DESC LIMIT 1",
                member_id, group_id,
            )  # fmt: skip
        return found[0] if found else None

    def gate_notes(self, group_id: str | None, since: int, most: int) -> list[GateNote]:
        """Whom the gates noticed since a moment (ms): open appeals first, then the newest."""
        end = "at >= ? ORDER BY appeal <> 'open', at DESC, id DESC LIMIT ?"
        if group_id is None:
            return self._notes(end, since, most)
        return self._notes(f"group_id = ? AND {end}", group_id, since, most)

    def count_notes(self, group_id: str | None, since: int) -> int:
        """How many members the gates noticed since a moment (ms)."""
        where = "" if group_id is None else " AND group_id = ?"
        values: tuple[object, ...] = (since,) if group_id is None else (since, group_id)
        row = self._execute(f"SELECT count(DISTINCT member_id) FROM gate_note WHERE at >= ?{where}", values).fetchone()
        return int(row[0])

    def _notes(self, where: str, *values: object) -> list[GateNote]:
        rows = self._execute(
            f"SELECT id, member_id, group_id, item, title, times, shadow, why, appeal FROM gate_note WHERE {where}",
            values,
        )
        return [GateNote(*row) for row in rows]

    def appeal(self, number: int, state: str, *, was: str) -> bool:
        """Moves an appeal on: none, open, granted or denied. False when it stood otherwise."""
        return bool(
            self._execute("UPDATE gate_note SET appeal = ? WHERE id = ? AND appeal = ?", (state, number, was)).rowcount
        )
