"""Who is in a segment: for campaigns, draws, previews and exports."""

from datetime import datetime, timedelta

from bot.config import Config
from bot.context import zone_of
from bot.crowd import parse, title_problem
from bot.world import to_ms
from storage.crowds import Level, Node, Setting
from storage.store import Store

MOST = 100_000
"""Members that one question names at most."""
_FURTHEST = 401


def read(store: Store, config: Config, text: str, group: str | None) -> Node:
    """The tree of an expression, or of the saved segment of that name. Raises ExpressionError."""
    expression = store.crowds.saved(text.strip()) or text
    node = parse(expression)
    problem = title_problem(expression, node, config, group)
    if problem is not None:
        raise problem
    return node


def members_of(
    store: Store, config: Config, expression: str, group: str | None, now: datetime, most: int = MOST
) -> list[str]:
    """Ids of the members of a segment (an expression or a saved name), in one group or everywhere (None).

    Staff and bots are never among them. As exact as what was learnt so far. Raises ExpressionError.
    """
    return store.crowds.members(read(store, config, expression, group), setting(config, group, now), most)


def setting(config: Config, group: str | None, now: datetime) -> Setting:
    """Where and when questions are asked."""
    rules = config.group(group)
    today = now.astimezone(zone_of(rules)).date()
    levels = rules.points.levels
    named = {config.group(one).name: one for one in config.named_groups if config.group(one).name}
    return Setting(
        group, to_ms(now), {days: (today - timedelta(days=days - 1)).isoformat() for days in range(1, _FURTHEST)},
        {
            one.title: (Level(one.at, one.days), Level(above.at, above.days) if above else None)
            for one, above in zip(levels, (*levels[1:], None), strict=True)
        },
        named, (*config.settings.bot.ids, *config.staff),
    )  # fmt: skip
