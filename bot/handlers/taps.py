"""已发 and 不用发: what became of a line that a person has to tap in WeCom."""

from bot.confirming import TOPIC, close, lay_before
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.replies import Silence, Sort, Wishes, say
from bot.router import Router

router = Router("taps", "任务")
router.says(
    {
        "tap.new": "number title who due text", "tap.reminder": "number title who due text",
        "tap.over": "number title who due text", "tap.sent": "number title", "tap.declined": "number title",
        "tap.usage": "word", "tap.settled": "number title state",
    }
)  # fmt: skip
_STATES = {
    "waiting": "还等着",
    "sent": "已经发了",
    "declined": "说过不发",
    "expired": "过期了",
    "merged": "并进下一条了",
}


@router.tick(TOPIC)
def laid(event: Tick, ctx: Context) -> Wishes:
    return lay_before(ctx, int(event.key)) if event.key.isdecimal() else None


@router.command("已发", help="要人点的那条已经在企业微信里点了发送", usage="几号", role="service")
def sent(event: MessageReceived, ctx: Context) -> Wishes:
    return _close(event, ctx, "已发", done=True)


@router.command("不用发", help="要人点的那条不发了，额度还回去", usage="几号", role="service")
def declined(event: MessageReceived, ctx: Context) -> Wishes:
    return _close(event, ctx, "不用发", done=False)


def _close(event: MessageReceived, ctx: Context, word: str, *, done: bool) -> Wishes:
    text = ctx.reading.rest.removeprefix("#").removesuffix("号")
    number = int(text) if text.isdecimal() and len(text) < 10 else None
    if number is None and text and event.group is not None and not ctx.reading.addressed:
        return Silence("随口一句，没有说到几号")
    ctx.needs("service")
    send = ctx.store.campaigns.hand_send(number) if number is not None else None
    task = ctx.store.tasks.get(number) if number is not None else None
    if send is None or task is None:
        raise Mistake("tap.usage", word=word)
    if not close(ctx, task, send, done=done):
        raise Mistake("tap.settled", number=send.number, title=send.title, state=_STATES[send.state])
    ctx.audit(word, f"任务 {send.number}：{send.title}")
    return say("tap.sent" if done else "tap.declined", number=send.number, title=send.title, sort=Sort.STAFF)
