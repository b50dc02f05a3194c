"""Rules for single beats and draws: what each finds, and the near miss that it leaves alone."""

from pathlib import Path
from typing import Any

import pytest

from bot.lint import RULES
from tests.conftest import a_config
from tests.lint_kit import House, a_house

HEAD = 'title = "t"\n'
WHEN = 'date = "2026-12-12"\ntime = "12:00"\n'
ASKING = "谁来：店长\n为什么看：讲怎么看配料表\n你能得到：一张清单"


def beat(rows: str, phrase: str = "post.x", when: str = WHEN) -> str:
    """A script with one beat."""
    return f'{HEAD}[[beat]]\nid = "a"\ntitle = "甲"\nphrase = "{phrase}"\n{when}{rows}'


CASES: list[tuple[str, str, str, bool]] = [
    # rule, rows of the beat, what is said, whether it is found
    ("two-items", 'kind = "new-item"\nitems = ["一", "二", "三"]', "新品来了", True),
    ("two-items", 'kind = "new-item"\nitems = ["一"]', "新品来了", True),
    ("two-items", 'kind = "new-item"\nitems = ["一", "二"]', "新品来了", False),
    ("two-items", 'kind = "trial"\nitems = ["一"]', "试一款", False),
    ("mechanics", 'mechanics = ["限时价", "满赠", "抽奖"]\nkind = "benefit"\ndeal = true', "福利", True),
    ("mechanics", 'mechanics = ["限时价", "满赠"]\nkind = "benefit"\ndeal = true', "福利", False),
    ("maths", 'kind = "benefit"\ndeal = true\nslots = { what = "满 99 减 20 再叠加 8 折" }', "{what}", True),
    ("maths", 'kind = "benefit"\ndeal = true\nmechanics = ["定金膨胀"]', "福利", True),
    ("maths", 'kind = "flash"\ndeal = true\nslots = { what = "第二件半价" }', "{what}", True),
    ("maths", 'kind = "benefit"\ndeal = true\nslots = { what = "全场 8 折" }', "{what}", False),
    ("maths", 'kind = "topic"\nslots = { what = "凑单时你会买什么？" }', "{what}", False),
    ("labels", "", "大家好", True),
    ("labels", 'kind = "column"', "今天聊聊天", False),
    ("labels", 'kind = "column"', "整箱 49 元，要的说一声", True),
    ("labels", 'kind = "column"\nslots = { what = "会员价今天有" }', "{what}", True),
    ("labels", 'kind = "column"', "五点半见，三元里集合", False),
    ("labels", 'kind = "flash"\ncontent = "product"', "秒杀", True),
    ("labels", 'kind = "flash"\ncontent = "product"\ndeal = true', "整箱 49 元", False),
    ("labels", 'kind = "flash"\ncontent = "fun"\ndeal = true', "整箱 49 元", True),
    ("topic-question", 'kind = "topic"', "今天天气不错。", True),
    ("topic-question", 'kind = "topic"', "你吃了吗？", True),
    ("topic-question", 'kind = "topic"', "你吃了什么？", False),
    ("topic-question", 'kind = "topic"', "你吃了什么呀？～😊", False),
    ("topic-question", 'kind = "topic"', "豆浆还是咖啡？", False),
    ("topic-question", 'kind = "topic"', "有什么好吃的？说完了。", True),
    ("topic-question", 'kind = "column"', "今天天气不错。", False),
    ("topic-question", 'kind = "topic"\nbank = "topics"', "聊聊：{entry}", False),
    ("topic-question", 'kind = "topic"\nbank = "topics"', "聊聊：{entry} 就这样。", True),
    ("topic-question", 'kind = "topic"\nbank = "sunny"', "聊聊：{entry}", True),
    ("who-why-what", 'kind = "live"', "今晚八点直播，来看", True),
    ("who-why-what", 'kind = "lesson"', ASKING, False),
    ("who-why-what", 'kind = "announcement"', ASKING.partition("\n")[2], True),
    (
        "who-why-what",
        'kind = "live"\nslots = { who = "营养师", why = "讲配料表", what = "清单" }',
        "{who}，{why}，{what}",
        False,
    ),
    ("who-why-what", 'kind = "column"', "今晚八点直播，来看", False),
    ("both-sides", 'kind = "referral"\ncontent = "product"', "邀请一位朋友，你得 20 积分", True),
    ("both-sides", 'kind = "referral"\ncontent = "product"', "朋友进群就领试吃装", True),
    ("both-sides", 'kind = "referral"\ncontent = "product"', "朋友进群就领试吃装，你得 20 积分", False),
    ("both-sides", 'kind = "referral"\ncontent = "product"', "邀请成功，双方各得 20 积分", False),
    ("both-sides", 'kind = "column"', "邀请一位朋友，你得 20 积分", False),
    ("length", 'kind = "column"', "长" * 301, True),
    ("length", 'kind = "column"', "长" * 300, False),
    ("length", 'kind = "column"\nslots = { what = "%s" }' % ("长" * 290), "今天要说的是这一件事：{what}", True),
    ("lottery", 'kind = "draw"', "今天有惊喜，快来抽", True),
    ("lottery", 'kind = "draw"', "今天有惊喜，回「抽奖」看看", False),
    ("nobody", 'kind = "column"\naudience = { types = ["welfar"] }', "好", True),
    ("nobody", 'kind = "column"\naudience = { types = ["welfare"] }', "好", False),
    ("nobody", 'kind = "column"\naudience = { tags = ["茶友"] }', "好", True),
    ("lint-off", 'kind = "column"\nlint_off = { mixx = "因为就是这样" }', "好", True),
    ("lint-off", 'kind = "column"\nlint_off = { mix = "因为就是这样" }', "好", False),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "rows", "said", "is_found"), CASES)
def test_a_rule_finds_its_case_and_no_other(rule: str, rows: str, said: str, is_found: bool, tmp_path: Path) -> None:
    found = a_house(script=beat(rows), phrases={"post.x": said}, tmp_path=tmp_path).findings(rule)
    assert bool(found) is is_found, found
    assert all(one.what and one.fix and one.why and one.file for one in found)


@pytest.mark.parametrize(("rule", "rows", "said"), [case[:3] for case in CASES if case[3] and case[0] != "lint-off"])
def test_a_reason_beside_the_beat_silences_its_rule(rule: str, rows: str, said: str, tmp_path: Path) -> None:
    rows += f'\nlint_off = {{ {rule} = "因为老群都这样说" }}'
    assert a_house(script=beat(rows), phrases={"post.x": said}, tmp_path=tmp_path).findings(rule) == []


def test_every_rule_has_a_title_and_a_source() -> None:
    assert all(rule.title and rule.source and name == rule.name for name, rule in RULES.items())


def test_a_reason_may_stand_for_the_whole_script(tmp_path: Path) -> None:
    script = beat('kind = "topic"').replace(HEAD, HEAD + 'lint_off = { topic-question = "先热身再提问" }\n')
    assert a_house(script=script, phrases={"post.x": "好天气。"}, tmp_path=tmp_path).findings() == []


def test_a_closed_entry_of_a_bank_is_named_with_its_row(tmp_path: Path) -> None:
    house = a_house(
        script=beat('kind = "topic"\nbank = "topics"'), phrases={"post.x": "聊聊：{entry}"}, tmp_path=tmp_path,
        edits={"banks/topics.toml": ("早餐配豆浆、牛奶、咖啡，还是别的？为什么是它？", "早餐吃了吗？")},
    )  # fmt: skip
    (one,) = house.findings("topic-question")
    assert one.file.endswith("banks/topics.toml")
    assert house.line(one) == house.line_with("banks/topics.toml", "早餐吃了吗？")


def test_a_phrase_that_closes_a_topic_is_named_once_for_all_entries(tmp_path: Path) -> None:
    house = a_house(
        script=beat('kind = "topic"\nbank = "topics"'),
        phrases={"post.x": ("{entry}", "{entry} 完。")},
        tmp_path=tmp_path,
    )
    (one,) = {found.key for found in house.findings("topic-question")}
    assert one == "post.x"


def test_a_line_to_one_person_is_shorter_than_a_post(tmp_path: Path) -> None:
    personal = 'after = "contact_added"\ndays = 1\n'
    said = {"post.x": "长" * 121}
    (one,) = a_house(script=beat('kind = "greeting"', when=personal), phrases=said, tmp_path=tmp_path).findings(
        "length"
    )
    assert "一对一" in one.what


def test_a_post_that_the_channel_would_cut_is_an_error(tmp_path: Path) -> None:
    house = a_house(script=beat('kind = "column"'), phrases={"post.x": "长" * 683}, tmp_path=tmp_path)
    assert {one.severity for one in house.findings("length")} == {"error"}


def test_numbers_are_settings_of_the_group(tmp_path: Path) -> None:
    script = beat('kind = "new-item"\ncontent = "product"\nitems = ["一", "二", "三"]')
    groups: dict[str, dict[str, Any]] = {
        "g": {"scripts": ["mine"], "lint": {"new_items": 3}},
        "h": {"scripts": ["mine"]},
    }
    house = a_house(script=script, phrases={"post.x": "新品"}, tmp_path=tmp_path, groups=groups)
    assert [one.rule for one in house.findings("two-items")] == ["two-items"]
    groups["h"]["lint"] = {"off": {"two-items": "这个群什么都要多三样"}}
    quiet = House(a_config({"groups": {"yuanqi": {"scripts": []}, **groups}}), house.content)
    assert quiet.findings("two-items") == []


DRAWS: list[tuple[dict[str, Any], bool]] = [
    ({}, False),
    ({"prizes": [{"name": "试吃装", "quantity": 1}]}, True),
    ({"prizes": [{"name": "随行杯（39.9 元）", "quantity": 1}]}, False),
    ({"prizes": [{"name": "加油积分", "kind": "积分", "points": 5, "quantity": 1}]}, False),
    ({"prizes": [{"name": "电动车（6 万元）", "quantity": 1}]}, True),
    ({"prizes": [{"name": "神秘大礼（约 50 元）", "quantity": 1}]}, True),
    ({"conditions": "符合条件的群友，详见通知"}, True),
    ({"contact": "。"}, True),
    ({"lasts": None, "deadline": "2026-11-01T20:00:00+08:00"}, True),
    ({"lasts": None, "deadline": "2026-12-01T20:00:00+08:00"}, False),
    ({"prizes": [{"name": "试吃装", "quantity": 1}], "lint_off": {"lottery": "奖品是门店当天的样品"}}, False),
]


@pytest.mark.parametrize(("plan", "is_found"), DRAWS)
def test_a_draw_discloses_what_the_law_asks(plan: dict[str, Any], is_found: bool) -> None:
    assert bool(a_house(draw=plan).findings("lottery")) is is_found


def test_a_prize_beyond_the_legal_limit_is_an_error() -> None:
    (one,) = a_house(draw={"prizes": [{"name": "电动车（6 万元）", "quantity": 1}]}).findings("lottery")
    assert one.severity == "error"


def test_the_reason_of_a_draw_is_not_published() -> None:
    from bot.draw_plan import DrawPlan, given
    from tests.lint_kit import PLAN

    plan = DrawPlan.model_validate({**PLAN, "lint_off": {"lottery": "样品没有标价"}})
    assert "lint_off" not in given(plan)
    assert DrawPlan.model_validate(given(plan)).name == plan.name
