"""Values of settings as people write them: on screens for staff, and in the reference pages."""

from datetime import timedelta

from bot.settings.kinds import show_span


def shown(value: object) -> str:
    """A setting's value as staff would write it."""
    if isinstance(value, bool):
        return "开" if value else "关"
    if isinstance(value, timedelta):
        return show_span(value)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, int) for one in value):
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in value)
    if isinstance(value, tuple):
        return "、".join(map(str, value)) or "（空）"
    return str(value) if value not in ("", None) else "（空）"
