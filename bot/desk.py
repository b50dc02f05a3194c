"""What handlers may ask of the house itself: help, previews, reloading, the agenda, the state of the process."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.banks import Bank
from bot.catalogue import Catalogue
from bot.config import Config
from bot.content import Content, setting_problems
from bot.context import zone_of
from bot.draw_plan import DrawPlan
from bot.errors import ConfigError, Problem
from bot.faq.library import Library
from bot.lint import lint
from bot.lint.report import problem
from bot.needs import Need
from bot.outbox import Outbox
from bot.own_beats import with_own
from bot.quizbank import Question
from bot.replies import Say, Sort
from bot.router import Switchboard
from bot.schedule import Schedule
from bot.scripts import Beat
from bot.scripts.opens import Opens
from bot.settings import GroupSettings
from bot.settings.deployment import Role
from bot.shelf import TaughtShelf
from bot.story import Story
from bot.survey import Survey
from bot.tagrules import TagBook
from bot.voice import ALWAYS, slots_in
from bot.words import Reading, bare, normalise
from bot.world import Luck, World
from storage.store import Store

HINTS = 4
"""Findings of the lint that staff see after a reload; all of them stand in `yuanzi check`."""


class FrontDesk:
    """Implements `bot.context.Desk` over the running parts. `load` reads the content anew, raising ConfigError."""

    def __init__(
        self, *, config: Config, world: World, luck: Luck, switchboard: Switchboard, schedule: Schedule, outbox: Outbox,
        store: Store, load: Callable[[], Content],
    ) -> None:  # fmt: skip
        self._config = config
        self._world = world
        self._luck = luck
        self._switchboard = switchboard
        self._schedule = schedule
        self._outbox = outbox
        self._store = store
        self._load = load
        self._since = world.now()
        self.channel_states: dict[str, str] = {}
        """What is worth knowing about a channel: it gave up, lost its gateway, was logged out."""
        self._help: dict[tuple[str | None, int], tuple[GroupSettings, list[tuple[str, tuple[str, ...], str, str]]]] = {}
        """By role and settings, which are frozen: the list grows with the house, the cost of asking must not."""
        self.on_replanned: Callable[[], None] = lambda: None
        self.content: Content
        self._library = Library(TaughtShelf(store, lambda: {one.id for one in self.content.faq.entries}))

    def use(self, content: Content) -> None:
        """From now on this is what is said, answered and scheduled."""
        self.content = content
        self._outbox.voice = content.voice
        self._library.use(content.faq)
        self._switchboard.spotter = self._library.spot
        self._switchboard.overhear = content.overhear
        scripts = with_own(content.scripts, self._store)
        groups = {*self._config.named_groups, *self._store.members.groups()}
        groups |= {group for beats in scripts.values() for beat in beats for group in beat.groups}
        self._schedule.plan(scripts, self._store.agenda.beats(), groups, self._world.now())
        self.on_replanned()

    def replan(self) -> None:
        """After settings changed: the same content, planned anew."""
        self.use(self.content)

    def help_for(self, role: str | None, settings: GroupSettings) -> list[tuple[str, tuple[str, ...], str, str]]:
        known = self._help.get((role, id(settings)))
        if known is None or known[0] is not settings:
            if len(self._help) > 1000:
                self._help.clear()
            rows = [
                (route.section, route.words_in(settings), route.usage, route.help)
                for route in sorted(self._switchboard.commands, key=lambda route: route.role is not None)
                if (role is not None and Role.reaches(role, route.role) if route.role else True)
                and not (route.off and route.off(settings))
            ]
            self._help[role, id(settings)] = known = (settings, rows)
        return known[1]

    def needed(self, word: str, settings: GroupSettings, *, acting: bool = True) -> str | None:
        route = self._switchboard.table(settings).get(bare(word))
        if route is None:
            return None
        return (route.acts or route.role) if acting else route.role

    def rights(self, settings: GroupSettings) -> list[tuple[str, str, str]]:
        return [
            (route.words_in(settings)[0], route.role, route.acts or route.role)
            for route in self._switchboard.commands
            if route.role and not (route.off and route.off(settings))
        ]

    def words(self, settings: GroupSettings) -> list[str]:
        return [word for route in self._switchboard.commands if not route.role for word in route.words_in(settings)]

    def is_command(self, reading: Reading, settings: GroupSettings) -> bool:
        return self._switchboard.command_of(reading, settings) is not None

    @property
    def library(self) -> Library:
        return self._library

    def taboo(self, text: str) -> str:
        return next((word for word in self.content.voice.persona.taboo if word in text), "")

    def asks(self, text: str) -> bool:
        return self.content.moods.is_question(text)

    def questions(self) -> Sequence[Question]:
        return self.content.questions

    def preview(self, say: Say, settings: GroupSettings) -> str:
        now = self._world.now()
        return self.content.voice.speak(
            say, luck=self._luck, occasion=f"preview {now.timestamp()}", now=now, settings=settings
        ).text

    @property
    def catalogue(self) -> Catalogue:
        return self.content.catalogue

    @property
    def tags(self) -> TagBook:
        return self.content.tags

    def surveys(self) -> Mapping[str, Survey]:
        return self.content.surveys

    def is_our_name(self, name: str) -> bool:
        persona = self.content.voice.persona
        return normalise(name) in {normalise(one) for one in (persona.name, *persona.names)}

    def reload(self) -> list[str]:
        content = self._load()
        findings = lint(self._config, content, self._world.now())
        errors = [problem(one) for one in findings if one.severity == "error"]
        if errors:  # what `yuanzi check` refuses does not go live either
            raise ConfigError(errors)
        self.use(content)
        hints = [f"提醒：{problem(one)}" for one in findings]
        more = [f"提醒一共 {len(hints)} 处，全部看 yuanzi check"] if len(hints) > HINTS else []
        return [*content.summary(), *hints[:HINTS], *more]

    def clashes(self, group: str, settings: GroupSettings) -> list[Problem]:
        groups = {group: settings}
        return [
            *self._switchboard.problems(groups),
            *setting_problems("设置", groups, self.content.scripts, self.content.voice, self.content.banks),
        ]

    def upcoming(self, group: str | None, most: int) -> list[tuple[datetime, str, str, str]]:
        return [
            (when, one, beat.id, beat.title)
            for when, one, beat in self._schedule.upcoming(group, most, self._world.now())
        ]

    def title_of(self, beat: str) -> str:
        known = self._schedule.beats.get(beat)
        return known.title if known else beat

    def play(self, beat: str, group: str) -> Say | None:
        known, settings = self._schedule.beats.get(beat), self._config.group(group)
        if known is None or known.task is not None or known.opens is not None or not known.plays_in(group, settings):
            return None
        words = known.variant_for({settings.type, *settings.tags})
        slots = dict(words.slots)
        bank = self.content.banks.get(known.bank)
        if bank is not None:  # which entry it will be is decided when it is posted
            fitting = bank.fitting(settings.type, self._world.now().astimezone(zone_of(settings)).date())
            slots["entry"] = fitting[0].text if fitting else ""
        return Say(
            words.phrase,
            slots,
            sort=Sort(known.sort),
            picture=words.picture,
            kind=known.kind,
            content=known.budgeted_as,
        )

    def beat(self, name: str) -> Beat | None:
        return self._schedule.beats.get(name)

    def beats(self) -> Mapping[str, Beat]:
        return self._schedule.beats

    def banks(self) -> Mapping[str, Bank]:
        return self.content.banks

    def opens(self, beat: str, group: str | None = None) -> Opens | None:
        known = self._schedule.beats.get(beat)
        if known is None or (group is not None and not known.plays_in(group, self._config.group(group))):
            return None
        return known.opens

    def lateness(self, beat: str) -> timedelta | None:
        known = self._schedule.beats.get(beat)
        return known.lateness if known else None

    def slots_of(self, phrase: str) -> set[str] | None:
        variants = self.content.voice.phrases.get(phrase)
        return {slot for one in variants for slot in slots_in(one)} - ALWAYS if variants is not None else None

    def taboo_in(self, text: str) -> list[str]:
        return [word for word in self.content.voice.persona.taboo if word in text]

    def stories(self) -> Mapping[str, Story]:
        return self.content.stories

    def secret(self, *occasion: object) -> str:
        return self._world.secret(self._luck, *occasion)

    def draw_plan(self, name: str) -> DrawPlan | None:
        return self.content.draws.get(name)

    def draw_plans(self) -> list[str]:
        return list(self.content.draws)

    def status(self) -> list[str]:
        counts = self._store.outbox.counts()
        names = {"queued": "排队", "sending": "发送中", "unknown": "结果未知", "failed": "失败", "held": "扣下"}
        waiting = "，".join(f"{names[state]} {counts[state]}" for state in names if counts.get(state)) or "没有积压"
        size = self._store.db.path.stat().st_size / 1_000_000 if self._store.db.path.exists() else 0.0
        upcoming = self.upcoming(None, 1)
        zone = zone_of(self._config.group(None))
        following = (
            f"{upcoming[0][0].astimezone(zone):%m-%d %H:%M}（{zone.key}）{upcoming[0][3]}" if upcoming else "没有"
        )
        rows = [
            f"已运行 {_roughly(self._world.now() - self._since)}",
            f"人设 {self.content.voice.persona.name}",
            *(f"通道 {name}：{self.channel_states.get(name, '正常')}" for name in self._outbox.channels),
            f"发件箱 {waiting}",
            f"数据库 {size:.1f} MB",
        ]
        return rows if not upcoming else [*rows, f"下一条定时 {following}"]

    def need_of(self, text: str) -> tuple[Need, str] | None:
        return self.content.needs.find(text)

    def need(self, name: str) -> Need | None:
        return self.content.needs.all.get(name)

    def mood_of(self, text: str) -> tuple[str, str] | None:
        return self.content.moods.find(text)

    def speaks(self, channel: str) -> str:
        return self._outbox.speaks(channel)

    def staff_rooms(self) -> list[tuple[str, str]]:
        rooms = []
        for person in self._config.settings.staff:
            if Role.reaches(person.role, "operator"):
                channel = self._store.members.channel_of_member(person.id) or next(
                    iter((*person.channels, *self._outbox.channels)), ""
                )
                rooms.append((channel, person.id))
        return rooms


def _roughly(span: timedelta) -> str:
    """A length of time as one says it: the two largest units."""
    minutes = int(span.total_seconds()) // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} 天 {hours} 小时"
    return f"{hours} 小时 {minutes % 60} 分钟" if hours else f"{minutes} 分钟"
