"""Campaigns that staff made by chat: kept in a table, planned beside those of the script files."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.context import Context
from bot.errors import ConfigError
from bot.scripts import Beat, beats_from
from bot.world import to_ms
from storage.store import Store

log = logging.getLogger("yuanzi.scripts")
SCRIPT = "own"
"""The script that they belong to: `own.n3` is the third one that was made."""
PHRASE = "post.own"
TITLE = "聊天里建的活动"


def own_beat(number: int, data: Mapping[str, Any]) -> Beat:
    """One of them as a beat. Raises ConfigError."""
    whole = {"title": TITLE, "beat": [{**data, "id": f"n{number}"}]}
    return beats_from(SCRIPT, whole, Path(f"{SCRIPT}.toml"))[0]


def with_own(scripts: Mapping[str, list[Beat]], store: Store) -> Mapping[str, list[Beat]]:
    """The scripts of the files with those made by chat. One that does not hold any more is left out, and logged."""
    beats: list[Beat] = []
    for number, title, data in store.campaigns.own():
        try:
            beats.append(own_beat(number, data))
        except ConfigError as error:
            log.error("own campaign %d (%s) is left out: %s", number, title, error)  # noqa: TRY400
    return {**scripts, SCRIPT: [*scripts.get(SCRIPT, ()), *beats]} if beats else scripts


def add_own(ctx: Context, data: Mapping[str, Any], *, by: str) -> int:
    """Writes one down and plans it from now on. Returns its number."""
    number = ctx.store.campaigns.add_own(str(data["title"]), data, at=to_ms(ctx.now), by=by, event_id=ctx.event.id)
    ctx.audit("新活动", f"{data['title']}（{SCRIPT}.n{number}）群 {'、'.join(data['groups'])}")
    ctx.desk.replan()
    return number
