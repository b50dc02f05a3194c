"""The pictures of the report as inline SVG: the week as a calendar, and how much each member saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.rehearsal.markup import CLASS_NAMES, text

WIDTH = 420
LEFT, TOP = 38, 34
ROW = 17
APART = 11
"""Marks nearer than this (in the picture's units) stand beside each other."""
DAYS = "一二三四五六日"
_OFF = frozenset({"held", "missed", "merged", "asked", "lost"})
_SHAPE = {"promo": "圆", "content": "方", "reminder": "三角"}
HATCH = (
    '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs><pattern id="hatch" width="6" height="6"'
    ' patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="2" height="6" fill="var(--bad)"'
    ' opacity=".55"/></pattern></defs></svg>'
)


def mark(x: float, y: float, klass: str, state: str, size: float = 5.2) -> str:
    """A post: a circle for promotion, a square for content, a triangle for a reminder; hollow with a stroke through it
    when it did not reach anybody."""
    css = "off" if state in _OFF else klass
    if klass == "promo":
        shape = f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'
    elif klass == "content":
        side = size * 1.7
        shape = f'<rect class="{css}" x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}"/>'
    else:
        shape = (
            f'<path class="{css}" d="M{x:.1f} {y - size:.1f}L{x + size:.1f} {y + size * 0.8:.1f}'
            f'L{x - size:.1f} {y + size * 0.8:.1f}Z"/>'
        )
    if state in _OFF:
        reach = size * 1.3
        shape += (
            f'<path class="cross" d="M{x - reach:.1f} {y + reach:.1f}L{x + reach:.1f} {y - reach:.1f}" fill="none"/>'
        )
    return shape


def legend() -> str:
    """What the marks mean."""
    parts = [
        f"<li><svg viewBox='0 0 16 16' aria-hidden='true'>{mark(8, 8, klass, 'sent')}</svg>{word}</li>"
        for klass, word in CLASS_NAMES.items()
    ]
    parts.append(
        f"<li><svg viewBox='0 0 16 16' aria-hidden='true'>{mark(8, 8, 'promo', 'held')}</svg>空心：没发成</li>"
    )
    ring = f"<circle class='ring' cx='8' cy='8' r='7'/>{mark(8, 8, 'content', 'sent', 3.6)}"
    parts.append(f"<li><svg viewBox='0 0 16 16' aria-hidden='true'>{ring}</svg>红圈：有问题</li>")
    box = "<rect class='outage' x='1' y='1' width='14' height='14'/>"
    parts.append(f"<li><svg viewBox='0 0 16 16' aria-hidden='true'>{box}</svg>停机</li>")
    heat = "<rect class='heat' x='1' y='1' width='14' height='14' opacity='.35'/>"
    parts.append(f"<li><svg viewBox='0 0 16 16' aria-hidden='true'>{heat}</svg>底色深：群友聊得多</li>")
    return f'<ul class="legend">{"".join(parts)}</ul>'


def calendar(report: Mapping[str, Any], group: Mapping[str, Any], posts: Sequence[Mapping[str, Any]]) -> str:
    """Days from left to right, hours from top to bottom, in pieces of seven days."""
    days = [date.fromisoformat(one["date"]) for one in report["rehearsal"]["calendar"]]
    pieces = [days[start : start + 7] for start in range(0, len(days), 7)]
    return "".join(_calendar(report, group, posts, piece, start * 7) for start, piece in enumerate(pieces))


def _calendar(
    report: Mapping[str, Any], group: Mapping[str, Any], posts: Sequence[Mapping[str, Any]], days: Sequence[date], skip: int
) -> str:  # fmt: skip
    column = (WIDTH - LEFT - 4) / len(days)
    own = [one for one in posts if one["group"] == group["id"] and one["state"] != "task"]
    view = _View(days, column, min([6, *(datetime.fromisoformat(one["time"]).hour for one in own)]))
    height = view.bottom + 8
    talk = dict(report["rehearsal"]["talk_by_hour"])
    loudest = max(talk.values(), default=1)
    parts = []
    for number, day in enumerate(days):
        x = LEFT + number * column
        weight = "font-weight:700" if day.weekday() >= 5 else ""
        parts.append(
            f'<text x="{x + column / 2:.1f}" y="13" text-anchor="middle" style="{weight}">周{DAYS[day.weekday()]}</text>'
        )
        parts.append(f'<text class="dim" x="{x + column / 2:.1f}" y="27" text-anchor="middle">{day:%m-%d}</text>')
        for hour in range(view.first, 24):
            count = talk.get((skip + number) * 24 + hour, 0)
            if count:
                shade = 0.05 + 0.4 * count / loudest
                parts.append(
                    f'<rect class="heat" x="{x + 1:.1f}" y="{view.y(hour)}" width="{column - 2:.1f}" height="{ROW}"'
                    f' opacity="{shade:.2f}"/>'
                )
    for hour in range(-(-view.first // 3) * 3, 25, 3):
        y = view.y(hour)
        parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - 4}"/>')
        parts.append(f'<text class="dim" x="{LEFT - 5}" y="{y + 4}" text-anchor="end">{hour}:00</text>')
    parts += _outage(report, view)
    parts += _marks(own, view)
    label = f"{group['name']}：{days[0]:%m-%d} 到 {days[-1]:%m-%d} 每条定时的日子和钟点"
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(label)}"><title>{text(label)}</title>'
        f"{''.join(parts)}</svg>"
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Where days and hours stand; hours before `first` are left out."""

    days: Sequence[date]
    column: float
    first: int

    @property
    def bottom(self) -> int:
        return TOP + (24 - self.first) * ROW

    def y(self, hour: float) -> float:
        return max(float(TOP), TOP + (hour - self.first) * ROW)

    def place(self, moment: datetime) -> float:
        return self.y(moment.hour + moment.minute / 60)


def _outage(report: Mapping[str, Any], view: _View) -> list[str]:
    outage = report["outage"]
    if not outage:
        return []
    start, end = (datetime.fromisoformat(outage[one]) for one in ("from", "until"))
    found = []
    for number, day in enumerate(view.days):
        if start.date() <= day <= end.date():
            top = view.place(start) if day == start.date() else TOP
            bottom = view.place(end) if day == end.date() else view.bottom
            x = LEFT + number * view.column
            found.append(
                f'<rect class="outage" x="{x + 1:.1f}" y="{top:.1f}" width="{view.column - 2:.1f}"'
                f' height="{max(3, bottom - top):.1f}"><title>停机</title></rect>'
            )
    return found


def _marks(posts: Sequence[Mapping[str, Any]], view: _View) -> list[str]:
    found: list[str] = []
    for cluster in _clusters(posts, view):
        for number, post in enumerate(cluster):
            moment = datetime.fromisoformat(post["time"])
            spread = min(APART + 5, (view.column - APART) / max(1, len(cluster) - 1))
            x = LEFT + (view.days.index(moment.date()) + 0.5) * view.column
            x, y = x + (number - (len(cluster) - 1) / 2) * spread, view.place(moment)
            said = f"{moment:%H:%M} {post['title']}（{CLASS_NAMES.get(post['class'], '')}，{post['state_name']}）"
            ring = f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="9.5"/>' if post["problems"] else ""
            found.append(f"<g><title>{text(said)}</title>{ring}{mark(x, y, post['class'], post['state'])}</g>")
    return found


def _clusters(posts: Sequence[Mapping[str, Any]], view: _View) -> list[list[Mapping[str, Any]]]:
    """Posts of one day that would cover each other, together."""
    found: list[list[Mapping[str, Any]]] = []
    last: tuple[date, float] | None = None
    for post in sorted(posts, key=lambda one: str(one["time"])):
        moment = datetime.fromisoformat(post["time"])
        if moment.date() not in view.days:
            continue
        here = (moment.date(), view.place(moment))
        if last is not None and last[0] == here[0] and here[1] - last[1] < APART:
            found[-1].append(post)
        else:
            found.append([post])
        last = here
    return found


def histogram(spread: Sequence[Sequence[int]], title: str, unit: str, limit: int | None = None, said: str = "") -> str:
    """How many members (height) saw how many lines (across), with the limit as a dashed line. Few columns: many values
    are put together."""
    most = max([count for count, _ in spread] + [0])
    reach = max(most, 3)
    near = limit is not None and limit <= reach * 2.5 + 4
    if near and limit is not None:
        reach = max(reach, limit + 1)
    step = -(-(reach + 1) // 24)
    columns = -(-(reach + 1) // step)
    heights = [0] * columns
    for count, people in spread:
        heights[count // step] += people
    left, top, bottom, width, height = 34, 26, 30, 420, 200
    wide, tall = (width - left - 6) / columns, height - top - bottom
    thick = min(wide - 3, 34)
    highest = max(heights) or 1
    parts = [f'<path class="grid" d="M{left} {height - bottom}H{width - 6}"/>']
    every = max(1, -(-columns // 9))
    for number, people in enumerate(heights):
        x, size = left + number * wide, tall * people / highest
        size = max(size, 2.0) if people else 0.0
        parts.append(
            f'<rect class="bar" x="{x + (wide - thick) / 2:.1f}" y="{height - bottom - size:.1f}" width="{thick:.1f}" height="{size:.1f}">'
            f"<title>{_range(number, step)} {unit}：{people} 人</title></rect>"
        )
        if people and (people >= highest * 0.12 or columns <= 10):
            parts.append(
                f'<text x="{x + wide / 2:.1f}" y="{height - bottom - size - 4:.1f}" text-anchor="middle">{people}</text>'
            )
        if number % every == 0:
            parts.append(
                f'<text class="dim" x="{x + wide / 2:.1f}" y="{height - 14}" text-anchor="middle">{_range(number, step)}</text>'
            )
    parts.append(f'<text class="dim" x="{width - 6}" y="{height - 1}" text-anchor="end">{unit} →</text>')
    parts.append('<text class="dim" x="2" y="12">人数</text>')
    if limit is not None and near:
        x = left + (limit / step + 1) * wide
        parts.append(f'<path class="limit" d="M{x:.1f} {top - 4}V{height - bottom}"/>')
        side, shift = ("end", -4) if x > width * 0.6 else ("start", 4)
        parts.append(
            f'<text class="limit-text" x="{x + shift:.1f}" y="{top - 6}" text-anchor="{side}">{text(said)} {limit}</text>'
        )
    label = f"{title}：" + "，".join(f"{count} 条 {people} 人" for count, people in spread[:30])
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{text(label)}"><title>{text(label)}</title>'
        f"{''.join(parts)}</svg>"
    )


def _range(number: int, step: int) -> str:
    return str(number) if step == 1 else f"{number * step}~{number * step + step - 1}"
