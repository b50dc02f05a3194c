"""约定社交距离: how near a member wants us, chosen once, changed with one word, kept by every line nobody asked for."""

from datetime import timedelta

from bot.contact import CHOICES
from bot.context import Context
from bot.events import MessageReceived, Tick
from bot.replies import Say, Silence, Sort, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms
from storage.bonds import Distance

router = Router("distance", "社交距离")
router.says(
    {
        "distance.ask": "name", "distance.often": "name", "distance.benefits": "name", "distance.quiet": "name",
        "distance.less": "name week", "distance.paused": "name until", "distance.resumed": "name choice",
        "distance.mine": "name rows", "distance.plain": "name", "distance.personal": "name",
    }
)  # fmt: skip
WORTH_ASKING = timedelta(hours=48)
"""The question about distance belongs to the first two days (article 002)."""
HISTORY = 3


@router.tick("distance")
def ask(event: Tick, ctx: Context) -> Wishes:
    """A little after the greeting of a new 1:1 contact (welcome asked for this wake-up)."""
    member, channel = str(event.payload.get("member", "")), str(event.payload.get("channel", ""))
    if ctx.store.bonds.distances(member, 1):
        return Silence("没等问，已经自己说了")
    if ctx.desk.speaks(channel) != "first":
        return Silence("这个通道不能随时先开口，等对方说")
    since = from_ms(int(event.payload.get("since", to_ms(ctx.now))))
    return Say(
        "distance.ask", {"name": ctx.store.members.name(member)}, member=member, channel=channel, sort=Sort.REMINDER,
        kind="约定距离", expires=since + WORTH_ASKING, because="新好友，约定社交距离（contact.ask）",
    )  # fmt: skip


def _agree(ctx: Context, wish: Distance, key: str, because: str, **slots: object) -> Say:
    ctx.store.bonds.agree(ctx.member, wish, ctx.reading.head, at=ctx.at_ms, event_id=ctx.event.id)
    ctx.store.agenda.forget_wake("distance", ctx.member)
    return Say(key, {"name": ctx.name, **slots}, because=because)


@router.command("常联系", help="有活动有新鲜事都告诉我")
def often(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)
    return _agree(ctx, Distance("often", plain=wish.plain), "distance.often", "本人选了常联系")


@router.command("只要福利", help="私信只收福利，别的不发")
def benefits(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)
    return _agree(ctx, Distance("benefits", wish.less, plain=wish.plain), "distance.benefits", "本人选了只要福利")


@router.command("别打扰", help="不主动私信我，也不@我")
def quiet(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)
    return _agree(ctx, Distance("quiet", plain=wish.plain), "distance.quiet", "本人选了别打扰")


@router.command("少发点", help="主动私信减半")
def less(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)._replace(less=1)
    _, week = ctx.settings.contact.limits("promo", private=True, less=True)
    return _agree(ctx, wish, "distance.less", "本人说少发点", week=week)


@router.command("停一个月", help="一个月不主动联系我")
def pause(event: MessageReceived, ctx: Context) -> Wishes:
    until = ctx.now + ctx.settings.contact.pause
    wish = ctx.store.bonds.distance(ctx.member)._replace(paused_until=to_ms(until))
    return _agree(ctx, wish, "distance.paused", "本人说停一个月（contact.pause）", until=f"{ctx.local(until):%m月%d日}")


@router.command("恢复", "恢复联系", help="少发点、停一个月、别打扰都取消")
def resume(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)
    choice = "often" if wish.choice == "quiet" else wish.choice
    return _agree(
        ctx, Distance(choice, plain=wish.plain), "distance.resumed", "本人说恢复", choice=CHOICES[choice]
    )  # fmt: skip


@router.command("不要个性化", help="不按我的习惯挑内容给我")
def plain(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)._replace(plain=1)
    return _agree(ctx, wish, "distance.plain", "本人不要个性化")


@router.command("恢复个性化", help="可以按我的习惯挑内容")
def personal(event: MessageReceived, ctx: Context) -> Wishes:
    wish = ctx.store.bonds.distance(ctx.member)._replace(plain=0)
    return _agree(ctx, wish, "distance.personal", "本人恢复个性化")


@router.command("我的设置", "我的约定", help="看我们约定的距离，怎么改")
def mine(event: MessageReceived, ctx: Context) -> Wishes:
    rows = [f"· {row}" for row in described(ctx, ctx.member)]
    said = ctx.store.bonds.distances(ctx.member, HISTORY)
    if said:
        words = "、".join(f"{ctx.local(from_ms(at)):%m-%d}「{word}」" for at, word in said)
        rows.append(f"· 你说过：{words}")
    rows.append("· 想改就发：常联系、只要福利、别打扰、少发点、停一个月、恢复")
    return say("distance.mine", name=ctx.name, rows="\n".join(rows))


def described(ctx: Context, member: str) -> list[str]:
    """What was agreed with a member, one fact a line."""
    wish, rules = ctx.store.bonds.distance(member), ctx.settings.contact
    day, week = rules.limits("promo", private=True, less=bool(wish.less))
    rows = [f"约定：{CHOICES[wish.choice]}" + ("，少发点" if wish.less else "")]
    paused = wish.paused_until is not None and wish.paused_until > to_ms(ctx.now)
    if paused and wish.paused_until is not None:
        rows.append(f"停到 {ctx.local(from_ms(wish.paused_until)):%m月%d日}")
    elif wish.choice == "quiet":
        rows.append("我不会主动私信，也不会@你")
    else:
        rows.append(f"活动私信：一天最多 {day} 条，七天最多 {week} 条")
    rows.append("个性化：关" if wish.plain else "个性化：开")
    return rows
