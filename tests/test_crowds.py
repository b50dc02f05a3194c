"""Segments: the language reads what it writes, mistakes point at a character, and the tables answer as a person would."""

import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from bot.__main__ import main
from bot.crowd import COUNTED, ExpressionError, parse, show
from bot.crowds import members_of, setting
from bot.lifecycle import BUY_STAGES, TALK_STAGES
from storage.crowds import Both, Compare, Either, Has, Node, Not
from storage.store import Store
from tests.conftest import BOSS, OpenRoom, group_config, keys
from tests.test_orders import order, take
from tests.test_tagging import CONFIG, DAY, START, fresh, learn_all, moment, write

Capture = pytest.CaptureFixture[str]
value = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
operator = st.sampled_from([">=", "<=", ">", "<", "=", "!="])
atoms = st.one_of(
    st.builds(Has, st.sampled_from(["tag", "source", "group", "level", "crowd"]), value),
    st.builds(Has, st.just("stage"), st.sampled_from(list(TALK_STAGES))),
    st.builds(Has, st.just("buying"), st.sampled_from(list(BUY_STAGES))),
    st.builds(Compare, st.sampled_from(["points", "tenure", "orders", "spent"]), operator, st.integers(-999, 10**8)),
    st.builds(Compare, st.sampled_from(list(COUNTED.values())), operator, st.integers(0, 999), st.integers(1, 400)),
)


def _flat(kind: type, parts: list[Node]) -> Node:
    """Without one inside another of its kind: 甲 且 (乙 且 丙) reads the same, but is another tree."""
    flat = [
        inner
        for one in parts
        for inner in (one.parts if isinstance(one, Both | Either) and isinstance(one, kind) else (one,))
    ]
    made: Node = kind(tuple(flat))
    return made


trees = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(Not, inner), st.builds(_flat, st.just(Both), st.lists(inner, min_size=2, max_size=3)),
        st.builds(_flat, st.just(Either), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(trees)
def test_what_is_written_is_read_as_the_same_tree(tree: Node) -> None:
    text = show(tree)
    if len(text) <= 500:
        assert parse(text) == tree


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from('标签:无糖且或非()（） 近30天签到>=3阶段沉睡"\\积分！=&|'), max_size=40))
def test_whatever_is_typed_is_a_tree_or_a_mistake_with_a_place(text: str) -> None:
    try:
        tree = parse(text)
    except ExpressionError as error:
        assert 0 <= error.at <= len(text)
        assert "^" in error.pointed()
    else:
        assert parse(show(tree)) == tree


SUGAR, ASLEEP = Has("tag", "无糖"), Has("stage", "sleeping")
CHECKED = Compare("check_ins", ">=", 3, 30)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("标签:无糖 且 阶段:沉睡 且 近30天签到>=3", Both((SUGAR, ASLEEP, CHECKED))),
        ("标签：无糖且阶段：沉睡且近30天签到≥3", Both((SUGAR, ASLEEP, CHECKED))),
        ("标签:无糖 或 阶段:沉睡 且 近 30 天 签到 >= 3", Either((SUGAR, Both((ASLEEP, CHECKED))))),
        ("（标签:无糖 或 阶段:沉睡）且 近30天签到>=3", Both((Either((SUGAR, ASLEEP)), CHECKED))),
        ("非 标签:无糖", Not(SUGAR)), ("非(标签:无糖 且 阶段:沉睡)", Not(Both((SUGAR, ASLEEP)))),
        ("标签:爱聊:咖啡", Has("tag", "爱聊:咖啡")), ('标签:"且 或 ("', Has("tag", "且 或 (")),
        ("购买阶段:首购 且 消费>200", Both((Has("buying", "new"), Compare("spent", ">", 200)))),
        ("标签:且听风吟", Has("tag", "且听风吟")),
    ],
)  # fmt: skip
def test_expressions_are_read(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("标签:无糖 且 阶段:沉睡了", 11, "是不是想写 沉睡"), ("标前:无糖", 0, "是不是想写 标签"), ("标签:", 3, "没有写值"),
        ("标签:无糖 阶段:沉睡", 6, "条件之间写「且」或者「或」"), ("(标签:无糖", 6, "右括号"), ("近30天签道>=3", 4, "是不是想写 签到"),
        ("近30天签到", 6, ">=、<= 或 ="), ("积分>=三", 4, "整数"), ("签到>=3", 0, "近30天签到>=3"), ("近0天签到>=3", 1, "1 到 400"),
        ("标签:无糖 且", 7, "应是一个条件"), ('标签:"无糖', 3, "收尾"), ("", 0, "应是一个条件"), ("(" * 40, 30, "太深"), ("积分>=3.5", 4, "整数"),
    ],
)  # fmt: skip
def test_a_mistake_points_at_its_character(text: str, at: int, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert raised.value.at == at
    lines = raised.value.pointed().splitlines()
    assert says in lines[1]
    assert lines[1].index("^") == at


NOW = START + 40 * DAY


@pytest.fixture(scope="module")
def town() -> Store:
    """Three members: one wants no sugar and fell silent, one buys, one only joined."""
    store = fresh()
    store.members.see_group("g", "pipe", START)
    for member in ("m1", "m2", "m3", BOSS):
        store.members.see_member(member, member, "pipe", START)
        store.members.join("g", member, START, inviter="", source="抖音" if member == "m3" else "")
    for number, (who, text, day) in enumerate(
        [("m1", "无糖", 0), ("m1", "零糖", 1), ("m2", "早", 39), ("m2", "早", 38)]
    ):
        write(store, number, (who, text, None, START + day * DAY, "g"))
    store.check_ins.add(
        "g", "m2", moment(NOW - DAY).date().isoformat(), at=NOW - DAY, kind="own", streak=1, event_id="c"
    )
    take(store, order(1, NOW - DAY, 25_000, buyer="m2"), now=NOW)
    store.ledger.move("x", "house:x", "member:m2", 250, asset="points", at=NOW, event_id="x", cause="测试")
    learn_all(store, NOW, 100)
    return store


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("标签:无糖", ["m1"]), ("非 标签:无糖", ["m2", "m3"]), ("阶段:沉睡", ["m1"]), ("阶段:新人", ["m2"]),
        ("阶段:活跃", []), ("近30天签到>=1", ["m2"]), ("近7天发言>=2", ["m2"]), ("近2天发言>=2", []), ("近3天发言>=2", ["m2"]), ("近1天发言>=1", []),
        ("近60天来过=2", ["m1", "m2"]), ("来源:抖音", ["m3"]), ("群:g", ["m1", "m2", "m3"]), ("群:h", []),
        ("购买阶段:首购", ["m2"]), ("订单>=1", ["m2"]), ("近30天消费>=250", ["m2"]), ("近30天消费>250", []),
        ("积分>=250", ["m2"]), ("积分<1", ["m1", "m3"]), ("进群天数>=40", ["m1", "m2", "m3"]), ("进群天数>40", []),
        ("等级:常客", ["m2"]), ("等级:新朋友", ["m1", "m3"]), ("标签:中消费 或 标签:无糖", ["m1", "m2"]), ("近30天中奖>=1", []),
        ("标签:' OR 1=1 --", []), ("近30天订单=1 且 非 阶段:沉睡", ["m2"]),
    ],
)  # fmt: skip
def test_the_tables_answer_as_a_person_would(town: Store, text: str, who: list[str]) -> None:
    text = text if "'" not in text else '标签:"\' OR 1=1 --"'
    assert members_of(town, CONFIG, text, None, moment(NOW)) == who
    assert members_of(town, CONFIG, text, "g", moment(NOW)) == who
    asked = setting(CONFIG, "g", moment(NOW))
    assert [one for one in ("m1", "m2", "m3") if town.crowds.fits(parse(text), asked, one)] == who
    assert members_of(town, CONFIG, text, "elsewhere", moment(NOW)) == []


atom_texts = st.sampled_from(
    ["标签:无糖", "阶段:新人", "近30天签到>=1", "来源:抖音", "积分<1", "订单>=1", "进群天数>=40"]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(atom_texts, min_size=1, max_size=3), st.lists(atom_texts, min_size=1, max_size=3))
def test_and_or_and_not_are_those_of_sets(town: Store, some: list[str], others: list[str]) -> None:
    def of(text: str) -> set[str]:
        return set(members_of(town, CONFIG, text, "g", moment(NOW)))

    everybody = {"m1", "m2", "m3"}
    one, two = " 且 ".join(some), " 或 ".join(others)
    assert of(one) == everybody.intersection(*map(of, some))
    assert of(two) == set().union(*map(of, others))
    assert of(f"非 ({one}) 且 ({two})") == (everybody - of(one)) & of(two)


def test_a_title_that_nobody_can_hold_is_a_mistake(town: Store) -> None:
    with pytest.raises(ExpressionError) as raised:
        members_of(town, CONFIG, "积分>1 且 等级:常课", None, moment(NOW))
    assert raised.value.at == 10
    assert "常客" in raised.value.hint


def test_no_condition_walks_over_everything_that_was_said(town: Store) -> None:
    from bot.crowds import setting

    text = "标签:无糖 且 阶段:沉睡 且 近30天签到>=3 且 近7天发言>=2 且 近30天中奖>=1 且 订单>=1 且 积分>=1 且 进群天数>=1 且 来源:x 且 群:g"
    for group in (None, "g"):
        sql, values = town.crowds._sql(parse(text), setting(CONFIG, group, moment(NOW)))
        plan = [row[3] for row in town.db.execute(f"EXPLAIN QUERY PLAN SELECT count(*) {sql}", values)]
        scanned = [step for step in plan if step.startswith("SCAN") and step not in ("SCAN m", "SCAN chat_group")]
        assert scanned == [], plan


async def test_staff_preview_save_and_list(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], welcome={"on": False}))
    room.people["店长"] = BOSS
    for _ in range(2):
        await room.says("小满", "想要无糖的")
    (line,) = await room.boss_says("分群 标签:无糖 且 阶段:新人")
    assert line.group is None
    assert "1 位" in line.text
    assert "小满" in line.text
    assert keys(await room.boss_says("保存分群 控糖 = 标签:无糖")) == ["crowd.saved"]
    await room.wait(timedelta(days=1))
    (line,) = await room.boss_says("分群 控糖", private=True)
    assert "小满" in line.text
    (line,) = await room.boss_says("分群 标签:无糖 且 阶段:沉睡了")
    assert "^ 没有「沉睡了」这个阶段，是不是想写 沉睡？" in line.text


@pytest.fixture
def sugar(tmp_path: Path) -> Path:
    from storage.database import Database

    path = tmp_path / "x.db"
    database = Database.open(path, "off")
    database.begin()
    store = Store(database)
    store.members.see_member("m1", "=小满", "pipe", START)
    now = 1_790_000_000_000
    store.interactions.record("e1", "message", now, "pipe", "g", "m1", text="送礼", details={}, route=None)
    store.orders.map("tb", "m1", at=1, staff_id="s")
    database.commit()
    database.close()
    return path


def test_a_segment_is_exported_in_three_forms(sugar: Path, tmp_path: Path, capfd: Capture) -> None:
    def export(*more: Any) -> int:
        return main(["segment", "export", "进群天数>=0", "--db", str(sugar), *map(str, more)])

    assert export() == 0
    (line,) = capfd.readouterr().out.splitlines()
    assert json.loads(line)["member_id"] == "m1"
    assert export("--out", tmp_path / "x.csv") == export("--out", tmp_path / "x.xlsx") == 0
    with (tmp_path / "x.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert rows[1][:2] == ["m1", "'=小满"]
    book = load_workbook(tmp_path / "x.xlsx")
    assert book.active is not None
    assert book.active["B2"].value == "'=小满"
    assert main(["segment", "export", "标签", "--db", str(sugar)]) == 2
    assert "^" in capfd.readouterr().err


def test_a_saved_segment_inside_an_expression_means_what_it_means_alone(town: Store) -> None:
    def who(text: str) -> list[str]:
        return members_of(town, CONFIG, text, None, moment(NOW))

    town.crowds.save("懂的", "标签:无糖 或 近30天订单>=1", staff_id=BOSS, at=NOW)
    town.crowds.save("深", "分群:懂的 且 非 阶段:流失", staff_id=BOSS, at=NOW)
    assert who("分群:懂的") == who("懂的") == who("标签:无糖 或 近30天订单>=1")
    assert who("非 (分群:深) 且 积分>=0") == who("非 ((标签:无糖 或 近30天订单>=1) 且 非 阶段:流失) 且 积分>=0")


def test_segments_that_use_each_other_twice_and_twice_again_stop_at_a_size(town: Store) -> None:
    town.crowds.save("层0", "积分>=0 或 订单>=0", staff_id=BOSS, at=NOW)
    for number in range(1, 12):
        text = f"分群:层{number - 1} 且 分群:层{number - 1}"
        town.crowds.save(f"层{number}", text, staff_id=BOSS, at=NOW)
    with pytest.raises(ExpressionError) as raised:
        members_of(town, CONFIG, "标签:无糖 且 分群:层11", None, moment(NOW))
    assert "条件太多" in raised.value.reason
    assert raised.value.at == len("标签:无糖 且 分群:")


def test_a_mistake_in_a_segment_points_at_where_it_is_used(town: Store) -> None:
    town.crowds.save("高等级", "等级:常课", staff_id=BOSS, at=NOW)
    with pytest.raises(ExpressionError) as raised:
        members_of(town, CONFIG, "积分>1 且 分群:高等级", None, moment(NOW))
    assert (raised.value.at, raised.value.reason[:8]) == (len("积分>1 且 分群:"), "分群「高等级」里")
