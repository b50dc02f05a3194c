"""Values as TOML text, for files that commands write: what `tomllib` reads back is what went in."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def toml_key(name: str) -> str:
    """A key, in quotes where it needs them."""
    plain = bool(name) and all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
    return name if plain else _quoted(name)


def toml_value(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(name)} = {toml_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    """A basic string. Marks that nobody sees are written by their number."""
    return '"' + "".join(_SHORT.get(one, one if one.isprintable() else _numbered(one)) for one in text) + '"'


def _numbered(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
