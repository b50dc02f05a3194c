"""`yuanzi backup`: a copy of the database while the bot runs, proven before it is called a backup."""

import argparse
import os
import shutil
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.commands.fsck import add_database, database_of, tell_problems
from bot.world import RealWorld, World
from storage.database import StorageError, copy_to
from storage.fsck import check

ZONE = ZoneInfo("Asia/Shanghai")


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi backup`."""
    add_database(parser)
    parser.add_argument(
        "--to", required=True, metavar="文件或目录",
        help="备份写到哪里；给目录就自动起名，比如 yuanzi-20261202-115800.db",
    )  # fmt: skip
    parser.epilog = "运行中也可以备份，不用停。复制好先核对（同 fsck），核对通过才放到位，旧的同名备份到那时才被替换。"


def run(args: argparse.Namespace) -> int:
    """Copies and proves. 1 when that fails, 2 when the wish cannot be."""
    db = database_of(args)
    target = Path(args.to)
    if target.is_dir() or args.to.endswith(("/", os.sep)):
        target = dated(target, RealWorld())
    if target.resolve() == db.resolve():
        sys.stderr.write(f"--to {target} 就是数据库本身，换一个文件名\n")
        return 2
    return back_up(db, target)


def dated(directory: Path, world: World) -> Path:
    """A name in a directory that tells when the backup was made and is not taken."""
    stem = f"yuanzi-{world.now().astimezone(ZONE):%Y%m%d-%H%M%S}"
    names = (directory / f"{stem}{'' if number == 1 else f'-{number}'}.db" for number in range(1, 10_000))
    return next(name for name in names if not name.exists())


def back_up(db: Path, target: Path) -> int:
    """Copies `db` beside the target, proves the copy, and only then moves it into place. Raises StorageError."""
    unproven = target.with_name(f"{target.name}.unproven")
    try:
        copy_to(db, unproven)
        shutil.copymode(db, unproven)
        report = check(unproven)
        if report.is_clean:
            unproven.replace(target)
    except OSError as error:
        sweep(unproven)
        raise StorageError(f"写不了 {target}：{error.strerror}") from error
    except StorageError:
        sweep(unproven)
        raise
    if not report.is_clean:
        tell_problems(report, "复制好了，但核对没通过")
        sys.stderr.write(f"这份副本留作 {unproven}；{target} 没有动。\n")
        return 1
    size = target.stat().st_size / 1_000_000
    sys.stdout.write(
        f"已备份到 {target}（{size:.1f} MB），核对无误：{report.events} 件互动，{report.check_ins} 次签到\n"
    )
    return 0


def sweep(unfinished: Path) -> None:
    """Removes a copy that did not get done, and what SQLite left beside it."""
    for end in ("", ".part", ".part-journal"):
        unfinished.with_name(unfinished.name + end).unlink(missing_ok=True)
