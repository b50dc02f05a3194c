"""What operators write: persona, phrases, FAQ and scripts, read together, checked together, swapped together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.config import Config, check_model, nearest, read_toml, shipped
from bot.draw_plan import DrawPlan, load_draws
from bot.errors import ConfigError, Problem
from bot.faq import FaqBook, load_faq
from bot.scripts import Beat, load_scripts
from bot.settings import GroupSettings
from bot.voice import ALWAYS, Persona, Voice, slots_in

OFTEN = 3
"""Fewest variants of a phrase: with fewer, a group hears the same line again too soon."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that can be edited without a programmer."""

    voice: Voice
    faq: FaqBook
    scripts: Mapping[str, list[Beat]]
    draws: Mapping[str, DrawPlan] = field(default_factory=dict)

    def summary(self) -> list[str]:
        """What was read, one fact a line, for staff."""
        beats = sum(map(len, self.scripts.values()))
        return [
            f"人设 {self.voice.persona.name}：{len(self.voice.phrases)} 条话术",
            f"关键词回复 {len(self.faq)} 条",
            f"脚本 {len(self.scripts)} 份，共 {beats} 拍",
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
    problems: list[Problem] = []
    voice, book = None, FaqBook(())
    scripts: Mapping[str, list[Beat]] | None = None
    try:
        folder = persona_folder(config)
    except ConfigError as error:
        problems += error.problems
    else:
        persona, phrases = None, None
        try:
            persona = check_model(Persona, read_toml(folder / "persona.toml"), str(folder / "persona.toml"))
        except ConfigError as error:
            problems += error.problems
        taboo = persona.taboo if persona is not None else ()
        try:
            phrases, bad = _phrases(folder / "phrases.toml", taboo, declared)
            problems += bad
        except ConfigError as error:
            problems += error.problems
        try:
            book = load_faq(folder / "faq.toml")
            problems += [
                Problem(str(folder / "faq.toml"), f"entry.{entry}.answer", f"用了禁用词「{word}」")
                for entry, answer in book.answers.items() for word in taboo if word in answer
            ]  # fmt: skip
        except ConfigError as error:
            problems += error.problems
        if persona is not None and phrases is not None:
            voice = Voice(persona, phrases)
    try:
        scripts = load_scripts(Path(config.settings.bot.scripts) if config.settings.bot.scripts else None)
    except ConfigError as error:
        problems += error.problems
    draws: Mapping[str, DrawPlan] = {}
    try:
        draws = load_draws(Path(config.settings.bot.draws) if config.settings.bot.draws else None)
    except ConfigError as error:
        problems += error.problems
    if voice is not None:
        problems += _script_problems(scripts or {}, voice)
        problems += setting_problems(config.file, config.settings.groups, scripts, voice)
    if problems or voice is None or scripts is None:
        raise ConfigError(problems)
    return Content(voice, book, scripts, draws)


def _phrases(
    path: Path, taboo: Sequence[str], declared: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """key -> variants, and what is wrong with them. Keys under `post` belong to scripts and are free."""
    file, problems = str(path), []
    phrases: dict[str, tuple[str, ...]] = {}
    for table, entries in read_toml(path).items():
        if not isinstance(entries, dict):
            problems.append(Problem(file, table, "应是表", f"写成 [{table}]，下面一行一个话术"))
            continue
        for name, variants in entries.items():
            key = f"{table}.{name}"
            if not isinstance(variants, list) or not all(isinstance(one, str) and one.strip() for one in variants):
                problems.append(Problem(file, key, "应是一组文字", '写成 ["第一种", "第二种", "第三种"]'))
                continue
            phrases[key] = tuple(variants)
            problems += _phrase_problems(file, key, phrases[key], taboo, declared)
    missing = [key for key in declared if key not in phrases]
    for key in missing:
        close = nearest(key, [one for one in phrases if one not in declared])
        problems.append(
            Problem(file, key, "缺少这条话术", f"是不是写成了 {close[0]}？" if close else "补上至少三种说法")
        )
    return phrases, problems


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


def _script_problems(scripts: Mapping[str, list[Beat]], voice: Voice) -> list[Problem]:
    problems: list[Problem] = []
    for beat in (beat for beats in scripts.values() for beat in beats):
        key = f"beat.{beat.id.partition('.')[2]}"
        file = f"scripts/{beat.script}.toml"
        variants = voice.phrases.get(beat.phrase)
        if variants is None:
            close = nearest(beat.phrase, voice.phrases)
            hint = f"是不是想写 {close[0]}？" if close else "在 phrases.toml 里补上"
            problems.append(Problem(file, f"{key}.phrase", f"人设里没有话术「{beat.phrase}」", hint))
            continue
        wanted = {slot for one in variants for slot in slots_in(one)} - ALWAYS
        for slot in sorted(wanted - set(beat.slots)):
            problems.append(Problem(file, f"{key}.slots", f"缺少内容 {slot}", f"话术 {beat.phrase} 要用它"))
        for slot in sorted(set(beat.slots) - wanted):
            close = nearest(slot, wanted)
            problems.append(
                Problem(file, f"{key}.slots.{slot}", "话术用不到这一项", f"是不是想写 {close[0]}？" if close else "")
            )
        for word in voice.persona.taboo:
            if any(word in value for value in beat.slots.values()):
                problems.append(Problem(file, f"{key}.slots", f"用了禁用词「{word}」"))
    return problems


def setting_problems(
    file: str, groups: Mapping[str, GroupSettings], scripts: Mapping[str, list[Beat]] | None, voice: Voice
) -> list[Problem]:
    """Phrases and scripts that group settings name and nobody has. `scripts` is None when they cannot be read."""
    problems: list[Problem] = []
    for name, group in groups.items():
        for phrase in (group.welcome.phrase, *group.welcome.sources.values()):
            if phrase not in voice.phrases:
                close = nearest(phrase, [key for key in voice.phrases if key.startswith("welcome.")])
                hint = f"是不是想写 {close[0]}？" if close else ""
                problems.append(Problem(file, f"groups.{name}.welcome", f"没有话术「{phrase}」", hint))
        for script in group.scripts:
            if scripts is not None and script not in scripts:
                close = nearest(script, scripts)
                hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(scripts)}"
                problems.append(Problem(file, f"groups.{name}.scripts", f"没有脚本「{script}」", hint))
    return problems
