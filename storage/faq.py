"""The question book: entries taught by chat with their history, and offers made to staff."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from storage.database import Database

_ENTRY = "id, group_id, question, similar, answer, state, version, stands_for"


class Taught(NamedTuple):
    """An entry taught by chat. `group_id` None: good everywhere. `similar`: other wordings. `stands_for`: the id of the
    written entry whose answer it replaces."""

    id: int
    group_id: str | None
    question: str
    similar: tuple[str, ...]
    answer: str
    state: str
    version: int
    stands_for: str | None = None


class Version(NamedTuple):
    """One state that an entry had, who brought it about and how. `at` ms."""

    version: int
    at: int
    by_id: str
    action: str
    question: str
    similar: tuple[str, ...]
    answer: str
    state: str


class Offer(NamedTuple):
    """An answer that staff gave by quoting, which might be remembered."""

    id: int
    group_id: str | None
    staff_id: str
    question: str
    answer: str
    state: str


class Pending(NamedTuple):
    """What the bot waits to hear from somebody in a place. `until` ms."""

    kind: str
    payload: dict[str, object]
    until: int


class FaqEntries:
    """The tables `faq_entry`, `faq_version`, `faq_offer` and `faq_pending`."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute
        self.version = 0
        """Grows whenever `standing` may have changed: whoever keeps a copy compares it."""
        self._touched = False
        self._awake: set[tuple[str, str]] | None = None

    def forget_cache(self) -> None:
        """Drops what is remembered: called whenever something was taken back."""
        self._awake = None
        if self._touched:
            self.version += 1
            self._touched = False

    # -- entries --------------------------------------------------------------------------------------------------

    def standing(self) -> list[Taught]:
        """Every entry that is in use, oldest first."""
        return [_taught(row) for row in self._execute(f"SELECT {_ENTRY} FROM faq_entry WHERE state = 'on' ORDER BY id")]

    def get(self, entry_id: int) -> Taught | None:
        """One entry, also one that was taken out."""
        row = self._execute(f"SELECT {_ENTRY} FROM faq_entry WHERE id = ?", (entry_id,)).fetchone()
        return _taught(row) if row else None

    def known(self, group_id: str | None, key: str) -> int | None:
        """The entry in use that has this question in this scope."""
        row = self._execute(
            "SELECT id FROM faq_entry WHERE coalesce(group_id, '') = ? AND key = ? AND state = 'on'",
            (group_id or "", key),
        ).fetchone()
        return row[0] if row else None

    def standing_for(self, written: str, group_id: str | None) -> Taught | None:
        """What is told in a place instead of a written entry: the group's own answer, else the one for everywhere."""
        row = self._execute(
            f"SELECT {_ENTRY} FROM faq_entry WHERE stands_for = ? AND state = 'on'"
            " AND (group_id IS NULL OR group_id = ?) ORDER BY group_id IS NULL LIMIT 1",
            (written, group_id),
        ).fetchone()
        return _taught(row) if row else None

    def teach(
        self, group_id: str | None, key: str, question: str, similar: Sequence[str], answer: str, *, by: str, at: int,
        event_id: str, stands_for: str | None = None,
    ) -> int:  # fmt: skip
        """Adds an entry, or a new answer to the written one that it stands for; returns its number. `at` ms."""
        cursor = self._execute(
            "INSERT INTO faq_entry (group_id, key, question, similar, answer, state, version, stands_for)"
            " VALUES (?,?,?,?,?,'on',1,?)",
            (group_id, key, question, _json(similar), answer, stands_for),
        )
        entry_id = int(cursor.lastrowid or 0)
        self._note(entry_id, "teach", by=by, at=at, event_id=event_id)
        return entry_id

    def change(self, one: Taught, action: str, *, by: str, at: int, event_id: str) -> None:
        """Gives an entry a new state; what it was stays in its history. `at` ms."""
        self._execute(
            "UPDATE faq_entry SET question = ?, similar = ?, answer = ?, state = ?, version = version + 1 WHERE id = ?",
            (one.question, _json(one.similar), one.answer, one.state, one.id),
        )
        self._note(one.id, action, by=by, at=at, event_id=event_id)

    def _note(self, entry_id: int, action: str, *, by: str, at: int, event_id: str) -> None:
        self._execute(
            "INSERT INTO faq_version (entry_id, version, at, by_id, action, question, similar, answer, state, event_id)"
            " SELECT id, version, ?, ?, ?, question, similar, answer, state, ? FROM faq_entry WHERE id = ?",
            (at, by, action, event_id, entry_id),
        )
        self.version += 1
        self._touched = True

    def versions(self, entry_id: int, most: int) -> list[Version]:
        """The history of an entry, newest first."""
        rows = self._execute(
            "SELECT version, at, by_id, action, question, similar, answer, state FROM faq_version WHERE entry_id = ?"
            " ORDER BY version DESC LIMIT ?",
            (entry_id, most),
        )
        return [
            Version(row[0], row[1], row[2], row[3], row[4], tuple(json.loads(row[5])), row[6], row[7]) for row in rows
        ]

    # -- offers ---------------------------------------------------------------------------------------------------

    def offer(
        self, group_id: str | None, staff_id: str, question: str, answer: str, *, at: int, event_id: str
    ) -> int:  # fmt: skip
        """Notes an answer that might be remembered; returns its number. `at` ms."""
        cursor = self._execute(
            "INSERT INTO faq_offer (at, group_id, staff_id, question, answer, state, event_id)"
            " VALUES (?,?,?,?,?,'open',?)",
            (at, group_id, staff_id, question, answer, event_id),
        )
        return int(cursor.lastrowid or 0)

    def offered(self, offer_id: int) -> Offer | None:
        """One offer."""
        row = self._execute(
            "SELECT id, group_id, staff_id, question, answer, state FROM faq_offer WHERE id = ?", (offer_id,)
        ).fetchone()
        return Offer(*row) if row else None

    def settle_offer(self, offer_id: int, state: str, entry_id: int | None = None) -> None:
        """An offer was taken (as an entry) or refused."""
        self._execute("UPDATE faq_offer SET state = ?, entry_id = ? WHERE id = ?", (state, entry_id, offer_id))

    # -- what is waited for -----------------------------------------------------------------------------------------

    def is_awake(self, group_id: str | None, member_id: str | None) -> bool:
        """Whether the next message of a member in a place may be an answer to us. Asked for every message."""
        if self._awake is None:
            self._awake = {(row[0], row[1]) for row in self._execute("SELECT room, member_id FROM faq_pending")}
        return bool(self._awake) and (group_id or "", member_id or "") in self._awake

    def pending(self, group_id: str | None, member_id: str) -> Pending | None:
        """What is waited for."""
        row = self._execute(
            "SELECT kind, payload, until FROM faq_pending WHERE room = ? AND member_id = ?",
            (group_id or "", member_id),
        ).fetchone()
        return Pending(row[0], json.loads(row[1]), row[2]) if row else None

    def await_word(
        self, group_id: str | None, member_id: str, kind: str, payload: dict[str, object], until: int
    ) -> None:  # fmt: skip
        """Waits for the next message of a member, until then (ms); a newer wish takes the place of an older one."""
        self._execute(
            "INSERT INTO faq_pending (room, member_id, kind, payload, until) VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE"
            " SET kind = excluded.kind, payload = excluded.payload, until = excluded.until",
            (group_id or "", member_id, kind, json.dumps(payload, ensure_ascii=False), until),
        )
        self._awake = None

    def stop_waiting(self, group_id: str | None, member_id: str) -> None:
        """Nothing is waited for any more."""
        self._execute("DELETE FROM faq_pending WHERE room = ? AND member_id = ?", (group_id or "", member_id))
        self._awake = None


def _json(texts: Sequence[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False)


def _taught(row: Sequence[Any]) -> Taught:
    return Taught(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4], row[5], row[6], row[7])
