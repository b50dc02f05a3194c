"""Lucky draws for members: taking part, 抽奖, 我的抽奖, 验奖, 我的奖品, 领奖; and what falls due."""

from datetime import timedelta

from bot.context import Context
from bot.crowds import catch_up
from bot.draw_desk import asked_number
from bot.draw_plan import plan_of
from bot.draw_proof import name_of_prize, proof_lines
from bot.drawing import Drawing, afterwards, closing, instant, key_of, opening, rule_word
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.games.draw import pages
from bot.games.judge import is_right
from bot.replies import PASS, Pass, Say, Silence, Sort, Wish, Wishes, say
from bot.router import Router
from bot.settings import GroupSettings
from bot.world import to_ms
from storage.draws import Draw

router = Router("draw", "抽奖")
router.says(
    {
        "draw.opened": "title number commitment rules", "draw.more": "title number text",
        "draw.entered": "name title number place count", "draw.already": "name title number place code",
        "draw.staff_out": "name title", "draw.outside": "name title conditions", "draw.photo_in": "name title",
        "draw.photo_staff": "name title number",
        "draw.photo_twice": "name title", "draw.try_won": "name prize title try number",
        "draw.try_lost": "name title left try number", "draw.try_none": "name title tries number",
        "draw.try_done": "name title number", "draw.result": "title number rows count list secret due",
        "draw.nobody": "title number secret", "draw.closed": "title number count list public until",
        "draw.ended": "title number count winners list secret", "draw.void": "title number reason secret",
        "draw.stopped": "title number reason", "draw.redrawn": "title number rows due",
        "draw.forfeited": "title number rows", "draw.list": "rows", "draw.none": "", "draw.only_in_group": "",
        "draw.mine": "name rows", "draw.mine_none": "name", "draw.proof": "number page pages text",
        "draw.proof_long": "number pages list", "draw.prizes": "name rows", "draw.prizes_none": "name",
        "draw.claimed": "name rows how", "draw.nothing_to_claim": "name", "draw.unknown": "number",
        "draw.which": "word", "draw.answer": "title number question answer",
    }
)  # fmt: skip
MOST = 10
_STATES = {
    "planned": "还没开始", "open": "正在报名", "closed": "名单已封存，等公开数", "drawn": "已开奖", "void": "已作废",
}  # fmt: skip
_WON = {"won": "待领", "claimed": "已领，等发放", "forfeited": "逾期作废", "replaced": "已换人"}


def switched_off(settings: GroupSettings) -> bool:
    """Whether a group does without draws."""
    return not settings.draws.on


# -- taking part ---------------------------------------------------------------------------------------------------


@router.watch("draw")
def take_part(event: MessageReceived, ctx: Context) -> Wishes:
    """Whoever says the passphrase, the word, or shows a picture, takes part."""
    if event.group is None:
        return PASS
    answer: Wish | Pass = PASS
    spoken = rule_word(ctx.reading.text)
    for draw in list(ctx.store.draws.open_in(ctx.group)):
        if not draw.opens_at <= ctx.at_ms < draw.deadline:
            continue
        if draw.enter == "say" and event.form == "text" and rule_word(draw.word) in ctx.reading.text:
            _enter_quietly(draw, ctx)
        elif draw.enter == "answer" and event.form == "text" and _is_right(draw, ctx):
            if not any(one.game == "quiz" for one in ctx.store.sessions.in_group(ctx.group)):
                return _enter(draw, ctx)
            _enter_quietly(draw, ctx)  # the quiz that is going on may want the same words
        elif draw.enter == "photo" and event.form == "picture":
            return _photo(draw, event, ctx)
        elif draw.enter == "passphrase" and event.form == "text" and spoken == rule_word(draw.word):
            return _try(draw, ctx) if draw.kind == "instant" else _enter(draw, ctx)
    return answer


def _is_right(draw: Draw, ctx: Context) -> bool:
    """Whether a message answers the question that a draw asks, judged as in a quiz."""
    answers = draw.given.get("answers", ())
    return bool(answers) and is_right(ctx.reading.text, answers, str(draw.given["question"]))


def _enter_quietly(draw: Draw, ctx: Context) -> None:
    """Talk stays talk: who says the word is entered without a line; 我的抽奖 shows it."""
    drawing = Drawing(ctx)
    if drawing.may_enter(draw, ctx.member) and _is_meant(drawing, draw, ctx):
        drawing.enter(draw, ctx.member, ctx.group, ctx.at_ms, ctx.event.id)


def _enter(draw: Draw, ctx: Context) -> Wish:
    drawing = Drawing(ctx)
    if not drawing.may_enter(draw, ctx.member):
        return _staff_out(draw, ctx)
    if not _is_meant(drawing, draw, ctx):
        return _outside(draw, ctx)
    place = drawing.enter(draw, ctx.member, ctx.group, ctx.at_ms, ctx.event.id)
    if place is None:
        if ctx.resting("draw.again", f"{draw.id}/{ctx.member}", timedelta(minutes=10)):
            return Silence("早就入围了，十分钟内说过一次")
        known = ctx.store.draws.entry_of(draw.id, ctx.member)
        assert known is not None
        return say(
            "draw.already", name=ctx.name, title=draw.title, number=draw.id, place=known[0], code=known[1],
            because="已经在名单里，每人一份",
        )  # fmt: skip
    if ctx.resting("draw.entry", f"{draw.id}/{ctx.group}", ctx.settings.draws.entry_gap):
        return Silence("入围记下了；刚报过人数，不刷屏（draws.entry_gap）")
    return say(
        "draw.entered", name=ctx.name, title=draw.title, number=draw.id, place=place,
        count=ctx.store.draws.count(draw.id), sort=Sort.GAME, because=f"说了第 {draw.id} 号抽奖的口令，或答对了题",
    )  # fmt: skip


def _staff_out(draw: Draw, ctx: Context) -> Wish:
    if ctx.resting("draw.staff", f"{draw.id}/{ctx.member}", timedelta(hours=1)):
        return Silence("规则写了员工不参加")
    return say("draw.staff_out", name=ctx.name, title=draw.title, because="规则写了员工不参加")


def _is_meant(drawing: Drawing, draw: Draw, ctx: Context) -> bool:
    """Whether a draw is for whoever speaks, by what they said until now."""
    if "segment" in draw.given:
        catch_up(ctx)
    return drawing.is_meant(draw, ctx.member, ctx.group)


def _outside(draw: Draw, ctx: Context) -> Wish:
    why = f"规则写了只给 {draw.given['segment']}，这位不在里面"
    if ctx.resting("draw.outside", f"{draw.id}/{ctx.member}", timedelta(hours=1)):
        return Silence(why)
    return say("draw.outside", name=ctx.name, title=draw.title, conditions=draw.given["conditions"], because=why)


def _try(draw: Draw, ctx: Context) -> Wishes:
    drawing = Drawing(ctx)
    if not drawing.may_enter(draw, ctx.member):
        return _staff_out(draw, ctx)
    key, slots, more = instant.attempt(drawing, draw, plan_of(draw.given))
    refused = key in ("draw.try_none", "draw.try_done")
    if refused and ctx.resting(key, f"{draw.id}/{ctx.member}", timedelta(minutes=10)):
        return Silence("次数用完或已经中过，十分钟内说过一次")
    line = say(
        key, name=ctx.name, title=draw.title, number=draw.id, sort=Sort.GAME, because=f"第 {draw.id} 号即时抽",
        mention=(ctx.member,) if key == "draw.try_won" else (), **slots,
    )  # fmt: skip
    return [line, *more]


def _photo(draw: Draw, event: MessageReceived, ctx: Context) -> Wishes:
    if not Drawing(ctx).may_enter(draw, ctx.member):
        return Silence("规则写了员工不参加")
    if not _is_meant(Drawing(ctx), draw, ctx):
        return _outside(draw, ctx)
    number = ctx.store.draws.add_photo(draw.id, ctx.member, ctx.group, event.media, at=ctx.at_ms, event_id=event.id)
    if number is None:
        if ctx.resting("draw.photo", f"{draw.id}/{ctx.member}", timedelta(minutes=10)):
            return Silence("已经交过图")
        return say("draw.photo_twice", name=ctx.name, title=draw.title)
    told = [
        Say("draw.photo_staff", {"name": ctx.name, "title": draw.title, "number": number}, channel=channel,
            member=member, sort=Sort.STAFF, because="晒单要人看过才入围")
        for channel, member in ctx.desk.staff_rooms()
    ]  # fmt: skip
    return [say("draw.photo_in", name=ctx.name, title=draw.title, because="收到晒单，等员工看"), *told]


# -- what falls due ------------------------------------------------------------------------------------------------


@router.tick("draw")
def due(event: Tick, ctx: Context) -> Wishes:
    draw, drawing = ctx.store.draws.get(int(event.key)), Drawing(ctx)
    if draw is None:
        return Silence("没有这个抽奖")
    now = to_ms(ctx.now)
    if draw.state == "planned" and draw.opens_at <= now:
        return _surprise(draw, drawing, ctx)
    if draw.state == "open" and draw.deadline <= now:
        return closing.close(drawing, draw, "到了截止时间")
    if draw.state == "closed" and (draw.closed_at or 0) + _public_wait(draw, ctx) <= now:
        return afterwards.void(drawing, draw, "一直没有填公开数，按规定作废")
    if draw.state in ("drawn", "void"):
        return afterwards.expire(drawing, draw) or Silence("没有逾期没领的奖品")
    return Silence("还没到时候")


def _surprise(draw: Draw, drawing: Drawing, ctx: Context) -> Wishes:
    if draw.deadline > to_ms(ctx.now) + 60_000:
        return opening.begin(drawing, draw)
    afterwards.void(drawing, draw, "停机错过了时段")
    slots = {"what": f"惊喜抽奖「{draw.title}」停机错过了时段，没有发出去，请重开。"}
    opener = ctx.store.members.channel_of_member(draw.opener_id) or ctx.event.channel
    # One that a beat opened has nobody behind it: all of staff hear.
    rooms = [(opener, draw.opener_id)] if draw.opener_id else ctx.desk.staff_rooms()
    told = [
        Say("draw.told", slots, member=member, channel=channel, sort=Sort.STAFF, because="惊喜抽奖错过了时段")
        for channel, member in rooms
    ]
    return told or Silence("惊喜抽奖错过了时段")


def _public_wait(draw: Draw, ctx: Context) -> int:
    return int(ctx.config.group(draw.groups[0]).draws.public_within.total_seconds() * 1000)


# -- looking -------------------------------------------------------------------------------------------------------


@router.command("抽奖", help="现在有哪些抽奖", off=switched_off)
def show_open(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is None:
        raise Mistake("draw.only_in_group")
    live = [one for one in ctx.store.draws.live() if event.group in one.groups and one.state != "planned"]
    if not live:
        return say("draw.none")
    drawing = Drawing(ctx)
    rows = [
        f"· {one.id} 号「{one.title}」{_STATES[one.state]}，截止 {drawing.clock(one.deadline, one)}；"
        + next(rule for rule in one.rules if rule.startswith("参加："))
        for one in live
    ]
    return say("draw.list", rows="\n".join(rows[:MOST]))


@router.command("我的抽奖", help="我参加了哪些抽奖，我的名单号和入围码")
def mine(event: MessageReceived, ctx: Context) -> Wishes:
    rows = []
    for number, place, line in ctx.store.draws.entered_by(ctx.member, MOST):
        draw = ctx.store.draws.get(number)
        assert draw is not None
        rows.append(f"· {number} 号「{draw.title}」名单第 {place} 位，入围码 {line}，{_STATES[draw.state]}")
    return say("draw.mine", name=ctx.name, rows="\n".join(rows)) if rows else say("draw.mine_none", name=ctx.name)


@router.command("验奖", help="公布一个抽奖的全部证据，谁都能重算", usage="号")
def prove(event: MessageReceived, ctx: Context) -> Wishes:
    number = asked_number(ctx, "验奖")
    draw = ctx.store.draws.get(number)
    if draw is None or draw.state == "planned" or not _may_see(draw, ctx):
        raise Mistake("draw.unknown", number=number)
    place = event.group or ctx.member
    if event.group and ctx.resting("draw.proof", f"{place}/{number}", timedelta(minutes=1)):
        return Silence("一分钟内刚发过这份证据")
    settings = ctx.settings.draws
    texts = pages(proof_lines(ctx.store.draws, draw), settings.page_bytes)
    shown = texts[: settings.proof_pages]
    says: list[Say] = [
        say("draw.proof", number=number, page=page, pages=len(texts), text=text, because="有人要验奖")
        for page, text in enumerate(shown, start=1)
    ]
    if len(texts) > len(shown):
        says.append(say("draw.proof_long", number=number, pages=len(texts), list=draw.list_hash or "", because="太长"))
    return says


def _may_see(draw: Draw, ctx: Context) -> bool:
    if ctx.event.group is not None:
        return ctx.event.group in draw.groups
    won = any(one.member_id == ctx.member for one in ctx.store.draws.winners(draw.id))
    return ctx.role is not None or won or ctx.store.draws.entry_of(draw.id, ctx.member) is not None


# -- prizes --------------------------------------------------------------------------------------------------------


@router.command("我的奖品", help="我中了什么，哪些还没领")
def prizes(event: MessageReceived, ctx: Context) -> Wishes:
    drawing, rows = Drawing(ctx), []
    known = {key: state for _, key, _, state in ctx.store.prizes.of_member(ctx.member, 100)}
    for won in ctx.store.draws.won_by(ctx.member, MOST):
        draw = drawing.get(won.draw_id)
        state = "已发放" if known.get(key_of(won)) == "handed" else _WON[won.state]
        until = f"，{drawing.clock(won.due, draw)} 前发「领奖」" if won.state == "won" else ""
        rows.append(f"· {won.draw_id} 号「{draw.title}」{name_of_prize(draw, won.prize)}：{state}{until}")
    others = [one for one in ctx.store.prizes.of_member(ctx.member, MOST) if not one[1].startswith("draw/")]
    rows += [f"· {what}：{'已发放' if state == 'handed' else '等发放'}" for _, _, what, state in others]
    return say("draw.prizes", name=ctx.name, rows="\n".join(rows)) if rows else say("draw.prizes_none", name=ctx.name)


@router.command("领奖", help="领我中的奖", usage="[号]")
def claim(event: MessageReceived, ctx: Context) -> Wishes:
    wanted = asked_number(ctx, "领奖") if ctx.reading.rest else None
    drawing = Drawing(ctx)
    waiting = [
        one for one in ctx.store.draws.won_by(ctx.member, 100)
        if one.state == "won" and one.due > ctx.at_ms and wanted in (None, one.draw_id)
    ]  # fmt: skip
    if not waiting:
        raise Mistake("draw.nothing_to_claim", name=ctx.name)
    rows = [f"· {afterwards.claim(drawing, one)}" for one in waiting]
    how = "；".join(dict.fromkeys(str(drawing.get(one.draw_id).given["redeem"]) for one in waiting))
    return say("draw.claimed", name=ctx.name, rows="\n".join(rows), how=how, because="在期限内领奖")
