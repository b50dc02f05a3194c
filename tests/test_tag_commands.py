"""`yuanzi tag` and `yuanzi tags import`: the past learnt at full speed, lists imported whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from storage.database import Database, is_ours_alone
from storage.fsck import check
from storage.store import Store
from tests.test_orders import sheet
from tests.test_tagging import DAY, START, learn_all, write

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def past(tmp_path: Path) -> Path:
    path = tmp_path / "past.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    for member, name in (("m1", "小满"), ("m2", "小红"), ("m3", "小红")):
        store.members.see_member(member, name, "pipe", START)
    for number in range(30):
        write(store, number, ("m1", "有没有无糖的" if number % 7 == 0 else "早", None, START + number * DAY, "g"))
    database.commit()
    database.close()
    return path


def tables(path: Path) -> list[object]:
    database = Database.open(path, "off")
    try:
        return [
            database.execute(f"SELECT * FROM {one} ORDER BY 1, 2, 3, 4").fetchall()
            for one in ("member_tag", "tag_evidence", "member_day", "stage_change")
        ]
    finally:
        database.close()


def test_the_past_is_learnt_once_and_anew_to_the_same(past: Path, capfd: Capture) -> None:
    assert main(["tag", "--db", str(past)]) == 0
    assert "读到第 30 件事：1 位成员" in capfd.readouterr().out
    learnt = tables(past)
    assert main(["tag", "--db", str(past)]) == 0
    assert tables(past) == learnt
    assert main(["tag", "--db", str(past), "--rebuild"]) == 0
    assert tables(past) == learnt
    assert check(past).violations == []


def test_a_kill_in_the_middle_loses_and_doubles_nothing(past: Path, tmp_path: Path) -> None:
    """Half of the pieces, then a process that dies inside a transaction, then the rest."""
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom storage.database import Database\nfrom storage.store import Store\n"
        "from tests.test_tagging import BOOK, CONFIG, START, DAY, moment\nfrom bot.learning import learn\n"
        "db = Database.open(Path(sys.argv[1]), 'full')\nstore = Store(db)\n"
        "for piece in range(4):\n    db.begin()\n    learn(store, CONFIG, BOOK, moment(START + 40 * DAY), 5)\n"
        "    os._exit(9) if piece == 3 else db.commit()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(past)], check=False, timeout=60)
    assert done.returncode == 9
    database = Database.open(past, "off")
    database.begin()
    assert dict.fromkeys(seq for _, seq in Store(database).tags.cursors().values()) == {15: None}
    learn_all(Store(database), START + 40 * DAY, 5)
    database.commit()
    database.close()
    learnt = tables(past)
    database = Database.open(past, "off")
    for table in ("tag_evidence", "member_tag", "tag_rule", "member_day", "stage_change", "stage_now"):
        database.execute(f"DELETE FROM {table}")
    database.begin()
    learn_all(Store(database), START + 40 * DAY, 1_000)
    database.commit()
    database.close()
    assert tables(past) == learnt


def test_whether_somebody_else_has_the_file_open_is_noticed(past: Path) -> None:
    assert is_ours_alone(past)
    other = Database.open(past, "off")
    try:
        assert not is_ours_alone(past)
    finally:
        other.close()
    assert is_ours_alone(past)
    assert is_ours_alone(past.with_name("nothing.db"))
    past.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    assert not is_ours_alone(past)


HEAD = ["成员", "标签", "备注"]


def test_a_list_is_imported_once(past: Path, tmp_path: Path, capfd: Capture) -> None:
    path = sheet(tmp_path / "day.csv", [HEAD, ["小满", "会员日买家", "三月"], ["m2", "会员日买家", ""]])
    assert main(["tags", "import", str(path), "--db", str(past)]) == 0
    assert "打了 2 个标签" in capfd.readouterr().out
    assert main(["tags", "import", str(path), "--db", str(past)]) == 0
    assert "打了 0 个标签，2 个本来就有" in capfd.readouterr().out
    database = Database.open(past, "off")
    (row,) = Store(database).tags.rows("m1", "会员日买家")
    assert (row.origin, row.note) == ("manual", "三月")
    assert [one.ref for one in Store(database).tags.evidence("m1", "会员日买家", "manual")] == ["day.csv#2"]
    database.close()
    assert check(past).violations == []


def test_every_bad_row_of_a_list_is_named_and_nothing_is_given(past: Path, tmp_path: Path, capfd: Capture) -> None:
    rows = [HEAD, ["小满", "好", ""], ["没这人", "好", ""], ["小红", "好", ""], ["小满", "两 个", ""], ["", "好", ""]]
    path = sheet(tmp_path / "bad.xlsx", rows)
    assert main(["tags", "import", str(path), "--db", str(past)]) == 2
    said = capfd.readouterr().err
    for piece in ("第 3 行：没有成员「没这人」", "第 4 行：有 2 个「小红」", "第 5 行：标签要", "第 6 行：没写是谁"):
        assert piece in said
    assert tables(past)[0] == []
