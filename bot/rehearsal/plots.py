"""How much each member saw, as a histogram with its limit."""

from collections.abc import Sequence

from bot.rehearsal.markup import label, picture

LEFT, TOP, BOTTOM, WIDTH, HEIGHT = 34, 26, 30, 420, 200
MOST_COLUMNS = 24
THICK = 34
Spread = Sequence[Sequence[int]]
"""(lines, people) in the order of lines."""


def histogram(spread: Spread, title: str, unit: str, limit: int | None = None, said: str = "") -> str:
    """How many members (height) saw how many lines (across), with the limit as a dashed line where it is near. Many
    values share a column."""
    reach = max([count for count, _ in spread] + [3])
    near = limit is not None and limit <= reach * 2.5 + 4
    reach = max(reach, limit + 1) if limit is not None and near else reach
    step = -(-(reach + 1) // MOST_COLUMNS)
    heights = [0] * -(-(reach + 1) // step)
    for count, people in spread:
        heights[count // step] += people
    wide = (WIDTH - LEFT - 6) / len(heights)
    parts = [f'<path class="grid" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - 6}"/>', *_columns(heights, wide, step, unit)]
    parts += [label(WIDTH - 6, HEIGHT - 1, f"{unit} →", "dim", "end"), label(2, 12, "人数", "dim", "start")]
    if limit is not None and near:
        x = LEFT + (limit / step + 1) * wide
        parts.append(f'<path class="limit" d="M{x:.1f} {TOP - 4}V{HEIGHT - BOTTOM}"/>')
        right = x > WIDTH * 0.6
        parts.append(
            label(x + (-4 if right else 4), TOP - 6, f"{said} {limit}", "limit-text", "end" if right else "start")
        )
    says = f"{title}：" + "，".join(f"{count} 条 {people} 人" for count, people in spread[:30])
    return picture(WIDTH, HEIGHT, says, parts)


def _columns(heights: Sequence[int], wide: float, step: int, unit: str) -> list[str]:
    floor, highest = HEIGHT - BOTTOM, max(heights) or 1
    thick, every = min(wide - 3, THICK), max(1, -(-len(heights) // 9))
    parts = []
    for number, people in enumerate(heights):
        middle, size = LEFT + (number + 0.5) * wide, (floor - TOP) * people / highest
        size = max(size, 2.0) if people else 0.0
        where = f'x="{middle - thick / 2:.1f}" y="{floor - size:.1f}" width="{thick:.1f}" height="{size:.1f}"'
        said = f"<title>{_range(number, step)} {unit}：{people} 人</title>"
        parts.append(f'<rect class="bar" {where}>{said}</rect>')
        if people and (people >= highest * 0.12 or len(heights) <= 10):
            parts.append(label(middle, floor - size - 4, people))
        if number % every == 0:
            parts.append(label(middle, HEIGHT - 14, _range(number, step), "dim"))
    return parts


def _range(number: int, step: int) -> str:
    return str(number) if step == 1 else f"{number * step}~{number * step + step - 1}"
