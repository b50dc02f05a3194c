"""Answers out of the question book: said when sure, asked back when not quite, at most once a cool-down in a place."""

import re
from datetime import timedelta

from bot.answering import answer_of, ask_back, entry_name, miss, tell
from bot.config import nearest
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.faq.library import Found
from bot.replies import PASS, Pass, Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.teaching import LONGEST_ANSWER, offer, teach, who_may_teach
from bot.words import one_line
from bot.world import to_ms

router = Router("faq", "答疑")
router.says(
    {
        "faq.answer": "answer", "faq.evidence": "what", "faq.choices": "name rows", "faq.person": "name",
        "faq.none_of_them": "name", "faq.wrong": "name", "faq.wrong_nothing": "", "faq.wrong_again": "name",
        "faq.offer": "id question answer", "faq.taught": "id question scope", "faq.given_up": "",
        "staff.faq_wrong": "name group entry answer count", "staff.faq_missed": "name group text",
    }
)  # fmt: skip
_NUMBER = re.compile(r"^(?:选|第)?\s*([1-9一二三四五])\s*(?:个|号|条|吧)?[.。、!~]?$")
_DIGITS = {digit: number for number, digit in enumerate("一二三四五", start=1)}
NONE = ("都不是", "不是", "没有", "都不对", "0")
ENOUGH = ("算了", "不教了", "取消")
JUST_NOW = timedelta(minutes=10)
"""How long 答错了 without a quote means the last answer."""
FARTHEST = 50
"""Lines back in which a quoted answer is looked for."""


@router.band("keyword")
def answer(event: MessageReceived, ctx: Context) -> Wishes:
    found: Found = ctx.hit
    addressed = ctx.reading.addressed
    if found.entry is None:
        return _not_sure(ctx, found)
    place = event.group or ctx.member
    # Whoever turns to the bot gets an answer even if the group just had it.
    if not addressed and ctx.store.agenda.cooling(f"faq.{found.id}", place, to_ms(ctx.now)) is not None:
        return Silence(f"「{found.id}」刚在这里答过，还在冷却（faq.cooldown）")
    return tell(ctx, found.entry, found.score, found.why, ctx.reading.text)


def _not_sure(ctx: Context, found: Found) -> Wishes:
    head = ctx.reading.head
    close = nearest(head, ctx.desk.words(ctx.settings)) if len(head) <= 8 else []
    if close:
        because = "没有这个口令，找了最像的"
        return say("fallback.did_you_mean", name=ctx.name, word=close[0], because=because)
    return ask_back(ctx, found.choices, found.why, ctx.reading.text)


# -- what is waited for ------------------------------------------------------------------------------------------------


@router.watch("faq")
def listen(event: MessageReceived, ctx: Context) -> Wishes | Pass:
    """A number after 「你是不是想问」, the second step of 教, or a staff member's quoted answer."""
    pending = ctx.store.faq.pending(event.group, ctx.member)
    if pending is not None and pending.until < to_ms(ctx.now):
        ctx.store.faq.stop_waiting(event.group, ctx.member)
        pending = None
    if event.form != "text" or not ctx.reading.text or ctx.desk.is_command(ctx.reading, ctx.settings):
        return PASS
    if pending is not None:
        return _chosen(event, ctx, pending.payload) if pending.kind == "choice" else _second_step(event, ctx)
    return _learn(event, ctx) if ctx.role is not None and event.quote is not None else PASS


def _chosen(event: MessageReceived, ctx: Context, payload: dict[str, object]) -> Wishes | Pass:
    if event.group and not ctx.reading.addressed and ctx.store.sessions.is_playing(event.group):
        return PASS  # a number may be a move of the game
    text, ids, asked = ctx.reading.text, payload["ids"], str(payload["asked"])
    assert isinstance(ids, list)
    if text.rstrip("。.!~") in NONE:
        ctx.store.faq.stop_waiting(event.group, ctx.member)
        miss(ctx, asked)
        return [
            say("faq.none_of_them", name=ctx.name, because="候选都不是，转给员工"),
            *_staff(ctx, "staff.faq_missed", "反问的都不是", name=ctx.name, group=_place(ctx), text=asked),
        ]
    match = _NUMBER.match(text)
    number = 0 if match is None else _DIGITS.get(match[1]) or int(match[1])
    if not 1 <= number <= len(ids):
        return PASS
    entry = ctx.desk.library.entries.get(str(ids[number - 1]))
    ctx.store.faq.stop_waiting(event.group, ctx.member)
    if entry is None:
        raise Mistake("faq.wrong_nothing")
    return tell(ctx, entry, 1.0, f"从反问里选了第 {number} 个，条目 {entry.id}", asked)


def _second_step(event: MessageReceived, ctx: Context) -> Wishes:
    pending = ctx.store.faq.pending(event.group, ctx.member)
    assert pending is not None
    ctx.store.faq.stop_waiting(event.group, ctx.member)
    if ctx.reading.text in ENOUGH:
        return say("faq.given_up", sort=Sort.STAFF)
    number = pending.payload.get("unanswered")
    return teach(ctx, str(pending.payload["question"]), event.text, unanswered=int(str(number)) if number else None)


def _learn(event: MessageReceived, ctx: Context) -> Wishes | Pass:
    """A staff member answered a question by quoting it: would the bot like to remember that?"""
    quote, rules = event.quote, ctx.settings.faq
    assert quote is not None
    ours = {*ctx.config.settings.bot.ids, *ctx.config.settings.bot.others, ctx.member}
    question, said = one_line(quote.text, 120), ctx.reading.original.strip()
    if not rules.learn or quote.member in ours or not 4 <= len(said) <= LONGEST_ANSWER:
        return PASS
    if not who_may_teach(ctx, event.group) or not offer(ctx, question, said):
        return PASS
    number = ctx.store.faq.offer(event.group, ctx.member, question, said, at=ctx.at_ms, event_id=event.id)
    shown = Say(
        "faq.offer", {"id": number, "question": one_line(question, 30), "answer": one_line(said, 40)},
        member=ctx.member, channel=event.channel, sort=Sort.STAFF, because="员工引用提问作了回答（faq.learn）",
    )  # fmt: skip
    return [shown]


# -- wrong answers -----------------------------------------------------------------------------------------------------


@router.command("答错了", help="我答得不对：引用那一条，或者紧接着说", usage="[引用那一条]")
def wrong(event: MessageReceived, ctx: Context) -> Wishes:
    log, aside = ctx.store.faq_log, event.group is not None and not ctx.reading.addressed
    if event.quote is not None:
        place = (event.group, None if event.group else ctx.member)
        number = ctx.store.exposures.line_saying(*place, event.quote.text, FARTHEST)
        lines = ctx.store.exposures.lines_of(*place, number) if number else []
        found = log.answer_of(lines[-1].event_id) if lines else None
    elif aside and (ctx.reading.rest or ctx.store.sessions.is_playing(ctx.group)):
        return Silence("群里有局，「答错了」多半说的是游戏")
    else:
        found = log.last_answer(event.group, ctx.member, to_ms(ctx.now - JUST_NOW))
    if found is None:
        if aside:
            return Silence("「答错了」说的不是我的回答")
        raise Mistake("faq.wrong_nothing")
    if not log.call_wrong(found.id, ctx.member, at=ctx.at_ms, event_id=event.id):
        return say("faq.wrong_again", name=ctx.name, because="这条回答，这位已经说过答错了")
    told: list[Say] = []
    if not ctx.resting("faq.wrong", found.entry, timedelta(hours=1)):
        answer = answer_of(ctx, found.entry)
        told = _staff(
            ctx, "staff.faq_wrong", "有人说答错了", name=ctx.name, group=_place(ctx),
            entry=entry_name(ctx, found.entry), answer=one_line(answer, 60),
            count=log.wrong_count(found.entry),
        )  # fmt: skip
    return [say("faq.wrong", name=ctx.name, because=f"说 {entry_name(ctx, found.entry)} 答错了"), *told]


def _staff(ctx: Context, key: str, because: str, **slots: object) -> list[Say]:
    return [
        Say(key, slots, channel=channel, member=member, sort=Sort.STAFF, because=because)
        for channel, member in ctx.desk.staff_rooms() if member != ctx.event.member
    ]  # fmt: skip


def _place(ctx: Context) -> str:
    group = ctx.event.group
    return "私聊" if group is None else ctx.settings.name or ctx.store.members.title(group)
