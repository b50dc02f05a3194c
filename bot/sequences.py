"""Beats for one member, counted from what they did: greetings, follow-ups, onboarding step by step."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from bot.context import Context, zone_of
from bot.crowd import ExpressionError
from bot.crowds import catch_up, is_in
from bot.earning import HOUSE
from bot.posting import miss
from bot.replies import Say, Silence, Sort, Wishes
from bot.scripts import Beat, Personal
from bot.tasking import open_task
from bot.world import from_ms, to_ms
from storage.ledger import POINTS, account
from storage.sequences import Step

BUILT_IN = frozenset({"buyer", "new", "member"})
"""Segments that need no saving; a saved one of the same name is never asked."""
REPLANNED = 10_000
"""Steps looked at after a reload; those further ahead find their moment when it comes."""
LAPSED = "暂停的时候错过了"
"""Why a step is over that fell due in a pause."""
TOLD_AGAIN = timedelta(days=365)
"""Staff hear of a segment that cannot be read once, however many members would get the step."""
EVERYWHERE = ""
"""The place of a pause that holds in 1:1 and in every group."""


def begin_sequence(
    ctx: Context, event: str, member: str, at: datetime, *, group: str | None = None, once: bool = False
) -> list[tuple[datetime, Beat]]:
    """Something happened to a member from which beats count: `contact_added`, `joined`, `purchase` or
    `first_check_in`. Plans every beat of the scripts of that group (None: of 1:1) that wait for it, and returns them
    with their moments. The same event at the same moment again plans nothing; with `once`, neither does a later one.
    """
    place, since = group or "", to_ms(at)
    beats = [beat for beat in active(ctx, group) if beat.personal is not None and beat.personal.event == event]
    if event != "purchase" and not beats:
        return []
    if once and ctx.store.sequences.has_begun(event, member, place):
        return []
    if not ctx.store.sequences.begin(event, member, place, since, ctx.event.id):
        return []
    planned = []
    for beat in beats:
        due = _plan(ctx, beat, member, place, since, at)
        if due is not None:
            planned.append((due, beat))
    return sorted(planned, key=lambda one: (one[0], one[1].id))


def active(ctx: Context, group: str | None) -> Iterator[Beat]:
    """The beats of the scripts that are switched on, in a group or in 1:1, and meant for it."""
    settings = ctx.config.group(group)
    for beat in ctx.desk.beats().values():
        if beat.personal is None or beat.script not in (*settings.calendar.private, *settings.scripts):
            continue
        fits_group = (group in beat.groups if beat.groups else True) and (
            not beat.audience.types or settings.type in beat.audience.types
        )
        tagged = not beat.audience.tags or not set(beat.audience.tags).isdisjoint(settings.tags)
        if fits_group and tagged and not (settings.contact.no_promo and (beat.deal or beat.content == "product")):
            yield beat


def _plan(ctx: Context, beat: Beat, member: str, place: str, since: int, start: datetime) -> datetime | None:
    assert beat.personal is not None
    due = beat.personal.due(start, zone_of(ctx.config.group(place or None)))
    watches = beat.personal.unless == "talked"
    if not ctx.store.sequences.plan(beat.id, member, place, since, to_ms(due), watches=watches):
        return None
    wake_step(ctx, beat.id, member, place, since, due)
    return due


def wake_step(ctx: Context, beat: str, member: str, place: str, since: int, due: datetime) -> None:
    """Asks for the moment of a step; a later call replaces it."""
    payload = {"group": place or None, "member": member, "beat": beat, "since": since}
    ctx.wake("sequence", key_of(beat, member, place, since), due, payload)


def key_of(beat: str, member: str, place: str, since: int) -> str:
    """The key of a step's wake-up: ids may contain anything, and storage/privacy.py finds them between the slashes."""
    return f"{beat}/{since}/{quote(place, safe='')}/{quote(member, safe='')}"


def segments_of(ctx: Context, member: str) -> set[str]:
    """What kind of member somebody is, for beats with a `segment` and for variants: `buyer` once they bought, `new` in
    the first days after they became a contact, else `member`."""
    if ctx.store.sequences.has_begun("purchase", member):
        return {"buyer"}
    since = ctx.store.members.known_since(member)
    fresh = since is not None and ctx.now - from_ms(since) <= timedelta(days=ctx.settings.calendar.new_days)
    return {"new"} if fresh else {"member"}


def say_step(ctx: Context, beat_id: str, member: str, place: str, since: int) -> Wishes:
    """A step of a member fell due: said, handed to a person, put off, or over for a reason."""
    step = ctx.store.sequences.get(beat_id, member, place, since)
    if step is None or step.state != "waiting":
        return Silence("这一步已经说过，或不用说了")
    beat = ctx.desk.beat(beat_id)
    if beat is None or beat.personal is None:
        return end_step(ctx, step, "cancelled", "脚本里已经没有这一步")
    personal = beat.personal
    due = from_ms(step.due)
    if personal.step <= 1:  # the file may have changed since it was planned
        due = personal.due(from_ms(since), zone_of(ctx.config.group(place or None)))
        if due > ctx.now:
            ctx.store.sequences.move(step, to_ms(due))
            wake_step(ctx, beat_id, member, place, since, due)
            return Silence("脚本改了时间，到时候再说")
    if pause := paused_by(ctx, beat_id, place):
        return hold_back(ctx, step, beat, f"{ctx.store.members.name(pause[1])} 暂停了它")
    if ctx.now - due > patience(ctx, beat):
        ctx.store.sequences.become(step, "missed")
        minutes = int((ctx.now - due).total_seconds() // 60)
        return miss(ctx, beat_id, member, f"给「{ctx.store.members.name(member)}」的晚了 {minutes} 分钟，不补了")
    segments = segments_of(ctx, member)
    try:
        outside = _outside(ctx, beat.audience.segment, segments, step)
    except ExpressionError as error:
        return _unreadable(ctx, step, beat, error)
    if outside:
        return end_step(ctx, step, "cancelled", outside)
    if beat.task is not None:
        ctx.store.sequences.become(step, "said")
        key = key_of(beat_id, member, place, since)
        return open_task(ctx, key, beat.task, group=place or None, member=member, because=f"{beat.title}，要人来做")
    if personal.where == "private" and not ctx.store.members.is_contact(member):
        return end_step(ctx, step, "cancelled", "还不是好友，不能私聊")
    ctx.store.sequences.become(step, "said", watches=bool(personal.until))
    _reward(ctx, beat, personal, step)
    return line_for(ctx, beat, personal, member, place, segments, expires=due + beat.lateness)


def _outside(ctx: Context, wanted: str, kinds: set[str], step: Step) -> str:
    """Why a member does not get a step that is for one segment; empty when they do. Raises ExpressionError."""
    if not wanted or wanted in kinds:
        return ""
    if wanted in BUILT_IN:
        return f"只给 {wanted}，这位是 {'、'.join(sorted(kinds))}"
    catch_up(ctx)
    return "" if is_in(ctx, wanted, step.group_id or None, step.member_id) else f"只给分群「{wanted}」，这位不在里面"


def _unreadable(ctx: Context, step: Step, beat: Beat, error: ExpressionError) -> Wishes:
    """Nobody can be in a segment that cannot be read: the step is over, and staff hear of it once."""
    wanted = beat.audience.segment
    over = end_step(ctx, step, "cancelled", f"认不出分群「{wanted}」：{error.reason}")
    if ctx.resting("sequence.segment", f"{beat.id}|{wanted}", TOLD_AGAIN):
        return over
    slots: dict[str, object] = {"title": beat.title, "id": beat.id, "pointed": error.pointed()}
    told = [
        Say("sequence.segment", slots, channel=channel, member=member, sort=Sort.STAFF, because=over.because)
        for channel, member in ctx.desk.staff_rooms()
    ]
    return told or over


def patience(ctx: Context, beat: Beat) -> timedelta:
    """How late a step may still be said."""
    return max(beat.lateness, ctx.settings.calendar.punctual)


def paused_by(ctx: Context, beat: str, place: str) -> tuple[int, str] | None:
    """(since ms, by whom) of a pause that holds a step: of its sequence everywhere, or in the group it began in."""
    pauses = ctx.store.campaigns
    return pauses.paused(beat, EVERYWHERE) or (pauses.paused(beat, place) if place else None)


def hold_back(ctx: Context, step: Step, beat: Beat, reason: str) -> Silence:
    """A step fell due while its sequence is paused: it waits as long as its file lets it be late, then it is over.
    Staff wanted the pause, so nothing is reported as missed."""
    until = from_ms(step.due) + patience(ctx, beat)
    if ctx.now >= until:
        return end_step(ctx, step, "cancelled", LAPSED)
    wake_step(ctx, step.beat, step.member_id, step.group_id, step.since, until)
    return Silence(reason)


def replan(ctx: Context) -> None:
    """After the files were read anew: steps that wait take the moment that their file gives them now."""
    for step in ctx.store.sequences.waiting(REPLANNED):
        beat = ctx.desk.beat(step.beat)
        if beat is None or beat.personal is None or beat.personal.step > 1:
            continue
        due = beat.personal.due(from_ms(step.since), zone_of(ctx.config.group(step.group_id or None)))
        if to_ms(due) != step.due:
            ctx.store.sequences.move(step, to_ms(due))
            wake_step(ctx, step.beat, step.member_id, step.group_id, step.since, due)


def line_for(
    ctx: Context, beat: Beat, personal: Personal, member: str, place: str, segments: set[str],
    *, expires: datetime | None = None, because: str = "",
) -> Say:  # fmt: skip
    """The words of a step for its member: in 1:1, or in the group with their name."""
    words = beat.variant_for(segments)
    slots: dict[str, object] = {**words.slots, "name": ctx.store.members.name(member), "points": personal.points}
    because = because or f"定时「{beat.title}」，脚本 {beat.id}，从 {personal.event or '上一步'} 算起"
    if personal.where == "group" and place:
        return Say(
            words.phrase, slots, group=place, mention=(member,), sort=Sort(beat.sort), expires=expires,
            because=because, picture=words.picture, kind=beat.kind, content=beat.budgeted_as,
        )  # fmt: skip
    channel = ctx.store.members.channel_of_member(member)
    # A step that follows at once on what the member did is an answer; the policy holds back what nobody asked for.
    answers = personal.step > 1 and not (personal.days or personal.hours)
    sort = Sort.REPLY if answers else Sort(beat.sort)
    return Say(
        words.phrase, slots, member=member, channel=channel, sort=sort, expires=expires, because=because,
        picture=words.picture, kind=beat.kind, content=beat.budgeted_as,
    )  # fmt: skip


def end_step(ctx: Context, step: Step, state: str, reason: str) -> Silence:
    """A step is over, for a reason."""
    ctx.store.sequences.become(step, state, reason)
    return Silence(reason)


def _reward(ctx: Context, beat: Beat, personal: Personal, step: Step) -> None:
    if personal.points:
        where = f"{quote(step.group_id, safe='')}/{quote(step.member_id, safe='')}"
        ctx.store.ledger.move(
            f"sequence/{beat.id}/{where}/{step.since}", HOUSE, account(step.member_id), personal.points, asset=POINTS,
            at=to_ms(ctx.now), event_id=ctx.event.id, cause=beat.title, group_id=step.group_id or None,
        )  # fmt: skip


def notice_talk(ctx: Context, member: str) -> bool:
    """A member said something: greetings that wait for silence are cancelled, steps that wait for it are done. Returns
    whether a step was waiting for just that."""
    answered = False
    for step in ctx.store.sequences.watching(member):
        beat = ctx.desk.beat(step.beat)
        if beat is None or beat.personal is None or ctx.at_ms < step.since:
            continue
        if step.state == "waiting" and beat.personal.unless == "talked":
            ctx.store.sequences.become(step, "cancelled", "已经聊上了")
            ctx.store.agenda.forget_wake("sequence", key_of(step.beat, member, step.group_id, step.since))
        elif step.state == "said" and ctx.at_ms >= step.due and _heard(ctx, beat.personal):
            _advance(ctx, step, beat)
            answered = True
    if not ctx.store.sequences.watching(member):
        ctx.store.sequences.rest(member)
    return answered


def _heard(ctx: Context, personal: Personal) -> bool:
    """Whether what was said just now is what a step waits for."""
    if personal.until == "talk":
        return ctx.event.group is None
    return personal.until == "word" and not {ctx.reading.text, ctx.reading.head}.isdisjoint(personal.words)


def notice_deed(ctx: Context, member: str, deed: str) -> None:
    """A member did something that a step may wait for: `check_in`, `join`."""
    if not ctx.store.sequences.is_awake(None, member):
        return
    for step in ctx.store.sequences.watching(member):
        beat = ctx.desk.beat(step.beat)
        if beat is not None and beat.personal is not None and beat.personal.until == deed and step.state == "said":
            _advance(ctx, step, beat)


def _advance(ctx: Context, step: Step, beat: Beat) -> None:
    """A step is done: the following one is planned, at once or after its own time."""
    if not ctx.store.sequences.become(step, "done"):
        return
    assert beat.personal is not None
    for following in ctx.desk.beats().values():
        personal = following.personal
        if following.script == beat.script and personal is not None and personal.step == beat.personal.step + 1:
            _plan(ctx, following, step.member_id, step.group_id, step.since, ctx.now)


def current_step(ctx: Context, member: str) -> tuple[Beat, Step] | None:
    """The step that waits for a member to do something, the newest one."""
    for step in reversed(ctx.store.sequences.watching(member)):
        beat = ctx.desk.beat(step.beat)
        if step.state == "said" and beat is not None and beat.personal is not None:
            return beat, step
    return None
