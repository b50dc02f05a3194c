"""Who scores how much in a quiz: the same reckoning when a question closes and when staff re-judge it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RACE, ALL = "race", "all"
"""抢答: the first right answer wins. 全员: every right answer scores, the faster the more."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess at a question, in the order of the engine. `hints`: how many hints had been given by then."""

    member: str
    right: bool
    hints: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """What a right answer brought: its speed rank (1 = fastest) and its points."""

    member: str
    rank: int
    points: int


def settle(mode: str, guesses: Sequence[Guess], points: int, bonus: int) -> tuple[Score, ...]:
    """The scores of one question.

    抢答: the first right guess alone; the bonus is for those who needed no hint. 全员: all right guesses, the bonus
    divided by the rank.
    """
    right = [guess for guess in guesses if guess.right]
    if mode == RACE:
        return tuple(Score(one.member, 1, points + (bonus if not one.hints else 0)) for one in right[:1])
    return tuple(Score(one.member, rank, points + bonus // rank) for rank, one in enumerate(right, start=1))


def standings(scores: Iterable[tuple[int, Score]]) -> list[tuple[str, int]]:
    """(member, points), best first, of (question, score) in order. Who reached the same sum earlier stands higher."""
    sums: dict[str, int] = {}
    reached: dict[str, tuple[int, int]] = {}
    for question, score in scores:
        sums[score.member] = sums.get(score.member, 0) + score.points
        reached[score.member] = max(reached.get(score.member, (0, 0)), (question, score.rank))
    return sorted(sums.items(), key=lambda one: (-one[1], reached[one[0]], one[0]))


def changes(before: Sequence[Score], after: Sequence[Score]) -> Mapping[str, tuple[int, int]]:
    """member -> (points before, points after) of everybody whose points differ."""
    old, new = ({one.member: one.points for one in scores} for scores in (before, after))
    return {
        member: (old.get(member, 0), new.get(member, 0))
        for member in [*old, *(one for one in new if one not in old)]
        if old.get(member, 0) != new.get(member, 0)
    }
