"""The report of a rehearsal as plain data, for report.json and report.html. The same seed gives the same report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from bot.own_beats import own_beats
from bot.rehearsal.judge import NAMES, Problem, day_of, local, of_kind
from bot.rehearsal.posts import STATES, Post, Rows
from bot.rehearsal.run import Performance
from bot.rehearsal.seen import CLASSES, Seen
from bot.scripts.workdays import is_announced, kind_of
from bot.standing import told
from bot.world import to_ms

Report = dict[str, Any]
LISTED = 1_000
"""Members that are listed one by one at most: those who saw the most and those who saw nothing."""
DAY_KINDS = {"workday": "上班", "weekend": "周末", "holiday": "放假", "make-up": "调休上班"}


def report_of(show: Performance, posts: Sequence[Post], seen: Sequence[Seen], problems: Sequence[Problem]) -> Report:
    """Everything that an operator should know, in the order in which they should know it."""
    rows = Rows(show.app.schedule.beats)
    broken = sum(one.broken for one in problems)
    numbers: dict[int, list[int]] = {}
    for number, problem in enumerate(problems, start=1):
        for post in problem.posts:
            numbers.setdefault(id(post), []).append(number)
    states = Counter[str](post.state for post in posts)
    return {
        "summary": {
            "posts": len(posts),
            "reached": sum(post.reached for post in posts),
            "states": {state: states[state] for state in STATES if states[state]},
            "broken": broken,
            "notices": len(problems) - broken,
            "ok": not broken,
            "line": _headline(show, posts, len(problems)),
        },
        "rehearsal": _circumstances(show),
        "problems": [_problem(show, one) for one in problems],
        "posts": [{**_post(show, rows, one), "problems": numbers.get(id(one), [])} for one in posts],
        "clashes": [_problem(show, one) for one in of_kind(problems, "clash", "crowded")],
        "quota_breaks": [
            _problem(show, one)
            for one in of_kind(problems, "budget", "quota", "share", "same-kind", "no-promo")
        ],
        "empty_days": [_problem(show, one) for one in of_kind(problems, "empty-day")],
        "exposure": {"groups": _groups(show, posts), "members": _members(show, seen)},
        "tasks": _tasks(show),
        "outage": _outage(show, posts),
    }  # fmt: skip


def _headline(show: Performance, posts: Sequence[Post], problems: int) -> str:
    span = "这一周" if show.plan.days == 7 else f"这 {show.plan.days} 天"
    reached = sum(post.reached for post in posts)
    return f"{span}会发 {reached} 条，" + (f"碰到 {problems} 个问题" if problems else "没有碰到问题")


def _circumstances(show: Performance) -> Report:
    plan, crowd = show.plan, show.crowd
    heard = show.app.store.rehearsed.heard(to_ms(plan.opens))
    return {
        "from": plan.first.isoformat(), "days": plan.days, "zone": plan.zone.key, "seed": plan.seed,
        "members": plan.members, "warm_days": plan.warm_days,
        "persona": show.app.desk.content.voice.persona.name,
        "calendar": [{"date": day.isoformat(), "kind": kind_of(day), "name": DAY_KINDS[kind_of(day)]}
                     for day in plan.dates],
        "groups": [
            {
                "id": group, "name": show.config.group(group).name or group, "type": show.config.group(group).type,
                "scripts": list(show.config.group(group).scripts), "messages": heard.get((group, "message"), 0),
                "joined": heard.get((group, "joined"), 0), "left": heard.get((group, "left"), 0),
            }
            for group in plan.groups
        ],
        "talk": {"share": round(crowd.share, 4), "acts": dict(sorted(show.acted.items()))},
        "talk_by_hour": show.app.store.rehearsed.talk_by_hour(to_ms(plan.opens)),
        "notes": _notes(show),
    }  # fmt: skip


def _notes(show: Performance) -> list[str]:
    """What the reader must know about how this was made."""
    plan = show.plan
    notes = ["群友是模拟的（bot/rehearsal/crowd.toml）：数量和时间是估计，不是预测。员工不在场：要人定的都没人答。"]
    if show.crowd.share < 1:
        notes.append(
            f"群友说话是抽样的：每 {1 / show.crowd.share:.0f} 句只演 1 句；进群、退群和每一条定时内容都是全的。"
        )
    if plan.warm_days:
        notes.append(f"开始前先照排期默默发了 {plan.warm_days} 天，所以第一天的预算、占比和素材就像平常的一天。")
    read = told(show.standing, plan.opens)
    notes.append(
        f"{read}；没有往里写过。"
        if read
        else "只看了 config.toml、人设和脚本；数据库里没有聊天里建的活动，也没有停的、改过的。"
    )
    _, bad = own_beats(show.standing.beats)
    notes += [f"{one}。读不懂，跑起来也会跳过它。" for one in bad]
    years = sorted({day.year for day in plan.dates if not is_announced(day.year)})
    notes += [f"{year} 年的放假调休还没收录，先按法定节日和周末算。" for year in years]
    return notes


def _problem(show: Performance, one: Problem) -> Report:
    names = {group: show.config.group(group).name or group for group in one.groups}
    return {
        "kind": one.kind, "name": NAMES[one.kind], "broken": one.broken, "title": one.title, "reason": one.reason,
        "fix": one.fix, "rows": [{"file": row.file, "line": row.line, "what": row.what} for row in one.rows],
        "times": one.times, "groups": [{"id": group, "name": name} for group, name in list(names.items())[:20]],
        "groups_in_all": len(one.groups),
        "when": [local(show, moment).isoformat(timespec="minutes") for moment in one.moments if moment],
    }  # fmt: skip


def _post(show: Performance, rows: Rows, post: Post) -> Report:
    row = rows.of(post.beat) if post.beat else None
    return {
        "time": local(show, post.moment).isoformat(timespec="seconds"),
        "due": local(show, post.due).isoformat(timespec="seconds"), "group": post.group, "member": post.member,
        "name": show.app.store.members.name(post.member) if post.member else "",
        "beat": post.beat, "title": post.title, "text": post.text, "state": post.state,
        "state_name": STATES[post.state], "because": post.because, "why": post.why, "rule": post.rule,
        "class": post.klass, "kind": post.kind, "deal": post.deal,
        "row": {"file": row.file, "line": row.line} if row and row.file else None,
    }  # fmt: skip


def _groups(show: Performance, posts: Sequence[Post]) -> list[Report]:
    counts: dict[str, dict[str, Counter[date]]] = {}
    for post in posts:
        if post.group and post.reached:
            days = counts.setdefault(post.group, {}).setdefault(post.klass, Counter())
            days[day_of(show, post.moment)] += 1
    found = []
    for group in show.plan.groups:
        limits = {one: show.config.group(group).contact.limits(one, private=False) for one in CLASSES}
        found.append(
            {
                "id": group,
                "classes": {
                    one: {
                        "total": sum(counts.get(group, {}).get(one, Counter()).values()),
                        "by_day": [counts.get(group, {}).get(one, Counter())[day] for day in show.plan.dates],
                        "limit_day": limits[one][0], "limit_week": limits[one][1],
                    }
                    for one in CLASSES
                },
            }
        )  # fmt: skip
    return found


def _members(show: Performance, seen: Sequence[Seen]) -> Report:
    spread = {name: Counter[int]() for name in ("all", *CLASSES)}
    for one in seen:
        spread["all"][one.total] += one.people
        for klass in CLASSES:
            spread[klass][one.week(klass)] += one.people
    limits = [show.config.group(group) for group in show.plan.groups]
    nobody = [one for one in seen if not one.total and not one.answers]
    most = sorted(seen, key=lambda one: (-one.total, one.id))
    too_much = [one for one in most if _is_too_much(show, one)]
    return {
        "people": sum(one.people for one in seen),
        "spread": {name: sorted(counts.items()) for name, counts in spread.items()},
        "limits_week": {
            klass: max((one.contact.limits(klass, private=False)[1] for one in limits), default=0) for klass in CLASSES
        },
        "most_day": min((one.rehearsal.most_day for one in limits), default=0),
        "in_two_groups": sum(one.people for one in seen if len(one.groups) > 1),
        "nothing": {"people": sum(one.people for one in nobody), "listed": _listed(show, nobody)},
        "too_much": {"people": sum(one.people for one in too_much), "listed": _listed(show, too_much)},
        "listed": _listed(show, most),
    }  # fmt: skip


def _is_too_much(show: Performance, one: Seen) -> bool:
    settings = [show.config.group(show.plan.groups[number]) for number in one.groups]
    return one.busiest[0] > min(each.rehearsal.most_day for each in settings) or one.week("promo") > max(
        each.contact.promos_week for each in settings
    )


def _listed(show: Performance, people: Iterable[Seen]) -> list[Report]:
    found = []
    for one in list(people)[:LISTED]:
        found.append(
            {
                "id": one.id, "name": one.name, "people": one.people, "note": one.note,
                "groups": [show.plan.groups[number] for number in one.groups], "total": one.total,
                **{klass: sum(one.days[klass].values()) for klass in CLASSES},
                "busiest_day": one.busiest[0], "private": one.private, "answers": one.answers,
            }
        )  # fmt: skip
    return found


def _tasks(show: Performance) -> list[Report]:
    since, until = to_ms(show.plan.opens), to_ms(show.plan.closes)
    return [
        {
            "number": one.number, "what": one.what, "owner": one.owner, "group": one.group_id or "",
            "about": show.app.store.members.name(one.member_id) if one.member_id else "",
            "opened": local(show, one.created_at).isoformat(timespec="minutes"),
            "due": local(show, one.due).isoformat(timespec="minutes"), "reminders": one.reminders, "state": one.state,
        }
        for one in show.app.store.rehearsed.tasks(since, until)
    ]  # fmt: skip


def _outage(show: Performance, posts: Sequence[Post]) -> Report | None:
    outage = show.outage
    if outage is None:
        return None
    start, end = to_ms(outage.start), to_ms(outage.end)
    during = [post for post in posts if start <= post.due < end]
    states = Counter[str](post.state for post in during)
    return {
        "from": outage.start.isoformat(timespec="minutes"), "until": outage.end.isoformat(timespec="minutes"),
        "posts": len(during), "states": {state: states[state] for state in STATES if states[state]},
        "swallowed": sum(not post.reached for post in during),
        "affected": [
            {"due": local(show, post.due).isoformat(timespec="minutes"), "title": post.title, "group": post.group,
             "state": post.state, "why": post.why}
            for post in during[:100]
        ],
        "unheard": outage.unheard, "heard_late": outage.heard_late,
    }  # fmt: skip
