"""The persona's voice: a Say becomes words: a variant by luck without repeating, slots filled, bounded length."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from bot.context import zone_of
from bot.replies import Say
from bot.settings import GroupSettings
from bot.settings.kinds import Part, Word
from bot.settings.lint import Reason
from bot.world import Luck

ALWAYS = frozenset({"hello", "bot"})
"""Slots that every phrase may use."""
MAX_SLOT = 1500
_SLOT = re.compile(r"\{([a-z_]+)\}")
_BRACED = re.compile(r"\{([^{}\n]*)\}")
_HOURS = (("night", 5), ("morning", 11), ("noon", 14), ("afternoon", 18), ("evening", 23), ("night", 24))


class Colour(Part):
    """Greetings by time of day (05-11, 11-14, 14-18, 18-23, 23-05)."""

    morning: tuple[str, ...] = Field(min_length=2)
    noon: tuple[str, ...] = Field(min_length=2)
    afternoon: tuple[str, ...] = Field(min_length=2)
    evening: tuple[str, ...] = Field(min_length=2)
    night: tuple[str, ...] = Field(min_length=2)


class Profile(Part):
    """The content mix in percent: useful, fun, product."""

    useful: int = Field(ge=0, le=100)
    fun: int = Field(ge=0, le=100)
    product: int = Field(ge=0, le=100)

    @model_validator(mode="after")
    def _whole(self) -> "Profile":
        if self.useful + self.fun + self.product != 100:
            raise ValueError(f"三项加起来应是 100，现在是 {self.useful + self.fun + self.product}")
        return self


class Persona(Part):
    """persona.toml: who speaks."""

    name: str = Field(min_length=1, max_length=20)
    signature: str = Field(min_length=1, max_length=30)  # a visitor reads no more (article 004)
    manner: tuple[str, ...] = Field(min_length=1)
    names: tuple[Word, ...] = Field(min_length=1)
    taboo: tuple[Word, ...] = ()
    allowed: dict[str, Reason] = Field(default_factory=dict, description="检查把它当违禁词、其实没问题的说法，写理由")
    profile: Profile
    colour: Colour


def slots_in(variant: str) -> set[str]:
    """The slots that a variant uses, and whatever looks like one: `{Name}` would be said as it stands."""
    return set(_BRACED.findall(variant))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A phrase put into words, and which variant was used (None for a phrase with one)."""

    text: str
    variant: int


class Voice:
    """One persona with its phrases."""

    def __init__(self, persona: Persona, phrases: Mapping[str, tuple[str, ...]]) -> None:
        self.persona = persona
        self.phrases = phrases
        # Taken apart once: text, slot, text, slot, ..., text.
        self._pieces = {
            key: tuple(tuple(_SLOT.split(variant)) for variant in variants) for key, variants in phrases.items()
        }

    def speak(
        self, say: Say, *, luck: Luck, occasion: str, now: datetime, settings: GroupSettings, last: int | None = None
    ) -> Spoken:
        """Puts a Say into words. `last` is the variant this place heard last: another one is taken.

        Raises KeyError for a phrase that the persona does not have.
        """
        variants = self.phrases[say.key]
        choice = luck.below(len(variants) - (last is not None and len(variants) > 1), "variant", say.key, occasion)
        if last is not None and len(variants) > 1 and choice >= last:
            choice += 1
        values = {name: self._value(value, luck, occasion, now, settings) for name, value in say.slots.items()}

        def fill(name: str) -> str:
            if name == "bot":
                return self.persona.name
            if name == "hello":
                return luck.pick(self._colour(now, settings), "hello", occasion)
            return values.get(name, "")

        # One pass: what a slot brings in is never read as a slot again. Taboo words are checked where texts are written
        # (bot/content.py), not here: a member's name is theirs.
        pieces = [piece if i % 2 == 0 else fill(piece) for i, piece in enumerate(self._pieces[say.key][choice])]
        return Spoken("".join(pieces).strip(), choice)

    def _value(self, value: object, luck: Luck, occasion: str, now: datetime, settings: GroupSettings) -> str:
        if isinstance(value, Say):
            return self.speak(value, luck=luck, occasion=occasion, now=now, settings=settings).text
        text = str(value)
        return text if len(text) <= MAX_SLOT else text[: MAX_SLOT - 1] + "…"

    def _colour(self, now: datetime, settings: GroupSettings) -> tuple[str, ...]:
        hour = now.astimezone(zone_of(settings)).hour
        part = next(name for name, until in _HOURS if hour < until)
        return tuple(getattr(self.persona.colour, part))


def cut(text: str, max_bytes: int) -> str:
    """Text that fits a channel's limit: cut after a whole line or sentence where there is one, with a mark."""
    if len(text) * 4 <= max_bytes or len(text.encode()) <= max_bytes:
        return text
    room = max_bytes - len("…".encode())
    kept = text.encode()[:room].decode("utf-8", "ignore")
    edge = max(kept.rfind(mark) for mark in "\n。！？；")
    return (kept[: edge + 1].rstrip() if edge > len(kept) // 2 else kept) + "…"


def pack(value: object) -> Any:
    """A slot value as plain JSON, so that a line can wait in the outbox."""
    if isinstance(value, Say):
        return {"say": value.key, "slots": {name: pack(inner) for name, inner in value.slots.items()}}
    return value if isinstance(value, int | float | str) else str(value)


def unpack(value: Any) -> object:
    """The inverse of `pack`."""
    if isinstance(value, dict):
        return Say(value["say"], {name: unpack(inner) for name, inner in value["slots"].items()})
    return value
