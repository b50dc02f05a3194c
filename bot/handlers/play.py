"""Games in the group: opening, playing, waking and stopping sessions of every rule in bot/games."""

import importlib
import pkgutil

import bot.games
from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.games import KEEPERS, Game, Move, Table, Turn
from bot.replies import PASS, Silence, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms
from storage.ledger import POINTS, account
from storage.sessions import Session

router = Router("play")
router.says({"play.running": "title", "play.only_in_group": "", "play.none": "", "play.not_yours": "title"})
HOUSE = "house:games"


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
    if game.words:
        router.command(*game.words, help=game.help, usage=game.usage, role=game.role)(opened)


for _game in GAMES.values():
    _register(_game)


def table_for(ctx: Context, session: str, starter: str, arguments: tuple[str, ...] = ()) -> Table:
    """What a rule may know about this moment."""
    return Table(
        at=ctx.at_ms, now=to_ms(ctx.now), session=session, arguments=arguments, starter=starter,
        points=ctx.settings.play.points,
        below=lambda n, *occasion: ctx.luck.below(n, "game", session, *occasion), name_of=ctx.store.members.name,
    )  # fmt: skip


def open_session(game: Game, ctx: Context) -> Wishes:
    """Begins a session of a game; one of each game at a time in a group."""
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    turn = game.open(table_for(ctx, ctx.event.id, ctx.member, tuple(ctx.reading.arguments)))
    # The luck of a session hangs on the event that opened it: known before its number is.
    state = {**turn.state, "luck": ctx.event.id}
    number = ctx.store.sessions.open(
        game.id, ctx.group, state, member_id=ctx.member, at=ctx.at_ms, event_id=ctx.event.id
    )
    if number is None:
        raise Mistake("play.running", title=game.title)
    _after(ctx, number, turn)
    return turn.says


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
        _save(ctx, session, turn)
        return turn.says
    return PASS


def _table_of(ctx: Context, session: Session) -> Table:
    return table_for(ctx, str(session.state.get("luck", session.id)), session.member_id or "")


def _save(ctx: Context, session: Session, turn: Turn, status: str = "ended") -> None:
    state = {**turn.state, "luck": session.state.get("luck", "")}
    if turn.over:
        ctx.store.sessions.end(session.id, state, status=status, at=ctx.at_ms)
        ctx.store.agenda.forget_wake("play", str(session.id))
    else:
        ctx.store.sessions.save(session.id, state)
    _after(ctx, session.id, turn)
    if (keep := KEEPERS.get(session.game)) is not None:
        keep(ctx, session.id, turn)


def _after(ctx: Context, number: int, turn: Turn) -> None:
    """Pays wins once and sets the next alarm."""
    for win in turn.wins:
        if win.points > 0:
            ctx.store.ledger.move(
                f"game/{number}/{win.key}", HOUSE, account(win.member), win.points, asset=POINTS, at=ctx.at_ms,
                event_id=ctx.event.id, cause=win.why, group_id=ctx.group,
            )  # fmt: skip
    if turn.wake_at is not None and not turn.over:
        ctx.wake("play", str(number), from_ms(turn.wake_at), {"group": ctx.group})


@router.tick("play")
def wake(event: Tick, ctx: Context) -> Wishes:
    session = ctx.store.sessions.get(int(event.key))
    game = GAMES.get(session.game) if session else None
    if session is None or game is None or session.status != "open":
        return Silence("这一局已经结束")
    turn = game.wake(session.state, _table_of(ctx, session))
    _save(ctx, session, turn)
    return turn.says


@router.command("结束", help="结束正在玩的一局（开局的人或员工）", usage="[游戏名]")
def stop(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    wanted = ctx.reading.rest
    open_now = [one for one in ctx.store.sessions.in_group(ctx.group) if one.game in GAMES]
    chosen = [one for one in open_now if not wanted or wanted in (GAMES[one.game].title, *GAMES[one.game].words)]
    if not chosen:
        # 结束 is also an ordinary word: without a session there is nothing to say, unless the bot was asked.
        return say("play.none") if ctx.reading.addressed else Silence("没有正在玩的局")
    session = chosen[-1]
    game = GAMES[session.game]
    if ctx.role is None and session.member_id != ctx.member:
        raise Mistake("play.not_yours", title=game.title)
    turn = game.stop(session.state, _table_of(ctx, session))
    _save(ctx, session, Turn(turn.state, turn.says, turn.verdict, turn.wins, None, over=True), "stopped")
    if ctx.role is not None:
        ctx.audit("结束", f"{game.title} 第 {session.id} 局")
    return turn.says
