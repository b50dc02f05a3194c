"""Appeals against rulings: 答案申诉 re-opens one, staff say 改判 对 or 改判 错, scores, points and prize follow."""

import re
from collections.abc import Mapping
from typing import Any

from bot.context import Context
from bot.earning import bonus_key, pay_bonus
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.games.quiz import board, is_open, rejudged
from bot.games.scores import Guess, Score, changes, settle
from bot.redeeming import aftermath, title_in
from bot.replies import Say, Sort, Wishes, say
from bot.router import Router
from bot.settings import GroupSettings
from bot.words import one_line
from bot.world import to_ms
from storage.ledger import POINTS, account
from storage.quizzes import AnswerRow, Asked
from storage.sessions import Session

router = Router("quiz_appeals", "答题")
router.says(
    {
        "quiz.appeal": "name text number id",
        "quiz.appeal_staff": "name text question answer id group",
        "quiz.appeal_none": "name",
        "quiz.appeal_late": "minutes",
        "quiz.appeal_again": "",
        "quiz.appeal_wait": "number",
        "quiz.rule_usage": "",
        "quiz.rule_none": "",
        "quiz.rule_same": "name verdict",
        "quiz.ruled_right": "name text number changes",
        "quiz.ruled_wrong": "name text number changes",
        "quiz.unchanged": "",
        "quiz.prize_moved": "name prize",
        "quiz.prize_kept": "name prize",
    }
)
HOUSE = "house:games"
_TARGET = re.compile(r"^(?:第)?(\d{1,3})(?:题)?[-/.](\d{1,4})$")


def switched_off(settings: GroupSettings) -> bool:
    """Whether a group does without quiz."""
    return not settings.quiz.on


@router.command("答案申诉", help="觉得自己答对了却判错：请员工再看一眼", usage="[第几题]", off=switched_off)
def appeal(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    word = ctx.reading.arguments[0] if ctx.reading.arguments else ""
    wanted = int(word) if word.isdecimal() and len(word) < 4 else None
    found = ctx.store.quizzes.last_wrong(ctx.group, ctx.member, wanted)
    if found is None:
        raise Mistake("quiz.appeal_none", name=ctx.name)
    session_id, number, closed_at = found
    if closed_at is None:
        raise Mistake("quiz.appeal_wait", number=number)
    window = ctx.settings.quiz.appeal
    if ctx.at_ms - closed_at > window.total_seconds() * 1000:
        raise Mistake("quiz.appeal_late", minutes=int(window.total_seconds()) // 60)
    appealed = ctx.store.quizzes.appeal(session_id, number, ctx.member, at=ctx.at_ms, event_id=event.id)
    if appealed is None:
        raise Mistake("quiz.appeal_again")
    asked, answer = _answer_of(ctx, session_id, number, ctx.member)
    text = one_line(answer.text, 40)
    slots = {
        "name": ctx.name, "text": text, "question": asked.question["text"], "id": appealed,
        "answer": "、".join(asked.question["answers"]), "group": ctx.settings.name or ctx.group,
    }  # fmt: skip
    staff = [
        Say("quiz.appeal_staff", slots, member=member, channel=channel, sort=Sort.STAFF, because="有人申诉答案")
        for channel, member in ctx.desk.staff_rooms()
    ]
    return [say("quiz.appeal", name=ctx.name, text=text, number=number, id=appealed), *staff]


def _answer_of(ctx: Context, session_id: int, number: int, member: str) -> tuple[Asked, AnswerRow]:
    asked = next(one for one in ctx.store.quizzes.asked(session_id) if one.number == number)
    return asked, next(one for one in ctx.store.quizzes.answers(session_id, number) if one.member_id == member)


@router.command(
    "改判", help="改判一个答案：申诉号，或者答题记录里的「题-序」；不写就是最早的申诉", usage="对|错 [申诉号|题-序]",
    role="guide", off=switched_off,
)  # fmt: skip
def overrule(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    ctx.needs("guide")
    words = ctx.reading.arguments
    if not words or words[0] not in ("对", "错") or len(words) > 2:
        raise Mistake("quiz.rule_usage")
    session, number, member = _target(ctx, words[1] if len(words) > 1 else "")
    if is_open(session.state, number) and session.status == "open":
        raise Mistake("quiz.appeal_wait", number=number)
    return _rule(ctx, session, number, member, right=words[0] == "对")


def _target(ctx: Context, text: str) -> tuple[Session, int, str]:
    """(session, question, member) that a ruling is about. Raises Mistake."""
    pair = _TARGET.match(text)
    if pair:
        session = ctx.store.sessions.latest(ctx.group, "quiz")
        number, place = int(pair[1]), int(pair[2])
        answers = ctx.store.quizzes.answers(session.id, number) if session else []
        member = next((one.member_id for one in answers if one.place == place), None)
    elif text and not text.isdecimal():
        raise Mistake("quiz.rule_usage")
    else:
        waiting = ctx.store.quizzes.appeals(ctx.group)
        found = next((one for one in waiting if not text or str(one.id) == text.lstrip("0")), None)
        session = ctx.store.sessions.get(found.session_id) if found else None
        number, member = (found.number, found.member_id) if found else (0, None)
    if session is None or member is None:
        raise Mistake("quiz.rule_none")
    return session, number, member


def _rule(ctx: Context, session: Session, number: int, member: str, *, right: bool) -> Wishes:
    """Books a ruling: the answer, the scores of its question, the points, the appeal and the prize."""
    quizzes = ctx.store.quizzes
    asked, answer = _answer_of(ctx, session.id, number, member)
    name, text = ctx.store.members.name(member), one_line(answer.text, 40)
    if asked.void or (answer.right == right and not _waits(ctx, session.id, number, member)):
        raise Mistake("quiz.rule_same", name=name, verdict="对" if answer.right else "错")
    rows = quizzes.answers(session.id, number)
    before = [Score(one.member_id, one.rank, one.points) for one in rows if one.rank is not None]
    guesses = [Guess(one.member_id, right if one.member_id == member else one.right, one.hints) for one in rows]
    rules = session.state["rules"]
    after = settle(session.state["mode"], guesses, rules["points"], rules["bonus"])
    quizzes.score(session.id, number, ())
    quizzes.rule(session.id, number, member, right=right)
    quizzes.score(session.id, number, [(one.member, one.rank, one.points) for one in after])
    quizzes.decide(session.id, number, member, upheld=right, by=ctx.member, at=to_ms(ctx.now))
    moved = changes(before, after)
    titles = {one: title_in(ctx, ctx.group, one) for one, (old, new) in moved.items() if new < old}
    _book(ctx, session.id, number, moved)
    follows = {one: aftermath(ctx, ctx.group, one, title) for one, title in titles.items()}
    state = rejudged(session.state, number, after)
    state, more = _prize(ctx, session, state)
    ctx.store.sessions.save(session, state)
    ctx.audit("改判", f"第 {session.id} 局第 {number} 题 {name}「{text}」判{'对' if right else '错'}")
    shown = "\n".join(
        f"{ctx.store.members.name(one)} {old} → {new} 分{follows.get(one, '')}" for one, (old, new) in moved.items()
    )
    return [
        say(
            "quiz.ruled_right" if right else "quiz.ruled_wrong", name=name, text=text, number=number,
            changes=shown or say("quiz.unchanged"), because="员工改判，得分和积分跟着改",
        ),
        *more,
    ]  # fmt: skip


def _waits(ctx: Context, session_id: int, number: int, member: str) -> bool:
    waiting = ctx.store.quizzes.appeals(ctx.group)
    return any((one.session_id, one.number, one.member_id) == (session_id, number, member) for one in waiting)


def _book(ctx: Context, session_id: int, number: int, moved: Mapping[str, tuple[int, int]]) -> None:
    """Takes back what a question paid to those whose score changed, and pays what they have now."""
    ledger, cause = ctx.store.ledger, f"改判：答题第 {number} 题"
    prefix = f"game/{session_id}/q{number}/"
    standing = {}
    for paid in ledger.standing(prefix).values():
        movement = ledger.get(paid)
        assert movement is not None
        standing[movement.taker] = movement
    for place, (member, (_, new)) in enumerate(moved.items(), start=1):
        paid_before = standing.get(account(member))
        if paid_before is not None:
            ledger.reverse(paid_before.id, at=ctx.at_ms, event_id=ctx.event.id, cause=cause)
            bonus = ledger.by_key(bonus_key(paid_before.key))
            if bonus is not None:
                ledger.reverse(bonus.id, at=ctx.at_ms, event_id=ctx.event.id, cause=cause)
        if new:
            key = f"{prefix}{ctx.event.id}/{place}"
            ledger.move(
                key, HOUSE, account(member), new, asset=POINTS, at=ctx.at_ms,
                event_id=ctx.event.id, cause=cause, group_id=ctx.group,
            )  # fmt: skip
            pay_bonus(ctx, key, member, new, cause, "quiz")


def _prize(ctx: Context, session: Session, state: dict[str, Any]) -> tuple[dict[str, Any], list[Say]]:
    """The prize of a finished session follows the board, unless it has been handed over already."""
    ranking, before = board(state), str(state.get("winner", ""))
    first = ranking[0][0] if ranking else ""
    if session.status == "open" or not state["prize"] or first == before:
        return state, []
    key = str(state.get("prize_key") or f"quiz/{session.id}/prize")
    prize = str(state["prize"])
    if before and not ctx.store.prizes.take_back(key):
        return state, [say("quiz.prize_kept", name=ctx.store.members.name(before), prize=prize)]
    fresh = f"quiz/{session.id}/prize/{ctx.event.id}"
    if not first:
        return {**state, "winner": "", "prize_key": fresh}, []
    ctx.store.prizes.owe(fresh, first, prize, group_id=ctx.group, at=ctx.at_ms, event_id=ctx.event.id)
    line = say("quiz.prize_moved", name=ctx.store.members.name(first), prize=prize, mention=(first,))
    return {**state, "winner": first, "prize_key": fresh}, [line]
