"""Games in the group: opening, playing, waking and stopping sessions of every rule in bot/games."""

from dataclasses import replace
from datetime import timedelta

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.games import KEEPERS, Game, Move, Table, Turn
from bot.playing import GAMES, book, open_session, table_for
from bot.replies import PASS, Say, Silence, Wishes, say
from bot.router import Router
from bot.settings import GroupSettings
from bot.words import bare
from storage.sessions import Session

router = Router("play", "一起玩")
router.says(
    {
        "play.running": "title", "play.only_in_group": "", "play.none": "", "play.not_yours": "title",
        "play.boosted": "rows", "play.staff_only": "title", "play.too_far": "days", "play.nothing_to_show": "title",
    }
)  # fmt: skip
LAST_WORD = timedelta(days=1)
"""How late the last word of a session may still be said: who won matters after a power cut too."""


def switched_off(settings: GroupSettings) -> bool:
    """Whether a group plays no games. What is already open is played to its end."""
    return not settings.games.on


def _register(game: Game) -> None:
    def opened(event: MessageReceived, ctx: Context) -> Wishes:
        return _open(game, ctx)

    opened.__name__ = game.id
    router.says(game.phrases)
    words_in = getattr(game, "words_in", None)
    words_from = (lambda settings: words_in(settings.games)) if words_in else None
    if game.words:
        router.command(*game.words, help=game.help, usage=game.usage, role=game.role, words_from=words_from,
                       off=switched_off)(opened)  # fmt: skip
    shows: tuple[str, ...] = getattr(game, "shows", ())
    if shows:

        def shown(event: MessageReceived, ctx: Context) -> Wishes:
            return show_session(game, ctx)

        shown.__name__ = f"show_{game.id}"
        router.command(*shows, help=f"看「{game.title}」现在怎样", off=switched_off)(shown)


for _game in GAMES.values():
    _register(_game)


def _open(game: Game, ctx: Context) -> Wishes:
    """Somebody wants to begin a session."""
    if ctx.event.group is None:
        raise Mistake("play.only_in_group")
    if ctx.role is None and game.title in ctx.settings.games.staff_only:
        raise Mistake("play.staff_only", title=game.title)
    return open_session(game, ctx, ctx.reading, ctx.member)


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
    keeper = KEEPERS.get(session.game)
    return table_for(
        ctx, str(session.state.get("luck", session.id)), session.member_id or "",
        best=ctx.store.sessions.best(session.group_id, session.game),
        kept=keeper.recall(ctx, session.id) if keeper is not None else None,
    )  # fmt: skip


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
        ctx.store.sessions.end(session, state, status=status, at=ctx.at_ms)
        ctx.store.agenda.forget_wake("play", str(session.id))
    elif turn.state is not session.state:  # else the rule found nothing to change: most guesses at a quiz
        ctx.store.sessions.save(session, state)
    more = book(ctx, session.id, turn, session.game)
    if (keeper := KEEPERS.get(session.game)) is not None:
        keeper.keep(ctx, session.id, turn)
    return replace(turn, says=(*turn.says, *more)) if more else turn


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
