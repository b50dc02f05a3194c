"""The Wechaty protocol on the wire: protobuf by hand, its old (0.20) and its new (1.x, @juzi) fields."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Fields = dict[int, list[Any]]
"""What one message holds: field number -> values in order, integers or bytes."""


class WireError(ValueError):
    """These bytes are no protobuf message."""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def chunk(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    return chunk(field, value.encode()) if value else b""


def texts(field: int, values: Sequence[str]) -> bytes:
    return b"".join(chunk(field, value.encode()) for value in values)


def parse(data: bytes) -> Fields:
    """Reads any message without knowing its type; what we do not know is simply never looked at."""
    fields: Fields = {}
    at, end = 0, len(data)
    try:
        while at < end:
            key, at = _read_varint(data, at)
            kind = key & 7
            value: Any
            if kind == 2:
                size, at = _read_varint(data, at)
                value = data[at : at + size]
                at += size
            elif kind == 0:
                value, at = _read_varint(data, at)
            elif kind in {1, 5}:
                size = 8 if kind == 1 else 4
                value = data[at : at + size]
                at += size
            else:
                raise WireError(f"wire type {kind}")
            if at > end:
                raise WireError("cut short")
            fields.setdefault(key >> 3, []).append(value)
    except IndexError:
        raise WireError("cut short") from None
    return fields


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
        if shift > 63:
            raise WireError("endless number")


def string(fields: Fields, field: int) -> str:
    values = fields.get(field)
    return values[-1].decode(errors="replace") if values and isinstance(values[-1], bytes) else ""


def strings(fields: Fields, field: int) -> list[str]:
    return [value.decode(errors="replace") for value in fields.get(field, ()) if isinstance(value, bytes)]


def integer(fields: Fields, field: int) -> int:
    values = fields.get(field)
    return values[-1] if values and isinstance(values[-1], int) else 0


def nested(fields: Fields, field: int) -> Fields:
    values = fields.get(field)
    return parse(values[-1]) if values and isinstance(values[-1], bytes) else {}


def wrapped(fields: Fields, new: int, old: int) -> str:
    """A string that 1.x sends plainly and 0.20 sent inside a StringValue."""
    return string(fields, new) or string(nested(fields, old), 1)


@dataclass(slots=True)
class MessagePayload:
    """One message; the field names are those that Wechaty's own Message reads."""

    id: str
    from_id: str
    room_id: str
    to_id: str
    text: str
    kind: int
    """The number the gateway sent: the TypeScript enumeration, see FORMS."""
    timestamp: float
    """Seconds since 1970, or 0."""
    mention_ids: list[str]
    filename: str = ""
    quote_id: str = ""
    type: Any = None
    """The same as one of Wechaty's own enumeration."""


TEXT: Final = 7
FORMS: Final[Mapping[int, str]] = {
    1: "file", 2: "audio", 3: "card", 4: "history", 5: "sticker", 6: "picture", TEXT: "text", 8: "location",
    9: "mini_program", 10: "note", 11: "transfer", 12: "red_envelope", 13: "recalled", 14: "link", 15: "video",
    16: "post", 17: "channel", 18: "system", 19: "text", 20: "call", 21: "channel_card",
}  # fmt: skip
OLD_TYPES: Final[Mapping[int, int]] = {
    1: 1, 2: 2, 3: 3, 4: 8, 5: 4, 6: 5, 7: 6, 8: 9, 9: 10, 11: 11, 12: 12, 13: 13, 14: 14, 15: 7, 19: 6,
}  # fmt: skip
"""The gateway's numbers -> the 0.20 enumeration that python-wechaty knows. What it does not know becomes 0."""

EVENTS: Final[Mapping[int, str]] = {
    1: "heartbeat", 2: "message", 3: "dong", 16: "error", 17: "friendship", 18: "room-invite", 19: "room-join",
    20: "room-leave", 21: "room-topic", 22: "scan", 23: "ready", 24: "reset", 25: "login", 26: "logout", 27: "dirty",
    33: "verify-code", 34: "verify-slide",
}  # fmt: skip


def seconds(stamp: float) -> float:
    """Gateways stamp in seconds or in milliseconds; no platform of ours is older than 1973."""
    return stamp / 1000 if stamp > 1e11 else float(stamp)


def read_message(data: bytes) -> MessagePayload:
    fields = parse(data)
    received = nested(fields, 10)
    stamp = integer(received, 1) + integer(received, 2) / 1e9
    return MessagePayload(
        id=string(fields, 1),
        filename=string(fields, 2),
        text=string(fields, 3),
        kind=integer(fields, 5),
        from_id=string(fields, 6),
        room_id=string(fields, 7),
        to_id=string(fields, 8),
        mention_ids=[mention for mention in strings(fields, 9) if mention],
        timestamp=stamp or seconds(integer(fields, 4)),
        quote_id=string(fields, 11),
    )


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event of the stream: its name ("" if we know none), its JSON and the vendor's sequence number."""

    name: str
    data: Mapping[str, Any]
    seq: int = 0

    def get(self, key: str) -> str:
        value = self.data.get(key)
        return value if isinstance(value, str) else ""

    def ids(self, key: str) -> list[str]:
        value = self.data.get(key)
        return [str(item) for item in value if item] if isinstance(value, list) else []

    def stamp(self) -> float:
        value = self.data.get("timestamp")
        return seconds(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def read_event(data: bytes) -> RawEvent:
    """Never refuses: an event that cannot be read keeps its name and loses its data."""
    fields = parse(data)
    try:
        payload = json.loads(string(fields, 2) or "{}")
    except ValueError:
        payload = {}
    name = EVENTS.get(integer(fields, 1), "")
    return RawEvent(name, payload if isinstance(payload, dict) else {"data": payload}, integer(fields, 3))


@dataclass(frozen=True, slots=True)
class LinkCard:
    """A link as a card."""

    title: str
    url: str
    description: str = ""
    thumbnail: str = ""


def write_id(value: str) -> bytes:
    return text(1, value)


def write_event_request(seq: int, account: str) -> bytes:
    return number(1, seq) + text(2, account)


def write_text(to: str, line: str, mentions: Sequence[str]) -> bytes:
    return text(1, to) + text(2, line) + texts(3, mentions)


def write_link(to: str, card: LinkCard) -> bytes:
    old = {"title": card.title, "url": card.url, "description": card.description, "thumbnailUrl": card.thumbnail}
    new = text(1, card.description) + text(2, card.thumbnail) + text(3, card.title) + text(4, card.url)
    return text(1, to) + text(2, json.dumps(old, ensure_ascii=False)) + chunk(3, new)


def read_sent(data: bytes) -> str:
    """The id of a message that was just sent; some gateways give none."""
    return wrapped(parse(data), 2, 1)


def write_file(to: str, box: Mapping[str, Any]) -> bytes:
    return text(1, to) + text(2, json.dumps(box, ensure_ascii=False))


INLINE: Final = 20_000
"""Up to here a file travels inside the request, above it through the Upload stream."""


def box_inline(name: str, media_type: str, data: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(data).decode()
    return {"type": 1, "name": name, "mediaType": media_type, "size": len(data), "base64": encoded, "metadata": {}}


def box_uploaded(name: str, media_type: str, size: int, uuid: str) -> dict[str, Any]:
    return {"type": 7, "name": name, "mediaType": media_type, "size": size, "uuid": uuid, "metadata": {}}


def box_url(name: str, url: str) -> dict[str, Any]:
    return {"type": 2, "name": name, "url": url, "remoteUrl": url, "size": -1, "metadata": {}, "headers": {}}


def read_box(data: bytes) -> dict[str, Any]:
    """The description of a received file: inline base64, a UUID to download, or a URL."""
    try:
        box = json.loads(string(parse(data), 1) or "{}")
    except ValueError:
        return {}
    return box if isinstance(box, dict) else {}
