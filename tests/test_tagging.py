"""Tags: every one rests on evidence that supports it, in whatever order and portions the past is read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import shipped
from bot.errors import ConfigError
from bot.explaining import tag_named
from bot.learning import Calendar, learn
from bot.tagging import Ear, judge, merge
from bot.tagrules import TagBook, load_tags
from bot.words import fold
from storage.database import Database
from storage.fsck import check
from storage.store import Store
from storage.tags import KEPT, Evidence, HeardRow
from tests.conftest import OpenRoom, Room, a_config, group_config, keys

BOOK = load_tags(Path(__file__).parent.parent / "bot" / "tags.toml")
CONFIG = a_config()
DAY = 86_400_000
START = 1_780_000_000_000
LINES = [
    "有没有无糖的",
    "想要不加糖的",
    "不要无糖",
    "要不要无糖",
    "越甜越好",
    "我在上海呢",
    "坐标北京",
    "今天气泡水和咖啡",
    "早",
    "跑步回来",
]
ROUTES = [None, None, "checkin.check_in", "draw.join", "faq.answer"]

happening = st.tuples(
    st.sampled_from(["m1", "m2", "dianzhang", "yuanzi"]), st.sampled_from(LINES), st.sampled_from(ROUTES),
    st.integers(0, 80 * 24).map(lambda hours: START + hours * 3_600_000), st.sampled_from(["g", None]),
)  # fmt: skip
past = st.lists(happening, max_size=60)


def write(store: Store, number: int, one: tuple[Any, ...]) -> None:
    member, text, route, at, group = one
    store.interactions.record(f"e{number}", "message", at, "pipe", group, member, text=text, details={}, route=route)


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def everything(store: Store) -> list[list[tuple[Any, ...]]]:
    return [
        store.db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4").fetchall()
        for table in ("member_tag", "tag_evidence", "member_day", "stage_change", "stage_now")
    ]


def learn_all(store: Store, now: int, most: int, book: TagBook = BOOK) -> None:
    while learn(store, CONFIG, book, moment(now), most):
        pass


def fresh() -> Store:
    database = Database.open(Path(":memory:"), "off")
    database.begin()
    return Store(database)


@settings(max_examples=60, deadline=None)
@given(past, st.integers(1, 7))
def test_portions_and_the_moment_of_reading_do_not_matter(events: list[tuple[Any, ...]], piece: int) -> None:
    end = START + 100 * DAY
    living, later = fresh(), fresh()
    for number, one in enumerate(events):
        write(living, number, one)
        if number % 3 == 0:  # ticks while life goes on; the clock is wherever events are
            learn_all(living, max(at for _, _, _, at, _ in events[: number + 1]), piece)
        write(later, number, one)
    learn_all(living, end, piece)
    learn_all(later, end, 10_000)
    assert everything(living) == everything(later)


@settings(max_examples=60, deadline=None)
@given(past, st.integers(1, 9), st.integers(1, 30))
def test_how_much_fits_into_memory_does_not_matter(events: list[tuple[Any, ...]], portion: int, most: int) -> None:
    little, much = fresh(), fresh()
    for number, one in enumerate(events):
        write(little, number, one)
        write(much, number, one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.learning.PORTION", portion)
        patch.setattr("bot.learning.MOST_KEPT", most)
        patch.setattr("bot.stages.MOST_DAYS", most // 3)
        learn_all(little, START + 100 * DAY, 10_000)
    learn_all(much, START + 100 * DAY, 10_000)
    assert everything(little) == everything(much)


@settings(max_examples=60, deadline=None)
@given(past)
def test_every_tag_has_evidence_and_the_evidence_supports_it(events: list[tuple[Any, ...]]) -> None:
    store = fresh()
    for number, one in enumerate(events):
        write(store, number, one)
    learn_all(store, START + 100 * DAY, 50)
    said = {f"e{number}": one for number, one in enumerate(events)}
    for member, tag, need in store.db.execute(
        "SELECT member_id, tag, rule FROM member_tag WHERE expires_at > 0"
    ).fetchall():
        rule = BOOK.rule(need)
        assert rule is not None
        assert member not in ("dianzhang", "yuanzi")
        evidence = store.tags.evidence(member, tag, "rule")
        assert rule.need <= len(evidence) <= KEPT
        for one in evidence:
            who, text, route, at, _ = said[one.ref]
            assert (who, at) == (member, one.at)
            if rule.kind in ("talk", "place"):
                assert tag in {found for _, found in Ear(BOOK, [rule], Calendar(CONFIG)).spot(fold(text))}
            if rule.kind == "act":
                assert route.startswith(rule.routes)


@settings(max_examples=40, deadline=None)
@given(past)
def test_forgetting_a_member_removes_every_trace_and_nobody_else(events: list[tuple[Any, ...]]) -> None:
    store, other = fresh(), fresh()
    for number, one in enumerate(events):
        write(store, number, one)
        if one[0] != "m1":
            write(other, number, one)
    learn_all(store, START + 100 * DAY, 50)
    learn_all(other, START + 100 * DAY, 50)
    store.tags.forget("m1")
    store.lifecycle.forget("m1")
    assert everything(store) == everything(other)


def test_an_edited_rule_reads_the_past_anew_and_leaves_nothing_of_the_old_one() -> None:
    store = fresh()
    for number in range(4):
        write(store, number, ("m1", "有没有无糖的", None, START + number * DAY, "g"))
    learn_all(store, START + 10 * DAY, 2)
    assert "无糖" in {one.tag for one in store.tags.held("m1", START + 10 * DAY)}
    stricter = [
        rule.model_copy(update={"need": 5, "version": 2}) if rule.id == "taste.sugar_free" else rule
        for rule in BOOK.rules
    ]
    learn_all(store, START + 10 * DAY, 2, TagBook(tuple(stricter), BOOK.products, BOOK.refusals, BOOK.conflicts))
    assert "无糖" not in {one.tag for one in store.tags.held("m1", START + 10 * DAY)}
    (row,) = store.tags.rows("m1", "无糖")
    assert row.version.startswith("2.")
    assert row.hits == 4


def test_a_rule_that_is_gone_takes_its_tags_along() -> None:
    store = fresh()
    write(store, 0, ("m1", "送礼用", None, START, "g"))
    learn_all(store, START + DAY, 50)
    assert "送礼" in {one.tag for one in store.tags.held("m1", START + DAY)}
    rest = tuple(rule for rule in BOOK.rules if rule.tag != "送礼")
    learn_all(store, START + DAY, 50, TagBook(rest, BOOK.products, BOOK.refusals, BOOK.conflicts))
    assert store.tags.rows("m1", "送礼") == []


@pytest.mark.parametrize(
    ("text", "tag", "heard"),
    [
        ("有没有无糖的", "无糖", True), ("不要无糖的", "无糖", False), ("要不要无糖的", "无糖", True),
        ("喜不喜欢加冰", "爱冰", True), ("不喜欢加冰", "爱冰", False), ("我讨厌咖啡", "爱聊:咖啡", False),
        ("０糖的呢", "无糖", True), ("我在上海上班", "地区:上海", True), ("上海真大", "地区:上海", False),
    ],
)  # fmt: skip
def test_words_are_heard_unless_somebody_says_no_to_them(text: str, tag: str, heard: bool) -> None:
    found = {one for _, one in Ear(BOOK, BOOK.heard, Calendar(CONFIG)).spot(fold(text))}
    assert (tag in found) is heard


def test_of_two_tags_that_exclude_each_other_the_newer_holds_and_the_older_comes_back() -> None:
    store = fresh()
    for number, (text, day) in enumerate([("无糖", 0), ("无糖", 1), ("越甜越好", 2), ("越甜越好", 3), ("零糖", 60)]):
        write(store, number, ("m1", text, None, START + day * DAY, "g"))
    learn_all(store, START + 4 * DAY, 4)
    store.db.execute("SELECT 1")
    held = {one.tag for one in store.tags.held("m1", START + 4 * DAY)}
    assert "无糖" in held
    assert "爱甜" not in held


def test_strength_and_expiry_follow_from_the_times_of_evidence() -> None:
    assert judge([5 * DAY], 2, 30) == (0, 0)
    assert judge([5 * DAY, 1 * DAY], 2, 30) == (1, 31 * DAY)
    assert judge([9 * DAY, 8 * DAY, 7 * DAY, 6 * DAY, 5 * DAY, 4 * DAY, 3 * DAY], 1, 30)[0] == 5
    assert judge([100 * DAY, 1 * DAY], 1, 30) == (1, 130 * DAY)


def test_only_the_newest_evidence_is_kept_and_of_a_day_the_first() -> None:
    known = [Evidence(str(number), number, "interaction", f"e{number}") for number in range(KEPT)]
    kept = merge(known, {"99": (99, "x"), "5": (4, "earlier")})
    assert len(kept) == KEPT
    assert kept[0].ref == "x"
    assert "0" not in {one.mark for one in kept}
    assert next(one for one in kept if one.mark == "5").ref == "earlier"


def test_sources_come_from_joins_and_staff_and_bots_get_no_tags() -> None:
    row = HeardRow(1, "e", "joined", START, "g", None, None, '{"members": ["m1", "dianzhang"], "source": "抖音"}', None)
    found = Ear(BOOK, BOOK.heard, Calendar(CONFIG)).hear([row], frozenset({"dianzhang"}))
    assert list(found) == [("m1", "来源:抖音")]


def problems_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "tags.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_tags(path, ["禁词"])
    return [str(one) for one in raised.value.problems]


RULE = '[[rule]]\nid = "a"\ntag = "无糖"\nkind = "talk"\nwords = ["无糖"]\nwhy = "说到"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RULE + RULE.replace('"a"', '"b"'), "重复"), (RULE.replace("words", "wordz"), "words"),
        (RULE.replace('words = ["无糖"]', ""), "words 和 products"), (RULE.replace('["无糖"]', '["无糖", "無"]'), ""),
        (RULE.replace('kind = "talk"', 'kind = "hours"'), "要写 hours"), (RULE.replace("无糖", "禁词"), "禁用词"),
        (RULE + '[[conflict]]\nname = "x"\ntags = ["无唐", "无糖"]\n', "是不是想写 无糖"),
        (RULE.replace('words = ["无糖"]', "products = true"), "{value}"),
        (RULE.replace('["无糖"]', '["0糖", "０糖"]'), "写了两次"), (RULE + "need = 99\n", "不能大于 15"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named(tmp_path: Path, text: str, says: str) -> None:
    if not says:
        path = tmp_path / "tags.toml"
        path.write_text(text, encoding="utf-8")
        assert len(load_tags(path).rules) == 1
        return
    assert says in "\n".join(problems_of(tmp_path, text))


async def a_room(open_room: OpenRoom) -> Room:
    room = await open_room(group_config(scripts=[], welcome={"on": False}))
    room.people["店长"] = "dianzhang"
    return room


async def test_an_explanation_names_dates_words_rule_and_end(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "有没有无糖的呀")
    await room.wait(timedelta(days=1))
    await room.says("小满", "零糖的到货了吗")
    (line,) = await room.boss_says("标签依据 @小满 无糖")
    assert line.group is None
    for piece in ("12月2日「有没有无糖的呀」", "12月3日「零糖的到货了吗」", "2 次", "taste.sugar_free", "2027年4月1日"):
        assert piece in line.text, piece
    (line,) = await room.boss_says("标签依据 @小满 无塘")
    assert "有没有无糖的呀" in line.text


async def test_what_staff_took_away_does_not_come_back_by_itself(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    for _ in range(2):
        await room.says("小满", "想要无糖的")
    assert keys(await room.boss_says("去标签 @小满 无糖")) == ["tags.taken"]
    await room.says("小满", "再来点无糖")
    (line,) = await room.boss_says("标签依据 @小满 无糖")
    assert "被员工去掉了" in line.text
    assert keys(await room.boss_says("打标签 @小满 无糖")) == ["tags.given"]
    (line,) = await room.boss_says("标签依据 @小满 无糖")
    assert "员工打的" in line.text
    await room.close()
    assert check(room.db).violations == []


async def test_tags_are_learnt_by_the_hour_without_anybody_asking(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "送礼用")
    assert room.rows("SELECT * FROM member_tag") == []
    await room.wait(timedelta(hours=2, minutes=1))
    assert room.one("SELECT count(*) FROM member_tag WHERE tag = '送礼'") == 1
    wakes = room.one("SELECT count(*) FROM interaction WHERE id LIKE 'tick:learning:%'")
    await room.wait(timedelta(days=30))
    # Where nobody talks, it looks ever more seldom.
    assert room.one("SELECT count(*) FROM interaction WHERE id LIKE 'tick:learning:%'") - wakes <= 36


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("无糖", "无糖"), ("「无糖」", "无糖"), ("有无糖这个标签？", "无糖"), ("有有娃的标签", "有娃"), ("有娃", "有娃"),
        ("咖啡", "爱聊:咖啡"), ("爱聊：咖啡", "爱聊:咖啡"), ("无塘", "无糖"), ("没收到货", None), ("", None), ("标签", None),
    ],
)  # fmt: skip
def test_a_tag_is_named_as_people_name_it(said: str, named: str | None) -> None:
    assert tag_named(said, ["无糖", "有娃", "爱聊:咖啡"]) == named


async def test_what_a_member_said_in_private_is_not_repeated_in_the_group(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "我家娃三年级了", private=True)
    await room.wait(timedelta(days=1))
    await room.says("小满", "我家娃今天放学早", private=True)
    (line,) = await room.says("小满", "@小元子 为什么 有娃")
    assert (line.phrase, "三年级" in line.text, "放学" in line.text) == ("why.tag_mine", False, False)
    (line,) = await room.says("小满", "为什么 有娃", private=True)
    assert "放学" in line.text


async def test_what_is_hidden_from_members_stays_hidden_and_staff_see_it(open_room: OpenRoom) -> None:
    room = await a_room(open_room)
    await room.says("小满", "早")
    (line,) = await room.says("小满", "为什么 低活跃", private=True)
    assert line.phrase == "why.mine"
    (line,) = await room.boss_says("为什么 @小满 低活跃")
    assert (line.phrase, line.group) == ("why.tag", None)
    assert "activity.low" in line.text


def test_the_shipped_rules_are_found_where_the_persona_has_none() -> None:
    assert not (shipped("persona") / "xiaoyuanzi" / "tags.toml").exists()
    assert len(BOOK.rules) > 20
