"""What comes with the product is read once by a test process, and its tables are made once: neither changes meanwhile.

Both together take ten times as long as the rest of what most tests do. Whatever a test brings along itself (its own
persona, scripts, settings) is read each time, and what settings say is always proven.
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import bot.content
from bot.config import shipped
from bot.content import Content, read_persona
from bot.errors import Problem
from bot.scripts import Beat, load_scripts
from storage.database import Database

Declared = Mapping[str, tuple[str, ...]]
_PERSONAS: dict[tuple[Any, ...], tuple[Content | None, list[Problem]]] = {}
_SCRIPTS: dict[str, list[Beat]] = {}


def _persona(folder: Path, titles: Sequence[str], declared: Declared) -> tuple[Content | None, list[Problem]]:
    if folder.resolve().parent != shipped("persona").resolve():
        return read_persona(folder, titles, declared)
    key = (folder, *titles, *declared.items())
    if key not in _PERSONAS:
        _PERSONAS[key] = read_persona(folder, titles, declared)
    return _PERSONAS[key]


def _scripts(folder: Path | None) -> dict[str, list[Beat]]:
    if folder is not None:
        return load_scripts(folder)
    if not _SCRIPTS:
        _SCRIPTS.update(load_scripts(None))
    return {name: list(beats) for name, beats in _SCRIPTS.items()}


def read_once(patch: pytest.MonkeyPatch) -> None:
    """From now on what comes with the product is remembered."""
    patch.setattr(bot.content, "read_persona", _persona)
    patch.setattr(bot.content, "load_scripts", _scripts)


@cache
def _tables() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tables.db"
        Database.open(path, "off").close()
        return path.read_bytes()


def with_tables(path: Path) -> Path:
    """A database that was opened once before; one that is there already is left alone."""
    if not path.exists():
        path.write_bytes(_tables())
    return path
