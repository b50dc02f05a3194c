"""`yuanzi check`: every problem of settings, persona, phrases, FAQ and scripts at once, and what the lint says."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from bot.app import switchboard_for
from bot.config import Config, build_config, load_config, read_toml
from bot.content import Content, load_content
from bot.errors import ConfigError, Problem
from bot.lint import Finding, lint
from bot.lint.report import data, rows
from bot.scripts import is_announced
from bot.standing import lay_on, standing_of, told
from bot.world import RealWorld

AHEAD = timedelta(days=183)
"""How far the calendar is looked ahead: the next year is announced in autumn."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi check`."""
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    add_standing(parser)
    parser.add_argument("--strict", action="store_true", help="有提醒也算没通过（退出码 1）")
    parser.add_argument("--json", action="store_true", help="结果写成一个 JSON，给别的程序读")


def add_standing(parser: argparse.ArgumentParser) -> None:
    """The option that names the database of the running bot, for commands that only look into it."""
    text = "群里建的活动、暂停、跳过和改过的设置从哪个数据库看（只读）；不写就用设置里的，还没有也行"
    parser.add_argument("--db", type=Path, metavar="文件", help=text)


def run(args: argparse.Namespace) -> int:
    """Says what was read and what the lint finds in it. Problems of all files are raised together as one ConfigError:
    exit 2, as for what the lint calls an error; 1 for its warnings where `--strict` asks for it."""
    now = RealWorld().now()
    try:
        config, content = _read(args.config)
        standing = standing_of(config, args.db)
        content = lay_on(config, content, standing, now)
    except ConfigError as error:
        if not args.json:
            raise
        listed = [
            {"rule": "read", "severity": "error", "file": one.file, "line": 0, "key": one.key, "what": one.reason,
             "why": "读不懂就不能用", "fix": one.hint}
            for one in error.problems
        ]  # fmt: skip
        _write_json(listed, [])
        return 2
    findings = lint(config, content, now, standing)
    live = [line] if (line := told(standing, now)) else []
    read = [
        f"设置 {config.file}：{len(config.named_groups)} 个群，{len(config.staff)} 位员工",
        *content.summary(),
        *live,
    ]
    read += calendar_warnings(config, content, now.date())
    errors = sum(one.severity == "error" for one in findings)
    if args.json:
        _write_json(data(findings), read)
    else:
        _write(findings, errors, read, live)
    return 2 if errors else 1 if findings and args.strict else 0


def _read(path: Path | None) -> tuple[Config, Content]:
    """Settings and content. Raises ConfigError with the problems of both."""
    problems: list[Problem] = []
    try:
        config = load_config(path)
    except ConfigError as error:
        # Content is proven all the same, against as much of the settings as can be used: everything comes at once.
        problems += error.problems
        config = _usable_part(path or Path("config.toml"))
    problems += _channel_problems(config)
    content: Content | None = None
    try:
        content = load_content(config, switchboard_for(config).phrases)
    except ConfigError as error:
        problems += error.problems
    if problems or content is None:
        raise ConfigError(problems)
    return config, content


def _write(findings: Sequence[Finding], errors: int, read: Sequence[str], live: Sequence[str]) -> None:
    listed = "".join(f"  {row}\n" for row in rows(findings))
    if errors:
        warnings = f"，另有 {len(findings) - errors} 处提醒" if len(findings) > errors else ""
        sys.stderr.write(f"有 {errors} 处要改{warnings}：\n{listed}" + "".join(f"{line}。\n" for line in live))
        return
    sys.stdout.write("没有问题。\n" + "".join(f"  {row}\n" for row in read))
    if findings:
        sys.stdout.write(
            f'提醒 {len(findings)} 处，不影响运行；有意这样就在那一拍写 lint_off = {{ 规则 = "理由" }}：\n{listed}'
        )


def _write_json(findings: Sequence[object], read: Sequence[str]) -> None:
    text = json.dumps({"findings": findings, "read": read}, ensure_ascii=False, indent=1)
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


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
