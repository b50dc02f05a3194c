"""Rules for the weeks of a group: the mix, caps, clashes, gaps, quiet hours; each with its near miss."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lint import RULES, plans
from bot.lint.material import material_of
from tests.conftest import a_config
from tests.lint_kit import NOW, House, a_house

FILL = {"phrase": "post.x", "kind": "column", "content": "useful", "time": "10:00"}


def script(*beats: dict[str, Any], **top: str) -> str:
    """A script of beats; each is laid on a harmless daily column."""
    rows = ['title = "t"', *(f"{key} = {value}" for key, value in top.items())]
    for number, own in enumerate(beats):
        given = {"id": f"b{number}", "title": f"第{number}拍", **FILL, **own}
        rows += ["[[beat]]", *(f"{key} = {_toml(value)}" for key, value in given.items() if value is not None)]
    return "\n".join(rows)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'{key} = "{one}"' for key, one in value.items()) + " }"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


DAILY: dict[str, Any] = {"weekday": "每天"}
PROMO: dict[str, Any] = {"content": "product", "kind": "trial", "time": "12:00"}
DEAL: dict[str, Any] = {"content": "product", "kind": "benefit", "deal": True, "time": "12:00"}

CASES: list[tuple[str, list[dict[str, Any]], dict[str, Any], bool]] = [
    # rule, beats, settings of the group, whether it is found
    ("mix", [DAILY], {}, True),
    ("mix", [DAILY], {"lint": {"mix": "off"}}, False),
    # No products at all: 78 to 22 of what remains, and nobody is told to add any.
    ("mix", [{"weekday": ["周一", "周二", "周三", "周四", "周五"]}, {"weekday": "周六", "content": "fun"}], {}, False),
    ("mix", [DAILY], {"type": "flash"}, False),
    ("mix", [DAILY], {"lint": {"mix_least": 29}}, False),
    # 20 useful, 4 + 4 fun, 4 products: 62, 25 and 13 percent.
    ("mix", [{"weekday": ["周一", "周二", "周三", "周四", "周五"]}, {"weekday": ["周六", "周日"], "content": "fun"},
             {**PROMO, "weekday": "周三"}], {"lint": {"mix": "7:2:1"}}, False),
    ("mix", [{"weekday": ["周一", "周二", "周三", "周四", "周五"]}, {"weekday": ["周六", "周日"], "content": "fun"},
             {**PROMO, "weekday": "周三"}], {"lint": {"mix": "7:2:1", "mix_slack": 5}}, True),
    # 20, 4 and 8: 63, 13 and 25 percent; 70/15/15 with its ten points allows it, 7:2:1 does not.
    ("mix", [{"weekday": ["周一", "周二", "周三", "周四", "周五"]}, {"weekday": ["周六"], "content": "case"},
             {**PROMO, "weekday": ["周三", "周日"]}], {"type": "knowledge"}, False),
    ("mix", [{"weekday": ["周一", "周二", "周三", "周四", "周五"]}, {"weekday": ["周六"], "content": "case"},
             {**PROMO, "weekday": ["周三", "周日"]}], {"type": "welfare"}, True),
    ("ad-share", [{"weekday": ["周一", "周二"]}, {**PROMO, "weekday": "周四"}], {}, True),
    ("ad-share", [{"weekday": ["周一", "周二"]}, {**PROMO, "weekday": "周四"}], {"lint": {"ad_share": 34}}, False),
    ("promo-week", [{**PROMO, "weekday": ["周一", "周二", "周三", "周四", "周五", "周六"]}], {}, True),
    ("promo-week", [{**PROMO, "weekday": ["周一", "周二", "周三", "周四", "周五"]}], {}, False),
    ("promo-week", [{"weekday": "每天", "kind": "check-in", "content": "service"}], {}, False),
    ("member-day", [{**DEAL, "kind": "member-day", "monthday": [7, 20]}], {}, True),
    ("member-day", [{**DEAL, "kind": "member-day", "monthday": [7]}], {}, False),
    ("member-day", [{**DEAL, "kind": "member-day", "monthday": [7]}, {**DEAL, "kind": "member-day", "monthday": [20]}],
     {"lint": {"member_days": 2}}, False),
    ("two-deals", [{**DEAL, "weekday": "周五"}, {**DEAL, "kind": "flash", "weekday": "周五", "time": "20:00"}], {}, True),
    ("two-deals", [{**DEAL, "weekday": "周五", "time": ["12:00", "20:00"]}], {}, False),
    ("two-deals", [{**DEAL, "weekday": "周五"}, {**PROMO, "weekday": "周五", "time": "20:00"}], {}, False),
    # A monthly deal meets the weekly one: Sunday the 20th of December.
    ("two-deals", [{**DEAL, "weekday": "周日"}, {**DEAL, "kind": "member-day", "monthday": 20, "time": "9:00"}], {}, True),
    ("two-items", [{**PROMO, "kind": "new-item", "weekday": "周三", "items": ["一", "二"]},
                   {**PROMO, "kind": "new-item", "weekday": "周三", "items": ["三", "四"], "time": "20:00"}], {}, True),
    ("cluster", [{**PROMO, "weekday": ["周一", "周三"]}], {}, True),
    ("cluster", [{**PROMO, "weekday": "周一"}], {}, False),
    ("cluster", [{**PROMO, "weekday": ["周一", "周三"]}], {"lint": {"kind_gap": 2}}, False),
    ("cluster", [{**PROMO, "weekday": "周一"}, {**DEAL, "weekday": "周三"}], {}, False),
    ("cluster", [{**PROMO, "weekday": "周一"}, {**PROMO, "weekday": "周一", "time": "20:00"}], {}, True),
    ("cluster", [{"weekday": "每天", "kind": "topic"}], {}, False),
    ("cluster", [{"weekday": "每天", "kind": "draw"}], {}, True),
    ("cluster", [{"weekday": ["周二", "周六"], "kind": "draw"}], {}, False),
    ("no-promo", [{"weekday": "周三", "kind": "flash"}], {"contact": {"no_promo": True}}, True),
    ("no-promo", [{"weekday": "周三", "kind": "flash"}], {}, False),
    ("no-promo", [{**DEAL, "weekday": "周三"}], {"contact": {"no_promo": True}}, False),
    ("quiet", [{"weekday": "周三", "time": "23:00"}], {}, True),
    ("quiet", [{"weekday": "周三", "time": "22:29"}], {}, False),
    ("quiet", [{"weekday": "周三", "time": "07:30"}], {}, False),
    ("quiet", [{"weekday": "周三", "time": "23:00"}], {"quiet": ""}, False),
    ("quiet", [{"weekday": "周三", "time": "13:00"}], {"quiet": "12:00-14:00"}, True),
    ("quiet", [{"weekday": "周三", "time": None, "between": ["21:00", "23:00"]}], {}, True),
    ("empty-days", [{"weekday": "周三"}], {}, True),
    ("empty-days", [{"weekday": ["周一", "周四", "周六"]}], {}, False),
    ("empty-days", [{"weekday": "周三"}], {"lint": {"empty_days": 6}}, False),
    ("empty-days", [{"date": "2026-12-01"}], {"lint": {"weeks": 1}}, True),
    ("crowded", [DAILY, {"weekday": "周三"}], {}, True),
    ("crowded", [DAILY, {"weekday": "周三", "time": "10:09"}], {}, True),
    ("crowded", [DAILY, {"weekday": "周三", "time": "10:10"}], {}, False),
    ("crowded", [DAILY, {"weekday": "周三", "time": "10:09"}], {"lint": {"apart": "5min"}}, False),
    ("crowded", [DAILY, {"weekday": "周三", "time": None, "between": ["10:00", "11:00"]}], {}, False),
    # Only in September, half a year later, and there beside what plays every day.
    ("crowded", [DAILY, {"date": "2027-09-01"}], {}, True),
    ("nobody", [{"date": "2026-11-01"}], {}, True),
    ("nobody", [{"date": "11-01"}], {}, False),
    ("nobody", [{**DEAL, "date": "2026-12-12", "groups": ["g"]}], {"contact": {"no_promo": True}}, True),
    ("nobody", [{**DEAL, "date": "2026-12-12", "groups": ["g"]}], {}, False),
]  # fmt: skip


def house_of(beats: list[dict[str, Any]], settings: dict[str, Any], tmp_path: Path, **top: str) -> House:
    own = {"scripts": ["mine"], **settings}
    return a_house(script=script(*beats, **top), phrases={"post.x": "好"}, tmp_path=tmp_path, groups={"g": own})


@pytest.mark.parametrize(("rule", "beats", "settings", "is_found"), CASES)
def test_a_rule_finds_its_weeks_and_no_other(
    rule: str, beats: list[dict[str, Any]], settings: dict[str, Any], is_found: bool, tmp_path: Path
) -> None:
    found = house_of(beats, settings, tmp_path).findings(rule)
    assert bool(found) is is_found, found


@pytest.mark.parametrize(("rule", "beats", "settings"), [case[:3] for case in CASES if case[3]])
def test_a_group_may_silence_a_rule_with_a_reason(
    rule: str, beats: list[dict[str, Any]], settings: dict[str, Any], tmp_path: Path
) -> None:
    own = {**settings, "lint": {**settings.get("lint", {}), "off": {rule: "这个群就是这样约好的"}}}
    left = house_of(beats, own, tmp_path).findings(rule)
    assert [one for one in left if rule != "nobody"] == []


@pytest.mark.parametrize(("rule", "beats", "settings"), [case[:3] for case in CASES if case[3]])
def test_a_script_may_silence_a_rule_with_a_reason(
    rule: str, beats: list[dict[str, Any]], settings: dict[str, Any], tmp_path: Path
) -> None:
    reason = f'{{ {rule} = "因为这是约好的" }}'
    assert house_of(beats, settings, tmp_path, lint_off=reason).findings(rule) == []


@pytest.mark.parametrize(
    ("beat", "severity"),
    [
        ({"time": "23:00"}, "error"),
        ({"time": "07:20"}, "warning"),  # a quarter of an hour later is still in time
        ({"time": "07:15"}, "error"),
        ({"time": "23:00", "lateness": "10h"}, "warning"),
        ({"time": "23:00", "late": "drop"}, "error"),
        ({"time": None, "between": ["21:00", "23:00"]}, "warning"),
        ({"time": None, "between": ["23:00", "23:30"]}, "error"),
    ],
)
def test_only_what_can_never_be_sent_is_an_error(beat: dict[str, Any], severity: str, tmp_path: Path) -> None:
    (one,) = house_of([{"weekday": "周三", **beat}], {}, tmp_path).findings("quiet")
    assert one.severity == severity


def test_the_mix_names_the_campaign_with_the_most_of_what_is_too_much(tmp_path: Path) -> None:
    beats = [{"weekday": "周一", "content": "useful"}, {**PROMO, "weekday": ["周二", "周四"], "id": "much"}]
    (one,) = house_of(beats, {}, tmp_path).findings("mix")
    assert one.key == "beat.much"
    assert "有用 33%、有趣和案例 0%、产品 67%" in one.what


def test_two_waves_are_one_piece_of_content_and_two_messages(tmp_path: Path) -> None:
    waves = '\n[[beat.wave]]\nid = "noon"\ntime = "12:00"\n[[beat.wave]]\nid = "evening"\ntime = "20:00"\n'
    days = ["周一", "周三", "周五"]
    text = script({**DEAL, "weekday": days, "time": None}) + waves
    house = a_house(script=text, phrases={"post.x": "好"}, tmp_path=tmp_path, groups={"g": {"scripts": ["mine"]}})
    (mix,), (week,) = house.findings("mix"), house.findings("promo-week")
    assert "（12 条）" in mix.what
    assert "6 条推广" in week.what
    assert house.findings("two-deals") == []


def test_groups_that_hear_the_same_are_looked_at_once(tmp_path: Path) -> None:
    groups: dict[str, Any] = {f"g{number}": {"name": f"{number} 群", "scripts": ["mine"]} for number in range(1000)}
    house = a_house(script=script(DAILY), phrases={"post.x": "好"}, tmp_path=tmp_path, groups=groups)
    (one,) = plans(material_of(house.config, house.content), NOW)
    assert len(one.groups) == 1000
    assert len(house.findings("mix")) == 1
    assert "等 1000 个" in house.findings("mix")[0].what


def test_the_plan_is_what_the_schedule_plays(tmp_path: Path) -> None:
    from bot.schedule import Schedule
    from bot.world import from_ms

    groups = {"w": {"scripts": ["welfare", "knowledge", "flash"], "type": "welfare", "zone": "America/New_York"}}
    house = a_house(persona="heyan", groups=groups)
    schedule, zone = Schedule(house.config), ZoneInfo("America/New_York")
    start = datetime(2026, 11, 22, tzinfo=UTC)
    (one,) = plans(material_of(house.config, house.content), start)
    schedule.plan(dict(house.content.scripts), {}, ["w"], one.posts[0].at - timedelta(seconds=1))
    until = datetime(2027, 2, 1, tzinfo=UTC)
    played = []
    while (due := schedule.next_due) is not None and from_ms(due) < until:
        post, _ = schedule.pop(lambda group: "c")
        played.append((post.beat, post.at.astimezone(UTC)))
    # A random minute is planned at the first of its window.
    local = [(beat, at.astimezone(zone)) for beat, at in played]
    played = [
        (beat, (at.replace(hour=14, minute=0) if beat == "welfare.surprise" else at).astimezone(UTC))
        for beat, at in local
    ]
    planned = [(post.beat.id, post.at.astimezone(UTC)) for post in one.posts if post.at < until]
    assert len(planned) > 100
    assert sorted(planned) == sorted(played)


def test_a_group_with_an_anchor_of_its_own_is_looked_at_on_its_days(tmp_path: Path) -> None:
    beats = [{"weekday": "周五", "time": "20:00"}, {**DEAL, "kind": "flash", "day": 0, "time": "20:00"}]
    text = script(*beats, anchor='"2020-01-01"')
    said = {"post.x": "好"}
    own: dict[str, Any] = {"scripts": ["mine"], "calendar": {"anchor": "2027-06-18"}}
    house = a_house(script=text, phrases=said, tmp_path=tmp_path, groups={"g": own})
    assert ["06-18 20:00" in one.what for one in house.findings("crowded")] == [True]
    assert house.findings("nobody") == []
    past = House(a_config({"groups": {"yuanqi": {"scripts": []}, "g": {"scripts": ["mine"]}}}), house.content)
    assert [one.key for one in past.findings("nobody")] == ["beat.b1"]


def test_a_line_to_one_person_in_the_night_waits_for_the_morning(tmp_path: Path) -> None:
    one = {"after": "contact_added", "days": 1, "time": "23:30", "kind": "greeting"}
    groups = {"default": {"calendar": {"private": ["mine"]}}}
    house = a_house(script=script(one), phrases={"post.x": "好"}, tmp_path=tmp_path, groups=groups)
    assert [found.severity for found in house.findings("quiet")] == ["warning"]


KINDS = ["", "new-item", "flash", "benefit", "draw", "topic", "column", "announcement", "referral", "member-day"]
DAYS = st.one_of(
    st.lists(st.sampled_from(list("一二三四五六日")), min_size=1, unique=True).map(
        lambda days: {"weekday": [f"周{day}" for day in days]}
    ),
    st.integers(1, 28).map(lambda day: {"monthday": day}),
    st.sampled_from([{"festival": "春节", "days": "-3..0"}, {"date": "2026-12-12"}, {"date": "2020-01-01"}]),
    st.sampled_from([{"on": "make-up"}, {"on": "holiday"}, {"date": "02-29", "short_month": "skip"}]),
)
BEATS = st.builds(
    lambda day, **rest: {**day, **rest}, DAYS,
    time=st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}"),
    kind=st.sampled_from(KINDS), content=st.sampled_from(["useful", "case", "fun", "product", "service"]),
    deal=st.booleans(), late=st.sampled_from(["send", "merge", "ask", "drop"]),
)  # fmt: skip
GROUPS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["", "welfare", "knowledge", "flash", "other"]),
        "zone": st.sampled_from(["Asia/Shanghai", "America/New_York"]),
        "quiet": st.sampled_from(["", "22:30-07:30", "12:00-14:00", "09:00-09:00"]),
        "contact": st.fixed_dictionaries({"no_promo": st.booleans()}),
        "lint": st.fixed_dictionaries({"mix": st.sampled_from(["auto", "7:2:1", "70/15/15", "off"])}),
    }
)


@given(st.lists(BEATS, min_size=1, max_size=5), GROUPS)
@settings(max_examples=60, deadline=None)
def test_any_calendar_can_be_looked_at(beats: list[dict[str, Any]], group: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        house = house_of(beats, group, Path(folder))
        found = house.findings()
        assert found == house.findings()
        assert {one.rule for one in found} <= set(RULES)
        assert [one.severity for one in found] == sorted(one.severity for one in found)
        assert all(one.what and one.fix and "mine.toml" in one.file for one in found)
