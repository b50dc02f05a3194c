"""Whom a command means: @ first, else the name or id that was written."""

from bot.context import Context
from bot.events import MessageReceived


def member_meant(event: MessageReceived, ctx: Context) -> tuple[str | None, str]:
    """(the one member that a command is about, what else was written). None when nobody, or more than one, fits."""
    rest = ctx.reading.verbatim.strip()
    ours = set(ctx.config.settings.bot.ids)
    called = [one for one in dict.fromkeys(event.mentions) if one not in ours]
    words = rest.split()
    if called:
        return (called[0] if len(called) == 1 else None), " ".join(one for one in words if not one.startswith("@"))
    if not words:
        return None, ""
    members = ctx.store.members
    name = words[0].removeprefix("@")
    found = members.find(name, event.group) or members.find(name, None)
    return (found[0] if len(found) == 1 else None), " ".join(words[1:])
