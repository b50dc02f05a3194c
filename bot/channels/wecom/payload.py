"""Reads what strangers post: XML without DOCTYPE or entities, JSON without surprises, both bounded."""

import json
import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from bot.channels.wecom.crypto import Garbled

MAX_DEPTH = 16
MAX_NODES = 20_000
PLAIN_ID = re.compile(r"[0-9A-Za-z_\-.@]{1,64}")
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Node:
    """One XML element: its own text and its children in order."""

    tag: str
    text: str = ""
    children: "list[Node]" = field(default_factory=list)

    def all(self, tag: str) -> "list[Node]":
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> "Node | None":
        return next((child for child in self.children if child.tag == tag), None)

    def word(self, tag: str) -> str:
        """The text of the one child named `tag`, or "". Two of them would be ambiguous and are refused."""
        found = self.all(tag)
        if len(found) > 1:
            raise Garbled(f"{tag} twice")
        return found[0].text if found else ""

    def number(self, tag: str) -> int:
        text = self.word(tag).strip()
        if not text:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) <= 20):
            raise Garbled(f"{tag} is no number")
        return int(text)


class _Builder:
    def __init__(self) -> None:
        self.root = Node("")
        self.open = [self.root]
        self.parts: list[list[str]] = [[]]
        self.count = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self.count += 1
        if len(self.open) > MAX_DEPTH or self.count > MAX_NODES:
            raise Garbled("XML too deep or too large")
        node = Node(tag)
        self.open[-1].children.append(node)
        self.open.append(node)
        self.parts.append([])

    def data(self, text: str) -> None:
        self.parts[-1].append(text)

    def end(self, _tag: str) -> None:
        self.open.pop().text = "".join(self.parts.pop()).strip()


def _refuse(*_: object) -> int:
    raise Garbled("DOCTYPE and entities are refused")


def parse_xml(raw: bytes) -> Node:
    """The root element. Always UTF-8, whatever the declaration says."""
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.UnparsedEntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        raw.decode("utf-8")  # expat would follow a UTF-16 mark against our word
        parser.Parse(raw, True)
        fine = bool(builder.root.children)
    except (expat.ExpatError, UnicodeDecodeError):
        fine = False
    if not fine:
        raise Garbled("not XML")
    return builder.root.children[0]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Garbled("a JSON key twice")
    return found


def _no_constant(_: str) -> Any:
    raise Garbled("NaN in JSON")


def parse_json(raw: bytes, *, trusted: bool = False) -> dict[str, Any]:
    """A JSON object whose texts can be stored; half characters (a nickname cut in an emoji) become U+FFFD.

    What strangers post must be UTF-8 with no key twice; what the platform answers over TLS (`trusted`) is read kindly.
    """
    found: Any = None
    try:
        text = raw.decode("utf-8", "replace" if trusted else "strict")
        found = json.loads(text, object_pairs_hook=None if trusted else _once, parse_constant=_no_constant)
        if "\\u" in text and SURROGATE.search(whole := json.dumps(found, ensure_ascii=False)):
            found = json.loads(SURROGATE.sub("\ufffd", whole))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Garbled("not a JSON object")
    return found


def plain_id(text: object, what: str) -> str:
    """An id that is safe in keys, paths and logs."""
    if not isinstance(text, str) or not PLAIN_ID.fullmatch(text) or text in {".", ".."}:
        raise Garbled(f"{what} is not a plain id")
    return text


def text_at(value: object, *path: str) -> str:
    """The text at a path of JSON keys, or "" where the path breaks or ends in something else."""
    for step in path:
        if not isinstance(value, dict):
            return ""
        value = value.get(step)
    return value if isinstance(value, str) else ""


def cut(text: str, limit: int) -> str:
    """The longest beginning of at most `limit` UTF-8 bytes."""
    raw = text.encode()
    return text if len(raw) <= limit else raw[:limit].decode("utf-8", "ignore")


def excess(text: str, limit: int) -> int:
    """By how many UTF-8 bytes `text` is too long; 0 when it fits."""
    return max(0, len(text.encode()) - limit)
