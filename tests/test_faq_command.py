"""`yuanzi faq answer` as a filter and `yuanzi faq evaluate`; knowledge bases with mistakes."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.commands.faq import MAX_LINE, answer
from bot.errors import ConfigError
from bot.faq.engine import Engine
from bot.faq.files import read_book, read_questions

BOOK = [
    {"id": "refund", "question": "怎么退款", "similar": ["退钱"], "keywords": ["退款"]},
    {"id": 7, "question": "怎么开发票"},
    {"id": "hours", "question": None, "similar": ["几点开门"]},
]


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    return write(tmp_path / "kb.jsonl", BOOK)


def answers(kb: Path, lines: bytes) -> list[dict[str, Any]]:
    book = read_book(kb)
    out = io.BytesIO()
    answer(Engine.build(book.entries), book, 5, io.BytesIO(lines), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_line_gets_ranked_results_and_ids_as_they_were_written(kb: Path) -> None:
    first, second, none = answers(kb, '{"q":"我要退款"}\n{"q":"发票怎么开"}\n{"q":"😀"}\n'.encode())
    assert first["results"][0]["id"] == "refund"
    assert second["results"][0]["id"] == 7
    scores = [one["score"] for one in second["results"]]
    assert scores == sorted(scores, reverse=True)
    assert none == {"results": []}


def test_a_bad_line_is_named_and_the_next_one_answered(kb: Path) -> None:
    lines = [
        b"nonsense",
        b"[]",
        b'{"q": 3}',
        b'{"q":"\\ud800\xff"}',
        b"",
        b"[" * 100_000,
        b"x" * (MAX_LINE + 5),
        '{"q":"退款"}'.encode(),
    ]
    out = answers(kb, b"\n".join(lines))
    errors = [one.get("error", "") for one in out]
    assert [error.split(":")[0] for error in errors] == ["line 1", "line 2", "line 3", "", "line 6", "line 7", ""]
    assert out[-1]["results"][0]["id"] == "refund"


def test_an_answer_comes_before_the_next_question_is_asked(kb: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "faq", "answer", "--kb", str(kb)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for text in ("退款", "发票"):
            child.stdin.write(json.dumps({"q": text}).encode() + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["results"]
        child.stdin.close()
    assert child.returncode == 0


def test_a_book_with_mistakes_names_every_row_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"id": "a", "question": "好的"}, "not json", {"question": "没有编号"}, {"id": "a", "question": "重复"}, {"id": "b", "similar": "一句"},
        {"id": "c"}, {"id": True, "question": "真"}, {"id": "d", "question": 5}, [1], {"id": "e", "question": "x" * 3000},
    ]  # fmt: skip
    assert main(["faq", "answer", "--kb", str(write(tmp_path / "kb.jsonl", rows))]) == 2
    said = capsys.readouterr().err
    assert "有 9 处要改" in said
    for row in range(2, 11):
        assert f"第 {row} 行" in said


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_or_missing_book_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kb.jsonl"
    with pytest.raises(ConfigError, match="打不开"):
        read_book(path)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="一条也没有"):
        read_book(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "kb.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(BOOK[0]).encode())
    assert [entry.id for entry in read_book(path).entries] == ["refund"]


def test_questions_must_name_entries_that_exist(tmp_path: Path, kb: Path) -> None:
    path = write(
        tmp_path / "q.jsonl",
        [
            {"q": "退款", "id": "refund"},
            {"q": "哈", "id": None},
            {"q": "开票", "id": 7},
            {"q": 1},
            {"q": "a", "id": "no"},
        ],
    )
    with pytest.raises(ConfigError) as wrong:
        read_questions(path, read_book(kb).ids)
    assert [problem.key for problem in wrong.value.problems] == ["第 4 行", "第 5 行"]
    assert (
        len(
            read_questions(
                write(path, [{"q": "退款", "id": "refund"}, {"q": "哈"}, {"q": "开票", "id": 7}]), read_book(kb).ids
            )
        )
        == 3
    )


def test_evaluating_prints_figures_for_people_and_for_machines(
    kb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = write(
        tmp_path / "q.jsonl",
        [{"q": "我要退款", "id": "refund"}, {"q": "发票咋开", "id": 7}, {"q": "今晚吃啥", "id": None, "kind": "chat"}],
    )
    assert main(["faq", "evaluate", "--kb", str(kb), "--queries", str(asked), "--noise", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["entries"], figures["questions"], figures["chat"], figures["top1"]) == (3, 2, 1, 100.0)
    assert len(figures["noisy"]) == 17
    assert main(["faq", "evaluate", "--kb", str(kb), "--queries", str(asked)]) == 0
    assert "第一个就对 100.0%" in capsys.readouterr().out


def test_evaluating_needs_questions(kb: Path) -> None:
    assert main(["faq", "evaluate", "--kb", str(kb)]) == 2
