"""What staff changed by chat: group settings, and the audit of every staff action."""

import json
from collections.abc import Sequence
from typing import Any

from storage.database import Database


class Office:
    """The tables `fact`, `channel_memory`, `group_setting` and `audit`."""

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

    def audit(self, staff_id: str, group_id: str | None, action: str, what: str, *, at: int, event_id: str) -> None:
        """Writes down what a member of staff did."""
        self._execute(
            "INSERT INTO audit (at, staff_id, group_id, action, what, event_id) VALUES (?,?,?,?,?,?)",
            (at, staff_id, group_id, action, what[:2000], event_id),
        )

    def latest_audit(self, most: int) -> Sequence[tuple[int, str, str | None, str, str]]:
        """(at ms, staff, group, action, what), newest first."""
        return self._execute(
            "SELECT at, staff_id, group_id, action, what FROM audit ORDER BY id DESC LIMIT ?", (most,)
        ).fetchall()
