"""The lint of the calendar: settings and content in, findings with reasons out. It changes and sends nothing."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.config import DEFAULT_GROUP, Config, nearest
from bot.content import Content
from bot.lint.audience import private_times, unheard
from bot.lint.beats import check_beat
from bot.lint.draws import check_draws
from bot.lint.findings import RULES, Finding, Rule, Severity, distinct
from bot.lint.material import Material, material_of
from bot.lint.plan import Almanac, Plan, plan
from bot.lint.texts import size, wording
from bot.lint.weeks import check_plan
from bot.scripts import Beat
from bot.settings import GroupSettings

__all__ = ["RULES", "Finding", "Rule", "Severity", "lint"]


def lint(config: Config, content: Content, now: datetime) -> list[Finding]:
    """Everything to look at in what was read and proven before, errors first. Reads the persona's files once more for
    the names of files; knows no clock but `now`."""
    material = material_of(config, content)
    return distinct(_all(material, now))


def _all(material: Material, now: datetime) -> Iterator[Finding]:
    yield from wording(material)
    yield from size(material)
    yield from check_draws(material, now)
    yield from _settings(material)
    yield from unheard(material)
    yield from private_times(material)
    heard: set[str] = set()
    looked: set[tuple[str, str]] = set()
    for one in plans(material, now):
        heard |= {beat.id for beat in one.beats}
        numbers = one.settings.lint.model_dump_json()
        for beat in one.beats:
            if (beat.id, numbers) not in looked:  # many groups, few settings
                looked.add((beat.id, numbers))
                found = check_beat(beat, material, one.settings.lint)
                yield from (each for each in found if each.rule not in one.settings.lint.off)
        yield from check_plan(one, material.content.voice.persona.profile)
    usual = material.config.group(None)
    for beat in material.beats:
        if beat.id not in heard:
            yield from check_beat(beat, material, usual.lint)


def plans(material: Material, now: datetime) -> Iterator[Plan]:
    """The coming weeks of every group; groups that hear the same under the same settings are one plan."""
    alike: dict[str, tuple[GroupSettings, list[str], list[Beat]]] = {}
    named = {group: material.config.group(group) for group in material.config.settings.groups}
    mentioned = {group: material.config.group(group) for beat in material.beats for group in beat.groups}
    for group, settings in {**mentioned, **named}.items():
        beats = [beat for beat in material.beats if beat.trigger and not beat.task and beat.plays_in(group, settings)]
        if not beats or (group == DEFAULT_GROUP and not settings.scripts):
            continue
        days = f"{settings.zone} {settings.quiet} {settings.calendar.anchor} {settings.contact.no_promo}"
        rules = f"{days} {settings.type} {settings.lint.model_dump_json()}"
        key = f"{rules} {' '.join(beat.id for beat in beats)}"
        alike.setdefault(key, (settings, [], beats))[1].append(group)
    almanacs: dict[date, Almanac] = {}
    for settings, groups, beats in alike.values():
        today = now.astimezone(ZoneInfo(settings.zone)).date()
        yield plan(tuple(groups), settings, beats, almanacs.setdefault(today, Almanac(today)))


def _settings(material: Material) -> Iterator[Finding]:
    usual = material.config.group(None).lint.off
    for group, settings in material.config.settings.groups.items():
        for name in settings.lint.off:
            if name not in RULES and (group == DEFAULT_GROUP or name not in usual):
                close = nearest(name, RULES)
                hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(RULES)}"
                key = f"groups.{group}.lint.off"
                yield Finding("lint-off", "error", material.config.file, key, f"「{name}」不是规则", hint, needle=name)
