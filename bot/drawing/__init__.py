"""What happens to a lucky draw. Here what all of its life shares; opening, instant tries, closing and what comes
afterwards have rooms of their own. Handlers ask for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.claims import watch
from bot.context import Context, zone_of
from bot.crowds import is_in
from bot.draw_plan import DrawPlan
from bot.draw_proof import name_of_prize
from bot.errors import Mistake
from bot.games import draw as rule
from bot.replies import Say, Sort
from bot.words import bare
from bot.world import from_ms, to_ms
from storage.draws import Draw, WinnerRow

HOUSE = "house:draws"


def wrong(reason: str, how: str = "") -> Mistake:
    """Staff asked for something that cannot be."""
    return Mistake("draw.bad", reason=reason, how=how)


@dataclass(slots=True)
class Drawing:
    """The draws of the house during one event."""

    ctx: Context

    # -- small things --------------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """This moment in ms."""
        return to_ms(self.ctx.now)

    def get(self, number: int) -> Draw:
        """A draw. Raises Mistake."""
        draw = self.ctx.store.draws.get(number)
        if draw is None:
            raise Mistake("draw.unknown", number=number)
        return draw

    def clock(self, moment: int, draw: Draw) -> str:
        """A moment (ms) as the first group of a draw reads it."""
        zone = zone_of(self.ctx.config.group(draw.groups[0]))
        return f"{from_ms(moment).astimezone(zone):%m-%d %H:%M}"

    def announce(
        self, draw: Draw, key: str, because: str, mention: Sequence[str] = (), **slots: object
    ) -> list[Say]:  # fmt: skip
        """The same words in every group of a draw. They may come late, but they must come."""
        within = self.ctx.config.group(draw.groups[0]).draws.result_within
        return [
            Say(
                key, {"title": draw.title, "number": draw.id, **slots}, mention=tuple(mention), group=group,
                channel=self.ctx.store.members.channel_of_group(group) or self.ctx.event.channel, sort=Sort.GAME,
                expires=self.ctx.now + within, because=because,
            )
            for group in draw.groups
        ]  # fmt: skip

    def note(self, draw: Draw, text: str) -> None:
        """Writes down a change that was made in public; the proof shows it."""
        stamp = self.clock(self.now, draw)
        self.ctx.store.draws.note(draw.id, f"{stamp} {text}", at=self.now, event_id=self.ctx.event.id)

    def alarm(self, draw: Draw, due: int) -> None:
        """Asks to be woken for a draw at a moment (ms)."""
        self.ctx.wake("draw", str(draw.id), from_ms(due), {"group": draw.groups[0]})

    def may_enter(self, draw: Draw, member: str) -> bool:
        """Whether a member may take part at all: the bot never, staff only where the rules say so."""
        if member in self.ctx.config.settings.bot.ids:
            return False
        return bool(draw.given.get("staff", False)) or member not in self.ctx.config.staff

    def is_meant(self, draw: Draw, member: str, group: str) -> bool:
        """Whether a draw for one segment is for this member by now; whoever is in the list stays in it."""
        wanted = str(draw.given.get("segment", ""))
        if not wanted or self.ctx.store.draws.entry_of(draw.id, member) is not None:
            return True
        return is_in(self.ctx, wanted, group, member)

    def enter(self, draw: Draw, member: str, group: str, at: int, event_id: str) -> int | None:
        """Puts a member into the list. None when they are in it."""
        line = rule.entrant(rule.code_of(draw.commitment, member))
        return self.ctx.store.draws.enter(draw.id, member, group, line, at=at, event_id=event_id)

    def claim_time(self, plan: DrawPlan) -> int:
        """How long (ms) winners have to claim."""
        return int(plan.redeem_within.total_seconds() * 1000)

    def order(self, draw: Draw, lines: Sequence[str], public: str, most: int) -> list[int]:
        """The first `most` of the ranking of a closed list, by their numbers."""
        seed = rule.seed_of(draw.id, draw.rules, draw.list_hash or "", public, draw.secret)
        return rule.ranking(seed, lines, most)

    def winner_rows(self, draw: Draw, winners: Iterable[WinnerRow]) -> Iterable[str]:
        """Winners as people read them: place, name, prize."""
        for one in winners:
            yield f"{one.place}. {self.ctx.store.members.name(one.member_id)}：{name_of_prize(draw, one.prize)}"

    def watch_claims(self, draw: Draw) -> None:
        """Asks to be woken for the next reminder, and when the next unclaimed prize is lost."""
        watch(self.ctx, draw)
        due = self.ctx.store.draws.next_due(draw.id)
        if due is None:
            self.ctx.store.agenda.forget_wake("draw", str(draw.id))
        else:
            self.alarm(draw, due)


def key_of(winner: WinnerRow) -> str:
    """Under which key a prize is paid or owed, once."""
    return f"draw/{winner.draw_id}/{winner.turn}"


def rule_word(word: str) -> str:
    """A word as it is compared."""
    return bare(word)
