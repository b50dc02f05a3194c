"""The contact policy: may this line leave now, later, or never? Pure; the rule, its values and the reason are given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from bot.context import zone_of
from bot.lifecycle import TALK_STAGES
from bot.replies import Sort
from bot.settings import GroupSettings
from bot.settings.contact import Contact

UNASKED = frozenset({Sort.CAMPAIGN, Sort.REMINDER})
"""Lines that nobody asked for; quiet hours, mute and budgets bind them, never an answer."""
What = Literal["now", "later", "merged", "held", "expired", "never"]
Stage = Literal["new", "active", "silent", "sleeping", "churned"]
STAGES: Mapping[str, str] = TALK_STAGES
CLASSES: Mapping[str, str] = {"promo": "促销", "content": "内容", "reminder": "提醒"}
KINDS: Mapping[str, str] = {
    "new-item": "新品", "flash": "限时抢", "group-buy": "拼团", "trial": "试用", "benefit": "福利日", "draw": "抽奖",
    "topic": "话题", "column": "栏目", "announcement": "预告", "referral": "邀请", "member-day": "会员日",
    "lesson": "小课", "follow-up": "回访", "greeting": "问候", "check-in": "签到",
}  # fmt: skip
"""What staff read for the kind of a beat; a kind that files made up is shown as it stands."""
CHOICES: Mapping[str, str] = {"often": "常联系", "benefits": "只要福利", "quiet": "别打扰"}
WEEK = timedelta(days=6)
"""A window of seven business days: the day itself and six before it."""
MONTH = timedelta(days=29)
SHARE_DAYS = timedelta(days=13)


@dataclass(frozen=True, slots=True)
class Verdict:
    """now; later (`until`); merged into another line; held (staff may change why); expired; never (to this member).

    `rule` names the setting or agreement that decided, `values` what it looked at.
    """

    what: What
    why: str = ""
    until: datetime | None = None
    rule: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


NOW = Verdict("now")


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the same place that counts. `day` is its business day."""

    day: date
    at: datetime
    klass: str
    kind: str = ""
    channel: str = ""
    same: bool = False
    """The very same words."""


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A platform quota that binds a line: how much of it is used."""

    title: str
    limit: int
    used: int
    window: str
    reference: str
    scope: str = "target"
    first: date = date.min
    """The first day of the window."""


@dataclass(frozen=True, slots=True)
class Unasked:
    """A line that nobody asked for. `klass` is promo, content or reminder; `private`: to one member in 1:1."""

    klass: str
    kind: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about the place of a line; of a member only in 1:1."""

    past: Sequence[Past] = ()
    quotas: Sequence[QuotaUse] = ()
    talk: tuple[int, int] = (0, 0)
    """(messages, people) in the window of `contact.live_window`."""
    stage: Stage = "active"
    last_talk: datetime | None = None
    last_purchase: datetime | None = None
    choice: str = "often"
    less: bool = False
    plain: bool = False
    """不要个性化: nothing is chosen by stage."""
    paused_until: datetime | None = None
    troubled_until: datetime | None = None
    handed_over: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    line: Unasked
    known: Known
    rules: Contact
    now: datetime
    """In the zone of the place."""
    expires: datetime
    today: date

    def since(self, back: timedelta) -> list[Past]:
        """Lines of the place on the business days from `back` ago until today."""
        first = self.today - back
        return [one for one in self.known.past if one.day >= first]


def klass_of(sort: str, content: str) -> str:
    """promo, content or reminder. A campaign that does not say what it is counts as a promotion."""
    if sort == Sort.REMINDER:
        return "reminder"
    return "content" if content in ("useful", "case", "fun", "service") else "promo"


def decide(sort: str, settings: GroupSettings, *, now: datetime, expires: datetime, speaks: str = "first") -> Verdict:
    """What needs no table: the verdict on one line of a class (`Sort`) for a group with these settings, on a channel
    that may speak `first`, only in `answer`, or only what a person has `confirmed`."""
    if now > expires:
        return Verdict("expired", "过期了：超过了能晚发的时间", rule="lateness")
    if sort not in UNASKED:
        return NOW
    if speaks == "answer":
        return Verdict("held", "这个通道只能回答，不能主动说（speaks）", rule="speaks")
    if settings.muted:
        return Verdict("held", "这个群设了静音（muted），不主动发", rule="muted")
    end = quiet_until(settings, now)
    if end is None:
        return NOW
    values = {"安静到": f"{end:%H:%M}"}
    if end >= expires:
        return Verdict("expired", "安静时段里不发，等它结束又超过了能晚发的时间", rule="quiet", values=values)
    return Verdict("later", "安静时段，等它结束再发", end, rule="quiet", values=values)


def quiet_until(settings: GroupSettings, now: datetime) -> datetime | None:
    """When the quiet hours that hold now are over; None outside of them."""
    if settings.quiet is None or settings.quiet[0] == settings.quiet[1]:
        return None
    start, end = settings.quiet
    local = now.astimezone(zone_of(settings))
    minute = local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    if not inside:
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    until = midnight + timedelta(minutes=end)
    return until if until > local else until + timedelta(days=1)


def weigh(line: Unasked, known: Known, settings: GroupSettings, *, now: datetime, expires: datetime) -> Verdict:
    """The verdict on an unasked line that `decide` let pass, from what is known about its place."""
    local = now.astimezone(zone_of(settings))
    case = _Case(line, known, settings.contact, local, expires, local.date())
    for rule in _PRIVATE if line.private else _GROUP:
        verdict = rule(case)
        if verdict is not None:
            return verdict
    return NOW


def every_reason(line: Unasked, known: Known, settings: GroupSettings, *, now: datetime) -> list[Verdict]:
    """All rules that would stop such a line now, for whoever asks 为什么."""
    local = now.astimezone(zone_of(settings))
    case = _Case(line, known, settings.contact, local, now + timedelta(days=1), local.date())
    found = (rule(case) for rule in (_PRIVATE if line.private else _GROUP))
    return [verdict for verdict in found if verdict is not None]


# -- one member ---------------------------------------------------------------------------------------------------


def _handed_over(case: _Case) -> Verdict | None:
    return Verdict("held", "正由人工接待，机器人不插话", rule="handover") if case.known.handed_over else None


def _distance(case: _Case) -> Verdict | None:
    known = case.known
    if known.paused_until is not None and known.paused_until > case.now:
        until = f"{known.paused_until:%Y-%m-%d}"
        return Verdict("never", f"本人说停到 {until}", rule="distance", values={"停到": until})
    if known.choice == "quiet":
        return Verdict("never", "本人选了「别打扰」", rule="distance", values={"约定": "别打扰"})
    if known.choice == "benefits" and case.line.klass == "content":
        return Verdict("never", "本人选了「只要福利」，这条不是福利", rule="distance", values={"约定": "只要福利"})
    return None


def _troubled(case: _Case) -> Verdict | None:
    until = case.known.troubled_until
    if case.line.klass == "reminder" or until is None or until <= case.now:
        return None
    return Verdict(
        "never", f"刚投诉过或心情不好，{until:%m-%d} 前不打扰", rule="contact.calm_days",
        values={"到": f"{until:%Y-%m-%d}", "天数": case.rules.calm_days},
    )  # fmt: skip


def _just_bought(case: _Case) -> Verdict | None:
    bought = case.known.last_purchase
    if case.line.klass != "promo" or bought is None or case.now >= bought + case.rules.after_purchase:
        return None
    return Verdict(
        "never", f"{bought:%m-%d} 刚买过，{case.rules.after_purchase.days} 天内只给有用的、不推销",
        rule="contact.after_purchase", values={"买于": f"{bought:%Y-%m-%d}", "天数": case.rules.after_purchase.days},
    )  # fmt: skip


def _cold(case: _Case) -> Verdict | None:
    days, last = case.rules.warm_days, case.known.last_talk
    if case.line.klass != "promo" or not days or (last is not None and case.now - last <= timedelta(days=days)):
        return None
    said = f"上次说话是 {last:%Y-%m-%d}" if last else "还没说过话"
    return Verdict(
        "never", f"{said}，{days} 天内没互动过不发促销私信", rule="contact.warm_days",
        values={"上次说话": f"{last:%Y-%m-%d}" if last else "从没", "天数": days},
    )  # fmt: skip


def _stage(case: _Case) -> Verdict | None:
    if case.line.klass != "promo" or case.known.plain:
        return None
    stage: Stage = case.known.stage
    limit = int(getattr(case.rules.stages, stage))
    if stage == "churned" and case.line.kind in case.rules.big_sales:
        limit = max(1, limit)
    used = sum(one.klass == "promo" for one in case.since(MONTH))
    if used < limit:
        return None
    return Verdict(
        "never", f"{STAGES[stage]}期的群友 30 天最多 {limit} 条促销私信，已经 {used} 条",
        rule=f"contact.stages.{stage}", values={"阶段": STAGES[stage], "上限": limit, "已发": used},
    )  # fmt: skip


# -- groups, and both ---------------------------------------------------------------------------------------------


def _no_promo(case: _Case) -> Verdict | None:
    if case.line.klass != "promo" or not case.rules.no_promo:
        return None
    return Verdict("held", "这个群不促销", rule="contact.no_promo")


def _merged(case: _Case) -> Verdict | None:
    twin = next((one for one in case.known.past if one.same and case.now - one.at < case.rules.merge_within), None)
    if twin is None:
        return None
    at = twin.at.astimezone(case.now.tzinfo)
    return Verdict(
        "merged", f"{at:%H:%M} 刚说过一模一样的，并进那一条", rule="contact.merge_within",
        values={"那一条": f"{at:%Y-%m-%d %H:%M}"},
    )  # fmt: skip


def _quota(case: _Case) -> Verdict | None:
    for one in case.known.quotas if case.rules.quotas else ():
        if one.used >= one.limit:
            return Verdict(
                "held", f"平台限额用完了：{one.title}，{one.window} {one.limit} 条", rule="quota",
                values={"限额": one.limit, "已用": one.used, "窗口": one.window, "依据": one.reference},
            )  # fmt: skip
    return None


def in_budget(case_class: str, past: Iterable[Past], *, private: bool) -> list[Past]:
    """The lines that share a budget: their class in a group; in 1:1 campaigns together, and reminders."""
    if private and case_class != "reminder":
        return [one for one in past if one.klass != "reminder"]
    return [one for one in past if one.klass == case_class]


def _budget(case: _Case) -> Verdict | None:
    private = case.line.private
    day, week = case.rules.limits(case.line.klass, private=private, less=case.known.less)
    used = in_budget(case.line.klass, case.since(WEEK), private=private)
    today = sum(one.day == case.today for one in used)
    what = "活动" if private and case.line.klass != "reminder" else CLASSES[case.line.klass]
    whom = "这个人" if private else "这个群"
    for count, limit, window in ((today, day, "今天"), (len(used), week, "7 天里")):
        if count >= limit:
            return Verdict(
                "held", f"{whom}{window}已经有 {count} 条{what}，上限 {limit}", rule="budget",
                values={"类别": what, "窗口": window, "已发": count, "上限": limit},
            )  # fmt: skip
    return None


def _same_kind(case: _Case) -> Verdict | None:
    days = case.rules.same_kind_days
    if case.line.klass != "promo" or not case.line.kind or not days:
        return None
    recent = case.since(timedelta(days=days))
    title = KINDS.get(case.line.kind, case.line.kind)
    kin = [one for one in recent if one.kind == case.line.kind and one.day < case.today]
    if not kin:
        return None
    return Verdict(
        "held", f"{kin[-1].day:%m-%d} 刚发过「{title}」，同类隔 {days} 天", rule="contact.same_kind_days",
        values={"类别": title, "上次": kin[-1].day.isoformat(), "天数": days},
    )  # fmt: skip


def _share(case: _Case) -> Verdict | None:
    past = case.since(SHARE_DAYS)
    total = len(past) + 1
    promos = sum(one.klass == "promo" for one in past) + 1
    if case.line.klass != "promo" or total < case.rules.promo_share_from:
        return None
    if promos * 100 <= case.rules.promo_share * total:
        return None
    return Verdict(
        "held", f"发了这条，14 天里促销占 {promos * 100 // total}%，上限 {case.rules.promo_share}%",
        rule="contact.promo_share", values={"促销": promos, "一共": total, "上限": f"{case.rules.promo_share}%"},
    )  # fmt: skip


def _live(case: _Case) -> Verdict | None:
    (messages, people), rules = case.known.talk, case.rules
    if not rules.live_messages or messages < rules.live_messages or people < rules.live_people:
        return None
    window = f"{int(rules.live_window.total_seconds()) // 60} 分钟"
    values: dict[str, object] = {"消息": messages, "人数": people, "看多久": window}
    said = f"群里正聊着（{people} 人 {messages} 条）"
    again = case.now + max(rules.live_gap, timedelta(seconds=10))
    if again <= case.expires:
        return Verdict("later", f"{said}，等个空当", again, rule="contact.live_messages", values=values)
    if rules.live_then == "send":
        return None
    return Verdict("held", f"{said}，等到不能再晚还没有空当", rule="contact.live_then", values=values)


_Rule = Callable[[_Case], Verdict | None]
_GROUP: tuple[_Rule, ...] = (_no_promo, _merged, _quota, _budget, _same_kind, _share, _live)
_PRIVATE: tuple[_Rule, ...] = (
    _handed_over, _distance, _troubled, _just_bought, _cold, _stage, _merged, _quota, _budget,
)  # fmt: skip
