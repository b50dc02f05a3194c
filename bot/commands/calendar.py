"""`yuanzi calendar export` and `yuanzi calendar import FILE [--write]`: the calendar as a spreadsheet, both ways."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.calendarsheet import COLUMNS, read, rows_of
from bot.commands.check import add_standing
from bot.config import Config, load_config, read_toml
from bot.context import zone_of
from bot.errors import ConfigError, Problem
from bot.own_beats import as_script, own_beats
from bot.scripts import BUILT_IN, OWN, OWN_TITLE, Beat, beats_from
from bot.scripts.as_toml import as_toml
from bot.sheets import write_sheet
from bot.standing import standing_of
from bot.world import RealWorld, from_ms, to_ms
from storage.standing import Standing

SCRIPTS = "脚本"


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi calendar`."""
    parser.add_argument("what", choices=("export", "import"), metavar="export|import", help="导出，还是导入")
    parser.add_argument("file", type=Path, nargs="?", metavar="文件", help="导入：要读的 .xlsx 或 .csv")
    parser.add_argument("--format", choices=("xlsx", "csv"), default="xlsx", metavar="格式", help="导出成 xlsx 或 csv")
    parser.add_argument("--out", type=Path, metavar="文件", help="导出到哪里，默认 calendar.xlsx 或 calendar.csv")
    parser.add_argument("--script", action="append", metavar="名字", help="只导出这些脚本，可写几次；默认全部")
    parser.add_argument("--write", action="store_true", help="导入：真的写进 bot.scripts；不加只说会改什么")
    add_standing(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def run(args: argparse.Namespace) -> int:
    """Exports or imports. Every problem comes at once, with its row: exit 2."""
    config = load_config(args.config)
    if args.what == "export":
        return _export(args, config)
    if args.file is None:
        raise ConfigError([Problem("calendar import", "", "没写要读哪个文件", "yuanzi calendar import 日历.xlsx")])
    return _import(args, config)


def _folder(config: Config) -> Path | None:
    return Path(config.settings.bot.scripts) if config.settings.bot.scripts else None


def _files(config: Config) -> dict[str, Path]:
    """The script files that are in force, by name."""
    files = {path.stem: path for path in sorted(BUILT_IN.glob("*.toml"))}
    folder = _folder(config)
    if folder is not None:
        files |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    return files


def _export(args: argparse.Namespace, config: Config) -> int:
    files = _files(config)
    standing = standing_of(config, args.db)
    known = [*files, *([OWN] if standing.own else [])]
    unknown = [one for one in args.script or () if one not in known]
    if unknown:
        raise ConfigError([Problem("--script", one, "没有这个脚本", f"有：{'、'.join(known)}") for one in unknown])
    asked = args.script or known
    scripts = {name: read_toml(path) for name, path in files.items() if name in asked}
    for name, data in scripts.items():
        beats_from(name, data, files[name])  # what does not hold is not handed on
    if OWN in asked and standing.own:
        _, problems = own_beats(standing.beats)
        if problems:
            raise ConfigError(problems)
        scripts[OWN] = as_script(standing.beats)
    target: Path = args.out or Path(f"calendar.{args.format}")
    if target.suffix.lower() != f".{args.format}":
        target = target.with_name(f"{target.name}.{args.format}")
    count = write_sheet(target, "日历", list(COLUMNS), rows_of(scripts))
    sys.stdout.write(f"已导出 {len(scripts)} 份脚本，{count} 拍，到 {target}。\n")
    if OWN in scripts:
        sys.stdout.write(
            f"其中聊天里建的活动 {len(standing.own)} 个（脚本 {OWN}），来自数据库 {standing.path}（只读）。\n"
        )
    for line in _stopped(config, standing):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"改完：yuanzi calendar import {target}\n")
    return 0


def _stopped(config: Config, standing: Standing) -> Iterator[str]:
    """What the rows cannot say: who stopped what, for which group; settings of groups that were changed by chat."""
    now = to_ms(RealWorld().now())
    config.lay(standing.changes)  # for their names and zones

    def where(group: str) -> str:
        return config.group(group).name or standing.groups.get(group) or group or "一对一"

    for beat, group, *_ in standing.pauses:
        yield f"暂停中：{beat}（{where(group)}）"
    for beat, group, due, *_ in standing.skips:
        if due > now:
            local = from_ms(due).astimezone(zone_of(config.group(group)))
            yield f"跳过：{beat}（{where(group)}）{local:%m-%d %H:%M} 那次"
    for group, changes in standing.changes.items():
        yield f"群里改过的设置：{where(group)} {'、'.join(changes)}（不在表里，用「设置」看）"


def _without_own(path: Path, scripts: dict[str, dict[str, Any]], standing: Standing) -> None:
    """Campaigns made by chat go out with the others and stay as they are: they stand in the database. Raises
    ConfigError when the sheet changed them."""
    ours = {str(beat["id"]): beat for beat in scripts.pop(OWN, {}).get("beat", ())}
    folder = path.with_name(f"{OWN}.toml")
    before = {one.id: one for one in own_beats(standing.beats)[0]}
    problems = []
    for name, data in ours.items():
        (after,) = beats_from(OWN, {"title": OWN_TITLE, "beat": [data]}, folder)
        if replace(after, file=None) != _without_file(before.get(after.id)):
            hint = "发「删活动」「新活动」改它；想放进文件，把这一行的「脚本」换个名字，再「删活动」"
            problems.append(Problem(str(path), f"{SCRIPTS}「{OWN}」{name}", "聊天里建的活动不能用表格改", hint))
    if problems:
        raise ConfigError(problems)
    if ours:
        sys.stdout.write(f"聊天里建的活动 {len(ours)} 个和数据库里的一样，不用导入。\n")


def _without_file(beat: Beat | None) -> Beat | None:
    return replace(beat, file=None) if beat is not None else None


def _import(args: argparse.Namespace, config: Config) -> int:
    path, write_it = args.file, args.write
    folder, files = _folder(config), _files(config)
    if folder is None:
        hint = '在 config.toml 的 [bot] 里写 scripts = "scripts"，建好这个目录'
        raise ConfigError([Problem(config.file, "bot.scripts", "没有自己的脚本目录，导入的不知道写到哪里", hint)])
    if not folder.is_dir():
        raise ConfigError([Problem(config.file, "bot.scripts", f"找不到目录 {folder}", "先建好它")])
    scripts = read(path)
    if OWN in scripts:
        _without_own(path, scripts, standing_of(config, args.db))
    problems: list[Problem] = []
    changed: dict[str, Mapping[str, Any]] = {}
    for name, data in scripts.items():
        # A picture stands beside its script: proven where the file will be, once more before anything is written.
        try:
            beats = beats_from(name, data, folder / f"{name}.toml")
        except ConfigError as error:
            where = f"{SCRIPTS}「{name}」"
            problems += [Problem(str(path), where + one.key, one.reason, one.hint) for one in error.problems]
            continue
        before = beats_from(name, read_toml(files[name]), folder / f"{name}.toml") if name in files else []
        if beats != before:
            changed[name] = data
            sys.stdout.write(_difference(name, {one.id: one for one in before}, {one.id: one for one in beats}))
    if problems:
        raise ConfigError(problems)
    if not changed:
        sys.stdout.write("和现在的一样，没有要改的。\n")
        return 0
    if not write_it:
        sys.stdout.write("这只是看看，什么也没写。要写就加 --write（会重写这些文件，文件里的注释不保留）。\n")
        return 0
    for name, fresh in changed.items():
        _replace(folder / f"{name}.toml", as_toml(fresh))
    sys.stdout.write(f"已写好 {len(changed)} 份到 {folder}。先跑 yuanzi check，再在群里发「重载」。\n")
    return 0


def _difference(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    lines = [f"+ {one}「{after[one].title}」\n" for one in after if one not in before]
    lines += [f"~ {one}「{after[one].title}」\n" for one in after if one in before and before[one] != after[one]]
    lines += [f"- {one}「{before[one].title}」\n" for one in before if one not in after]
    return f"{SCRIPTS}「{name}」：\n{''.join(lines) or '  次序变了' + chr(10)}"


def _replace(target: Path, text: str) -> None:
    """Writes a file whole or not at all. Raises ConfigError."""
    fresh = target.with_suffix(".toml.part")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigError([Problem(str(target), "", f"写不了：{error.strerror}")]) from error
