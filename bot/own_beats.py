"""Campaigns that staff made by chat: kept in a table, planned beside those of the script files."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bot.context import Context
from bot.errors import ConfigError, Problem
from bot.scripts import OWN, OWN_TITLE, Beat, beats_from
from bot.world import to_ms
from storage.store import Store

log = logging.getLogger("yuanzi.scripts")
PHRASE = "post.own"
Row = tuple[int, str, Mapping[str, Any]]
"""(number, title, beat as data) as the table has them."""


def own_beat(number: int, data: Mapping[str, Any]) -> Beat:
    """One of them as a beat. Raises ConfigError."""
    return beats_from(OWN, as_script([(number, "", data)]), Path(f"{OWN}.toml"))[0]


def as_script(rows: Iterable[Row]) -> dict[str, Any]:
    """They as the data of one script file."""
    return {"title": OWN_TITLE, "beat": [{**data, "id": f"n{number}"} for number, _, data in rows]}


def own_beats(rows: Iterable[Row]) -> tuple[list[Beat], list[Problem]]:
    """They as beats, and what is wrong with those that do not hold any more."""
    beats: list[Beat] = []
    problems: list[Problem] = []
    for number, title, data in rows:
        try:
            beats.append(own_beat(number, data))
        except ConfigError as error:
            name = f"活动 #{number} {title}"
            problems += [
                Problem(OWN_TITLE, name, f"{one.key.rpartition('.')[2]}：{one.reason}", one.hint)
                for one in error.problems
            ]
    return beats, problems


def with_own(scripts: Mapping[str, list[Beat]], store: Store) -> Mapping[str, list[Beat]]:
    """The scripts of the files with those made by chat. One that does not hold any more is left out, and logged."""
    beats, problems = own_beats(store.campaigns.own())
    for one in problems:
        log.error("an own campaign is left out: %s", one)
    return {**scripts, OWN: beats} if beats else scripts


def add_own(ctx: Context, data: Mapping[str, Any], *, by: str) -> int:
    """Writes one down and plans it from now on. Returns its number."""
    number = ctx.store.campaigns.add_own(str(data["title"]), data, at=to_ms(ctx.now), by=by, event_id=ctx.event.id)
    ctx.audit("新活动", f"{data['title']}（{OWN}.n{number}）群 {'、'.join(data['groups'])}")
    ctx.desk.replan()
    return number
