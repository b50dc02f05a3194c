"""Titles by points earned: which one is held, what is missing to the next, what it adds to earnings. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.settings.points import Level

Earned = Callable[[int], int]
"""Points earned within the last so many days; 0: in the whole life."""
NOBODY = Level(title="成员")


@dataclass(frozen=True, slots=True)
class Standing:
    """The title held now, and the next one with the points still missing (None at the top)."""

    level: Level
    place: int
    following: Level | None
    missing: int


def standing(levels: Sequence[Level], earned: Earned) -> Standing:
    """Where somebody stands. A level with `days` must be earned anew within its days: its title expires by itself."""
    reached = [place for place, level in enumerate(levels) if earned(level.days) >= level.at]
    place = reached[-1] if reached else -1
    following = levels[place + 1] if place + 1 < len(levels) else None
    missing = following.at - earned(following.days) if following else 0
    return Standing(levels[place] if reached else NOBODY, place, following, missing)


def boosted(points: int, percent: int) -> int:
    """Points with a level's share on top, whole points, never fewer than without."""
    return points * percent // 100


def boosts(levels: Sequence[Level]) -> bool:
    """Whether any title adds to earnings: only then it is worth looking up who holds which."""
    return any(level.percent != 100 for level in levels)
