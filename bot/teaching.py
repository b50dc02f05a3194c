"""Teaching the question book by chat: who may, what may be taught, and what taking back means."""

import re

from bot.context import Context
from bot.errors import Mistake
from bot.faq import EntryModel
from bot.faq.keywords import core
from bot.replies import Say, Sort, say
from bot.words import fold, one_line
from bot.world import to_ms
from storage.faq import Taught

SHORTEST_QUESTION = 2
NEAR = 0.05
"""How alike an entry must be to what was named to be offered."""
LONGEST_QUESTION = 60
LONGEST_ANSWER = 500
ARROW = re.compile(r"\s*(?:=+[>》＞]|＝+[>》＞]|→|⇒)\s*")
"""What stands between question and answer."""


def who_may_teach(ctx: Context, group: str | None) -> bool:
    """Whether whoever speaks may change entries of a group; of those for everywhere (None) an operator may."""
    return ctx.may(ctx.config.group(group).faq.editors if group else "operator")


def needs_to_teach(ctx: Context, group: str | None) -> None:
    """Raises Mistake unless they may."""
    if not who_may_teach(ctx, group):
        needed = ctx.config.group(group).faq.editors if group else "operator"
        raise Mistake("faq.not_yours", name=ctx.name, role=needed)


def key_of(question: str) -> str:
    """By what two questions are the same."""
    return core(fold(question))


def proven_question(ctx: Context, text: str) -> str:
    """A question as it may be taught. Raises Mistake: too short, too long, a command, a word that is taboo."""
    question = one_line(text, LONGEST_QUESTION + 1).strip()
    if len(key_of(question)) < SHORTEST_QUESTION or len(question) > LONGEST_QUESTION:
        raise Mistake("faq.bad_question", least=SHORTEST_QUESTION, most=LONGEST_QUESTION)
    if fold(question).strip("?。.! ") in {fold(word) for word in ctx.desk.words(ctx.settings)}:
        raise Mistake("faq.is_command", word=question)
    if taboo := ctx.desk.taboo(question):
        raise Mistake("faq.taboo", word=taboo)
    return question


def proven_answer(ctx: Context, text: str) -> str:
    """An answer as it may be said. Raises Mistake."""
    answer = text.strip()
    if not 1 <= len(answer) <= LONGEST_ANSWER:
        raise Mistake("faq.bad_answer", most=LONGEST_ANSWER)
    if taboo := ctx.desk.taboo(answer):
        raise Mistake("faq.taboo", word=taboo)
    return answer


def scope_name(ctx: Context, group: str | None) -> str:
    """Where an entry is good, in words."""
    return "到处" if group is None else f"只在「{ctx.config.group(group).name or ctx.store.members.title(group)}」"


def add_entry(
    ctx: Context, group: str | None, question: str, answer: str, unanswered: int | None = None
) -> int:  # fmt: skip
    """Proves and adds an entry; the open question that it answers is closed. Raises Mistake."""
    needs_to_teach(ctx, group)
    similar: tuple[str, ...] = ()
    if unanswered is not None:
        one = ctx.store.faq_log.one_unanswered(unanswered)
        if one is None or one.state != "open":
            raise Mistake("faq.no_unanswered", id=unanswered)
        question, similar = question or one.text, one.similar
    question, answer = proven_question(ctx, question), proven_answer(ctx, answer)
    known = ctx.store.faq.known(group, key_of(question))
    if known is not None:
        raise Mistake("faq.known", id=known, question=question)
    entry = ctx.store.faq.teach(
        group, key_of(question), question, similar, answer, by=ctx.member, at=ctx.at_ms, event_id=ctx.event.id
    )
    if unanswered is not None:
        ctx.store.faq_log.close_unanswered(unanswered, entry)
    ctx.store.faq_log.close_same(key_of(question), entry)
    ctx.audit("教", f"问答 {entry}：{question} => {one_line(answer, 80)}")
    return entry


def teach(ctx: Context, question: str, answer: str, unanswered: int | None = None) -> Say:
    """Adds an entry for the group in which it is taught, or, in 1:1, for everywhere. Raises Mistake."""
    group = ctx.event.group
    entry = add_entry(ctx, group, question, answer, unanswered)
    taught = ctx.store.faq.get(entry)
    assert taught is not None
    return say("faq.taught", id=entry, question=taught.question, scope=scope_name(ctx, group), sort=Sort.STAFF)


def offer(ctx: Context, question: str, answer: str) -> bool:
    """Whether a quoted answer is worth remembering: to a question that the book cannot answer, in words we may use."""
    text = fold(question)
    if not ctx.desk.asks(text) or ctx.desk.taboo(question) or ctx.desk.taboo(answer):
        return False
    if len(question) > LONGEST_QUESTION or len(key_of(question)) < SHORTEST_QUESTION or len(answer) > LONGEST_ANSWER:
        return False
    if ctx.store.faq.known(ctx.event.group, key_of(question)) is not None:
        return False
    hits = ctx.desk.library.search(text, ctx.event.group, ctx.settings, ctx.event.at, 1)
    return not hits or hits[0].score < ctx.settings.faq.strong


def to_change(ctx: Context, target: str) -> Taught | EntryModel:
    """The entry whose answer is to be changed, by number, by id or by one of its questions: what was taught here, what
    was taught for everywhere, else what operators wrote. Raises Mistake with those that come near."""
    text = target.strip().strip("「」").removeprefix("#")
    if text.isdecimal():
        return entry_meant(ctx, text)
    group, key = ctx.event.group, key_of(text)
    written = next((one for one in ctx.desk.library.entries.values() if _is_called(one, text, key)), None)
    number = ctx.store.faq.known(group, key)
    if number is None and written is None:
        number = ctx.store.faq.known(None, key)
    taught = ctx.store.faq.get(number) if number is not None else None
    if taught is None and written is not None:
        fresh = ctx.store.faq.standing_for(written.id, group)
        taught = fresh if fresh is not None and fresh.group_id == group else None
    if taught is not None:
        return taught
    if written is not None:
        return written
    hits = ctx.desk.library.search(fold(text), group, ctx.settings, ctx.event.at, 3)
    close = [ctx.desk.library.entries[hit.id] for hit in hits if hit.score > NEAR]
    rows = "、".join(f"{one.id.removeprefix('#')}「{one_line(one.question or one.id, 20)}」" for one in close)
    raise Mistake("faq.change_what", question=one_line(text, 30), near=f"像的有：{rows}" if rows else "像的也没有")


def _is_called(entry: EntryModel, text: str, key: str) -> bool:
    """Whether a written entry goes by this id, question or keyword."""
    if entry.id.startswith("#"):
        return False
    names = (entry.question, *entry.similar, *entry.keywords)
    return text == entry.id or (bool(key) and any(key == key_of(name) for name in names if name))


def replace_written(ctx: Context, written: EntryModel, answer: str) -> Taught:
    """A new answer to a written entry, for the group or, in 1:1, for everywhere; the file stays as it is. Raises
    Mistake."""
    group = ctx.event.group
    needs_to_teach(ctx, group)
    question = one_line(written.question or next(iter((*written.similar, *written.keywords)), written.id), 60)
    number = ctx.store.faq.teach(
        group, key_of(question) or written.id, question, written.similar, proven_answer(ctx, answer), by=ctx.member,
        at=ctx.at_ms, event_id=ctx.event.id, stands_for=written.id,
    )  # fmt: skip
    taught = ctx.store.faq.get(number)
    assert taught is not None
    ctx.audit("改", f"问答 {number}（文件里的 {written.id}）：{one_line(taught.answer, 80)}")
    return taught


def now_answers(ctx: Context, one: Taught) -> str:
    """What an entry says after a change, in a few words."""
    if one.state == "on":
        return f"「{one.question}」=> {one_line(one.answer, 60)}"
    if one.stands_for is not None and one.stands_for in ctx.desk.library.entries:
        return f"回到文件里的「{one.question}」=> {one_line(ctx.desk.library.entries[one.stands_for].answer, 60)}"
    return "停用"


def entry_meant(ctx: Context, number: str) -> Taught:
    """The taught entry with this number, that whoever speaks may change. Raises Mistake."""
    text = number.strip().removeprefix("#")
    one = ctx.store.faq.get(int(text)) if text.isdecimal() and len(text) < 10 else None
    if one is None:
        raise Mistake("faq.in_file" if text in ctx.desk.library.entries else "faq.no_entry", id=text[:20])
    return one


def take_back(ctx: Context, one: Taught) -> Taught:
    """The state before the last change, if that is not too long ago. Raises Mistake."""
    history = ctx.store.faq.versions(one.id, 2)
    span = ctx.settings.faq.undo
    if to_ms(ctx.now) - history[0].at > span.total_seconds() * 1000:
        raise Mistake("faq.too_late", id=one.id, hours=f"{span.total_seconds() / 3600:g}")
    if history[0].action == "undo":
        raise Mistake("faq.undone", id=one.id)
    if len(history) == 1:
        return one._replace(state="off")
    before = history[1]
    key = key_of(before.question)
    if before.state == "on" and one.state == "off" and ctx.store.faq.known(one.group_id, key) is not None:
        raise Mistake("faq.known", id=ctx.store.faq.known(one.group_id, key), question=before.question)
    return one._replace(question=before.question, similar=before.similar, answer=before.answer, state=before.state)
