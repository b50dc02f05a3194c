"""Question banks: read, proven, imported; every mistake names its place."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from bot.__main__ import main
from bot.config import read_toml, shipped
from bot.errors import ConfigError
from bot.quizbank import as_toml, load_banks
from bot.quizimport import read_bank

CSV = "题目,答案,提示,解释,标签,难度\n豆浆是用什么做的？,黄豆|大豆,一种豆子；能发芽,磨出来的。,豆,简单\n一打是几个？,12,,,数字,2\n"


def problems(error: pytest.ExceptionInfo[ConfigError]) -> str:
    return "\n".join(str(one) for one in error.value.problems)


def a_folder(tmp_path: Path, **banks: str) -> Path:
    for name, text in banks.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def a_bank(*questions: str) -> str:
    return 'title = "测"\n' + "".join(f"[[question]]\n{one}\n" for one in questions)


def test_the_shipped_banks_hold_and_are_many() -> None:
    questions = load_banks(shipped("persona") / "xiaoyuanzi" / "quiz")
    assert len(questions) >= 150
    assert len({one.bank for one in questions}) == 6


def test_the_calm_persona_has_banks_of_its_own_with_a_source_for_every_fact() -> None:
    taboo = read_toml(shipped("persona") / "heyan" / "persona.toml")["taboo"]
    questions = load_banks(shipped("persona") / "heyan" / "quiz", taboo)
    assert len(questions) >= 40
    assert all(one.source and one.explanation and one.hint for one in questions)
    words = "".join(one.text + one.explanation + "".join(one.hint) for one in questions)
    assert not [sign for sign in "😊～！呀哦呢啦" if sign in words]


def test_a_bank_of_three_hundred_questions_loads(tmp_path: Path) -> None:
    text = a_bank(*(f'id = "n{n}"\ntext = "{n} 加 1 是几？"\nanswers = ["{n + 1}"]' for n in range(300)))
    assert len(load_banks(a_folder(tmp_path, many=text))) == 300


@pytest.mark.parametrize(("question", "reason"), [
    ('id = "a"\ntext = "喝什么？"\nanswers = ["豆浆"]\nhint = ["豆漿呀"]', "就有答案"),
    ('id = "a"\ntext = "喝什么？"\nanswers = ["。"]', "只有标点"),
    ('id = "a"\ntext = "喝什么？"\nanswers = ["不知道"]', "当成闲聊"),
    ('id = "a"\ntext = "第一好喝？"\nanswers = ["豆浆"]', "禁用词"),
    ('id = "a"\ntext = "喝什么？"\nanswers = []', "answers"),
    ('id = "a"\ntext = "喝什么？"\nanswer = ["豆浆"]', "是不是想写 answers"),
    ('id = "a"\ntext = "喝什么？"\nanswers = ["豆浆"]\ndifficulty = 4', "difficulty"),
])  # fmt: skip
def test_a_question_that_cannot_be_used_is_named(tmp_path: Path, question: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_banks(a_folder(tmp_path, bad=a_bank(question)), ("第一",))
    assert reason in problems(error)


def test_the_same_id_or_text_twice_is_named_across_files(tmp_path: Path) -> None:
    one = 'id = "a"\ntext = "喝什么？"\nanswers = ["豆浆"]'
    with pytest.raises(ConfigError) as error:
        load_banks(a_folder(tmp_path, first=a_bank(one), second=a_bank(one)))
    assert problems(error).count("first.toml 的 a 重复") == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_of_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "题.csv"
    path.write_text(CSV, encoding=encoding)
    title, questions = read_bank(path)
    assert title == "题"
    assert questions[0] == {
        "id": "题-2", "text": "豆浆是用什么做的？", "answers": ("黄豆", "大豆"), "hint": ("一种豆子", "能发芽"),
        "explanation": "磨出来的。", "tags": ("豆",), "difficulty": 1,
    }  # fmt: skip


def test_a_spreadsheet_is_read_with_its_numbers(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["编号", "题目", "答案", "难度"],
        ["x1", "一打是几个？", 12, 2],
        [],
        ["x2", "七七四十几？", 49.0, "难"],
    ):
        sheet.append(row)
    book.save(tmp_path / "q.xlsx")
    _, questions = read_bank(tmp_path / "q.xlsx", "数")
    assert [(one["id"], one["answers"], one["difficulty"]) for one in questions] == [
        ("x1", ("12",), 2),
        ("x2", ("49",), 3),
    ]


def test_every_bad_row_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text(
        '题目,答案,提示,难度\n"好题\n两行？",豆浆,,\n,x,,\n一加一？,2,就是 2 呀,\n几个？,,,\n难度？,8,,很难\n好题 两行,x,,\n'
    )
    with pytest.raises(ConfigError) as error:
        read_bank(path)
    text = problems(error)
    for part in (
        "第 3 行：题目：没写",
        "第 4 行：提示「就是 2 呀」里就有答案「2」",
        "第 5 行：答案：没写",
        "第 6 行：难度：应写",
        "第 7 行：题目和第 2 行重复",
    ):
        assert part in text


@pytest.mark.parametrize(("name", "content", "reason"), [
    ("q.csv", "题目,提事\n一？,x\n", "不认识的列「提事」"), ("q.csv", "题目,提事\n一？,x\n", "缺少「答案」"),
    ("q.csv", "题目,答案\n", "一题也没有"), ("q.csv", "", "缺少「题目」"), ("q.txt", "x", "认不出格式"), ("q.xlsx", "x", "读不了"),
])  # fmt: skip
def test_a_file_that_is_no_bank_is_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError) as error:
        read_bank(tmp_path / name)
    assert reason in problems(error)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="找不到"):
        read_bank(tmp_path / "none.csv")


def test_import_writes_a_bank_that_loads_and_never_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    persona = tmp_path / "persona" / "p"
    persona.mkdir(parents=True)
    persona.joinpath("persona.toml").write_text('taboo = ["第一"]')
    tmp_path.joinpath("config.toml").write_text('[bot]\npersona = "p"\n')
    tmp_path.joinpath("q.csv").write_text(CSV, encoding="utf-8")
    assert main(["quiz", "check", "q.csv"]) == 0
    assert main(["quiz", "import", "q.csv", "--into", "p", "--title", "小测"]) == 0
    assert [one.bank for one in load_banks(persona / "quiz")] == ["小测", "小测"]
    assert main(["quiz", "import", "q.csv"]) == 2
    assert main(["quiz", "import", "q.csv", "--name", "again"]) == 2
    assert not (persona / "quiz" / "again.toml").exists()
    assert main(["quiz", "import", "q.csv", "--into", "nobody"]) == 2
    assert "有：p" in capsys.readouterr().err


@given(
    st.lists(
        st.fixed_dictionaries(
            {"text": st.text(max_size=30), "answers": st.lists(st.text(max_size=9)), "difficulty": st.integers(1, 3)}
        ),
        min_size=1,
        max_size=3,
    )
)
def test_what_is_written_as_toml_reads_back_the_same(questions: list[dict[str, Any]]) -> None:
    import tomllib

    back = tomllib.loads(as_toml("题", questions))["question"]
    assert back == [{name: value for name, value in one.items() if value not in ("", [])} for one in questions]
