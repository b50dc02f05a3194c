"""`yuanzi check` and 重载 with the lint: what is shipped is clean all year, exit codes, JSON, lines, what reload refuses."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from tests.conftest import OpenRoom, keys
from tests.lint_kit import House, a_house

TYPED = {
    "w": {"type": "welfare", "scripts": ["welfare"]},
    "plain": {"scripts": ["welfare"]},
    "f": {"type": "flash", "scripts": ["flash"]},
    "default": {"calendar": {"private": ["onboarding", "after-purchase"]}},
}
KNOWLEDGE = {
    "k": {"type": "knowledge", "scripts": ["knowledge"]},
    "quiet": {"type": "knowledge", "scripts": ["knowledge"], "contact": {"no_promo": True}},
}
BEAT = """
title = "我的一周"

[[beat]]
id = "night"
title = "夜里说一句"
weekday = "每天"
time = "10:00"
phrase = "post.morning_call"
kind = "greeting"
"""
OWN = '[bot]\npersona = "xiaoyuanzi"\nscripts = "scripts"\n[groups.g]\nscripts = ["mine"]\n'


@pytest.mark.parametrize(("persona", "groups"), [("xiaoyuanzi", TYPED), ("heyan", {**TYPED, **KNOWLEDGE})])
def test_the_shipped_packs_are_clean_on_any_day_of_two_years(persona: str, groups: dict[str, Any]) -> None:
    house = a_house(persona=persona, groups=groups)
    start = datetime(2026, 1, 1, 4, tzinfo=UTC)
    found = {one.what: one for week in range(0, 104, 4) for one in house.findings(now=start + timedelta(weeks=week))}
    assert list(found.values()) == []


def test_every_reason_of_the_shipped_packs_is_still_needed() -> None:
    """A reason for a rule that finds nothing any more would hide the next mistake."""
    house = a_house(persona="heyan", groups={**TYPED, **KNOWLEDGE})
    bare = {
        name: [replace(beat, lint_off={}, script_lint_off={}) for beat in beats]
        for name, beats in house.content.scripts.items()
    }
    found = House(house.config, replace(house.content, scripts=bare)).findings()
    files = {(Path(one.file).stem, one.rule) for one in found}
    given = {
        (beat.script, rule) for beats in house.content.scripts.values() for beat in beats for rule in beat.lint_off
    }
    assert files == given


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script of its own, in which `yuanzi` is typed."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "mine.toml").write_text(BEAT, encoding="utf-8")
    (tmp_path / "config.toml").write_text(OWN + 'lint = { mix = "off" }\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(deployment: Path, old: str, new: str) -> None:
    path = deployment / "scripts" / "mine.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_clean_calendar_says_so(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--strict"]) == 0
    assert capsys.readouterr().out.startswith("没有问题。\n")


def test_a_hint_leaves_the_exit_code_alone_unless_it_is_asked_for(
    deployment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(deployment, 'kind = "greeting"', 'kind = "topic"')
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "没有问题。" in out
    assert "提醒" in out
    assert main(["check", "--strict"]) == 1


def test_findings_stand_below_their_file_with_line_reason_and_fix(
    deployment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(deployment, "每天", "周三")
    main(["check"])
    rows = capsys.readouterr().out.splitlines()
    (place,) = [number for number, row in enumerate(rows) if "empty-days" in row]
    assert rows[place - 1].strip().endswith("scripts/mine.toml")
    for part in ("第 5 行", "beat.night", "连着 6 天没有内容", "改法：", "依据："):
        assert part in rows[place]


def test_what_can_never_be_sent_is_an_error(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(deployment, "10:00", "23:00")
    assert main(["check"]) == 2
    assert "永远发不出去" in capsys.readouterr().err
    edit(deployment, 'kind = "greeting"', 'kind = "greeting"\nlint_off = { quiet = "这个群值夜班的人多" }')
    assert main(["check", "--strict"]) == 0


def test_the_same_as_json(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(deployment, "10:00", "23:00")
    assert main(["check", "--json"]) == 2
    (one,) = json.loads(capsys.readouterr().out)["findings"]
    assert (one["rule"], one["severity"], one["line"], one["key"]) == ("quiet", "error", 5, "beat.night")
    assert set(one) == {"rule", "severity", "file", "line", "key", "what", "why", "fix"}


def test_files_that_cannot_be_read_are_json_too(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(deployment, "phrase =", "phrasse =")
    assert main(["check", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {one["rule"] for one in found} == {"read"}
    assert any("phrasse" in one["key"] for one in found)


@pytest.mark.parametrize("where", ["beat", "group"])
def test_a_rule_that_nobody_has_cannot_be_silenced(
    where: str, deployment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if where == "beat":
        edit(deployment, 'kind = "greeting"', 'kind = "greeting"\nlint_off = { mixes = "因为就是这样" }')
    else:
        (deployment / "config.toml").write_text(OWN + 'lint = { off = { mixes = "因为就是这样" } }\n', encoding="utf-8")
    assert main(["check"]) == 2
    assert "是不是想写 mix？" in capsys.readouterr().err


def test_a_rule_is_not_silenced_without_a_reason(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(deployment, 'kind = "greeting"', 'kind = "greeting"\nlint_off = { mix = "" }')
    assert main(["check"]) == 2
    assert "lint_off" in capsys.readouterr().err


async def test_a_reload_refuses_what_the_check_refuses_and_keeps_the_old(open_room: OpenRoom, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "mine.toml").write_text(BEAT, encoding="utf-8")
    room = await open_room({"bot": {"scripts": str(folder)}, "groups": {"yuanqi": {"scripts": ["mine"]}}})
    (folder / "mine.toml").write_text(BEAT.replace("10:00", "23:00"), encoding="utf-8")
    (broken,) = await room.boss_says("重载", private=True)
    assert keys([broken]) == ["reload.broken"]
    assert "永远发不出去" in broken.text
    kept = room.app.schedule.beats["mine.night"].trigger
    assert kept is not None
    assert kept.minutes == (600,)


async def test_a_reload_tells_the_hints_of_the_lint(open_room: OpenRoom, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "mine.toml").write_text(BEAT, encoding="utf-8")
    room = await open_room({"bot": {"scripts": str(folder)}, "groups": {"yuanqi": {"scripts": ["mine"]}}})
    (folder / "mine.toml").write_text(BEAT.replace('"greeting"', '"topic"'), encoding="utf-8")
    (done,) = await room.boss_says("重载", private=True)
    assert keys([done]) == ["reload.done"]
    assert "提醒" in done.text
    assert len(done.text.encode()) < 2048
