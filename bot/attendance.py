"""The attendance book: writes check-ins down, repairs streaks, and keeps points, cards and prizes in step with them."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from bot.games.streaks import Award, difference, owed, streaks_from
from bot.levels import boosted
from bot.settings.checkin import CheckIn
from storage.check_ins import CheckInRow
from storage.ledger import CARD, POINTS, account
from storage.store import Store

SHOP = "house:check_in"
"""Where check-in points and cards come from and go back to."""


@dataclass(frozen=True, slots=True)
class Written:
    """What writing one day down brought. `streak` is that day's, `current` the newest day's."""

    day: date
    streak: int
    current: int
    points: int
    awards: tuple[Award, ...]
    repaired: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One member's page in one group, for one event (`at` in ms)."""

    store: Store
    rules: CheckIn
    group: str
    member: str
    event_id: str
    at: int
    percent: int = 100
    """What the member's title makes of the day's points."""

    def taken(self, day: date) -> bool:
        """Whether that day is checked in."""
        return self.store.check_ins.on(self.group, self.member, day.isoformat()) is not None

    def write(self, day: date, *, kind: str) -> Written | None:
        """Writes a day down and repairs what follows. None when the day is taken: the table refuses a second one."""
        iso = day.isoformat()
        newest = self.store.check_ins.last_before(self.group, self.member, "9999")
        if newest is None or newest.day < iso:
            return self._append(day, newest, kind)
        streak = self._streak_on(day)
        if not self.store.check_ins.add(
            self.group, self.member, iso, at=self.at, kind=kind, streak=streak, event_id=self.event_id
        ):
            return None
        points = self._grant_day() if kind == "own" else 0
        repaired, current, granted, _ = self._repair(day, fresh_day=iso)
        return Written(day, streak, current, points, tuple(granted), repaired)

    def _append(self, day: date, newest: CheckInRow | None, kind: str) -> Written:
        """The usual case, a day after all others: nothing behind it to repair."""
        streak = streaks_from((date.fromisoformat(newest.day), newest.streak) if newest else None, [day])[0]
        self.store.check_ins.add(
            self.group, self.member, day.isoformat(), at=self.at, kind=kind, streak=streak, event_id=self.event_id
        )
        points = self._grant_day() if kind == "own" else 0
        awards = owed([(day.isoformat(), streak)], self.rules.milestones)
        for award in awards:
            self._grant(award)
        return Written(day, streak, streak, points, tuple(awards), repaired=False)

    def strike(self, day: date) -> list[Award]:
        """Takes a day away, with what it and the streaks after it earned. Returns the awards taken back."""
        row = self.store.check_ins.on(self.group, self.member, day.isoformat())
        if row is None:
            return []
        self.store.check_ins.remove(self.group, self.member, day.isoformat())
        base = self.store.ledger.by_key(f"check_in/{quote(row.event_id, safe='')}")
        if base is not None:
            self._take_back(base.id)
        return self._repair(day, struck=(row.day, row.streak))[3]

    def make_room(self, day: date) -> bool:
        """A tap in the grace after midnight may have taken `day`, whose own tap arrives only now. Moves it to the day
        on which it was really made, if that is free, so that the order of arrival changes nothing. What follows is
        repaired when `day` is written."""
        following = day + timedelta(days=1)
        if self.taken(following):
            return False
        self.store.check_ins.move(self.group, self.member, day.isoformat(), following.isoformat())
        return True

    def streak_at(self, day: date) -> int:
        """The streak that stands on a day or could be continued on it."""
        row = self.store.check_ins.on(self.group, self.member, day.isoformat())
        return row.streak if row else self._streak_on(day) - 1

    def _streak_on(self, day: date) -> int:
        last = self.store.check_ins.last_before(self.group, self.member, day.isoformat())
        return streaks_from((date.fromisoformat(last.day), last.streak) if last else None, [day])[0]

    def _grant_day(self) -> int:
        if not self.rules.points:
            return 0
        points = boosted(self.rules.points, self.percent)
        self.store.ledger.move(
            f"check_in/{quote(self.event_id, safe='')}", SHOP, account(self.member), points, asset=POINTS,
            at=self.at, event_id=self.event_id, cause="签到", group_id=self.group,
        )  # fmt: skip
        return points

    def _repair(
        self, day: date, *, fresh_day: str = "", struck: tuple[str, int] | None = None
    ) -> tuple[bool, int, list[Award], list[Award]]:
        """Recomputes streaks from `day` on and keeps the milestones in step with them: what is owed now and was not
        owed before is granted, and the reverse. `fresh_day` was just written; `struck` (day, streak) just taken away.

        Returns whether a streak changed, the newest streak, the awards granted and those taken back.
        """
        rows = self.store.check_ins.since(self.group, self.member, day.isoformat())
        last = self.store.check_ins.last_before(self.group, self.member, day.isoformat())
        before = (date.fromisoformat(last.day), last.streak) if last else None
        fresh = streaks_from(before, [date.fromisoformat(row.day) for row in rows])
        changed = [(row.day, streak) for row, streak in zip(rows, fresh, strict=True) if row.streak != streak]
        self.store.check_ins.set_streaks(self.group, self.member, changed)
        # Only what this change moved is compared, so that milestones that staff add or drop later never reach back.
        was = [(row.day, row.streak) for row in rows if row.day != fresh_day] + ([struck] if struck else [])
        now = [(row.day, streak) for row, streak in zip(rows, fresh, strict=True)]
        grant, take = difference(owed(now, self.rules.milestones), owed(was, self.rules.milestones))
        for award in take:
            self._revoke(award)
        for award in grant:
            self._grant(award)
        return bool(changed), fresh[-1] if fresh else (before[1] if before else 0), grant, take

    def _key(self, award: Award, event_id: str) -> str:
        return f"{self._prefix}{award.day}/{award.days}/{quote(event_id, safe='')}"

    @property
    def _prefix(self) -> str:
        return f"milestone/{quote(self.group, safe='')}/{quote(self.member, safe='')}/"

    def _standing(self, days: int) -> dict[str, date]:
        """Milestones of so many days that stand: key -> the day they were won on."""
        keys = {*self.store.ledger.standing(self._prefix), *self.store.prizes.standing(self._prefix)}
        parts = [key.split("/") for key in sorted(keys)]
        return {"/".join(one[:6]): date.fromisoformat(one[3]) for one in parts if one[4] == str(days)}

    def _due(self, days: int) -> set[date]:
        """The days on which a streak of so many days is reached."""
        rows = self.store.check_ins.since(self.group, self.member, "0000")
        return {date.fromisoformat(row.day) for row in rows if row.streak == days}

    def _grant(self, award: Award) -> None:
        standing = set(self._standing(award.days).values())
        if date.fromisoformat(award.day) in standing:
            # The one won on that day stands for another run meanwhile: that run's own day is free.
            free = sorted(self._due(award.days) - standing)
            award = Award(free[0].isoformat(), award.days) if free else award
        milestone = next(one for one in self.rules.milestones if one.days == award.days)
        key = self._key(award, self.event_id)
        for amount, asset in ((milestone.points, POINTS), (milestone.cards, CARD)):
            if amount:
                self.store.ledger.move(
                    f"{key}/{asset}", SHOP, account(self.member), amount, asset=asset, at=self.at,
                    event_id=self.event_id, cause=f"连签 {award.days} 天", group_id=self.group,
                )  # fmt: skip
        # A prize that was handed over cannot be taken back; whoever earns it anew has it already.
        won = [one for one in self.store.prizes.standing(self._prefix) if one.split("/")[4] == str(award.days)]
        if milestone.prize and len(won) < len(self._due(award.days)):
            self.store.prizes.owe(
                key, self.member, milestone.prize, group_id=self.group, at=self.at, event_id=self.event_id
            )

    def _revoke(self, award: Award) -> None:
        """Takes one milestone back: the one won on that day, or, where the streak has moved since, the nearest."""
        standing, won = self._standing(award.days), date.fromisoformat(award.day)
        if won not in standing.values() and len(standing) <= len(self._due(award.days)):
            return  # staff took it back already; the others belong to other runs
        key = min(standing, key=lambda one: (abs(standing[one] - won), one))
        for number in self.store.ledger.standing(f"{key}/").values():
            self._take_back(number)
        self.store.prizes.take_back(key)

    def _take_back(self, number: int) -> None:
        self.store.ledger.reverse(number, at=self.at, event_id=self.event_id, cause="撤销")
