"""Questionnaires in 1:1: asked one question at a time, remembered over a restart, refused with one word."""

from dataclasses import replace
from datetime import timedelta

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived
from bot.replies import PASS, Pass, Say, Sort, Wishes, say
from bot.router import Router
from bot.survey import REFUSALS, Survey, chosen
from bot.tagging import priority
from bot.whom import about
from bot.words import bare
from bot.world import from_ms, to_ms
from storage.surveys import SurveyRun
from storage.tags import Evidence, TagRow

router = Router("survey", "问卷")
router.says(
    {
        "survey.ask": "title number count text choices", "survey.intro": "name intro", "survey.done": "name title",
        "survey.result": "name result", "survey.refused": "name", "survey.none": "rows", "survey.private": "name",
        "survey.again": "choices", "survey.sent": "name title", "survey.not_now": "name", "survey.usage": "rows",
    }
)  # fmt: skip
STALE = timedelta(days=7)
"""A questionnaire that lay still for so long is over."""
PATIENCE = 2
"""Answers that nobody understands, before we let it be."""
REST = timedelta(days=90)
"""Whoever refused is not invited again for so long."""


@router.command("问卷", help="答两三个小问题，我就更懂你（私聊里答）", usage="[名字]")
def begin(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is not None:
        return say("survey.private", name=ctx.name)
    survey = _find(ctx, ctx.reading.verbatim.strip())
    return _start(ctx, survey, ctx.member, None)


@router.command("发问卷", help="请一位好友答问卷，对方可以不答", usage="@群友 [名字]", role="service")
def invite(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("service")
    rest, members = about(event, ctx)
    if len(members) != 1:
        raise Mistake("survey.usage", rows=_titles(ctx))
    survey, member = _find(ctx, rest), members[0]
    name, run = ctx.store.members.name(member), ctx.store.surveys.run(member)
    refused = run is not None and run.state == "refused" and ctx.now - from_ms(run.at) < REST
    busy = run is not None and run.state == "open" and ctx.now - from_ms(run.at) < STALE
    if refused or busy or not ctx.store.members.is_contact(member):
        return Say("survey.not_now", {"name": name}, member=ctx.member, sort=Sort.STAFF, because="这位现在不便打扰")
    ctx.audit("发问卷", f"{name}：{survey.title}")
    told = Say(
        "survey.sent", {"name": name, "title": survey.title}, member=ctx.member, sort=Sort.STAFF, because="员工发问卷"
    )
    return [told, *_start(ctx, survey, member, ctx.store.members.channel_of_member(member))]


def _find(ctx: Context, wanted: str) -> Survey:
    """The questionnaire that is meant: the only one, or by name or title. Raises Mistake."""
    surveys = ctx.desk.surveys()
    by_name = {**{one.title: one for one in surveys.values()}, **surveys}
    survey = by_name.get(wanted) if wanted else next(iter(surveys.values()), None)
    if survey is None:
        raise Mistake("survey.none", rows=_titles(ctx))
    return survey


def _titles(ctx: Context) -> str:
    return "、".join(one.title for one in ctx.desk.surveys().values()) or "还没有"


def _start(ctx: Context, survey: Survey, member: str, channel: str | None) -> list[Say]:
    ctx.store.surveys.start_over(member, survey.name)
    ctx.store.tags.take_of_rule(member, "answer", f"survey.{survey.name}.")
    ctx.store.surveys.put(member, SurveyRun(survey.name, survey.version, "open", 0, 0, to_ms(ctx.now)))
    intro = Say(
        "survey.intro", {"name": ctx.store.members.name(member), "intro": survey.intro}, member=member,
        channel=channel, because="问卷开始",
    )  # fmt: skip
    return [intro, replace(_question(survey, 0), member=member, channel=channel)]


def _question(survey: Survey, step: int) -> Say:
    ask = survey.questions[step]
    return say(
        "survey.ask", title=survey.title, number=step + 1, count=len(survey.questions), text=ask.text,
        choices=_choices(survey, step), because=f"问卷第 {step + 1} 题",
    )  # fmt: skip


def _choices(survey: Survey, step: int) -> str:
    return "\n".join(f"{place}. {one.text}" for place, one in enumerate(survey.questions[step].choice, start=1))


@router.watch("survey")
def answer(event: MessageReceived, ctx: Context) -> Wishes:
    """What somebody says in 1:1 while a question is open."""
    run = ctx.store.surveys.run(ctx.member)
    if event.group is not None or run is None or run.state != "open" or event.form != "text":
        return PASS
    survey = ctx.desk.surveys().get(run.survey)
    if survey is None or event.at - from_ms(run.at) > STALE:
        ctx.store.surveys.put(ctx.member, replace(run, state="refused"))
        return PASS
    if bare(event.text) in REFUSALS:
        ctx.store.surveys.put(ctx.member, replace(run, state="refused", at=to_ms(ctx.now)))
        return say("survey.refused", name=ctx.name, because="问卷不想答就不答")
    if run.version != survey.version:
        return _start(ctx, survey, ctx.member, None)
    ask = survey.questions[run.step]
    if ctx.desk.is_command(ctx.reading, ctx.settings) and bare(event.text) not in [
        bare(one.text) for one in ask.choice
    ]:
        return PASS
    choice = chosen(ask, event.text)
    if choice is None:
        return _puzzled(ctx, survey, run)
    return _next(ctx, survey, run, choice)


def _puzzled(ctx: Context, survey: Survey, run: SurveyRun) -> Say | Pass:
    """Not an answer: it is asked again, but not for ever."""
    if run.missed >= PATIENCE:
        return PASS
    ctx.store.surveys.put(ctx.member, replace(run, missed=run.missed + 1))
    return say("survey.again", choices=_choices(survey, run.step), because="没听懂是哪个选项")


def _next(ctx: Context, survey: Survey, run: SurveyRun, choice: int) -> Wishes:
    surveys, member, step = ctx.store.surveys, ctx.member, run.step
    surveys.answer(member, survey.name, step, choice, event_id=ctx.event.id, at=ctx.at_ms)
    picked = survey.questions[step].choice[choice]
    if picked.tag:
        note = f"问卷里答「{survey.questions[step].text}」选了「{picked.text}」"
        _give(ctx, survey, str(step), picked.tag, note, [(ctx.event.id, ctx.at_ms)])
    over = step + 1 == len(survey.questions)
    surveys.put(member, replace(run, step=step + 1, missed=0, state="done" if over else "open", at=to_ms(ctx.now)))
    return _finish(ctx, survey) if over else _question(survey, step + 1)


def _finish(ctx: Context, survey: Survey) -> Say:
    answers = ctx.store.surveys.answers(ctx.member, survey.name)
    band = survey.band({question: choice for question, choice, _, _ in answers})
    if band is None:
        return say("survey.done", name=ctx.name, title=survey.title, because="问卷答完了")
    note = f"问卷「{survey.title}」里得分到了这一档"
    _give(ctx, survey, "band", band.tag, note, [(event_id, at) for _, _, event_id, at in answers])
    return say("survey.result", name=ctx.name, result=band.say, because="计分问卷答完了")


def _give(ctx: Context, survey: Survey, part: str, tag: str, note: str, refs: list[tuple[str, int]]) -> None:
    """A tag from answers. What members say of themselves outweighs what staff once denied."""
    book, last = ctx.desk.tags, max(at for _, at in refs)
    ctx.store.tags.take(ctx.member, tag, "denied")
    first, expires = min(at for _, at in refs), last + survey.days * 86_400_000
    row = TagRow(
        ctx.member, tag, "answer", f"survey.{survey.name}.{part}", survey.version, len(refs), 4, first, last, expires,
        book.arena(tag)[0], priority(book, tag, "answer", last), note[:80],
    )  # fmt: skip
    ctx.store.tags.give(row, [Evidence(event_id, at, "survey", event_id) for event_id, at in refs])
