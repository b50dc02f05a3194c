"""What the settings of all channels must agree on."""

from typing import Any

import pytest

from bot.config import build_config, merged, read_toml, shipped
from bot.wiring import channel_problems

ROBOT: dict[str, Any] = {"wecom": {"robots": [{"name": "tixing", "group": "g", "key": {"env": "KEY"}}]}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (ROBOT, []),
        ({**ROBOT, "staff": [{"id": "boss", "role": "owner", "channels": ["tixin"]}]}, ["staff.boss", "tixing"]),
        ({**ROBOT, "groups": {"g": {"channel": "fuli"}}}, ["groups.g.channel", "fuli"]),
        ({**ROBOT, "wechaty": {"tixing": {}}}, ["同一个名字", "tixing"]),
        ({"wechaty": {"fuli": {"speak": "first"}}}, ["wechaty.fuli.speak"]),
        ({"channels": {"wechaty": {"on": True}}}, ["channels.wechaty"]),
    ],
)
def test_names_of_channels_are_there_and_used_once(changes: dict[str, Any], words: list[str]) -> None:
    config = build_config(merged(read_toml(shipped("config.toml")), changes), "config.toml")
    found = channel_problems(config)
    assert bool(found) == bool(words)
    assert [word for word in words if word not in " ".join(map(str, found))] == []
