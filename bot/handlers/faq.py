"""Keyword answers: said when sure, at most once a cool-down in a place, otherwise silent."""

from bot.context import Context
from bot.events import MessageReceived
from bot.faq import Answer
from bot.replies import Silence, Wishes, say
from bot.router import Router

router = Router("faq")
router.says({"faq.answer": "answer"})


@router.band("keyword")
def answer(event: MessageReceived, ctx: Context) -> Wishes:
    found: Answer = ctx.hit
    place = ctx.event.group or ctx.member
    # Whoever turns to the bot gets an answer even if the group just had it.
    rests = ctx.resting(f"faq.{found.id}", place, ctx.settings.faq.cooldown)
    if rests and not ctx.reading.addressed:
        return Silence(f"「{found.id}」刚在这里答过，还在冷却（faq.cooldown）")
    return say(
        "faq.answer", answer=found.answer,
        because=f"关键词「{found.keyword}」占了这句话的 {found.coverage:.0%}，条目 {found.id}",
    )  # fmt: skip
