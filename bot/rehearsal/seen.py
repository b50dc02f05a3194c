"""What each member sees: the posts of their groups while they are there, and the lines that are theirs alone.

Most members of a group see the same. Only those who came, left, are in two groups or got a line of their own are
counted one by one, so that a thousand groups fit into memory.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from bot.rehearsal.posts import Post
from bot.rehearsal.run import Performance

WINDOW = 7
CLASSES = ("promo", "content", "reminder")


@dataclass(slots=True)
class Seen:
    """What one member saw, or so many members alike (`people`). `groups` are their numbers."""

    id: str
    name: str
    groups: tuple[int, ...]
    people: int = 1
    days: dict[str, Counter[date]] = field(default_factory=lambda: {one: Counter() for one in CLASSES})
    private: int = 0
    answers: int = 0
    note: str = ""

    @property
    def total(self) -> int:
        """Unasked lines in all."""
        return sum(sum(days.values()) for days in self.days.values())

    @property
    def busiest(self) -> tuple[int, date | None]:
        """The most unasked lines on one day, and that day."""
        together: Counter[date] = Counter()
        for days in self.days.values():
            together.update(days)
        return max(((count, day) for day, count in together.items()), default=(0, None), key=lambda one: one[0])

    def week(self, klass: str) -> int:
        """The most lines of a class within seven days in a row."""
        days = self.days[klass]
        return max((sum(count for day, count in days.items() if 0 <= (day - first).days < WINDOW) for first in days),
                   default=0)  # fmt: skip

    def see(self, klass: str, day: date) -> None:
        """One more line."""
        self.days[klass][day] += 1


def seen_by_members(show: Performance, posts: Sequence[Post]) -> list[Seen]:
    """Everybody who was there at some time, alike ones together, in the order of groups."""
    return list(_Audience(show, posts).everybody())


class _Audience:
    def __init__(self, show: Performance, posts: Sequence[Post]) -> None:
        self._show = show
        self._members = show.plan.members
        self._posts: dict[int, list[tuple[int, str, date]]] = defaultdict(list)
        self._private: dict[str, list[tuple[str, date]]] = defaultdict(list)
        numbers = {group: number for number, group in enumerate(show.plan.groups)}
        for post in posts:
            if not post.reached:
                continue
            day = (datetime.fromtimestamp(post.moment / 1000, tz=UTC).astimezone(show.plan.zone)).date()
            if post.group:
                self._posts[numbers[post.group]].append((post.moment, post.klass, day))
            else:
                self._private[post.member].append((post.klass, day))
        self._answers = show.app.store.rehearsed.answered()

    def everybody(self) -> Iterator[Seen]:
        """Those of each group that are alike, then everybody who is not."""
        special = self._special()
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for group, people in enumerate(special):
            for who in sorted(people):
                places[self._show.faces.id_of(group, who)].append((group, who))
            alike = self._alike(group, people)
            yield from alike
        for member, where in places.items():
            yield self._one(member, where)

    def _special(self) -> list[set[int]]:
        show, faces = self._show, self._show.faces
        found: list[set[int]] = []
        last = len(show.plan.groups) - 1
        for group in range(last + 1):
            people = {who for who, _ in show.crowd.comings.get(group, ())} | set(show.crowd.goings.get(group, {}))
            people |= set(range(faces.shared)) if group else set()
            people |= {self._members - 1 - who for who in range(faces.shared)} if group < last else set()
            found.append(people)
        for member in self._private:
            if member.startswith("sim-"):
                _, number, who = member.split("-")
                found[int(number)].add(int(who))
        return found

    def _alike(self, group: int, special: set[int]) -> Iterator[Seen]:
        """The members of a group who saw all of its posts and nothing else: with and without an answer."""
        others = [who for who in range(self._members) if who not in special]
        place = self._show.plan.groups[group]
        answered = {who: self._answers.get((place, self._show.faces.id_of(group, who)), 0) for who in others}
        for has_answers in (False, True):
            people = [who for who in others if bool(answered[who]) == has_answers]
            if people:
                one = self._one(self._show.faces.id_of(group, people[0]), [(group, people[0])])
                one.people, one.answers = len(people), sum(answered[who] for who in people)
                yield one

    def _one(self, member: str, where: list[tuple[int, int]]) -> Seen:
        show = self._show
        seen = Seen(member, show.faces.name_of(*where[0]), tuple(group for group, _ in where))
        for group, who in where:
            for moment, klass, day in self._posts.get(group, ()):
                if show.crowd.is_here(group, who, moment):
                    seen.see(klass, day)
            seen.answers += self._answers.get((show.plan.groups[group], member), 0)
        for klass, day in self._private.get(member, ()):
            seen.see(klass, day)
            seen.private += 1
        seen.answers += self._answers.get((None, member), 0)
        seen.note = self._note(where)
        return seen

    def _note(self, where: list[tuple[int, int]]) -> str:
        notes = []
        for group, who in where:
            came = next((at for one, at in self._show.crowd.comings.get(group, ()) if one == who), None)
            gone = self._show.crowd.goings.get(group, {}).get(who)
            notes += [f"{self._clock(came)} 进群"] if came is not None else []
            notes += [f"{self._clock(gone)} 退群"] if gone is not None else []
        return "，".join(notes)

    def _clock(self, moment: int) -> str:
        local = datetime.fromtimestamp(moment / 1000, tz=UTC).astimezone(self._show.plan.zone)
        return f"{local:%m-%d %H:%M}"
