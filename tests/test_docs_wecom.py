"""The section "Connect to WeCom" of both READMEs: its settings are accepted, its commands exist, both say the same."""

import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.channels.wecom.settings import WeComSettings
from bot.config import build_config, merged, read_toml, shipped
from bot.wiring import Host, build, channel_problems, wechaty_settings, wecom_settings
from bot.world import RealWorld
from tests.fake_wecom.sandbox import serve
from tests.joined import AES_KEY

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = {"README.md": "Connect to WeCom", "README.zh-CN.md": "接到企业微信"}


def section(readme: str) -> str:
    text = (ROOT / readme).read_text(encoding="utf-8")
    return text.split(f"## {SECTIONS[readme]}\n")[1].split("\n## ")[0]


def blocks(readme: str) -> list[dict[str, Any]]:
    return [tomllib.loads(one) for one in re.findall(r"```toml\n(.*?)```", section(readme), re.DOTALL)]


@pytest.mark.parametrize("readme", SECTIONS)
def test_every_config_block_is_accepted_on_top_of_the_shipped_settings(readme: str) -> None:
    found = blocks(readme)
    assert len(found) == 5
    for block in found:
        config = build_config(merged(read_toml(shipped("config.toml")), block), readme)
        assert channel_problems(config) == []
        assert wechaty_settings(config) or wecom_settings(config).wires()


@pytest.mark.parametrize("readme", SECTIONS)
async def test_all_roads_but_the_sandbox_fit_into_one_config_and_are_built(readme: str) -> None:
    *roads, _ = blocks(readme)
    data: dict[str, Any] = read_toml(shipped("config.toml"))
    for block in roads:
        data = merged(data, block)
    config = build_config(data, readme)
    names = set(re.findall(r'env = "(\w+)"', section(readme)))
    environ = dict.fromkeys(names, AES_KEY)
    wiring = build(config, Host(RealWorld()), environ)
    assert {*wiring.channels} == {"fuli", "kehu", "kefu", "app", "zhineng", "tixing", "pipe"}
    await wiring.close()


def test_both_readmes_show_the_same_blocks_and_commands() -> None:
    (one, other) = SECTIONS
    assert blocks(one) == blocks(other)
    shell = [re.findall(r"```\n(yuanzi.*?)```", section(readme), re.DOTALL) for readme in SECTIONS]
    assert shell[0] == shell[1]
    assert len(shell[0]) == 1


async def test_the_lines_that_drive_the_sandbox_work() -> None:
    """`wecom-sandbox` starts with the same corp; the callback they name is that of the config block."""
    text = section("README.md")
    calls = re.findall(r"\$C/(\S+)(?: -d '(.*?)')?", text)
    from tests.fake_wecom.demo import furnish

    sandbox = await serve("127.0.0.1", 0)
    try:
        furnish(sandbox)
        async with aiohttp.ClientSession() as session:
            for name, body in calls:
                async with session.post(f"{sandbox.url}/_control/{name}", data=body) as answer:
                    assert (await answer.json())["ok"], name
    finally:
        await sandbox.close()
    table = WeComSettings.model_validate(blocks("README.md")[-1]["wecom"])
    assert table.callback is not None
    assert (
        f'"http://127.0.0.1:{table.callback.port}{table.apps[0].callback.path if table.apps[0].callback else ""}"'
        in text
    )


@pytest.mark.parametrize("readme", SECTIONS)
def test_the_risk_and_the_way_to_begin_are_said(readme: str) -> None:
    text = section(readme)
    for word in (
        'speaks = "answer"',
        "yuanzi doctor",
        "yuanzi wecom-sandbox",
        "YUANZI_WECHATY_TOKEN",
        "设置API接收",
        "企业可信IP",
    ):
        assert word in text
    assert any(word in text for word in ("banned", "封禁"))
    roads = ("wechaty", "客户联系", "微信客服", "智能机器人", "群机器人", "应用消息")
    assert all(f"\n| {road}" in text for road in roads)


def test_the_roads_keep_to_what_the_wires_declare() -> None:
    """No two blocks use one channel name, so that they can be copied together."""
    names = [set(block.get("wechaty", {})) | _official(block) for block in blocks("README.md")[:-1]]
    assert all(not one & other for one, other in combinations(names, 2))


def _official(block: dict[str, Any]) -> set[str]:
    return {wire.name for wire in WeComSettings.model_validate(block.get("wecom", {})).wires()}
