"""The attendance book: writes check-ins down, repairs streaks, and keeps points, cards and prizes in step with them."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote, unquote

from bot.games.streaks import Award, difference, owed, streaks_from
from bot.settings import CheckIn
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

    def taken(self, day: date) -> bool:
        """Whether that day is checked in."""
        return self.store.check_ins.on(self.group, self.member, day.isoformat()) is not None

    def write(self, day: date, *, kind: str) -> Written | None:
        """Writes a day down and repairs what follows. None when the day is taken: the table refuses a second one."""
        iso = day.isoformat()
        streak = self._streak_on(day)
        if not self.store.check_ins.add(
            self.group, self.member, iso, at=self.at, kind=kind, streak=streak, event_id=self.event_id
        ):
            return None
        points = self._grant_day() if kind == "own" else 0
        repaired, current = self._repair(day)
        granted, _ = self._match_awards(day)
        return Written(day, streak, current, points, tuple(granted), repaired)

    def strike(self, day: date) -> list[Award]:
        """Takes a day away, with what it and the streaks after it earned. Returns the awards taken back."""
        row = self.store.check_ins.on(self.group, self.member, day.isoformat())
        if row is None:
            return []
        self.store.check_ins.remove(self.group, self.member, day.isoformat())
        base = self.store.ledger.by_key(f"check_in/{quote(row.event_id, safe='')}")
        if base is not None:
            self._take_back(base.id)
        self._repair(day)
        _, taken = self._match_awards(day)
        return taken

    def make_room(self, day: date) -> bool:
        """A tap in the grace after midnight may have taken `day`, whose own tap arrives only now. Moves it to the day
        on which it was really made, if that is free, so that the order of arrival changes nothing."""
        following = day + timedelta(days=1)
        if self.taken(following):
            return False
        self.store.check_ins.move(self.group, self.member, day.isoformat(), following.isoformat())
        self._repair(day)
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
        self.store.ledger.move(
            f"check_in/{quote(self.event_id, safe='')}", SHOP, account(self.member), self.rules.points, asset=POINTS,
            at=self.at, event_id=self.event_id, cause="签到", group_id=self.group,
        )  # fmt: skip
        return self.rules.points

    def _repair(self, day: date) -> tuple[bool, int]:
        """Recomputes streaks from `day` on, as far as they change. True when one did, and the newest streak."""
        rows = self.store.check_ins.since(self.group, self.member, day.isoformat())
        last = self.store.check_ins.last_before(self.group, self.member, day.isoformat())
        before = (date.fromisoformat(last.day), last.streak) if last else None
        fresh = streaks_from(before, [date.fromisoformat(row.day) for row in rows])
        changed = [(row.day, streak) for row, streak in zip(rows, fresh, strict=True) if row.streak != streak]
        self.store.check_ins.set_streaks(self.group, self.member, changed)
        return bool(changed), fresh[-1] if fresh else (before[1] if before else 0)

    def _match_awards(self, day: date) -> tuple[list[Award], list[Award]]:
        """Grants and takes back milestones from `day` to the end of its run."""
        rows = self.store.check_ins.since(self.group, self.member, day.isoformat())
        run: list[tuple[str, int]] = []
        for row in rows:
            if run and row.streak == 1:
                break
            run.append((row.day, row.streak))
        until = max([day.isoformat(), *(one for one, _ in run)])
        standing = [award for award in self._standing() if day.isoformat() <= award.day <= until]
        if len(rows) > len(run):
            # Days beyond the first gap keep their own awards; the run may just have been cut off from them.
            run += [(row.day, row.streak) for row in rows[len(run) :]]
            standing = [award for award in self._standing() if award.day >= day.isoformat()]
        grant, take = difference(owed(run, self.rules.milestones), standing)
        for award in take:
            self._revoke(award)
        for award in grant:
            self._grant(award)
        return grant, take

    def _prefix(self, award: Award | None = None) -> str:
        where = f"milestone/{quote(self.group, safe='')}/{quote(self.member, safe='')}/"
        return where if award is None else f"{where}{award.day}/{award.days}/"

    def _standing(self) -> list[Award]:
        keys = {*self.store.ledger.standing(self._prefix()), *self.store.prizes.standing(self._prefix())}
        parts = {tuple(key.split("/")[3:5]) for key in keys}
        return [Award(unquote(day), int(days)) for day, days in sorted(parts)]

    def _grant(self, award: Award) -> None:
        milestone = next(one for one in self.rules.milestones if one.days == award.days)
        key = f"{self._prefix(award)}{quote(self.event_id, safe='')}"
        for amount, asset in ((milestone.points, POINTS), (milestone.cards, CARD)):
            if amount:
                self.store.ledger.move(
                    f"{key}/{asset}", SHOP, account(self.member), amount, asset=asset, at=self.at,
                    event_id=self.event_id, cause=f"连签 {award.days} 天", group_id=self.group,
                )  # fmt: skip
        if milestone.prize:
            self.store.prizes.owe(
                key, self.member, milestone.prize, group_id=self.group, at=self.at, event_id=self.event_id
            )

    def _revoke(self, award: Award) -> None:
        for number in self.store.ledger.standing(self._prefix(award)).values():
            self._take_back(number)
        for key in self.store.prizes.standing(self._prefix(award)):
            self.store.prizes.take_back(key)

    def _take_back(self, number: int) -> None:
        self.store.ledger.reverse(number, at=self.at, event_id=self.event_id, cause="撤销")
