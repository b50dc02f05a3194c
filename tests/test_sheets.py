"""Spreadsheets both ways: what goes out comes back the same, nothing runs, bad rows are named, trying writes nothing."""

import contextlib
import csv
import shutil
import sqlite3
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from bot.__main__ import main
from bot.catalogue import Catalogue, Item, load_catalogue
from bot.config import shipped
from bot.errors import ConfigError
from bot.quizbank import load_banks
from bot.quizimport import read_bank
from bot.sheets import read_sheet, write_sheet
from bot.shopsheet import as_toml, export_shop, read_shop
from storage.database import StorageError
from storage.export import harmless, plain
from storage.fsck import check
from tests.test_storage_week import two_weeks

Capture = pytest.CaptureFixture[str]
WILD = ["=1+1", "+8613800000000", "-5", "@SUM(A1)", "＝1", "'=1", "''-x", "'平常", "平常'", "a\nb", "逗,号", '引"号']
SHEETS = [".csv", ".xlsx"]


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), max_size=12))
def test_text_made_harmless_reads_back_the_same(text: str) -> None:
    assert plain(harmless(text)) == text
    assert not harmless(text).startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("kind", SHEETS)
def test_cells_that_look_like_formulas_are_written_as_text_and_read_back_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x{kind}"
    assert write_sheet(path, "表", ["甲", "乙"], [[one, 7] for one in WILD]) == len(WILD)
    rows = list(read_sheet(path, {"甲": "a", "乙": "b"}))
    assert [row.cells for row in rows] == [{"a": one, "b": "7"} for one in WILD]
    assert [row.number for row in rows] == list(range(2, len(WILD) + 2))
    if kind == ".xlsx":
        sheet = load_workbook(path).worksheets[0]
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            assert not any(row[0][:1] in "=+-@" for row in csv.reader(file))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


COLUMNS = {"名字": "name", "name": "name", "别名": "more", "备注": "note"}


@pytest.mark.parametrize("kind", SHEETS)
def test_cells_that_a_spreadsheet_made_its_own_of_come_as_people_write_them(tmp_path: Path, kind: str) -> None:
    typed: list[tuple[Any, str]] = [
        (datetime(2026, 12, 12, tzinfo=UTC), "2026-12-12"), (datetime(2026, 12, 12, 9, 30, tzinfo=UTC), "2026-12-12 09:30:00"),
        (date(2026, 12, 12), "2026-12-12"), (time(9, 5), "09:05"), (time(9, 5, 7), "09:05:07"), (20.0, "20"), (0.5, "0.5"),
        (True, "是"), (False, "否"), (-1, "-1"),
    ]  # fmt: skip
    path = tmp_path / f"x{kind}"
    if kind == ".xlsx":
        book = Workbook()
        for cell in ("名字", *(one.replace(tzinfo=None) if isinstance(one, datetime) else one for one, _ in typed)):
            book.worksheets[0].append([cell])
        book.save(path)
    else:
        path.write_text("\n".join(["名字", *[text for _, text in typed]]), encoding="utf-8")
    assert [row.cells["name"] for row in read_sheet(path, COLUMNS)] == [text for _, text in typed]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_rows_are_counted_as_a_spreadsheet_counts_them_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes('名字,\r\n"一\n行",\r\n,\r\n  二 ,多的\r\n'.encode(encoding))
    assert [(row.where, row.cells) for row in read_sheet(path, COLUMNS)] == [
        ("第 2 行", {"name": "一\n行"}), ("第 4 行", {"name": "二"}),
    ]  # fmt: skip


def test_every_wrong_title_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("名字,NAME,别民,电话,备注,备注\n", encoding="utf-8")
    with pytest.raises(ConfigError) as wrong:
        list(read_sheet(path, {**COLUMNS, "群": "group"}, ("群",), ignored=("电话",)))
    assert [(one.reason, one.hint) for one in wrong.value.problems] == [
        ("「NAME」这一列写了两次", ""),
        ("不认识的列「别民」", "是不是想写 别名？"),
        ("「备注」这一列写了两次", ""),
        ("缺少「群」这一列", "首行写表头。可以有：名字、别名、备注、群"),
    ]


def test_columns_that_may_repeat_come_as_lines_of_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("名字,别名,别名\n一,二,三\n四,,五\n", encoding="utf-8")
    rows = read_sheet(path, COLUMNS, repeated=("more",))
    assert [row.cells.get("more") for row in rows] == ["二\n三", "五"]


def test_what_no_cell_can_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="第 2 行"):
        write_sheet(tmp_path / "x.csv", "表", ["甲"], [["长" * 40_000]])
    with pytest.raises(StorageError, match="写不了"):
        write_sheet(tmp_path / "none" / "x.csv", "表", ["甲"], [["短"]])
    assert list(tmp_path.iterdir()) == []


# -- the shop --------------------------------------------------------------------------------------------------------


ITEMS = [
    Item(id="a", title="=HYPERLINK(1)", kind="code", price=5, note="+1"),
    Item(id="b", title="积分包", kind="points", price=100, points=50, stock=0, limit=0),
    Item.model_validate({
        "id": "c", "title": "体验\\卡 \"七\"", "kind": "pass", "price": 0, "days": 7, "tenure": 3, "groups": ("g1", "g2"),
        "opens": "2026-12-01T00:00:00+08:00", "closes": "2026-12-31T00:00:00+08:00", "level": "老友",
    }),
    Item(id="d", title="袋子", kind="goods", price=1200, stock=20, hold=3),
]  # fmt: skip


@pytest.mark.parametrize("kind", SHEETS)
def test_a_shop_goes_out_and_comes_back_the_same(tmp_path: Path, kind: str) -> None:
    assert export_shop(Catalogue(ITEMS), tmp_path / f"shop{kind}") == 4
    back = read_shop(tmp_path / f"shop{kind}", [], ["老友"])
    assert list(back.items) == ITEMS
    (tmp_path / "shop.toml").write_text(as_toml(back.items), encoding="utf-8")
    assert list(load_catalogue(tmp_path / "shop.toml", [], ["老友"]).items) == ITEMS


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of one's own, in the current directory."""
    shutil.copytree(shipped("persona"), tmp_path / "persona")
    shutil.copy(shipped("config.toml"), tmp_path / "config.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_import_of_the_shop_is_tried_first_and_keeps_the_old_one(house: Path, capfd: Capture) -> None:
    shop = house / "persona" / "xiaoyuanzi" / "shop.toml"
    before = shop.read_text(encoding="utf-8")
    assert main(["shop", "export", "shop.csv"]) == 0
    assert main(["shop", "import", "shop.csv"]) == 0
    assert "和现在一样" in capfd.readouterr().out
    text = (house / "shop.csv").read_text(encoding="utf-8-sig").replace("1200", "900").replace("coupon5", "coupon6")
    (house / "shop.csv").write_text(text, encoding="utf-8")
    assert main(["shop", "import", "shop.csv"]) == 0
    out = capfd.readouterr().out
    for part in ("上架", "coupon6", "下架", "coupon5", "price 1200 -> 900", "什么也没写"):
        assert part in out
    assert shop.read_text(encoding="utf-8") == before
    assert main(["shop", "import", "shop.csv", "--yes"]) == 0
    assert shop.with_name("shop.toml.before-import").read_text(encoding="utf-8") == before
    assert "900" in shop.read_text(encoding="utf-8")
    assert main(["check"]) == 0


def test_every_bad_row_of_a_shop_is_named_and_nothing_is_written(house: Path, capfd: Capture) -> None:
    shop = house / "persona" / "xiaoyuanzi" / "shop.toml"
    before = shop.read_bytes()
    rows = ["编号,名称,类型,价格,总份数,至少称号", "a,甲,实物,-1,,", ",乙,实物,1,,", "c,丙,水果,1,,", "d,丁,实物,1,很多,大神",
            "e,戊,实物,1,,", "e,己,实物,1,,没这个称号", "f,庚,积分,1,,"]  # fmt: skip
    (house / "bad.csv").write_text("\n".join(rows), encoding="utf-8")
    assert main(["shop", "import", "bad.csv", "--yes"]) == 2
    err = capfd.readouterr().err
    for part in ("第 2 行：价格：不能小于 0", "第 3 行：编号：没写", "第 4 行：类型：可写", "第 5 行：总份数", "第 7 行", "第 6 行重复",
                 "没有「没这个称号」", "第 8 行：kind = points 才写 points"):  # fmt: skip
        assert part in err
    assert shop.read_bytes() == before
    (house / "bad.csv").write_text("编号,名字,类型,价格\n", encoding="utf-8")
    assert main(["shop", "import", "bad.csv"]) == 2
    err = capfd.readouterr().err
    assert "是不是想写 名称" in err
    assert "缺少「名称」" in err


# -- questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHEETS)
def test_every_shipped_bank_goes_out_and_comes_back_the_same(house: Path, kind: str, capfd: Capture) -> None:
    folder = house / "persona" / "xiaoyuanzi" / "quiz"
    for bank in sorted(folder.glob("*.toml")):
        out = house / f"{bank.stem}{kind}"
        assert main(["quiz", "export", str(out), "--bank", bank.stem]) == 0
        title, questions = read_bank(bank)
        assert read_bank(out, title) == (title, questions)
        before = load_banks(folder)
        assert main(["quiz", "import", str(out), "--name", bank.stem]) == 2  # it is there already
        assert main(["quiz", "import", str(out), "--name", bank.stem, "--replace"]) == 0
        assert load_banks(folder) == before
    said = capfd.readouterr()
    assert "导回来" in said.out
    assert "--replace" in said.err


def test_a_replaced_bank_that_does_not_hold_leaves_the_old_one(house: Path, capfd: Capture) -> None:
    bank = next(iter(sorted((house / "persona" / "xiaoyuanzi" / "quiz").glob("*.toml"))))
    before = bank.read_bytes()
    other = load_banks(bank.parent)[-1]  # of another bank: the same question twice
    assert write_sheet(house / "q.csv", "", ["题目", "答案"], [[other.text, "|".join(other.answers)]]) == 1
    assert main(["quiz", "import", "q.csv", "--name", bank.stem, "--replace"]) == 2
    assert "重复" in capfd.readouterr().err
    assert bank.read_bytes() == before


def test_a_bank_that_does_not_exist_is_named_with_those_that_do(house: Path, capfd: Capture) -> None:
    assert main(["quiz", "export", "x.csv", "--bank", "没有的"]) == 2
    assert "没有这个题库" in capfd.readouterr().err
    assert main(["quiz", "export", "x.csv"]) == 2
    assert not (house / "x.csv").exists()


def test_a_list_that_a_cell_would_split_is_refused(house: Path, capfd: Capture) -> None:
    bank = house / "persona" / "xiaoyuanzi" / "quiz" / "mine.toml"
    bank.write_text('title = "我"\n[[question]]\nid = "a"\ntext = "或怎么写"\nanswers = ["a|b"]\n', encoding="utf-8")
    assert main(["quiz", "export", "x.csv", "--bank", "mine"]) == 2
    assert "question.1（a）" in capfd.readouterr().err


# -- members ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def week(tmp_path: Path) -> Path:
    return two_weeks(tmp_path)


def people(path: Path) -> dict[str, tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as conn:
        rows = conn.execute("SELECT member_id, name, channel, contact_since, source FROM member")
        return {row[0]: tuple(row[1:]) for row in rows}


def members(week: Path, rows: str, *more: str) -> int:
    sheet = week.with_name("people.csv")
    sheet.write_text(rows, encoding="utf-8")
    return main(["members", "import", str(sheet), "--db", str(week), *more])


@pytest.mark.parametrize("kind", SHEETS)
def test_an_export_of_members_imports_without_changing_anybody(week: Path, kind: str, capfd: Capture) -> None:
    sheet = week.with_name(f"m{kind}")
    assert main(["export", "members", "--db", str(week), "--out", str(sheet)]) == 0
    before = people(week)
    assert main(["members", "import", str(sheet), "--db", str(week), "--yes"]) == 0
    assert f"新来 0 人，改 0 人，不变 {len(before)} 人" in capfd.readouterr().out
    assert people(week) == before


def test_members_are_tried_first_then_written_and_audited(week: Path, capfd: Capture) -> None:
    known = min(one for one in people(week) if one.isalnum())
    rows = f"成员id,成员,通道,好友来源,加好友时间\n{known},,,线下,2026-11-01 10:00\nfresh,新人,pipe,抖音,\n"
    before = people(week)
    assert members(week, rows) == 0
    assert "新来 1 人，改 1 人" in capfd.readouterr().out
    assert people(week) == before
    assert members(week, rows, "--yes") == 0
    after = people(week)
    assert after["fresh"] == ("新人", "pipe", None, "抖音")
    assert after[known] == (*before[known][:2], 1_793_498_400_000, "线下")
    with contextlib.closing(sqlite3.connect(week)) as conn:
        (row,) = conn.execute("SELECT staff_id, action, what FROM audit ORDER BY id DESC LIMIT 1")
    assert row[:2] == ("命令行", "导入成员")
    assert "新来 1 人" in row[2]
    assert members(week, rows, "--yes") == 0
    assert "新来 0 人，改 0 人" in capfd.readouterr().out
    assert check(week).is_clean


def test_every_bad_row_of_members_is_named_and_nothing_is_written(week: Path, capfd: Capture) -> None:
    known, other = sorted(one for one in people(week) if one.isalnum())[:2]
    with contextlib.closing(sqlite3.connect(week)) as conn, conn:
        conn.execute("UPDATE member SET name = '（已删除）' WHERE member_id = ?", (other,))
    before = people(week)
    head = "成员id,成员,通道,好友来源,加好友时间,积分余额（本人合计）\n"
    assert members(week, f"{head}{known},,,,昨天,\n,甲,pipe,,,\n{known},,,,2026-01-01,\n", "--yes") == 2
    err = capfd.readouterr().err
    assert "第 2 行：加好友时间：写法不对" in err
    assert "第 3 行：成员id：没写" in err
    rows = f"{known},改名,,,,\nfresh,,,,,\n{other},,,抖音,,9\n{known}x,,pipe,,2099-01-01,\n"
    assert members(week, head + rows, "--yes") == 2
    err = capfd.readouterr().err
    for part in (
        "第 2 行：成员：名字跟着平台走",
        "第 3 行：通道：新的人要写",
        "第 4 行：这位已按本人要求删除",
        "第 5 行：加好友时间：还没到",
    ):
        assert part in err
    assert people(week) == before
    assert members(week, "成员号,来源\n1,2\n") == 2
    assert "缺少「成员id」" in capfd.readouterr().err
