"""What staff decided by chat about the calendar: read from a database that a bot may be using, laid into a rehearsal's.

Only reads of a file that is never written: `standing_in`. Only the fresh database of a rehearsal is written: `lay`.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.database import Database, NewerSchemaError, StorageError, explain, read_only
from storage.schema import steps

OwnRow = tuple[int, str, str, int, str, str]
PauseRow = tuple[str, str, int, str, str]
SkipRow = tuple[str, str, int, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """Campaigns made by chat, pauses, skipped times and changed settings as their tables hold them; moments in ms.

    `groups`: id -> the name on the platform (or an empty text) of every group that was seen. `people`: the names of
    those who paused or skipped.
    """

    path: str = ""
    own: tuple[OwnRow, ...] = ()
    pauses: tuple[PauseRow, ...] = ()
    skips: tuple[SkipRow, ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)

    @property
    def beats(self) -> list[tuple[int, str, Mapping[str, Any]]]:
        """(number, title, beat as data) of the campaigns made by chat."""
        return [(row[0], row[1], json.loads(row[2])) for row in self.own]

    def paused_by(self, beat: str, group_id: str) -> str | None:
        """Who paused a beat in a group."""
        return next((row[3] for row in self.pauses if row[:2] == (beat, group_id)), None)

    def skipped_by(self, beat: str, group_id: str, due: int, *, day: str, rule: str) -> str | None:
        """Who left this time out; as in `Campaigns.skipped`, a rule that was changed meanwhile counts by its day."""
        for row in self.skips:
            if row[:2] == (beat, group_id) and (row[2] == due or (row[3] == day and row[4] != rule)):
                return row[5]
        return None


def standing_in(path: Path) -> Standing:
    """What stands in a database; nothing when there is no file, or nothing in it. Tables of an older version that are
    not there yet count as empty. Raises StorageError for a file that is not ours or cannot be read."""
    if not path.is_file() or not path.stat().st_size:
        return Standing()
    conn = read_only(path, untouched=True)
    try:
        conn.row_factory = None
        conn.execute("BEGIN")  # one moment, while the bot may go on writing
        tables = {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return _read(conn, path, tables) if tables else Standing()
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        conn.close()


def _read(conn: sqlite3.Connection, path: Path, tables: set[str]) -> Standing:
    if not {"_sqlite_migrations", "interaction", "group_setting", "chat_group"} <= tables:
        raise StorageError(f"{path} 不是元子的数据库。看看文件名写对没有。")
    applied = {row[0] for row in conn.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'yuanzi'")}
    if newer := sorted(applied - {step.name for step in steps._migrations}):
        raise NewerSchemaError(f"{path} 是更新版本的元子写的（{newer[-1]}）。请升级后再打开，旧版本不动它。")

    def rows(table: str, sql: str) -> list[Any]:
        return conn.execute(sql).fetchall() if table in tables else []

    changes: dict[str, dict[str, Any]] = {}
    for group_id, key, value in rows("group_setting", "SELECT group_id, key, value FROM group_setting ORDER BY 1, 2"):
        changes.setdefault(group_id, {})[key] = json.loads(value)
    own = "SELECT id, title, data, at, staff_id, event_id FROM own_beat WHERE gone_at IS NULL ORDER BY id"
    pauses = rows("beat_pause", "SELECT beat, group_id, at, staff_id, event_id FROM beat_pause ORDER BY 1, 2")
    skips = rows("beat_skip", "SELECT beat, group_id, due, day, rule, staff_id, event_id FROM beat_skip ORDER BY 1, 2")
    staff = {*(row[3] for row in pauses), *(row[5] for row in skips)}
    return Standing(
        str(path), tuple(rows("own_beat", own)), tuple(pauses), tuple(skips), changes,
        _titles(conn) if "m003_channels" in applied else {}, _names(conn, staff),
    )  # fmt: skip


def _names(conn: sqlite3.Connection, members: Iterable[str]) -> dict[str, str]:
    found = {}
    for one in members:
        row = conn.execute("SELECT name FROM member WHERE member_id = ?", (one,)).fetchone()
        if row and row[0]:
            found[one] = row[0]
    return found


def _titles(conn: sqlite3.Connection) -> dict[str, str]:
    return dict(conn.execute("SELECT group_id, coalesce(title, '') FROM chat_group ORDER BY group_id"))


def lay(path: Path, standing: Standing) -> None:
    """Writes it into the fresh database of a rehearsal. Raises StorageError."""
    db = Database.open(path, "off")
    with contextlib.closing(db):
        db.begin()
        db.executemany(
            "INSERT INTO own_beat (id, title, data, at, staff_id, event_id) VALUES (?,?,?,?,?,?)", standing.own
        )
        db.executemany("INSERT INTO beat_pause VALUES (?,?,?,?,?)", standing.pauses)
        db.executemany("INSERT INTO beat_skip VALUES (?,?,?,?,?,?,?)", standing.skips)
        db.executemany(
            "INSERT INTO group_setting VALUES (?,?,?)",
            [
                (group, key, json.dumps(value, ensure_ascii=False))
                for group, changes in standing.changes.items()
                for key, value in changes.items()
            ],
        )
        db.commit()


def skip_by_day(db: Database, beats: Iterable[str]) -> None:
    """In a rehearsal a random minute is another one than in the running bot: skipped times of these beats count by
    their day."""
    db.begin()
    db.executemany("UPDATE OR IGNORE beat_skip SET rule = '' WHERE beat = ?", [(one,) for one in beats])
    db.commit()
