"""The check-up of one group from the tables: for 群体检 and for a weekly digest."""

from datetime import datetime, timedelta

from bot.config import Config
from bot.context import zone_of
from bot.health import Finding, check_up, unanswered
from bot.lifecycle import TALK_STAGES
from bot.world import to_ms
from storage.store import Store

QUESTIONS = timedelta(days=2)
"""How far back questions are looked for."""


def findings(store: Store, config: Config, group: str, now: datetime) -> list[Finding]:
    """The numbers of a group over its last full days (`health.days`)."""
    settings = config.group(group)
    rules, zone = settings.health, zone_of(settings)
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    first = (today - timedelta(days=rules.days)).replace(hour=0)
    ours = [*config.settings.bot.ids, *config.staff]
    facts = store.health.facts(
        group, first.date().isoformat(), (today - timedelta(days=1)).date().isoformat(), to_ms(first), to_ms(today),
        ours,
    )  # fmt: skip
    talk = store.health.talk(group, to_ms(now - QUESTIONS))
    open_questions = unanswered(talk, ours, to_ms(now), rules.answer)
    return check_up(facts, open_questions, to_ms(now), rules)


def health_lines(store: Store, config: Config, group: str, now: datetime) -> list[str]:
    """A check-up as lines, what needs somebody first; the last line says how many members are in which stage."""
    found = sorted(findings(store, config, group, now), key=lambda one: one.state in ("good", "unknown"))
    counts = store.lifecycle.count("talk", group)
    stages = "，".join(f"{name} {counts[stage]}" for stage, name in TALK_STAGES.items() if counts.get(stage))
    return [one.line() for one in found] + ([f"阶段：{stages}"] if stages else [])


def health_row(store: Store, config: Config, group: str, now: datetime) -> str:
    """A check-up as one row of a digest: the numbers, with their band where they are outside it. Empty where there
    are too few people and lines for any number."""
    found = findings(store, config, group, now)
    told = [one for one in found if one.state != "unknown"]
    bad = [one for one in told if one.state != "good"]
    if len(told) < len(found) / 2:
        told = bad
    if not told:
        return ""
    marks = {"low": " ↓", "high": " ↑"}
    numbers = "，".join(
        f"{one.name} {one.number}" + (f"{marks[one.state]}（{one.band}）" if one in bad else "") for one in told
    )
    return f"体检：{numbers}" + ("；怎么办看「群体检」" if bad else "，都正常")
