"""Campaigns by name: which beats staff mean, in which groups, how they stand, what the contact policy would say."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.config import nearest
from bot.contact import Past, Unasked, Verdict, decide, klass_of, weigh
from bot.context import Context, zone_of
from bot.errors import Mistake
from bot.exposure import Exposure
from bot.posting import SHORTEST, channel_of, skipped_by, stopped
from bot.replies import Say, Silence, Sort, say
from bot.scripts import Beat
from bot.words import normalise

STAFF_ROOM = "staff"
"""The type of a group in which only staff are."""
EVERYWHERE = ("全部", "所有群", "每个群")
LOOK_AHEAD = 120
Pair = tuple[Beat, str]
"""A beat and a group that it is played in."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """All waves of one campaign in one group, by their clock."""

    id: str
    title: str
    group: str
    beats: tuple[Beat, ...]

    @property
    def is_promo(self) -> bool:
        """Whether it sells."""
        return any(one.budgeted_as == "product" for one in self.beats)

    @property
    def is_deal(self) -> bool:
        """Whether it carries a special offer."""
        return any(one.deal for one in self.beats)


def at_the_desk(ctx: Context) -> bool:
    """Whether members do not read along: 1:1, the staff's group, the test group. There, all groups are meant."""
    group = ctx.event.group
    return group is None or ctx.settings.type == STAFF_ROOM or ctx.settings.calendar.test_group == group


def name_of(ctx: Context, group: str) -> str:
    """What a group is called."""
    return ctx.config.group(group).name or ctx.store.members.name(group)


def pairs(ctx: Context) -> list[Pair]:
    """Every beat that posts to a group, in the groups that this conversation is about."""
    groups: Iterable[str]
    if not at_the_desk(ctx):
        groups = (ctx.group,)
    else:
        groups = dict.fromkeys([*ctx.config.named_groups, *ctx.store.members.groups(), *_named(ctx)])
    return [
        (beat, group)
        for group in groups
        for beat in ctx.desk.beats().values()
        if beat.trigger is not None and beat.plays_in(group, ctx.config.group(group))
    ]


def _named(ctx: Context) -> list[str]:
    return [group for beat in ctx.desk.beats().values() for group in beat.groups]


def campaigns(found: Iterable[Pair]) -> list[Campaign]:
    """The same by campaign and group."""
    together: dict[tuple[str, str], list[Beat]] = {}
    for beat, group in found:
        together.setdefault((beat.campaign or beat.id, group), []).append(beat)
    return [
        Campaign(name, beats[0].campaign_title or beats[0].title, group, tuple(beats))
        for (name, group), beats in together.items()
    ]


def meant(ctx: Context, text: str, also: Iterable[str] = ()) -> list[Campaign]:
    """The campaigns that staff mean by an id, a title or an unambiguous part of one; at the desk, a group may be
    written behind it. Raises Mistake: which are alike, which one is near (of these and of the names in `also`), which
    group."""
    known = pairs(ctx)
    found = _named_so(known, text)
    if not found and at_the_desk(ctx) and " " in text.strip():
        front, _, where = text.strip().rpartition(" ")
        here = [group for group in {one for _, one in known} if _same(where, (group, name_of(ctx, group)))]
        known = known if where in EVERYWHERE else [one for one in known if one[1] in here]
        found = _named_so(known, front) if known else []
        if found:
            return campaigns(found)
    if not found:
        close = nearest(text, [*(one for beat, _ in known for one in _names(beat)), *also])
        raise Mistake("campaign.unknown", text=text[:40] or "（空）", hint=f"是不是「{close[0]}」？" if close else "")
    groups = list(dict.fromkeys(group for _, group in found))
    if len(groups) > 1:
        names = "、".join(name_of(ctx, one) for one in groups[:8])
        raise Mistake("campaign.which_group", text=text[:40], groups=names)
    return campaigns(found)


def is_near(ctx: Context, text: str, also: Iterable[str] = ()) -> bool:
    """Whether these words may mean a campaign at all: 继续 and 跳过 are said among people, too."""
    try:
        meant(ctx, text, also)
    except Mistake as mistake:
        return mistake.key != "campaign.unknown" or bool(mistake.slots.get("hint"))
    return True


def _named_so(known: Sequence[Pair], text: str) -> list[Pair]:
    """The pairs with this name; else, when all of them are of one campaign, those with this part of a name."""
    if not text.strip():
        return []
    exact = [one for one in known if _same(text, _names(one[0]))]
    if exact:
        return exact
    part = normalise(text)
    found = [one for one in known if any(part in normalise(name) for name in _names(one[0]))]
    titles = dict.fromkeys(beat.campaign_title or beat.title for beat, _ in found)
    if len({beat.campaign or beat.id for beat, _ in found}) > 1:
        raise Mistake("campaign.ambiguous", text=text[:40], names="、".join(list(titles)[:8]))
    return found


def _same(text: str, names: Iterable[str]) -> bool:
    return normalise(text) in {normalise(one) for one in names}


def _names(beat: Beat) -> tuple[str, ...]:
    """By which names a beat may be called; those of its campaign mean all its waves."""
    campaign = beat.campaign or beat.id
    short = (beat.id.partition(".")[2], campaign.partition(".")[2])
    return tuple(dict.fromkeys((beat.title, beat.campaign_title or beat.title, beat.id, campaign, *short)))


# -- how it stands ------------------------------------------------------------------------------------------------


def next_times(ctx: Context, beat: Beat, group: str, most: int) -> list[datetime]:
    """The next due times of a beat, paused or skipped ones included."""
    settings = ctx.config.group(group)
    found: list[datetime] = []
    moment: datetime | None = ctx.now
    while len(found) < most and moment is not None:
        moment = beat.next_after(moment, zone_of(settings), ctx.luck, group, settings.calendar.anchor)
        if moment is not None:
            found.append(moment)
    return found


def state_of(ctx: Context, one: Campaign) -> str:
    """How a campaign stands, in one word."""
    paused = sum(ctx.store.campaigns.paused(beat.id, one.group) is not None for beat in one.beats)
    if paused == len(one.beats):
        return "暂停中"
    if paused:
        return f"{paused}/{len(one.beats)} 波暂停"
    times = [(due, beat) for beat in one.beats for due in next_times(ctx, beat, one.group, 1)]
    if not times:
        return "已经结束"
    due, beat = min(times, key=lambda pair: pair[0])
    return "进行中，下次跳过" if skipped_by(ctx, beat, one.group, due) else "进行中"


def verdict_on(ctx: Context, beat: Beat, group: str, due: datetime) -> Verdict | None:
    """What the contact policy would say of a beat at this time, after everything that is planned before it. None for
    beats that say no line."""
    judge = Exposure(ctx.store, ctx.config)
    planned: list[tuple[str, Past]] = []
    if due > ctx.now:
        for when, place, name, _ in ctx.desk.upcoming(group, LOOK_AHEAD):
            other = ctx.desk.beat(name)
            if when >= due or other is None or stopped(ctx, other, place, when):
                continue
            verdict = _judged(ctx, judge, other, place, when, planned)
            line = ctx.desk.play(name, place)
            if verdict is not None and verdict.what in ("now", "later") and line is not None:
                leaves = verdict.until or when
                day = leaves.astimezone(zone_of(ctx.config.group(place))).date()
                klass = klass_of(line.sort, line.content)
                planned.append((place, Past(day, leaves, klass, line.kind, channel_of(ctx, place))))
    return _judged(ctx, judge, beat, group, due, planned)


def _judged(
    ctx: Context, judge: Exposure, beat: Beat, group: str, when: datetime, planned: Sequence[tuple[str, Past]]
) -> Verdict | None:
    line = ctx.desk.play(beat.id, group)
    if line is None:
        return None
    expires = when + max(beat.lateness, SHORTEST)
    if when <= ctx.now:
        return verdict_now(ctx, line, group, expires)
    return foresee(ctx, judge, line, group, when, expires, planned)


def foresee(
    ctx: Context, judge: Exposure, line: Say, group: str, when: datetime, expires: datetime,
    planned: Sequence[tuple[str, Past]] = (),
) -> Verdict:  # fmt: skip
    """What the contact policy would say of a line at a later moment. One that falls into quiet hours is judged for
    the moment when these are over: that is when it leaves."""
    settings, channel = ctx.config.group(group), channel_of(ctx, group)
    speaks = ctx.desk.speaks(channel)
    wait = decide(line.sort, settings, now=when, expires=expires, speaks=speaks)
    leaves = wait.until if wait.what == "later" and wait.until is not None else when
    verdict = judge.preview(
        line, group, settings, leaves, planned, channel=channel, speaks=speaks, expires=expires
    )  # fmt: skip
    return wait if verdict.what == "now" else verdict


def verdict_now(ctx: Context, line: Say, group: str, expires: datetime) -> Verdict:
    """What becomes of a line that is queued for a group at this moment; the talk that goes on there counts."""
    judge, settings, channel = Exposure(ctx.store, ctx.config), ctx.config.group(group), channel_of(ctx, group)
    speaks = ctx.desk.speaks(channel)
    if decide(line.sort, settings, now=ctx.now, expires=expires, speaks=speaks).what != "now":
        return foresee(ctx, judge, line, group, ctx.now, expires)
    words = json.dumps(dict(line.slots), ensure_ascii=False, sort_keys=True, default=str)
    known = judge.known(group, None, settings, ctx.now, channel=channel, speaks=speaks, twin=(line.key, words))
    return weigh(Unasked(klass_of(line.sort, line.content), line.kind), known, settings, now=ctx.now, expires=expires)


def spoken(verdict: Verdict | None) -> str:
    """A verdict in words of staff."""
    if verdict is None:
        return "不是一句话，按它自己的规矩来"
    if verdict.what == "now":
        return "可以发"
    if verdict.what == "later" and verdict.until is not None:
        return f"要等到 {verdict.until:%m-%d %H:%M} 左右：{verdict.why}"
    return f"发不出去：{verdict.why}"


def send_soon(ctx: Context, beat: Beat, group: str, because: str) -> Say | Silence:
    """Sends a beat now, as if it fell due with this message: through the same rules, in its own group."""
    verdict = spoken(verdict_on(ctx, beat, group, ctx.now))
    ctx.audit("立即发", f"{beat.title}（{beat.id}）群 {group}：{verdict}")
    ctx.wake(
        "campaign_now", f"{ctx.event.id}|{beat.id}", ctx.event.at,
        {"group": group, "beat": beat.id, "because": because},
    )  # fmt: skip
    if ctx.event.group == group and verdict == "可以发":
        return Silence("这就发，那条就是回答")
    return say("campaign.sending", title=beat.title, where=name_of(ctx, group), verdict=verdict, sort=Sort.STAFF)
