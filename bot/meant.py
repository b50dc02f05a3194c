"""Whom a command means: @ first, else the name or id that was written."""

from bot.context import Context
from bot.events import MessageReceived

MOST = 10
"""Members that one command may be about."""


def members_meant(event: MessageReceived, ctx: Context) -> tuple[list[str], str]:
    """(whom a command is about, what else was written): everybody who was @-ed, else the one member of that name.
    Nobody when no one, or more than one, goes by it."""
    rest = ctx.reading.verbatim.strip()
    ours = set(ctx.config.settings.bot.ids)
    called = [one for one in dict.fromkeys(event.mentions) if one not in ours]
    words = rest.split()
    if called:
        return called[:MOST], " ".join(one for one in words if not one.startswith("@"))
    # A name may have blanks: all that was written comes before its first word.
    for name, what in ((rest, ""), (words[0], " ".join(words[1:]))) if words else ():
        plain = name.removeprefix("@")
        found = ctx.store.members.find(plain, event.group) or ctx.store.members.find(plain, None)
        if found:
            return (found if len(found) == 1 else []), what
    return [], ""


def member_meant(event: MessageReceived, ctx: Context) -> tuple[str | None, str]:
    """(the one member that a command is about, what else was written). None when nobody, or more than one, fits."""
    members, rest = members_meant(event, ctx)
    return (members[0] if len(members) == 1 else None), rest
