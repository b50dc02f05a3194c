"""A script as TOML text, from the data that `tomllib` would read out of it."""

from collections.abc import Mapping
from typing import Any

from bot.toml_text import toml_key, toml_value


def as_toml(script: Mapping[str, Any]) -> str:
    """The file of a script: its own keys first, then a table for each beat; what is inside of beats stands inline."""
    lines = [f"{toml_key(name)} = {toml_value(value)}" for name, value in script.items() if name != "beat"]
    for beat in script.get("beat", ()):
        lines += ["", "[[beat]]", *(f"{toml_key(name)} = {toml_value(value)}" for name, value in beat.items())]
    return "\n".join(lines) + "\n"
