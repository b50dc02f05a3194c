"""The calendar of the report as inline SVG: days across, hours down, a mark for every post."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.rehearsal.markup import CLASS_NAMES, label, picture, text

Shown = Mapping[str, Any]
WIDTH = 420
LEFT, TOP = 38, 34
ROW = 17
APART = 11
"""Marks nearer than this (in the picture's units) stand beside each other."""
DAYS = "一二三四五六日"
_OFF = frozenset({"held", "missed", "merged", "asked", "lost"})
_LINES = '<rect width="2" height="6" fill="var(--bad)" opacity=".55"/>'
_SLANTED = 'width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"'
HATCH = (
    '<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs>'
    f'<pattern id="hatch" {_SLANTED}>{_LINES}</pattern></defs></svg>'
)


def mark(x: float, y: float, klass: str, state: str, size: float = 5.2) -> str:
    """A post: a circle for promotion, a square for content, a triangle for a reminder; hollow with a stroke through it
    when it did not reach anybody."""
    css = "off" if state in _OFF else klass
    if klass == "promo":
        shape = f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'
    elif klass == "content":
        side = size * 1.7
        corner = f'x="{x - side / 2:.1f}" y="{y - side / 2:.1f}"'
        shape = f'<rect class="{css}" {corner} width="{side:.1f}" height="{side:.1f}"/>'
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


def calendar(report: Shown, group: Shown, posts: Sequence[Shown]) -> str:
    """Days from left to right, hours from top to bottom, in pieces of seven days."""
    days = [date.fromisoformat(one["date"]) for one in report["rehearsal"]["calendar"]]
    pieces = [days[start : start + 7] for start in range(0, len(days), 7)]
    return "".join(_calendar(report, group, posts, piece, start * 7) for start, piece in enumerate(pieces))


def _calendar(
    report: Shown, group: Shown, posts: Sequence[Shown], days: Sequence[date], skip: int
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
        parts.append(label(x + column / 2, 13, f"周{DAYS[day.weekday()]}", "off-day" if day.weekday() >= 5 else ""))
        parts.append(label(x + column / 2, 27, f"{day:%m-%d}", "dim"))
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
        parts.append(label(LEFT - 5, y + 4, f"{hour}:00", "dim", "end"))
    parts += _outage(report, view)
    parts += _marks(own, view)
    says = f"{group['name']}：{days[0]:%m-%d} 到 {days[-1]:%m-%d} 每条定时的日子和钟点"
    return picture(WIDTH, round(height), says, parts)


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


def _outage(report: Shown, view: _View) -> list[str]:
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


def _marks(posts: Sequence[Shown], view: _View) -> list[str]:
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


def _clusters(posts: Sequence[Shown], view: _View) -> list[list[Shown]]:
    """Posts of one day that would cover each other, together."""
    found: list[list[Shown]] = []
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
