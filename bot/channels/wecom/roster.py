"""Who is in a customer group: read whole, compared with what we knew, told as joins and leaves exactly once."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.channels import Hear
from bot.channels.wecom.client import Api
from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.errcodes import ApiRefused
from bot.channels.wecom.payload import plain_id, text_at
from bot.channels.wecom.ports import Clock, Memory
from bot.events import Event, MemberJoined, MemberLeft, Person

log = logging.getLogger("yuanzi.wecom")

GONE = {86003, 90501, 90509}
SCENES = {1: "direct", 2: "link", 3: "qr"}
MAX_STALE = 3


@dataclass(frozen=True, slots=True)
class Seat:
    """One stay of one member: leaving and coming back makes a new one with another `joined`."""

    joined: int
    name: str = ""
    inviter: str = ""
    source: str = ""


@dataclass(slots=True)
class Roster:
    version: str = ""
    owner: str = ""
    seats: dict[str, Seat] = field(default_factory=dict)
    pending: list[dict[str, Any]] = field(default_factory=list)
    """Events decided and written down, but not yet known to have been heard."""

    def dump(self) -> str:
        seats = {member: [s.joined, s.name, s.inviter, s.source] for member, s in self.seats.items()}
        record = {"version": self.version, "owner": self.owner, "seats": seats, "pending": self.pending}
        return json.dumps(record, ensure_ascii=False)

    @staticmethod
    def load(stored: str) -> "Roster":
        record = json.loads(stored)
        seats = {member: Seat(*fields) for member, fields in record["seats"].items()}
        return Roster(record["version"], record["owner"], seats, record["pending"])


def read_group(answer: Mapping[str, Any]) -> Roster:
    """groupchat/get as a roster."""
    chat = answer.get("group_chat")
    if not isinstance(chat, dict) or not isinstance(chat.get("member_list"), list):
        raise Garbled("groupchat/get without member_list")
    roster = Roster(text_at(chat, "member_version"), text_at(chat, "owner"))
    for member in chat["member_list"]:
        joined = member.get("join_time") if isinstance(member, dict) else None
        scene = member.get("join_scene") if isinstance(member, dict) else None
        name = text_at(member, "group_nickname") or text_at(member, "name")
        source = text_at(member, "state") or (SCENES.get(scene, "") if isinstance(scene, int) else "")
        person = plain_id(text_at(member, "userid"), "userid")
        when = joined if isinstance(joined, int) else 0
        roster.seats[person] = Seat(when, name, text_at(member, "invitor", "userid"), source)
    return roster


def compare(old: Roster, new: Roster) -> tuple[dict[str, Seat], dict[str, Seat]]:
    """Who left and who joined. A member who left and came back unseen is in both."""
    left = {m: s for m, s in old.seats.items() if m not in new.seats or new.seats[m].joined != s.joined}
    came = {m: s for m, s in new.seats.items() if m not in old.seats or old.seats[m].joined != s.joined}
    return left, came


def _digest(seats: Mapping[str, Seat]) -> str:
    lines = sorted(f"{member}@{seat.joined}" for member, seat in seats.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]


class Rosters:
    """Keeps one roster per group. Events of one reading are merged: one join per inviter and way, one leave."""

    def __init__(self, channel: str, api: Api, memory: Memory, clock: Clock, settle: float) -> None:
        self._channel = channel
        self._api = api
        self._memory = memory
        self._clock = clock
        self._settle = settle
        self._lock = asyncio.Lock()

    def _key(self, chat: str) -> str:
        return f"{self._channel}/roster/{chat}"

    async def owner(self, chat: str) -> str:
        stored = await self._memory.get(self._key(chat))
        if stored:
            return Roster.load(stored).owner
        return (await self._read(chat)).owner

    async def sync(self, chat: str, hear: Hear, *, at: datetime | None = None, versions: Iterable[str] = ()) -> None:
        """Reads the group and tells what changed. `versions` are those that events promised: older ones are re-read."""
        async with self._lock:
            stored = await self._memory.get(self._key(chat))
            old = Roster.load(stored) if stored else None
            if old is not None and old.pending:
                await self._tell(chat, old, hear)
            wanted = {version for version in versions if version}
            if old is not None and old.version and wanted == {old.version}:
                return
            new = await self._fetch(chat, old, wanted)
            if old is None:
                new.pending = [self._history(chat, new)] if new.seats else []
            else:
                new.pending = self._changes(chat, old, new, at or self._clock.now())
            if old is None or new.dump() != old.dump():
                await self._memory.put(self._key(chat), new.dump())
                await self._tell(chat, new, hear)

    async def dismiss(self, chat: str, hear: Hear, at: datetime) -> None:
        """The group is no more: everybody left it."""
        async with self._lock:
            stored = await self._memory.get(self._key(chat))
            if not stored:
                return
            old = Roster.load(stored)
            if old.pending:
                await self._tell(chat, old, hear)
            new = Roster("dismissed", old.owner)
            new.pending = self._changes(chat, old, new, at)
            await self._memory.put(self._key(chat), new.dump())
            await self._tell(chat, new, hear)

    async def _fetch(self, chat: str, old: Roster | None, wanted: set[str]) -> Roster:
        for _ in range(MAX_STALE):
            new = await self._read(chat)
            stale = old is not None and new.version == old.version and wanted and new.version not in wanted
            if not stale:
                break
            await self._clock.sleep(self._settle)
        return new

    async def _read(self, chat: str) -> Roster:
        try:
            answer = await self._api.call(
                "externalcontact/groupchat/get", {"chat_id": chat, "need_name": 1}, again=True
            )
        except ApiRefused as error:
            if error.code not in GONE:
                raise
            return Roster("dismissed")
        return read_group(answer)

    async def _tell(self, chat: str, roster: Roster, hear: Hear) -> None:
        for record in roster.pending:
            await hear(self._event(chat, record))
        if roster.pending:
            roster.pending = []
            await self._memory.put(self._key(chat), roster.dump())

    def _history(self, chat: str, roster: Roster) -> dict[str, Any]:
        record = _record("joined", roster.seats, self._clock.now())
        return record | {"id": f"roster:{chat}:{_digest(roster.seats)}", "history": True}

    def _changes(self, chat: str, old: Roster, new: Roster, at: datetime) -> list[dict[str, Any]]:
        left, came = compare(old, new)
        records: list[dict[str, Any]] = []
        if left:
            records.append(_record("left", left, at) | {"id": f"left:{chat}:{_digest(left)}"})
        ways: dict[tuple[str, str], dict[str, Seat]] = {}
        for member, seat in sorted(came.items(), key=lambda item: (item[1].joined, item[0])):
            ways.setdefault((seat.inviter, seat.source), {})[member] = seat
        for (inviter, source), seats in ways.items():
            latest = max(seat.joined for seat in seats.values())
            when = datetime.fromtimestamp(latest, UTC) if latest else at
            record = _record("joined", seats, when) | {"inviter": inviter, "source": source}
            records.append(record | {"id": f"joined:{chat}:{_digest(seats)}"})
        return records

    def _event(self, chat: str, record: Mapping[str, Any]) -> Event:
        people = tuple(Person(member, name) for member, name in record["people"])
        at = datetime.fromtimestamp(record["at"], UTC)
        event_id = f"{self._channel}:{record['id']}"
        if record["kind"] == "left":
            return MemberLeft(id=event_id, at=at, channel=self._channel, group=chat, people=people)
        return MemberJoined(
            id=event_id,
            at=at,
            channel=self._channel,
            group=chat,
            people=people,
            inviter=record.get("inviter", ""),
            source=record.get("source", ""),
            history=record.get("history", False),
        )


def _record(kind: str, seats: Mapping[str, Seat], at: datetime) -> dict[str, Any]:
    people = [[member, seat.name] for member, seat in seats.items()]
    return {"kind": kind, "at": at.timestamp(), "people": people}
