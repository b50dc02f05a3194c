"""A house to lint: the shipped one with some files, phrases, scripts or draws changed."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.app import switchboard_for
from bot.config import Config, shipped
from bot.content import Content, load_content
from bot.draw_plan import DrawPlan
from bot.lint import Finding, lint
from bot.lint.material import material_of, texts
from bot.lint.report import lines
from bot.scripts import load_scripts
from bot.voice import Voice
from tests.conftest import a_config

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
"""A Monday morning in Shanghai."""
PLAN: Mapping[str, Any] = {
    "name": "试吃", "word": "我要", "lasts": "1d", "conditions": "群友都可以参加", "redeem": "私聊店长", "unclaimed": "forfeit",
    "organiser": "福利社", "contact": "群里找店长", "prizes": [{"name": "试吃装（约 6 元）", "quantity": 3}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """Settings and content to be looked at."""

    config: Config
    content: Content

    def findings(self, rule: str = "", now: datetime = NOW) -> list[Finding]:
        """What the lint finds, of one rule or of all."""
        return [one for one in lint(self.config, self.content, now) if rule in ("", one.rule)]

    def line(self, one: Finding) -> int:
        """The line that the report names."""
        return lines([one])[0]

    def line_with(self, file: str, text: str) -> int:
        """The line of a persona file that holds a text."""
        folder = Path(self.config.settings.bot.persona_dir) / self.config.settings.bot.persona
        rows = (folder / file).read_text(encoding="utf-8").splitlines()
        return next(number for number, row in enumerate(rows, start=1) if text in row)


@cache
def _declared() -> Mapping[str, tuple[str, ...]]:
    return switchboard_for(a_config()).phrases


@cache
def _shipped(persona: str) -> Content:
    return load_content(a_config({"bot": {"persona": persona}}), _declared())


def a_house(
    *, persona: str = "xiaoyuanzi", script: str = "", phrases: Mapping[str, str | tuple[str, ...]] | None = None,
    groups: Mapping[str, Any] | None = None, draw: Mapping[str, Any] | None = None,
    edits: Mapping[str, tuple[str, str]] | None = None, tmp_path: object = None,
) -> House:  # fmt: skip
    """The shipped house with a script `mine`, more phrases, groups, a draw, and edited files of the persona. The group
    of the demonstration hears nothing."""
    changes: dict[str, Any] = {"groups": {"yuanqi": {"scripts": []}, **(groups or {})}, "bot": {"persona": persona}}
    if edits:
        folder = Path(str(tmp_path)) / "persona"
        shutil.copytree(shipped("persona"), folder)
        for file, (old, new) in edits.items():
            path = folder / persona / file
            text = path.read_text(encoding="utf-8")
            assert old in text
            path.write_text(text.replace(old, new, 1), encoding="utf-8")
        changes["bot"]["persona_dir"] = str(folder)
    config = a_config(changes)
    content = load_content(config, _declared()) if edits else _shipped(persona)
    if script:
        folder = Path(str(tmp_path)) / "scripts"
        folder.mkdir()
        (folder / "mine.toml").write_text(script, encoding="utf-8")
        content = replace(content, scripts=load_scripts(folder))
    if phrases:
        more = {key: (one,) if isinstance(one, str) else one for key, one in phrases.items()}
        content = replace(content, voice=Voice(content.voice.persona, {**content.voice.phrases, **more}))
    if draw is not None:
        content = replace(content, draws={"mine": DrawPlan.model_validate({**PLAN, **draw})})
    return House(config, content)


def texts_of_the_house(house: House) -> list[str]:
    """Everything that its members may read."""
    return [one.text for one in texts(material_of(house.config, house.content))]
