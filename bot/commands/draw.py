"""`yuanzi draw`: recompute a draw from its published proof, or write the whole proof of one as a file."""

import argparse
import sys
from pathlib import Path

from bot.commands.fsck import add_database, database_of
from bot.draw_proof import proof_lines
from bot.errors import ConfigError, Problem
from bot.games.draw import verify
from storage.database import Database, StorageError, read_only
from storage.draws import Draws


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi draw`."""
    what = parser.add_subparsers(dest="what", metavar="做什么", required=True)
    checking = what.add_parser("verify", help="重算一份公布的证据，看结果对不对")
    checking.add_argument("file", type=Path, metavar="文件", help="「验奖」发出来的文字，存成文件；- 表示从标准输入读")
    writing = what.add_parser("proof", help="导出一个抽奖的整份证据（没开奖的不含秘密）")
    writing.add_argument("number", type=int, metavar="号", help="抽奖号")
    writing.add_argument("-o", "--out", type=Path, metavar="文件", help="写到文件；不写就打印")
    add_database(writing)


def run(args: argparse.Namespace) -> int:
    """0: the result is right; 1: it is not, or there is no such draw."""
    return _verify(args.file) if args.what == "verify" else _write(args)


def _verify(file: Path) -> int:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(str(file), "", f"读不了：{error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(file), "", "不是 UTF-8 编码", "用编辑器另存为 UTF-8")]) from error
    problems, proof = verify(text)
    if problems:
        sys.stderr.write(f"对不上，{len(problems)} 处：\n" + "".join(f"  {one}\n" for one in problems[:20]))
        return 1
    facts = proof.facts
    ended = "已作废" if facts["state"] == "void" else "结果正确"
    rows = [
        f"第 {facts['draw']} 号抽奖：{ended}。名单 {facts['count']} 行，中奖 {len(proof.wins)} 份，全部重算一致。",
        "请和群里公布过的对一对：",
        f"  开始时的承诺 {facts['commit']}",
        f"  截止时的名单 {facts['list']}",
        *(f"  {rule}" for rule in proof.rules),
    ]
    sys.stdout.write("\n".join(rows) + "\n")
    return 0


def _write(args: argparse.Namespace) -> int:
    path = database_of(args)
    conn = read_only(path)
    try:
        rows = Draws(Database(path, conn))
        draw = rows.get(args.number)
        if draw is None:
            raise StorageError(f"{path} 里没有第 {args.number} 号抽奖。")
        text = "\n".join(proof_lines(rows, draw)) + "\n"
    finally:
        conn.close()
    if args.out is None:
        sys.stdout.write(text)
        return 0
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"写不了 {args.out}：{error.strerror}") from error
    return 0
