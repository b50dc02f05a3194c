"""Games in sessions: the rules that exist, what a rule may know of this moment, opening one, booking what follows."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import bot.games
from bot.context import Context
from bot.earning import Source, pay_bonus
from bot.errors import Mistake
from bot.games import Game, Table, Turn, Win, line
from bot.games.deadline import read_deadline, show_moment
from bot.replies import Say
from bot.words import Reading, fold
from bot.world import from_ms, to_ms
from storage.ledger import POINTS, account

HOUSE = "house:games"
NAMED = 5
"""Names in a line about titles that brought more."""


def discover() -> dict[str, Game]:
    """Every `game` of bot/games by its id."""
    found: dict[str, Game] = {}
    for module in sorted(pkgutil.iter_modules(bot.games.__path__), key=lambda one: one.name):
        game = getattr(importlib.import_module(f"bot.games.{module.name}"), "game", None)
        if game is not None:
            found[game.id] = game
    return found


GAMES = discover()


def table_for(
    ctx: Context, session: str, starter: str, *, arguments: tuple[str, ...] = (), words: str = "", best: int = 0,
    kept: Any = None,
) -> Table:  # fmt: skip
    """What a rule may know about this moment."""
    return Table(
        at=ctx.at_ms, now=to_ms(ctx.now), session=session, arguments=arguments, words=words, starter=starter,
        points=ctx.settings.play.points, best=best, kept=kept,
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


def typed(game: Game, words: str) -> Reading:
    """What a rule would read if somebody typed its word and these words."""
    original = f"{game.words[0]} {words}".strip()
    text = fold(original)
    head, _, rest = text.partition(" ")
    return Reading(text=text, head=head, rest=rest.strip(), addressed=False, original=original)


def open_session(game: Game, ctx: Context, reading: Reading, starter: str = "") -> tuple[Say, ...]:
    """Begins a session of a game; one of each game at a time in a group. Raises Mistake, and has changed nothing then.

    `starter` is whoever may end it; nobody when the house opens it.
    """
    turn = game.open(
        table_for(
            ctx, ctx.event.id, starter, arguments=tuple(reading.arguments), words=reading.verbatim,
            best=ctx.store.sessions.best(ctx.group, game.id),
        )
    )  # fmt: skip
    # The luck of a session hangs on the event that opened it: known before its number is.
    state = {**turn.state, "luck": ctx.event.id}
    number = ctx.store.sessions.open(
        game.id, ctx.group, state, member_id=starter or None, at=ctx.at_ms, event_id=ctx.event.id
    )
    if number is None:
        raise Mistake("play.running", title=game.title)
    return (*turn.says, *book(ctx, number, turn, game.id))


def book(ctx: Context, number: int, turn: Turn, game: str) -> list[Say]:
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
