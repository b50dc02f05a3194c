"""What is wrong with a rehearsed calendar: each problem with its reason, how often, and the row to change."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from bot.contact import CLASSES as CLASS_NAMES
from bot.rehearsal.posts import Post, Row, Rows
from bot.rehearsal.run import Performance
from bot.rehearsal.seen import WINDOW, Seen
from bot.world import to_ms

Kind = Literal[
    "clash", "budget", "quota", "same-kind", "share", "no-promo", "quiet", "speaks", "late", "lost", "failed", "bug",
    "promise", "empty-day", "too-much", "muted", "crowded",
]  # fmt: skip
NAMES: Mapping[str, str] = {
    "clash": "撞车", "budget": "超预算", "quota": "超平台限额", "same-kind": "同类太密", "share": "促销太多",
    "no-promo": "不促销的群", "quiet": "安静时段", "speaks": "通道不能主动说", "late": "发不出去", "lost": "不见了",
    "failed": "说不出来", "bug": "程序出错", "promise": "数据对不上", "empty-day": "空着的日子", "too-much": "看得太多",
    "muted": "静音的群", "crowded": "晚了撞在一起",
}  # fmt: skip
DAYS = "一二三四五六日"
SHOWN = 50
"""Occurrences that a problem lists; the rest is counted."""
_RULES: Mapping[str, tuple[Kind, bool, str]] = {
    "budget": ("budget", True, "少排一条，或挪到别的日子；真要多发，改群设置 contact 里的上限"),
    "quota": ("quota", True, "平台不会多给：少排一条，或挪到限额重新开始的那天"),
    "contact.same_kind_days": ("same-kind", True, "换一天发，或改这一拍的 kind，或改 contact.same_kind_days"),
    "contact.promo_share": ("share", True, "多排几条有用、好玩的，或少排一条促销"),
    "contact.no_promo": ("no-promo", True, "这一拍的 audience 或 groups 里去掉这个群，或换个不卖东西的内容"),
    "quiet": ("quiet", True, "time 挪到安静时段以外，或改群设置 quiet"),
    "speaks": ("speaks", True, "换一个能主动说话的通道，或在通道设置里写 speaks = \"first\""),
    "muted": ("muted", False, "这个群设了 muted = true；不想发就把 scripts 也去掉"),
    "lateness": ("late", True, "错开时间，或把 lateness 写长一点：排队等到能说时已经过期"),
    "contact.live_then": ("late", False, "大家正聊着；想照发就把 contact.live_then 写成 send"),
}  # fmt: skip


_WHOLE_GROUP: Mapping[str, str] = {
    "no-promo": "说好不促销，却排了促销", "speaks": "通道不能主动说话，定时都发不出去", "muted": "静音了，定时都不会发",
}  # fmt: skip
KINDS: Mapping[str, str] = {
    "new-item": "新品", "flash": "闪购", "group-buy": "拼团", "trial": "试用", "benefit": "福利", "draw": "抽奖",
    "topic": "话题", "column": "栏目", "announcement": "通知", "referral": "老带新", "member-day": "会员日",
    "lesson": "讲一讲", "follow-up": "回访", "greeting": "问候", "check-in": "签到",
}  # fmt: skip


@dataclass(slots=True)
class Problem:
    """One problem, however often it happens. `broken`: a rule is broken; otherwise something to look at."""

    kind: Kind
    title: str
    reason: str
    fix: str
    rows: tuple[Row, ...] = ()
    broken: bool = True
    times: int = 0
    groups: list[str] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    """When (ms), the first ones."""
    posts: list[Post] = field(default_factory=list)
    """The posts it is about."""

    def happens(self, group: str, moment: int, times: int = 1) -> None:
        """Once more, or for so many people."""
        self.times += times
        if group and group not in self.groups:
            self.groups.append(group)
        if len(self.moments) < SHOWN and moment not in self.moments:
            self.moments.append(moment)


class Bench:
    """Collects problems; alike ones are one."""

    def __init__(self, show: Performance) -> None:
        self.show = show
        self.rows = Rows(show.app.schedule.beats)
        self.found: dict[tuple[str, ...], Problem] = {}

    def note(
        self, name: tuple[str, ...], problem: Problem, group: str, moment: int, times: int = 1,
        about: Sequence[Post] = (),
    ) -> None:  # fmt: skip
        """A problem was seen: `name` tells alike ones, of which the first is kept."""
        known = self.found.setdefault(name, problem)
        known.rows += tuple(row for row in problem.rows if row not in known.rows)
        known.posts += about
        known.happens(group, moment, times)

    def row_of_group(self, group: str, what: str) -> Row:
        """The row of a setting of a group."""
        return Row(self.show.config.file, what=f"[groups.{group}] {what}")


def problems_of(show: Performance, posts: Sequence[Post], seen: Sequence[Seen], broken: Iterable[str]) -> list[Problem]:
    """Every problem, the broken rules first. `broken`: what `yuanzi fsck` says of the rehearsal's own database."""
    bench = Bench(show)
    _stopped(bench, posts)
    _clashes(bench, posts)
    _over_budget(bench, posts)
    _empty_days(bench, posts)
    _too_much(bench, seen)
    for route, event, note in show.app.store.rehearsed.broken(SHOWN):
        problem = Problem("bug", f"{route} 出错了", f"{note}（{event}）", "把这一行和日志发给开发的人")
        bench.note(("bug", route), problem, "", 0)
    for what in broken:
        problem = Problem("promise", "彩排完核对数据，对不上", what, "跑 yuanzi fsck 看真实的库，把这一行发给开发的人")
        bench.note(("promise", what), problem, "", 0)
    return sorted(bench.found.values(), key=lambda one: (not one.broken, min(one.moments, default=0), one.title))


def spoken_day(day: date) -> str:
    """`12-09 周三`."""
    return f"{day:%m-%d} 周{DAYS[day.weekday()]}"


def local(show: Performance, moment: int) -> datetime:
    """A moment (ms) in the zone of the rehearsal."""
    return datetime.fromtimestamp(moment / 1000, tz=UTC).astimezone(show.plan.zone)


def day_of(show: Performance, moment: int) -> date:
    """The day of a moment (ms)."""
    return local(show, moment).date()


def _clock(show: Performance, moment: int) -> str:
    when = local(show, moment)
    return f"周{DAYS[when.weekday()]} {when:%H:%M}"


def _cut(show: Performance) -> tuple[int, int]:
    """From when until when the process was down (ms)."""
    return (to_ms(show.outage.start), to_ms(show.outage.end)) if show.outage else (0, 0)


def _stopped(bench: Bench, posts: Sequence[Post]) -> None:
    """Posts that did not leave, and not because of the power cut or of what members agreed."""
    show = bench.show
    cut = _cut(show)
    for post in posts:
        if post.state not in ("held", "missed", "lost") or cut[0] <= post.due < cut[1]:
            continue
        kind, broken, fix = _RULES.get(post.rule, ("late", True, "看看原因，再决定改哪一条"))
        if post.state == "lost":
            kind = "lost"
        elif post.member and post.rule and post.rule not in _RULES:
            continue  # agreed distance, stages, purchases: the policy does what it is for
        elif not post.rule and post.why.startswith("话术"):
            kind, fix = "failed", "补上这条话术，再跑 yuanzi check"
        verb = "不会发给成员" if post.member else "发不出去"
        where = bench.rows.of(post.beat) if post.beat else Row("", what=post.title)
        title = f"{_clock(show, post.due)}「{post.title}」{verb}"

        name: tuple[str, ...] = (kind, post.rule, post.beat, "" if post.member else _clock(show, post.due))
        if kind in _WHOLE_GROUP:  # one problem of the group, not one of each post
            title = f"{show.config.group(post.group or None).name or post.group}：{_WHOLE_GROUP[kind]}"
            name = (kind, post.group)
        rows = tuple(dict.fromkeys((where, *_earlier(bench, post, posts)))) if kind == "same-kind" else (where,)
        problem = Problem(kind, title, _in_words(post), fix, rows, broken)
        bench.note(name, problem, post.group, post.due, about=[post])


def _in_words(post: Post) -> str:
    """The reason with kinds as operators call them."""
    return post.why.replace(f"「{post.kind}」", f"「{KINDS.get(post.kind, post.kind)}」")


def _earlier(bench: Bench, post: Post, posts: Sequence[Post]) -> Iterator[Row]:
    """The row of the post before which this one was too close."""
    kin = [
        one for one in posts
        if one.group == post.group and one.kind == post.kind and one.reached and one.moment < post.due and one.beat
        and day_of(bench.show, one.moment) < day_of(bench.show, post.due)
    ]  # fmt: skip
    if kin:
        yield bench.rows.of(kin[-1].beat)


def _groups_of(posts: Sequence[Post]) -> dict[str, list[Post]]:
    found: dict[str, list[Post]] = {}
    for post in posts:
        if post.group and post.beat and post.reached:
            found.setdefault(post.group, []).append(post)
    return found


def _clashes(bench: Bench, posts: Sequence[Post]) -> None:
    """Two posts of one group too close to each other: as they were planned, or because one was late."""
    show = bench.show
    for group, own in _groups_of(posts).items():
        apart = show.config.group(group).rehearsal.apart
        for first, second in pairwise(own):
            gap = timedelta(milliseconds=second.moment - first.moment)
            if gap >= apart:
                continue
            planned = timedelta(milliseconds=abs(second.due - first.due)) < apart
            name = ("clash" if planned else "crowded", first.beat, second.beat, _clock(show, second.due))
            problem = _clash(bench, first, second, gap, apart, planned=planned)
            bench.note(name, problem, group, second.moment, about=[first, second])


def _spoken(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes} 分钟" if minutes % 60 or not minutes else f"{minutes // 60} 小时"


def _clash(bench: Bench, first: Post, second: Post, gap: timedelta, apart: timedelta, *, planned: bool) -> Problem:
    show = bench.show
    both = f"{_clock(show, first.moment)}「{first.title}」和 {local(show, second.moment):%H:%M}「{second.title}」"
    minutes = int(gap.total_seconds()) // 60
    reason = f"{f'只隔 {minutes} 分钟' if minutes else '同一分钟'}，设的是至少 {_spoken(apart)}（rehearsal.apart）"
    if not planned:
        why = second.why or first.why or "排队或停机"
        return Problem("crowded", f"{both}晚到一起了", f"{reason}；{why}", "晚了并进下一条：late = \"merge\"",
                       (bench.rows.of(second.beat),), broken=False)  # fmt: skip
    return Problem(
        "clash", f"{both}撞在一起", reason, "挪开其中一条的 time",
        (bench.rows.of(second.beat), bench.rows.of(first.beat)),
    )  # fmt: skip


def _over_budget(bench: Bench, posts: Sequence[Post]) -> None:
    """Counted anew, whatever the policy thinks: no group hears more than its budget."""
    show = bench.show
    heard: dict[tuple[str, str], Counter[date]] = {}
    for post in posts:
        if post.group and post.reached:
            heard.setdefault((post.group, post.klass), Counter())[day_of(show, post.moment)] += 1
    for (group, klass), days in heard.items():
        day_limit, week_limit = show.config.group(group).contact.limits(klass, private=False)
        for day, today in days.items():
            week = sum(count for one, count in days.items() if 0 <= (one - day).days < WINDOW)
            if today > day_limit or week > week_limit:
                what = f"{spoken_day(day)} 起{CLASS_NAMES[klass]} {today} 条，7 天 {week} 条"
                reason = f"上限一天 {day_limit}、7 天 {week_limit}，触达规则没有拦住"
                bench.note(("over", group, klass), Problem("budget", what, reason, "这是程序的错，请报告"), group, 0)


def _empty_days(bench: Bench, posts: Sequence[Post]) -> None:
    """Days on which a group with scripts hears nothing. What only opens for a few days may be silent outside, and what
    the power cut swallowed is not the calendar's fault."""
    show = bench.show
    cut = _cut(show)
    heard: dict[str, set[date]] = {}
    for post in posts:
        if post.group and (post.reached or cut[0] <= post.due < cut[1]):
            heard.setdefault(post.group, set()).add(day_of(show, post.moment))
    planned = {one.group for one in show.planned if one.beat.trigger and one.beat.trigger.window is None}
    for group in show.plan.groups:
        settings = show.config.group(group)
        empty = [day for day in show.plan.dates if day not in heard.get(group, set())]
        if (
            not settings.scripts
            or not empty
            or (group not in planned and any(one.group == group for one in show.planned))
        ):
            continue
        allowed = settings.rehearsal.quiet_days * max(1, round(show.plan.days / WINDOW))
        if len(empty) <= allowed:
            continue
        scripts = "、".join(settings.scripts)
        days = "、".join(spoken_day(day) for day in empty[:WINDOW])
        row = bench.row_of_group(group, f"scripts = {list(settings.scripts)}")

        more = "……" if len(empty) > WINDOW else ""
        reason = f"脚本 {scripts} 那几天没有一条发到群里；允许空 {allowed} 天（rehearsal.quiet_days）"
        fix = "补一条话题或栏目，或让别的拍也在那天说"
        problem = Problem("empty-day", f"{days}{more} 一条也没有", reason, fix, (row,), broken=False)
        moment = to_ms(datetime(empty[0].year, empty[0].month, empty[0].day, tzinfo=show.plan.zone))
        bench.note(("empty", scripts, days), problem, group, moment)


def _too_much(bench: Bench, seen: Sequence[Seen]) -> None:
    """Members who see more than is good in a day, or more promotions in a week than one group may send."""
    show = bench.show
    for one in seen:
        settings = [show.config.group(show.plan.groups[number]) for number in one.groups]
        most = min(each.rehearsal.most_day for each in settings)
        count, day = one.busiest
        if count > most and day is not None:
            reason = f"一天最多 {most} 条（rehearsal.most_day），所有群和私信加起来"
            title = f"{spoken_day(day)} 有人一天看到 {count} 条主动内容"
            _crowd(bench, ("much", str(day)), title, reason, one)
        promos = max(each.contact.promos_week for each in settings)
        if one.week("promo") > promos:
            reason = (
                f"一个群 7 天最多 {promos} 条（contact.promos_week），这些人在 {len(one.groups)} 个群里，加起来超了"
            )
            _crowd(bench, ("promos",), f"有人 7 天看到 {one.week('promo')} 条促销", reason, one)


def _crowd(bench: Bench, name: tuple[str, ...], title: str, reason: str, one: Seen) -> None:
    problem = Problem("too-much", title, reason, "两个群的促销错开几天，或同一批人只留一个群发", broken=False)
    for place, number in enumerate(one.groups):
        bench.note(name, problem, bench.show.plan.groups[number], 0, 0 if place else one.people)


def of_kind(problems: Iterable[Problem], *kinds: Kind) -> Iterator[Problem]:
    """The problems of some kinds."""
    return (one for one in problems if one.kind in kinds)
