"""`yuanzi check`: every problem of settings, persona, phrases, FAQ and scripts at once."""

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path

from bot.app import switchboard_for
from bot.config import Config, build_config, load_config, read_toml
from bot.content import Content, load_content
from bot.errors import ConfigError, Problem
from bot.scripts import is_announced
from bot.world import RealWorld

AHEAD = timedelta(days=183)
"""How far the calendar is looked ahead: the next year is announced in autumn."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi check`."""
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Says what was read. Problems of all files are raised together as one ConfigError: exit 2."""
    problems: list[Problem] = []
    try:
        config = load_config(args.config)
    except ConfigError as error:
        # Content is proven all the same, against as much of the settings as can be used: everything comes at once.
        problems += error.problems
        config = _usable_part(args.config or Path("config.toml"))
    problems += _channel_problems(config)
    content: Content | None = None
    try:
        content = load_content(config, switchboard_for(config).phrases)
    except ConfigError as error:
        problems += error.problems
    if problems or content is None:
        raise ConfigError(problems)
    rows = [f"设置 {config.file}：{len(config.named_groups)} 个群，{len(config.staff)} 位员工", *content.summary()]
    rows += calendar_warnings(config, content, RealWorld().now().date())
    sys.stdout.write("没有问题。\n" + "".join(f"  {row}\n" for row in rows))
    return 0


def calendar_warnings(config: Config, content: Content, today: date) -> list[str]:
    """What posts of the next half year cannot know yet: holidays and make-up workdays that nobody has announced."""
    settings = [config.group(None), *(config.group(name) for name in config.named_groups)]
    playing = {script for one in settings for script in one.scripts}
    asking = [
        beat
        for script, beats in content.scripts.items()
        for beat in beats
        if beat.trigger is not None and beat.trigger.on and (script in playing or beat.groups)
    ]
    years = sorted({today.year, (today + AHEAD).year})
    return [
        f"提醒：{year} 年的放假调休还没收录，「{beat.title}」（{beat.id}）先按法定节日和周末算，没有调休上班；"
        "公布以后升级 holidays"
        for year in years if not is_announced(year)
        for beat in asking
    ]  # fmt: skip


def _usable_part(path: Path) -> Config:
    """The `bot` table of broken settings when it is sound, else the defaults."""
    try:
        return build_config({"bot": read_toml(path).get("bot", {})}, str(path))
    except ConfigError:
        return build_config({}, str(path))


def _channel_problems(config: Config) -> list[Problem]:
    """What the channels say of their own settings. Their code is heavy and only loaded where they are used."""
    if not (config.settings.channels or config.settings.wechaty or config.settings.wecom):
        return []
    from bot.wiring import channel_problems  # noqa: PLC0415

    return channel_problems(config)
