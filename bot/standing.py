"""What staff decided by chat, laid on settings and content as the engine does: for check, rehearsal and calendar."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.config import Config
from bot.content import Content, script_problems, setting_problems
from bot.context import zone_of
from bot.errors import ConfigError, Problem
from bot.own_beats import own_beats
from bot.scripts import OWN, Beat
from bot.world import to_ms
from storage.standing import Standing, standing_in

CHANGED = "群里改过的设置"
"""Where a setting comes from that was changed by chat: what stands in for its file."""


def standing_of(config: Config, asked: Path | None) -> Standing:
    """What stands in the database that was asked for, else in the one of this deployment; nothing when that one is not
    there yet. The file is only read. Raises ConfigError and StorageError."""
    if asked is not None and not asked.is_file():
        hint = f"不写 --db 就看设置里的 {config.settings.storage.path}"
        raise ConfigError([Problem(str(asked), "--db", "找不到这个数据库", hint)])
    return standing_in(asked or Path(config.settings.storage.path))


def lay_on(config: Config, content: Content, standing: Standing, now: datetime) -> Content:
    """Lays the changed settings on `config` and returns the content with the campaigns made by chat that will come
    again. Raises ConfigError with what does not hold, each named as operators know it."""
    problems = config.lay(standing.changes)
    for group, title in standing.groups.items():
        settings = config.group(group)
        if title and not settings.name:
            config.use(group, settings.model_copy(update={"name": title}))
    beats, bad = own_beats(standing.beats)
    beats = [beat for beat in beats if any(_comes_again(beat, config, group, now) for group in beat.groups)]
    scripts = {**content.scripts, OWN: beats} if beats else content.scripts
    problems += bad + script_problems({OWN: beats}, content.voice)
    for group in standing.changes:
        changed = {group: config.group(group)}
        problems += setting_problems(CHANGED, changed, content.scripts, content.voice, content.banks)
    if problems:
        raise ConfigError(problems)
    return replace(content, scripts=scripts)


def _comes_again(beat: Beat, config: Config, group: str, now: datetime) -> bool:
    settings = config.group(group)
    return beat.next_after(now, zone_of(settings), anchor=settings.calendar.anchor) is not None


def why_stopped(standing: Standing, config: Config, beat: Beat, group: str, due: datetime) -> str:
    """Why staff do not want a beat sent at this time, in words of staff; empty when nobody stopped it. A random minute
    is not known ahead: skipped times of such beats count by their day."""
    if not standing.pauses and not standing.skips:
        return ""
    if by := standing.paused_by(beat.id, group):
        return f"{_name(standing, config, by)} 暂停了它"
    settings = config.group(group)
    zone = zone_of(settings)
    rule = "" if beat.surprise else beat.rule(zone, settings.calendar.anchor)
    day = due.astimezone(zone).date().isoformat()
    by = standing.skipped_by(beat.id, group, to_ms(due), day=day, rule=rule)
    return f"{_name(standing, config, by)} 说这次跳过" if by else ""


def _name(standing: Standing, config: Config, staff: str) -> str:
    person = config.staff.get(staff)
    return (person.name if person else "") or standing.people.get(staff) or staff


def told(standing: Standing, now: datetime) -> str:
    """What the database adds to the files, as one line for operators; empty when it adds nothing."""
    # A rehearsal calls groups by the names of the platform: that is no change that anybody made.
    changed = [
        path for group, changes in standing.changes.items() for path, value in changes.items()
        if (path, value) != ("name", standing.groups.get(group))
    ]  # fmt: skip
    counts = {
        "聊天里建的活动 {} 个": len(standing.own),
        "暂停 {} 处": len(standing.pauses),
        "跳过 {} 次": sum(row[2] > to_ms(now) for row in standing.skips),
        "群里改过的设置 {} 处": len(changed),
    }
    said = "、".join(text.format(count) for text, count in counts.items() if count)
    return f"数据库 {standing.path}（只读）：{said}，都算进去了" if said else ""
