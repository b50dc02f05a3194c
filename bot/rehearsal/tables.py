"""The tables of the report: budgets, who got nothing, the outage, what people must do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.rehearsal.markup import CLASS_NAMES, items, name, section, table, text
from bot.rehearsal.posts import STATES
from bot.rehearsal.week import DAYS

ROWS, GROUPS, TASKS = 12, 30, 50
Shown = Mapping[str, Any]


def person(one: Shown) -> str:
    """Somebody, or several alike, and what is special about them."""
    others = f" 等 {one['people']} 人" if one["people"] > 1 else ""
    note = f"，{text(one['note'])}" if one["note"] and one["people"] == 1 else ""
    two = f"，同时在 {len(one['groups'])} 个群" if len(one["groups"]) > 1 else ""
    return f"{name(one['name'])}{others}{two}{note}"


def budgets(report: Shown) -> str:
    """How much of its budget each group used, and what was stopped for it."""
    names = {group["id"]: group["name"] for group in report["rehearsal"]["groups"]}
    rows = []
    for group in report["exposure"]["groups"][:GROUPS]:
        cells = "".join(_used(group["classes"][klass], word) for klass, word in CLASS_NAMES.items())
        rows.append(f"<th scope='row'>{name(names[group['id']])}</th>{cells}")
    broken = report["quota_breaks"]
    said = items(f"{text(one['title'])}：{text(one['reason'])}" for one in broken)
    what = "下面这些被预算、限额或约定拦下了：" if broken else "没有一条被预算或平台限额拦下。"
    more = len(report["exposure"]["groups"]) - GROUPS
    left = f'<p class="hint">另外 {more} 个群看 report.json。</p>' if more > 0 else ""
    heads = ("群", *CLASS_NAMES.values())
    budget = table(heads, rows).replace(" class='n'>", ">")
    return section("budgets", "预算和限额", said, budget, left, hint=f"每个群发出去几条、上限几条。{what}")


def _used(one: Shown, word: str) -> str:
    days = one["by_day"]
    week = max([sum(days[start : start + 7]) for start in range(max(1, len(days) - 6))] + [0])
    limit = max(1, one["limit_week"])
    said = f"{word} 7 天 {week} 条，上限 {one['limit_week']}"
    return (
        f"<td><meter min='0' max='{limit}' value='{min(week, limit)}' aria-label='{said}'></meter>"
        f"7 天 {week}/{one['limit_week']}<br>一天 {max([*days, 0])}/{one['limit_day']}</td>"
    )


def nothing(report: Shown) -> str:
    """Members who got nothing, and days without anything."""
    nobody, empty = report["exposure"]["members"]["nothing"], report["empty_days"]
    names = {group["id"]: group["name"] for group in report["rehearsal"]["groups"]}
    shown = nobody["listed"][:ROWS]
    people = items(f"{person(one)}（{name(names[one['groups'][0]])}）" for one in shown)
    more = nobody["people"] - sum(one["people"] for one in shown)
    some = f"{nobody['people']} 个人一条也没收到，问的话也没有："
    said = some if nobody["people"] else "每个人至少收到过一条。"
    days = items(f"{text(one['title'])}：{text(one['reason'])}" for one in empty)
    parts = [f"<h3>人</h3><p>{said}</p>{people}", f"<p>还有 {more} 人。</p>" if more > 0 else ""]
    parts.append(f"<h3>日子</h3>{days or '<p>每个开着脚本的群，每天都有内容。</p>'}")
    return section("nothing", "谁什么也没收到，哪天空着", *parts)


def outage(report: Shown) -> str:
    """What the power cut did."""
    cut = report["outage"]
    if not cut:
        return ""
    start, end = (datetime.fromisoformat(cut[one]) for one in ("from", "until"))
    groups = {group["id"]: group["name"] for group in report["rehearsal"]["groups"]}
    rows = items(
        f"{datetime.fromisoformat(one['due']):%H:%M} {name(groups.get(one['group'], ''))}「{text(one['title'])}」"
        f"{STATES[one['state']]}：{text(one['why'])}"
        for one in cut["affected"][:ROWS]
    )
    said = (
        f"周{DAYS[start.weekday()]} {start:%m-%d %H:%M} 到 {end:%H:%M} 故意停了机。这段时间该发 {cut['posts']} 条，"
        f"{cut['swallowed']} 条没发成；群友说的 {cut['unheard']} 句没听到，"
        f"{cut['heard_late']} 次进退群是后来才知道的。"
    )
    hint = "真停机也这样。怎么补由每一拍的 late 和 lateness 定：send 晚发，merge 并进下一条，ask 问员工，drop 不发。"
    return section("outage", "停机的时候", f"<p>{said}</p>{rows}", hint=hint)


def tasks(report: Shown) -> str:
    """What people must do."""
    found = report["tasks"]
    if not found:
        return ""
    groups = {group["id"]: group["name"] for group in report["rehearsal"]["groups"]}
    rows = []
    for one in found[:TASKS]:
        about = one["about"] or groups.get(one["group"], one["group"])
        due = f"{datetime.fromisoformat(one['due']):%m-%d %H:%M}"
        cells = "".join(
            f"<td class='n'>{cell}</td>" for cell in (text(one["owner"]), name(about), due, one["reminders"])
        )
        rows.append(f"<th scope='row'>{text(one['what'])}</th>{cells}")
    heads = ("要做的事", "谁做", "关于", "什么时候前", "提醒几次")
    return section("tasks", f"要人做的 {len(found)} 件事", table(heads, rows), hint="彩排里没人去做，所以都提醒了。")
