"""`yuanzi export`: tables for people, streamed from a database that may be in use."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from bot.commands.fsck import add_database
from bot.config import load_config
from storage.database import StorageError
from storage.export import EXPORTS, Reader, write_csv, write_jsonl, write_xlsx

WRONG = 2
FORMATS = ("jsonl", "csv", "xlsx")
NAMES = {
    "members": "成员",
    "interactions": "互动",
    "check-ins": "签到",
    "ledger": "流水",
    "outbox": "发件箱",
    "signups": "报名",
    "draws": "抽奖",
    "entrants": "抽奖名单",
    "winners": "中奖",
    "prizes": "奖品发放",
    "redemptions": "兑换",
    "exposure": "触达",
    "tags": "标签",
    "orders": "订单",
    "stages": "阶段",
    "audit": "审计",
    "faq": "教的问答",
    "unanswered": "没答上的问题",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi export`."""
    parser.add_argument(
        "what", choices=tuple(EXPORTS), metavar="内容", help="，".join(f"{key} {name}" for key, name in NAMES.items())
    )
    add_database(parser)
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml；群名从这里来")
    parser.add_argument(
        "--format", choices=FORMATS,
        help="jsonl：一行一个 JSON，键是英文；csv、xlsx：中文表头，Excel 直接打开。"
        "不写就看 --out 的后缀，都没有就是 jsonl",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="文件", help="写到文件（写完才替换旧的）；不写就是标准输出")
    parser.add_argument(
        "--zone", type=a_zone, default="Asia/Shanghai", metavar="时区", help="时间按哪个时区写，默认 %(default)s"
    )
    parser.epilog = (
        "csv 和 xlsx 里以 = + - @（含全角）或制表符、换行开头的文字，前面加一个单引号 '，Excel 就只当文字、不当公式算；"
        "控制字符去掉。要一字不差的原文，用 jsonl。"
    )


def a_zone(name: str) -> tzinfo:
    """A zone by its name, for argparse."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"「{name}」不是时区，应写成 Asia/Shanghai 这样") from None


def run(args: argparse.Namespace) -> int:
    """Writes one table. 1 when the database or the file fails, 2 when the wish cannot be."""
    config = load_config(args.config)
    db = args.db or Path(config.settings.storage.path)
    form = args.format or _by_suffix(args.out)
    refusal = _refusal(form, args.out, db)
    if refusal:
        sys.stderr.write(f"{refusal}\n")
        return WRONG
    groups = {name: config.group(name).name for name in config.named_groups}
    reader = Reader(db, args.what, zone=args.zone, groups=groups)
    try:
        if args.out is None:
            _print(reader, form)
        elif form == "xlsx":
            count = replace(args.out, lambda part: write_xlsx(reader, part, title=NAMES[args.what]))
            sys.stderr.write(f"{args.out}：{count} 行\n")
        else:
            count = replace(args.out, lambda part: _to_file(reader, form, part))
            sys.stderr.write(f"{args.out}：{count} 行\n")
    finally:
        reader.close()
    return 0


def _by_suffix(out: Path | None) -> str:
    suffix = out.suffix.lower().lstrip(".") if out else ""
    return suffix if suffix in FORMATS else "jsonl"


def _refusal(form: str, out: Path | None, db: Path) -> str:
    if out is None:
        return "xlsx 不能写到标准输出，加上 --out 文件.xlsx" if form == "xlsx" else ""
    if out.is_dir():
        return f"--out {out} 是目录，写成文件名，比如 {out / f'导出.{form}'}"
    if not out.absolute().parent.is_dir():
        return f"--out 的目录 {out.absolute().parent} 不存在，先建好"
    real = db.resolve()
    if out.resolve() in {real.with_name(real.name + end) for end in ("", "-wal", "-shm")}:
        return f"--out {out} 就是数据库本身，换一个文件名"
    return ""


def _to_file(reader: Reader, form: str, part: Path) -> int:
    with part.open("wb") as out:
        return _write(reader, form, out, to_file=True)


def _print(reader: Reader, form: str) -> None:
    try:
        _write(reader, form, sys.stdout.buffer, to_file=False)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What is still buffered would fail once more when the interpreter ends, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise StorageError(f"写不了标准输出：{error.strerror}") from error


def _write(reader: Reader, form: str, out: BinaryIO, *, to_file: bool) -> int:
    return write_csv(reader, out, mark=to_file) if form == "csv" else write_jsonl(reader, out)


def replace(out: Path, write: Callable[[Path], int]) -> int:
    """Writes beside the file and moves it into place, so that nobody ever sees half of it."""
    part = out.with_name(f"{out.name}.part")
    try:
        count = write(part)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        if out.exists():
            shutil.copymode(out, part)
        part.replace(out)
    except OSError as error:
        raise StorageError(f"写不了 {out}：{error.strerror}。检查磁盘空间和目录权限。") from error
    finally:
        part.unlink(missing_ok=True)
    return count
