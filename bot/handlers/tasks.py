"""Things for people to do: 任务 lists what is open, 完成 and 不做 close; whoever owns one is reminded three times."""

from bot import confirming
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.replies import Sort, Wishes, say
from bot.router import Router
from bot.settings.deployment import Role
from bot.tasking import about, remind, show_due
from bot.world import to_ms
from storage.tasks import Task

router = Router("tasks", "任务")
router.says(
    {
        "task.new": "number what who due", "task.reminder": "number what who due", "task.list": "count rows",
        "task.none": "", "task.done": "number what who", "task.dropped": "number what who", "task.usage": "word",
        "task.closed": "number what state",
    }
)  # fmt: skip
MOST = 20
_STATES = {"open": "还开着", "done": "做完了", "dropped": "定了不做"}


@router.tick("task")
def due(event: Tick, ctx: Context) -> Wishes:
    if not event.key.isdecimal():
        return None
    send = ctx.store.campaigns.hand_send(int(event.key))
    return confirming.due(ctx, send) if send is not None else remind(ctx, int(event.key))


@router.command("任务", help="要人做的事：给谁做、什么时候前", role="read-only")
def listed(event: MessageReceived, ctx: Context) -> Wishes:
    count, tasks = ctx.store.tasks.open(MOST)
    if not tasks:
        return say("task.none", sort=Sort.STAFF)
    now = to_ms(ctx.now)
    rows = [
        f"· {one.number} 号 {about(ctx, one)}：{one.what}（{_owner(ctx, one)}，{show_due(ctx, one)} 前"
        f"{'，过期了' if one.due < now else ''}）"
        for one in tasks
    ]
    if count > len(rows):
        rows.append(f"……一共 {count} 件")
    return say("task.list", count=count, rows="\n".join(rows), sort=Sort.STAFF)


def _owner(ctx: Context, one: Task) -> str:
    person = ctx.config.staff.get(one.owner)
    return (person.name or person.id) if person else f"{Role.TITLES.get(one.owner, one.owner)}都能做"


@router.command("完成", help="一件任务做完了", usage="几号", role="service")
def done(event: MessageReceived, ctx: Context) -> Wishes:
    return _close(ctx, "完成", "done")


@router.command("不做", help="一件任务不做了", usage="几号", role="service")
def dropped(event: MessageReceived, ctx: Context) -> Wishes:
    return _close(ctx, "不做", "dropped")


def _close(ctx: Context, word: str, state: str) -> Wishes:
    ctx.needs("service")
    text = ctx.reading.rest
    row = ctx.store.tasks.get(int(text)) if text.isdecimal() and len(text) < 10 else None
    if row is None:
        raise Mistake("task.usage", word=word)
    send = ctx.store.campaigns.hand_send(row.number)
    if send is not None:  # a line that a person taps: 完成 means 已发
        closed = confirming.close(ctx, row, send, done=state == "done")
    else:
        closed = ctx.store.tasks.close(row.number, state, at=to_ms(ctx.now), by=ctx.member)
    if not closed:
        raise Mistake("task.closed", number=row.number, what=row.what, state=_STATES[row.state])
    ctx.store.agenda.forget_wake("task", str(row.number))
    ctx.audit(word, f"任务 {row.number}：{row.what}")
    return say(f"task.{state}", number=row.number, what=row.what, who=about(ctx, row), sort=Sort.STAFF)
