"""What the question book says and how that is written down: answers, choices, misses with their clusters, figures."""

from datetime import datetime, timedelta

from bot.context import Context
from bot.events import MessageReceived
from bot.faq import EntryModel
from bot.faq.keywords import core
from bot.faq.library import Choice
from bot.replies import Say, say
from bot.words import fold, one_line
from bot.world import to_ms

COMPARED = 300
"""Newest open questions among which a new one looks for its like."""
SHORTEST_MISS = 3
"""Characters of content that a question must have to be worth keeping."""
KEPT_TEXT = 120
SHOWN_TEXT = 40


def tell(ctx: Context, entry: EntryModel, score: float, why: str, asked: str) -> list[Say]:
    """The answer of an entry, noted; its evidence follows as a line of its own."""
    asked = one_line(asked, KEPT_TEXT)
    event = ctx.event
    ctx.resting(f"faq.{entry.id}", event.group or ctx.member, ctx.settings.faq.cooldown)
    fresh = ctx.store.faq.standing_for(entry.id, event.group)
    if fresh is not None:
        entry = entry.model_copy(update={"id": f"#{fresh.id}", "answer": fresh.answer})
        why = f"{why}；答案是教的问答 {fresh.id}，顶替了文件里的"
    ctx.store.faq_log.note(
        event.id, event.group, ctx.member, "answer", asked, at=ctx.at_ms, entry=entry.id, score=min(1.0, score)
    )
    text = f"{entry.answer}\n{entry.link}" if entry.link else entry.answer
    lines = [Say("faq.answer", {"answer": text}, picture=entry.picture, because=why)]
    if entry.evidence:
        shown = "://" in entry.evidence
        what = entry.evidence if shown else "见图"
        picture = "" if shown else entry.evidence
        lines.append(Say("faq.evidence", {"what": what}, picture=picture, because=f"{why}，这一条附了依据"))
    return lines


def ask_back(ctx: Context, choices: tuple[Choice, ...], why: str, asked: str) -> list[Say]:
    """「你是不是想问」 with numbers; the number is waited for."""
    rules, event = ctx.settings.faq, ctx.event
    asked = one_line(asked, KEPT_TEXT)
    ctx.store.faq_log.note(event.id, event.group, ctx.member, "choices", asked, at=ctx.at_ms, score=choices[0].score)
    ctx.store.faq.await_word(
        event.group, ctx.member, "choice", {"ids": [one.entry.id for one in choices], "asked": asked},
        to_ms(ctx.now + rules.choose),
    )  # fmt: skip
    rows = "\n".join(f"{number}. {title_of(one.entry)}" for number, one in enumerate(choices, start=1))
    scores = "，".join(f"{one.entry.id} {one.score:.0%}" for one in choices)
    return [say("faq.choices", name=ctx.name, rows=rows, because=f"{why}；候选 {scores}")]


def title_of(entry: EntryModel) -> str:
    """What an entry is called where people choose."""
    return one_line(entry.question or next(iter((*entry.similar, *entry.keywords)), entry.id), SHOWN_TEXT)


def miss(ctx: Context, asked: str) -> int:
    """Notes that a question was not answered; returns how many in a row that makes for this member here."""
    event, log, text = ctx.event, ctx.store.faq_log, one_line(asked, KEPT_TEXT)
    number = _cluster(ctx, text) if ctx.role is None and len(core(fold(text))) >= SHORTEST_MISS else None
    log.note(event.id, event.group, ctx.member, "miss", text, at=ctx.at_ms, unanswered_id=number)
    since = to_ms(ctx.now - ctx.settings.faq.row)
    return log.misses_in_a_row(event.group, ctx.member, since)


def _cluster(ctx: Context, text: str) -> int:
    """The number of the open question that this one repeats, or a new one."""
    log, group = ctx.store.faq_log, ctx.event.group
    known = log.newest_unanswered(COMPARED)
    key = core(fold(text))
    same = next((one for one in known if key in {core(fold(said)) for said in (one.text, *one.similar)}), None)
    if same is None:
        found = ctx.desk.library.alike(text, [(str(one.id), (one.text, *one.similar)) for one in known])
        same = next((one for one in known if str(one.id) == found), None)
    if same is None:
        return log.begin_unanswered(key, text, group, ctx.at_ms)
    log.again(same, text, group, ctx.at_ms)
    return same.id


def missed(event: MessageReceived, ctx: Context) -> Say | None:
    """Nobody knows: passed to a person politely; after several in a row a person is offered. None: said just now."""
    row = miss(ctx, ctx.reading.text)
    limit = ctx.settings.faq.give_up
    if row >= limit and not ctx.resting("faq.person", event.group or ctx.member, timedelta(minutes=5)):
        ctx.resting("unsure", ctx.member, timedelta(seconds=20))
        return say(
            "faq.person", name=ctx.name, because=f"连着 {row} 个问题没答上（faq.give_up {limit}），提醒可以转人工"
        )
    if ctx.resting("unsure", ctx.member, timedelta(seconds=20)):
        return None
    return say("faq.unsure", name=ctx.name, because="没有口令也没有问答对得上，不乱答，转给员工")


def entry_name(ctx: Context, entry: str) -> str:
    """How staff call an entry: number or id, and its question."""
    known = ctx.desk.library.entries.get(entry)
    if known is None and entry.startswith("#"):
        taken = ctx.store.faq.get(int(entry[1:]))
        return f"问答 {entry[1:]}「{one_line(taken.question, 24) if taken else '已经没有了'}」"
    title = f"「{one_line(title_of(known), 24)}」" if known else ""
    return f"问答 {entry.removeprefix('#')}{title}"


def answer_of(ctx: Context, entry: str) -> str:
    """What an entry answers now, by its id or number."""
    taught = ctx.store.faq.get(int(entry[1:])) if entry.startswith("#") else None
    if taught is not None:
        return taught.answer
    known = ctx.desk.library.entries.get(entry)
    return known.answer if known else ""


def faq_lines(ctx: Context, group: str | None, since: datetime, until: datetime, most: int = 3) -> list[str]:
    """The question book in a digest of a group (None: 1:1): how much was asked, top questions, misses, wrong answers.
    Empty when nobody asked anything."""
    log, span = ctx.store.faq_log, (to_ms(since), to_ms(until))
    counts = log.outcomes(group, *span)
    total = sum(counts.values())
    if not total:
        return []
    missed_count = counts.get("miss", 0)
    rows = [f"问答 {total} 次，答上 {counts.get('answer', 0)}，反问 {counts.get('choices', 0)}，没答上 {missed_count}"]
    top = log.top_entries(group, *span, most)
    if top:
        rows.append("问得最多：" + "，".join(f"{entry_name(ctx, entry)} {times} 次" for entry, times, _ in top))
    misses = log.top_misses(group, *span, most)
    if misses:
        told = "，".join(f"#{number}「{one_line(text, 24)}」{times} 次" for number, times, text in misses)
        rows.append(f"没答上的：{told}（教 #号 => 答案）")
    wrong = log.top_wrong(group, *span, most)
    if wrong:
        rows.append("被说答错：" + "，".join(f"{entry_name(ctx, entry)} {times} 次" for entry, times in wrong))
    return rows
