"""What staff changed by chat: group settings, and the audit of every staff action."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from storage.database import Database

UNSET = object()
"""Not changed by chat: what the file says."""
_AUDIT = "id, at, staff_id, group_id, action, what"


class AuditRow(NamedTuple):
    """One thing that a member of staff did; `at` in ms, `group_id` None in 1:1."""

    id: int
    at: int
    staff_id: str
    group_id: str | None
    action: str
    what: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one audit entry did to a setting: the values as they were written, or UNSET."""

    audit_id: int
    group_id: str
    key: str
    before: Any
    after: Any


def _as_json(value: Any) -> str | None:
    return None if value is UNSET else json.dumps(value, ensure_ascii=False)


def _from_json(text: str | None) -> Any:
    return UNSET if text is None else json.loads(text)


class Office:
    """The tables `fact`, `channel_memory`, `group_setting`, `audit` and `setting_change`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def fact(self, name: str) -> str | None:
        """One remembered value of the deployment itself."""
        row = self._execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def remember(self, name: str, value: str) -> None:
        """Remembers one value of the deployment itself."""
        self._execute(
            "INSERT INTO fact VALUES (?,?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    def keep(self, key: str, value: str) -> None:
        """A channel's own note; an empty one is forgotten."""
        if value:
            self._execute(
                "INSERT INTO channel_memory VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )
        else:
            self._execute("DELETE FROM channel_memory WHERE key = ?", (key,))

    def group_settings(self) -> dict[str, dict[str, Any]]:
        """group -> {"welcome.gap": "2h", …}: what was changed by chat."""
        result: dict[str, dict[str, Any]] = {}
        for group_id, key, value in self._execute("SELECT group_id, key, value FROM group_setting ORDER BY 1, 2"):
            result.setdefault(group_id, {})[key] = json.loads(value)
        return result

    def set_group(self, group_id: str, key: str, value: Any) -> None:
        """Changes one setting of one group."""
        self._execute(
            "INSERT INTO group_setting VALUES (?,?,?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (group_id, key, json.dumps(value, ensure_ascii=False)),
        )

    def unset_group(self, group_id: str, key: str) -> None:
        """Back to what the file says."""
        self._execute("DELETE FROM group_setting WHERE group_id = ? AND key = ?", (group_id, key))

    def audit(self, staff_id: str, group_id: str | None, action: str, what: str, *, at: int, event_id: str) -> int:
        """Writes down what a member of staff did. Returns the number of the entry."""
        cursor = self._execute(
            "INSERT INTO audit (at, staff_id, group_id, action, what, event_id) VALUES (?,?,?,?,?,?)",
            (at, staff_id, group_id, action, what[:2000], event_id),
        )
        return int(cursor.lastrowid or 0)

    def note_change(self, audit_id: int, group_id: str, key: str, before: Any, after: Any) -> None:
        """Keeps what a changed setting was before and is now, beside its audit entry; UNSET is what the file says."""
        self._execute(
            "INSERT INTO setting_change (audit_id, group_id, key, before, after) VALUES (?,?,?,?,?)",
            (audit_id, group_id, key, _as_json(before), _as_json(after)),
        )

    def change(self, audit_id: int) -> Change | None:
        """What the audit entry changed; None when it changed no setting."""
        row = self._execute(
            "SELECT audit_id, group_id, key, before, after FROM setting_change WHERE audit_id = ?", (audit_id,)
        ).fetchone()
        return Change(row[0], row[1], row[2], _from_json(row[3]), _from_json(row[4])) if row else None

    def last_change(self, group_id: str, key: str) -> int:
        """The newest audit entry that changed this setting; 0 when none did."""
        row = self._execute(
            "SELECT max(audit_id) FROM setting_change WHERE group_id = ? AND key = ?", (group_id, key)
        ).fetchone()
        return row[0] or 0

    def entry(self, audit_id: int) -> AuditRow | None:
        """One audit entry."""
        row = self._execute(f"SELECT {_AUDIT} FROM audit WHERE id = ?", (audit_id,)).fetchone()
        return AuditRow(*row) if row else None

    def entries(
        self, group_id: str | None, *, staff_id: str = "", word: str = "", skip: int = 0, most: int
    ) -> tuple[int, list[AuditRow]]:
        """How many audit entries fit, and `most` of them after `skip`, newest first: of one group (None: everywhere),
        one member of staff, with a word in them."""
        like = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values = (group_id, staff_id, word, f"%{like}%")
        where = (
            "(?1 IS NULL OR group_id = ?1) AND (?2 = '' OR staff_id = ?2)"
            " AND (?3 = '' OR action = ?3 OR what LIKE ?4 ESCAPE '\\')"
        )
        (count,) = self._execute(f"SELECT count(*) FROM audit WHERE {where}", values).fetchone()
        rows = self._execute(
            f"SELECT {_AUDIT} FROM audit WHERE {where} ORDER BY id DESC LIMIT ?5 OFFSET ?6", (*values, most, skip)
        )
        return count, [AuditRow(*row) for row in rows]

    def latest_audit(self, most: int) -> Sequence[tuple[int, str, str | None, str, str]]:
        """(at ms, staff, group, action, what), newest first."""
        return self._execute(
            "SELECT at, staff_id, group_id, action, what FROM audit ORDER BY id DESC LIMIT ?", (most,)
        ).fetchall()
