"""What is looked at: every text that members may read, with its place, and every way in which a beat may be said."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.banks import Bank, Entry
from bot.config import DEFAULT_GROUP, Config, read_toml
from bot.content import Content, persona_folder
from bot.draw_plan import BUILT_IN as BUILT_IN_DRAWS
from bot.draw_plan import DrawPlan
from bot.scripts import OWN_TITLE, Beat
from bot.scripts.beat import Variant
from bot.settings import GroupSettings
from bot.standing import CHANGED
from storage.standing import Standing


@dataclass(frozen=True, slots=True)
class Text:
    """A text that members read and where it is written. `off`: the rules that are silent for it."""

    file: str
    key: str
    text: str
    off: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Material:
    """Settings and content with the files that they came from."""

    config: Config
    content: Content
    folder: Path
    phrase_files: Mapping[str, str]
    draw_files: Mapping[str, str]
    standing: Standing = field(default_factory=Standing)

    @property
    def groups(self) -> Mapping[str, GroupSettings]:
        """Every group that has settings of its own, by file or by chat, with what is in force."""
        names = dict.fromkeys([*self.config.settings.groups, *self.standing.changes])
        return {name: self.config.group(name) for name in names}

    def file_of_setting(self, group: str, path: str) -> str:
        """Where a setting of a group comes from: the file, or a conversation."""
        return CHANGED if path in self.standing.changes.get(group, {}) else self.config.file

    @property
    def beats(self) -> Iterator[Beat]:
        """Every beat of every script."""
        return (beat for beats in self.content.scripts.values() for beat in beats)

    def bank_file(self, name: str) -> str:
        """Where a bank is written."""
        return str(self.folder / "banks" / f"{name}.toml")


def material_of(config: Config, content: Content, standing: Standing | None = None) -> Material:
    """Finds the files of what was read and proven before."""
    folder = persona_folder(config)
    phrases: dict[str, str] = {}
    for path in (folder / "phrases.toml", *sorted((folder / "phrases").glob("*.toml"))):
        for table, entries in read_toml(path).items():
            phrases |= dict.fromkeys((f"{table}.{name}" for name in entries), str(path))
    own = Path(config.settings.bot.draws) if config.settings.bot.draws else None
    draws = {
        name: str(own / f"{name}.toml" if own and (own / f"{name}.toml").is_file() else BUILT_IN_DRAWS / f"{name}.toml")
        for name in content.draws
    }
    return Material(config, content, folder, phrases, draws, standing or Standing())


def key_of(beat: Beat) -> str:
    """The row of a beat in its file, as people find it: a wave is a part of its campaign; what was made by chat has a
    number."""
    if beat.made_by_chat:
        return beat.called
    campaign = beat.campaign.partition(".")[2]
    return f"beat.{campaign}.wave.{beat.wave}" if beat.wave else f"beat.{campaign}"


def file_of(beat: Beat) -> str:
    """The file of a beat."""
    if beat.made_by_chat:
        return OWN_TITLE
    return str(beat.file or f"scripts/{beat.script}.toml")


def texts(material: Material) -> Iterator[Text]:
    """Everything that members may read; of what people type by chat, campaigns and greetings."""
    yield from _of_persona(material)
    yield from _of_scripts(material)
    for name, plan in material.content.draws.items():
        yield from _of_draw(material.draw_files[name], plan)
    usual = material.config.group(None).welcome.benefit
    for group, settings in material.groups.items():
        if settings.welcome.benefit and (group == DEFAULT_GROUP or settings.welcome.benefit != usual):
            key = f"groups.{group}.welcome.benefit"
            yield Text(
                material.file_of_setting(group, "welcome.benefit"), key, settings.welcome.benefit, settings.lint.off
            )


def _of_persona(material: Material) -> Iterator[Text]:
    content, folder = material.content, material.folder
    for key, variants in content.voice.phrases.items():
        for variant in variants:
            yield Text(material.phrase_files.get(key, str(folder / "phrases.toml")), key, variant, {})
    for entry, answer in content.faq.answers.items():
        yield Text(str(folder / "faq.toml"), f"entry.{entry}", answer, {})
    for name, bank in content.banks.items():
        for number, one in enumerate(bank.entries, start=1):
            yield Text(material.bank_file(name), f"entry.{number}", one.text, {})
    for item in content.catalogue.items:
        for text in filter(None, (item.title, item.note)):
            yield Text(str(folder / "shop.toml"), f"item.{item.id}", text, {})


def _of_scripts(material: Material) -> Iterator[Text]:
    for beat in material.beats:
        for words in beat.all_words():
            for slot, value in words.slots.items():
                key = key_of(beat) if beat.made_by_chat else f"{key_of(beat)}.slots.{slot}"
                yield Text(file_of(beat), key, value, beat.lint_off)
        for text in (*beat.items, *beat.mechanics):
            yield Text(file_of(beat), key_of(beat), text, beat.lint_off)


def _of_draw(file: str, plan: DrawPlan) -> Iterator[Text]:
    fields = [("name", plan.name), ("conditions", plan.conditions), ("redeem", plan.redeem), ("word", plan.word)]
    fields += [(f"prizes.{number}.name", prize.name) for number, prize in enumerate(plan.prizes, start=1)]
    return (Text(file, key, text, plan.lint_off) for key, text in fields if text)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One way in which a beat may be said: the words, the variant of the phrase with its slots filled, and the bank's
    entry in it."""

    words: Variant
    variant: str
    text: str
    entry: Entry | None = None


def spoken(beat: Beat, content: Content, *, entries: bool = True) -> Iterator[Spoken]:
    """Every way in which a beat may be said, with the longest greeting. `entries`: with each entry of its bank, else
    with the longest one."""
    colour = content.voice.persona.colour
    hello = max((one for part in type(colour).model_fields for one in getattr(colour, part)), key=len)
    bank = content.banks.get(beat.bank)
    chosen = _entries(bank, all_of_them=entries)
    for words in _distinct(beat.all_words()):
        for variant in content.voice.phrases.get(words.phrase, ()):
            filled = variant.replace("{hello}", hello).replace("{bot}", content.voice.persona.name)
            for slot, value in words.slots.items():
                filled = filled.replace(f"{{{slot}}}", value)
            for entry in chosen if "{entry}" in filled else (None,):
                yield Spoken(words, variant, filled.replace("{entry}", entry.text) if entry else filled, entry)


def _entries(bank: Bank | None, *, all_of_them: bool) -> tuple[Entry | None, ...]:
    if bank is None:
        return (None,)
    return bank.entries if all_of_them else (max(bank.entries, key=lambda one: len(one.text)),)


def _distinct(words: Iterable[Variant]) -> list[Variant]:
    found: list[Variant] = []
    for one in words:
        if one not in found:
            found.append(one)
    return found
