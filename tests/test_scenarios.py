"""Every conversation in tests/scenarios goes as written."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.scenario import load_scenario, play
from tests.quick_process import Forked

FILES = sorted(Path(__file__).parent.joinpath("scenarios").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_a_conversation_goes_as_written(path: Path) -> None:
    assert [str(one) for one in await play(load_scenario(path), path.name)] == []


def test_there_are_enough_conversations_to_trust() -> None:
    assert len(FILES) >= 15


async def test_a_conversation_that_goes_otherwise_is_reported_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('title = "错的"\n[[step]]\nsay = "签到"\nexpect = ["checkin.again"]\n[[step]]\nsay = "签到"\n')
    first, second = await play(load_scenario(path), path.name)
    assert (first.number, first.expected, first.said) == (1, ("checkin.again",), ("checkin.done",))
    assert (second.number, second.said) == (2, ("checkin.again",))


def test_a_step_that_does_two_things_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text('title = "两件事"\n[[step]]\nsay = "签到"\nwait = "1h"\n')
    with pytest.raises(ConfigError, match="一步只能做一件事"):
        load_scenario(path)


def test_replay_exits_with_1_when_a_conversation_differs(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('title = "错的"\n[[step]]\nsay = "签到"\n')
    process = Forked("replay", path)
    out, _ = process.communicate()
    assert process.returncode == 1
    assert "应说 安静，实际 checkin.done" in out.decode()


def test_replay_exits_with_2_when_a_file_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('titel = "x"\n')
    process = Forked("replay", path)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "是不是想写 title" in errors.decode()
