"""Handlers that exist only to be many: routing must not cost more when the house grows."""

from bot.context import Context
from bot.events import MessageReceived
from bot.replies import Silence, Wishes
from bot.router import Router

BUILT_IN = 8
"""Routers that the bot brings itself."""


def extra_routers(total: int) -> list[Router]:
    """As many routers as are missing to `total`, each with two words."""
    return [_router(number) for number in range(total - BUILT_IN)]


def _router(number: int) -> Router:
    router = Router(f"extra{number}")

    @router.command(word(number), f"别名{number}号", help="只在测速时有")
    def silent(event: MessageReceived, ctx: Context) -> Wishes:
        del event, ctx
        return Silence("测速")

    return router


def word(number: int) -> str:
    """What calls an added handler."""
    return f"口令{number}号"
