"""Every post of a rehearsal and what became of it: what was planned is matched with what the tables say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.config import ROOT
from bot.rehearsal.plan import Planned
from bot.rehearsal.run import Performance
from bot.replies import Say
from bot.scripts import Beat
from bot.standing import why_stopped
from bot.voice import unpack
from bot.world import from_ms, to_ms
from storage.rehearsed import LateRow, TaskRow, UnaskedLine

State = Literal["sent", "late", "merged", "held", "missed", "asked", "task", "lost", "stopped"]
STATES: Mapping[str, str] = {
    "sent": "发了", "late": "晚发了", "merged": "并进了别的一条", "held": "扣下了", "missed": "没发成",
    "asked": "等员工定", "task": "交给人做", "lost": "不见了",
    "stopped": "员工停的",
}  # fmt: skip
REACHED = frozenset({"sent", "late"})
_ARRIVED = frozenset({"sent", "unknown"})
_LATE: Mapping[str, State] = {
    "merge": "asked", "merged": "merged", "ask": "asked", "declined": "missed", "expired": "missed",
    "dropped": "missed", "resent": "late", "late": "late",
}  # fmt: skip
_BEAT_IN = re.compile(r"脚本 ([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class Post:
    """One unasked line, as it was planned and as it ended. Moments in ms; `at` is None when it never left.

    `group` is empty for a line to one `member`; `rule` and `why` say what stopped or delayed it.
    """

    due: int
    at: int | None
    group: str
    member: str
    beat: str
    title: str
    text: str
    state: State
    because: str
    why: str
    rule: str
    klass: str
    kind: str
    sort: str
    deal: bool

    @property
    def reached(self) -> bool:
        """Whether anybody saw it."""
        return self.state in REACHED

    @property
    def moment(self) -> int:
        """When it left, else when it should have (ms)."""
        return self.due if self.at is None else self.at


@dataclass(frozen=True, slots=True)
class Row:
    """Where in the files of operators something stands: the file, its line (1-based, 0 when unknown), the words."""

    file: str
    line: int = 0
    what: str = ""

    def __str__(self) -> str:
        return f"{self.file}{f' 第 {self.line} 行' if self.line else ''}{f'：{self.what}' if self.what else ''}"


class Rows:
    """Finds the row of a beat in its script file."""

    def __init__(self, beats: Mapping[str, Beat]) -> None:
        self._beats = beats
        self._texts: dict[str, list[str]] = {}

    def of(self, name: str) -> Row:
        """The row of a beat: of its wave, where it is one."""
        beat = self._beats.get(name)
        if beat is not None and beat.made_by_chat:
            return Row(f"{beat.called}（聊天里建的）", what=f"发「删活动 {beat.title}」，再「新活动」重建")
        if beat is None or beat.file is None:
            return Row("", what=name)
        path = beat.file
        if str(path) not in self._texts:
            self._texts[str(path)] = path.read_text(encoding="utf-8").splitlines()
        near = next((one for one in (Path.cwd(), ROOT.parent) if path.is_relative_to(one)), None)
        shown = path.relative_to(near).as_posix() if near else str(path)
        own = name.partition(".")[2]
        campaign = beat.campaign.partition(".")[2]
        wave = own.removeprefix(f"{campaign}-") if beat.wave else own
        below = 0
        if beat.wave:  # the wave stands somewhere below its campaign
            below = self._line(str(path), campaign, 0)
        line = self._line(str(path), wave, below)
        return Row(shown, line, f'id = "{wave}"' + (f"（活动 {campaign} 的一波）" if beat.wave else ""))

    def _line(self, path: str, name: str, below: int) -> int:
        wanted = re.compile(rf"\s*id\s*=\s*[\"']{re.escape(name)}[\"']")
        for number, text in enumerate(self._texts[path][below:], start=below + 1):
            if wanted.match(text):
                return number
        return 0


def posts_of(show: Performance) -> list[Post]:
    """Every post of the days that were rehearsed, in order of the moment it left or should have."""
    since, until = to_ms(show.plan.opens), to_ms(show.plan.closes)
    reads = show.app.store.rehearsed
    found = _Matching(show, since, until)
    for line in reads.lines(since, until):
        found.take(line)
    posts = [*found.posts, *found.without_a_line()]
    return sorted(posts, key=lambda one: (one.moment, one.due, one.group, one.member, one.beat, one.title))


class _Matching:
    """Matches lines with the plan."""

    def __init__(self, show: Performance, since: int, until: int) -> None:
        reads = show.app.store.rehearsed
        self._show = show
        self._groups = set(show.plan.groups)
        self._beats = show.app.schedule.beats
        self._planned: dict[str, Planned] = {one.event_id: one for one in show.planned}
        self._late: dict[tuple[str, str, int], LateRow] = {
            (one.beat, one.group_id, one.due): one for one in reads.late(since, until)
        }
        self._tasks: dict[str, TaskRow] = {one.key: one for one in reads.tasks(since, until)}
        self._notes = reads.notes(since, until)
        self._done: set[str] = set()
        self.posts: list[Post] = []

    def take(self, line: UnaskedLine) -> None:
        """A line of the tables becomes a post."""
        if line.group_id is not None and line.group_id not in self._groups:
            return
        planned = self._planned.get(line.event_id)
        if planned is not None:
            self._done.add(line.event_id)
        beat = planned.beat if planned else self._beats.get(_beat_of(line))
        late = self._late.get((planned.beat.id, planned.group, planned.due)) if planned else None
        state = _state(line, late)
        self.posts.append(
            Post(
                due=planned.due if planned else line.created_at, at=line.left_at if line.state in _ARRIVED else None,
                group=line.group_id or "", member=line.member_id or "" if line.group_id is None else "",
                beat=beat.id if beat else "", title=beat.title if beat else line.because,
                text=line.text or self._would_say(line), state=state, because=line.because,
                why=_why(line, state, late), rule=line.rule, klass=line.klass, kind=line.kind, sort=line.sort,
                deal=bool(beat and beat.deal),
            )
        )  # fmt: skip

    def without_a_line(self) -> Iterator[Post]:
        """What was planned and brought no line: a task, a late post, or something that must not be."""
        for name, one in self._planned.items():
            if name not in self._done:
                yield self._unsaid(name, one)

    def _unsaid(self, name: str, one: Planned) -> Post:
        late = self._late.get((one.beat.id, one.group, one.due))
        task = self._tasks.get(f"{one.beat.id}|{one.group}|{one.due}")
        state: State = "task" if task else _LATE.get(late.state, "missed") if late else "missed"
        why = late.reason if late else self._notes.get(name, "")
        stopped = why_stopped(self._show.standing, self._show.config, one.beat, one.group, from_ms(one.due))
        if stopped:
            state, why = "stopped", stopped
        elif not task and not late and not why:
            state, why = "lost", "到了时间却什么也没发生"
        return Post(
            due=one.due, at=None, group=one.group, member="", beat=one.beat.id, title=one.beat.title,
            text=task.what if task else self._planned_text(one), state=state, because=f"定时「{one.beat.title}」",
            why=why, rule="lateness" if late else "", klass=_klass(one.beat), kind=one.beat.kind,
            sort=one.beat.sort.value, deal=one.beat.deal,
        )  # fmt: skip

    def _would_say(self, line: UnaskedLine) -> str:
        say = Say(line.phrase, {name: unpack(value) for name, value in line.slots.items()})
        return self._spoken(say, line.key, line.created_at, line.group_id)

    def _planned_text(self, one: Planned) -> str:
        say = self._show.app.desk.play(one.beat.id, one.group)
        return "" if say is None else self._spoken(say, one.event_id, one.due, one.group)

    def _spoken(self, say: Say, occasion: str, at: int, group: str | None) -> str:
        voice, config = self._show.app.desk.content.voice, self._show.config
        if say.key not in voice.phrases:
            return ""
        return voice.speak(
            say, luck=self._show.luck, occasion=occasion, now=from_ms(at), settings=config.group(group)
        ).text


def _beat_of(line: UnaskedLine) -> str:
    found = _BEAT_IN.findall(line.because)
    return str(found[-1]) if found else ""


def _klass(beat: Beat) -> str:
    return "reminder" if beat.sort == "reminder" else "promo" if beat.budgeted_as in ("", "product") else "content"


def _state(line: UnaskedLine, late: LateRow | None) -> State:
    if line.state in _ARRIVED:
        return "late" if late is not None and late.state == "late" else "sent"
    if line.verdict == "merged":
        return "merged"
    return "held" if line.state in ("held", "queued") or line.verdict in ("held", "never") else "missed"


def _why(line: UnaskedLine, state: State, late: LateRow | None) -> str:
    if state == "late" and late is not None:
        return late.reason
    # A line that left after all may have waited: then the policy wrote down why.
    return line.why or line.why_not
