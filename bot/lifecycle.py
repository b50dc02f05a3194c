"""Stages of members as rules: new, active, silent, sleeping, churned by talk; new, growing, mature, declining by
purchases. Pure: a stage follows from what happened, so living through it and working it out later give the same."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bot.settings.tags import LifecycleSettings

DAY_MS = 86_400_000
NEVER = 1 << 62
"""When a stage ends that does not end by itself."""
TALK_STAGES = {"new": "新人", "active": "活跃", "silent": "沉默", "sleeping": "沉睡", "churned": "流失"}
BUY_STAGES = {"new": "首购", "growing": "成长", "mature": "成熟", "declining": "衰退"}
"""Codes of the stages and what people call them. Sources: articles 001 (both rows of stages) and 004."""


class Change(NamedTuple):
    """From `at` (ms) on a member is in `stage`; `was` is None at the beginning."""

    at: int
    stage: str
    was: str | None


class Happened(NamedTuple):
    """Something that counts for stages: join, leave, talk, or order."""

    at: int
    what: str


@dataclass(frozen=True, slots=True)
class Course:
    """How things stand with a member at one moment. `stage` is None before anything happened."""

    stage: str | None = None
    joined: int = 0
    talked: int | None = None
    left: bool = False
    orders: int = 0


def after(course: Course, one: Happened) -> Course:
    """The course once something happened; the stage is not judged yet."""
    # Built anew by place: `dataclasses.replace` would take most of the time of reading a long past.
    if one.what == "leave":
        return Course(course.stage, course.joined, course.talked, True, course.orders)
    if one.what == "join":
        return Course(course.stage, one.at, course.talked, False, course.orders)
    if one.what == "order":
        return Course(course.stage, course.joined or one.at, one.at, course.left, course.orders + 1)
    return Course(course.stage, course.joined or one.at, one.at, False, course.orders)


def talk_stage(course: Course, at: int, rules: LifecycleSettings) -> tuple[str, int]:
    """(stage, when it ends by itself) of a member at a moment (ms). Whoever never spoke is never active."""
    if course.left:
        return "churned", NEVER
    if at < course.joined + rules.new * DAY_MS:
        return "new", course.joined + rules.new * DAY_MS
    base = max(course.joined, course.talked or 0)
    quiet = at - base
    spoke = course.talked is not None and course.talked >= course.joined
    if spoke and quiet < rules.silent * DAY_MS:
        return "active", base + rules.silent * DAY_MS
    if quiet < rules.sleeping * DAY_MS:
        return "silent", base + rules.sleeping * DAY_MS
    if quiet < rules.churned * DAY_MS:
        return "sleeping", base + rules.churned * DAY_MS
    return "churned", NEVER


def buy_stage(course: Course, at: int, rules: LifecycleSettings) -> tuple[str, int]:
    """(stage, when it ends by itself) of a buyer at a moment (ms)."""
    last = course.talked or 0
    if at - last >= rules.declining * DAY_MS:
        return "declining", NEVER
    stage = "mature" if course.orders >= rules.mature else "growing" if course.orders >= rules.growing else "new"
    return stage, last + rules.declining * DAY_MS


def walk(
    course: Course, start: int, happened: Iterable[Happened], until: int, rules: LifecycleSettings, *,
    buying: bool = False,
) -> tuple[list[Change], Course, int]:  # fmt: skip
    """The changes of stage from a course at `start` on, through what happened later (in order), until `until` (ms).

    Returns them, the course at the end and when its stage ends by itself.
    """
    judge = buy_stage if buying else talk_stage
    changes: list[Change] = []
    due = NEVER if course.stage is None else judge(course, start, rules)[1]
    for one in (*happened, None):
        limit = until + 1 if one is None else one.at
        if one is not None and one.what == "talk" and limit < due and course.stage in ("active", "new"):
            # Nearly all that ever happens: somebody new or active speaks, and stays what they are.
            course = Course(course.stage, course.joined, limit, False, course.orders)
            due = limit + rules.silent * DAY_MS if course.stage == "active" else due
            continue
        while due < limit:
            stage, following = judge(course, due, rules)
            course = _turn(changes, course, due, stage)
            due = following
        if one is not None:
            course = after(course, one)
            stage, due = judge(course, one.at, rules)
            course = _turn(changes, course, one.at, stage)
    return _without_moments(changes), course, due


def _turn(changes: list[Change], course: Course, at: int, stage: str) -> Course:
    if stage != course.stage:
        changes.append(Change(at, stage, course.stage))
        return Course(stage, course.joined, course.talked, course.left, course.orders)
    return course


def _without_moments(changes: Sequence[Change]) -> list[Change]:
    """Of several changes in the same millisecond only the outcome stays."""
    kept: list[Change] = []
    for one in changes:
        if kept and kept[-1].at == one.at:
            was = kept.pop().was
            if was != one.stage:
                kept.append(Change(one.at, one.stage, was))
        else:
            kept.append(one)
    return kept


def in_order(talks: Iterable[tuple[int, int]], moves: Sequence[tuple[int, str]]) -> Iterator[Happened]:
    """First and last words of days, and joins and leaves, as one course of events. In the same millisecond somebody
    joins before they speak and speaks before they leave."""
    if not moves:
        yield from (Happened(at, "talk") for at in sorted({at for day in talks for at in day}))
        return
    rank = {"join": 0, "talk": 1, "leave": 2}
    points = {Happened(at, "talk") for day in talks for at in day} | {Happened(at, what) for at, what in moves}
    yield from sorted(points, key=lambda one: (one.at, rank[one.what]))


def course_at(
    moment: int, talks: Iterable[tuple[int, int]], moves: Iterable[tuple[int, str]], first_seen: int | None,
    rules: LifecycleSettings,
) -> Course:  # fmt: skip
    """How things stood right after a moment (ms), from the last days before it. `first_seen`: the first word ever."""
    talked = max((at for day in talks for at in day if at <= moment), default=None)
    past = [(at, what) for at, what in moves if at <= moment]
    joined = max((at for at, what in past if what == "join"), default=0)
    left = max((at for at, what in past if what == "leave"), default=None)
    if not joined and first_seen is not None and first_seen <= moment:
        joined = first_seen
    gone = left is not None and left >= max(joined if joined != first_seen else 0, talked or 0)
    course = Course(joined=joined, talked=talked, left=gone)
    if talked is None and not past:
        return course
    return replace(course, stage=talk_stage(course, moment, rules)[0])
