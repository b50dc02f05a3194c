"""A script as TOML text, from the data that `tomllib` would read out of it."""

from collections.abc import Mapping
from typing import Any


def as_toml(script: Mapping[str, Any]) -> str:
    """The file of a script: its own keys first, then a table for each beat; what is inside of beats stands inline."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in script.items() if name != "beat"]
    for beat in script.get("beat", ()):
        lines += ["", "[[beat]]", *(f"{_key(name)} = {_value(value)}" for name, value in beat.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    plain = bool(name) and all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
    return name if plain else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(str(value))


def _quoted(text: str) -> str:
    out = []
    for char in text:
        if char in '"\\':
            out.append(f"\\{char}")
        elif char < " " or char == "\x7f":
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return f'"{"".join(out)}"'
