"""The calendar as a spreadsheet: nothing is lost on the way out and back, and every mistake names its row."""

import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from bot.__main__ import main
from bot.calendarsheet import COLUMNS, read, rows_of
from bot.config import read_toml
from bot.errors import ConfigError
from bot.scripts import BUILT_IN, Beat, beats_from, load_scripts
from bot.scripts.as_toml import as_toml
from bot.sheets import write_sheet

WHERE = Path("x.toml")
TEXT = st.text(min_size=1, max_size=12).map(str.strip).filter(bool)
SAFE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10)
CLOCKS = st.lists(st.integers(0, 1439), min_size=1, max_size=3, unique=True).map(
    lambda minutes: [f"{one // 60:02}:{one % 60:02}" for one in minutes]
)
DAYS = st.one_of(
    st.lists(st.sampled_from(["周一", "周三", "fri", "周日", "每天"]), min_size=1).map(lambda one: {"weekday": one}),
    st.lists(st.sampled_from([1, 7, 20, 28, -1]), min_size=1, unique=True).map(lambda one: {"monthday": one}),
    st.sampled_from([29, 30, 31]).map(lambda one: {"monthday": [one], "short_month": "skip"}),
    st.lists(st.sampled_from(["2026-12-12", "12-12", "2027-01-05"]), min_size=1).map(lambda one: {"date": one}),
    st.sampled_from([{"date": "12-12"}, {"weekday": "周三"}, {"festival": "春节", "days": -3}, {"on": "workday"}]),
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "slots": st.dictionaries(SAFE, SAFE, min_size=1, max_size=3), "bank": TEXT, "groups": st.lists(SAFE, max_size=3),
        "audience": st.sampled_from([{"types": ["welfare"]}, {"types": ["a"], "tags": ["b、c"]}, {"tags": ["x", "y"]}]),
        "late": st.sampled_from(["send", "merge", "ask", "drop"]), "lateness": st.sampled_from(["30min", "2h"]),
        "sort": st.sampled_from(["campaign", "reminder"]), "content": st.sampled_from(["useful", "product"]),
        "kind": st.sampled_from(["draw", "topic"]), "deal": st.booleans(), "mechanics": st.lists(SAFE, max_size=2),
        "items": st.lists(st.sampled_from(["=1+1", "'x", "-茶", "茶、水", "a"]), max_size=2),
        "variant": st.just({"vip": {"slots": {"a": "b"}}}), "picture": st.just("https://e.example/a.png"),
    },
)  # fmt: skip
BEATS = st.lists(
    st.tuples(st.sampled_from(["茶", "=x", "'y", "-1", "12", "a\tb"]), CLOCKS, DAYS, MORE), min_size=1, max_size=4
)


def there_and_back(scripts: dict[str, Any], suffix: str) -> dict[str, list[Beat]]:
    """The beats after a way through a spreadsheet and through TOML."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write_sheet(path, "日历", list(COLUMNS), rows_of(scripts))
        return {name: beats_from(name, tomllib.loads(as_toml(data)), WHERE) for name, data in read(path).items()}


@settings(max_examples=40, deadline=None)
@given(BEATS, st.sampled_from([".csv", ".xlsx"]))
def test_whatever_a_calendar_says_comes_back_as_it_was(found: list[Any], suffix: str) -> None:
    beats = [
        {"id": f"b{number}", "title": title, "phrase": "post.x", "time": clocks, **days, **more}
        for number, (title, clocks, days, more) in enumerate(found)
    ]
    script = {"title": "一周", "window": {"from": "2026-12-01", "until": "2027-12-31"}, "beat": beats}
    assert there_and_back({"mine": script}, suffix) == {"mine": beats_from("mine", script, WHERE)}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_shipped_scripts_come_back_as_they_were(suffix: str) -> None:
    scripts = {path.stem: read_toml(path) for path in sorted(BUILT_IN.glob("*.toml"))}
    expected = {name: beats_from(name, data, WHERE) for name, data in scripts.items()}
    assert there_and_back(scripts, suffix) == expected


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    script = {"title": "=1", "beat": [{"id": "a", "title": "+1", "weekday": "周三", "time": "9:00", "phrase": "@x"}]}
    write_sheet(tmp_path / "a.xlsx", "日历", list(COLUMNS), rows_of({"mine": script}))
    cells = [cell for row in load_workbook(tmp_path / "a.xlsx").worksheets[0].iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}


def a_sheet(path: Path, *rows: dict[str, str]) -> Path:
    """A spreadsheet with the columns that operators fill in."""
    usual = {"脚本": "mine", "脚本名称": "我的", "话术": "post.morning_call", "钟点": "12:00", "星期": "周三"}
    titles = list(COLUMNS)
    write_sheet(path, "日历", titles, [[{**usual, **row}.get(title, "") for title in titles] for row in rows])
    return path


def test_all_mistakes_come_at_once_with_their_rows(tmp_path: Path) -> None:
    path = a_sheet(
        tmp_path / "a.csv",
        {"编号": "good", "名称": "好的"},
        {"编号": "no-day", "名称": "没写哪天", "星期": "周八"},
        {"编号": "good", "名称": "重复"},
        {"编号": "deal", "名称": "优惠", "优惠": "也许"},
        {"编号": "json", "名称": "其他", "其他": "{"},
        {"编号": "clock", "名称": "钟点", "钟点": "25:00"},
        {"编号": "title", "名称": "名称不同", "脚本名称": "别的"},
    )
    with pytest.raises(ConfigError) as error:
        read(path)
    assert [one.key for one in error.value.problems] == [f"第 {number} 行" for number in (3, 4, 5, 6, 7, 8)]
    assert "周八" in error.value.problems[0].reason
    assert "第 2 行" in error.value.problems[1].reason


def test_a_column_that_is_unknown_or_missing_is_named(tmp_path: Path) -> None:
    write_sheet(tmp_path / "a.csv", "日历", ["脚本", "编号", "名字"], [["a", "b", "c"]])
    with pytest.raises(ConfigError) as error:
        read(tmp_path / "a.csv")
    assert [one.reason for one in error.value.problems] == ["不认识的列「名字」", "缺少「名称」这一列"]


@pytest.mark.parametrize("name", ["a.txt", "none.csv", "broken.xlsx"])
def test_a_file_that_is_no_spreadsheet_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.xlsx").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError):
        read(tmp_path / name)


def a_config(root: Path, scripts: str = "") -> str:
    path = root / "config.toml"
    path.write_text(f'[bot]\nscripts = "{scripts}"\n', encoding="utf-8")
    return str(path)


def test_an_import_is_a_dry_run_unless_told_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    config = a_config(tmp_path, str(folder))
    path = a_sheet(tmp_path / "a.xlsx", {"编号": "tea", "名称": "下午茶", "填空": ""})
    assert main(["calendar", "import", str(path), "--config", config]) == 0
    assert "+ mine.tea「下午茶」" in capsys.readouterr().out
    assert list(folder.iterdir()) == []
    assert main(["calendar", "import", str(path), "--config", config, "--write"]) == 0
    assert [beat.title for beat in load_scripts(folder)["mine"]] == ["下午茶"]
    assert [one.name for one in folder.iterdir()] == ["mine.toml"]
    capsys.readouterr()
    assert main(["calendar", "import", str(path), "--config", config, "--write"]) == 0
    assert "没有要改的" in capsys.readouterr().out


def test_without_a_folder_of_its_own_nothing_is_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_sheet(tmp_path / "a.csv", {"编号": "tea", "名称": "下午茶"})
    assert main(["calendar", "import", str(path), "--config", a_config(tmp_path), "--write"]) == 2
    assert "bot.scripts" in capsys.readouterr().err


def test_what_is_exported_and_imported_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    config = a_config(tmp_path, str(folder))
    for kind in ("xlsx", "csv"):
        target = tmp_path / f"out.{kind}"
        assert main(["calendar", "export", "--format", kind, "--out", str(target), "--config", config]) == 0
        assert main(["calendar", "import", str(target), "--config", config, "--write"]) == 0
        assert "没有要改的" in capsys.readouterr().out
    assert main(["calendar", "export", "--script", "welfar", "--config", config]) == 2
