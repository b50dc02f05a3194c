"""The wires of a rehearsal: they can what the real ones can, at the real pace, and send nothing."""

from datetime import timedelta

from bot.channels import Abilities, Channel, Hear, Line, Pace, Receipt
from bot.channels.pipe import NAME as PIPE
from bot.config import Config

AT_ONCE = 1_000_000
"""Sends under way: time stands still while a batch is decided, so nothing may wait for a receipt."""
NAME = "rehearsal"


class Mute:
    """A wire that takes every line and says that it arrived."""

    def __init__(self, name: str, abilities: Abilities, pace: Pace) -> None:
        self.name = name
        self.abilities = abilities
        self.pace = pace

    async def run(self, hear: Hear) -> None:
        """Nobody to listen to."""

    async def send(self, line: Line) -> Receipt:  # noqa: ARG002  the contract of a channel
        return Receipt()

    async def close(self) -> None:
        """Nothing to let go of."""


def wires_of(config: Config) -> dict[str, Channel]:
    """A mute twin of every wire of this deployment, the one that groups are spoken to by default first. Raises
    ConfigError when their settings are wrong."""
    found: dict[str, Channel] = {}
    settings = config.settings
    if settings.wechaty or settings.wecom:
        # Their code is heavy and only loaded where they are used.
        from bot.wiring import wechaty_settings, wecom_settings  # noqa: PLC0415

        for name, one in wechaty_settings(config).items():
            gaps = (one.account_gap_seconds, one.group_gap_seconds, one.jitter_seconds)
            abilities = Abilities(speaks=one.speaks, max_bytes=one.max_bytes, in_flight=AT_ONCE)
            found[name] = Mute(name, abilities, Pace(*(timedelta(seconds=gap) for gap in gaps)))
        for wire in wecom_settings(config).wires():
            found[wire.name] = Mute(wire.name, _official(type(wire).__name__), Pace())
    pipe = settings.channels.get(PIPE)
    if pipe is not None and pipe.on:
        pace = Pace(pipe.pace.account_gap, pipe.pace.group_gap, pipe.pace.jitter)
        found[PIPE] = Mute(PIPE, Abilities(max_bytes=20_000, in_flight=AT_ONCE), pace)
    if not found:
        found[NAME] = Mute(NAME, Abilities(in_flight=AT_ONCE), Pace())
    return found


def _official(kind: str) -> Abilities:
    if kind == "ContactSettings":
        return Abilities(hears="direct", speaks="confirmed", mention=False, in_flight=AT_ONCE)
    if kind == "KfSettings":
        return Abilities(hears="direct", speaks="answer", mention=False, in_flight=AT_ONCE)
    if kind == "AiBotSettings":
        return Abilities(hears="mentioned", joins=False, mention=False, in_flight=AT_ONCE)
    return Abilities(hears="direct", joins=False, in_flight=AT_ONCE)
