"""Sequences for single members as staff steer them: named, shown, paused, resumed without a burst afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from bot.campaigning import Campaign, at_the_desk, is_near, meant, name_of
from bot.context import Context, zone_of
from bot.crowd import ExpressionError
from bot.crowds import catch_up, setting
from bot.crowds import meant as segment_meant
from bot.errors import Mistake
from bot.learning import ASKED
from bot.replies import Say, Sort, say
from bot.scripts import Beat
from bot.sequences import BUILT_IN, EVERYWHERE, LAPSED, active, end_step, hold_back, patience, wake_step
from bot.words import normalise
from bot.world import from_ms, to_ms
from storage.sequences import Step

_TICK = "tick:sequence:"
_BEGINS = {"contact_added": "加好友", "joined": "进群", "purchase": "购买", "first_check_in": "第一次签到"}
SHORTEST_PART = 2
"""Characters of a part of a name: one alone is said among people, too."""


@dataclass(frozen=True, slots=True)
class PersonalSequence:
    """All steps of one script for single members, or those that were meant. `place` is a group, or EVERYWHERE."""

    script: str
    title: str
    place: str
    beats: tuple[Beat, ...]


def sequences(ctx: Context) -> list[PersonalSequence]:
    """Those that are on: at the desk all of them, in a group those that begin there."""
    if at_the_desk(ctx):
        groups = dict.fromkeys([*ctx.config.named_groups, *ctx.store.members.groups()])
        on = {beat.id: beat for place in (None, *groups) for beat in active(ctx, place)}
    else:
        on = {beat.id: beat for beat in active(ctx, ctx.group)}
    together: dict[str, list[Beat]] = {}
    for beat in on.values():
        together.setdefault(beat.script, []).append(beat)
    place = EVERYWHERE if at_the_desk(ctx) else ctx.group
    return [
        PersonalSequence(script, beats[0].script_title or script, place, tuple(beats))
        for script, beats in together.items()
        if place == EVERYWHERE or _begins(beats) - {"contact_added"}
    ]


def _begins(beats: Iterable[Beat]) -> set[str]:
    return {beat.personal.event for beat in beats if beat.personal is not None and beat.personal.event}


def names(known: Iterable[PersonalSequence]) -> list[str]:
    """By what they and their steps may be called."""
    return [name for one in known for name in (one.title, one.script, *(beat.title for beat in one.beats))]


def meant_by(known: Iterable[PersonalSequence], text: str, *, exactly: bool) -> list[PersonalSequence]:
    """The one that staff mean by its name, or by a name of some of its steps: then only these. Nothing when none or
    several fit."""
    wanted = normalise(text)

    def fits(name: str) -> bool:
        return normalise(name) == wanted if exactly else len(wanted) >= SHORTEST_PART and wanted in normalise(name)

    found = []
    for one in known:
        steps = tuple(beat for beat in one.beats if any(map(fits, (beat.title, beat.id, beat.id.partition(".")[2]))))
        if fits(one.title) or fits(one.script):
            found.append(one)
        elif steps:
            title = steps[0].title if len(steps) == 1 else one.title
            found.append(PersonalSequence(one.script, title, one.place, steps))
    return found if len(found) == 1 else []


def steered(ctx: Context, word: str, text: str) -> list[Campaign] | list[PersonalSequence] | None:
    """The campaigns or the sequence that staff mean; None when somebody merely used an ordinary word. Raises
    Mistake."""
    known = sequences(ctx)
    exact = meant_by(known, text, exactly=True)
    near = exact or meant_by(known, text, exactly=False)
    named = bool(near) or is_near(ctx, text, names(known))
    if ctx.event.group is not None and not ctx.reading.addressed and text and not named:
        return None
    if not text.strip():
        raise Mistake("campaign.usage", word=word)
    if exact:
        return exact
    try:
        return meant(ctx, text, names(known))
    except Mistake as mistake:
        if near and mistake.key == "campaign.unknown":
            return near
        raise


# -- how it stands ------------------------------------------------------------------------------------------------


def where(ctx: Context, one: PersonalSequence) -> str:
    """Where a sequence is steered from here."""
    return name_of(ctx, one.place) if one.place else "一对一"


def state(ctx: Context, one: PersonalSequence) -> str:
    """How it stands, in one word."""
    paused = sum(_pause(ctx, beat, one.place) is not None for beat in one.beats)
    if not paused:
        return "进行中"
    return "暂停中" if paused == len(one.beats) else f"{paused}/{len(one.beats)} 步暂停"


def _pause(ctx: Context, beat: Beat, place: str) -> tuple[int, str] | None:
    pauses = ctx.store.campaigns
    return pauses.paused(beat.id, place) or pauses.paused(beat.id, EVERYWHERE)


def row(ctx: Context, one: PersonalSequence) -> str:
    """A row for a list."""
    place = where(ctx, one) if at_the_desk(ctx) else ""
    return (
        f"· {place}「{one.title}」给每个人的 {len(one.beats)} 步，{state(ctx, one)}，{_ahead(ctx, one)}（{one.script}）"
    )


def matters(ctx: Context, one: PersonalSequence) -> bool:
    """Whether somebody waits for a step of it, or staff paused it."""
    return state(ctx, one) != "进行中" or _coming(ctx, one)[1] is not None


def _coming(ctx: Context, one: PersonalSequence) -> tuple[int, int | None]:
    return ctx.store.sequences.ahead([beat.id for beat in one.beats], one.place or None, to_ms(ctx.now))


def _ahead(ctx: Context, one: PersonalSequence) -> str:
    count, due = _coming(ctx, one)
    return f"{count} 条等着，最近 {_clock(ctx, one, from_ms(due))}" if due is not None else "现在没有人等着"


def _clock(ctx: Context, one: PersonalSequence, moment: datetime) -> str:
    return f"{moment.astimezone(zone_of(ctx.config.group(one.place or None))):%m-%d %H:%M}"


def details(ctx: Context, one: PersonalSequence) -> Say:
    """Everything that staff want to know of one."""
    rows = [f"给谁：{where(ctx, one)}，每个人各走各的", f"状态：{state(ctx, one)}，{_ahead(ctx, one)}"]
    for beat in one.beats:
        pause = _pause(ctx, beat, one.place)
        stopped = f"（{ctx.store.members.name(pause[1])} 暂停了它）" if pause else ""
        rows.append(f"{beat.title}（{beat.id}）：{_when(beat)}{_for_whom(ctx, beat, one.place)}{stopped}")
    return say("campaign.details", title=one.title, rows="\n".join(f"· {each}" for each in rows), sort=Sort.STAFF)


def _for_whom(ctx: Context, beat: Beat, place: str) -> str:
    """Which segment a step is for, and how many are in it now: for staff among themselves."""
    wanted = beat.audience.segment
    if not wanted or not at_the_desk(ctx):
        return ""
    if wanted in BUILT_IN:
        return f"，只给 {wanted}"
    try:
        node = segment_meant(ctx.store, ctx.config, wanted, place or None)
    except ExpressionError as error:
        return f"，只给分群「{wanted}」（认不出：{error.reason}）"
    catch_up(ctx, ASKED)
    count = ctx.store.crowds.count(node, setting(ctx.config, place or None, ctx.now))
    return f"，只给分群「{wanted}」（现在 {count} 位，看是谁发「分群 {wanted}」）"


def _when(beat: Beat) -> str:
    personal = beat.personal
    assert personal is not None
    clock = f" {personal.minute // 60:02}:{personal.minute % 60:02}" if personal.minute is not None else ""
    after = (
        f"{personal.days} 天后{clock}" if personal.days else f"{personal.hours} 小时后" if personal.hours else "马上"
    )
    return f"{_BEGINS[personal.event] if personal.event else '上一步做完'}{after}"


# -- steering -----------------------------------------------------------------------------------------------------


def pause(ctx: Context, one: PersonalSequence) -> Say:
    """From now on no step of it is said; those that wait in the outbox wait with the others."""
    fresh = [
        beat for beat in one.beats
        if ctx.store.campaigns.pause(beat.id, one.place, at=to_ms(ctx.now), by=ctx.member, event_id=ctx.event.id)
    ]  # fmt: skip
    if not fresh:
        return say(
            "campaign.unchanged", title=one.title, where=where(ctx, one), state="已经暂停了", sort=Sort.STAFF
        )  # fmt: skip
    held = sum(_take_back(ctx, beat, one.place) for beat in fresh)
    _audit(ctx, "暂停", one)
    waiting = f"，排队的 {held} 条也不发了" if held else ""
    return say("campaign.paused", title=one.title, where=where(ctx, one), held=waiting, sort=Sort.STAFF)


def _take_back(ctx: Context, beat: Beat, place: str) -> int:
    """Lines of a step that did not leave yet are held, and their step waits again. Returns how many."""
    reason, taken = f"{ctx.name} 暂停了它", 0
    for line, event_id in ctx.store.sequences.queued(f"{_TICK}{beat.id}/"):
        since, group, member = event_id.removeprefix(_TICK).rpartition(":")[0].split("/")[1:4]
        step = ctx.store.sequences.get(beat.id, unquote(member), unquote(group), int(since))
        if step is None or step.state != "said" or (place and step.group_id != place):
            continue
        ctx.store.outbox.close(line, "held", to_ms(ctx.now), f"{ctx.name} 暂停了「{beat.title}」")
        watches = beat.personal is not None and beat.personal.unless == "talked"
        if ctx.store.sequences.become(step, "waiting", watches=watches):
            again = ctx.store.sequences.get(step.beat, step.member_id, step.group_id, step.since)
            assert again is not None
            hold_back(ctx, again, beat, reason)
        taken += 1
    return taken


def resume(ctx: Context, one: PersonalSequence) -> Say:
    """It goes on. Of what fell due meanwhile each member gets one step at most, as late as its file lets it be; the
    rest is over."""
    pauses = ctx.store.campaigns
    since = {beat.id: pause[0] for beat in one.beats if (pause := pauses.paused(beat.id, one.place))}
    if not since:
        elsewhere = next((beat for beat in one.beats if one.place and pauses.paused(beat.id, EVERYWHERE)), None)
        now = "在私聊里暂停的，要到私聊里「继续」" if elsewhere else "本来就照常"
        return say("campaign.unchanged", title=one.title, where=where(ctx, one), state=now, sort=Sort.STAFF)
    for beat in since:
        pauses.resume(beat, one.place)
    said = _catch_up(ctx, [beat for beat in one.beats if beat.id in since], one.place)
    over = ctx.store.sequences.ended(list(since), one.place or None, min(since.values()), LAPSED)
    _audit(ctx, "继续", one)
    late = f"，晚了还来得及的 {said} 条现在发" if said else ""
    late += f"，错过的 {over} 条不补" if over else ""
    return say(
        "campaign.sequence_resumed", title=one.title, where=where(ctx, one), late=late, ahead=_ahead(ctx, one),
        sort=Sort.STAFF,
    )  # fmt: skip


def _catch_up(ctx: Context, beats: Iterable[Beat], place: str) -> int:
    """One step for each member that has some in time. Returns how many are said now; all others are over."""
    known = {beat.id: beat for beat in beats}
    by_member: dict[str, list[Step]] = {}
    for step in ctx.store.sequences.overdue(list(known), place or None, to_ms(ctx.now)):
        if ctx.now - from_ms(step.due) > patience(ctx, known[step.beat]):
            end_step(ctx, step, "cancelled", LAPSED)
        else:
            by_member.setdefault(step.member_id, []).append(step)
    for steps in by_member.values():
        # A step that others follow comes first: without it the sequence would end for its member. Else the newest.
        chosen = max(steps, key=lambda step: (_leads(known[step.beat]), step.due))
        wake_step(ctx, chosen.beat, chosen.member_id, chosen.group_id, chosen.since, ctx.now)
        for step in steps:
            if step is not chosen:
                end_step(ctx, step, "cancelled", LAPSED)
    return len(by_member)


def _leads(beat: Beat) -> bool:
    return beat.personal is not None and bool(beat.personal.until)


def _audit(ctx: Context, word: str, one: PersonalSequence) -> None:
    ctx.audit(word, f"{one.title}（{'、'.join(beat.id for beat in one.beats)}）{where(ctx, one)}")
