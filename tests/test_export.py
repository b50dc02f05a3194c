"""`yuanzi export`: tables that people and their spreadsheets can open."""

import contextlib
import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from bot.__main__ import main
from storage.database import Database
from storage.export import EXPORTS, Reader, TooManyRowsError, harmless, write_xlsx
from tests.test_storage_week import NASTY, two_weeks

KINDS = tuple(EXPORTS)
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def week(tmp_path: Path) -> Path:
    path = two_weeks(tmp_path)
    state = json.dumps(
        {"title": "徒步", "rows": [{"text": "小满 2人", "by": "u1", "native": False}]}, ensure_ascii=False
    )
    with contextlib.closing(sqlite3.connect(path)) as conn, conn:
        conn.execute(
            "INSERT INTO member_tag VALUES ('u1', '无糖', 'manual', 'staff', '1', 1, 5, 1, 1, 9, NULL, 0, NULL)"
        )
        conn.execute("INSERT INTO purchase VALUES ('o1', 'u1', NULL, 1, 1990, '气泡水', 'paid', 'x.csv', 1, 1)")
        conn.execute("INSERT INTO stage_change VALUES ('talk', 'yuanqi', 'u1', 1, 'new', NULL)")
        conn.execute(
            "INSERT INTO game_session (game, group_id, state, status, opened_at, event_id)"
            " VALUES ('signup', 'yuanqi', ?, 'ended', 1, 'e')",
            (state,),
        )
        conn.execute(
            "INSERT INTO faq_entry VALUES (1, 'yuanqi', '有没有礼盒装', '有没有礼盒装？', '[]', '有', 'on', 1, NULL)"
        )
        conn.execute(
            "INSERT INTO faq_version VALUES (1, 1, 1, 'dianzhang', 'teach', '有没有礼盒装？', '[]', '有', 'on', 'e')"
        )
    return path


def export(what: str, db: Path, *more: object) -> int:
    return main(["export", what, "--db", str(db), *map(str, more)])


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def table_rows(path: Path) -> list[list[Any]]:
    book = load_workbook(path, read_only=True)
    try:
        assert book.active is not None
        return [list(row) for row in book.active.iter_rows(values_only=True)]
    finally:
        book.close()


@pytest.mark.parametrize("what", KINDS)
def test_the_three_formats_hold_the_same_rows(week: Path, tmp_path: Path, what: str, capfd: Capture) -> None:
    assert export(what, week) == 0
    lines = objects(capfd.readouterr().out)
    assert export(what, week, "--out", tmp_path / "x.csv") == 0
    assert export(what, week, "--out", tmp_path / "x.xlsx") == 0
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    sheet_header, *sheet = table_rows(tmp_path / "x.xlsx")
    assert header == sheet_header == [column.title for column in EXPORTS[what].columns]
    assert len(lines) == len(rows) == len(sheet) > 0
    assert rows == [["" if cell is None else str(cell).replace("_x000D_", "\r") for cell in row] for row in sheet]
    assert all(list(one) == [column.key for column in EXPORTS[what].columns] for one in lines)


def test_times_carry_the_offset_of_the_zone_asked_for(week: Path, capfd: Capture) -> None:
    export("check-ins", week)
    first = objects(capfd.readouterr().out)[0]
    export("check-ins", week, "--zone", "America/New_York")
    there = objects(capfd.readouterr().out)[0]
    assert re.fullmatch(r"2026-12-\d\dT\d\d:\d\d:\d\d\+08:00", first["at"])
    assert there["at"].endswith("-05:00")
    assert first["day"] == there["day"]


def test_names_stand_beside_ids(week: Path, capfd: Capture) -> None:
    export("audit", week)
    rows = objects(capfd.readouterr().out)
    assert {(row["staff_id"], row["staff"], row["group"]) for row in rows} == {("dianzhang", "店长", "元气福利群")}


def test_the_ledger_shows_number_cause_event_and_whether_it_was_reversed(week: Path, capfd: Capture) -> None:
    export("ledger", week)
    rows = objects(capfd.readouterr().out)
    undone = [row for row in rows if row["number"] == 1]
    assert len(undone) == 2
    assert all(row["reversed"] and row["cause"] == "签到" and row["event_id"] for row in undone)
    counter = [row for row in rows if row["reverses"] == 1]
    assert {row["number"] for row in counter} == {undone[0]["reversed_by"]}
    assert sum(row["amount"] for row in rows if row["asset"] == "points") == 0
    assert {row["member"] for row in undone} == {None, "小满"}


def test_members_are_listed_with_what_they_hold(week: Path, capfd: Capture) -> None:
    export("members", week)
    (one,) = [row for row in objects(capfd.readouterr().out) if row["member"] == "小满"]
    assert one["points"] > 0
    assert one["contact_since"].endswith("+08:00")
    assert one["source"] == "抖音"


def test_text_that_looks_like_a_formula_is_made_harmless_for_spreadsheets_only(
    week: Path, tmp_path: Path, capfd: Capture
) -> None:
    name = NASTY.replace("\n", " ")
    export("members", week)
    assert name in {row["member"] for row in objects(capfd.readouterr().out)}
    export("members", week, "--format", "csv")
    names = {row[1] for row in csv.reader(io.StringIO(capfd.readouterr().out))}
    assert {f"'{name}", "'@SUM(A1)"} <= names
    assert not any(one.startswith(("=", "@", "+", "-")) for one in names)
    export("interactions", week, "--out", tmp_path / "x.xlsx")
    sheet = load_workbook(tmp_path / "x.xlsx").active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert "'+1 也来" in {cell.value for cell in cells}
    assert not any(cell.data_type == "f" for cell in cells)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", "\x00=1"])
def test_every_beginning_of_a_formula_is_defused(text: str) -> None:
    assert harmless(text).startswith("'")


@pytest.mark.parametrize("text", ["", "签到", "1+1", "a=b", "“=1”", "🥤"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


def odd_texts(path: Path, *texts: str) -> Path:
    database = Database.open(path, "off")
    for number, text in enumerate(texts):
        database.execute(
            "INSERT INTO interaction (id, kind, at, channel, text, details) VALUES (?, 'message', ?, 'pipe', ?, ?)",
            (f"e{number}", number, text, '{"mentions": ["a"]}'),
        )
    database.close()
    return path


def test_control_characters_and_endless_texts_fit_into_a_sheet(tmp_path: Path) -> None:
    db = odd_texts(tmp_path / "x.db", "a\x00b\x07c\x1b[31m\ufffe\uffff", "🥤" * 40_000, "文" * 1_000_000)
    assert export("interactions", db, "--out", tmp_path / "x.xlsx") == 0
    texts = [row[9] for row in table_rows(tmp_path / "x.xlsx")[1:]]
    assert texts[0] == "abc[31m"
    assert all(len(text.encode("utf-16-le")) <= 2 * 32_767 and text.endswith("…") for text in texts[1:])


def test_json_lines_keep_every_text_exactly(tmp_path: Path, capfd: Capture) -> None:
    texts = ["a\x00b\x07", "两行\n和\r\n三行", "'\"引号\"'", "=1+1", "\u2028\u202e"]
    db = odd_texts(tmp_path / "x.db", *texts)
    assert export("interactions", db) == 0
    lines = capfd.readouterr().out.rstrip("\n").split("\n")
    assert [json.loads(line)["text"] for line in lines] == texts
    assert json.loads(lines[0])["details"] == {"mentions": ["a"]}
    assert json.loads(lines[1])["at"] == "1970-01-01T08:00:00.001+08:00"


def test_a_sheet_that_would_be_too_long_is_refused_and_csv_suggested(week: Path, tmp_path: Path) -> None:
    reader = Reader(week, "interactions", zone=ZoneInfo("Asia/Shanghai"), groups={})
    count = reader.count()
    with pytest.raises(TooManyRowsError, match="--format csv"):
        write_xlsx(reader, tmp_path / "x.xlsx", title="互动", most=count)
    assert not (tmp_path / "x.xlsx").exists()
    assert write_xlsx(reader, tmp_path / "x.xlsx", title="互动", most=count + 1) == count
    reader.close()


def test_excel_recognises_a_csv_file_and_a_pipe_gets_no_mark(week: Path, tmp_path: Path, capfdbinary: Any) -> None:
    export("audit", week, "--out", tmp_path / "x.csv")
    export("audit", week, "--format", "csv")
    assert (tmp_path / "x.csv").read_bytes() == b"\xef\xbb\xbf" + capfdbinary.readouterr().out


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--format", "xlsx"], "--out"),
        (["--out", "."], "是目录"),
        (["--out", "nowhere/x.csv"], "不存在"),
        (["--out", "week.db"], "数据库本身"),
        (["--out", "week.db-wal"], "数据库本身"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_two(
    week: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture, more: list[str], word: str
) -> None:
    before = week.read_bytes()
    monkeypatch.chdir(week.parent)
    assert export("audit", week, *more) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert word in err
    assert err.count("\n") == 1
    assert week.read_bytes() == before


@pytest.mark.parametrize("wrong", [["wishes"], ["audit", "--format", "pdf"], ["audit", "--zone", "Mars/Base"]])
def test_words_that_are_not_known_end_with_two(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", *wrong])
    assert ended.value.code == 2


def test_an_existing_file_is_replaced_whole_or_not_at_all(week: Path, tmp_path: Path, capfd: Capture) -> None:
    out = tmp_path / "out.csv"
    out.write_text("老的", encoding="utf-8")
    out.chmod(0o600)
    data = bytearray(week.read_bytes())
    torn = tmp_path / "torn.db"
    torn.write_bytes(data[: len(data) // 2])
    assert export("outbox", torn, "--out", out) == 1
    assert out.read_text(encoding="utf-8") == "老的"
    assert "已损坏" in capfd.readouterr().err
    assert export("outbox", week, "--out", out) == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    assert out.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_written_to_the_database(week: Path) -> None:
    before = week.read_bytes()
    for what in KINDS:
        export(what, week, "--out", week.with_name("x.jsonl"))
    assert week.read_bytes() == before


def run_it(what: str, db: Path, *more: str, **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "export", what, "--db", str(db), *more],
        stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, **options,
    )  # fmt: skip


def test_a_reader_that_has_seen_enough_is_no_error_to_talk_about(tmp_path: Path) -> None:
    db = odd_texts(tmp_path / "x.db", *["喝什么" * 1000] * 300)
    process = run_it("interactions", db, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["seq"] == 1
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_standard_output_is_one_clear_line(week: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = run_it("outbox", week, stdout=full)
        _, err = process.communicate()
    assert process.returncode == 1
    assert err.decode().count("\n") == 1
