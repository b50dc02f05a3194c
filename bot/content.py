"""What operators write: persona, phrases, FAQ and scripts, read together, checked together, swapped together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from bot.banks import Bank, load_topics
from bot.catalogue import Catalogue, load_catalogue
from bot.config import Config, check_model, nearest, read_toml, shipped
from bot.draw_plan import DrawPlan, load_draws
from bot.errors import ConfigError, Problem
from bot.faq import FaqBook, load_faq
from bot.mood import Moods, load_moods
from bot.needs import Needs, load_needs
from bot.opening_proof import opening_problems
from bot.quizbank import Question, load_banks
from bot.scripts import OWN_TITLE, Beat, Variant, load_scripts
from bot.settings import GroupSettings
from bot.story import Story, load_stories
from bot.survey import Survey, load_surveys
from bot.tagrules import TagBook, load_tags
from bot.voice import ALWAYS, Persona, Voice, slots_in
from bot.words import Reading

GREETING = ALWAYS | {"names", "benefit"}
"""Slots of a greeting to newcomers, whichever phrase a group or a source chose for it."""
P = TypeVar("P")
D = TypeVar("D")
OFTEN = 3
"""Fewest variants of a phrase: with fewer, a group hears the same line again too soon."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that can be edited without a programmer."""

    voice: Voice
    faq: FaqBook
    scripts: Mapping[str, list[Beat]]
    catalogue: Catalogue = field(default_factory=Catalogue)
    questions: tuple[Question, ...] = ()
    stories: Mapping[str, Story] = field(default_factory=dict)
    draws: Mapping[str, DrawPlan] = field(default_factory=dict)
    banks: Mapping[str, Bank] = field(default_factory=dict)
    moods: Moods = field(default_factory=lambda: Moods(None))
    needs: Needs = field(default_factory=Needs)
    tags: TagBook = field(default_factory=TagBook)
    surveys: Mapping[str, Survey] = field(default_factory=dict)

    def overhear(self, reading: Reading, settings: GroupSettings, *, answered: bool) -> tuple[str, ...]:
        """Which bands must hear a message that is no command: a need is noted, whatever else is said about it."""
        bands = self.moods.overhear(reading, settings, answered=answered)
        if "mood" not in bands and self.needs.overheard(reading.text, settings):
            return ("need", *bands)
        return bands

    def summary(self) -> list[str]:
        """What was read, one fact a line, for staff."""
        beats = sum(map(len, self.scripts.values()))
        return [
            f"人设 {self.voice.persona.name}：{len(self.voice.phrases)} 条话术",
            f"关键词回复 {len(self.faq)} 条",
            f"脚本 {len(self.scripts)} 份，共 {beats} 拍",
            f"素材库 {len(self.banks)} 份，共 {sum(len(bank.entries) for bank in self.banks.values())} 条",
            f"积分商城 {len(self.catalogue.items)} 件",
            f"题库 {len({one.bank for one in self.questions})} 份，共 {len(self.questions)} 题",
            f"标签规则 {len(self.tags.rules)} 条，问卷 {len(self.surveys)} 份，听得出的需要 {len(self.needs.all)} 种",
        ]


def persona_folder(config: Config) -> Path:
    """Where the persona of this deployment lives. Raises ConfigError with the personas that exist."""
    bot = config.settings.bot
    beside = Path("persona")
    here = Path(bot.persona_dir) if bot.persona_dir else beside if beside.is_dir() else shipped("persona")
    folder = here / bot.persona
    if not (folder / "persona.toml").is_file():
        known = sorted(path.parent.name for path in here.glob("*/persona.toml"))
        close = nearest(bot.persona, known)
        hint = f"是不是想写 {close[0]}？" if close else f"这里有：{'、'.join(known) or '一个也没有'}"
        raise ConfigError([Problem(config.file, "bot.persona", f"在 {here} 里找不到人设「{bot.persona}」", hint)])
    return folder


def load_content(config: Config, declared: Mapping[str, tuple[str, ...]]) -> Content:
    """Reads and proves all content. `declared`: phrase key -> slots, as the handlers declare them.

    Raises ConfigError with every problem of every file.
    """
    read = _Reading()
    bot = config.settings.bot
    folder = read.part(lambda: persona_folder(config), None)
    titles = {level.title: None for group in config.settings.groups.values() for level in group.points.levels}
    content = None
    if folder is not None:
        content, bad = read_persona(folder, tuple(titles), declared)
        read.problems += bad
    scripts = read.part(lambda: load_scripts(Path(bot.scripts) if bot.scripts else None), None)
    draws = read.part(lambda: load_draws(Path(bot.draws) if bot.draws else None), None)
    if content is not None:
        read.problems += script_problems(scripts or {}, content.voice)
        read.problems += opening_problems(scripts or {}, draws, content.questions, config)
        read.problems += setting_problems(config.file, config.settings.groups, scripts, content.voice, content.banks)
    if read.problems or content is None or scripts is None:
        raise ConfigError(read.problems)
    return replace(content, scripts=scripts, draws=draws or {})


class _Reading:
    """Reads part after part and keeps the problems of all."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def part(self, load: Callable[[], P], otherwise: D) -> P | D:
        """What `load` gives, or `otherwise` when it finds problems."""
        try:
            return load()
        except ConfigError as error:
            self.problems += error.problems
            return otherwise


def read_persona(
    folder: Path, titles: Sequence[str], declared: Mapping[str, tuple[str, ...]]
) -> tuple[Content | None, list[Problem]]:
    """Everything in a persona's folder (no content when there is no voice to speak with), and what is wrong with it.
    `titles`: of the levels that the shop may ask for."""
    read = _Reading()
    file = folder / "persona.toml"
    persona = read.part(lambda: check_model(Persona, read_toml(file), str(file)), None)
    taboo = persona.taboo if persona is not None else ()
    phrases, bad = read.part(lambda: _phrases(folder, taboo, declared), (None, []))
    read.problems += bad
    book = FaqBook(read.part(lambda: load_faq(folder / "faq.toml", taboo), ()))
    catalogue = read.part(lambda: load_catalogue(folder / "shop.toml", taboo, titles), Catalogue())
    questions = read.part(lambda: load_banks(folder / "quiz", taboo), ())
    stories, bad = load_stories(folder / "story", taboo)
    read.problems += bad
    banks, bad = load_topics(folder / "banks", taboo)
    read.problems += bad
    moods, bad = load_moods(folder / "mood.toml")
    read.problems += bad
    needs, bad = load_needs(folder / "needs.toml")
    read.problems += bad
    tags = read.part(lambda: load_tags(_tag_file(folder), taboo), TagBook())
    surveys, bad = load_surveys(folder / "survey", taboo)
    read.problems += bad
    if persona is None or phrases is None:
        return None, read.problems
    content = Content(
        Voice(persona, phrases), book, {}, catalogue, questions, stories, banks=banks, moods=moods, needs=needs,
        tags=tags, surveys=surveys,
    )  # fmt: skip
    return content, read.problems


def _tag_file(folder: Path) -> Path:
    """The persona's own tags.toml, else the one that comes with the product."""
    own = folder / "tags.toml"
    return own if own.is_file() else Path(__file__).with_name("tags.toml")


def _phrases(
    folder: Path, taboo: Sequence[str], declared: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """key -> variants, and what is wrong with them: phrases.toml and every file of phrases/, one for each family. Keys
    under `post` belong to scripts and are free."""
    main = folder / "phrases.toml"
    phrases: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for path in (main, *sorted((folder / "phrases").glob("*.toml"))):
        problems += _phrases_of(path, phrases, taboo, declared)
    missing = [key for key in declared if key not in phrases]
    for key in missing:
        close = nearest(key, [one for one in phrases if one not in declared])
        problems.append(
            Problem(str(main), key, "缺少这条话术", f"是不是写成了 {close[0]}？" if close else "补上至少三种说法")
        )
    return phrases, problems


def _phrases_of(
    path: Path, phrases: dict[str, tuple[str, ...]], taboo: Sequence[str], declared: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    """Adds the phrases of one file; returns what is wrong with it."""
    file, problems = str(path), []
    for table, entries in read_toml(path).items():
        if not isinstance(entries, dict):
            problems.append(Problem(file, table, "应是表", f"写成 [{table}]，下面一行一个话术"))
            continue
        for name, variants in entries.items():
            key = f"{table}.{name}"
            if key in phrases:
                problems.append(Problem(file, key, "这条话术写了两次", "另一个文件里已经有了，留一处"))
                continue
            if not isinstance(variants, list) or not all(isinstance(one, str) and one.strip() for one in variants):
                problems.append(Problem(file, key, "应是一组文字", '写成 ["第一种", "第二种", "第三种"]'))
                continue
            phrases[key] = tuple(variants)
            problems += _phrase_problems(file, key, phrases[key], taboo, declared)
    return problems


def _phrase_problems(
    file: str, key: str, variants: tuple[str, ...], taboo: Sequence[str], declared: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    problems: list[Problem] = []
    if len(set(variants)) < OFTEN:
        problems.append(Problem(file, key, f"只有 {len(set(variants))} 种说法", f"至少写 {OFTEN} 种，免得听着像机器"))
    problems += [Problem(file, key, f"用了禁用词「{word}」") for word in taboo if any(word in one for one in variants)]
    free = key.startswith("post.")
    # Greetings for sources are written freely, but they are filled like any other greeting.
    slots = declared.get(key, declared.get("welcome.group") if key.startswith("welcome.") else None)
    if slots is None and not free:
        close = nearest(key, declared)
        hint = f"是不是想写 {close[0]}？" if close else "没有功能用它，删掉或改名"
        return [*problems, Problem(file, key, "没有这个话术键", hint)]
    if slots is not None:
        allowed = {*slots, *ALWAYS}
        for slot in sorted({slot for one in variants for slot in slots_in(one)} - allowed):
            close = nearest(slot, allowed)
            hint = f"是不是想写 {{{close[0]}}}？" if close else f"可用：{'、'.join(sorted(allowed))}"
            problems.append(Problem(file, key, f"没有空位 {{{slot}}}", hint))
    return problems


def script_problems(scripts: Mapping[str, list[Beat]], voice: Voice) -> list[Problem]:
    """What is wrong with the words of beats, for this persona."""
    problems: list[Problem] = []
    for beat in (beat for beats in scripts.values() for beat in beats):
        if beat.task is not None or beat.opens is not None:
            continue
        key, file = f"beat.{beat.id.partition('.')[2]}", f"scripts/{beat.script}.toml"
        if beat.made_by_chat:
            key, file = beat.called, OWN_TITLE
        problems += _words_problems(file, key, beat.variant_for(()), beat, voice)
        for name, own in beat.variants.items():
            if own.phrase or own.slots:
                problems += _words_problems(file, f"{key}.variant.{name}", beat.variant_for((name,)), beat, voice, own)
    return problems


def _words_problems(
    file: str, key: str, words: Variant, beat: Beat, voice: Voice, own: Variant | None = None
) -> list[Problem]:
    """What is wrong with one way in which a beat is said. `own`: what a variant itself wrote."""
    variants = voice.phrases.get(words.phrase)
    if variants is None:
        close = nearest(words.phrase, voice.phrases)
        hint = f"是不是想写 {close[0]}？" if close else "在 phrases.toml 里补上"
        return [Problem(file, f"{key}.phrase", f"人设里没有话术「{words.phrase}」", hint)]
    problems: list[Problem] = []
    wanted = {slot for one in variants for slot in slots_in(one)} - ALWAYS
    given = {*words.slots, *(("entry",) if beat.bank else ()), *(("name", "points") if beat.personal else ())}
    for slot in sorted(wanted - given):
        problems.append(Problem(file, f"{key}.slots", f"缺少内容 {slot}", f"话术 {words.phrase} 要用它"))
    for slot in sorted(set(words.slots if own is None else own.slots) - wanted):
        close = nearest(slot, wanted)
        problems.append(
            Problem(file, f"{key}.slots.{slot}", "话术用不到这一项", f"是不是想写 {close[0]}？" if close else "")
        )
    for word in voice.persona.taboo:
        if any(word in value for value in words.slots.values()):
            problems.append(Problem(file, f"{key}.slots", f"用了禁用词「{word}」"))
    return problems


def setting_problems(
    file: str, groups: Mapping[str, GroupSettings], scripts: Mapping[str, list[Beat]] | None, voice: Voice,
    banks: Mapping[str, Bank] | None = None,
) -> list[Problem]:  # fmt: skip
    """Phrases, scripts and banks that group settings name and nobody has. `scripts` and `banks` are None when they
    cannot be read."""
    problems: list[Problem] = []
    for name, group in groups.items():
        for phrase in (group.welcome.phrase, *group.welcome.sources.values()):
            if phrase not in voice.phrases:
                close = nearest(phrase, [key for key in voice.phrases if key.startswith("welcome.")])
                hint = f"是不是想写 {close[0]}？" if close else ""
                problems.append(Problem(file, f"groups.{name}.welcome", f"没有话术「{phrase}」", hint))
                continue
            for slot in sorted({slot for one in voice.phrases[phrase] for slot in slots_in(one)} - GREETING):
                reason = f"话术「{phrase}」要用 {{{slot}}}，欢迎新人时没有这一项"
                problems.append(Problem(file, f"groups.{name}.welcome", reason, "换一条 welcome 下的话术"))
        for setting, script in [
            *(("scripts", one) for one in group.scripts), *(("calendar.private", one) for one in group.calendar.private)
        ]:  # fmt: skip
            if scripts is not None and script not in scripts:
                close = nearest(script, scripts)
                hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(scripts)}"
                problems.append(Problem(file, f"groups.{name}.{setting}", f"没有脚本「{script}」", hint))
            problems += [
                Problem(file, f"groups.{name}.{setting}", f"脚本「{script}」要用素材库「{beat.bank}」，这个人设没有",
                        f"放一份 banks/{beat.bank}.toml，有：{'、'.join(banks) or '一份也没有'}")
                for beat in (scripts or {}).get(script, ())
                if beat.bank and banks is not None and beat.bank not in banks
            ]  # fmt: skip
    return problems
