"""Words that the law keeps out of advertising: sixty sentences written by hand, and everything that is shipped."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.lint import lint
from bot.lint.wording import hits
from tests.lint_kit import a_house, texts_of_the_house

FORBIDDEN = [
    # text, rule, level
    ("全网最好喝的气泡水，来一箱", "absolute", "error"),
    ("顶级茶园，国家级品质", "absolute", "error"),
    ("本店价格最低，放心买", "absolute", "error"),
    ("销量第一的白桃乌龙", "absolute", "error"),
    ("行业第一，口碑说话", "absolute", "error"),
    ("100%安全，宝宝也能喝", "absolute", "error"),
    ("100％ 无添加不敢说，但 100％有效", "absolute", "error"),
    ("这是送礼的最佳选择", "absolute", "error"),
    ("最优惠的一天，就在周五", "absolute", "error"),
    ("独一无二的配方", "absolute", "error"),
    ("零副作用，喝多少都行", "absolute", "error"),
    ("驰名商标，值得信赖", "absolute", "error"),
    ("机关特供，少量流出", "absolute", "error"),
    ("全国唯一的零糖工艺", "absolute", "error"),
    ("绝对正品，假一赔十", "absolute", "error"),
    ("选用最鲜的茶叶", "absolute", "warning"),
    ("纯天然原料", "absolute", "warning"),
    ("这个夏天它是第一", "absolute", "warning"),
    ("行业的龙头企业", "absolute", "warning"),
    ("全国首家零糖茶饮", "absolute", "warning"),
    ("每天一罐，轻松减肥", "efficacy", "error"),
    ("坚持喝能降血糖", "efficacy", "error"),
    ("不吃药就能治疗高血压", "efficacy", "error"),
    ("抗癌食物排行榜里就有它", "efficacy", "error"),
    ("增强免疫力，换季不怕", "efficacy", "error"),
    ("排毒养颜，一杯搞定", "efficacy", "error"),
    ("没有负担，还能降血压", "efficacy", "error"),
    ("睡前一杯，助眠安神", "efficacy", "error"),
    ("喝一周就瘦了五斤，喝了就瘦", "efficacy", "error"),
    ("老方子，祛湿又清热", "efficacy", "warning"),
    ("养胃暖胃，冬天必备", "efficacy", "warning"),
    ("再不下手就晚了", "fear", "warning"),
    ("手慢无，赶紧下单", "fear", "warning"),
    ("别让孩子输在起跑线", "fear", "warning"),
    ("你还在喝这种毒药吗", "fear", "warning"),
    ("本活动最终解释权归本店所有", "final-say", "error"),
]
HARMLESS = [
    "最近天气凉了，记得添衣",
    "最后一题，准备好了吗",
    "第一次来的朋友先发「签到」",
    "第一题：我国有多少个节气？",
    "第一名得 20 积分，第二名得 10 积分",
    "你最喜欢哪一款？",
    "说说你心里最好喝的一款是什么？",
    "今天最想谢谢谁，为什么？",
    "开封后最好当天喝完",
    "最好先看配料表，再决定买不买",
    "夸夸你最好的朋友，他做了什么？",
    "一次最多 10 个，最少 2 个",
    "最迟周五 20:00 开奖",
    "得分最高的，带走试吃装",
    "目前的最高称号是「元气之星」",
    "最新一期已经放在群文件里",
    "这是本群最长的一次接龙",
    "配料：100%果汁，无其他",
    "中奖率 100%，一共 50 份",
    "100%可回收的瓶子，洗净再投",
    "最佳赏味期 30 天，请尽快喝完",
    "「最佳答案」由大家投票选出",
    "请凭唯一编号领取",
    "食品不能代替药物治疗疾病",
    "饮料不能帮人变瘦，也别当正餐",
    "我们卖的是食品，不具有降血糖的作用",
    "正在接受治疗的朋友，请先问医生",
    "减肥期间怎么喝，请先看能量一栏",
    "采用巴氏杀菌，冷藏保存",
    "各位熬夜以后，靠什么缓解疲劳，有什么办法？",
    "没有最好，只有更合适",
    "第一，先洗手；第二，再动手",
    "错过了也没关系，下周三还有",
    "想要就带走，不急",
    "规则有不清楚的，问店长",
    "今天份的治愈系小事，来一条",
    "它治好了我的选择困难症",
    "万能的群友，求推荐一家面馆",
    "年度最佳人气奖开始投票",
    "早起最好喝点温水",
    "No.12 楼中奖",
    "全国第一届群友运动会",
    "秋天的第一杯奶茶谁请",
]


@pytest.mark.parametrize(("text", "rule", "level"), FORBIDDEN)
def test_a_claim_is_found_with_what_to_say_instead(text: str, rule: str, level: str) -> None:
    found = [hit for hit in hits(text) if (hit.rule, hit.level) == (rule, level)]
    assert found, hits(text)
    assert all(hit.say and hit.law and text[hit.start :].startswith(hit.word) for hit in found)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_use_is_left_alone(text: str) -> None:
    assert hits(text) == []


def test_there_are_at_least_sixty_examples() -> None:
    assert len(FORBIDDEN) + len(HARMLESS) >= 60


@pytest.mark.parametrize("persona", ["xiaoyuanzi", "heyan"])
def test_nothing_that_is_shipped_is_reported(persona: str) -> None:
    """Precision: 2,000 shipped sentences, hundreds of them with 最 or 第一, and not one report."""
    house = a_house(persona=persona)
    texts = texts_of_the_house(house)
    assert len(texts) > 1000
    assert sum("最" in one or "第" in one for one in texts) > 20
    assert [(one, hit.word) for one in texts for hit in hits(one)] == []


def test_a_denial_holds_for_its_own_clause_only() -> None:
    assert hits("它不能治疗失眠") == []
    assert [hit.word for hit in hits("它不能久放，治疗失眠")] == ["治疗"]
    assert [hit.word for hit in hits("它不是药还能治疗失眠")] == ["治疗"]


def test_a_persona_may_use_a_passage_that_it_gave_a_reason_for() -> None:
    assert [hit.word for hit in hits("最鲜时刻栏目来了")] == ["最鲜"]
    assert hits("最鲜时刻栏目来了", ["最鲜时刻"]) == []
    assert [hit.word for hit in hits("最鲜时刻栏目，最鲜的茶", ["最鲜时刻"])] == ["最鲜"]


def test_of_two_words_over_one_another_the_sterner_one_is_reported() -> None:
    assert [(hit.word, hit.level) for hit in hits("最低价")] == [("最低价", "error")]


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("faq.toml", "喝完倒空", "喝完能降血糖，倒空", "entry."),
        ("shop.toml", "元气帆布袋", "顶尖帆布袋", "item.bag"),
        ("banks/sunny.toml", "喝口水，抬头", "喝口最健康的水，抬头", "entry."),
        ("phrases/calendar.toml", "今日小话题：{entry}", "全网最好喝：{entry}", "post.topic"),
    ],
)
def test_words_are_found_wherever_members_read(file: str, old: str, new: str, key: str, tmp_path: object) -> None:
    house = a_house(tmp_path=tmp_path, edits={file: (old, new)})
    (one,) = house.findings()
    assert one.severity == "error"
    assert one.file.endswith(file)
    assert one.key.startswith(key)
    assert house.line(one) == house.line_with(file, new)


def test_words_are_found_in_slots_draws_and_settings(tmp_path: object) -> None:
    script = 'title = "t"\n[[beat]]\nid = "a"\ntitle = "甲"\ndate = "2026-12-12"\ntime = "12:00"\nphrase = "post.x"\n'
    script += 'kind = "greeting"\nslots = { what = "治愈系的颜色，能治疗失眠" }\n'
    house = a_house(
        script=script, phrases={"post.x": "{what}"}, tmp_path=tmp_path,
        draw={"name": "国家级大奖", "conditions": "群友都可以"},
        groups={"default": {"welcome": {"benefit": "全网最低价，手慢无"}}},
    )  # fmt: skip
    found = {(one.rule, one.key) for one in house.findings() if one.severity == "error"}
    assert found == {
        ("efficacy", "beat.a.slots.what"), ("absolute", "name"), ("absolute", "groups.default.welcome.benefit"),
    }  # fmt: skip


def test_words_of_a_beat_can_be_silenced_with_a_reason(tmp_path: object) -> None:
    script = 'title = "t"\n[[beat]]\nid = "a"\ntitle = "甲"\ndate = "2026-12-12"\ntime = "12:00"\nphrase = "post.x"\n'
    script += 'kind = "greeting"\nslots = { what = "第一大街见" }\nlint_off = { absolute = "第一大街是路名" }\n'
    assert a_house(script=script, phrases={"post.x": "{what}"}, tmp_path=tmp_path).findings() == []


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    found = hits(text)
    assert [text[hit.start : hit.start + len(hit.word)] for hit in found] == [hit.word for hit in found]


def test_looking_twice_finds_the_same() -> None:
    house = a_house()
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert lint(house.config, house.content, now) == lint(house.config, house.content, now)
