"""JSON lines in and out: any platform, bridge or test can be attached to the bot through this wire."""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from bot.channels import Abilities, Hear, Heard, Line, Pace, Receipt
from bot.errors import ChannelError
from bot.events import ContactAdded, Event, MemberJoined, MemberLeft, MessageReceived, Person, Quote

NAME = "pipe"
MAX_LINE = 4 * 1024 * 1024
"""Bytes of one input line; a longer one is refused whole."""
TOO_LONG = b"x" * (MAX_LINE + 1)
"""Stands for a line that was too long to be kept."""
MAX_ID = 200
MAX_PEOPLE = 20_000
MAX_AHEAD = timedelta(days=400)
"""How far a line may lie from the clock: further away is a broken clock, not a late message."""
CHINA = timezone(timedelta(hours=8))
_TYPES = ("message", "joined", "left", "contact_added", "time")


class BadLineError(Exception):
    """A line that cannot be used; says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class TimeMoves:
    """`{"type":"time"}`: nothing happened until then."""

    at: datetime


def parse(raw: bytes, now: datetime | None) -> Event | TimeMoves:
    """One input line -> an event. `now` is the clock, used where `at` is missing. Raises BadLineError."""
    if len(raw) > MAX_LINE:
        raise BadLineError(f"line is longer than {MAX_LINE} bytes")
    try:
        data = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"not JSON: {error}"[:200]) from None
    if not isinstance(data, dict):
        raise BadLineError('not an object: write {"type": "message", ...}')
    kind = data.get("type")
    if kind not in _TYPES:
        raise BadLineError(f"unknown type {str(kind)[:40]!r}; known: {', '.join(_TYPES)}")
    at = _moment(data.get("at"), now)
    if kind == "time":
        return TimeMoves(at)
    return _BUILDERS[kind](data, at)


def _moment(value: Any, now: datetime | None) -> datetime:
    if value is None:
        if now is None:
            raise BadLineError('"at" is missing and no earlier line set the clock')
        return now
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(float(value), UTC)
        at = at if at.tzinfo is not None else at.replace(tzinfo=CHINA)
        at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise BadLineError(f'"at" is {str(value)[:40]!r}; right: "2026-12-02T11:58:00+08:00"') from None
    if not 2000 <= at.year < 2100:
        raise BadLineError(f'"at" is in the year {at.year}; right: between 2000 and 2100')
    if now is not None and at - now > MAX_AHEAD:
        raise BadLineError(f'"at" is {(at - now).days} days ahead of the clock, the limit is {MAX_AHEAD.days}')
    return at


def _text(data: dict[str, Any], key: str, *, required: bool = False, limit: int = MAX_ID) -> str:
    value = data.get(key)
    if value is None and not required:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or (required and not value):
        raise BadLineError(f'"{key}" must be a non-empty string' if required else f'"{key}" must be a string')
    if len(value) > limit:
        raise BadLineError(f'"{key}" is {len(value)} characters long, the limit is {limit}')
    # A lone surrogate can be written in JSON but not stored or sent anywhere.
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _common(data: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {"id": _text(data, "id", required=True), "at": at, "channel": NAME, "group": _text(data, "group") or None}


def _strings(data: dict[str, Any], key: str) -> tuple[str, ...]:
    values = data.get(key) or []
    if not isinstance(values, list):
        raise BadLineError(f'"{key}" must be a list')
    return tuple(dict.fromkeys(str(value)[:MAX_ID].encode("utf-8", "replace").decode() for value in values))


def _message(data: dict[str, Any], at: datetime) -> Event:
    quote = data.get("quote")
    if quote is not None and not isinstance(quote, dict):
        raise BadLineError('"quote" must be an object with id, member and text')
    return MessageReceived(
        **_common(data, at),
        member=_text(data, "member", required=True),
        name=_text(data, "name", limit=10_000),
        text=_text(data, "text", limit=MAX_LINE),
        mentions=_strings(data, "mentions"),
        form=_text(data, "kind", limit=20) or "text",
        media=_text(data, "media", limit=2_000),
        quote=None
        if quote is None
        else Quote(_text(quote, "id"), _text(quote, "member"), _text(quote, "text", limit=MAX_LINE)[:500]),
    )


def _people(data: dict[str, Any]) -> tuple[Person, ...]:
    members = data.get("members")
    if members is None and data.get("member"):
        members = [{"id": data["member"], "name": data.get("name", "")}]
    if not isinstance(members, list) or not members:
        raise BadLineError('"members" must be a non-empty list of {"id", "name"}')
    if len(members) > MAX_PEOPLE:
        raise BadLineError(f'"members" has {len(members)} entries, the limit is {MAX_PEOPLE}')
    people: dict[str, Person] = {}
    for one in members:
        entry = one if isinstance(one, dict) else {"id": one}
        person = Person(_text(entry, "id", required=True), _text(entry, "name", limit=10_000))
        people.setdefault(person.id, person)
    return tuple(people.values())


def _joined(data: dict[str, Any], at: datetime) -> Event:
    return MemberJoined(
        **_common(data, at),
        people=_people(data),
        inviter=_text(data, "inviter"),
        source=_text(data, "source"),
        history=data.get("history") is True,
    )


def _left(data: dict[str, Any], at: datetime) -> Event:
    return MemberLeft(**_common(data, at), people=_people(data))


def _contact(data: dict[str, Any], at: datetime) -> Event:
    common = _common(data, at) | {"group": None}
    return ContactAdded(
        **common,
        member=_text(data, "member", required=True),
        name=_text(data, "name", limit=10_000),
        source=_text(data, "source"),
    )


_BUILDERS: dict[str, Callable[[dict[str, Any], datetime], Event]] = {
    "message": _message,
    "joined": _joined,
    "left": _left,
    "contact_added": _contact,
}


def show(line: Line) -> dict[str, Any]:
    """A finished line as it is written out."""
    said: dict[str, Any] = {
        "type": "say", "id": line.key, "group": line.group, "member": line.member, "text": line.text,
        "mentions": list(line.mentions), "key": line.phrase, "event": line.event_id, "because": line.because,
    }  # fmt: skip
    return said | {"picture": line.picture} if line.picture else said


def show_ack(heard: Heard) -> dict[str, Any]:
    """The receipt of an event that is durable."""
    return {"type": "committed", "event": heard.event_id, "duplicate": heard.duplicate}


def show_error(number: int, reason: str) -> dict[str, Any]:
    """A line that was skipped."""
    return {"type": "error", "line": number, "error": reason}


class LineReader:
    """Lines from a file descriptor, as many as have arrived: a pipe answers at once, a file is read in large pieces."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self._skipping = False

    async def chunks(self) -> list[bytes]:
        """The next complete lines; an empty list at the end of the input."""
        while True:
            piece = await asyncio.to_thread(os.read, self._descriptor, 1 << 18)
            if not piece:
                last, self._rest = (TOO_LONG if self._skipping else self._rest), b""
                self._skipping = False
                return [last] if last.strip() else []
            lines = list(self._split(piece))
            if lines:
                return lines

    def _split(self, piece: bytes) -> Iterator[bytes]:
        *complete, rest = (self._rest + piece).split(b"\n")
        for line in complete:
            if self._skipping:
                self._skipping = False
                yield TOO_LONG
            else:
                yield line
        self._rest = rest
        if len(rest) > MAX_LINE:
            # Only that it was too long is remembered, not the line itself.
            self._rest, self._skipping = b"", True


class PipeChannel:
    """The wire in real time: every line is handed on as it arrives; answers and receipts come when they are ready."""

    name = NAME
    abilities = Abilities(max_bytes=20_000, in_flight=1_000_000)

    def __init__(
        self, descriptor: int, write: Callable[[bytes], None], now: Callable[[], datetime], *, acks: bool = False,
        pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self.pace = pace or Pace()
        self._reader = LineReader(descriptor)
        self._write = write
        self._now = now
        self._acks = acks
        self._room = asyncio.Semaphore(4_000)
        self.lines = 0
        self._nobody_reads = False

    async def run(self, hear: Hear) -> None:
        under_way: set[asyncio.Task[None]] = set()
        while lines := await self._reader.chunks():
            for raw in lines:
                self._stop_if_unread()
                self.lines += 1
                if not raw.strip():
                    continue
                try:
                    event = parse(raw, self._now())
                except BadLineError as error:
                    self.put(show_error(self.lines, str(error)))
                    continue
                if isinstance(event, Event):
                    await self._room.acquire()
                    task = asyncio.create_task(self._hand_on(event, hear))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
        if under_way:
            await asyncio.gather(*under_way)
        self._stop_if_unread()

    def _stop_if_unread(self) -> None:
        if self._nobody_reads:
            raise ChannelError("输出没有人读了，停下。已经记下的都在。")

    async def _hand_on(self, event: Event, hear: Hear) -> None:
        try:
            heard = await hear(event)
        finally:
            self._room.release()
        if self._acks and not self._nobody_reads:
            with contextlib.suppress(ChannelError):  # noted; `run` ends with it
                self.put(show_ack(heard))

    async def send(self, line: Line) -> Receipt:
        self.put(show(line))
        return Receipt()

    def put(self, data: dict[str, Any]) -> None:
        """Writes one line out. Raises ChannelError when nobody reads any more."""
        try:
            self._write(json.dumps(data, ensure_ascii=False).encode() + b"\n")
        except BrokenPipeError as error:
            self._nobody_reads = True
            raise ChannelError("nobody reads the output any more") from error

    async def close(self) -> None:
        """Standard input and output belong to the process."""
