"""`yuanzi faq answer` and `yuanzi faq evaluate`: the FAQ engine as a filter, and how good it is."""

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

from bot.commands.faq_book import bring_in, hand_out
from bot.errors import ConfigError, Problem
from bot.faq.engine import Engine
from bot.faq.files import Book, read_book, read_questions
from bot.faq.measure import evaluate, noisy, report

MAX_LINE = 4 * 1024 * 1024
"""Bytes of one input line; a longer one is refused whole."""


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi faq`."""
    parser.add_argument(
        "what", choices=("answer", "evaluate", "import", "export"), metavar="answer|evaluate|import|export",
        help='answer：标准输入每行 {"q":"…"}，每行回 {"results":[{"id","score"}]}；evaluate：测一遍有多准；'
        "import：把表格导入人设；export：导出写的和教的问答",
    )  # fmt: skip
    parser.add_argument("file", type=Path, nargs="?", metavar="表格", help="import、export 用：.csv、.xlsx 或 .toml")
    parser.add_argument(
        "--kb", type=Path, metavar="文件", help="answer、evaluate 用的知识库：一行一条 id、question、similar、keywords"
    )
    parser.add_argument(
        "--queries",
        type=Path,
        metavar="文件",
        action="append",
        help="evaluate 用：一行一个 q 和它的 id，不该答的没有 id；可以写几次",
    )
    parser.add_argument("--most", type=_few, default=5, metavar="个", help="最多给几个答案，默认 5")
    parser.add_argument("--noise", action="store_true", help="evaluate：再用 17 种改错的写法测一遍")
    parser.add_argument("--json", action="store_true", help="evaluate：打印一行 JSON")
    parser.add_argument("--skip-bad", action="store_true", help="import：跳过写错的行，其余照样导入")
    parser.add_argument("--replace", action="store_true", help="import：换掉上次导入的同名文件")
    parser.add_argument("--name", default="", metavar="文件名", help="import：存成什么文件名，默认和表格一样")
    parser.add_argument("--db", type=Path, metavar="文件", help="export：连同这个库里教的；默认 config.toml 里的库")
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")


def _few(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 50:
        raise argparse.ArgumentTypeError(f"「{text}」不行，写 1 到 50")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Answers or evaluates. A knowledge base with mistakes names every row: exit 2."""
    if args.what in ("import", "export"):
        return bring_in(args) if args.what == "import" else hand_out(args)
    if args.kb is None:
        raise ConfigError([Problem("--kb", "", "要写用哪个知识库", "--kb kb.jsonl")])
    if args.what == "evaluate" and not args.queries:
        raise ConfigError([Problem("--queries", "", "evaluate 要知道拿什么问", "--queries queries.jsonl")])
    book = read_book(args.kb)
    if args.what == "evaluate":
        return _evaluate(book, args)
    engine = Engine.build(book.entries)
    answer(engine, book, args.most, sys.stdin.buffer, sys.stdout.buffer)
    return 0


def _evaluate(book: Book, args: argparse.Namespace) -> int:
    asked = [one for path in args.queries for one in read_questions(path, book.ids)]
    began = perf_counter()
    engine = Engine.build(book.entries)
    built = perf_counter() - began
    engine.search(asked[0].text)
    judged, seconds = evaluate(engine, asked)
    figures = {"entries": len(book.entries), "build_s": round(built, 3), **report(judged, seconds)}
    if args.noise:
        shares = noisy(engine, asked)
        figures["noisy_top1"] = round(sum(shares.values()) / len(shares), 1)
        figures["noisy"] = shares
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n" if args.json else _in_words(figures))
    return 0


def _in_words(of: dict[str, Any]) -> str:
    lines = [
        f"{of['entries']} 条知识，{of['questions']} 个问题，{of['chat']} 句闲聊，{of['offtopic']} 个库外问题",
        f"第一个就对 {of['top1']}%，前三里有 {of['top3']}%，MRR {of['mrr']}",
        f"闲聊误答 1% 时答对 {of['r_at_f1']}%",
        f"答出的 95% 都对时，群里答对 {of['r_at_p95']}%，被点名时答对 {of['mr_at_p95']}%",
        f"分数线 {of['threshold_p95']} 时，每千句闲聊误答 {of['false_per_1000_chat']} 句",
        f"每秒 {of['queries_per_s']} 问，建库 {of['build_s']} 秒",
    ]
    if "noisy" in of:
        lines.append(
            f"17 种错写法平均 {of['noisy_top1']}%："
            + "，".join(f"{name} {share}" for name, share in of["noisy"].items())
        )
    return "\n".join(lines) + "\n"


def answer(engine: Engine, book: Book, most: int, lines: BinaryIO, out: BinaryIO) -> None:
    """One line out for every line in, at once: whoever waits at the other end of a pipe is not kept waiting."""
    number = 0
    while line := lines.readline(MAX_LINE + 1):
        number += 1
        too_long = len(line) > MAX_LINE
        while too_long and not line.endswith(b"\n") and line:
            line = lines.readline(MAX_LINE)
        if too_long or line.strip():
            said = (
                {"error": f"line {number}: longer than {MAX_LINE} bytes"}
                if too_long
                else one(engine, book, most, number, line)
            )
            out.write(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            out.flush()


def one(engine: Engine, book: Book, most: int, number: int, line: bytes) -> dict[str, Any]:
    """The answer to one line, or what is wrong with it."""
    try:
        data = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return {"error": f"line {number}: not JSON: {error}"[:200]}
    text = data.get("q") if isinstance(data, dict) else None
    if not isinstance(text, str):
        return {"error": f'line {number}: write {{"q": "..."}}'}
    return {"results": [{"id": book.ids[hit.id], "score": hit.score} for hit in engine.search(text, most)]}
