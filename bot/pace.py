"""How fast a channel may speak: gaps that its account and each conversation keep, and how many sends are under way."""

from datetime import timedelta

from bot.channels import Channel
from bot.world import Luck, span_ms

MOST_PLACES = 5_000
"""Conversations whose next free moment is remembered; those that are free by now are forgotten first."""


class Gate:
    """The pace of one channel: when its account, and each conversation, may speak again."""

    def __init__(self, channel: Channel, luck: Luck) -> None:
        self.channel = channel
        self._luck = luck
        self._account_free = 0
        self._place_free: dict[str, int] = {}
        self.under_way = 0
        pace = channel.pace
        self._gaps = (pace.account_gap, pace.group_gap)
        self.paced = bool(pace.account_gap or pace.group_gap)

    @property
    def room(self) -> int:
        """How many more sends may be under way now."""
        return max(0, self.channel.abilities.in_flight - self.under_way)

    def book(self, place: str, key: str, now: int) -> int:
        """Takes the next free moment (ms) for a line to a place."""
        if not self.paced:
            return now
        slot = max(now, self._account_free, self._place_free.get(place, 0))
        self._account_free = slot + self._gap(self._gaps[0], "account", key)
        if len(self._place_free) >= MOST_PLACES:
            self._place_free = {name: free for name, free in self._place_free.items() if free > now}
        self._place_free[place] = slot + self._gap(self._gaps[1], "place", key)
        return slot

    def _gap(self, gap: timedelta, what: str, key: str) -> int:
        jitter = self._luck.part_of(self.channel.pace.jitter, "pace", what, key)
        return span_ms(gap + jitter)
