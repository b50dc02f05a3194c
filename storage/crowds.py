"""Segments as questions to the tables: conditions that indexes answer, never a walk over everything that was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage.database import Database
from storage.tags import HOLDS

OPERATORS = {">=": ">=", "<=": "<=", ">": ">", "<": "<", "=": "=", "!=": "<>"}
GROUP = "(:group IS NULL AND {0}.group_id IN (SELECT group_id FROM chat_group) OR {0}.group_id = :group)"
_STANDS = "NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = v.id)"


@dataclass(frozen=True, slots=True)
class Has:
    """A field has a value: tag, stage, buying, group, source."""

    what: str
    value: str


@dataclass(frozen=True, slots=True)
class Compare:
    """A number compares to another: points, tenure, orders, spent, or with `days` what happened in the last days."""

    what: str
    operator: str
    number: int
    days: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    one: "Node"


@dataclass(frozen=True, slots=True)
class Both:
    """All of them."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of them."""

    parts: "tuple[Node, ...]"


Node = Has | Compare | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Level:
    """What a title asks: so many points earned, in so many days (0: ever)."""

    at: int
    days: int


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a question is asked. `now` in ms; `today` maps days back to an ISO date; `titles` in order."""

    group: str | None
    now: int
    since_day: Mapping[int, str]
    titles: Mapping[str, tuple[Level, Level | None]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    """Name -> id of groups that have a name."""
    ours: Sequence[str] = ()


_STAGE = (
    "(SELECT n.stage FROM stage_now n WHERE n.member_id = m.member_id AND n.family = 'talk' AND n.group_id <> ''"
    " AND (:group IS NULL OR n.group_id = :group) ORDER BY CASE n.stage WHEN 'active' THEN 0 WHEN 'new' THEN 1"
    " WHEN 'silent' THEN 2 WHEN 'sleeping' THEN 3 ELSE 4 END LIMIT 1)"
)
"""The most awake stage of a member, in the group or in all."""
_IN = (
    "(EXISTS (SELECT 1 FROM membership s WHERE s.group_id = {0} AND s.member_id = m.member_id AND s.left_at IS NULL)"
    " OR (EXISTS (SELECT 1 FROM member_day d WHERE d.group_id = {0} AND d.member_id = m.member_id)"
    " AND NOT EXISTS (SELECT 1 FROM membership s WHERE s.group_id = {0} AND s.member_id = m.member_id)))"
)
"""Whoever is in a group: joined and did not leave, or was heard there and never seen to join."""
# `+t.tag`: the few tags of the member are read; the index by tag would walk over everybody who has it.
_HAS = {
    "tag": f"EXISTS (SELECT 1 FROM member_tag t WHERE t.member_id = m.member_id AND +t.tag = :{{0}} AND {HOLDS})",
    "stage": f"coalesce({_STAGE}, '') = :{{0}}",
    "buying": "EXISTS (SELECT 1 FROM stage_now n WHERE n.family = 'buy' AND n.group_id = '' AND"
    " n.member_id = m.member_id AND n.stage = :{0})",
    "group": _IN.format(":{0}"),
    "source": "(coalesce(m.source, '') = :{0} OR EXISTS (SELECT 1 FROM membership s WHERE s.member_id = m.member_id"
    f" AND s.source = :{{0}} AND {GROUP.format('s')}))",
}
_COUNTS = {
    "check_ins": "(SELECT count(*) FROM check_in c WHERE c.member_id = m.member_id AND c.day >= :{day}"
    f" AND {GROUP.format('c')})",
    "said": "(SELECT coalesce(sum(d.said), 0) FROM member_day d WHERE d.member_id = m.member_id AND d.day >= :{day}"
    " AND (:group IS NULL OR d.group_id = :group))",
    "days_here": "(SELECT count(DISTINCT d.day) FROM member_day d WHERE d.member_id = m.member_id AND d.day >= :{day}"
    " AND (:group IS NULL OR d.group_id = :group))",
    "wins": "((SELECT count(*) FROM prize p WHERE p.member_id = m.member_id AND p.state <> 'taken_back'"
    " AND p.won_at >= :{since}) + (SELECT count(*) FROM draw_winner w WHERE w.member_id = m.member_id"
    " AND w.state IN ('won', 'claimed') AND w.at >= :{since}))",
    "orders": "(SELECT count(*) FROM purchase p WHERE p.member_id = m.member_id AND p.state = 'paid'"
    " AND p.at >= :{since})",
    "spent": "(SELECT coalesce(sum(p.cents), 0) FROM purchase p WHERE p.member_id = m.member_id AND p.state = 'paid'"
    " AND p.at >= :{since}) / 100.0",
    "points": "coalesce((SELECT e.balance FROM entry e WHERE e.account = 'member:' || m.member_id"
    " AND e.asset = 'points' ORDER BY e.id DESC LIMIT 1), 0)",
    "tenure": "((:now - coalesce((SELECT min(s.joined_at) FROM membership s WHERE s.member_id = m.member_id"
    f" AND {GROUP.format('s')}), m.first_seen)) / 86400000)",
}
_EARNED = (
    "(SELECT coalesce(sum(e.amount), 0) FROM entry e JOIN movement v ON v.id = e.movement_id"
    " WHERE e.account = 'member:' || m.member_id AND e.asset = 'points' AND e.amount > 0 AND +v.reverses IS NULL"
    f" AND {_STANDS} AND NOT (v.key >= 'redeem/' AND v.key < 'redeem0') AND v.at >= :{{since}})"
)


class _Question:
    """Turns a tree into SQL with named values."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.values: dict[str, Any] = {"group": setting.group, "now": setting.now}

    def bind(self, value: object) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return name

    def since(self, days: int) -> str:
        return self.bind(self.setting.now - days * 86_400_000 if days else 0)

    def of(self, node: Node) -> str:
        match node:
            case Both(parts):
                return f"({' AND '.join(map(self.of, parts))})"
            case Either(parts):
                return f"({' OR '.join(map(self.of, parts))})"
            case Not(one):
                return f"NOT {self.of(one)}"
            case Has("level", value):
                return self._level(value)
            case Has(what, value):
                return _HAS[what].format(self.bind(self.setting.groups.get(value, value) if what == "group" else value))
            case Compare(what, operator, number, days):
                day = self.bind(self.setting.since_day[days]) if days else "group"
                count = _COUNTS[what].format(day=day, since=self.since(days))
                return f"{count} {OPERATORS[operator]} :{self.bind(number)}"

    def _level(self, title: str) -> str:
        own, following = self.setting.titles[title]
        reached = f"{_EARNED.format(since=self.since(own.days))} >= :{self.bind(own.at)}"
        if following is None:
            return f"({reached})"
        return f"({reached} AND {_EARNED.format(since=self.since(following.days))} < :{self.bind(following.at)})"


class Crowds:
    """Members by condition, and the table `crowd` of saved conditions."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def members(self, node: Node, setting: Setting, most: int) -> list[str]:
        """Ids of the members for whom a condition is true, in order; `most` at most."""
        sql, values = self._sql(node, setting)
        rows = self._execute(f"SELECT m.member_id {sql} ORDER BY m.member_id LIMIT :most", {**values, "most": most})
        return [row[0] for row in rows]

    def count(self, node: Node, setting: Setting) -> int:
        """How many members that are."""
        sql, values = self._sql(node, setting)
        return int(self._execute(f"SELECT count(*) {sql}", values).fetchone()[0])

    def fits(self, node: Node, setting: Setting, member_id: str) -> bool:
        """Whether a condition is true for one member: only their rows are read."""
        question = _Question(setting)
        sql = f"SELECT 1 FROM member m WHERE {question.of(node)} AND m.member_id = :{question.bind(member_id)}"
        return self._execute(sql, question.values).fetchone() is not None

    def _sql(self, node: Node, setting: Setting) -> tuple[str, dict[str, Any]]:
        question = _Question(setting)
        condition = question.of(node)
        here = f" AND {_IN.format(':group')}" if setting.group is not None else ""
        ours = "".join(f" AND m.member_id <> :{question.bind(one)}" for one in setting.ours)
        return f"FROM member m WHERE {condition}{here}{ours}", question.values

    def save(self, name: str, expression: str, *, staff_id: str, at: int) -> None:
        """Keeps an expression under a name, in place of what had it."""
        self._execute(
            "INSERT INTO crowd VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET expression = excluded.expression,"
            " staff_id = excluded.staff_id, at = excluded.at",
            (name, expression, staff_id, at),
        )

    def saved(self, name: str) -> str | None:
        """The expression under a name."""
        row = self._execute("SELECT expression FROM crowd WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def all(self, most: int = 100) -> list[tuple[str, str]]:
        """(name, expression) of everything saved."""
        return self._execute("SELECT name, expression FROM crowd ORDER BY name LIMIT ?", (most,)).fetchall()

    def drop(self, name: str) -> bool:
        """Forgets a saved expression. False when there was none."""
        return bool(self._execute("DELETE FROM crowd WHERE name = ?", (name,)).rowcount)

    def forget(self, member_id: str) -> int:
        """Removes the name of whoever saved something; segments hold no members. Returns how many rows changed."""
        return self._execute("UPDATE crowd SET staff_id = '' WHERE staff_id = ?", (member_id,)).rowcount
