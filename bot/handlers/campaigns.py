"""活动: staff look at campaigns and steer them: 预览, 暂停, 继续, 跳过, 立即发."""

from collections.abc import Sequence
from datetime import datetime

from bot import pausing
from bot.campaigning import (
    Campaign,
    at_the_desk,
    campaigns,
    name_of,
    next_times,
    pairs,
    send_soon,
    spoken,
    state_of,
    verdict_on,
)
from bot.contact import KINDS
from bot.context import Context, zone_of
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.pausing import PersonalSequence
from bot.posting import play, skipped_by
from bot.proposals import needs_second, propose
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.scripts import Beat
from bot.world import from_ms, to_ms

router = Router("campaigns", "活动")
router.says(
    {
        "campaign.list": "count rows", "campaign.none": "", "campaign.details": "title rows",
        "campaign.unknown": "text hint", "campaign.ambiguous": "text names", "campaign.which_group": "text groups",
        "campaign.usage": "word", "campaign.preview": "title where rows", "campaign.elsewhere": "title",
        "campaign.paused": "title where held", "campaign.resumed": "title where next",
        "campaign.unchanged": "title where state", "campaign.skipped": "title where rows",
        "campaign.sending": "title where verdict", "campaign.cannot": "title reason",
        "campaign.sequence_resumed": "title where late ahead",
    }
)  # fmt: skip
MOST = 20
MOST_SKIPPED = 10
_DAYS = "一二三四五六日"
_LATE = {"send": "晚发", "merge": "并进下一条", "ask": "问员工", "drop": "不发"}


def _clock(ctx: Context, group: str, when: datetime, *, surprise: Beat | None = None) -> str:
    local = when.astimezone(zone_of(ctx.config.group(group)))
    clock = f"{local:%H:%M}"
    between = surprise.trigger.between if surprise is not None and surprise.trigger is not None else None
    if between is not None and not at_the_desk(ctx):  # members read along: the minute stays a surprise
        clock = "~".join(f"{one // 60:02}:{one % 60:02}" for one in between)
    return f"周{_DAYS[local.weekday()]} {local:%m-%d} {clock}"


def _chosen(ctx: Context, word: str, text: str) -> list[Campaign] | None:
    """The campaigns that were meant, by a word that fits nothing else. Raises Mistake."""
    found = pausing.steered(ctx, word, text)
    if found is None:
        return None
    for one in found:
        if isinstance(one, PersonalSequence):
            raise Mistake(
                "campaign.cannot", title=one.title, reason=f"它给每个人各走各的，不能「{word}」，只能「暂停」「继续」"
            )
    return [one for one in found if isinstance(one, Campaign)]


_CHAT = Silence("随口一句，没有说到哪个活动")


# -- looking --------------------------------------------------------------------------------------------------------


@router.command("活动", help="这个群的活动：进行中、暂停，下次什么时候", usage="[名字]", role="read-only")
def listed(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.reading.rest:
        found = pausing.steered(ctx, "活动", ctx.reading.verbatim)
        return _CHAT if found is None else [_details(ctx, one) for one in found[:3]]
    known: list[Campaign | PersonalSequence] = [*campaigns(pairs(ctx)), *pausing.sequences(ctx)]
    if not known:
        return say("campaign.none", sort=Sort.STAFF)
    rows = [pausing.row(ctx, one) if isinstance(one, PersonalSequence) else _row(ctx, one) for one in known[:MOST]]
    if len(known) > MOST:
        rows.append(f"……一共 {len(known)} 个，发「活动 名字」看一个")
    return say("campaign.list", count=len(known), rows="\n".join(rows), sort=Sort.STAFF)


def _row(ctx: Context, one: Campaign) -> str:
    where = f"{name_of(ctx, one.group)} " if at_the_desk(ctx) else ""
    kind = KINDS.get(one.beats[0].kind, one.beats[0].kind)
    return (
        f"· {where}「{one.title}」{'促销' if one.is_promo else '活动'}{f'·{kind}' if kind else ''}，"
        f"{state_of(ctx, one)}，{_next(ctx, one)}（{one.id}）"
    )


def _next(ctx: Context, one: Campaign) -> str:
    times = [(due, beat) for beat in one.beats for due in next_times(ctx, beat, one.group, 1)]
    if not times:
        return "没有下次"
    due, beat = min(times, key=lambda pair: pair[0])
    return f"下次 {_clock(ctx, one.group, due, surprise=beat)}"


def _details(ctx: Context, one: Campaign | PersonalSequence) -> Say:
    if isinstance(one, PersonalSequence):
        return pausing.details(ctx, one)
    rows = [f"群：{name_of(ctx, one.group)}", f"状态：{state_of(ctx, one)}"]
    for beat in one.beats:
        what = f"说 {beat.phrase}" if beat.phrase else beat.task.what if beat.task else str(beat.opens or "")
        rows.append(f"{beat.title}（{beat.id}）：{what}")
        for due in next_times(ctx, beat, one.group, 3):
            skip = "，跳过" if skipped_by(ctx, beat, one.group, due) else ""
            rows.append(f"　{_clock(ctx, one.group, due, surprise=beat)}{skip}")
        last = ctx.store.campaigns.last_send(beat.id, one.group)
        if last is not None:
            rows.append(f"　上次 {_clock(ctx, one.group, from_ms(last))}")
    first = one.beats[0]
    rows.append(f"晚了：{_LATE[first.late]}；{'促销' if one.is_promo else '活动'}，内容 {first.content}")
    if first.items:
        rows.append(f"东西：{'、'.join(first.items)}")
    return say("campaign.details", title=one.title, rows="\n".join(f"· {row}" for row in rows), sort=Sort.STAFF)


@router.command("预览", help="活动在群友眼里的样子，什么时候发、发不发得出去", usage="名字", role="read-only")
def preview(event: MessageReceived, ctx: Context) -> Wishes:
    found = _chosen(ctx, "预览", ctx.reading.verbatim)
    if found is None:
        return _CHAT
    if not at_the_desk(ctx):
        raise Mistake("campaign.elsewhere", title=found[0].title)
    said: list[Say] = []
    for one in found:
        for beat in one.beats[:3]:
            said += _shown(ctx, one, beat)
    return said


def _shown(ctx: Context, one: Campaign, beat: Beat) -> list[Say]:
    times = next_times(ctx, beat, one.group, 1)
    rows = ["没有下次了"]
    if times:
        rows = [
            f"下次：{_clock(ctx, one.group, times[0])}",
            f"触达规则：{spoken(verdict_on(ctx, beat, one.group, times[0]))}",
        ]
        if skip := skipped_by(ctx, beat, one.group, times[0]):
            rows.append(f"这次跳过（{ctx.store.members.name(skip)}）")
    if ctx.store.campaigns.paused(beat.id, one.group):
        rows.append("暂停中，不会发")
    line = ctx.desk.play(beat.id, one.group)
    if line is None:
        rows.append(f"不是一句话：{beat.task.what if beat.task else beat.opens}")
    head = say(
        "campaign.preview", title=beat.title, where=name_of(ctx, one.group), sort=Sort.STAFF,
        rows="\n".join(f"· {row}" for row in rows),
    )  # fmt: skip
    if line is None:
        return [head]
    return [head, Say(line.key, line.slots, sort=Sort.STAFF, picture=line.picture, because=f"预览「{beat.title}」")]


# -- steering -------------------------------------------------------------------------------------------------------


def _audit(ctx: Context, word: str, one: Campaign, more: str = "") -> None:
    ctx.audit(word, f"{one.title}（{'、'.join(beat.id for beat in one.beats)}）群 {one.group}{more}")


@router.command("暂停", help="一个活动先停着，排队的也不发", usage="名字", role="operator")
def pause(event: MessageReceived, ctx: Context) -> Wishes:
    found = pausing.steered(ctx, "暂停", ctx.reading.verbatim)
    if found is None:
        return _CHAT
    ctx.needs("operator")
    return [pausing.pause(ctx, one) if isinstance(one, PersonalSequence) else _pause(ctx, one) for one in found]


def _pause(ctx: Context, one: Campaign) -> Say:
    store, now, held, fresh = ctx.store.campaigns, to_ms(ctx.now), 0, False
    for beat in one.beats:
        if store.pause(beat.id, one.group, at=now, by=ctx.member, event_id=ctx.event.id):
            fresh = True
            held += store.hold_waiting(beat.id, one.group, at=now, why=f"{ctx.name} 暂停了「{beat.title}」")
    if not fresh:
        return say(
            "campaign.unchanged", title=one.title, where=name_of(ctx, one.group), state="已经暂停了", sort=Sort.STAFF
        )
    _audit(ctx, "暂停", one)
    waiting = f"，排队的 {held} 条也不发了" if held else ""
    return say("campaign.paused", title=one.title, where=name_of(ctx, one.group), held=waiting, sort=Sort.STAFF)


@router.command("继续", help="暂停或跳过的活动照常发，错过的不补", usage="名字", role="operator")
def go_on(event: MessageReceived, ctx: Context) -> Wishes:
    found = pausing.steered(ctx, "继续", ctx.reading.verbatim)
    if found is None:
        return _CHAT
    ctx.needs("operator")
    return [pausing.resume(ctx, one) if isinstance(one, PersonalSequence) else _go_on(ctx, one) for one in found]


def _go_on(ctx: Context, one: Campaign) -> Say:
    store, changed = ctx.store.campaigns, 0
    for beat in one.beats:
        changed += store.resume(beat.id, one.group)
        changed += store.unskip(beat.id, one.group, to_ms(ctx.now))
    where = name_of(ctx, one.group)
    if not changed:
        return say("campaign.unchanged", title=one.title, where=where, state="本来就照常", sort=Sort.STAFF)
    _audit(ctx, "继续", one)
    return say("campaign.resumed", title=one.title, where=where, next=_next(ctx, one), sort=Sort.STAFF)


@router.command("跳过", help="活动的下一次（或下几次）不发，之后照常", usage="名字 [次数]", role="operator")
def skip(event: MessageReceived, ctx: Context) -> Wishes:
    text, times = _times(ctx.reading.verbatim)
    found = _chosen(ctx, "跳过", text)
    if found is None:
        return _CHAT
    ctx.needs("operator")
    if not 1 <= times <= MOST_SKIPPED:
        raise Mistake("campaign.usage", word="跳过")
    return [_skip(ctx, one, times) for one in found]


def _times(text: str) -> tuple[str, int]:
    """The name, and how often: a number at the end."""
    front, _, last = text.strip().rpartition(" ")
    number = last.removesuffix("次")
    return (front, int(number)) if front and number.isdecimal() and len(number) < 4 else (text, 1)


def _skip(ctx: Context, one: Campaign, times: int) -> Say:
    rows: list[str] = []
    settings = ctx.config.group(one.group)
    zone = zone_of(settings)
    for beat in one.beats:
        for due in next_times(ctx, beat, one.group, times):
            new = ctx.store.campaigns.skip(
                beat.id, one.group, to_ms(due), day=due.astimezone(zone).date().isoformat(),
                rule=beat.rule(zone, settings.calendar.anchor), by=ctx.member, event_id=ctx.event.id,
            )  # fmt: skip
            clock = _clock(ctx, one.group, due, surprise=beat)
            rows.append(f"{clock} {beat.title}{'' if new else '（先前就跳过了）'}")
    if not rows:
        raise Mistake("campaign.cannot", title=one.title, reason="没有下次了，不用跳过")
    _audit(ctx, "跳过", one, f"：{'；'.join(rows)}")
    return say(
        "campaign.skipped", title=one.title, where=name_of(ctx, one.group), sort=Sort.STAFF,
        rows="\n".join(f"· {row}" for row in rows),
    )  # fmt: skip


# -- sending now ----------------------------------------------------------------------------------------------------


@router.command("立即发", help="现在就发一次，照样过触达规则", usage="名字", role="operator")
def send_now(event: MessageReceived, ctx: Context) -> Wishes:
    found = _chosen(ctx, "立即发", ctx.reading.verbatim)
    if found is None:
        return _CHAT
    ctx.needs("operator")
    beat, group = _one_beat(found)
    if ctx.store.campaigns.paused(beat.id, group):
        raise Mistake("campaign.cannot", title=beat.title, reason="它暂停着，先「继续」")
    if ctx.store.agenda.cooling("beat", f"{beat.id}|{group}", to_ms(ctx.now)) is not None:
        raise Mistake("campaign.cannot", title=beat.title, reason="刚发过，隔一会儿再来（calendar.min_gap）")
    if needs_second(ctx, group, deal=beat.deal):
        return propose(ctx, "send", beat.title, {"beat": beat.id}, group)
    return send_soon(ctx, beat, group, f"{ctx.name} 立即发「{beat.title}」，脚本 {beat.id}")


def _one_beat(found: Sequence[Campaign]) -> tuple[Beat, str]:
    beats = [(beat, one.group) for one in found for beat in one.beats]
    if len(beats) > 1:
        raise Mistake("campaign.ambiguous", text=found[0].title, names="、".join(beat.title for beat, _ in beats[:8]))
    return beats[0]


@router.tick("campaign_now")
def now(event: Tick, ctx: Context) -> Wishes:
    beat = ctx.desk.beat(str(event.payload.get("beat", "")))
    if beat is None or not beat.plays_in(ctx.group, ctx.settings):
        return Silence("脚本里已经没有这一拍，或不再给这个群")
    return play(ctx, beat, str(event.payload["because"]))
