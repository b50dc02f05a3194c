"""Groups, the people in them, and who is waiting for a welcome."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from storage.database import Database

REMEMBERED = 20_000
"""Names kept in memory; others are read again when needed."""


class Members:
    """The tables `chat_group`, `member`, `membership` and `presence`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._names: OrderedDict[str, str] = OrderedDict()
        self._groups: OrderedDict[str, str] = OrderedDict()
        self._heard: OrderedDict[tuple[str, str], None] = OrderedDict()

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._names.clear()
        self._groups.clear()
        self._heard.clear()

    def see_group(self, group_id: str, channel: str, at: int) -> bool:
        """Notes that a group exists and which channel it is heard on. True when it is new."""
        if self._groups.get(group_id) == channel:
            return False
        known = self._execute("SELECT channel FROM chat_group WHERE group_id = ?", (group_id,)).fetchone()
        if known is None:
            self._execute(
                "INSERT INTO chat_group (group_id, channel, first_seen) VALUES (?,?,?)", (group_id, channel, at)
            )
        elif known[0] != channel:
            self._execute("UPDATE chat_group SET channel = ? WHERE group_id = ?", (channel, group_id))
        _remember(self._groups, group_id, channel)
        return known is None

    def see_member(self, member_id: str, name: str, channel: str, at: int) -> None:
        """Notes a member and the name they go by now."""
        if self._names.get(member_id) == name and name:
            return
        self._execute(
            "INSERT INTO member (member_id, name, channel, first_seen) VALUES (?,?,?,?) ON CONFLICT (member_id)"
            " DO UPDATE SET name = excluded.name WHERE excluded.name <> '' AND name <> excluded.name",
            (member_id, name, channel, at),
        )
        if name:
            _remember(self._names, member_id, name)

    def see_in(self, member_id: str, group_id: str, at: int) -> None:
        """Notes that a member was heard in a group."""
        if (member_id, group_id) in self._heard:
            return
        self._execute("INSERT INTO presence VALUES (?,?,?) ON CONFLICT DO NOTHING", (member_id, group_id, at))
        self._heard[member_id, group_id] = None
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)

    def name(self, member_id: str) -> str:
        """The name a member goes by, or their id."""
        name = self._names.get(member_id)
        if name is None:
            row = self._execute("SELECT name FROM member WHERE member_id = ?", (member_id,)).fetchone()
            name = row[0] if row and row[0] else member_id
            _remember(self._names, member_id, name)
        return name

    def find(self, text: str, group_id: str | None) -> list[str]:
        """Ids of members whose id or exact name is `text`; in a group, of those who were ever seen there: who joined,
        checked in, or just said something."""
        if group_id is None:
            rows = self._execute("SELECT member_id FROM member WHERE member_id = ?1 OR name = ?1 LIMIT 3", (text,))
        else:
            seen = " OR ".join(
                f"EXISTS (SELECT 1 FROM {table} s WHERE s.member_id = m.member_id AND s.group_id = ?2)"
                for table in ("membership", "check_in", "presence")
            )
            rows = self._execute(
                f"SELECT member_id FROM member m WHERE (member_id = ?1 OR name = ?1) AND ({seen}) LIMIT 3",
                (text, group_id),
            )
        return [row[0] for row in rows]

    def become_contact(self, member_id: str, at: int, source: str) -> bool:
        """Notes a 1:1 contact. True the first time."""
        cursor = self._execute(
            "UPDATE member SET contact_since = ?, source = ? WHERE member_id = ? AND contact_since IS NULL",
            (at, source or None, member_id),
        )
        return bool(cursor.rowcount)

    def is_contact(self, member_id: str) -> bool:
        """Whether the member may be written to in 1:1."""
        sql = "SELECT 1 FROM member WHERE member_id = ? AND contact_since IS NOT NULL"
        return self._execute(sql, (member_id,)).fetchone() is not None

    def known_since(self, member_id: str) -> int | None:
        """Since when (ms) a member is a contact, else since when they are known at all."""
        row = self._execute(
            "SELECT coalesce(contact_since, first_seen) FROM member WHERE member_id = ?", (member_id,)
        ).fetchone()
        return row[0] if row else None

    def join(self, group_id: str, member_id: str, at: int, *, inviter: str, source: str) -> tuple[int | None, bool]:
        """Notes that somebody is in a group. Returns when they were last greeted there (ms) and whether they are new
        to it or had left (False: we knew they were in)."""
        row = self._execute(
            "SELECT greeted_at, left_at, joined_at FROM membership WHERE group_id = ? AND member_id = ?",
            (group_id, member_id),
        ).fetchone()
        if row is None:
            self._execute(
                "INSERT INTO membership (group_id, member_id, joined_at, inviter, source) VALUES (?,?,?,?,?)",
                (group_id, member_id, at, inviter or None, source or None),
            )
            return None, True
        if row[1] is None:
            return row[0], False
        if at < row[1]:
            # Reports arrived out of order: they joined, and had left again by the time we knew of the leaving.
            return row[0], False
        self._execute(
            "UPDATE membership SET joined_at = ?, left_at = NULL, inviter = ?, source = ?"
            " WHERE group_id = ? AND member_id = ?",
            (at, inviter or None, source or None, group_id, member_id),
        )
        return row[0], True

    def leave(self, group_id: str, member_id: str, at: int) -> None:
        """Notes that somebody left; they no longer wait for a welcome."""
        self._execute(
            "INSERT INTO membership (group_id, member_id, joined_at, left_at) VALUES (?1,?2,?3,?3) ON CONFLICT"
            " DO UPDATE SET left_at = ?3, waiting = 0 WHERE joined_at <= ?3",
            (group_id, member_id, at),
        )

    def gone_since(self, member_id: str) -> int | None:
        """Since when (ms) a member is in no group any more; None for one who still is, or never was in any."""
        left, here = self._execute(
            "SELECT max(s.left_at), max(CASE WHEN s.member_id IS NULL THEN p.member_id IS NOT NULL"
            " ELSE s.left_at IS NULL END) FROM chat_group c"
            " LEFT JOIN membership s ON s.group_id = c.group_id AND s.member_id = ?1"
            " LEFT JOIN presence p ON p.group_id = c.group_id AND p.member_id = ?1",
            (member_id,),
        ).fetchone()
        return None if here else left

    def await_welcome(self, group_id: str, member_ids: Iterable[str]) -> None:
        """These members are greeted with the next welcome, after those who wait already."""
        last = self._execute(
            "SELECT max(waiting) FROM membership WHERE group_id = ? AND waiting > 0", (group_id,)
        ).fetchone()[0]
        for place, member_id in enumerate(member_ids, start=(last or 0) + 1):
            self._execute(
                "UPDATE membership SET waiting = ? WHERE group_id = ? AND member_id = ?", (place, group_id, member_id)
            )

    def waiting(self, group_id: str) -> list[tuple[str, str | None]]:
        """(member id, source) of those who wait for a welcome, in the order they came."""
        return [
            (row[0], row[1])
            for row in self._execute(
                "SELECT member_id, source FROM membership WHERE group_id = ? AND waiting > 0 ORDER BY waiting",
                (group_id,),
            )
        ]

    def greeted(self, group_id: str, at: int) -> None:
        """Everybody who waited has been greeted."""
        self._execute(
            "UPDATE membership SET waiting = 0, greeted_at = ? WHERE group_id = ? AND waiting > 0", (at, group_id)
        )
        self._execute("UPDATE chat_group SET last_welcome = ? WHERE group_id = ?", (at, group_id))

    def stop_waiting(self, group_id: str) -> None:
        """Whoever waited for a welcome is not greeted any more."""
        self._execute("UPDATE membership SET waiting = 0 WHERE group_id = ? AND waiting > 0", (group_id,))

    def last_welcome(self, group_id: str) -> int | None:
        """When this group last saw a welcome (ms)."""
        row = self._execute("SELECT last_welcome FROM chat_group WHERE group_id = ?", (group_id,)).fetchone()
        return row[0] if row else None

    def channel_of_group(self, group_id: str) -> str | None:
        """The channel a group was last heard on."""
        row = self._execute("SELECT channel FROM chat_group WHERE group_id = ?", (group_id,)).fetchone()
        return row[0] if row else None

    def channel_of_member(self, member_id: str) -> str | None:
        """The channel a member was first seen on."""
        row = self._execute("SELECT channel FROM member WHERE member_id = ?", (member_id,)).fetchone()
        return row[0] if row else None

    def rename_group(self, group_id: str, title: str) -> None:
        """Notes the name that a group has on the platform."""
        self._execute("UPDATE chat_group SET title = ? WHERE group_id = ?", (title[:100], group_id))

    def title(self, group_id: str) -> str:
        """The name that a group has on the platform, or its id."""
        row = self._execute("SELECT title FROM chat_group WHERE group_id = ?", (group_id,)).fetchone()
        return row[0] if row and row[0] else group_id

    def groups(self) -> list[str]:
        """Every group ever seen."""
        return [row[0] for row in self._execute("SELECT group_id FROM chat_group ORDER BY group_id")]

    def newcomers(self, group_id: str, since: int, most: int) -> Sequence[tuple[str, int]]:
        """(member id, joined ms) of those who joined since, newest first."""
        return self._execute(
            "SELECT member_id, joined_at FROM membership WHERE group_id = ? AND joined_at >= ? AND left_at IS NULL"
            " ORDER BY joined_at DESC, member_id LIMIT ?",
            (group_id, since, most),
        ).fetchall()


def _remember(cache: "OrderedDict[str, str]", key: str, value: str) -> None:
    cache[key] = value
    if len(cache) > REMEMBERED:
        cache.popitem(last=False)
