"""The question book in conversation: teaching, wrong answers, what staff read about it, repeats and restarts."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answering import faq_lines
from bot.channels import Line
from bot.context import Context
from bot.events import MessageReceived
from bot.replies import Wishes
from bot.router import Router
from bot.shelf import TaughtShelf
from bot.teaching import ARROW
from bot.words import NOTHING
from storage.fsck import check
from storage.store import Store
from tests.conftest import OpenRoom, Room, group_config, keys

CAREFUL = group_config(scripts=[], faq={"sure": 1.0, "maybe": 1.0})


def digest(room: Room, group: str | None = "yuanqi") -> list[str]:
    app = room.app
    event = room.a_message("look", "x")
    ctx = Context(
        event, now=room.world.now(), reading=NOTHING, settings=app.config.group(group), role="owner", store=app.store,
        config=app.config, luck=app.luck, desk=app.desk, on_wake=lambda _due: None,
    )  # fmt: skip
    return faq_lines(ctx, group, room.start, room.world.now() + timedelta(seconds=1))


async def test_a_digest_tells_top_questions_misses_and_wrong_answers(open_room: OpenRoom) -> None:
    room = await open_room(CAREFUL)
    assert digest(room) == []
    await room.says("小满", "怎么退款")
    await room.says("小满", "答错了")
    await room.says("阿杰", "@小元子 怎么退款")
    await room.says("豆豆", "@小元子 拿破仑几岁当的皇帝")
    await room.says("橙子", "@小元子 拿破仑几岁当的皇帝呢？")
    first, top, missed, wrong = digest(room)
    assert first == "问答 4 次，答上 2，反问 0，没答上 2"
    assert "refund" in top
    assert "2 次" in top
    assert "#1「拿破仑几岁当的皇帝」2 次" in missed
    assert "refund" in wrong
    assert "1 次" in wrong
    assert digest(room, "another") == []


async def test_staff_read_why_an_entry_was_the_answer(quiet_stage: Room) -> None:
    await quiet_stage.says("小满", "@小元子 怎么退钱")
    (line,) = await quiet_stage.boss_says("为什么 1")
    assert line.phrase == "why.line"
    assert all(word in line.text for word in ("refund", "把握", "最像的问法"))


async def test_a_quoted_answer_is_called_wrong_however_long_ago(quiet_stage: Room) -> None:
    await quiet_stage.says("小满", "怎么退款")
    await quiet_stage.says("小满", "怎么开发票")
    await quiet_stage.wait(timedelta(hours=2))
    answer = next(line.text for line in quiet_stage.said if "退款" in line.text)
    said = await quiet_stage.says("阿杰", "答错了", quote=answer[:20])
    assert keys(said) == ["faq.wrong", "staff.faq_wrong"]
    assert "refund" in said[1].text
    assert keys(await quiet_stage.says("阿杰", "答错了", quote="大家早上好")) == []


async def test_a_quote_of_ours_or_a_statement_is_not_offered_to_be_remembered(quiet_stage: Room) -> None:
    await quiet_stage.says("小满", "今天的气泡水真好喝")
    assert keys(await quiet_stage.says("店长", "喜欢就常来呀", quote="今天的")) == []
    (answer,) = await quiet_stage.says("小满", "怎么退款")
    assert keys(await quiet_stage.says("店长", "就是这样办理的", quote=answer.text[:10])) == []


async def test_a_question_that_the_book_answers_is_not_offered_again(quiet_stage: Room) -> None:
    await quiet_stage.says("小满", "怎么退款？")
    assert keys(await quiet_stage.says("店长", "去订单里点一下申请", quote="怎么退款")) == []


async def test_the_window_for_taking_back_ends(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], faq={"undo": "1h"}))
    await room.boss_says("教 有没有礼盒装 => 有的")
    await room.wait(timedelta(hours=2))
    assert keys(await room.boss_says("撤销回答 1")) == ["faq.too_late"]
    await room.boss_says("改 1 没有了")
    assert keys(await room.boss_says("撤销回答 1")) == ["faq.taken_back"]
    assert keys(await room.boss_says("撤销回答 1")) == ["faq.undone"]


async def test_taking_back_a_removal_fails_when_the_question_was_taught_anew(quiet_stage: Room) -> None:
    await quiet_stage.boss_says("教 有没有礼盒装 => 有的")
    await quiet_stage.boss_says("删 1")
    assert keys(await quiet_stage.boss_says("教 有没有礼盒装 => 没有")) == ["faq.taught"]
    assert keys(await quiet_stage.boss_says("撤销回答 1")) == ["faq.known"]


async def test_an_entry_that_a_broken_handler_taught_is_not_in_the_book(open_room: OpenRoom) -> None:
    router = Router("broken")

    @router.command("教坏", help="x")
    def broken(event: MessageReceived, ctx: Context) -> Wishes:
        ctx.store.faq.teach(None, "有没有礼盒装", "有没有礼盒装", (), "有", by="x", at=1, event_id=event.id)
        assert "#1" not in ctx.desk.library.entries
        ctx.desk.library.search("有没有礼盒装", None, ctx.settings)
        assert "#1" in ctx.desk.library.entries
        raise RuntimeError

    room = await open_room(group_config(scripts=[]), more=[router])
    await room.boss_says("教坏")
    assert keys(await room.says("小满", "@小元子 有没有礼盒装"))[:1] != ["faq.answer"]
    assert room.one("SELECT count(*) FROM faq_entry") == 0


async def test_a_number_said_in_a_game_is_a_move_and_no_choice(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], faq={"sure": 1.0, "maybe": 0.05}))
    await room.says("小满", "数字炸弹")
    assert keys(await room.says("小满", "@小元子 瓶子漏水了")) == ["faq.choices"]
    assert "faq.answer" not in keys(await room.says("小满", "1"))
    assert keys(await room.says("小满", "@小元子 1")) == ["faq.answer"]


async def test_a_forgotten_member_leaves_no_question_behind(open_room: OpenRoom) -> None:
    room = await open_room(CAREFUL)
    await room.says("小满", "@小元子 拿破仑几岁当的皇帝")
    await room.says("小满", "怎么退款")
    member = room.people["小满"]

    def forget() -> None:
        room.app.store.privacy.forget(member, "gone-1", at=1)
        room.app.store.forget_caches()

    await room.app.engine.write(forget)
    assert room.rows("SELECT DISTINCT member_id, asked FROM faq_reply") == [("gone-1", "（已删除）")]


def test_an_old_note_goes_and_the_open_question_stays(store: Store) -> None:
    number = store.faq_log.begin_unanswered("k", "问题", None, 1)
    store.faq_log.note("e", None, "m", "miss", "问题", at=1, unanswered_id=number)
    store.faq_log.note("f", None, "m", "answer", "问题", at=9, entry="a", score=1.0)
    store.faq_log.drop_old(5, 10)
    assert store.db.execute("SELECT event_id FROM faq_reply").fetchall() == [("f",)]
    assert [one.id for one in store.faq_log.unanswered(5)] == [number]


@pytest.mark.parametrize("arrow", ["=>", "＝＞", "==>", "=》", "→", " => "])
def test_any_arrow_stands_between_question_and_answer(arrow: str) -> None:
    assert ARROW.split(f"甲乙{arrow}丙", maxsplit=1) == ["甲乙", "丙"]


TEACHING = st.text(
    st.sampled_from("教改删记住未答撤销回答谁教的搜问#=>→ 1298@小元子怎么退款a\n\u202e「」"), max_size=14
)


async def test_no_words_of_staff_break_the_book(quiet_stage: Room) -> None:
    said: list[str] = []

    @settings(max_examples=120, deadline=None, database=None)
    @given(st.sampled_from(["教 ", "改 ", "删 ", "撤销回答 ", "谁教的 ", "搜问答 ", "记住 ", "未答 ", ""]), TEACHING)
    def collect(word: str, rest: str) -> None:
        said.append(f"{word}{rest}")

    collect()
    for number, text in enumerate(said):
        lines: list[Line] = await quiet_stage.boss_says(text or "空", private=number % 2 == 0)
        assert "staff.bug" not in keys(lines), text
    assert quiet_stage.one("SELECT count(*) FROM interaction WHERE failed = 1") == 0


async def test_a_new_answer_to_a_written_entry_outlives_the_entry(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[], faq={"cooldown": "0s"}))
    assert keys(await room.boss_says("改 怎么退款 => 找店长退")) == ["faq.changed_file"]
    (line,) = await room.says("小满", "@小元子 退款怎么弄呀")
    assert "找店长退" in line.text
    standing = room.app.store.faq.standing()
    assert [(one.stands_for, one.question) for one in standing] == [("refund", "怎么退款？")]
    shelf = TaughtShelf(room.app.store, set)  # the files have nothing any more
    assert [one.question for one in shelf.read()] == ["怎么退款？"]
    assert keys(await room.says("小满", "答错了")) == ["faq.wrong", "staff.faq_wrong"]
    assert "找店长退" in room.said[-1].text
    await room.close()
    assert check(room.db).is_clean


async def test_a_change_without_target_or_answer_says_how_it_is_written(open_room: OpenRoom) -> None:
    room = await open_room(group_config(scripts=[]))
    for text in ("改 => 找店长", "改 怎么退款 =>", "改"):
        assert keys(await room.boss_says(text, private=True)) == ["faq.usage"], text
    assert keys(await room.boss_says("改 99 找店长")) == ["faq.no_entry"]
    assert keys(await room.boss_says("改 怎么退款 => " + "长" * 600)) == ["faq.bad_answer"]
