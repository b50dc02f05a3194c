"""The Wechaty bot itself, on our puppet: it turns Wechaty's callbacks into calls of the channel, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.channels.wechaty_compat import NoPlugins, Wechaty, WechatyOptions, no_scheduler
from bot.channels.wechaty_kept import Bounded
from bot.channels.wechaty_puppet import ARRIVAL, GatewayPuppet
from bot.channels.wechaty_wire import MessagePayload, RawEvent


@dataclass(frozen=True, slots=True)
class Ears:
    """Who listens. No Wechaty object goes further than this."""

    message: Callable[[MessagePayload], Awaitable[None]]
    joined: Callable[[RawEvent], Awaitable[None]]
    left: Callable[[RawEvent], Awaitable[None]]
    renamed: Callable[[str, str], None]
    friendship: Callable[[str, Any], Awaitable[None]]


class Bot(Wechaty):  # type: ignore[misc]  # Wechaty has no types
    """`start` is never called: it prints, sleeps a minute and stops the event loop. The puppet's `run` runs instead."""

    def __init__(self, puppet: GatewayPuppet, ears: Ears) -> None:
        super().__init__(WechatyOptions(puppet=puppet, host="127.0.0.1", port=0, scheduler=no_scheduler()))
        self._plugin_manager = NoPlugins()
        self._ears = ears

    async def attach(self) -> None:
        """Connects Wechaty to the puppet, and gives its pools, which never forget, a bound."""
        puppet: GatewayPuppet = self.puppet
        await self.init_puppet()
        await self.init_puppet_event_bridge(puppet)
        rules = puppet.settings
        self.Contact._pool = Bounded(rules.contacts_kept)
        self.ContactSelf._pool = Bounded(10)
        self.Room._pool = rooms = Bounded[str, Any](rules.rooms_kept)

        def renew(room_id: str, payload: Any) -> None:
            if room := rooms.get(room_id):
                room._payload = payload

        puppet.room_renewed = renew

    def emit(self, event: str, *args: object, **kwargs: object) -> bool:  # noqa: ARG002
        """Nobody listens here, and the stock one writes every argument into a string first."""
        return False

    async def on_message(self, msg: Any) -> None:
        await self._ears.message(msg.payload)

    async def on_room_join(self, room: Any, invitees: Any, inviter: Any, date: Any) -> None:  # noqa: ARG002
        await self._ears.joined(ARRIVAL.get())

    async def on_room_leave(self, room: Any, leavers: Any, remover: Any, date: Any) -> None:  # noqa: ARG002
        await self._ears.left(ARRIVAL.get())

    async def on_room_topic(self, room: Any, new_topic: str, old_topic: str, changer: Any, date: Any) -> None:  # noqa: ARG002
        self._ears.renamed(room.room_id, new_topic)

    async def on_friendship(self, friendship: Any) -> None:
        await self._ears.friendship(friendship.friendship_id, friendship.payload)
