"""The question book from spreadsheets and back: broken rows are named, all at once; the others may go in."""

import csv
from pathlib import Path
from shutil import copytree

import pytest
from openpyxl import Workbook, load_workbook

from bot.__main__ import main
from bot.config import shipped
from bot.faq import EntryModel, load_faq
from bot.faqimport import as_toml, read_entries
from tests.conftest import OpenRoom, group_config

HEADER = ["问题", "相似问法", "关键词", "答案", "时段", "场合", "有效期"]
ROWS = [
    ["能寄到香港吗", "香港能寄吗；港澳发货", "", "可以，运费到付。", "09:00-18:00", "群聊", "2027/1/31"],
    ["没有答案的问题", "", "", "", "", "", ""],
    ["能开专票吗", "", "专票", "可以开。", "25:00-26:00", "", ""],
    ["有礼盒装吗", "", "礼盒", "有的，\n看小程序。", "", "", ""],
]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment of its own."""
    copytree(shipped("persona"), tmp_path / "persona")
    (tmp_path / "config.toml").write_bytes(shipped("config.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def a_sheet(path: Path, rows: list[list[str]]) -> Path:
    book = Workbook()
    for row in [HEADER, *rows]:
        book.worksheets[0].append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("name", ["问答.csv", "问答.xlsx"])
def test_two_broken_rows_are_named_and_the_others_can_go_in(name: str, house: Path, capfd: Capture) -> None:
    file = (a_csv if name.endswith("csv") else a_sheet)(house / name, ROWS)
    before = len(load_faq(house / "persona" / "xiaoyuanzi" / "faq.toml"))
    assert main(["faq", "import", str(file)]) == 2
    told = capfd.readouterr().err
    assert "第 3 行：答案：没写" in told
    assert "第 4 行：时段" in told
    assert "--skip-bad" in told
    assert not (house / "persona" / "xiaoyuanzi" / "faq").exists()
    assert main(["faq", "import", str(file), "--skip-bad"]) == 0
    heard = capfd.readouterr()
    assert "已导入 2 条" in heard.out
    assert "第 3 行" in heard.err
    entries = load_faq(house / "persona" / "xiaoyuanzi" / "faq.toml")
    assert len(entries) == before + 2
    hongkong = next(one for one in entries if one.question == "能寄到香港吗")
    assert hongkong.similar == ("香港能寄吗", "港澳发货")
    assert (hongkong.hours, hongkong.where, str(hongkong.until)) == ((540, 1080), "group", "2027-01-31")


def test_a_second_import_replaces_only_when_told_to(house: Path, capfd: Capture) -> None:
    file = a_csv(house / "more.csv", [ROWS[0]])
    assert main(["faq", "import", str(file)]) == 0
    assert main(["faq", "import", str(file)]) == 2
    assert "--replace" in capfd.readouterr().err
    assert main(["faq", "import", str(file), "--replace"]) == 0


def test_what_does_not_fit_the_rest_of_the_book_leaves_it_as_it_was(house: Path, capfd: Capture) -> None:
    file = a_csv(house / "more.csv", [["怎么退", "", "退款", "这样退", "", "", ""]])
    assert main(["faq", "import", str(file)]) == 2
    assert "「退款」" in capfd.readouterr().err
    assert list((house / "persona" / "xiaoyuanzi" / "faq").iterdir()) == []


def test_rows_that_repeat_each_other_and_unknown_columns_are_named(tmp_path: Path, capfd: Capture) -> None:
    _, problems = read_entries(a_csv(tmp_path / "a.csv", [ROWS[0], ROWS[0], ROWS[3]]), [])
    assert [(one.key, one.reason) for one in problems] == [("第 3 行", "问题「能寄到香港吗」和第 2 行重复")]
    (tmp_path / "b.csv").write_text("问题,答按\n一二,三\n", encoding="gb18030")
    assert main(["faq", "import", str(tmp_path / "b.csv")]) == 2
    told = capfd.readouterr().err
    assert "是不是想写 答案" in told
    assert main(["faq", "import"]) == 2
    assert main(["faq", "answer"]) == 2


def test_any_entry_survives_being_written_down(tmp_path: Path) -> None:
    entry = EntryModel.model_validate(
        {
            "id": "a", "question": '引号"和\\反斜杠', "similar": ["一\n二", "\u202e倒着"], "answer": "多\n行\t'''",
            "hours": "22:30-07:30", "until": "2026-12-31", "groups": ["g]"], "owner": "店长",
        }
    )  # fmt: skip
    path = tmp_path / "faq.toml"
    path.write_text(as_toml([entry], "标题"), encoding="utf-8")
    assert load_faq(path) == (entry,)


async def test_what_was_taught_is_exported_beside_what_was_written(
    open_room: OpenRoom, tmp_path: Path, capfd: Capture
) -> None:
    room = await open_room(group_config(scripts=[]))
    await room.boss_says("教 有没有礼盒装 => =有的")
    await room.says("小满", "@小元子 拿破仑几岁当的皇帝")
    await room.app.settle()
    out = tmp_path / "out.xlsx"
    assert main(["faq", "export", str(out), "--db", str(room.db), "--config", str(shipped("config.toml"))]) == 0
    rows = list(load_workbook(out).worksheets[0].iter_rows(values_only=True))
    assert rows[0][:2] == ("编号", "问题")
    assert rows[-1][:2] == ("taught-1", "有没有礼盒装")
    assert "'=有的" in rows[-1]
    capfd.readouterr()
    assert main(["export", "faq", "--db", str(room.db), "--format", "csv"]) == 0
    assert "有没有礼盒装" in capfd.readouterr().out
    assert main(["export", "unanswered", "--db", str(room.db), "--format", "csv"]) == 0
    assert "拿破仑" in capfd.readouterr().out
