"""`yuanzi chat`: what is typed, what happens, what is shown, kept and saved."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.channels.terminal import PlainScreen, suggest, tidy, with_mentions, wrapped
from bot.chat import Chat
from bot.commands.chat import _known
from bot.config import load_config
from bot.errors import ConfigError, Mistake
from bot.room import Room
from bot.scenario import load_scenario, play
from bot.stage import START, Cast, Stage
from storage.database import Database
from storage.store import Store
from tests.quick_process import Forked

YUANZI = [sys.executable, "-m", "bot", "chat"]


class Table:
    """A chat on a database, with everything that its screen showed."""

    def __init__(self, chat: Chat, shown: list[str]) -> None:
        self.chat = chat
        self.stage = chat.stage
        self._shown = shown

    async def type(self, *lines: str) -> str:
        """Types lines; returns what they brought on the screen."""
        before = len(self._shown)
        for line in lines:
            await self.chat.type(line)
        return "".join(self._shown[before:])

    def keys(self) -> list[str]:
        return [line.phrase for line in self.stage.said]


@asynccontextmanager
async def sitting(
    db: Path, *, start: datetime = START, resumed: bool = False, name: str = "", keeps: bool = True
) -> AsyncIterator[Table]:
    cast = Cast.load()
    stage = Stage(load_config, db, start=start, people=cast.people())
    await stage.open()
    shown: list[str] = []
    room = Room(stage, PlainScreen(shown.append), keeps=keeps, resumed=resumed)
    if name:
        room.be(name)
    try:
        yield Table(Chat(room, cast, tick=timedelta(seconds=1)), shown)
    finally:
        await stage.close()


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    async with sitting(tmp_path / "chat.db") as one:
        yield one


async def test_plain_text_is_said_by_you_and_a_known_name_before_a_colon_speaks(table: Table) -> None:
    shown = await table.type("签到", "小满: 签到", "小明：签到")
    assert [row.split("：")[0] for row in shown.splitlines()][::2] == ["11:58 你", "11:58 小满", "11:58 小明"]
    assert table.keys() == ["checkin.done"] * 3


async def test_an_unknown_name_before_a_colon_is_just_text(table: Table) -> None:
    assert (await table.type("通知：明天放假")).startswith("11:58 你：通知：明天放假\n")
    assert (await table.type("http://example.com")).startswith("11:58 你：http://example.com\n")


async def test_somebody_who_joined_can_be_spoken_for_also_after_a_restart(tmp_path: Path) -> None:
    async with sitting(tmp_path / "chat.db") as table:
        await table.type("/入群 阿紫")
    async with sitting(tmp_path / "chat.db", start=START + timedelta(hours=2), resumed=True) as table:
        assert (await table.type("阿紫: 签到")).startswith("13:58 阿紫：签到\n")


async def test_the_bot_greets_first(table: Table) -> None:
    await table.chat.room.meet()
    assert table.keys() == ["welcome.contact"]


async def test_thirty_newcomers_get_one_welcome_and_the_next_ones_wait(table: Table) -> None:
    shown = await table.type("/入群 30")
    assert table.keys() == ["welcome.group"]
    assert "等 30 位" in shown
    assert "省下 29 条" in shown
    assert "12:58" in await table.type("/入群 小A 小B 来自 抖音")
    assert "小A" in await table.type("/快进 1小时")


async def test_newcomers_never_run_out_and_have_an_upper_limit(table: Table) -> None:
    assert "100 人进群" in await table.type("/入群 100")
    assert len(set(table.stage.people)) == 113
    assert "最多" in await table.type("/入群 99999999999999999999")


async def test_a_jump_shows_every_line_at_its_own_time_under_its_own_day(table: Table) -> None:
    rows = (await table.type("/快进 到 周四 9:30")).splitlines()
    assert rows[0] == "> /快进 到 周四 9:30"
    assert rows[1].startswith("12:00 小元子：")
    day = rows.index("—— 周四 12月3日 09:00 ——")
    assert rows[day + 1].startswith("09:00 小元子：")
    assert rows[-1] == "—— 周四 12月3日 09:30 ——"


async def test_two_days_make_a_streak_of_two(table: Table) -> None:
    await table.type("签到", "签到", "/过一天", "签到")
    assert table.keys() == ["checkin.done", "checkin.again", "post.wednesday", "post.morning_call", "checkin.done"]
    assert "2 天" in table.stage.said[-1].text


async def test_a_power_cut_over_noon_posts_a_little_late_and_forgets_nothing(table: Table) -> None:
    await table.type("签到", "/断电 10分钟", "签到")
    assert table.keys() == ["checkin.done", "post.wednesday", "checkin.again"]


async def test_the_last_event_again_changes_nothing_and_says_why(table: Table) -> None:
    assert "还没有发生过" in await table.type("/重复投递")
    shown = await table.type("签到", "/重复投递", "/为什么")
    assert table.keys() == ["checkin.done"]
    assert shown.count("早就记过") == 2


async def test_everybody_at_once_is_a_summary_not_a_wall(table: Table) -> None:
    shown = await table.type("小满: 签到", "/并发")
    assert "13 条消息，13 条回应：checkin.done 12、checkin.again 1" in shown
    assert len(shown.splitlines()) < 12


async def test_why_explains_a_line_a_silence_and_a_post(table: Table) -> None:
    assert "还没说过话" in await table.type("/为什么")
    assert "checkin.done" in await table.type("签到", "/为什么")
    shown = await table.type("今天好累", "又一句", "/为什么")
    assert shown.count("想知道原因：/为什么") == 1
    assert "没接「又一句」：不是口令" in shown
    assert "周三新品" in await table.type("/快进 5分钟", "/为什么")


async def test_private_talk_is_one_line_or_a_mode(table: Table) -> None:
    shown = await table.type("/私聊 帮助")
    assert "你（私聊 小元子）：帮助" in shown
    assert "小元子（私聊 你）：" in shown
    await table.type("/私聊", "帮助")
    assert table.stage.said[-1].group is None
    await table.type("/私聊", "签到")
    assert table.stage.said[-1].group == "yuanqi"


async def test_staff_words_work_for_whoever_has_the_id(table: Table) -> None:
    assert "员工口令" in await table.type("/我是 店长")
    await table.type("状态")
    assert table.keys() == ["status.report"]
    await table.type("/我是 小满", "状态")
    assert table.keys()[-1] == "staff.refused"


async def test_an_unknown_command_names_the_nearest_two_and_the_help(table: Table) -> None:
    assert "/快进 还是 /" in await table.type("/快近 3小时")
    assert "直接发：签到" in await table.type("/签到")
    assert (await table.type("/入群3")).splitlines()[1].endswith("进群了。")


@pytest.mark.parametrize(
    "line",
    [
        "/", "/我是", "/我是 小元子", "/我是 a:b", "/我是 " + "长" * 40, "/入群",
        "/入群 0", "/入群 x/y", "/退群", "/退群 没这人", "/快进",
        "/快进 坏", "/快进 到 25:99", "/快进 到 2020-01-01", "/快进 9999天",
        f"/快进 {'9' * 500}天", "/快进 到 9999-12-31",
        "/断电 坏", f"/断电 {'9' * 500}天", "/保存", "/保存 /没有/这个/目录/x.toml", "/保存 .",
        "/保存 \0", "小满:", "／帮助", "/{text}",
        "/保存 " + "x" * 400, "/help", "/不存在的命令",
    ],
)  # fmt: skip
async def test_wrong_arguments_get_kind_words_and_change_nothing(table: Table, line: str) -> None:
    assert "· " in await table.type(line)
    assert table.stage.now == START
    assert table.chat.room.recording is not None
    assert table.chat.room.recording.steps == []


@pytest.mark.parametrize(
    "line",
    ["签" * 1_000_000, "\x1b[2J\x00\x07", "\ud83d 半个", "\u202e反着写", "@" * 10_000, "{points}", "😀" * 500, " \t "],
)
async def test_bad_input_is_shown_short_and_harmless(table: Table, line: str) -> None:
    shown = await table.type(line)
    assert len(shown) < 1_000
    assert not set(shown) & {"\x1b", "\x00", "\u202e", "\ud83d"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("3小时", "12-02T14:58"), ("到 周五 20:00", "12-04T20:00"),
        ("到周三 11:00", "12-09T11:00"), ("20:00", "12-02T20:00"),
        ("明天 8点半", "12-03T08:30"), ("后天", "12-04T11:58"),
        ("到 下周一 9点", "12-07T09:00"), ("9:00", "12-03T09:00"),
    ],
)  # fmt: skip
async def test_moments_are_understood_as_people_say_them(table: Table, text: str, moment: str) -> None:
    assert table.stage.moment(text) == datetime.fromisoformat(f"2026-{moment}:00+08:00")


async def test_a_moment_that_does_not_exist_is_a_mistake(table: Table) -> None:
    for text in ("25点", "明天 8点99分", "", "到", "周八"):
        with pytest.raises(Mistake):
            table.stage.moment(text)


async def test_a_saved_session_replays_exactly(table: Table, tmp_path: Path) -> None:
    await table.chat.room.meet()
    await table.type(
        "签到", "小满: 签到", '说 "引号" \\ 和 \x7f 😀', "/入群 30", "/私聊 你好", "/我是 店长", "状态",
        "/并发 签到", "/重复投递",
        "/断电 20分钟", "/退群 小明", "/加好友 小满", "/快进 到 周五 20:00", "怎么退款",
        "/入群 小A 来自 抖音", "/过一天", "签到",
    )  # fmt: skip
    path = tmp_path / "一段.toml"
    assert "存好了" in await table.type(f"/保存 {path}")
    assert [str(one) for one in await play(load_scenario(path), path.name)] == []
    assert "不覆盖" in await table.type(f"/保存 {tmp_path / '一段'}")


async def test_a_session_that_went_on_from_an_old_one_is_not_saved_wrongly(tmp_path: Path) -> None:
    async with sitting(tmp_path / "chat.db", resumed=True) as table:
        assert "--fresh" in await table.type("签到", f"/保存 {tmp_path / 'x.toml'}")
        assert not (tmp_path / "x.toml").exists()


async def test_clock_and_identity_are_kept(tmp_path: Path) -> None:
    async with sitting(tmp_path / "chat.db") as table:
        await table.type("/我是 阿杰", "/过一天", "签到")
    assert _known(tmp_path / "chat.db", fresh=False) == (START + timedelta(days=1, seconds=1), "阿杰")
    assert _known(tmp_path / "chat.db", fresh=True) is None
    assert not (tmp_path / "chat.db").exists()


async def test_a_database_of_a_real_bot_is_left_alone(tmp_path: Path) -> None:
    async with sitting(tmp_path / "real.db", keeps=False) as table:
        await table.type("签到")
    for fresh in (False, True):
        with pytest.raises(ConfigError, match="不是 yuanzi chat 建的"):
            _known(tmp_path / "real.db", fresh=fresh)


async def test_nothing_that_the_cast_says_by_itself_makes_the_bot_speak(tmp_path: Path) -> None:
    cast = Cast.load()
    async with sitting(tmp_path / "chat.db") as table:
        for actor in cast.actors.values():
            for line in actor.lines:
                await table.chat.room.chatter(actor.name, line)
        for opening in cast.openings:
            await table.chat.room.chatter(cast.actors[opening.member].name, opening.text)
        assert table.keys() == []


async def test_people_type_while_time_goes_by_and_nothing_is_lost(table: Table) -> None:
    async def pass_time() -> None:
        for _ in range(20):
            async with table.chat.room.lock:
                await table.chat.room.until(table.stage.now + timedelta(seconds=10))

    await asyncio.gather(pass_time(), table.type("签到", "小满: 签到", "小明: 签到"))
    assert sorted(table.keys()) == ["checkin.done"] * 3 + ["post.wednesday"]


def test_mentioned_names_get_an_at_once() -> None:
    assert with_mentions("欢迎 晚风、晚风2", ("晚风", "晚风2")) == "欢迎 @晚风、@晚风2"
    assert with_mentions("你好", ("小满",)) == "@小满 你好"


def test_what_is_shown_cannot_steer_the_terminal() -> None:
    assert tidy("\x1b[31m红\u202e\x07") == "[31m红"


def test_lines_break_between_characters_but_not_inside_words_or_before_a_full_stop() -> None:
    width: Callable[[str], int] = lambda text: sum(2 if ord(char) > 0x2E80 else 1 for char in text)  # noqa: E731
    assert wrapped("连签三天。welcome 你", 8, width) == "连签三\n天。\nwelcome\n你"
    assert wrapped("第一行\n第二行", 20, width) == "第一行\n第二行"


def test_completion_offers_commands_names_and_words() -> None:
    commands = {"入群": "来人", "退群": "走人"}
    assert suggest("/入", commands, [], []) == [("/入", "/入群 ", "来人")]
    assert suggest("/退群 小", commands, ["小满", "阿杰"], []) == [("小", "小满", "")]
    assert [text for _, text, _ in suggest("签", {}, ["签名哥"], ["签到"])] == ["签到", "签名哥: "]


def run_chat(typed: bytes, *options: str) -> str:
    process = Forked("chat", *options)
    out, errors = process.communicate(typed)
    assert (process.returncode, errors) == (0, b"")
    return out.decode()


def test_piped_lines_are_answered_and_the_same_input_gives_the_same_bytes() -> None:
    typed = "签到\n签到\n/过一天\n签到\n".encode()
    first = run_chat(typed)
    assert "1 天" in first
    assert "2 天" in first
    fresh = subprocess.run(YUANZI, input=typed, capture_output=True, check=True)  # with hashes of its own
    assert fresh.stdout.decode() == first
    assert "小元子（私聊 你）：" in run_chat(b"")
    assert "你：" in run_chat(b"\xff\xfe\x00\n" + b"x" * 5_000_000 + b"\nno line end")


def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    db = str(tmp_path / "chat.db")
    with Forked("chat", "--db", db) as process:
        process.stdin.write("/我是 小明\n/过一天\n签到\n/为什么\n".encode())
        process.stdin.flush()
        while "checkin.done" not in process.stdout.readline().decode():
            pass
        process.send_signal(signal.SIGKILL)
    shown = run_chat("签到\n/为什么\n".encode(), "--db", db)
    assert "接着上次：周四 12月3日 11:58，你是 小明" in shown
    assert "checkin.again" in shown


def test_a_reader_who_goes_away_ends_the_chat_without_noise() -> None:
    with Forked("chat") as process:
        process.stdout.readline()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write("签到\n".encode() * 10_000)
            process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_start_without_a_terminal_loads_nothing_that_it_does_not_need() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *YUANZI[1:]], input=b"", capture_output=True, check=True, timeout=60
    )
    loaded = {row.rpartition(b"|")[2].strip() for row in done.stderr.splitlines()}
    assert not loaded & {b"rich", b"prompt_toolkit", b"jieba"}


def test_a_speed_that_is_no_number_is_told_kindly() -> None:
    process = Forked("chat", "--speed", "快")
    assert "不是倍数" in process.communicate()[1].decode()
    assert process.returncode == 2


def test_orders_that_were_imported_before_anybody_talked_are_kept(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "chat.db")
    database.execute("INSERT INTO fact VALUES ('imported', 'yes')")
    database.close()
    assert _known(tmp_path / "chat.db", fresh=False) is None
    database = Database.open(tmp_path / "chat.db")
    assert Store(database).office.fact("imported") == "yes"
    database.close()
