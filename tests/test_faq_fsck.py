"""`yuanzi fsck` on the question book: for every promise, a database on which exactly that promise is broken."""

from pathlib import Path

import pytest

from storage.fsck_faq import FAQ_RULES
from tests.conftest import Room, group_config
from tests.fsck_kit import broken, copied, lived, sql

CASES: dict[str, tuple[str, ...]] = {
    "faq_entry_twice": (
        "DROP INDEX faq_entry_once",
        """INSERT INTO faq_entry (group_id, key, question, similar, answer, state, version)
        SELECT group_id, key, question, similar, answer, 'on', 1 FROM faq_entry WHERE id = 1""",
        """INSERT INTO faq_version (entry_id, version, at, by_id, action, question, similar, answer, state, event_id)
        SELECT id, 1, 1, 'x', 'teach', question, similar, answer, 'on', 'again' FROM faq_entry WHERE id = 3""",
    ),
    "faq_entry_without_history": ("UPDATE faq_entry SET answer = 'x' WHERE id = 1",),
    "faq_history_with_gaps": ("DELETE FROM faq_version WHERE entry_id = 1 AND version = 1",),
    "faq_unanswered_count": ("UPDATE faq_unanswered SET times = 1 WHERE times = 2",),
    "faq_offer_entry": ("PRAGMA foreign_keys = OFF", "UPDATE faq_offer SET entry_id = 99"),
}


async def _teaching(room: Room) -> None:
    await room.boss_says("教 有没有礼盒装 => 有的")
    await room.boss_says("改 1 没有啦")
    await room.says("小满", "有没有礼盒装")
    await room.says("小满", "答错了")
    await room.says("阿杰", "这个杯子能进微波炉吗")
    await room.says("店长", "可以的，三十秒", quote="这个杯子")
    await room.boss_says("记住 1")
    await room.says("小满", "@小元子 拿破仑几岁当的皇帝")
    await room.says("豆豆", "@小元子 拿破仑几岁当的皇帝")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A book with an entry taught, changed, learnt by quoting, and a question asked twice."""
    path = tmp_path_factory.mktemp("book") / "x.db"
    return lived(path, group_config(scripts=[], faq={"maybe": 1.0, "sure": 1.0}), _teaching)


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(FAQ_RULES)


@pytest.mark.parametrize("rule", CASES)
def test_a_broken_promise_is_named(rule: str, taught: bytes, tmp_path: Path) -> None:
    named = broken(copied(tmp_path, taught), sql(*CASES[rule]))
    assert rule in named
    assert set(named) <= {rule, "foreign_keys"}
