"""What happens to a lucky draw: opening, entering, closing, drawing, replacing, ending. Handlers ask for it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.claims import watch
from bot.context import Context, zone_of
from bot.draw_plan import DrawPlan, given, moments, plan_of, prizes_of, rules_of
from bot.draw_proof import name_of_prize
from bot.errors import Mistake
from bot.games import draw as rule
from bot.replies import Say, Sort
from bot.words import bare
from bot.world import from_ms, to_ms
from storage.draws import Draw, WinnerRow
from storage.ledger import POINTS, account

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

    def _alarm(self, draw: Draw, due: int) -> None:
        self.ctx.wake("draw", str(draw.id), from_ms(due), {"group": draw.groups[0]})

    # -- opening -------------------------------------------------------------------------------------------------

    def open(self, plan: DrawPlan, groups: Sequence[str], round_: int = 1, opener: str = "") -> tuple[Draw, list[Say]]:
        """Freezes a plan and opens it, or plans a surprise. Raises Mistake when it cannot be here."""
        ctx = self.ctx
        number = ctx.store.draws.next_number()
        self._check_groups(plan, groups)
        settings = ctx.config.group(groups[0])
        zone = zone_of(settings)
        try:
            when = moments(plan, ctx.now, zone, lambda n: ctx.luck.below(n, "draw-surprise", number, ctx.event.id))
        except ValueError as error:
            raise wrong(str(error)) from None
        names = [ctx.config.group(group).name or group for group in groups]
        secret = ctx.desk.secret("draw", number, ctx.event.id)
        opener = opener or ctx.event.member or ""  # nobody: a beat opened it
        known = ctx.store.draws.add(
            kind="instant" if plan.mode == "instant" else "list", title=plan.name,
            given=json.dumps(given(plan), ensure_ascii=False),
            rules=rules_of(plan, when, zone, names, round_, rule.seal_of(secret, plan.answers)),
            enter=plan.enter, word=plan.word, secret=secret, commitment=rule.sha(secret), opens_at=to_ms(when.opens),
            deadline=to_ms(when.deadline), round_=round_, opener_id=opener, event_id=ctx.event.id,
            groups=groups, prizes=prizes_of(plan),
        )  # fmt: skip
        draw = self.get(known)
        if plan.mode == "surprise":
            self._alarm(draw, draw.opens_at)
            return draw, []
        return draw, self.begin(draw)

    def _check_groups(self, plan: DrawPlan, groups: Sequence[str]) -> None:
        ctx = self.ctx
        for group in groups:
            settings = ctx.config.group(group)
            where = settings.name or group
            live = [one for one in ctx.store.draws.live() if group in one.groups]
            if not settings.draws.on:
                raise wrong(f"{where} 关了抽奖（draws.on）")
            if len(live) >= settings.draws.most_open:
                raise wrong(f"{where} 已经开着 {len(live)} 个抽奖（draws.most_open）")
            if plan.enter == "photo" and any(one.enter == "photo" for one in live):
                raise wrong(f"{where} 已经有一个晒单抽奖，两个分不清")
            if plan.word and any(rule_word(one.word) == rule_word(plan.word) for one in live):
                raise wrong(f"{where} 已经有抽奖用「{plan.word}」", "换一个词")
            taken = set(map(rule_word, ctx.desk.words(settings)))
            for word in (plan.word, *plan.answers):
                if word and rule_word(word) in taken:
                    raise wrong(f"「{word}」是现成的口令，会混", "换一个词")

    def begin(self, draw: Draw) -> list[Say]:
        """Opens a planned draw in public: rules, and the commitment to a secret."""
        if not self.ctx.store.draws.become(draw.id, "open", before=("planned",)):
            return []
        self._alarm(draw, draw.deadline)
        most = self.ctx.config.group(draw.groups[0]).draws.page_bytes
        first, *more = rule.pages([f"· {one}" for one in draw.rules], most)
        why = f"第 {draw.id} 号抽奖开始，规则和承诺公开"
        says = self.announce(draw, "draw.opened", why, rules=first, commitment=draw.commitment)
        for page in more:
            says += self.announce(draw, "draw.more", why, text=page)
        return says

    # -- entering ------------------------------------------------------------------------------------------------

    def may_enter(self, draw: Draw, member: str) -> bool:
        """Whether a member may take part at all: the bot never, staff only where the rules say so."""
        if member in self.ctx.config.settings.bot.ids:
            return False
        return bool(draw.given.get("staff", False)) or member not in self.ctx.config.staff

    def enter(self, draw: Draw, member: str, group: str, at: int, event_id: str) -> int | None:
        """Puts a member into the list. None when they are in it."""
        line = rule.entrant(rule.code_of(draw.commitment, member))
        return self.ctx.store.draws.enter(draw.id, member, group, line, at=at, event_id=event_id)

    def attempt(self, draw: Draw, plan: DrawPlan) -> tuple[str, dict[str, object], list[Say]]:
        """An instant try of whoever wrote: (phrase key, slots, what else follows)."""
        ctx, rows = self.ctx, self.ctx.store.draws
        zone = zone_of(ctx.config.group(draw.groups[0]))
        day = ctx.event.at.astimezone(zone).date().isoformat()
        if rows.has_won(draw.id, ctx.member):
            return "draw.try_done", {}, []
        nth = rows.tries_on(draw.id, ctx.member, day) + 1
        if nth > plan.tries:
            return "draw.try_none", {"tries": plan.tries}, []
        line = f"{rule.code_of(draw.commitment, ctx.member)}.{rule.salt_of(ctx.event.id)}"
        number = rows.add_try(
            draw.id, ctx.member, ctx.group, line, day=day, nth=nth, at=ctx.at_ms, event_id=ctx.event.id
        )
        seed = rule.seed_of(draw.id, draw.rules, "instant", "-", draw.secret)
        count, won = rows.won_so_far(draw.id)
        stocks = rule.stocks(draw.rules)
        prize = rule.hit(rule.try_luck(seed, number, line), stocks, won)
        if prize is None:
            return "draw.try_lost", {"left": plan.tries - nth, "try": number}, []
        turn = count + 1
        due = self.now + self._claim_time(plan)
        rows.award(
            draw.id, turn=turn, place=turn, member_id=ctx.member, group_id=ctx.group, entrant=number, prize=prize,
            at=self.now, due=due,
        )  # fmt: skip
        watch(ctx, draw)
        gone = turn == sum(one.quantity for one in stocks)
        slots = {"prize": name_of_prize(draw, prize), "try": number}
        return "draw.try_won", slots, self.close(draw, "奖品发完了") if gone else []

    def _claim_time(self, plan: DrawPlan) -> int:
        return int(plan.redeem_within.total_seconds() * 1000)

    # -- closing and drawing -------------------------------------------------------------------------------------

    def close(self, draw: Draw, why: str) -> list[Say]:
        """Closes the list: from here on nobody comes in, and what was entered is published as a hash."""
        plan, rows = plan_of(draw.given), self.ctx.store.draws
        if draw.kind == "instant":
            return self._end_instant(draw, why)
        if draw.enter == "streak" or plan.right:
            self._gather(draw, plan)
        if plan.weights:
            self._weigh(draw, plan)
        lines = rows.lines(draw.id)
        listing = rule.sha(*lines)
        if not rows.become(draw.id, "closed", before=("open",), closed_at=self.now, list_hash=listing):
            return []
        draw = self.get(draw.id)
        told = self._tell_answers(draw, plan)
        if not plan.public:
            return [*told, *self.draw(draw, "-", lines)]
        waits = self.now + int(self.ctx.config.group(draw.groups[0]).draws.public_within.total_seconds() * 1000)
        self._alarm(draw, waits)
        return told + self.announce(
            draw, "draw.closed", f"{why}，名单封存，等公开数", count=len(lines), list=listing, public=plan.public,
            until=self.clock(waits, draw),
        )  # fmt: skip

    def _tell_answers(self, draw: Draw, plan: DrawPlan) -> list[Say]:
        """What was the right answer all along: the rules carry its seal, the proof keeps it."""
        if not plan.question:
            return []
        answers = "、".join(plan.answers)
        self.note(draw, f"答案：{answers}")
        return self.announce(draw, "draw.answer", "截止了，公布答案", question=plan.question, answer=answers)

    def _gather(self, draw: Draw, plan: DrawPlan) -> None:
        """Enters whoever earned it by check-ins or by answers, in the order in which they did."""
        until = min(draw.deadline, self.now + 1)
        store = self.ctx.store
        found = (
            store.quizzes.right_answers(draw.groups, least=plan.right, since=draw.opens_at, until=until)
            if plan.right
            else store.draws.streaks(draw.groups, least=plan.streak, since=draw.opens_at, until=until)
        )
        for member, group, at in found:
            if self.may_enter(draw, member):
                self.enter(draw, member, group, at, self.ctx.event.id)

    def _weigh(self, draw: Draw, plan: DrawPlan) -> None:
        rows = self.ctx.store.draws
        zone = zone_of(self.ctx.config.group(draw.groups[0]))
        since = (from_ms(min(draw.deadline, self.now)).astimezone(zone).date() - timedelta(days=1)).isoformat()
        streaks = rows.streak_now(draw.groups, since)
        changed = []
        for number, (member, _, line) in enumerate(rows.entries(draw.id), start=1):
            streak = streaks.get(member, 0)
            weight = max((one.weight for one in plan.weights if streak >= one.streak), default=1)
            if weight > 1:
                changed.append((rule.entrant(line, weight), number))
        rows.set_lines(draw.id, changed)

    def _end_instant(self, draw: Draw, why: str) -> list[Say]:
        rows = self.ctx.store.draws
        tries = rows.tries(draw.id)
        listing = rule.sha(*tries)
        stamps = {"closed_at": self.now, "ended_at": self.now, "list_hash": listing}
        if not rows.become(draw.id, "drawn", before=("open",), **stamps):
            return []
        self._watch_claims(draw)
        return self.announce(
            draw, "draw.ended", f"{why}，即时抽结束，公布秘密", count=len(tries), winners=len(rows.winners(draw.id)),
            list=listing, secret=draw.secret,
        )  # fmt: skip

    def draw(self, draw: Draw, public: str, lines: Sequence[str] | None = None) -> list[Say]:
        """Ranks the closed list, awards the places, and reveals the secret. `lines`: the list, where it is known."""
        rows, plan = self.ctx.store.draws, plan_of(draw.given)
        if not rows.become(draw.id, "drawn", before=("closed",), ended_at=self.now, public_number=public):
            return []
        known = rows.lines(draw.id) if lines is None else lines
        places = rule.places(rule.stocks(draw.rules), len(known))
        order = self._order(draw, known, public, len(places))
        due = self.now + self._claim_time(plan)
        for turn, (number, prize) in enumerate(zip(order, places, strict=True), start=1):
            member, group = rows.entrant(draw.id, number)
            rows.award(
                draw.id, turn=turn, place=turn, member_id=member, group_id=group, entrant=number, prize=prize,
                at=self.now, due=due,
            )  # fmt: skip
        self._watch_claims(draw)
        says = self._result(draw, rows.winners(draw.id), len(known))
        return [*says, *self._next_round(draw, plan)]

    def _order(self, draw: Draw, lines: Sequence[str], public: str, most: int) -> list[int]:
        seed = rule.seed_of(draw.id, draw.rules, draw.list_hash or "", public, draw.secret)
        return rule.ranking(seed, lines, most)

    def _result(self, draw: Draw, winners: Sequence[WinnerRow], count: int) -> list[Say]:
        why = f"第 {draw.id} 号抽奖到点开奖"
        if not winners:
            return self.announce(draw, "draw.nobody", why, secret=draw.secret)
        settings = self.ctx.config.group(draw.groups[0]).draws
        most = settings.page_bytes
        first, *more = rule.pages(list(self.winner_rows(draw, winners)), most)
        says = self.announce(
            draw, "draw.result", why, [one.member_id for one in winners[: settings.mentions]], rows=first, count=count,
            list=draw.list_hash, secret=draw.secret, due=self.clock(winners[0].due, draw),
        )  # fmt: skip
        for page in more[:5]:
            says += self.announce(draw, "draw.more", why, text=page)
        return says

    def winner_rows(self, draw: Draw, winners: Iterable[WinnerRow]) -> Iterable[str]:
        """Winners as people read them: place, name, prize."""
        for one in winners:
            yield f"{one.place}. {self.ctx.store.members.name(one.member_id)}：{name_of_prize(draw, one.prize)}"

    def _next_round(self, draw: Draw, plan: DrawPlan) -> list[Say]:
        if plan.mode != "daily" or draw.round >= plan.rounds:
            return []
        try:
            return self.open(plan, draw.groups, draw.round + 1, draw.opener_id)[1]
        except Mistake as mistake:
            return self.announce(draw, "draw.stopped", "每日抽奖的下一天开不了", reason=mistake.slots.get("reason", ""))

    def _watch_claims(self, draw: Draw) -> None:
        watch(self.ctx, draw)
        due = self.ctx.store.draws.next_due(draw.id)
        if due is None:
            self.ctx.store.agenda.forget_wake("draw", str(draw.id))
        else:
            self._alarm(draw, due)

    # -- afterwards ----------------------------------------------------------------------------------------------

    def void(self, draw: Draw, reason: str) -> list[Say]:
        """Abandons a draw in public, and reveals what it would have been drawn with. Raises Mistake when it is over."""
        rows = self.ctx.store.draws
        lines = rows.tries(draw.id) if draw.kind == "instant" else rows.lines(draw.id)
        if not rows.become(
            draw.id, "void", before=("planned", "open", "closed"), ended_at=self.now, list_hash=rule.sha(*lines)
        ):
            raise wrong(
                f"第 {draw.id} 号抽奖已经{'作废' if draw.state == 'void' else '开奖'}，不能作废", "换人用「补抽」"
            )
        self.note(draw, f"作废：{reason}")
        if answers := draw.given.get("answers"):
            self.note(draw, f"答案：{'、'.join(answers)}")
        self._watch_claims(draw)
        if draw.state == "planned":
            return []
        return self.announce(draw, "draw.void", f"第 {draw.id} 号抽奖作废", reason=reason, secret=draw.secret)

    def replace(self, draw: Draw, winner: WinnerRow, state: str, reason: str) -> WinnerRow | None:
        """Takes a place from a winner and gives it to the next of the ranking; None when nobody is left."""
        rows = self.ctx.store.draws
        if winner.state == "claimed":
            self._take_back(winner)
        if not rows.settle(draw.id, winner.turn, state, before=winner.state, reason=reason):
            raise wrong(f"{winner.place} 号名额已经不在这位手里")
        lines = rows.lines(draw.id) if draw.kind == "list" else []
        turn = len(rows.winners(draw.id)) + 1
        if turn > len(lines):
            return None
        number = self._order(draw, lines, draw.public_number, turn)[turn - 1]
        member, group = rows.entrant(draw.id, number)
        rows.award(
            draw.id, turn=turn, place=winner.place, member_id=member, group_id=group, entrant=number,
            prize=winner.prize, at=self.now, due=self.now + self._claim_time(plan_of(draw.given)),
        )  # fmt: skip
        self._watch_claims(draw)
        return rows.winners(draw.id)[-1]

    def _take_back(self, winner: WinnerRow) -> None:
        key = key_of(winner)
        moved = self.ctx.store.ledger.by_key(key)
        if moved is not None:
            self.ctx.store.ledger.reverse(moved.id, at=self.now, event_id=self.ctx.event.id, cause="补抽收回")
        elif not self.ctx.store.prizes.take_back(key):
            raise wrong(f"{winner.place} 号的奖品已经发到手，收不回来")

    def expire(self, draw: Draw) -> list[Say]:
        """Prizes that nobody claimed in time: forfeited, or given to the next once, as the rules said."""
        plan = plan_of(draw.given)
        forfeited, redrawn = [], []
        for winner in self.ctx.store.draws.overdue(draw.id, self.now):
            first = self._is_first_of_place(draw, winner)
            old = next(iter(self.winner_rows(draw, [winner])))
            if plan.unclaimed == "redraw" and first:
                fresh = self.replace(draw, winner, "forfeited", "逾期没领")
                if fresh is not None:
                    redrawn.append((old, fresh))
                    continue
            else:
                self.ctx.store.draws.settle(draw.id, winner.turn, "forfeited", before="won", reason="逾期没领")
            forfeited.append(old)
        self._watch_claims(draw)
        says: list[Say] = []
        if redrawn:
            rows = [
                f"{old} → {self.ctx.store.members.name(fresh.member_id)}" for old, fresh in redrawn
            ]  # fmt: skip
            says += self.announce(
                draw, "draw.redrawn", "逾期没领，按规则由下一顺位补上", [fresh.member_id for _, fresh in redrawn][:10],
                rows="\n".join(rows), due=self.clock(redrawn[0][1].due, draw),
            )  # fmt: skip
        if forfeited:
            says += self.announce(draw, "draw.forfeited", "逾期没领，按规则作废", rows="\n".join(forfeited))
        return says

    def _is_first_of_place(self, draw: Draw, winner: WinnerRow) -> bool:
        """Whether no unclaimed winner held this place before: the rules give it away anew only once."""
        return not any(
            one.place == winner.place and one.state == "forfeited" and one.turn < winner.turn
            for one in self.ctx.store.draws.winners(draw.id)
        )

    def claim(self, winner: WinnerRow) -> str:
        """A winner claims: points are paid at once, anything else goes on the list of staff. Returns what it is."""
        draw, ctx = self.get(winner.draw_id), self.ctx
        prize = next(one for one in ctx.store.draws.prizes(draw.id) if one.prize == winner.prize)
        ctx.store.draws.settle(draw.id, winner.turn, "claimed", before="won")
        what = f"{prize.name}（第 {draw.id} 号抽奖）"
        if prize.points:
            ctx.store.ledger.move(
                key_of(winner), HOUSE, account(winner.member_id), prize.points, asset=POINTS, at=self.now,
                event_id=ctx.event.id, cause=f"第 {draw.id} 号抽奖", group_id=winner.group_id,
            )  # fmt: skip
            return f"{what}，{prize.points} 积分到账"
        ctx.store.prizes.owe(
            key_of(winner), winner.member_id, what, group_id=winner.group_id, at=self.now, event_id=ctx.event.id
        )
        return what


def key_of(winner: WinnerRow) -> str:
    """Under which key a prize is paid or owed, once."""
    return f"draw/{winner.draw_id}/{winner.turn}"


def rule_word(word: str) -> str:
    """A word as it is compared."""
    return bare(word)
