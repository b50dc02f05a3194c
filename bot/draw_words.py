"""What staff type about draws -> values: prizes, moments, days. Raises ValueError saying what would be right."""

import re
from datetime import datetime, timedelta
from typing import Any

from bot.settings.kinds import parse_clock, parse_span, show_span

_KINDS = ("实物", "券", "积分", "其他")
_WHEN = re.compile(
    r"^(?:(今天|明天|后天|(?:下)?周[一二三四五六日天]|(?:\d{4}-)?\d{1,2}[-月]\d{1,2}日?))?\s*(\d{1,2}:\d{2})$"
)
_NEAR = {"今天": 0, "明天": 1, "后天": 2}
_DAYS = "一二三四五六日"


def parse_prizes(text: str) -> list[dict[str, Any]]:
    """`试吃装 实物 3份；加油积分 积分50 5份 2%` -> prizes. Raises ValueError."""
    found = []
    for line in re.split(r"[\n;；]", text):
        tokens = line.replace("％", "%").split()
        if not tokens:
            continue
        prize: dict[str, Any] = {}
        if tokens[-1].endswith("%"):
            prize["odds"] = tokens.pop()
        quantity = re.fullmatch(r"[x×*]?(\d{1,5})份?", tokens.pop()) if len(tokens) > 1 else None
        if quantity is None:
            raise ValueError(f"「{line.strip()[:40]}」看不出几份，写成：试吃装 实物 3份")
        prize["quantity"] = int(quantity[1])
        points = re.fullmatch(r"积分(\d{1,7})", tokens[-1])
        if points and len(tokens) > 1:
            prize |= {"kind": "积分", "points": int(points[1])}
            tokens.pop()
        elif tokens[-1] in _KINDS and len(tokens) > 1:
            prize["kind"] = tokens.pop()
        prize["name"] = " ".join(tokens)
        found.append(prize)
    if not found:
        raise ValueError("至少写一个奖品，比如：试吃装 实物 3份")
    return found


def parse_answers(text: str) -> list[str]:
    """`白桃 / 水蜜桃` -> every wording that counts. Raises ValueError."""
    found = [" ".join(one.split()) for one in re.split(r"[/／\n]", text)]
    if not 1 <= len([one for one in found if one]) <= 20:
        raise ValueError("写 1 到 20 种答案，用 / 隔开，比如：白桃 / 水蜜桃")
    return [one for one in found if one]


def parse_when(text: str, now: datetime) -> datetime:
    """`2小时`, `20:00`, `明天 20:00`, `周五 20:00`, `12-04 20:00` -> the moment, in the zone of `now`."""
    text = " ".join(text.replace("：", ":").replace("后", "", text.endswith("后")).split())
    try:
        return now + parse_span(text.replace(" ", ""))
    except ValueError:
        pass
    match = _WHEN.match(text)
    if match is None:
        raise ValueError(f"「{text[:30]}」不是时间，写成：2小时、明天 20:00、周五 20:00、12-04 20:00")
    minute = parse_clock(match[2])
    due = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    day = match[1]
    if day is None:
        return due if due > now else due + timedelta(days=1)
    if day in _NEAR:
        return due + timedelta(days=_NEAR[day])
    if "周" in day:
        ahead = (_DAYS.index(day[-1].replace("天", "日")) - due.weekday()) % 7
        due += timedelta(days=ahead)
        return due + timedelta(days=7) if due <= now else due
    parts = [int(part) for part in re.findall(r"\d+", day)]
    year, month, number = parts if len(parts) == 3 else (now.year, *parts)
    try:
        due = due.replace(year=year, month=month, day=number)
        return due if due > now or len(parts) == 3 else due.replace(year=year + 1)
    except ValueError:
        raise ValueError(f"没有「{text[:30]}」这一天") from None


def parse_deadline(text: str, mode: str, now: datetime) -> dict[str, Any]:
    """The deadline of a draw of this mode, as fields of its plan. Raises ValueError."""
    text = text.strip().replace("：", ":").replace("—", "-").replace("~", "-")
    if mode == "daily":
        clock, _, days = text.partition(" ")
        rounds = re.fullmatch(r"(\d{1,3})天?", days.strip()) if days.strip() else None
        if days.strip() and rounds is None:
            raise ValueError("写成：20:00 7天")
        return {"time": _clock(parse_clock(clock)), "rounds": int(rounds[1]) if rounds else 7}
    if mode == "surprise":
        window, _, span = text.partition(" ")
        start, dash, end = window.partition("-")
        if not dash or not span.strip():
            raise ValueError("写成：14:00-18:00 10分钟")
        lasts = show_span(parse_span(span.replace(" ", "")))
        return {"window": f"{_clock(parse_clock(start))}-{_clock(parse_clock(end))}", "lasts": lasts}
    return {"deadline": parse_when(text, now).isoformat()}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
