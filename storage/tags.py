"""Tags of members: which hold, since when, and the dated evidence for each."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from storage.database import Database

FOREVER = 1 << 62
"""`expires_at` of what never expires."""
KEPT = 20
"""Pieces of evidence kept for one tag of one member, the newest."""
ASKED_AT_ONCE = 300
"""Members whom one question names: many questions cost time, a long one memory."""


class HeardRow(NamedTuple):
    """An interaction as rules read it. `at` in ms; `details` is JSON."""

    seq: int
    id: str
    kind: str
    at: int
    group_id: str | None
    member_id: str | None
    text: str | None
    details: str | None
    route: str | None


class Evidence(NamedTuple):
    """One dated reason for a tag. `mark` tells it from others of the same tag; `source` says what `ref` names."""

    mark: str
    at: int
    source: str
    ref: str


class TagRow(NamedTuple):
    """A tag of a member. `strength` 1 to 5, 0 while there is too little evidence; `expires_at` (ms) is exclusive."""

    member_id: str
    tag: str
    origin: str
    rule: str
    version: str
    hits: int
    strength: int
    first_at: int
    last_at: int
    expires_at: int
    arena: str | None
    priority: int
    note: str | None


_COLUMNS = (
    "t.member_id, t.tag, t.origin, t.rule, t.version, t.hits, t.strength, t.first_at, t.last_at, t.expires_at, t.arena,"
    " t.priority, t.note"
)


def _stands(row: str) -> str:
    """SQL: this row of `member_tag` is not expired, not a denial and not denied."""
    return (
        f"{row}.expires_at > :now AND {row}.origin <> 'denied' AND ({row}.origin = 'manual' OR NOT EXISTS (SELECT 1"
        f" FROM member_tag d{row} WHERE d{row}.member_id = {row}.member_id AND d{row}.tag = {row}.tag"
        f" AND d{row}.origin = 'denied'))"
    )


HOLDS = (
    f"{_stands('t')} AND (t.arena IS NULL OR NOT EXISTS (SELECT 1 FROM member_tag o WHERE o.member_id = t.member_id"
    f" AND o.arena = t.arena AND o.tag <> t.tag AND {_stands('o')} AND (o.priority, o.tag) > (t.priority, t.tag)))"
)
"""SQL over `member_tag t` with :now (ms): the tag holds; of tags that exclude each other only the strongest claim."""


class Tags:
    """The tables `member_tag`, `tag_evidence`, `tag_rule` and `member_remark`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self._executemany = db.executemany

    # -- reading on ------------------------------------------------------------------------------------------------

    def cursors(self) -> dict[str, tuple[str, int]]:
        """rule -> (version, sequence number up to which it has read)."""
        return {row[0]: (row[1], row[2]) for row in self._execute("SELECT rule, version, seq FROM tag_rule")}

    def read_up_to(self, rules: Iterable[tuple[str, str]], seq: int) -> None:
        """These (rule, version) have read everything up to `seq`."""
        self._executemany(
            "INSERT INTO tag_rule VALUES (?,?,?) ON CONFLICT DO UPDATE SET version = excluded.version,"
            " seq = excluded.seq",
            [(rule, version, seq) for rule, version in rules],
        )

    def forget_rule(self, rule: str) -> None:
        """A rule that is gone reads no more."""
        self._execute("DELETE FROM tag_rule WHERE rule = ?", (rule,))

    def drop_of_rule(self, rule: str, most: int) -> int:
        """Takes back what a rule gave, at most so many tags at a time. Returns how many."""
        return self._execute(
            "DELETE FROM member_tag WHERE origin = 'rule' AND (member_id, tag) IN (SELECT member_id, tag"
            " FROM member_tag WHERE origin = 'rule' AND rule = ? LIMIT ?)",
            (rule, most),
        ).rowcount

    def start_over(self) -> None:
        """Forgets what rules gave: every rule reads everything anew."""
        self._execute("DELETE FROM member_tag WHERE origin = 'rule'")
        self._execute("UPDATE tag_rule SET seq = 0 WHERE rule <> ':stages'")

    def count(self) -> tuple[int, int]:
        """(tags that were ever earned, members who have any)."""
        row = self._execute(
            "SELECT count(*), count(DISTINCT member_id) FROM member_tag WHERE expires_at > 0 AND origin <> 'denied'"
        ).fetchone()
        return row[0], row[1]

    def newest_event(self) -> int:
        """The sequence number of the newest event."""
        return int(self._execute("SELECT coalesce(max(seq), 0) FROM interaction").fetchone()[0])

    def next_event(self, seq: int) -> int | None:
        """When (ms) the first event after `seq` happened."""
        row = self._execute("SELECT at FROM interaction WHERE seq > ? ORDER BY seq LIMIT 1", (seq,)).fetchone()
        return row[0] if row else None

    def has_news(self) -> bool:
        """Whether people did anything that some rule has not read."""
        return (
            self._execute(
                "SELECT 1 FROM interaction WHERE seq > (SELECT coalesce(min(seq), 0) FROM tag_rule)"
                " AND kind IN ('message', 'joined', 'left', 'contact_added') LIMIT 1"
            ).fetchone()
            is not None
        )

    def heard(self, after: int, until: int) -> Iterator[HeardRow]:
        """What people did among the events after `after` up to `until`, in order."""
        rows = self._execute(
            "SELECT seq, id, kind, at, group_id, member_id, text, details, route FROM interaction WHERE seq > ?"
            " AND seq <= ? AND kind IN ('message', 'joined', 'left', 'contact_added') ORDER BY seq",
            (after, until),
        )
        return map(HeardRow._make, rows)

    # -- giving and taking -----------------------------------------------------------------------------------------

    def evidence(self, member_id: str, tag: str, origin: str) -> list[Evidence]:
        """The evidence for a tag, newest first."""
        rows = self._execute(
            "SELECT mark, at, source, ref FROM tag_evidence WHERE member_id = ? AND tag = ? AND origin = ?"
            " ORDER BY at DESC, mark DESC",
            (member_id, tag, origin),
        )
        return [Evidence(*row) for row in rows]

    def evidence_of(self, members: Sequence[str], origin: str) -> dict[tuple[str, str], list[Evidence]]:
        """(member, tag) -> evidence of one origin, for every tag of some members."""
        found: dict[tuple[str, str], list[Evidence]] = {}
        for start in range(0, len(members), ASKED_AT_ONCE):
            some = members[start : start + ASKED_AT_ONCE]
            for member, tag, *rest in self._execute(
                "SELECT member_id, tag, mark, at, source, ref FROM tag_evidence WHERE origin = ?"
                f" AND member_id IN ({','.join('?' * len(some))})",
                (origin, *some),
            ):
                found.setdefault((member, tag), []).append(Evidence(*rest))
        return found

    def give(self, row: TagRow, fresh: Sequence[Evidence], gone: Sequence[str] | None = ()) -> None:
        """Writes a tag with new evidence; `hits` are added, `gone` are marks that newer evidence pushed out, None when
        it pushed out all of them."""
        self.give_all([(row, fresh, gone)])

    def give_all(self, given: Sequence[tuple[TagRow, Sequence[Evidence], Sequence[str] | None]]) -> None:
        """Writes many tags as `give` writes one."""
        self._executemany(
            "DELETE FROM tag_evidence WHERE member_id = ? AND tag = ? AND origin = ?",
            ((row.member_id, row.tag, row.origin) for row, _, gone in given if gone is None),
        )
        self._executemany(
            "DELETE FROM tag_evidence WHERE member_id = ? AND tag = ? AND origin = ? AND mark = ?",
            ((row.member_id, row.tag, row.origin, mark) for row, _, gone in given for mark in gone or ()),
        )
        self._executemany(
            "INSERT INTO member_tag VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET rule = excluded.rule,"
            " version = excluded.version, hits = hits + excluded.hits, strength = excluded.strength,"
            " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
            " expires_at = excluded.expires_at, arena = excluded.arena, priority = max(priority, excluded.priority),"
            " note = excluded.note",
            (row for row, _, _ in given),
        )
        self._executemany(
            "INSERT INTO tag_evidence VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET at = excluded.at,"
            " source = excluded.source, ref = excluded.ref",
            (
                (row.member_id, row.tag, row.origin, one.mark, one.at, one.source, one.ref)
                for row, fresh, _ in given for one in fresh
            ),
        )  # fmt: skip

    def take(self, member_id: str, tag: str, origin: str) -> bool:
        """Takes a tag of one origin away, with its evidence. False when there was none."""
        cursor = self._execute(
            "DELETE FROM member_tag WHERE member_id = ? AND tag = ? AND origin = ?", (member_id, tag, origin)
        )
        return bool(cursor.rowcount)

    def take_of_rule(self, member_id: str, origin: str, prefix: str) -> None:
        """Takes a member's tags of one origin away whose rule begins so."""
        self._execute(
            "DELETE FROM member_tag WHERE member_id = ? AND origin = ? AND substr(rule, 1, ?) = ?",
            (member_id, origin, len(prefix), prefix),
        )

    def take_all(self, member_id: str, origin: str) -> None:
        """Takes every tag of one origin away from a member."""
        self._execute("DELETE FROM member_tag WHERE member_id = ? AND origin = ?", (member_id, origin))

    # -- looking ---------------------------------------------------------------------------------------------------

    def held(self, member_id: str, now: int) -> list[TagRow]:
        """The tags that a member has at a moment (ms), strongest first; one row a tag, by the highest origin."""
        rows = self._execute(
            f"SELECT {_COLUMNS} FROM member_tag t WHERE t.member_id = :member AND {HOLDS}"
            " ORDER BY t.priority DESC, t.tag",
            {"member": member_id, "now": now},
        )
        found: dict[str, TagRow] = {}
        for row in rows:
            found.setdefault(row[1], TagRow(*row))
        return sorted(found.values(), key=lambda one: (-one.strength, -one.last_at, one.tag))

    def rows(self, member_id: str, tag: str) -> list[TagRow]:
        """Everything known of a tag of a member, held or not, the highest claim first."""
        return [
            TagRow(*row)
            for row in self._execute(
                f"SELECT {_COLUMNS} FROM member_tag t WHERE t.member_id = ? AND t.tag = ? ORDER BY t.priority DESC",
                (member_id, tag),
            )
        ]

    def names(self, most: int = 500) -> list[str]:
        """Every tag that anybody has or had."""
        return [row[0] for row in self._execute("SELECT DISTINCT tag FROM member_tag ORDER BY tag LIMIT ?", (most,))]

    def known(self, member_id: str) -> list[str]:
        """Every tag of which anything is known for a member, held or not."""
        rows = self._execute("SELECT DISTINCT tag FROM member_tag WHERE member_id = ? ORDER BY tag", (member_id,))
        return [row[0] for row in rows]

    def said(self, event_id: str) -> str | None:
        """What was said in an event, while it is remembered."""
        row = self._execute("SELECT text FROM interaction WHERE id = ?", (event_id,)).fetchone()
        return row[0] if row else None

    # -- remarks ---------------------------------------------------------------------------------------------------

    def remark(self, member_id: str) -> tuple[str, str, str] | None:
        """(what to call them, age band, need) as staff noted it."""
        row = self._execute("SELECT called, age, need FROM member_remark WHERE member_id = ?", (member_id,)).fetchone()
        return tuple(row) if row else None

    def note(self, member_id: str, called: str, age: str, need: str, *, at: int, staff_id: str) -> None:
        """Notes the remark of a member in place of the old one."""
        self._execute(
            "INSERT INTO member_remark VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET called = excluded.called,"
            " age = excluded.age, need = excluded.need, at = excluded.at, staff_id = excluded.staff_id",
            (member_id, called, age, need, at, staff_id),
        )

    def forget(self, member_id: str) -> int:
        """Removes everything this family knows of a member. Returns how many rows."""
        gone = sum(
            self._execute(f"DELETE FROM {table} WHERE member_id = ?", (member_id,)).rowcount
            for table in ("tag_evidence", "member_tag", "member_remark")
        )
        self._execute("UPDATE member_remark SET staff_id = '' WHERE staff_id = ?", (member_id,))
        return gone
