"""The lint of the calendar: settings and content in, findings with reasons out. It changes and sends nothing."""

from collections.abc import Iterator
from dataclasses import replace
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
from bot.scripts import OWN_TITLE, Beat
from bot.settings import GroupSettings
from bot.standing import why_stopped
from storage.standing import Standing

__all__ = ["RULES", "Finding", "Rule", "Severity", "lint"]


def lint(config: Config, content: Content, now: datetime, standing: Standing | None = None) -> list[Finding]:
    """Everything to look at in what was read and proven before, errors first. Reads the persona's files once more for
    the names of files; knows no clock but `now`. `standing`: what staff paused, skipped and changed by chat, where the
    settings and the content have that laid on."""
    material = material_of(config, content, standing)
    return [_in_chat(one) for one in distinct(_all(material, now))]


def _in_chat(one: Finding) -> Finding:
    """A campaign made by chat has no row to edit: it is made anew."""
    if one.file != OWN_TITLE:
        return one
    title = one.key.split(" ", 2)[2]
    return replace(one, fix=f"{one.fix}；聊天里建的没法改，发「删活动 {title}」，再「新活动」重建", needle="")


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
    standing = material.standing
    mentioned = {group: material.config.group(group) for beat in material.beats for group in beat.groups}
    for group, settings in {**mentioned, **material.groups}.items():
        beats = [
            beat for beat in material.beats
            if beat.trigger and not beat.task and beat.plays_in(group, settings)
            and standing.paused_by(beat.id, group) is None
        ]  # fmt: skip
        if not beats or (group == DEFAULT_GROUP and not settings.scripts):
            continue
        days = f"{settings.zone} {settings.quiet} {settings.calendar.anchor} {settings.contact.no_promo}"
        rules = f"{days} {settings.type} {settings.lint.model_dump_json()}"
        skips = [row[:4] for row in standing.skips if row[1] == group]
        key = f"{rules} {' '.join(beat.id for beat in beats)} {skips}"
        alike.setdefault(key, (settings, [], beats))[1].append(group)
    almanacs: dict[date, Almanac] = {}
    for settings, groups, beats in alike.values():
        today = now.astimezone(ZoneInfo(settings.zone)).date()
        one = plan(tuple(groups), settings, beats, almanacs.setdefault(today, Almanac(today)))
        sent = [post for post in one.posts if not why_stopped(standing, material.config, post.beat, groups[0], post.at)]
        yield replace(one, posts=sent)


def _settings(material: Material) -> Iterator[Finding]:
    usual = material.config.group(None).lint.off
    for group, settings in material.config.settings.groups.items():
        for name in settings.lint.off:
            if name not in RULES and (group == DEFAULT_GROUP or name not in usual):
                close = nearest(name, RULES)
                hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(RULES)}"
                key = f"groups.{group}.lint.off"
                yield Finding("lint-off", "error", material.config.file, key, f"「{name}」不是规则", hint, needle=name)
