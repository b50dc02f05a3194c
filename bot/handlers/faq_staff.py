"""Staff and the question book: 教, 改, 删, 撤销回答, 谁教的, 搜问答, 记住, 未答."""

from collections.abc import Sequence
from datetime import datetime

from bot.answering import faq_lines, title_of
from bot.context import Context
from bot.digest import tells
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.faq import EntryModel
from bot.replies import Sort, Wishes, say
from bot.router import Router
from bot.teaching import (
    ARROW,
    add_entry,
    entry_meant,
    needs_to_teach,
    now_answers,
    proven_answer,
    proven_question,
    replace_written,
    scope_name,
    take_back,
    teach,
    to_change,
)
from bot.words import fold, one_line
from bot.world import from_ms, to_ms

router = Router("faq_staff", "教我回答")
router.says(
    {
        "faq.not_yours": "name role", "faq.bad_question": "least most", "faq.bad_answer": "most",
        "faq.is_command": "word", "faq.taboo": "word", "faq.known": "id question", "faq.no_entry": "id",
        "faq.in_file": "id", "faq.no_unanswered": "id", "faq.too_late": "id hours", "faq.undone": "id",
        "faq.usage": "usage", "faq.teach_step": "question", "faq.changed": "id question answer",
        "faq.changed_file": "id question answer file scope", "faq.change_what": "question near",
        "faq.deleted": "id question", "faq.taken_back": "id now", "faq.history": "rows", "faq.search": "rows",
        "faq.search_nothing": "word", "faq.unanswered": "count rows", "faq.unanswered_none": "", "faq.ignored": "id",
        "faq.no_offer": "id",
    }
)  # fmt: skip
MOST = 10
_ACTIONS = {"teach": "教", "edit": "改", "delete": "删", "undo": "撤销"}
_WAIT_MINUTES = 10


@router.command(
    "教", help="教我一条问答；私聊里教的到处都用，群里教的只在本群", usage="问题 => 答案（或 教 #未答号 => 答案）",
    role="service", shape=ARROW.pattern,
)  # fmt: skip
def learn(event: MessageReceived, ctx: Context) -> Wishes:
    needs_to_teach(ctx, event.group)
    parts = ARROW.split(ctx.reading.verbatim.strip(), maxsplit=1)
    question, number = parts[0].strip(), None
    if not question:
        raise Mistake("faq.usage", usage="教 问题 => 答案")
    if question.startswith("#") and question[1:].isdecimal() and len(question) < 11:
        number, question = int(question[1:]), ""
        one = ctx.store.faq_log.one_unanswered(number)
        if one is None or one.state != "open":
            raise Mistake("faq.no_unanswered", id=number)
        question = one.text
    if len(parts) == 2 and parts[1].strip():
        return teach(ctx, question, parts[1], number)
    question = proven_question(ctx, question)
    until = to_ms(ctx.now) + _WAIT_MINUTES * 60_000
    payload: dict[str, object] = {"question": question, **({"unanswered": number} if number else {})}
    ctx.store.faq.await_word(event.group, ctx.member, "teach", payload, until)
    return say("faq.teach_step", question=question, sort=Sort.STAFF)


@router.command(
    "改", help="改一条的答案，文件里的也能改", usage="号或问题 => 新答案", role="service",
    shape=rf"^#?\d+\s+\S|{ARROW.pattern}",
)  # fmt: skip
def change(event: MessageReceived, ctx: Context) -> Wishes:
    target, text = _change(ctx.reading.verbatim.strip())
    if not target or not text:
        raise Mistake("faq.usage", usage="改 号或问题 => 新答案")
    one = to_change(ctx, target)
    if isinstance(one, EntryModel):
        fresh = replace_written(ctx, one, text)
        return say(
            "faq.changed_file", id=fresh.id, question=fresh.question, answer=one_line(fresh.answer, 60), file=one.id,
            scope=scope_name(ctx, fresh.group_id), sort=Sort.STAFF,
        )  # fmt: skip
    needs_to_teach(ctx, one.group_id)
    if one.state == "off":
        raise Mistake("faq.no_entry", id=one.id)
    fresh = one._replace(answer=proven_answer(ctx, text))
    ctx.store.faq.change(fresh, "edit", by=ctx.member, at=ctx.at_ms, event_id=event.id)
    ctx.audit("改", f"问答 {one.id}：{one_line(fresh.answer, 80)}")
    return say(
        "faq.changed", id=one.id, question=one.question, answer=one_line(fresh.answer, 60), sort=Sort.STAFF
    )  # fmt: skip


def _change(text: str) -> tuple[str, str]:
    """(what is to be changed, the new answer) of 改: 3 新答案, or 3 => 新答案, or 问题 => 新答案."""
    head, _, rest = text.partition(" ")
    number = head.removeprefix("#").isdecimal() and not ARROW.match(text[len(head) :])
    target, answer = (head, rest) if number else [*ARROW.split(text, maxsplit=1), ""][:2]
    return target.strip(), answer.strip()


@router.command("删", help="停用一条教过的问答", usage="号", role="service", shape=r"^#?\d+$")
def delete(event: MessageReceived, ctx: Context) -> Wishes:
    if not ctx.reading.rest:
        raise Mistake("faq.usage", usage="删 号")
    one = entry_meant(ctx, ctx.reading.rest)
    needs_to_teach(ctx, one.group_id)
    if one.state == "off":
        raise Mistake("faq.no_entry", id=one.id)
    ctx.store.faq.change(one._replace(state="off"), "delete", by=ctx.member, at=ctx.at_ms, event_id=event.id)
    ctx.audit("删", f"问答 {one.id}：{one.question}")
    if one.stands_for is not None:
        return say("faq.taken_back", id=one.id, now=now_answers(ctx, one._replace(state="off")), sort=Sort.STAFF)
    return say("faq.deleted", id=one.id, question=one.question, sort=Sort.STAFF)


@router.command("撤销回答", help="收回对一条问答的最后一次教、改、删", usage="号", role="service")
def undo(event: MessageReceived, ctx: Context) -> Wishes:
    if not ctx.reading.rest:
        raise Mistake("faq.usage", usage="撤销回答 号")
    one = entry_meant(ctx, ctx.reading.rest)
    needs_to_teach(ctx, one.group_id)
    before = take_back(ctx, one)
    ctx.store.faq.change(before, "undo", by=ctx.member, at=ctx.at_ms, event_id=event.id)
    ctx.audit("撤销回答", f"问答 {one.id}")
    return say("faq.taken_back", id=one.id, now=now_answers(ctx, before), sort=Sort.STAFF)


@router.command(
    "谁教的", help="一条问答是谁教的、改过几次、答过几次", usage="号", role="read-only", shape=r"^#?[a-z0-9_-]+$"
)
def history(event: MessageReceived, ctx: Context) -> Wishes:
    if not ctx.reading.rest:
        raise Mistake("faq.usage", usage="谁教的 号")
    text = ctx.reading.rest.strip().removeprefix("#")
    written = ctx.desk.library.entries.get(text)
    if written is not None:
        owner = f"，负责人 {written.owner}" if written.owner else ""
        fresh = ctx.store.faq.standing_for(text, event.group)
        instead = f"，现在答的是教的问答 {fresh.id}（谁教的 {fresh.id}）" if fresh else ""
        rows = [f"{text}「{title_of(written)}」写在人设的文件里{owner}{instead}", _figures(ctx, text)]
        return say("faq.history", rows="\n".join(rows), sort=Sort.STAFF)
    one = entry_meant(ctx, text)
    rows = [
        f"问答 {one.id}「{one.question}」，{scope_name(ctx, one.group_id)}，{'在用' if one.state == 'on' else '停用'}"
        + (f"，顶替文件里的 {one.stands_for}" if one.stands_for else "")
    ]
    rows += [
        f"· {ctx.local(from_ms(version.at)):%m-%d %H:%M} {ctx.store.members.name(version.by_id)} "
        f"{_ACTIONS[version.action]}：{one_line(version.answer, 40)}"
        for version in ctx.store.faq.versions(one.id, MOST)
    ]
    return say("faq.history", rows="\n".join([*rows, _figures(ctx, f"#{one.id}")]), sort=Sort.STAFF)


def _figures(ctx: Context, entry: str) -> str:
    log = ctx.store.faq_log
    return f"答过 {log.told_count(entry)} 次，被说答错 {log.wrong_count(entry)} 次"


@router.command("搜问答", help="找一条问答的号", usage="词", role="read-only")
def search(event: MessageReceived, ctx: Context) -> Wishes:
    word = ctx.reading.rest.strip()
    if not word:
        raise Mistake("faq.usage", usage="搜问答 词")
    library = ctx.desk.library
    hits = library.search(word, event.group, ctx.settings, ctx.event.at, 5)
    entries = library.entries
    named = [one for one in entries.values() if any(word in fold(text) for text in _texts(one))]
    found = list(
        {one.id: one for one in (*named[:MOST], *(entries[hit.id] for hit in hits if hit.score > 0.05))}.values()
    )
    if not found:
        raise Mistake("faq.search_nothing", word=word[:20])
    rows = [_found(ctx, one) for one in found[:MOST]]
    return say("faq.search", rows="\n".join(rows), sort=Sort.STAFF)


def _found(ctx: Context, one: EntryModel) -> str:
    fresh = ctx.store.faq.standing_for(one.id, ctx.event.group)
    number, answer = (f"{one.id}（改成 {fresh.id}）", fresh.answer) if fresh else (one.id.removeprefix("#"), one.answer)
    return f"{number}　{title_of(one)} => {one_line(answer, 30)}"


def _texts(entry: EntryModel) -> tuple[str, ...]:
    return (entry.id, entry.question, *entry.similar, *entry.keywords, entry.answer)


@router.command("记住", help="把刚才引用着回答的记成问答", usage="号", role="service", shape=r"^#?\d+$")
def remember(event: MessageReceived, ctx: Context) -> Wishes:
    text = ctx.reading.rest.strip().removeprefix("#")
    one = ctx.store.faq.offered(int(text)) if text.isdecimal() and len(text) < 10 else None
    if one is None or one.state != "open":
        raise Mistake("faq.no_offer", id=text[:10] or "?")
    entry = add_entry(ctx, one.group_id, one.question, one.answer)
    ctx.store.faq.settle_offer(one.id, "taken", entry)
    scope = scope_name(ctx, one.group_id)
    return say("faq.taught", id=entry, question=one.question, scope=scope, sort=Sort.STAFF)


@router.command("未答", help="问过我、我没答上的；不用答的写「未答 忽略 号」", usage="[忽略 号]", role="read-only",
                shape=r"^(忽略\s*#?\d+)?$")  # fmt: skip
def unanswered(event: MessageReceived, ctx: Context) -> Wishes:
    log, rest = ctx.store.faq_log, ctx.reading.rest.strip()
    if rest.startswith("忽略"):
        return _ignore(ctx, rest.removeprefix("忽略").strip().removeprefix("#"))
    found = log.unanswered(MOST)
    if not found:
        return say("faq.unanswered_none", sort=Sort.STAFF)
    rows = [
        f"#{one.id}　{one.times} 次「{one_line(one.text, 40)}」{_place(ctx, one.group_id)}"
        f"最近 {ctx.local(from_ms(one.last_at)):%m-%d %H:%M}"
        for one in found
    ]
    return say("faq.unanswered", count=log.count_unanswered(), rows="\n".join(rows), sort=Sort.STAFF)


def _place(ctx: Context, group: str | None) -> str:
    return "私聊，" if group is None else f"{ctx.config.group(group).name or ctx.store.members.title(group)}，"


def _ignore(ctx: Context, number: str) -> Wishes:
    needs_to_teach(ctx, ctx.event.group)
    one = ctx.store.faq_log.one_unanswered(int(number)) if number.isdecimal() and len(number) < 10 else None
    if one is None or one.state != "open":
        raise Mistake("faq.no_unanswered", id=number[:10] or "?")
    ctx.store.faq_log.close_unanswered(one.id, None)
    ctx.audit("未答 忽略", one.text)
    return say("faq.ignored", id=one.id, sort=Sort.STAFF)


@tells(75)
def asked(ctx: Context, group: str, since: datetime, until: datetime) -> Sequence[str]:
    """What was asked most, missed and called wrong, for the weekly digest."""
    return faq_lines(ctx, group, since, until)
