"""A setting of a group changed by chat: found by its path, proven, written down with what it was, taken back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.context import Context
from bot.digest import arm, start
from bot.errors import ConfigError, Mistake
from bot.settings import GroupSettings
from bot.shown import shown
from storage.office import UNSET

__all__ = ["BACK", "SWITCHES", "UNSET", "current", "paths", "retune", "switches", "written"]
BACK = ("默认", "恢复默认", "改回默认")
"""What staff write instead of a value to have what config.toml says."""
SWITCHES = ("开关", "开关一览")
_BY_NAME = ("scripts", "calendar.private")
"""Features that are on by naming what they play."""


def paths(model: type[BaseModel] = GroupSettings, prefix: str = "") -> dict[str, FieldInfo]:
    """Every setting of a group that can be changed by chat: path -> its field."""
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= paths(inner, f"{prefix}{name}.")
        elif name not in ("sources", "milestones", "levels", "off"):
            found[prefix + name] = field
    return found


def current(settings: GroupSettings, path: str) -> Any:
    """The value of a setting by its path."""
    value: Any = settings
    for part in path.split("."):
        value = getattr(value, part)
    return value


def switches(settings: GroupSettings) -> list[str]:
    """A row for everything that a group can have on or off."""
    rows = []
    for path, field in paths().items():
        value = current(settings, path)
        off = isinstance(value, timedelta) and path == "contact.unanswered" and not value
        if not (isinstance(value, bool) or path in _BY_NAME or path == "contact.unanswered"):
            continue
        rows.append(f"· {field.title or path}：{'关' if off else shown(value) if value != () else '关'}（{path}）")
    return rows


def written(text: str, old: object) -> Any:
    """What staff typed, as the setting's own kind: 开/关 for switches, lists by 、 or comma."""
    if isinstance(old, bool):
        switches = {"开": True, "关": False, "on": True, "off": False, "true": True, "false": False}
        return switches.get(text, text)
    if text in ("空", "（空）", "无"):
        text = ""
    if isinstance(old, tuple) and not (old and all(isinstance(one, int) for one in old)):
        return [one.strip() for one in text.replace("，", "、").replace(",", "、").split("、") if one.strip()]
    if isinstance(old, int | float) and not isinstance(old, bool):
        try:
            return float(text) if isinstance(old, float) else int(text)
        except ValueError:
            return text
    return text


def retune(
    ctx: Context, group: str, path: str, value: Any, action: str = "设置", note: str = ""
) -> tuple[str, str] | None:
    """Gives a group's setting a value, or UNSET: what the file says; proven, audited with what it was before.

    Returns (shown before, shown now), None when that is what it was already. Raises Mistake when it would be wrong.
    """
    office = ctx.store.office
    changes = dict(office.group_settings().get(group, {}))
    before, old = changes.get(path, UNSET), shown(current(ctx.config.group(group), path))
    if before is value or (before is not UNSET and before == value and type(before) is type(value)):
        return None
    if value is UNSET:
        del changes[path]
    else:
        changes[path] = value
    fresh = _proven(ctx, group, path, changes)
    if value is UNSET:
        office.unset_group(group, path)
    else:
        office.set_group(group, path, value)
    new = shown(current(fresh, path))
    back = "（改回默认）" if value is UNSET else ""
    number = ctx.audit(action, f"{note}{path}: {old} -> {new}{back}", group=group)
    office.note_change(number, group, path, before, value)
    ctx.config.use(group, fresh)
    ctx.desk.replan()
    if path == "digest.on" and current(fresh, path):
        start(ctx, group)  # no digest of a week in which it was off
    if path.startswith("digest.") or path == "zone":
        arm(ctx)
    return old, new


def _proven(ctx: Context, group: str, path: str, changes: Mapping[str, Any]) -> GroupSettings:
    """The group's settings with these changes. Raises Mistake when they would be wrong."""
    try:
        fresh = ctx.config.with_change(group, changes)
        problems = ctx.desk.clashes(group, fresh)
    except ConfigError as error:
        problems = list(error.problems)
    if problems:
        raise Mistake("settings.bad", key=path, reason=problems[0].reason, hint=problems[0].hint)
    return fresh
