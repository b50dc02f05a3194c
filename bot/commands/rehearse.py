"""`yuanzi rehearse`: a week of the real configuration in seconds, and what an operator should change before it."""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from bot.commands.check import add_standing
from bot.config import DEFAULT_GROUP, Config, build_config, merged, nearest, read_toml, shipped
from bot.errors import ConfigError, Problem
from bot.rehearsal.page import page_of
from bot.rehearsal.plan import WARM_DAYS, Plan
from bot.rehearsal.posts import Row
from bot.rehearsal.report import Report
from bot.rehearsal.stagehand import rehearse
from bot.settings.kinds import parse_clock, parse_span
from bot.standing import standing_of, told
from bot.world import RealWorld
from storage.standing import Standing

SHOWN = 5
"""Problems named in the terminal; the page has all."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi rehearse`."""
    parser.add_argument("--from", dest="first", type=_date, metavar="日期", help="从哪天起，默认下周一")
    parser.add_argument("--days", type=_between(1, 92), default=7, metavar="天", help="几天，默认 7")
    parser.add_argument("--members", type=_between(1, 500), default=200, metavar="人", help="每个群多少人，默认 200")
    parser.add_argument("--seed", type=int, default=1, metavar="数", help="运气：同一个数，每次一模一样")
    parser.add_argument("--groups", nargs="+", metavar="群", help="只排这些群（群 id），默认全部")
    parser.add_argument(
        "--outage",
        type=_outage,
        default="",
        metavar="何时",
        help="停机：「2026-12-10 11:50 2h」，「没有」就不停；不写就停在中间",
    )
    parser.add_argument(
        "--warm-up", type=_between(0, 60), default=WARM_DAYS, metavar="天", help="开始前先默默发几天，默认 14"
    )
    parser.add_argument(
        "--acts", type=_between(0, 5_000_000), default=60_000, metavar="次", help="群友最多演多少次，多了就抽样"
    )
    add_standing(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument("--out", type=Path, required=True, metavar="目录", help="report.html 和 report.json 写到这里")
    parser.epilog = "退出码：0 没有破规矩，1 有（预算、限额、不促销、撞车……），2 用法或设置有误。真实的数据库只读不写。"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"「{text}」不是日期，写成 2026-12-07") from None


def _between(least: int, most: int) -> Any:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"「{text}」不行，写 {least} 到 {most} 的整数")
        return int(text)

    return read


def _outage(text: str) -> tuple[datetime, timedelta] | str | None:
    """`2026-12-10 11:50 2h`; None for 没有, and an empty text for wherever it hurts."""
    if not text:
        return ""
    if text in ("没有", "none", "0"):
        return None
    parts = text.replace("T", " ").split()
    try:
        day, clock, span = parts
        minute = parse_clock(clock)
        return datetime.fromisoformat(day) + timedelta(minutes=minute), parse_span(span)
    except ValueError:
        raise argparse.ArgumentTypeError(f"「{text}」没看懂，写成「2026-12-10 11:50 2h」，或「没有」") from None


def run(args: argparse.Namespace) -> int:
    """Rehearses and writes both reports; 1 when a rule is broken."""
    began = perf_counter()
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    config, standing = _config(args)
    plan = _plan(args, config, _groups(args, config, standing))
    standing = _named(config, standing, plan)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError([Problem(str(args.out), "--out", f"写不进这个目录：{error.strerror}")]) from error
    with tempfile.TemporaryDirectory(prefix="yuanzi-rehearsal-") as folder:
        report = asyncio.run(rehearse(plan, config, Path(folder), standing))
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (args.out / "report.json").write_text(text + "\n", encoding="utf-8")
    page = args.out / "report.html"
    page.write_text(page_of(report), encoding="utf-8")
    _tell(report, page, perf_counter() - began, told(standing, plan.opens))
    return 0 if report["summary"]["ok"] else 1


def _config(args: argparse.Namespace) -> tuple[Config, Standing]:
    """The real settings with the luck of this rehearsal, and only the groups that were asked for; what staff of the
    running bot decided by chat."""
    path = args.config or (Path("config.toml") if Path("config.toml").is_file() else shipped("config.toml"))
    data = merged(read_toml(path), {"bot": {"seed": f"rehearsal {args.seed}"}})
    whole = build_config(data, str(path))
    standing = standing_of(whole, args.db)
    if not args.groups:
        return whole, standing
    known = [*whole.named_groups, *standing.groups]
    problems = []
    for name in args.groups:
        if name not in known:
            close = nearest(name, known)
            hint = f"是不是 {close[0]}？" if close else "写 config.toml 里 [groups.…] 的那个 id"
            problems.append(Problem(str(path), f"groups.{name}", "没有这个群", hint))
    if problems:
        raise ConfigError(problems)
    groups = data.get("groups", {})
    data = {**data, "groups": {name: groups[name] for name in (DEFAULT_GROUP, *args.groups) if name in groups}}
    return build_config(data, str(path)), standing


def _groups(args: argparse.Namespace, config: Config, standing: Standing) -> tuple[str, ...]:
    """The groups of the file, and those that hear something through what was decided by chat."""
    if args.groups:
        return tuple(dict.fromkeys(args.groups))
    addressed = [str(group) for _, _, beat in standing.beats for group in beat.get("groups", ())]
    others = [*standing.changes, *addressed, *(standing.groups if config.group(None).scripts else ())]
    return tuple(dict.fromkeys([*config.named_groups, *others]))


def _named(config: Config, standing: Standing, plan: Plan) -> Standing:
    """With the names of groups that no file names, so that the report calls them as operators do."""
    names = {
        group: {"name": standing.groups[group], **standing.changes.get(group, {})}
        for group in plan.groups if standing.groups.get(group) and not config.group(group).name
    }  # fmt: skip
    return replace(standing, changes={**standing.changes, **names})


def _plan(args: argparse.Namespace, config: Config, groups: tuple[str, ...]) -> Plan:
    zone = ZoneInfo(config.group(None).zone)
    if not groups:
        raise ConfigError([Problem(config.file, "groups", "一个群也没有", '写一段 [groups."群 id"]，再彩排')])
    today = RealWorld().now().astimezone(zone).date()
    first = args.first or today + timedelta(days=7 - today.weekday())
    outage = None
    if isinstance(args.outage, tuple):
        start = args.outage[0].replace(tzinfo=zone)
        outage = (start, start + args.outage[1])
    plan = Plan(
        first=first, days=args.days, groups=groups, zone=zone, members=args.members, seed=args.seed,
        warm_days=args.warm_up, acts=args.acts, outage=outage, has_outage=args.outage is not None,
    )  # fmt: skip
    if outage and not (plan.opens <= outage[0] and outage[1] <= plan.closes):
        raise ConfigError([Problem("--outage", "", f"停机要在 {plan.opens:%m-%d} 到 {plan.closes:%m-%d} 之间")])
    return plan


def _tell(report: Report, page: Path, seconds: float, live: str) -> None:
    plan, summary = report["rehearsal"], report["summary"]
    size = f"{len(plan['groups'])} 个群，每群 {plan['members']} 人"
    sys.stdout.write(f"彩排 {plan['from']} 起 {plan['days']} 天，{size}，用了 {seconds:.1f} 秒。\n")
    if live:
        sys.stdout.write(f"{live}。\n")
    sys.stdout.write(f"{summary['line']}。\n")
    for one in report["problems"][:SHOWN]:
        where = "；".join(_row(row) for row in one["rows"])
        sys.stdout.write(f"  {'×' if one['broken'] else '·'} {one['name']}：{one['title']}。{one['reason']}\n")
        sys.stdout.write(f"      改：{one['fix']}{f'（{where}）' if where else ''}\n")
    if len(report["problems"]) > SHOWN:
        sys.stdout.write(f"  ……还有 {len(report['problems']) - SHOWN} 个\n")
    if report["outage"]:
        sys.stdout.write(f"  中间停机一次，{report['outage']['swallowed']} 条没发成（故意安排的，看看停机会怎样）\n")
    sys.stdout.write(f"打开看：{page}\n")


def _row(row: Report) -> str:
    return str(Row(row["file"], row["line"], row["what"]))
