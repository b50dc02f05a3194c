"""Invitations counted with what was lost again, the score of those who bring others along, thanks and buyer shows."""

from dataclasses import dataclass

from storage.database import Database

_STAFFLESS = "AND s.inviter NOT IN (SELECT value FROM json_each(:ours))"
_HERE = "(:group IS NULL AND {0}.group_id IN (SELECT group_id FROM chat_group) OR {0}.group_id = :group)"


@dataclass(frozen=True, slots=True)
class InviterRow:
    """Who invited how many, how many of them left again, and how many never said a word."""

    member_id: str
    invited: int
    gone: int
    mute: int
    within_hour: int


@dataclass(frozen=True, slots=True)
class KocRow:
    """What somebody did for the group since a day: people brought who stayed, buyers among them, shows, days here."""

    member_id: str
    stayed: int
    buyers: int
    shows: int
    days: int
    score: int
    thanked_at: int | None


@dataclass(frozen=True, slots=True)
class Show:
    """A buyer show. `media` names a picture; empty when there are only words."""

    id: int
    member_id: str
    group_id: str | None
    at: int
    text: str
    media: str
    state: str


_SHOW = "id, member_id, group_id, at, text, media, state"


class Koc:
    """The tables `thanks`, `buyer_show` and `show_draft`, and what `membership` says of inviters."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._drafting: set[tuple[str, str]] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._drafting = None

    # -- invitations -----------------------------------------------------------------------------------------------

    def inviters(self, group_id: str, since: int, ours: str, most: int) -> list[InviterRow]:
        """Who invited people into a group since a moment (ms), most who stayed first. `ours`: JSON list of ids."""
        rows = self._execute(
            "SELECT s.inviter, count(*) AS invited, sum(s.left_at IS NOT NULL) AS gone, sum(NOT EXISTS (SELECT 1"
            " FROM member_day d WHERE d.group_id = s.group_id AND d.member_id = s.member_id)) AS mute,"
            " max((SELECT count(*) FROM membership o WHERE o.group_id = s.group_id AND o.inviter = s.inviter"
            " AND o.joined_at BETWEEN s.joined_at AND s.joined_at + 3600000)) AS within FROM membership s"
            f" WHERE s.group_id = :group AND s.inviter IS NOT NULL AND s.joined_at >= :since {_STAFFLESS}"
            " GROUP BY s.inviter ORDER BY invited - gone DESC, invited DESC, s.inviter LIMIT :most",
            {"group": group_id, "since": since, "ours": ours, "most": most},
        )
        return [InviterRow(*row) for row in rows]

    # -- score -----------------------------------------------------------------------------------------------------

    def roster(
        self, group_id: str | None, since: int, day: str, weights: tuple[int, int, int, int], ours: str, most: int
    ) -> list[KocRow]:
        """Who did most since a moment (ms, ISO day). `weights`: of a stayer, a buyer, a show, a day."""
        rows = self._execute(
            "WITH brought AS (SELECT s.inviter AS member_id, sum(s.left_at IS NULL) AS stayed,"
            " sum(EXISTS (SELECT 1 FROM purchase p WHERE p.member_id = s.member_id AND p.state = 'paid')) AS buyers"
            f" FROM membership s WHERE s.inviter IS NOT NULL AND s.joined_at >= :since AND {_HERE.format('s')}"
            " GROUP BY s.inviter), shown AS (SELECT b.member_id, count(*) AS shows FROM buyer_show b"
            " WHERE b.state = 'approved' AND b.judged_at >= :since AND (:group IS NULL OR b.group_id = :group)"
            " GROUP BY b.member_id), here AS (SELECT d.member_id, count(DISTINCT d.day) AS days FROM member_day d"
            f" WHERE d.day >= :day AND {_HERE.format('d')} GROUP BY d.member_id),"
            " everybody AS (SELECT member_id FROM brought UNION SELECT member_id FROM shown),"
            " scored AS (SELECT e.member_id, coalesce(b.stayed, 0) AS stayed, coalesce(b.buyers, 0) AS buyers,"
            " coalesce(s.shows, 0) AS shows, coalesce(h.days, 0) AS days FROM everybody e"
            " LEFT JOIN brought b ON b.member_id = e.member_id LEFT JOIN shown s ON s.member_id = e.member_id"
            " LEFT JOIN here h ON h.member_id = e.member_id"
            " WHERE e.member_id NOT IN (SELECT value FROM json_each(:ours)))"
            " SELECT member_id, stayed, buyers, shows, days, stayed * :w1 + buyers * :w2 + shows * :w3 + days * :w4"
            " AS score, (SELECT max(t.at) FROM thanks t WHERE t.member_id = scored.member_id) FROM scored"
            " WHERE stayed + buyers + shows > 0 ORDER BY score DESC, member_id LIMIT :most",
            {
                "group": group_id, "since": since, "day": day, "ours": ours, "most": most,
                **{f"w{number}": weight for number, weight in enumerate(weights, start=1)},
            },
        )  # fmt: skip
        return [KocRow(*row) for row in rows]

    def thank(self, member_id: str, group_id: str | None, staff_id: str, text: str, *, at: int, event_id: str) -> int:
        """Notes that somebody was thanked. Returns how often they were by now."""
        self._execute(
            "INSERT INTO thanks (event_id, member_id, group_id, staff_id, at, text) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (event_id, member_id, group_id, staff_id, at, text),
        )
        return int(self._execute("SELECT count(*) FROM thanks WHERE member_id = ?", (member_id,)).fetchone()[0])

    # -- shows -----------------------------------------------------------------------------------------------------

    def is_waiting(self, group_id: str | None, member_id: str | None) -> bool:
        """Whether a picture of this member in this place may belong to a show."""
        if self._drafting is None:
            self._drafting = set(self._execute("SELECT member_id, group_id FROM show_draft").fetchall())
        return bool(self._drafting) and (member_id or "", group_id or "") in self._drafting

    def wait_for_picture(self, member_id: str, group_id: str | None, until: int) -> None:
        """The next picture of this member is their show, until a moment (ms)."""
        self._execute(
            "INSERT INTO show_draft VALUES (?,?,?) ON CONFLICT DO UPDATE SET until = excluded.until",
            (member_id, group_id or "", until),
        )
        self._drafting = None

    def draft(self, member_id: str, group_id: str | None) -> int | None:
        """Takes the wish for a picture away. Returns until when (ms) it stood."""
        row = self._execute(
            "DELETE FROM show_draft WHERE member_id = ? AND group_id = ? RETURNING until", (member_id, group_id or "")
        ).fetchone()
        self._drafting = None
        return row[0] if row else None

    def submit(
        self, member_id: str, group_id: str | None, text: str, media: str, *, at: int, event_id: str
    ) -> int | None:
        """Puts a show into the queue. Returns its number, or None when this event brought one before."""
        cursor = self._execute(
            "INSERT INTO buyer_show (event_id, member_id, group_id, at, text, media) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (event_id, member_id, group_id, at, text, media),
        )
        return cursor.lastrowid if cursor.rowcount else None

    def submitted_since(self, member_id: str, since: int) -> int:
        """How many shows a member handed in since a moment (ms)."""
        row = self._execute("SELECT count(*) FROM buyer_show WHERE member_id = ? AND at >= ?", (member_id, since))
        return int(row.fetchone()[0])

    def queue(self, most: int) -> list[Show]:
        """Shows that nobody has judged, oldest first."""
        rows = self._execute(f"SELECT {_SHOW} FROM buyer_show WHERE state = 'waiting' ORDER BY id LIMIT ?", (most,))
        return [Show(*row) for row in rows]

    def judge(self, number: int, state: str, *, by: str, at: int, why: str) -> Show | None:
        """Approves or declines a show that waits. None when there is no such show."""
        row = self._execute(
            "UPDATE buyer_show SET state = ?, judge_id = ?, judged_at = ?, why = ? WHERE id = ? AND state = 'waiting'"
            f" RETURNING {_SHOW}",
            (state, by, at, why, number),
        ).fetchone()
        return Show(*row) if row else None

    def approved(self, group_id: str | None, since: int, most: int) -> list[Show]:
        """Shows that were approved since a moment (ms), oldest first."""
        rows = self._execute(
            f"SELECT {_SHOW} FROM buyer_show WHERE state = 'approved' AND judged_at >= ?1"
            " AND (?2 IS NULL OR group_id = ?2) ORDER BY judged_at, id LIMIT ?3",
            (since, group_id, most),
        )
        return [Show(*row) for row in rows]

    def forget(self, member_id: str) -> int:
        """Removes everything this family knows of a member, whom they invited included. Returns how many rows."""
        self._drafting = None
        gone = sum(
            self._execute(f"DELETE FROM {table} WHERE member_id = ?", (member_id,)).rowcount
            for table in ("thanks", "buyer_show", "show_draft")
        )
        self._execute("UPDATE thanks SET staff_id = '' WHERE staff_id = ?", (member_id,))
        self._execute("UPDATE buyer_show SET judge_id = '' WHERE judge_id = ?", (member_id,))
        return gone + self._execute("UPDATE membership SET inviter = NULL WHERE inviter = ?", (member_id,)).rowcount
