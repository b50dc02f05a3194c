"""Serials of a persona: persona/<name>/story/*.toml, a chapter for each day somebody checked in."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from bot.config import check_model, read_toml
from bot.errors import ConfigError, Problem
from bot.settings.kinds import Part


class Chapter(Part):
    """One day's part. WeCom takes 2,048 bytes of text, so a chapter is at most 550 characters."""

    title: str = Field(min_length=1, max_length=30)
    text: str = Field(min_length=1, max_length=550)
    clue: str = Field("", max_length=80)


class Story(Part):
    """A serial from beginning to end."""

    title: str = Field(min_length=1, max_length=30)
    blurb: str = Field("", max_length=200)
    chapter: tuple[Chapter, ...] = Field(min_length=1, max_length=100)


def load_stories(folder: Path, taboo: Sequence[str]) -> tuple[Mapping[str, Story], list[Problem]]:
    """Every serial of a folder by the name of its file, and what is wrong with them. No folder: no serials."""
    stories: dict[str, Story] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            story = check_model(Story, read_toml(path), str(path))
        except ConfigError as error:
            problems += error.problems
            continue
        stories[path.stem] = story
        problems += [
            Problem(str(path), f"chapter {number}", f"用了禁用词「{word}」")
            for number, chapter in enumerate(story.chapter, start=1)
            for word in taboo if any(word in part for part in (chapter.title, chapter.text, chapter.clue))
        ]  # fmt: skip
    return stories, problems
