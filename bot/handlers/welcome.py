"""Newcomers: one greeting at most per gap, everybody who joined meanwhile in it; a new 1:1 contact at once."""

from collections import Counter
from datetime import timedelta

from bot.context import Context
from bot.events import ContactAdded, MemberJoined, MemberLeft, MessageReceived, Tick
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms

router = Router("welcome", "欢迎")
router.says(
    {
        "welcome.group": "names benefit",
        "welcome.contact": "name offer",
        "welcome.offer": "",
        "welcome.preview": "text",
    }
)
GREETING_WINDOW = timedelta(hours=48)
"""The first greeting of a contact still makes sense within 48 hours (article 002)."""


@router.on(MemberJoined)
def joined(event: MemberJoined, ctx: Context) -> Wishes:
    rules, members = ctx.settings.welcome, ctx.store.members
    if event.group is None:
        return Silence("进群事件没有群")
    fresh: list[str] = []
    for person in event.people:
        greeted, is_new = members.join(event.group, person.id, ctx.at_ms, inviter=event.inviter, source=event.source)
        recently = greeted is not None and ctx.at_ms - greeted < rules.rejoin_days * 86_400_000
        if is_new and not recently and person.id not in ctx.config.settings.bot.ids:
            fresh.append(person.id)
    if not rules.on:
        return Silence("这个群没开欢迎（welcome.on）")
    if event.history:
        return Silence("第一次连上时读到的老成员，不欢迎")
    if ctx.now - event.at > rules.stale_after:
        return Silence("进群太久了，不补欢迎（welcome.stale_after）")
    if not fresh:
        return Silence(f"{rules.rejoin_days} 天内欢迎过，重新进群不再欢迎（welcome.rejoin_days）")
    members.await_welcome(event.group, fresh)
    return _greet_or_wait(event.group, ctx)


def _greet_or_wait(group: str, ctx: Context) -> Wishes:
    last = ctx.store.members.last_welcome(group)
    opens = from_ms(last) + ctx.settings.welcome.gap if last is not None else ctx.now
    if opens <= ctx.now:
        return _greet(group, ctx)
    ctx.wake("welcome", group, opens, {"group": group})
    return Silence(f"刚欢迎过，{ctx.local(opens):%H:%M} 和后面进来的人一起欢迎（welcome.gap）")


def _greet(group: str, ctx: Context) -> Wishes:
    waiting = ctx.store.members.waiting(group)
    if not waiting:
        return Silence("等欢迎的人都离开了")
    ctx.store.members.greeted(group, to_ms(ctx.now))
    sources = Counter(source for _, source in waiting)
    source = next(iter(sources)) if len(sources) == 1 else None
    names = [ctx.store.members.name(member) for member, _ in waiting]
    return Say(
        ctx.settings.welcome.sources.get(source or "", ctx.settings.welcome.phrase),
        {"names": listed(names, ctx.settings.welcome.max_names), "benefit": ctx.settings.welcome.benefit},
        mention=tuple(member for member, _ in waiting[: ctx.settings.welcome.max_names]),
        because=f"{len(waiting)} 位新人，离上次欢迎已过间隔",
    )


def listed(names: list[str], most: int) -> str:
    """Names as one says them, up to a limit, then how many there are in all."""
    shown = "、".join(names[:most])
    return shown if len(names) <= most else f"{shown}等 {len(names)} 位"


@router.tick("welcome")
def gap_over(event: Tick, ctx: Context) -> Wishes:
    if not ctx.settings.welcome.on:
        return Silence("这个群没开欢迎（welcome.on）")
    if ctx.now - event.at > ctx.settings.welcome.stale_after:
        ctx.store.members.stop_waiting(event.key)
        return Silence("停机太久，不补欢迎（welcome.stale_after）")
    return _greet_or_wait(event.key, ctx)


@router.on(MemberLeft)
def left(event: MemberLeft, ctx: Context) -> Wishes:
    if event.group is not None:
        for person in event.people:
            ctx.store.members.leave(event.group, person.id, ctx.at_ms)
    return None


@router.on(ContactAdded)
def contact_added(event: ContactAdded, ctx: Context) -> Wishes:
    first = ctx.store.members.become_contact(ctx.member, ctx.at_ms, event.source)
    if not first:
        return Silence("早就打过招呼了")
    if ctx.settings.contact.ask:  # how near they want us is asked a little later (distance)
        payload = {"member": ctx.member, "channel": event.channel, "since": ctx.at_ms}
        ctx.wake("distance", ctx.member, ctx.now + ctx.settings.contact.ask_after, payload)
    return Say(
        "welcome.contact", {"name": ctx.name, "offer": say("welcome.offer")}, member=event.member,
        expires=event.at + GREETING_WINDOW, because="新加的好友，马上打招呼",
    )  # fmt: skip


@router.command("试欢迎", help="看看新人会看到什么", usage="[来源]", role="read-only")
def try_welcome(event: MessageReceived, ctx: Context) -> Wishes:
    rules = ctx.settings.welcome
    names = listed(["小满", "阿杰", "豆豆", "橙子", "暖暖", "果果", "大鹏"], rules.max_names)
    phrase = rules.sources.get(ctx.reading.rest, rules.phrase)
    text = ctx.desk.preview(Say(phrase, {"names": names, "benefit": rules.benefit}), ctx.settings)
    return say("welcome.preview", text=text, sort=Sort.STAFF)
