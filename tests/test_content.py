"""Persona, phrases, answers and scripts: shipped ones are sound, broken ones are named completely."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import switchboard_for
from bot.config import Config, shipped
from bot.content import OFTEN, Content, load_content, setting_problems
from bot.errors import ConfigError, Problem
from bot.scripts import load_scripts
from bot.settings import GroupSettings
from tests.conftest import Room, a_config, group_config, keys

PERSONAS = ["xiaoyuanzi", "heyan"]
DECLARED = switchboard_for(a_config()).phrases
Edit = Callable[[str], str]


def load(config: Config) -> Content:
    return load_content(config, DECLARED)


class Folder:
    """A persona of one's own to break."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.persona = root / "persona" / "mine"
        self.scripts = root / "scripts"
        shutil.copytree(shipped("persona") / "xiaoyuanzi", self.persona)
        self.scripts.mkdir()

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.persona / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        with (self.persona / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def config(self, changes: Mapping[str, Any] | None = None) -> Config:
        bot = {"persona": "mine", "persona_dir": str(self.root / "persona"), "scripts": str(self.scripts)}
        return a_config({"bot": bot, **(changes or {})})

    def problems(self, changes: Mapping[str, Any] | None = None) -> list[Problem]:
        with pytest.raises(ConfigError) as raised:
            load(self.config(changes))
        return list(raised.value.problems)

    def problem(self, changes: Mapping[str, Any] | None = None) -> Problem:
        (problem,) = self.problems(changes)
        return problem


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_shipped_persona_is_sound(persona: str) -> None:
    content = load(a_config({"bot": {"persona": persona}}))
    assert set(DECLARED) <= set(content.voice.phrases)
    assert all(len(set(variants)) >= OFTEN for variants in content.voice.phrases.values())
    assert len(content.faq) > 10
    assert any(content.voice.persona.name in row for row in content.summary())


def test_the_two_shipped_personas_are_two() -> None:
    first, second = (load(a_config({"bot": {"persona": persona}})).voice for persona in PERSONAS)
    assert first.persona.name != second.persona.name
    assert second.persona.profile.model_dump() == {"useful": 70, "fun": 15, "product": 15}
    shared = [key for key in DECLARED if set(first.phrases[key]) & set(second.phrases[key])]
    assert len(shared) <= 3  # a line without any colour, like "{answer}", may be anybody's


async def test_another_persona_changes_the_words_and_not_the_rules(tmp_path: Path) -> None:
    told: list[list[tuple[str, str, str | None]]] = []
    words: list[set[str]] = []
    for persona in PERSONAS:
        room = Room(lambda persona=persona: a_config({"bot": {"persona": persona}}), tmp_path / f"{persona}.db")  # type: ignore[misc]
        await room.open()
        for text in ("签到", "签到", "我的签到", "签到榜", "补签", "帮助", "状态"):
            await room.says("小明", text)
        await room.joins(["阿杰"])
        await room.until("周五 21:00")
        await room.says("小明", "签到")
        await room.close()
        told.append([(line.phrase, line.key, line.group) for line in room.said])
        words.append({line.text for line in room.said})
    assert told[0] == told[1]
    assert not words[0] & words[1]


def test_a_persona_that_does_not_exist_is_named_with_the_nearest(folder: Folder) -> None:
    problem = folder.problem({"bot": {"persona": "mime", "persona_dir": str(folder.root / "persona")}})
    assert (problem.key, problem.hint) == ("bot.persona", "是不是想写 mine？")


def test_without_any_persona_the_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="一个也没有"):
        load(a_config({"bot": {"persona": "x", "persona_dir": str(tmp_path)}}))


@pytest.mark.parametrize(
    ("old", "new", "key", "reason", "hint"),
    [
        ("\ndone = [\n  \"{name} 签到", "\ndoen = [\n  \"{name} 签到", "checkin.doen", "没有这个话术键", "checkin.done"),
        ("{name} 签到成功", "{nmae} 签到成功", "checkin.done", "没有空位 {nmae}", "{name}"),
        ("{name} 签到成功", "{Name} 签到成功", "checkin.done", "没有空位 {Name}", "{name}"),
        ("{name} 签到成功", "{名字} 签到成功", "checkin.done", "没有空位 {名字}", ""),
        ("{name} 签到成功", "{name} 第一个签到成功", "checkin.done", "禁用词「第一」", ""),
        ("欢迎抖音来的 {names}", "欢迎抖音来的 {name}", "welcome.douyin", "没有空位 {name}", "{names}"),
        ("[checkin]\n", "[checkin]\ngrade = 5\n", "checkin.grade", "应是一组文字", ""),
        ("[checkin]\n", "[checkin]\nlater = [\"a\", \"\", \"c\"]\n", "checkin.later", "应是一组文字", ""),
        ("[welcome]\n", "loose = 1\n[welcome]\n", "loose", "应是表", "[loose]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_phrase_is_named(
    folder: Folder, old: str, new: str, key: str, reason: str, hint: str
) -> None:
    folder.edit("phrases.toml", old, new)
    problem = next(one for one in folder.problems() if one.key == key)
    assert reason in problem.reason
    assert hint in problem.hint


def test_a_missing_phrase_is_named_with_what_it_was_misspelt_as(folder: Folder) -> None:
    folder.edit("phrases.toml", "\nagain = [", "\nagian = [")
    found = {problem.key: problem for problem in folder.problems()}
    assert found["checkin.again"].reason == "缺少这条话术"
    assert "checkin.agian" in found["checkin.again"].hint
    assert "checkin.again" in found["checkin.agian"].hint


def test_a_phrase_with_too_few_variants_is_refused(folder: Folder) -> None:
    folder.append("phrases.toml", "\n[post.extra]\nx = 1\n")
    folder.edit("phrases.toml", "\n[post.extra]\nx = 1\n", "")
    folder.edit("phrases.toml", "[help]\n", '[help]\nodd = ["一样", "一样", "一样"]\n')
    assert any("只有 1 种说法" in problem.reason for problem in folder.problems())


def test_persona_phrases_answers_and_scripts_are_all_named_at_once(folder: Folder) -> None:
    folder.edit("persona.toml", "useful = 70", "useful = 71")
    folder.edit("phrases.toml", "{name} 签到成功", "{nmae} 签到成功")
    folder.append("faq.toml", '\n[[entry]]\nid = "refund"\nkeywords = ["退款"]\nanswer = "x"\n')
    (folder.scripts / "mine.toml").write_text('title = "x"\n[[beat]]\nid = "a"\n', encoding="utf-8")
    files = {Path(problem.file).name for problem in folder.problems()}
    assert files == {"persona.toml", "phrases.toml", "faq.toml", "mine.toml"}


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('id = "refund"\nkeywords = ["全新的词"]\nanswer = "x"', "entry.refund", "已经用了"),
        ('id = "mine"\nkeywords = ["退款！"]\nanswer = "x"', "entry.mine", "「退款」"),
        ('id = "mine"\nkeywords = ["退"]\nanswer = "x"', "entry.mine.keywords", "太短"),
        ('id = "mine"\nkeywords = ["？？？"]\nanswer = "x"', "entry.mine.keywords", "太短"),
        ('id = "mine"\nkeywords = []\nanswer = "x"', "keywords", "太短"),
        ('id = "Mine!"\nkeywords = ["全新的词"]\nanswer = "x"', "id", ""),
        ('id = "mine"\nkeyword = ["全新的词"]\nanswer = "x"', "keyword", "没有这个设置"),
        ('id = "mine"\nkeywords = ["全新的词"]', "answer", "缺少"),
        ('id = "mine"\nkeywords = ["全新的词"]\nanswer = "全网最低价"', "entry.mine.answer", "禁用词"),
    ],
)
def test_what_is_wrong_with_an_answer_is_named(folder: Folder, text: str, key: str, reason: str) -> None:
    folder.append("faq.toml", f"\n[[entry]]\n{text}\n")
    assert any(problem.key.endswith(key) and reason in problem.reason for problem in folder.problems())


BEAT = {
    "id": '"a"', "title": '"t"', "weekday": '"周三"', "time": '"12:00"', "phrase": '"post.morning_call"',
}  # fmt: skip


def a_script(**changes: str | None) -> str:
    fields = {**BEAT, **changes}
    return 'title = "x"\n[[beat]]\n' + "".join(f"{key} = {value}\n" for key, value in fields.items() if value)


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"weekday": '"周八"'}, "beat.0.weekday", "不是星期几"),
        ({"weekday": "[]"}, "beat.0.weekday", "至少写一天"),
        ({"weekday": "3"}, "beat.0.weekday", "不是星期几"),
        ({"weekday": '[["周三"]]'}, "beat.0.weekday", "不是星期几"),
        ({"time": '"25:00"'}, "beat.0.time", "不是钟点"),
        ({"time": "12:00:00"}, "beat.0.time", "不是钟点"),
        ({"lateness": '"soon"'}, "beat.0.lateness", "不是时长"),
        ({"sort": '"reply"'}, "beat.0.sort", "可选值"),
        ({"phrase": '"post.mornin_call"'}, "beat.a.phrase", "没有话术"),
        ({"phrase": '"post.wednesday"', "slots": '{ first = "x" }'}, "beat.a.slots", "缺少内容 second"),
        ({"slots": '{ frist = "x" }'}, "beat.a.slots.frist", "用不到"),
        ({"phrase": '"post.wednesday"', "slots": '{ first = "全网最低", second = "y" }'}, "beat.a.slots", "禁用词"),
        ({"tme": '"12:00"'}, "beat.0.tme", "没有这个设置"),
        ({"id": None}, "beat.0.id", "缺少"),
        ({"id": '"a b"'}, "beat.0.id", ""),
    ],
)
def test_what_is_wrong_with_a_beat_is_named(
    folder: Folder, changes: dict[str, str | None], key: str, reason: str
) -> None:
    (folder.scripts / "mine.toml").write_text(a_script(**changes), encoding="utf-8")
    found = folder.problems()
    assert any(problem.key == key and reason in problem.reason for problem in found), found


def test_a_beat_id_twice_and_a_script_without_beats_are_named(folder: Folder) -> None:
    (folder.scripts / "twice.toml").write_text(a_script() + a_script().partition("\n")[2], encoding="utf-8")
    (folder.scripts / "empty.toml").write_text('title = "x"\nbeat = []\n', encoding="utf-8")
    assert {problem.key for problem in folder.problems()} == {"beat.a", "beat"}


def test_a_script_of_ones_own_replaces_the_built_in_one_of_that_name(folder: Folder) -> None:
    (folder.scripts / "welfare.toml").write_text(a_script(), encoding="utf-8")
    assert [beat.id for beat in load(folder.config()).scripts["welfare"]] == ["welfare.a"]


def test_a_folder_of_scripts_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="找不到这个目录"):
        load_scripts(Path("/nowhere"))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ('"周三"', ("wed",)), ('"星期天"', ("sun",)), ('"每天"', ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
        ('["周一", "fri"]', ("mon", "fri")), ('["周一", "Monday"]', ("mon",)),
    ],
)  # fmt: skip
def test_weekdays_are_written_in_chinese_or_english(folder: Folder, text: str, days: tuple[str, ...]) -> None:
    (folder.scripts / "mine.toml").write_text(a_script(weekday=text), encoding="utf-8")
    assert load(folder.config()).scripts["mine"][0].weekdays == days


def test_a_group_that_names_an_unknown_phrase_or_script_is_refused(folder: Folder) -> None:
    found = folder.problems(
        group_config(welcome={"phrase": "welcome.grup", "sources": {"抖音": "welcome.duoyin"}}, scripts=["welfear"])
    )
    assert [problem.hint for problem in found] == [
        "是不是想写 welcome.group？", "是不是想写 welcome.douyin？", "是不是想写 welfare？",
    ]  # fmt: skip


def test_a_greeting_that_wants_what_newcomers_do_not_bring_is_refused(folder: Folder) -> None:
    found = folder.problems(group_config(welcome={"sources": {"抖音": "welcome.contact"}}))
    assert [slot for slot in ("name", "offer") if any(f"{{{slot}}}" in one.reason for one in found)] == [
        "name",
        "offer",
    ]
    assert {one.key for one in found} == {"groups.yuanqi.welcome"}


def test_settings_that_name_what_there_is_have_no_problems(folder: Folder) -> None:
    content = load(folder.config())
    groups = {"g": GroupSettings(scripts=("welfare",))}
    assert setting_problems("f", groups, content.scripts, content.voice) == []


junk = st.text(st.characters(codec="utf-8"), max_size=200)


@given(junk)
def test_no_script_whatever_breaks_anything_but_a_config_error(text: str) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as root:
        Path(root, "x.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError):
            load_scripts(Path(root))


async def test_a_line_that_uses_a_phrase_says_nothing_that_looks_like_a_slot(stage: Room) -> None:
    for text in (
        "签到",
        "签到",
        "我的签到",
        "签到榜",
        "补签",
        "帮助",
        "设置",
        "小元子",
        "@小元子 你会飞吗",
        "怎么退款",
    ):
        await stage.says("小明", text)
    assert len(keys(stage.said)) >= 10
    assert [line.text for line in stage.said if "{" in line.text or "}" in line.text] == []


def test_phrases_may_stand_in_files_for_each_family_but_only_once(folder: Folder) -> None:
    extra = folder.persona / "phrases" / "extra.toml"
    extra.parent.mkdir(exist_ok=True)
    extra.write_text('[post]\nextra = ["一", "二", "三"]\n[checkin]\nagain = ["一", "二", "三"]\n', encoding="utf-8")
    found = [(Path(one.file).name, one.key, one.reason) for one in folder.problems()]
    assert found == [("extra.toml", "checkin.again", "这条话术写了两次")]
