"""What staff did by chat is seen by check, rehearsal and calendar export, which never write to the bot's database."""

import asyncio
import csv
import hashlib
import json
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.__main__ import main
from bot.config import shipped
from bot.errors import ConfigError
from bot.lint import lint
from bot.scripts import OWN, load_scripts
from bot.standing import lay_on, standing_of, told, why_stopped
from storage.database import StorageError
from storage.schema import steps
from storage.standing import Standing, lay, standing_in
from tests.conftest import OpenRoom, Room, a_config, group_config, keys
from tests.lint_kit import NOW, a_house

Capture = pytest.CaptureFixture[str]
ANSWERS = ("新活动", "周三加场", "1", "周三 12:00", "今天说说下午的茶。", "3", "7", "1")
"""A topic that ends in no question, at the minute of the new products of 元气."""
OWN_DATA: dict[str, Any] = {
    "title": "加场", "groups": ["g"], "phrase": "post.own", "slots": {"text": "来杯茶，你今天喝哪一款？"}, "kind": "topic",
    "content": "fun", "weekday": ["周三"], "time": ["12:00"],
}  # fmt: skip


async def steered(open_room: OpenRoom) -> Room:
    """A bot that is running: a campaign was made by chat, one is paused, one time is left out, a setting changed."""
    room = await open_room(group_config(scripts=["welfare"]))
    for text in ANSWERS:
        await room.boss_says(text, private=True)
    assert keys(await room.boss_says("确认", private=True)) == ["campaign_new.made"]
    assert keys(await room.boss_says("暂停 周五福利")) == ["campaign.paused"]
    assert keys(await room.boss_says("跳过 周三新品 2")) == ["campaign.skipped"]
    assert keys(await room.boss_says("设置 quiet 21:00-08:00")) == ["settings.changed"]
    return room


def state_of(db: Path) -> tuple[str, str]:
    """The bytes of a database, and what its write-ahead log holds."""
    log = db.with_name(f"{db.name}-wal")
    return tuple(hashlib.sha256(one.read_bytes() if one.exists() else b"").hexdigest() for one in (db, log))  # type: ignore[return-value]


def a_config_file(folder: Path, db: Path) -> Path:
    text = shipped("config.toml").read_text(encoding="utf-8")
    path = folder / "config.toml"
    path.write_text(text.replace('path = "var/yuanzi.db"', f'path = "{db}"'), encoding="utf-8")
    return path


# -- the walk: made by chat, linted, rehearsed, exported -------------------------------------------------------------


async def test_a_campaign_made_by_chat_is_linted_with_a_name_that_its_operator_knows(
    open_room: OpenRoom, tmp_path: Path, capsys: Capture
) -> None:
    room = await steered(open_room)
    before = state_of(room.db)
    assert main(["check", "--strict", "--config", str(a_config_file(tmp_path, room.db))]) == 1
    said = capsys.readouterr().out
    assert "聊天里建的活动 1 个、暂停 2 处" in said
    assert "群里改过的设置 1 处，都算进去了" in said
    assert "活动 #1 周三加场：" in said
    assert "没有以问句收尾" in said
    assert "发「删活动 周三加场」，再「新活动」重建" in said
    assert state_of(room.db) == before
    assert keys(await room.boss_says("活动")) == ["campaign.list"]  # the bot went on meanwhile


async def test_check_as_data_names_the_same_place(open_room: OpenRoom, capfd: Capture) -> None:
    room = await steered(open_room)
    main(["check", "--json", "--config", str(shipped("config.toml")), "--db", str(room.db)])
    data = json.loads(capfd.readouterr().out)
    (found,) = [one for one in data["findings"] if one["rule"] == "topic-question"]
    assert (found["file"], found["key"], found["line"]) == ("聊天里建的活动", "活动 #1 周三加场", 0)
    assert any("聊天里建的活动 1 个" in line for line in data["read"])


async def test_the_rehearsal_plays_the_real_week(open_room: OpenRoom, tmp_path: Path, capsys: Capture) -> None:
    room = await steered(open_room)
    before, out = state_of(room.db), tmp_path / "out"
    options = ["--from", "2026-12-14", "--members", "12", "--warm-up", "1", "--outage", "没有", "--out", str(out)]
    config = str(a_config_file(tmp_path, room.db))
    code = await asyncio.to_thread(main, ["rehearse", *options, "--config", config])
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    said = capsys.readouterr().out
    posts = {(one["title"], one["state"]) for one in report["posts"] if one["group"]}
    assert ("周三加场", "sent") in posts
    assert ("周五福利日·午间", "stopped") in posts
    (stopped, *_) = [one for one in report["posts"] if one["state"] == "stopped"]
    assert "店长 暂停了它" in stopped["why"]
    clash = next(one for one in report["problems"] if one["kind"] == "clash")
    assert {
        "file": "活动 #1 周三加场（聊天里建的）",
        "line": 0,
        "what": "发「删活动 周三加场」，再「新活动」重建",
    } in clash["rows"]
    assert code == 1
    assert "聊天里建的活动 1 个、暂停 2 处" in said
    assert any("聊天里建的活动 1 个" in note for note in report["rehearsal"]["notes"])
    assert "活动 #1 周三加场" in (out / "report.html").read_text(encoding="utf-8")
    assert state_of(room.db) == before


async def test_a_time_left_out_is_left_out_of_the_rehearsal_and_does_not_clash(
    open_room: OpenRoom, tmp_path: Path
) -> None:
    room = await steered(open_room)
    options = ["--from", "2026-12-07", "--members", "12", "--warm-up", "1", "--outage", "没有", "--out", str(tmp_path)]
    options += ["--config", str(shipped("config.toml")), "--db", str(room.db)]
    assert await asyncio.to_thread(main, ["rehearse", *options]) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (post,) = [one for one in report["posts"] if one["title"] == "周三新品"]
    assert (post["state"], post["why"]) == ("stopped", "店长 说这次跳过")
    assert not report["clashes"]


async def test_the_calendar_goes_out_with_it_and_comes_back_unchanged(
    open_room: OpenRoom, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await steered(open_room)
    (tmp_path / "scripts").mkdir()
    config = tmp_path / "mine.toml"
    config.write_text(f'[bot]\nscripts = "{tmp_path / "scripts"}"\n[storage]\npath = "{room.db}"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["calendar", "export", "--format", "csv", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "聊天里建的活动 1 个" in said
    assert "暂停中：welfare.friday-noon" in said
    assert "群里改过的设置：yuanqi quiet" in said
    sheet = (tmp_path / "calendar.csv").read_text(encoding="utf-8-sig")
    (row,) = [one for one in csv.DictReader(sheet.splitlines()) if one["脚本"] == "own"]
    assert (row["编号"], row["名称"], row["钟点"]) == ("n1", "周三加场", "12:00")
    assert main(["calendar", "import", "calendar.csv", "--config", str(config), "--write"]) == 0
    assert "和数据库里的一样" in capsys.readouterr().out
    assert list((tmp_path / "scripts").iterdir()) == []
    (tmp_path / "calendar.csv").write_text(sheet.replace("周三加场", "周四加场"), encoding="utf-8")
    assert main(["calendar", "import", "calendar.csv", "--config", str(config), "--write"]) == 2
    assert "不能用表格改" in capsys.readouterr().err


# -- databases that have nothing to say, or may not be read ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["none", "empty", "fresh"])
def test_a_database_that_holds_nothing_changes_nothing_and_is_not_mentioned(
    tmp_path: Path, kind: str, capsys: Capture
) -> None:
    db = tmp_path / "data.db"
    if kind == "empty":
        db.touch()
    elif kind == "fresh":
        lay(db, Standing())
    assert main(["check", "--config", str(a_config_file(tmp_path, db))]) == 0
    assert "数据库" not in capsys.readouterr().out
    left = sorted(one.name for one in tmp_path.iterdir())
    assert left == (["config.toml"] if kind == "none" else ["config.toml", "data.db"])  # not even a file beside it


def test_a_database_that_was_asked_for_and_is_not_there_is_named(tmp_path: Path, capsys: Capture) -> None:
    for command in (["check"], ["calendar", "export"], ["rehearse", "--out", str(tmp_path / "out")]):
        assert main([*command, "--config", str(shipped("config.toml")), "--db", str(tmp_path / "x.db")]) == 2
        assert "找不到这个数据库" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as conn:
        conn.execute("CREATE TABLE x (y)")
    conn.close()
    with pytest.raises(StorageError, match="不是元子的数据库"):
        standing_in(other)
    (tmp_path / "noise.db").write_bytes(b"noise" * 1000)
    with pytest.raises(StorageError):
        standing_in(tmp_path / "noise.db")


def test_a_newer_database_is_refused_and_an_older_one_read_as_far_as_it_goes(tmp_path: Path) -> None:
    db = tmp_path / "data.db"
    lay(db, Standing(changes={"g": {"quiet": ""}}, own=((1, "加场", json.dumps(OWN_DATA), 1, "boss", "e1"),)))
    conn = sqlite3.connect(db)
    conn.execute("DROP TABLE own_beat")
    conn.execute("DELETE FROM _sqlite_migrations WHERE name = 'm060_campaigns'")
    conn.commit()
    assert standing_in(db).changes == {"g": {"quiet": ""}}
    assert standing_in(db).own == ()
    conn.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, 'm999_later', '2030')",
        (steps.name,),
    )
    conn.commit()
    conn.close()
    with pytest.raises(StorageError, match="更新版本"):
        standing_in(db)


def test_what_is_laid_reads_back_the_same(tmp_path: Path) -> None:
    standing = Standing(
        own=((3, "加场", json.dumps(OWN_DATA, ensure_ascii=False), 1, "boss", "e1"),),
        pauses=(("own.n3", "g", 5, "boss", "e2"),),
        skips=(("own.n3", "g", 7, "2026-12-02", "r", "boss", "e3"),),
        changes={"g": {"quiet": "", "checkin.words": ["签"]}},
    )
    lay(tmp_path / "a.db", standing)
    assert replace(standing_in(tmp_path / "a.db"), path="") == standing


# -- laid on settings and content ------------------------------------------------------------------------------------


def standing(**data: Any) -> Standing:
    """One campaign made by chat, with some fields changed; None takes a field away."""
    fields = {name: value for name, value in {**OWN_DATA, **data}.items() if value is not None}
    return Standing(path="x.db", own=((3, "加场", json.dumps(fields), 1, "boss", "e1"),))


def laid(live: Standing, **groups: Any) -> list[tuple[str, str, str]]:
    """(rule, place, what) that the lint finds with it laid on."""
    house = a_house(groups={"g": {"name": "茶友", **groups}})
    content = lay_on(house.config, house.content, live, NOW)
    return [(one.rule, one.key, one.what) for one in lint(house.config, content, NOW, live)]


def test_a_sound_campaign_made_by_chat_is_found_sound() -> None:
    assert laid(standing()) == []


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"slots": {"text": "降血压的茶，你今天喝哪一款？"}}, "efficacy"),
        ({"time": ["23:00"]}, "quiet"),
        ({"slots": {"text": "说说茶。"}}, "topic-question"),
        ({"time": ["12:00", "12:01"]}, "crowded"),
    ],
)
def test_its_words_and_its_times_are_linted_like_those_of_files(data: dict[str, Any], rule: str) -> None:
    found = laid(standing(**data))
    assert (rule, "活动 #3 加场") in {one[:2] for one in found}


def test_a_paused_one_meets_nobody_but_its_words_are_still_read() -> None:
    crowded = standing(time=["12:00", "12:01"], slots={"text": "降血压的茶，喝哪一款？"})
    paused = replace(crowded, pauses=(("own.n3", "g", 1, "boss", "e2"),))
    assert {one[0] for one in laid(crowded)} == {"efficacy", "crowded"}
    assert {one[0] for one in laid(paused)} == {"efficacy"}


def test_what_is_asked_for_by_files_only_is_not_asked_of_a_conversation() -> None:
    assert laid(standing(kind="")) == []
    assert laid(standing(kind="new-item", content="product")) == []
    assert laid(standing(weekday=None, date="2020-01-01")) == []  # it is over


def test_settings_changed_by_chat_are_in_force() -> None:
    live = replace(standing(), changes={"g": {"quiet": "11:00-13:00", "welcome.benefit": "降血压的茶"}})
    found = laid(live)
    assert ("quiet", "活动 #3 加场") in {one[:2] for one in found}
    assert ("efficacy", "groups.g.welcome.benefit") in {one[:2] for one in found}
    script = laid(Standing(changes={"g": {"scripts": ["welfare"], "quiet": "08:00-12:30"}}))
    assert {one[0] for one in script} >= {"quiet"}


@pytest.mark.parametrize(
    ("live", "file", "reason"),
    [
        (standing(weekday=["周八"]), "聊天里建的活动", "周八"),
        (standing(phrase="post.gone"), "聊天里建的活动", "人设里没有话术"),
        (Standing(changes={"g": {"quiet": "正午"}}), "群 g 的「设置」", "不是时段"),
        (Standing(changes={"g": {"scripts": ["gone"]}}), "群里改过的设置", "没有脚本"),
    ],
)
def test_what_does_not_hold_any_more_is_named(live: Standing, file: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        laid(live)
    problem = error.value.problems[0]
    assert problem.file == file
    assert reason in problem.reason
    if live.own:
        assert problem.key.startswith("活动 #3 加场")


def test_a_random_minute_that_is_left_out_counts_by_its_day() -> None:
    house = a_house(groups={"g": {"scripts": ["welfare"], "type": "welfare"}})
    beat = next(one for one in house.content.scripts["welfare"] if one.surprise)
    rule = beat.rule(ZoneInfo("Asia/Shanghai"))
    row = (beat.id, "g", 1, "2026-12-02", rule, "dianzhang", "e")
    live = Standing(skips=(row,))
    due = datetime.fromisoformat("2026-12-02T15:07:00+08:00")
    assert why_stopped(live, house.config, beat, "g", due) == "店长 说这次跳过"
    assert why_stopped(live, house.config, beat, "g", due + timedelta(days=1)) == ""


def test_only_what_is_still_to_come_is_counted() -> None:
    past = ("a.b", "g", 1, "1970-01-01", "r", "boss", "e")
    assert told(Standing(skips=(past,)), NOW) == ""
    assert told(Standing(), NOW) == ""
    assert told(standing(), NOW) == "数据库 x.db（只读）：聊天里建的活动 1 个，都算进去了"


def test_the_name_of_their_script_is_kept_for_them(tmp_path: Path) -> None:
    (tmp_path / f"{OWN}.toml").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="留给聊天里建的活动"):
        load_scripts(tmp_path)


def test_a_deployment_without_a_database_stands_alone() -> None:
    config = a_config({"storage": {"path": "/nowhere/at/all.db"}})
    assert standing_of(config, None) == Standing()
