"""What a week of a group came to, in numbers, and which weeks staff were told of."""

from storage.database import Database

TAIL = 50_000
"""Newest events among which talk that was not yet counted by day is looked for."""


class Digests:
    """The table `digest_sent`, and counts over the tables of others."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def _number(self, sql: str, *values: object) -> int:
        return int(self._execute(sql, values).fetchone()[0] or 0)

    def last_week(self, group_id: str) -> str:
        """The newest week (its Monday) that is settled for a group; empty when none is."""
        row = self._execute("SELECT max(week) FROM digest_sent WHERE group_id = ?", (group_id,)).fetchone()
        return row[0] or ""

    def settle(self, group_id: str, week: str, at: int, event_id: str) -> bool:
        """The digest of a group's week is said in this transaction, or need not be. False when it was settled."""
        return bool(
            self._execute(
                "INSERT INTO digest_sent VALUES (?,?,?,?) ON CONFLICT DO NOTHING", (group_id, week, at, event_id)
            ).rowcount
        )

    def check_ins(self, group_id: str, first: str, last: str) -> tuple[int, int]:
        """(times, people) checked in between two business days, both included."""
        row = self._execute(
            "SELECT count(*), count(DISTINCT member_id) FROM check_in WHERE group_id = ? AND day BETWEEN ? AND ?",
            (group_id, first, last),
        ).fetchone()
        return int(row[0]), int(row[1])

    def active(self, group_id: str, first: str, last: str, *, since: int, until: int, counted: int) -> int:
        """People who said anything or checked in: days as above, and events after the sequence number `counted` in ms.

        `talk_day` has only talk that counts for points, `member_day` everybody, an hour later.
        """
        return self._number(
            "SELECT count(*) FROM (SELECT member_id FROM talk_day WHERE group_id = ?1 AND day BETWEEN ?2 AND ?3"
            " UNION SELECT member_id FROM member_day WHERE group_id = ?1 AND day BETWEEN ?2 AND ?3"
            " UNION SELECT member_id FROM check_in WHERE group_id = ?1 AND day BETWEEN ?2 AND ?3"
            " UNION SELECT member_id FROM interaction WHERE seq > max(?4, (SELECT max(seq) FROM interaction) - ?5)"
            " AND kind = 'message' AND group_id = ?1 AND member_id IS NOT NULL AND at >= ?6 AND at < ?7) AS people",
            group_id, first, last, counted, TAIL, since, until,
        )  # fmt: skip

    def moves(self, group_id: str, since: int, until: int) -> tuple[int, int]:
        """(joined, left) between two moments (ms)."""
        row = self._execute(
            "SELECT coalesce(sum(joined_at >= ?2 AND joined_at < ?3 AND (left_at IS NULL OR left_at > joined_at)), 0),"
            " coalesce(sum(left_at >= ?2 AND left_at < ?3), 0) FROM membership WHERE group_id = ?1",
            (group_id, since, until),
        ).fetchone()
        return int(row[0]), int(row[1])

    def games(self, group_id: str, since: int, until: int) -> list[tuple[str, int]]:
        """(game, sessions) opened between two moments (ms), most first."""
        return self._execute(
            "SELECT game, count(*) AS times FROM game_session WHERE group_id = ? AND opened_at >= ? AND opened_at < ?"
            " GROUP BY game ORDER BY times DESC, game LIMIT 6",
            (group_id, since, until),
        ).fetchall()

    def draws(self, group_id: str, since: int, until: int) -> tuple[int, int]:
        """(opened, drawn) between two moments (ms)."""
        row = self._execute(
            "SELECT coalesce(sum(d.opens_at >= ?2 AND d.opens_at < ?3), 0),"
            " coalesce(sum(d.state = 'drawn' AND d.ended_at >= ?2 AND d.ended_at < ?3), 0)"
            " FROM draw_group g JOIN draw d ON d.id = g.draw_id WHERE g.group_id = ?1",
            (group_id, since, until),
        ).fetchone()
        return int(row[0]), int(row[1])

    def posts(self, group_id: str, first: str, last: str, since: int, until: int) -> tuple[int, int, int]:
        """Unasked lines of a group: (sent, held back, missed)."""
        sent = self._number(
            "SELECT count(*) FROM exposure WHERE group_id = ? AND day BETWEEN ? AND ?", group_id, first, last
        )
        held = self._number(
            "SELECT count(*) FROM exposure WHERE verdict IN ('merged', 'held', 'expired', 'never')"
            " AND judged_at >= ? AND judged_at < ? AND group_id = ?",
            since, until, group_id,
        )  # fmt: skip
        missed = self._number(
            "SELECT count(*) FROM missed WHERE group_id = ? AND due >= ? AND due < ?", group_id, since, until
        )
        return sent, held, missed

    def tasks(self, group_id: str) -> tuple[int, str]:
        """(open tasks of a group or of the whole shop, the most urgent of them)."""
        count = self._number(
            "SELECT count(*) FROM task WHERE state = 'open' AND (group_id = ? OR group_id IS NULL)", group_id
        )
        row = self._execute(
            "SELECT what FROM task WHERE state = 'open' AND (group_id = ? OR group_id IS NULL) ORDER BY due, id"
            " LIMIT 1",
            (group_id,),
        ).fetchone()
        return count, (row[0] if row else "")

    def owed(self, group_id: str) -> tuple[int, int]:
        """(prizes, goods of the shop) that staff still have to hand over."""
        prizes = self._number("SELECT count(*) FROM prize WHERE state = 'owed' AND group_id = ?", group_id)
        goods = self._number(
            "SELECT count(*) FROM redemption WHERE state IN ('reserved', 'issued') AND kind = 'goods'"
            " AND address IS NOT NULL AND group_id = ?",
            group_id,
        )
        return prizes, goods

    def questions(self, group_id: str) -> int:
        """Questions of a group that nobody has answered yet."""
        return self._number("SELECT count(*) FROM open_question WHERE group_id = ?", group_id)
