"""The rehearsal: the same seed gives the same week, what is wrong is found and said, the page is one safe file."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.config import build_config, shipped
from bot.rehearsal.page import page_of
from bot.rehearsal.plots import histogram
from bot.rehearsal.wire import wires_of

WEEK = ("--from", "2026-12-07", "--members", "20", "--warm-up", "2")
CONFIG = """
[bot]
scripts = "{scripts}"
[[staff]]
id = "dianzhang"
name = "店长"
role = "owner"
[groups.yuanqi]
name = "元气福利群"
scripts = ["one"]
{more}
[channels.pipe]
on = true
"""
MORNING = """
title = "一份"
[[beat]]
id = "morning"
title = "早安"
weekday = "每天"
time = "09:00"
phrase = "post.morning_call"
sort = "reminder"
"""
DEAL = """
[[beat]]
id = "{id}"
title = "{title}"
weekday = {days}
time = "{time}"
phrase = "post.friday_evening"
content = "product"
kind = "{kind}"
slots = {{ price = "{title} 49 元", gift = "杯子", member = "8 折", until = "今晚" }}
"""


def deal(name: str, title: str, days: str, time: str, kind: str = "benefit") -> str:
    return DEAL.format(id=name, title=title, days=days, time=time, kind=kind)


def rehearse(
    folder: Path, script: str = MORNING, more: str = "", *, options: tuple[str, ...] = ()
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """(exit code, report) of a rehearsal of one script."""
    (folder / "scripts").mkdir(exist_ok=True)
    (folder / "scripts" / "one.toml").write_text(script, encoding="utf-8")
    config = folder / "config.toml"
    config.write_text(CONFIG.format(scripts=folder / "scripts", more=more), encoding="utf-8")
    out = folder / "out"
    code = main(["rehearse", *WEEK, "--config", str(config), "--out", str(out), *options])
    return code, json.loads((out / "report.json").read_text(encoding="utf-8"))


def kinds(report: Mapping[str, Any]) -> list[str]:
    return [one["kind"] for one in report["problems"]]


def states(report: Mapping[str, Any], title: str) -> list[str]:
    return [one["state"] for one in report["posts"] if one["title"] == title]


class Page(HTMLParser):
    """Everything that a page would load, run or open, and the words that it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.reaches: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "action", "xlink:href", "srcset", "data"} or name.startswith("on"):
                self.reaches.append(value or "")
            if name == "id":
                self.ids.add(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_shipped_week_breaks_no_rule_and_touches_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    assert main(["rehearse", *WEEK, "--config", str(shipped("config.toml")), "--out", str(out)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json"]
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["summary"]["ok"]
    group = [one for one in report["posts"] if one["group"]]
    assert len(group) == 10  # seven mornings, one new-product post, two waves on Friday
    assert all(one["text"] and one["because"] for one in group)
    said = capsys.readouterr().out
    assert report["summary"]["line"] in said
    assert str(out / "report.html") in said


def test_the_same_seed_gives_the_same_week_and_another_one_does_not(tmp_path: Path) -> None:
    script = MORNING + deal("noon", "午间", '"周五"', "12:00")
    texts = []
    for number, seed in enumerate(("7", "7", "8")):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, report = rehearse(folder, script, options=("--seed", seed))
        texts.append(json.dumps(report, ensure_ascii=False).replace(str(folder), ""))
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_two_posts_too_close_are_a_clash_with_the_rows_to_change(tmp_path: Path) -> None:
    script = (
        MORNING
        + deal("first", "前一条", '"周三"', "15:30", "trial")
        + deal("second", "后一条", '"周三"', "15:40", "draw")
    )
    code, report = rehearse(tmp_path, script)
    assert code == 1
    assert kinds(report) == ["clash"]
    problem = report["problems"][0]
    lines = script.splitlines()
    assert [lines[row["line"] - 1] for row in problem["rows"]] == ['id = "second"', 'id = "first"']
    assert all(row["file"].endswith("one.toml") for row in problem["rows"])
    assert "10 分钟" in problem["reason"]
    assert [one["title"] for one in report["posts"] if one["problems"]] == ["前一条", "后一条"]


def test_posts_far_enough_apart_are_none(tmp_path: Path) -> None:
    script = (
        MORNING
        + deal("first", "前一条", '"周三"', "15:30", "trial")
        + deal("second", "后一条", '"周三"', "16:00", "draw")
    )
    code, report = rehearse(tmp_path, script)
    assert (code, kinds(report)) == (0, [])


def test_how_close_is_too_close_is_a_setting(tmp_path: Path) -> None:
    script = (
        MORNING
        + deal("first", "前一条", '"周三"', "15:30", "trial")
        + deal("second", "后一条", '"周三"', "16:00", "draw")
    )
    code, report = rehearse(tmp_path, script, 'rehearsal = { apart = "1h" }')
    assert (code, kinds(report)) == (1, ["clash"])


def test_a_calendar_beyond_its_budget_is_found_and_the_post_is_shown_as_held(tmp_path: Path) -> None:
    days = '["周一", "周五"]'
    script = MORNING + "".join(
        deal(f"d{hour}", f"第 {hour} 点", days, f"{hour}:00", f"{kind}")
        for hour, kind in ((11, "trial"), (14, "draw"), (17, "flash"))
    )
    code, report = rehearse(tmp_path, script)
    assert code == 1
    assert set(kinds(report)) == {"budget"}
    assert states(report, "第 17 点") == ["held", "held"]
    held = next(one for one in report["posts"] if one["state"] == "held")
    assert held["rule"] == "budget"
    assert "上限 2" in held["why"]
    assert held["text"]  # what it would have said
    assert report["quota_breaks"]


def test_the_same_kind_within_its_distance_names_the_post_before_it(tmp_path: Path) -> None:
    script = MORNING + deal("thu", "周四的", '"周四"', "15:00") + deal("fri", "周五的", '"周五"', "15:00")
    code, report = rehearse(tmp_path, script)
    assert (code, kinds(report)) == (1, ["same-kind"])
    assert {row["what"] for row in report["problems"][0]["rows"]} == {'id = "thu"', 'id = "fri"'}
    assert "「福利日」" in report["problems"][0]["reason"]


def test_a_group_without_promotions_plans_none(tmp_path: Path) -> None:
    script = MORNING + deal("thu", "周四的", '"周四"', "15:00") + deal("mon", "周一的", '"周一"', "15:00", "trial")
    code, report = rehearse(tmp_path, script, "contact = { no_promo = true }")
    assert (code, kinds(report)) == (0, [])
    assert states(report, "周四的") == states(report, "周一的") == []


def test_a_post_in_the_quiet_hours_never_leaves_and_is_a_problem(tmp_path: Path) -> None:
    code, report = rehearse(tmp_path, MORNING.replace("09:00", "23:30"), options=("--outage", "没有"))
    assert (code, set(kinds(report))) == (1, {"quiet", "empty-day"})
    assert set(states(report, "早安")) == {"missed"}


def test_days_without_a_word_are_named(tmp_path: Path) -> None:
    code, report = rehearse(tmp_path, MORNING.replace("每天", "周二"), options=("--outage", "没有"))
    assert code == 0  # something to look at, no broken rule
    assert kinds(report) == ["empty-day"]
    assert "12-07 周一" in report["empty_days"][0]["title"]
    assert "12-08" not in report["empty_days"][0]["title"]


def test_the_power_cut_swallows_a_post_and_says_so_without_calling_it_a_broken_rule(tmp_path: Path) -> None:
    code, report = rehearse(tmp_path)
    assert code == 0
    outage = report["outage"]
    assert outage["swallowed"] >= 1
    assert [one["state"] for one in outage["affected"]] == ["missed"]
    assert "晚了" in outage["affected"][0]["why"]
    assert states(report, "早安").count("missed") == 1
    assert kinds(report) == []


def test_an_outage_that_is_asked_for_happens_then_and_a_patient_post_survives_it(tmp_path: Path) -> None:
    patient = MORNING.replace('sort = "reminder"', 'sort = "reminder"\nlateness = "2h"')
    _, report = rehearse(tmp_path, patient, options=("--outage", "2026-12-09 08:50 1h"))
    assert report["outage"]["from"] == "2026-12-09T08:50+08:00"
    assert states(report, "早安").count("late") == 1
    assert report["outage"]["swallowed"] == 0


def test_without_an_outage_everything_is_sent(tmp_path: Path) -> None:
    _, report = rehearse(tmp_path, options=("--outage", "没有"))
    assert report["outage"] is None
    assert states(report, "早安") == ["sent"] * 7


def test_what_people_must_do_is_listed(tmp_path: Path) -> None:
    task = (
        '\n[[beat]]\nid = "call"\ntitle = "备货"\nweekday = "周二"\ntime = "10:00"\ndoes = "task"\ntask = "打给仓库"\n'
    )
    _, report = rehearse(tmp_path, MORNING + task)
    assert [one["what"] for one in report["tasks"]] == ["打给仓库"]
    assert states(report, "备货") == ["task"]


def test_each_member_is_counted_once_and_those_who_got_nothing_have_a_reason(tmp_path: Path) -> None:
    _, report = rehearse(tmp_path, options=("--members", "200"))
    members = report["exposure"]["members"]
    assert sum(people for _, people in members["spread"]["all"]) == members["people"]
    group = report["rehearsal"]["groups"][0]
    assert members["people"] == 200 + group["joined"]
    assert all(one["note"] for one in members["nothing"]["listed"])
    most = members["listed"][0]
    assert most["total"] >= 6


def test_a_sample_of_talk_is_said_to_be_one(tmp_path: Path) -> None:
    _, report = rehearse(tmp_path, options=("--members", "200", "--acts", "100"))
    assert report["rehearsal"]["talk"]["share"] < 0.2
    assert any("抽样" in note for note in report["rehearsal"]["notes"])
    assert states(report, "早安").count("sent") == 6  # posts are never sampled


def test_a_channel_that_may_only_answer_is_a_problem(tmp_path: Path) -> None:
    more = 'channel = "xiaohao"\n[wechaty.xiaohao]'
    code, report = rehearse(tmp_path, more=more)
    assert code == 1
    assert "speaks" in kinds(report)


def test_the_mute_wires_keep_the_pace_and_the_abilities_of_the_real_ones() -> None:
    config = build_config({"wechaty": {"a": {"speaks": "first", "account_gap_seconds": 9.0}}}, "config.toml")
    wire = wires_of(config)["a"]
    assert wire.abilities.speaks == "first"
    assert wire.pace.account_gap.total_seconds() == 9


def test_the_page_needs_nothing_from_outside_and_runs_nothing(tmp_path: Path) -> None:
    rehearse(tmp_path, MORNING + deal("first", "前一条", '"周三"', "09:10"))
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert [one for one in page.reaches if not one.startswith("#")] == []
    assert [one for one in page.reaches if one[1:] not in page.ids] == []  # every link leads somewhere
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    assert "@import" not in style[1]
    assert "url(" not in style[1].replace("url(#hatch)", "")
    assert 'lang="zh-CN"' in text
    assert page.tags.count("h1") == 1
    assert len(re.findall(r"<svg [^>]*role=\"img\" aria-label=\"[^\"]+", text)) >= 5


def test_names_and_texts_are_never_markup(tmp_path: Path) -> None:
    evil = "</h4><script>alert(1)</script><img src=x onerror=alert(2)>\u202e"
    script = MORNING.replace('"早安"', "'<b onclick=\"x\">早</b>'")
    _, report = rehearse(tmp_path, script)
    report["rehearsal"]["groups"][0]["name"] = evil
    for post in report["posts"]:
        post["text"] = evil
        post["why"] = evil
    for one in report["exposure"]["members"]["listed"]:
        one["name"] = evil
    text = page_of(report)
    page = Page(text)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert [one for one in page.reaches if not one.startswith("#")] == []
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in "".join(page.words)


@pytest.mark.parametrize(
    "options",
    [
        ("--days", "0"), ("--days", "many"), ("--from", "gestern"), ("--members", "100000"), ("--groups", "yuanqj"),
        ("--outage", "bald"), ("--outage", "2027-12-09 08:50 1h"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(tmp_path: Path, options: tuple[str, ...]) -> None:
    asked = ["rehearse", *WEEK, "--config", str(shipped("config.toml")), "--out", str(tmp_path), *options]
    try:
        code: object = main(asked)
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert not (tmp_path / "report.json").exists()


def test_a_group_that_is_misspelt_is_answered_with_the_right_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["rehearse", *WEEK, "--config", str(shipped("config.toml")), "--out", str(tmp_path), "--groups", "yuanqj"])
    assert "yuanqi" in capsys.readouterr().err


def test_a_histogram_shows_a_limit_that_is_near_and_not_one_that_is_far() -> None:
    assert "limit" in histogram([(0, 3), (4, 9)], "促销", "条", 5, "上限")
    assert "limit" not in histogram([(0, 3), (4, 9)], "提醒", "条", 60, "上限")
    assert "<svg" in histogram([], "没有人", "条")
