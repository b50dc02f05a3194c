"""Pure rules: state and event in, state and consequences out. No I/O, no clock, no dice of their own.

A game is one file with `game = ItsClass()`; bot/playing.py finds it, bot/handlers/play.py opens it by its words, keeps
its state, hands it every message of the group, wakes it, pays its wins through the ledger once, and stops it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.replies import Say, Sort
from bot.settings.games import Games

State = Mapping[str, Any]
"""What a game knows: plain JSON values only. It is stored after every turn and survives any crash."""


@dataclass(frozen=True, slots=True)
class Move:
    """One message in the group of a session. `at` in ms; `text` normalised (half width, lower case), `raw` as typed."""

    member: str
    name: str
    text: str
    raw: str
    at: int
    event_id: str
    addressed: bool = False
    staff: bool = False
    form: str = "text"
    media: str = ""
    asked: bool = False
    """Somebody else would answer it: it is a command or a keyword."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a rule may know besides its state. `below(n, *occasion)`: luck, the same for the same occasion for ever."""

    at: int
    session: str
    below: Callable[..., int]
    name_of: Callable[[str], str]
    arguments: tuple[str, ...] = ()
    starter: str = ""
    points: int = 0
    """What the group's settings give for a win."""
    now: int = 0
    """When the event is handled (ms): later than `at` after an outage."""
    words: str = ""
    """What followed the opening word, as it was typed."""
    when: Callable[[str], int | None] = lambda _text: None
    """Reads a deadline (`20:00`, `明天 20:00`, `12-05 20:00`, `30min`) -> ms; None when it is not one."""
    clock: Callable[[int], str] = str
    """Shows a moment (ms) in the group's zone."""
    balance_of: Callable[[str], int] = lambda _member: 0
    """The points of a member."""
    rules: Games = field(default_factory=Games)
    """The group's settings for games."""
    best: int = 0
    """The record of this game in this group."""
    kept: Any = None
    """What the game's keeper wrote down of this session, to be asked; None without a keeper."""


@dataclass(frozen=True, slots=True)
class Win:
    """Points for a member; `key` is used once in a session, so a win pays once."""

    key: str
    member: str
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Stake:
    """Points that a member puts in; `key` is used once in a session. The rule has looked at the balance."""

    key: str
    member: str
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows: the new state, what to say, the referee's verdict ("" = not a move worth recording), who won,
    when to be woken (ms; None: no change), and whether it is over."""

    state: State
    says: tuple[Say, ...] = ()
    verdict: str = ""
    wins: tuple[Win, ...] = ()
    wake_at: int | None = None
    over: bool = False
    notes: tuple[Mapping[str, Any], ...] = ()
    """What is worth keeping beside the state, for the game's keeper."""
    stakes: tuple[Stake, ...] = ()
    refunds: tuple[str, ...] = ()
    """Keys of stakes to give back."""
    score: int = 0
    """What the move is worth to a team, when this game is played inside a 花式PK."""
    best: int = 0
    """A length that may be this group's record."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Tables beside the state, for what grows with every move: a state is written anew whenever it changes.

    `keep(context, session number, turn)` writes the notes of a turn; `recall(context, session number)` is what the
    rule finds as `table.kept`.
    """

    keep: Callable[[Any, int, Turn], None]
    recall: Callable[[Any, int], Any]


KEEPERS: dict[str, Keeper] = {}
"""Game id -> keeper. A game without one leaves nothing but state, moves and wins."""


class Game(Protocol):
    """A game that runs in sessions. `words` open it; `phrases` are declared like those of a handler: key -> slots.

    A game without words is opened by a handler of its own.
    """

    id: str
    title: str
    words: tuple[str, ...]
    usage: str
    help: str
    role: str | None
    phrases: Mapping[str, str]

    def open(self, table: Table) -> Turn:
        """Begins. Raises Mistake when it was asked wrongly."""

    def move(self, state: State, move: Move, table: Table) -> Turn | None:
        """What a message does; None when it is just talk."""

    def wake(self, state: State, table: Table) -> Turn:
        """The moment asked for has come; a stale one changes nothing."""

    def stop(self, state: State, table: Table) -> Turn:
        """Somebody ends it early: a fair last word."""


class Shown(Protocol):
    """A game whose table can be asked for, also after the session: `shows` are the words for it."""

    shows: tuple[str, ...]

    def show(self, state: State, table: Table) -> Say:
        """How things stand."""


def line(key: str, because: str, **slots: object) -> Say:
    """What a game says in its group, with the reason that staff read."""
    return Say(key, slots, sort=Sort.GAME, because=because)
