"""Rules for the posts of a group taken together: the mix, caps, clashes, gaps, what can never be sent. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

from bot.lint.beats import PROMOTING, found
from bot.lint.findings import Finding
from bot.lint.plan import DAY, Plan, Post
from bot.scripts import Beat
from bot.settings.lint import MIX_OF_TYPE, PROFILES
from bot.voice import Profile

BUCKETS = {"useful": "有用", "fun": "有趣和案例", "product": "产品"}
_BUCKET_OF = {"useful": "useful", "fun": "fun", "case": "fun", "product": "product"}
CLUSTERING = {"new-item", "flash", "group-buy", "trial", "benefit", "referral"}
"""Kinds of activity that come once and again; a daily topic is a habit and no cluster."""

Check = Callable[[Plan], Iterator[Finding]]


def check_plan(plan: Plan, profile: Profile) -> Iterator[Finding]:
    """Everything to say of a group's weeks; `profile` is the mix of the persona."""
    for one in [*mix(plan, profile), *(one for check in CHECKS for one in check(plan))]:
        if one.rule not in plan.settings.lint.off:
            yield one


def _target(plan: Plan, profile: Profile) -> tuple[str, tuple[int, int, int]] | None:
    """The mix that is asked of a group, with its name; None where none is."""
    chosen = plan.settings.lint.mix
    if chosen == "auto":
        chosen = MIX_OF_TYPE.get(plan.settings.type, "auto")
    if chosen == "off":
        return None
    if chosen == "auto":
        return "按人设", (profile.useful, profile.fun, profile.product)
    return f"配比 {chosen}", PROFILES[chosen]


def mix(plan: Plan, profile: Profile) -> Iterator[Finding]:
    """Useful, fun and products in their shares. The waves of a campaign are one piece of content; service is none."""
    target = _target(plan, profile)
    pieces = {(post.beat.campaign, post.day): post for post in reversed(plan.near)}
    counted = [post for post in pieces.values() if post.promotes or post.beat.content in _BUCKET_OF]
    if target is None or len(counted) < plan.settings.lint.mix_least:
        return
    if all("mix" in post.beat.lint_off for post in counted):
        return
    buckets = Counter(_bucket(post.beat) for post in counted)
    name, wanted = target if buckets["product"] else _without_products(*target)
    shares = {bucket: 100 * buckets[bucket] / len(counted) for bucket in BUCKETS}
    over = {bucket: shares[bucket] - share for bucket, share in zip(BUCKETS, wanted, strict=True)}
    if max(map(abs, over.values())) <= plan.settings.lint.mix_slack:
        return
    most = max(over, key=lambda one: over[one])
    least = min(over, key=lambda one: over[one])
    beat = Counter(post.beat.campaign for post in counted if _bucket(post.beat) == most).most_common(1)[0][0]
    first = next(post.beat for post in counted if post.beat.campaign == beat)
    now = "、".join(f"{title} {shares[bucket]:.0f}%" for bucket, title in BUCKETS.items())
    goal = f"目标 {'/'.join(map(str, wanted))}（{name}）"
    what = f"{plan.title}：{plan.settings.lint.weeks} 周里{now}（{len(counted)} 条），{goal}"
    yield found(first, "mix", what, f"少发一些{BUCKETS[most]}（「{first.title}」最多），添一些{BUCKETS[least]}")


def _without_products(name: str, wanted: tuple[int, int, int]) -> tuple[str, tuple[int, int, int]]:
    """The mix of a group that hears of no products, and need not: useful and fun in the same proportion."""
    useful, fun, _ = wanted
    share = round(100 * useful / (useful + fun)) if useful + fun else 100
    return f"{name}，不发产品", (share, 100 - share, 0)


def _bucket(beat: Beat) -> str:
    return "product" if beat.deal else _BUCKET_OF[beat.content]


def ad_share(plan: Plan) -> Iterator[Finding]:
    """No more than a share of what the group hears is about products and deals."""
    near = plan.near
    promoting = [post for post in near if post.promotes]
    share = 100 * len(promoting) / len(near) if near else 0
    if len(near) < plan.settings.lint.mix_least or share <= plan.settings.lint.ad_share:
        return
    if all("ad-share" in post.beat.lint_off for post in promoting):
        return
    first = Counter(post.beat.campaign for post in promoting).most_common(1)[0][0]
    beat = next(post.beat for post in promoting if post.beat.campaign == first)
    what = f"{plan.title}：{len(near)} 条里 {len(promoting)} 条是产品和优惠，占 {share:.0f}%"
    yield found(beat, "ad-share", what, f"不超过 {plan.settings.lint.ad_share}%：添话题、栏目，或少发产品")


def promo_week(plan: Plan) -> Iterator[Finding]:
    """At most so many posts about products and deals in a week."""
    weeks: dict[date, list[Post]] = {}
    for post in plan.posts:
        if post.promotes:
            weeks.setdefault(post.day - post.day.weekday() * DAY, []).append(post)
    most = plan.settings.lint.promo_week
    full = {week: posts for week, posts in weeks.items() if len(posts) > most and not _silent(posts, "promo-week")}
    if full:
        week, posts = max(full.items(), key=lambda one: (len(one[1]), -one[0].toordinal()))
        titles = "、".join(dict.fromkeys(post.beat.title for post in posts))
        what = f"{plan.title}：{week:%m-%d} 那一周 {len(posts)} 条推广（{titles}）"
        yield found(posts[-1].beat, "promo-week", what, f"一周最多 {most} 条，挪几条到别的周")


def _silent(posts: list[Post], rule: str) -> bool:
    return any(rule in post.beat.lint_off for post in posts)


def member_day(plan: Plan) -> Iterator[Finding]:
    """Member days are rare."""
    months: dict[str, dict[date, Post]] = {}
    for post in plan.posts:
        if post.beat.kind == "member-day":
            months.setdefault(f"{post.day:%Y-%m}", {})[post.day] = post
    most = plan.settings.lint.member_days
    for month, days in months.items():
        posts = list(days.values())
        if len(posts) > most and not _silent(posts, "member-day"):
            what = f"{plan.title}：{month} 有 {len(posts)} 个会员日（{'、'.join(f'{day:%m-%d}' for day in days)}）"
            yield found(posts[-1].beat, "member-day", what, f"一个月最多 {most} 个")
            return


def two_deals(plan: Plan) -> Iterator[Finding]:
    """Not two deals on one day."""
    for day, posts in _by_day(post for post in plan.posts if post.beat.deal).items():
        deals = {post.beat.campaign: post for post in posts}
        chosen = list(deals.values())
        if len(deals) > plan.settings.lint.deals_day and not _silent(chosen, "two-deals"):
            titles = "、".join(f"「{post.beat.title}」" for post in chosen)
            what = f"{plan.title}：{day} 一天 {len(deals)} 个优惠：{titles}"
            yield found(chosen[-1].beat, "two-deals", what, f"一天最多 {plan.settings.lint.deals_day} 个，挪开一天")
            return


def new_items(plan: Plan) -> Iterator[Finding]:
    """Several new-item posts of one day bring their items together."""
    for day, posts in _by_day(post for post in plan.posts if post.beat.kind == "new-item").items():
        new = {post.beat.campaign: post for post in posts}
        items = {item for post in new.values() for item in post.beat.items}
        if len(new) > 1 and len(items) != plan.settings.lint.new_items and not _silent([*new.values()], "two-items"):
            what = f"{plan.title}：{day} 有 {len(new)} 条新品，一共 {len(items)} 样"
            yield found([*new.values()][-1].beat, "two-items", what, f"一天正好 {plan.settings.lint.new_items} 样")
            return


def _by_day(posts: Iterable[Post]) -> Mapping[date, list[Post]]:
    days: dict[date, list[Post]] = {}
    for post in posts:
        days.setdefault(post.day, []).append(post)
    return days


def cluster(plan: Plan) -> Iterator[Finding]:
    """The same kind of activity does not come again within some days; waves of one day are one activity."""
    gaps = dict.fromkeys(CLUSTERING, plan.settings.lint.kind_gap) | {"draw": plan.settings.lint.draw_gap}
    for kind, gap in gaps.items():
        days = {post.day: post for post in reversed(plan.posts) if post.beat.kind == kind}
        for earlier, later in pairwise(sorted(days.values(), key=lambda one: one.at)):
            apart = (later.day - earlier.day).days
            if apart < gap and not _silent([earlier, later], "cluster"):
                titles = " 和 ".join(f"「{post.beat.title}」{post.day:%m-%d}" for post in (earlier, later))
                what = f"{plan.title}：{titles} 都是 {kind}，只隔 {apart} 天"
                yield found(later.beat, "cluster", what, f"隔 {gap} 天以上，中间换一种活动")
                break
        else:
            yield from _same_day(plan, kind)


def _same_day(plan: Plan, kind: str) -> Iterator[Finding]:
    for day, posts in _by_day(post for post in plan.posts if post.beat.kind == kind).items():
        same = {post.beat.campaign: post for post in posts}
        if kind != "new-item" and len(same) > 1 and not _silent([*same.values()], "cluster"):
            titles = "、".join(f"「{post.beat.title}」" for post in same.values())
            yield found(
                [*same.values()][-1].beat,
                "cluster",
                f"{plan.title}：{day} 一天 {len(same)} 个 {kind}：{titles}",
                "只留一个",
            )
            return


def no_promo(plan: Plan) -> Iterator[Finding]:
    """A group without promotion gets nothing that promotes, whatever it is labelled."""
    if not plan.settings.contact.no_promo:
        return
    for beat in plan.beats:
        if beat.kind in PROMOTING and "no-promo" not in beat.lint_off:
            what = f"{plan.title}不做推广，却会收到「{beat.title}」（{beat.kind}）"
            yield found(
                beat, "no-promo", what, '写上 content = "product" 或 deal = true，就不会发到那里', severity="error"
            )


def quiet(plan: Plan) -> Iterator[Finding]:
    """Posts in quiet hours wait until these end; those that may not wait so long are never sent."""
    hours = plan.settings.quiet
    if hours is None or hours[0] == hours[1]:
        return
    shown = f"{_clock(hours[0])}-{_clock(hours[1])}"
    for beat in plan.beats:
        if beat.trigger is None or "quiet" in beat.lint_off:
            continue
        window = beat.trigger.between
        waits = {minute: _wait(minute, hours) for minute in (window or beat.trigger.minutes)}
        inside = {minute: wait for minute, wait in waits.items() if wait}
        if not inside:
            continue
        never = [minute for minute, wait in inside.items() if timedelta(minutes=wait) >= _patience(beat)]
        clocks = "、".join(map(_clock, never or inside))
        sure = bool(never) and (window is None or len(never) == len(waits))
        what = f"{plan.title}：「{beat.title}」{clocks} 在安静时段 {shown} 里，" + (
            "等不到它结束，永远发不出去" if sure else "有时发不出去" if never else f"要等到 {_clock(hours[1])} 才发"
        )
        yield found(beat, "quiet", what, "换个钟点，或者改这个群的 quiet", severity="error" if sure else "warning")


def _wait(minute: int, hours: tuple[int, int]) -> int:
    """Minutes until the quiet hours end that hold this minute; 0 outside of them."""
    start, end = hours
    inside = start <= minute < end if start < end else minute >= start or minute < end
    return (end - minute) % (24 * 60) if inside else 0


def _patience(beat: Beat) -> timedelta:
    """How long a post that fell due in time may wait, as bot/posting.py has it."""
    return beat.lateness if beat.late == "send" else max(beat.lateness, timedelta(minutes=15))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def empty_days(plan: Plan) -> Iterator[Finding]:
    """A group with a rhythm has no long silence. Scripts with a window speak only in it, and what was made by chat is
    an extra."""
    lasting = [
        beat for beat in plan.beats
        if beat.trigger is not None and beat.trigger.window is None and not beat.made_by_chat
    ]  # fmt: skip
    if not lasting:
        return
    days = {post.day for post in plan.near}
    most, run, longest, ended = plan.settings.lint.empty_days, 0, 0, plan.start
    for number in range((plan.end - plan.start).days):
        day = plan.start + number * DAY
        run = 0 if day in days else run + 1
        if run > longest:
            longest, ended = run, day
    if longest > most and not all("empty-days" in beat.lint_off for beat in lasting):
        begun = ended - (longest - 1) * DAY
        what = f"{plan.title}：{begun:%m-%d} 到 {ended:%m-%d} 连着 {longest} 天没有内容"
        yield found(lasting[0], "empty-days", what, f"最多空 {most} 天，添个话题或栏目；有意留白就写 lint_off")


def crowded(plan: Plan) -> Iterator[Finding]:
    """Two posts of a group keep their distance; a random minute is a matter of luck."""
    seen: set[tuple[str, str]] = set()
    fixed = [post for post in plan.posts if not post.beat.surprise]
    for earlier, later in pairwise(fixed):
        pair = (earlier.beat.id, later.beat.id)
        apart = later.at - earlier.at
        if pair in seen or (apart and apart >= plan.settings.lint.apart) or _silent([earlier, later], "crowded"):
            continue
        seen.add(pair)
        gap = "同一分钟" if not apart else f"只隔 {int(apart.total_seconds() // 60)} 分钟"
        what = f"{plan.title}：{later.at:%m-%d %H:%M}「{earlier.beat.title}」和「{later.beat.title}」{gap}"
        yield found(later.beat, "crowded", what, "错开时间，或者并成一条")


def over(plan: Plan) -> Iterator[Finding]:
    """Beats of the group that will never be due again."""
    for beat in plan.beats:
        # What was made by chat for one evening is over after it, and `活动` says so.
        if not beat.made_by_chat and "nobody" not in beat.lint_off and plan.never_again(beat):
            yield found(beat, "nobody", f"{plan.title}：「{beat.title}」再也不会到点", "换日期，或者删掉这一拍")


CHECKS: tuple[Check, ...] = (
    ad_share, promo_week, member_day, two_deals, new_items, cluster, no_promo, quiet, empty_days, crowded, over,
)  # fmt: skip
