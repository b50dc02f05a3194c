"""Games in the group: opening, playing, waking and stopping sessions of every rule in bot/games."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import bot.games
from bot.context import Context
from bot.earning import Source, pay_bonus
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.games import KEEPERS, Game, Move, Table, Turn, Win, line
from bot.games.deadline import read_deadline, show_moment
from bot.replies import PASS, Say, Silence, Wishes, say
from bot.router import Router
from bot.words import bare
from bot.world import from_ms, to_ms
from storage.ledger import POINTS, account
from storage.sessions import Session

router = Router("play", "一起玩")
router.says(
    {
        "play.running": "title", "play.only_in_group": "", "play.none": "", "play.not_yours": "title",
        "play.boosted": "rows", "play.staff_only": "title", "play.too_far": "days", "play.nothing_to_show": "title",
    }
)  # fmt: skip
HOUSE = "house:games"
NAMED = 5
"""Names in a line about titles that brought more."""
LAST_WORD = timedelta(days=1)
"""How late the last word of a session may still be said: who won matters after a power cut too."""


def discover() -> dict[str, Game]:
    """Every `game` of bot/games by its id."""
    found: dict[str, Game] = {}
    for module in sorted(pkgutil.iter_modules(bot.games.__path__), key=lambda one: one.name):
        game = getattr(importlib.import_module(f"bot.games.{module.name}"), "game", None)
        if game is not None:
            found[game.id] = game
    return found


GAMES = discover()


def _register(game: Game) -> None:
    def opened(event: MessageReceived, ctx: Context) -> Wishes:
        return open_session(game, ctx)

    opened.__name__ = game.id
    router.says(game.phrases)
    words_in = getattr(game, "words_in", None)
    words_from = (lambda settings: words_in(settings.games)) if words_in else None
    if game.words:
        router.command(*game.words, help=game.help, usage=game.usage, role=game.role, words_from=words_from)(opened)
    shows: tuple[str, ...] = getattr(game, "shows", ())
    if shows:

        def shown(event: MessageReceived, ctx: Context) -> Wishes:
            return show_session(game, ctx)

        shown.__name__ = f"show_{game.id}"
        router.command(*shows, help=f"看「{game.title}」现在怎样")(shown)


for _game in GAMES.values():
    _register(_game)


def table_for(ctx: Context, session: str, starter: str, arguments: tuple[str, ...] = ()) -> Table:
    """What a rule may know about this moment."""
    return Table(
        at=ctx.at_ms, now=to_ms(ctx.now), session=session, arguments=arguments, starter=starter,
        points=ctx.settings.play.points,
        below=lambda n, *occasion: ctx.luck.below(n, "game", session, *occasion), name_of=ctx.store.members.name,
        when=_reads_deadlines(ctx), clock=lambda moment: show_moment(ctx.local(from_ms(moment)), ctx.local(ctx.now)),
        balance_of=lambda member: ctx.store.ledger.balance(account(member)), rules=ctx.settings.games,
    )  # fmt: skip


def _reads_deadlines(ctx: Context) -> Callable[[str], int | None]:
    """Reads deadlines in the group's zone. Raises Mistake for one that is too far away."""

    def read(text: str) -> int | None:
        moment = read_deadline(text, ctx.local(ctx.event.at))
        if moment is not None and moment - ctx.event.at > ctx.settings.games.longest:
            raise Mistake("play.too_far", days=ctx.settings.games.longest.days)
        return to_ms(moment) if moment is not None else None

    return read


def open_session(game: Game, ctx: Context) -> Wishes:
    """Begins a session of a game; one of each game at a time in a group."""
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    if (game.role and not ctx.may(game.role)) or (ctx.role is None and game.title in ctx.settings.games.staff_only):
        raise Mistake("play.staff_only", title=game.title)
    table = table_for(ctx, ctx.event.id, ctx.member, tuple(ctx.reading.arguments))
    turn = game.open(replace(table, words=ctx.reading.verbatim, best=ctx.store.sessions.best(ctx.group, game.id)))
    # The luck of a session hangs on the event that opened it: known before its number is.
    state = {**turn.state, "luck": ctx.event.id}
    number = ctx.store.sessions.open(
        game.id, ctx.group, state, member_id=ctx.member, at=ctx.at_ms, event_id=ctx.event.id
    )
    if number is None:
        raise Mistake("play.running", title=game.title)
    return [*turn.says, *_after(ctx, game.id, number, turn)]


@router.band("session")
def move(event: MessageReceived, ctx: Context) -> Wishes:
    """Hands a message to the open sessions of the group, oldest first, until one takes it."""
    made = Move(
        member=ctx.member, name=ctx.name, text=ctx.reading.text, raw=event.text, at=ctx.at_ms, event_id=event.id,
        addressed=ctx.reading.addressed, staff=ctx.role is not None, form=event.form, media=event.media,
        asked=ctx.hit is not None or ctx.desk.is_command(ctx.reading, ctx.settings),
    )  # fmt: skip
    for session in ctx.store.sessions.in_group(ctx.group):
        game = GAMES.get(session.game)
        turn = game.move(session.state, made, _table_of(ctx, session)) if game else None
        if turn is None:
            continue
        if turn.verdict:
            ctx.store.sessions.record(
                session.id, ctx.member, at=ctx.at_ms, text=event.text, verdict=turn.verdict, event_id=event.id
            )
        turn = _save(ctx, session, turn)
        return _last_words(ctx, turn) if turn.says else Silence(f"{game.title if game else ''}：记下了，不用出声")
    return PASS


def _last_words(ctx: Context, turn: Turn) -> list[Say]:
    """What a turn says; the end of a session may be said late."""
    if not turn.over:
        return list(turn.says)
    return [one if one.expires else replace(one, expires=ctx.now + LAST_WORD) for one in turn.says]


def _table_of(ctx: Context, session: Session) -> Table:
    table = table_for(ctx, str(session.state.get("luck", session.id)), session.member_id or "")
    return replace(table, best=ctx.store.sessions.best(session.group_id, session.game))


def show_session(game: Game, ctx: Context) -> Wishes:
    """The table of the newest session of a game in this group, open or over."""
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    session = ctx.store.sessions.latest(ctx.group, game.id)
    if session is None:
        return say("play.nothing_to_show", title=game.title) if ctx.reading.addressed else Silence("还没有开过这样一局")
    shown: Say = game.show(session.state, _table_of(ctx, session))  # type: ignore[attr-defined]
    return shown


def _save(ctx: Context, session: Session, turn: Turn, status: str = "ended") -> Turn:
    """Writes down what a turn brought; the turn, with what is to be said besides."""
    state = {**turn.state, "luck": session.state.get("luck", "")}
    if turn.over:
        ctx.store.sessions.end(session.id, state, status=status, at=ctx.at_ms)
        ctx.store.agenda.forget_wake("play", str(session.id))
    else:
        ctx.store.sessions.save(session.id, state)
    more = _after(ctx, session.game, session.id, turn)
    if (keep := KEEPERS.get(session.game)) is not None:
        keep(ctx, session.id, turn)
    return replace(turn, says=(*turn.says, *more)) if more else turn


def _after(ctx: Context, game: str, number: int, turn: Turn) -> list[Say]:
    """Takes stakes, gives them back, pays wins, each once; sets the next alarm. What is to be said besides."""
    ledger = ctx.store.ledger
    for stake in turn.stakes:
        if stake.points > 0:
            ledger.move(
                f"game/{number}/{stake.key}", account(stake.member), HOUSE, stake.points, asset=POINTS, at=ctx.at_ms,
                event_id=ctx.event.id, cause=stake.why, group_id=ctx.group,
            )  # fmt: skip
    for key in turn.refunds:
        paid = ledger.by_key(f"game/{number}/{key}")
        if paid is not None:
            ledger.reverse(paid.id, at=ctx.at_ms, event_id=ctx.event.id, cause=f"退回：{paid.cause}")
    if turn.best:
        ctx.store.sessions.keep_best(number, turn.best, at=ctx.at_ms)
    if turn.wake_at is not None and not turn.over:
        ctx.wake("play", str(number), from_ms(turn.wake_at), {"group": ctx.group})
    return _pay(ctx, number, turn.wins, "quiz" if game == "quiz" else "games")


def _pay(ctx: Context, number: int, wins: Sequence[Win], source: Source) -> list[Say]:
    """Pays wins, and tells whose title brought more than the game said."""
    more: list[str] = []
    for win in wins:
        key = f"game/{number}/{win.key}"
        if win.points > 0 and ctx.store.ledger.move(
            key, HOUSE, account(win.member), win.points, asset=POINTS, at=ctx.at_ms, event_id=ctx.event.id,
            cause=win.why, group_id=ctx.group,
        ):  # fmt: skip
            more.append(pay_bonus(ctx, key, win.member, win.points, win.why, source))
    rows = [one for one in more if one]
    shown = "、".join(rows[:NAMED]) + (f" 等 {len(rows)} 人" if len(rows) > NAMED else "")
    return [line("play.boosted", f"称号有加成（points.boost.{source}）", rows=shown)] if rows else []


@router.tick("play")
def wake(event: Tick, ctx: Context) -> Wishes:
    session = ctx.store.sessions.get(int(event.key))
    game = GAMES.get(session.game) if session else None
    if session is None or game is None or session.status != "open":
        return Silence("这一局已经结束")
    turn = game.wake(session.state, _table_of(ctx, session))
    return _last_words(ctx, _save(ctx, session, turn))


@router.command("结束", help="结束正在玩的一局（开局的人或员工）", usage="[游戏名]")
def stop(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    wanted = ctx.reading.rest
    open_now = [one for one in ctx.store.sessions.in_group(ctx.group) if one.game in GAMES]
    names = {one.id: {bare(word) for word in (GAMES[one.game].title, *GAMES[one.game].words)} for one in open_now}
    chosen = [one for one in open_now if not wanted or bare(wanted) in names[one.id]]
    if not chosen:
        # 结束 is also an ordinary word: without a session there is nothing to say, unless the bot was asked.
        return say("play.none") if ctx.reading.addressed else Silence("没有正在玩的局")
    session = chosen[-1]
    game = GAMES[session.game]
    if ctx.role is None and session.member_id != ctx.member:
        raise Mistake("play.not_yours", title=game.title)
    turn = game.stop(session.state, _table_of(ctx, session))
    turn = _save(ctx, session, replace(turn, wake_at=None, over=True), "stopped")
    if ctx.role is not None:
        ctx.audit("结束", f"{game.title} 第 {session.id} 局")
    return _last_words(ctx, replace(turn, over=True))
