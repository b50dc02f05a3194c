"""The week as members would see it: day by day, group by group, in the persona's voice; what was not sent is grey."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from bot.rehearsal.markup import CLASS_NAMES, items, name, text
from bot.rehearsal.pictures import mark

MOST_GROUPS = 6
"""Groups that are shown; the others have the same scripts or stand in report.json."""
DAYS = "一二三四五六日"
_REACHED = frozenset({"sent", "late"})
Shown = Mapping[str, Any]


def shown_groups(report: Shown) -> list[Shown]:
    """The first group of each kind (scripts, type), then others, as many as fit."""
    groups: Sequence[Shown] = report["rehearsal"]["groups"]
    kinds: dict[tuple[object, ...], Shown] = {}
    for group in groups:
        kinds.setdefault((*group["scripts"], group["type"]), group)
    first = list(kinds.values())[:MOST_GROUPS]
    more = [group for group in groups if group not in first] if len(groups) <= MOST_GROUPS else []
    wanted = {group["id"] for group in (*first, *more)}
    return [group for group in groups if group["id"] in wanted]


def week(report: Shown) -> str:
    """Every day with its groups and private lines."""
    groups = shown_groups(report)
    by_day: dict[date, list[Shown]] = defaultdict(list)
    for post in report["posts"]:
        by_day[datetime.fromisoformat(post["time"]).date()].append(post)
    left_out = len(report["rehearsal"]["groups"]) - len(groups)
    note = f'<p class="hint">下面是 {len(groups)} 个群；另外 {left_out} 个看 report.json。</p>' if left_out > 0 else ""
    return note + "".join(
        _day(report, one, by_day[date.fromisoformat(one["date"])], groups) for one in report["rehearsal"]["calendar"]
    )


def _day(report: Shown, one: Shown, posts: Sequence[Shown], groups: Sequence[Shown]) -> str:
    day = date.fromisoformat(one["date"])
    rooms = "".join(_room(report, group, [post for post in posts if post["group"] == group["id"]]) for group in groups)
    reached = sum(post["state"] in _REACHED for post in posts)
    private = [post for post in posts if post["member"]]
    head = (
        f"<h3>周{DAYS[day.weekday()]}</h3><p>{day.month} 月 {day.day} 日，{text(one['name'])}</p><p>发 {reached} 条</p>"
    )
    body = f'<div><div class="rooms">{rooms}</div>{_private(private)}</div>'
    return f'<article class="day"><header>{head}</header>{body}</article>'


def _room(report: Shown, group: Shown, posts: Sequence[Shown]) -> str:
    lines = "".join(_line(report, post) for post in posts) or '<p class="empty">这一天没有定时内容</p>'
    return f'<div class="room"><h4>{name(group["name"])}</h4>{lines}</div>'


def _line(report: Shown, post: Shown) -> str:
    persona, moment = report["rehearsal"]["persona"], datetime.fromisoformat(post["time"])
    reached, task = post["state"] in _REACHED, post["state"] == "task"
    css = (
        "line"
        if reached and post["state"] != "late"
        else f"line {'late' if reached else 'task off' if task else 'off'}"
    )
    klass = post["class"] if post["class"] in CLASS_NAMES else ""
    sign = f'<svg viewBox="0 0 14 14" aria-hidden="true">{mark(7, 7, klass, "sent")}</svg>' if klass else ""
    tag = f'<span class="tag {klass}">{sign}{CLASS_NAMES.get(klass, "")}{"，有优惠" if post["deal"] else ""}</span>'
    who = f"{moment:%H:%M} {name('员工' if task else persona)} {text(post['title'])} {'' if task else tag}"
    face = text("员" if task else persona[:1])
    return (
        f'<div class="{css}"><span class="face" aria-hidden="true">{face}</span><div><p class="who">{who}</p>'
        f'<div class="bubble">{text(post["text"])}</div>{_whynot(post)}{_links(post)}</div></div>'
    )


def _links(post: Shown) -> str:
    links = "、".join(f'<a href="#p{number}">问题 {number}</a>' for number in post["problems"])
    return f'<p class="who">{links}</p>' if links else ""


def _whynot(post: Shown) -> str:
    if post["state"] == "sent":
        waited = post["time"][:16] != post["due"][:16] and post["why"]
        due = datetime.fromisoformat(post["due"])
        return f'<p class="who">原定 {due:%H:%M}：{text(post["why"])}</p>' if waited else ""
    why = f"：{text(post['why'])}" if post["why"] else ""
    return f'<p class="whynot">{text(post["state_name"])}{why}</p>'


def _private(posts: Sequence[Shown]) -> str:
    """Lines to single members, alike ones together: with many members there are many."""
    if not posts:
        return ""
    together: dict[tuple[str, str, str], list[Shown]] = defaultdict(list)
    for post in posts:
        together[post["title"], post["state_name"], post["why"] if post["state"] not in _REACHED else ""].append(post)
    rows = []
    for (title, state, why), alike in together.items():
        people = "、".join(name(post["name"]) for post in alike[:5])
        more = f"等 {len(alike)} 人" if len(alike) > 5 else ""
        because = f"：{text(why)}" if why else ""
        rows.append(f"{text(title)}，{people}{more}（{text(state)}{because}）")
    return f"<details><summary>私信 {len(posts)} 条</summary>{items(rows)}</details>"
