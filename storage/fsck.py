"""Proves the promises on real data: one snapshot, read only, rule by rule, without holding tables in memory."""

import heapq
import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from storage.database import NewerSchemaError, StorageError, explain, read_only
from storage.fsck_calendar import CALENDAR_RULES
from storage.fsck_campaigns import CAMPAIGN_RULES
from storage.fsck_contact import CONTACT_RULES
from storage.fsck_draws import DRAW_RULES
from storage.fsck_faq import FAQ_RULES
from storage.fsck_games import GAME_RULES
from storage.fsck_koc import QUESTIONS as KOC_QUESTIONS
from storage.fsck_lifecycle import QUESTIONS as LIFECYCLE_QUESTIONS
from storage.fsck_orders import QUESTIONS as ORDER_QUESTIONS
from storage.fsck_points import QUESTIONS as POINT_QUESTIONS
from storage.fsck_quiz import QUIZ_RULES
from storage.fsck_staffdesk import STAFFDESK_RULES
from storage.fsck_surveys import QUESTIONS as SURVEY_QUESTIONS
from storage.fsck_tags import QUESTIONS as TAG_QUESTIONS
from storage.schema import steps

MOST = 100
"""Violations listed for one rule; the others are counted."""
Found = Iterator[tuple[str, str]]
"""(where, what) of each place that breaks a rule."""
Rule = Callable[[sqlite3.Connection], Found]


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    rule: str
    where: str
    what: str


@dataclass(slots=True)
class Report:
    """What a check found. `counts` says how much of everything there is."""

    events: int
    check_ins: int
    violations: list[Violation] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether every promise holds."""
        return not self.violations

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, in the order in which it is printed."""
        listed = [{"rule": one.rule, "where": one.where, "what": one.what} for one in self.violations]
        return {"events": self.events, "check_ins": self.check_ins, "violations": listed, **self.counts}


def open_snapshot(path: Path) -> sqlite3.Connection:
    """A read-only view of one moment of a database of ours, while others may go on writing. Raises StorageError."""
    conn = read_only(path)
    try:
        conn.isolation_level = None
        # Whatever a damaged file holds as text must not stop a check or an export.
        conn.text_factory = lambda data: data.decode("utf-8", "replace")
        conn.execute("BEGIN")
        _refuse_foreign(conn, path)
    except sqlite3.Error as error:
        conn.close()
        raise explain(error, path) from error
    except StorageError:
        conn.close()
        raise
    return conn


def _refuse_foreign(conn: sqlite3.Connection, path: Path) -> None:
    tables = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "_sqlite_migrations" not in tables or "interaction" not in tables:
        raise StorageError(f"{path} 不是元子的数据库。看看文件名写对没有。")
    applied = {
        row[0] for row in conn.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (steps.name,))
    }
    ours = {step.name for step in steps._migrations}
    if newer := sorted(applied - ours):
        raise NewerSchemaError(f"{path} 是更新版本的元子写的（{newer[-1]}）。请升级后再打开，旧版本不动它。")
    if ours - applied:
        raise StorageError(f"{path} 是旧版本的元子写的。先用 yuanzi run 打开一次，它会自己升级。")


def check(path: Path) -> Report:
    """Checks every rule. Raises StorageError when the file is missing or cannot be read at all."""
    conn = open_snapshot(path)
    try:
        report = Report(0, 0)
        for name, rule in RULES.items():
            try:
                _collect(report, name, rule(conn))
            except sqlite3.DatabaseError:
                if report.is_clean:
                    raise
                # Integrity is named already: rules that stumble over the same damage add nothing.
        report.events = _count(conn, "interaction")
        report.check_ins = _count(conn, "check_in")
        report.counts = {table: _count(conn, table) for table in ("member", "movement", "entry", "prize", "outbox")}
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        conn.close()
    return report


def _collect(report: Report, name: str, found: Found) -> None:
    for number, (where, what) in enumerate(found, start=1):
        if number <= MOST:
            report.violations.append(Violation(name, where, what))
        else:
            more = sum(1 for _ in found) + 1
            report.violations.append(Violation(name, "", f"这一类还有 {more} 处，没有列出"))


def _count(conn: sqlite3.Connection, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# -- rules that are one question to the tables -----------------------------------------------------------------------


def _ask(sql: str, conn: sqlite3.Connection) -> Found:
    yield from ((str(where), str(what)) for where, what in conn.execute(sql))


_PLACE = "'群 ' || c.group_id || ' 成员 ' || c.member_id || ' ' || c.day"
_STANDING = "NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id)"
_FOR_DAY = "m.key >= 'check_in/' AND m.key < 'check_in0'"
_FOR_MAKE_UP = "m.key >= 'make_up/' AND m.key < 'make_up0'"
_WITHOUT = """
 FROM movement m LEFT JOIN entry e ON e.movement_id = m.id AND e.amount {sign} 0
 WHERE {keys} AND {standing} AND (m.event_id, coalesce(m.group_id, ''), coalesce(e.account, ''))
 NOT IN (SELECT event_id, group_id, 'member:' || member_id FROM check_in WHERE kind = '{kind}')"""

_QUESTIONS = {
    "movement_sides": "SELECT '流水 ' || m.id, '应有两条分录、同一种资产、合计为 0；实有 ' || count(e.id)"
    " || ' 条，合计 ' || coalesce(sum(e.amount), 0) FROM movement m LEFT JOIN entry e ON e.movement_id = m.id"
    " GROUP BY m.id HAVING count(e.id) <> 2 OR sum(e.amount) <> 0 OR min(e.asset) <> max(e.asset)",
    "ledger_sum": "SELECT '总账 ' || asset, '全部分录合计应为 0，实为 ' || sum(amount) FROM entry GROUP BY asset"
    " HAVING sum(amount) <> 0",
    "reversed_twice": "SELECT '流水 ' || reverses, '被撤销了 ' || count(*) || ' 次' FROM movement"
    " WHERE reverses IS NOT NULL GROUP BY reverses HAVING count(*) > 1",
    "reversal_mirrors": "SELECT '流水 ' || r.id, '撤销流水 ' || r.reverses || '，但 ' || e.account || ' 的 ' || e.asset"
    " || ' 差 ' || sum(e.amount) FROM movement r JOIN movement t ON t.id = r.reverses"
    " JOIN entry e ON e.movement_id IN (r.id, t.id) GROUP BY r.id, e.account, e.asset HAVING sum(e.amount) <> 0",
    "check_in_twice": f"SELECT {_PLACE}, '同一天签了 ' || count(*) || ' 次' FROM check_in c"
    " GROUP BY c.group_id, c.member_id, c.day HAVING count(*) > 1",
    "event_checks_in_twice": "SELECT '事件 ' || event_id, '一个事件签了 ' || count(*) || ' 天' FROM check_in"
    " GROUP BY event_id HAVING count(*) > 1",
    "points_twice": f"SELECT '事件 ' || m.event_id, '一次签到有 ' || count(*) || ' 笔有效的积分' FROM movement m"
    f" WHERE {_FOR_DAY} AND {_STANDING} GROUP BY m.event_id HAVING count(*) > 1",
    "points_without_check_in": "SELECT '流水 ' || m.id, '有签到积分，没有这次签到（事件 ' || m.event_id || '）'"
    + _WITHOUT.format(sign=">", keys=_FOR_DAY, standing=_STANDING, kind="own"),
    "check_in_without_points": f"SELECT {_PLACE}, '签到还在，积分却撤销了（流水 ' || m.id || '）' FROM check_in c"
    f" JOIN movement m ON m.event_id = c.event_id AND {_FOR_DAY} WHERE c.kind = 'own' AND NOT {_STANDING}"
    " AND NOT EXISTS (SELECT 1 FROM movement o WHERE o.event_id = c.event_id AND o.key >= 'check_in/'"
    " AND o.key < 'check_in0' AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = o.id))",
    "make_up_without_card": f"SELECT {_PLACE}, '补签没有扣补签卡（事件 ' || c.event_id || '）' FROM check_in c"
    f" WHERE c.kind = 'make_up' AND NOT EXISTS (SELECT 1 FROM movement m WHERE m.event_id = c.event_id"
    f" AND {_FOR_MAKE_UP} AND {_STANDING})",
    "card_without_make_up": "SELECT '流水 ' || m.id, '扣了补签卡，没有这次补签（事件 ' || m.event_id || '）'"
    + _WITHOUT.format(sign="<", keys=_FOR_MAKE_UP, standing=_STANDING, kind="make_up"),
    "line_without_event": "SELECT '发件箱 ' || o.key, '起因的事件 ' || o.event_id || ' 不在互动记录里' FROM outbox o"
    " WHERE NOT EXISTS (SELECT 1 FROM interaction i WHERE i.id = o.event_id)",
    "line_key_twice": "SELECT '发件箱 ' || key, '同一个键有 ' || count(*) || ' 行' FROM outbox GROUP BY key"
    " HAVING count(*) > 1",
    "line_sent_unclaimed": "SELECT '发件箱 ' || key, '状态 ' || state || '，却没有认领过（attempts ' ||"
    " attempts || '）' FROM outbox WHERE state IN ('sending', 'sent', 'unknown') AND (attempts < 1 OR text IS NULL)",
    "beat_posted_twice": "SELECT '定时 ' || o.event_id, '同一拍排了 ' || count(*) || ' 条' FROM outbox o"
    " WHERE o.sort IN ('campaign', 'reminder') AND EXISTS (SELECT 1 FROM interaction i WHERE i.id = o.event_id"
    " AND i.kind = 'beat_due') GROUP BY o.event_id HAVING count(*) > 1",
    "waiting_but_gone": "SELECT '群 ' || group_id || ' 成员 ' || member_id, '已经离开，还在等欢迎' FROM membership"
    " WHERE waiting > 0 AND left_at IS NOT NULL",
    "failed_without_note": "SELECT '事件 ' || id, '标记为失败，却没有写原因' FROM interaction WHERE failed = 1"
    " AND coalesce(note, '') = ''",
}  # fmt: skip

# -- rules that follow rows in order ---------------------------------------------------------------------------------


def _integrity(conn: sqlite3.Connection) -> Found:
    for row in conn.execute("PRAGMA integrity_check(100)"):
        if row[0] != "ok":
            yield "数据库文件", str(row[0])


def _foreign_keys(conn: sqlite3.Connection) -> Found:
    for table, row, parent, _ in conn.execute("PRAGMA foreign_key_check"):
        yield f"{table} 第 {row} 行", f"指向 {parent} 里不存在的行"


def _balances(conn: sqlite3.Connection) -> Found:
    owner: tuple[str, str] | None = None
    total = 0
    for number, account, asset, amount, balance in conn.execute(
        "SELECT id, account, asset, amount, balance FROM entry ORDER BY account, asset, id"
    ):
        if owner != (account, asset):
            owner, total = (account, asset), 0
        total += amount
        if balance != total:
            yield f"分录 {number}（{account} 的 {asset}）", f"余额应为 {total}，记的是 {balance}"


def _streaks(conn: sqlite3.Connection) -> Found:
    whose: tuple[str, str] | None = None
    last = length = 0
    for group, member, day, streak in conn.execute(
        "SELECT group_id, member_id, day, streak FROM check_in ORDER BY group_id, member_id, day"
    ):
        where = f"群 {group} 成员 {member} {day}"
        try:
            number = date.fromisoformat(day).toordinal()
        except ValueError:
            yield where, "没有这一天"
            continue
        if whose == (group, member) and number == last:
            continue  # the same day again is another rule's business
        length = length + 1 if whose == (group, member) and number == last + 1 else 1
        whose, last = (group, member), number
        if streak != length:
            yield where, f"连签应为 {length} 天，记的是 {streak}"


def _point_keys(conn: sqlite3.Connection) -> Found:
    for number, key, event in conn.execute(f"SELECT id, key, event_id FROM movement m WHERE {_FOR_DAY}"):
        if key != f"check_in/{quote(event, safe='')}":
            yield f"流水 {number}", f"键 {key} 不是事件 {event} 的签到"


def _line_keys(conn: sqlite3.Connection) -> Found:
    for key, event in conn.execute("SELECT key, event_id FROM outbox"):
        _, _, number = key.rpartition("/")
        if not number.isdecimal() or key != f"{event}/{int(number)}":
            yield f"发件箱 {key}", f"键应是「事件/序号」，事件是 {event}"


def _awards(conn: sqlite3.Connection) -> Iterator[tuple[str, str, str, str]]:
    """(key, kind, member it went to, state) of everything milestones gave that still stands, in the order of keys."""
    moved = conn.execute(
        "SELECT m.key, e.asset, e.account, 'booked' FROM movement m JOIN entry e ON e.movement_id = m.id AND"
        f" e.amount > 0 WHERE m.key >= 'milestone/' AND m.key < 'milestone0' AND {_STANDING} ORDER BY m.key"
    )
    won = conn.execute(
        "SELECT key, 'prize', 'member:' || member_id, state FROM prize WHERE key >= 'milestone/' AND key < 'milestone0'"
        " AND state <> 'taken_back' ORDER BY key"
    )
    for row in heapq.merge(moved, won, key=lambda one: str(one[0])):
        yield row[0], row[1], row[2], row[3]


def _milestones(conn: sqlite3.Connection) -> Found:
    """Never more awards of a length than runs that reached it, and none twice.

    An award stays where it was won when a repair moves the day on which the run reached its length, so days are not
    compared. A prize that was handed over cannot come back: it may stand beside one for the same run.
    """
    for page, rows in itertools.groupby(_awards(conn), key=lambda row: row[0].split("/")[:3]):
        given: set[tuple[str, ...]] = set()
        standing: dict[int, set[str]] = {}
        handed: Counter[int] = Counter()
        for key, kind, owner, state in rows:
            parts = key.split("/")
            if len(parts) < 6 or not parts[4].isdecimal() or owner != f"member:{unquote(parts[2])}":
                yield f"里程碑 {key}", f"键写的人和得到的人（{owner}）对不上"
                continue
            if state == "handed":
                handed[int(parts[4])] += 1
                continue
            if (parts[3], parts[4], kind) in given:
                yield f"里程碑 {key}", "同一个里程碑给了两次"
            given.add((parts[3], parts[4], kind))
            standing.setdefault(int(parts[4]), set()).add(parts[3])
        for days, won in sorted(standing.items()):
            group, member = unquote(page[1]), unquote(page[2])
            reached = conn.execute(
                "SELECT count(*) FROM check_in WHERE group_id = ? AND member_id = ? AND streak = ?",
                (group, member, days),
            ).fetchone()[0]
            if len(won) > reached + handed[days]:
                yield (
                    f"群 {group} 成员 {member}",
                    f"连签 {days} 天的奖励有 {len(won)} 份有效，做到的只有 {reached} 次（{'、'.join(sorted(won))}）",
                )


RULES: dict[str, Rule] = {
    "integrity": _integrity,
    "foreign_keys": _foreign_keys,
    "balances": _balances,
    "streaks": _streaks,
    "point_keys": _point_keys,
    "line_keys": _line_keys,
    "milestones": _milestones,
    **{name: partial(_ask, sql) for name, sql in {**_QUESTIONS, **POINT_QUESTIONS}.items()},
    **{
        name: partial(_ask, sql)
        for name, sql in {
            **TAG_QUESTIONS,
            **LIFECYCLE_QUESTIONS,
            **ORDER_QUESTIONS,
            **KOC_QUESTIONS,
            **SURVEY_QUESTIONS,
        }.items()
    },
    **QUIZ_RULES,
    **GAME_RULES,
    **DRAW_RULES,
    **CALENDAR_RULES,
    **CAMPAIGN_RULES,
    **CONTACT_RULES,
    **STAFFDESK_RULES,
    **FAQ_RULES,
}
"""Name -> rule, in the order in which they are checked; integrity comes first."""
