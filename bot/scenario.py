"""Scenarios: conversations as TOML that replay exactly, in virtual time, checked by phrase keys rather than wording."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import copytree
from typing import Any

from pydantic import Field, model_validator

from bot.channels import Line
from bot.config import Config, build_config, check_model, merged, read_toml, shipped
from bot.content import persona_folder
from bot.errors import ConfigError, Problem
from bot.settings.kinds import Part, Span
from bot.stage import GROUP, START, Cast, Stage

_ACTIONS = ("say", "joins", "leaves", "contact", "wait", "until", "power_cut", "again", "everyone", "write")


class Write(Part):
    """A file of the persona that an operator changes in the middle of a conversation."""

    file: str = Field(pattern=r"^[a-z_]+\.toml$")
    replace: str = ""
    by: str = ""


class Step(Part):
    """One thing that happens, and the phrase keys that are said because of it, in order. No `expect`: silence."""

    say: str | None = None
    by: str = "小满"
    private: bool = False
    quote: str = ""
    at: datetime | None = None
    joins: tuple[str, ...] = ()
    source: str = ""
    inviter: str = ""
    leaves: str | None = None
    contact: str | None = None
    wait: Span | None = None
    until: datetime | None = None
    power_cut: Span | None = None
    again: bool = False
    everyone: str | None = None
    names: tuple[str, ...] = ()
    write: Write | None = None
    expect: tuple[str, ...] = ()
    contains: tuple[str, ...] = Field((), description="这些字样要出现在这一步说的话里")

    @model_validator(mode="after")
    def _one_action(self) -> "Step":
        chosen = [name for name in _ACTIONS if getattr(self, name) not in (None, (), False)]
        if len(chosen) != 1:
            raise ValueError(f"一步只能做一件事，这里有 {'、'.join(chosen) or '零件'}；可写：{'、'.join(_ACTIONS)}")
        return self


class Scenario(Part):
    """A whole conversation."""

    title: str = Field(min_length=1)
    start: datetime = START
    seed: str = "yuanzi"
    group: str = GROUP
    config: dict[str, Any] = Field(default_factory=dict, description="盖在默认设置上的设置")
    step: tuple[Step, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """A step that went otherwise than expected."""

    number: int
    what: str
    expected: tuple[str, ...]
    said: tuple[str, ...]
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.missing:
            return f"第 {self.number} 步（{self.what}）：没有出现「{'」「'.join(self.missing)}」"
        want, got = "、".join(self.expected) or "安静", "、".join(self.said) or "安静"
        return f"第 {self.number} 步（{self.what}）：应说 {want}，实际 {got}"


def load_scenario(path: Path) -> Scenario:
    """A scenario file. Raises ConfigError with every problem in it."""
    return check_model(Scenario, read_toml(path), str(path))


async def play(
    scenario: Scenario, file: str, show: Callable[[Line], None] = lambda line: None  # noqa: ARG005
) -> list[Difference]:  # fmt: skip
    """Plays a scenario from an empty database. Returns what went otherwise. Raises ConfigError."""
    with tempfile.TemporaryDirectory(prefix="yuanzi-") as folder:
        room = Path(folder)
        personas = room / "persona"
        copytree(shipped("persona"), personas)
        fresh = _config_factory(scenario, file, personas)
        stage = Stage(
            fresh, room / "scenario.db", start=scenario.start, group=scenario.group, show=show,
            people=Cast.load().people(),
        )  # fmt: skip
        await stage.open()
        try:
            differences = []
            for number, step in enumerate(scenario.step, start=1):
                if step.write is not None:
                    _edit(persona_folder(fresh()) / step.write.file, step.write, file, number)
                    continue
                lines = await perform(stage, step)
                differences += _compare(number, step, lines)
            return differences
        finally:
            await stage.close()


def _config_factory(scenario: Scenario, file: str, personas: Path) -> Callable[[], Config]:
    base = read_toml(shipped("config.toml"))
    own: Mapping[str, Any] = {"bot": {"seed": scenario.seed, "persona_dir": str(personas)}}
    data = merged(merged(base, scenario.config), own)
    build_config(data, file)
    return lambda: build_config(data, file)


def _edit(path: Path, write: Write, file: str, number: int) -> None:
    text = path.read_text(encoding="utf-8")
    if write.replace not in text:
        raise ConfigError([Problem(file, f"step {number}.write", f"{path.name} 里找不到要换的文字")])
    path.write_text(text.replace(write.replace, write.by, 1) if write.replace else write.by, encoding="utf-8")


async def perform(stage: Stage, step: Step) -> list[Line]:
    """Lets one step happen on a stage; returns the lines it brought."""
    if step.say is not None:
        return await stage.says(step.by, step.say, private=step.private, at=step.at, quote=step.quote)
    if step.joins:
        return await stage.joins(list(step.joins), step.source, step.inviter)
    if step.leaves is not None:
        return await stage.leaves(step.leaves)
    if step.contact is not None:
        return await stage.adds_contact(step.contact, step.source)
    if step.wait is not None:
        return await stage.wait(step.wait)
    if step.until is not None:
        return await stage.wait(max(step.until - stage.now, stage.now - stage.now))
    if step.power_cut is not None:
        return await stage.power_cut(step.power_cut)
    if step.again:
        return await stage.again()
    return await stage.everyone_says(list(step.names) or list(stage.people), step.everyone or "")


def _compare(number: int, step: Step, lines: list[Line]) -> list[Difference]:
    said = tuple(line.phrase for line in lines)
    what = next(f"{name} {getattr(step, name)}" for name in _ACTIONS if getattr(step, name) not in (None, (), False))
    if said != step.expect:
        return [Difference(number, what[:60], step.expect, said)]
    text = "\n".join(line.text for line in lines)
    missing = tuple(word for word in step.contains if word not in text)
    return [Difference(number, what[:60], step.expect, said, missing)] if missing else []
