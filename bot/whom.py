"""Whom a command is about: everybody mentioned, else one name in front."""

import re

from bot.context import Context
from bot.events import MessageReceived

AT_ONCE = 20
"""Members whom one message can be about."""


def about(event: MessageReceived, ctx: Context) -> tuple[str, list[str]]:
    """(what was written beside the names, ids). No ids when nobody, or nobody in particular, goes by that name."""
    ours, rest = set(ctx.config.settings.bot.ids), ctx.reading.verbatim
    members = [one for one in dict.fromkeys(event.mentions) if one not in ours][:AT_ONCE]
    if members:
        for name in sorted((ctx.store.members.name(one) for one in members), key=len, reverse=True):
            rest = rest.replace(f"@{name}", " ", 1)
        return " ".join(re.sub(r"@\S+", " ", rest).split()), members
    name, _, rest = rest.lstrip("@").partition(" ")
    # Whoever only talked is known by name, but not as somebody who joined here.
    found = ctx.store.members.find(name, event.group) or ctx.store.members.find(name, None) if name else []
    return rest.strip(), found if len(found) == 1 else []
