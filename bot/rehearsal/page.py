"""report.html: one file that needs nothing else, readable on a phone, for whoever plans the week."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.rehearsal.markup import CLASS_NAMES, items, name, section, table, text
from bot.rehearsal.pictures import HATCH, calendar, legend
from bot.rehearsal.plots import histogram
from bot.rehearsal.posts import STATES, Row
from bot.rehearsal.tables import budgets, nothing, outage, person, tasks
from bot.rehearsal.week import shown_groups, week

STYLE = Path(__file__).resolve().parent / "page.css"
SAFE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Even if something slipped through: the page may load and run nothing."""
ROWS = 12
Shown = Mapping[str, Any]


def page_of(report: Shown) -> str:
    """The whole page."""
    title = f"彩排 {report['rehearsal']['from']}：{report['summary']['line']}"
    body = [_top(report), "<main>", _problems(report), _calendars(report), _week(report), _seen(report)]
    body += [budgets(report), nothing(report), outage(report), tasks(report), "</main>", _footer(report)]
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{SAFE}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>\n{STYLE.read_text(encoding='utf-8')}</style></head>\n<body>{HATCH}"
        + "\n".join(body)
        + "</body></html>\n"
    )


def _top(report: Shown) -> str:
    plan, summary = report["rehearsal"], report["summary"]
    first = date.fromisoformat(plan["from"])
    last = first + timedelta(days=plan["days"] - 1)
    span = f"{first.month} 月 {first.day} 日到 {last.month} 月 {last.day} 日"
    who = f"{len(plan['groups'])} 个群，每群 {plan['members']} 人，{text(plan['persona'])} 说话"
    counts = "".join(
        f"<div><dt>{STATES[state]}</dt><dd>{count}</dd></div>" for state, count in summary["states"].items()
    )
    links = [("problems", "问题"), ("calendar", "日历"), ("week", "这一周"), ("seen", "每个人看到多少")]
    links += [("budgets", "预算"), ("nothing", "什么也没收到的人")] + ([("outage", "停机")] if report["outage"] else [])
    nav = items(f'<a href="#{where}">{word}</a>' for where, word in links)
    return (
        f'<header class="top"><p class="label">彩排报告，{span}</p><h1>{text(summary["line"])}</h1>'
        f'<p class="hint">{who}。排了 {summary["posts"]} 条，每条的下场：</p><dl class="tally">{counts}</dl>'
        f'<nav aria-label="这一页有什么">{nav}</nav></header>'
    )


# -- problems -----------------------------------------------------------------------------------------------------


def _problems(report: Shown) -> str:
    found = report["problems"]
    if not found:
        return section("problems", "问题", '<p class="good">没有撞车，没有超预算，也没有空着的日子。可以放心发。</p>')
    cards = "".join(_problem(number, one) for number, one in enumerate(found, start=1))
    broken = report["summary"]["broken"]
    hint = f"{broken} 个要改，改完再彩排一次。" if broken else "没有破规矩的，只有几处值得看一眼。"
    return section("problems", f"{len(found)} 个问题", f'<ol class="problems">{cards}</ol>', hint=hint)


def _problem(number: int, one: Shown) -> str:
    rows = "".join(f"<li><code>{text(Row(row['file'], row['line'], row['what']))}</code></li>" for row in one["rows"])
    css = "" if one["broken"] else ' class="notice"'
    kind = text(one["name"]) + ("" if one["broken"] else "，看一眼")
    return (
        f'<li{css} id="p{number}"><div><p class="kind">{number}　{kind}</p><h3>{text(one["title"])}</h3>'
        f"<p>{text(one['reason'])}</p>{_often(one)}</div>"
        f'<div class="fix"><p><b>怎么改</b> {text(one["fix"])}</p>{f"<ul>{rows}</ul>" if rows else ""}</div></li>'
    )


def _often(one: Shown) -> str:
    groups = "、".join(name(group["name"]) for group in one["groups"][:4])
    more = f"等 {one['groups_in_all']} 个群" if one["groups_in_all"] > 4 else ""
    days = [datetime.fromisoformat(when) for when in one["when"][:4]]
    when = "、".join(f"{day:%m-%d %H:%M}" for day in days)
    times = f"一共 {one['times']} 次" if one["times"] > 1 else ""
    parts = [part for part in (groups + more, when + ("……" if len(one["when"]) > 4 else ""), times) if part]
    return f'<p class="when">{"；".join(parts)}</p>' if parts else ""


# -- pictures -----------------------------------------------------------------------------------------------------


def _calendars(report: Shown) -> str:
    groups = shown_groups(report)
    figures = "".join(
        f"<figure>{calendar(report, group, report['posts'])}<figcaption>{name(group['name'])}</figcaption></figure>"
        for group in groups
    )
    hint = "横着是日子，竖着是钟点。点得密的地方容易撞车，空的那一列没人想起来。"
    return section("calendar", "一张图看完", legend(), f'<div class="calendars">{figures}</div>', hint=hint)


def _week(report: Shown) -> str:
    return section("week", "群友看到的这一周", week(report), hint="和真发出去的一样。灰色虚线的没发成，下面写着原因。")


def _seen(report: Shown) -> str:
    members = report["exposure"]["members"]
    plots = [("all", "主动内容一共几条", None, "")]
    plots += [
        (klass, f"{word}，7 天里最多几条", members["limits_week"][klass], "一个群的上限")
        for klass, word in CLASS_NAMES.items()
    ]
    figures = "".join(
        f"<figure><h3>{title}</h3>{histogram(members['spread'][key], title, '条', limit, said)}"
        f"{_far(members['spread'][key], limit)}</figure>"
        for key, title, limit, said in plots
    )
    two = f"{members['in_two_groups']} 人同时在两个群，看到的是两份。" if members["in_two_groups"] else ""
    hint = f"{members['people']} 个人，中途进群退群的也算。主动内容是没人问、机器人自己说的。{two}"
    return section("seen", "每个人看到多少", f'<div class="plots">{figures}</div>', _most(members), hint=hint)


def _far(spread: Sequence[Sequence[int]], limit: int | None) -> str:
    most = max([count for count, _ in spread] + [0])
    return f"<figcaption>最多的人 {most} 条，上限 {limit} 条。</figcaption>" if limit is not None else ""


def _most(members: Shown) -> str:
    heads = ("谁", "一共", "促销", "内容", "提醒", "最多的一天", "私信")
    rows = []
    for one in _alike(members["listed"])[:ROWS]:
        over = " over" if one["busiest_day"] > members["most_day"] else ""
        cells = "".join(f"<td class='n'>{one[key]}</td>" for key in ("total", *CLASS_NAMES))
        cells += f"<td class='n{over}'>{one['busiest_day']}</td><td class='n'>{one['private']}</td>"
        rows.append(f"<th scope='row'>{person(one)}</th>{cells}")
    caption = f"看到最多的人；一天超过 {members['most_day']} 条算太多，有 {members['too_much']['people']} 人"
    return table(heads, rows, caption)


def _alike(people: Sequence[Shown]) -> list[Shown]:
    """Neighbours with the same figures as one, with how many they are."""
    found: list[dict[str, Any]] = []
    for one in people:
        figures = [one[key] for key in (*CLASS_NAMES, "busiest_day", "private")]
        if found and figures == found[-1]["figures"] and len(one["groups"]) == len(found[-1]["groups"]):
            found[-1]["people"] += one["people"]
        else:
            found.append({**one, "figures": figures, "note": "" if one["people"] > 1 else one["note"]})
    return [one for one in found if one["total"]]


def _footer(report: Shown) -> str:
    plan = report["rehearsal"]
    options = " ".join(f"--{one} {plan[one]}" for one in ("from", "days", "members", "seed"))
    again = f"yuanzi rehearse {options} --out 目录"
    return (
        f"<footer><h2>怎么演的</h2>{items(text(one) for one in plan['notes'])}"
        f"<p>时区 {text(plan['zone'])}。再演一遍一模一样的：<code>{text(again)}</code></p></footer>"
    )
