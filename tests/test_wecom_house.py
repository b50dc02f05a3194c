"""Settings, secrets, and the house that builds every wire: all problems at once, never a secret shown."""

import asyncio
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.channels.wecom.errcodes import TABLE
from bot.channels.wecom.house import Builder, House
from bot.channels.wecom.quotas import BYTES, QUOTAS, quota
from bot.channels.wecom.secret import SecretMissing, SecretSource
from bot.channels.wecom.settings import ApiSettings, CallbackSettings, RobotSettings, WeComSettings
from bot.errors import ConfigError
from tests.wecom_world import AES_KEY, Ears, World, no, running, world

EVERYTHING = """
[callback]
port = 0

[[apps]]
corp_id = "ww1234567890abcdef"
agent_id = 1000002
secret = { env = "APP_SECRET" }
callback = { path = "/wecom/app", token = { env = "CALLBACK_TOKEN" }, aes_key = { env = "CALLBACK_KEY" } }
message = { name = "app" }
contact = { name = "contact" }
kf = [{ name = "kf1", open_kfid = "wk1" }, { name = "kf2", open_kfid = "wk2" }]

[[aibots]]
name = "bot"
bot_id = "aib1"
secret = { env = "BOT_SECRET" }

[[aibots]]
name = "bot2"
bot_id = "aib2"
mode = "url"
callback = { path = "/wecom/bot", token = { env = "CALLBACK_TOKEN" }, aes_key = { env = "CALLBACK_KEY" } }

[[robots]]
name = "alarm"
group = "staff"
key = { env = "ROBOT_KEY" }
"""
ENVIRON = {
    "APP_SECRET": "app-secret-hidden",
    "CALLBACK_TOKEN": "token-hidden",
    "CALLBACK_KEY": AES_KEY,
    "BOT_SECRET": "bot-secret-hidden",
    "ROBOT_KEY": "robot-key-hidden",
}


def settings(w: World, text: str = EVERYTHING) -> WeComSettings:
    return WeComSettings.model_validate({**tomllib.loads(text), "api": {"base": w.stub.base}})


def build(w: World, environ: dict[str, str] | None = None) -> House:
    return Builder(settings(w), environ=environ or ENVIRON, session=w.session, ports=w.ports).build()


async def test_everything_that_is_configured_is_built_and_satisfies_the_channel_contract() -> None:
    async with world() as w:
        house = build(w)
        assert [channel.name for channel in house.channels()] == [
            "app",
            "contact",
            "kf1",
            "kf2",
            "bot",
            "bot2",
            "alarm",
        ]
        for channel in house.channels():
            assert channel.abilities.max_bytes >= 2048
            assert channel.pace.account_gap.total_seconds() >= 0
        assert [endpoint.path for endpoint in house.endpoints] == ["/wecom/app", "/wecom/bot"]
        await house.start()
        await house.close()


async def test_all_missing_secrets_are_named_at_once_and_none_is_shown() -> None:
    async with world() as w:
        with pytest.raises(ConfigError) as caught:
            build(w, {"CALLBACK_TOKEN": "token-hidden", "CALLBACK_KEY": "too-short-hidden"})
        told = str(caught.value)
        assert len(caught.value.problems) == 5
        for name in ("APP_SECRET", "BOT_SECRET", "ROBOT_KEY", "EncodingAESKey"):
            assert name in told
        assert "hidden" not in told


async def test_the_doctor_names_missing_secrets_and_still_examines_the_other_wires() -> None:
    async with world() as w:
        environ = {**ENVIRON, "BOT_SECRET": "", "CALLBACK_TOKEN": ""}
        house, found = Builder(settings(w), environ=environ, session=w.session, ports=w.ports).survey()
        assert [wire.name for wire in house.wires] == ["app", "alarm"]
        told = "\n".join(str(finding) for finding in [*found, *await house.diagnose(w.session, w.ports)])
        assert "BOT_SECRET" in told
        assert "CALLBACK_TOKEN" in told
        assert "消息推送 alarm" in told
        _, fine = Builder(settings(w), environ=ENVIRON, session=w.session, ports=w.ports).survey()
        assert [finding.level for finding in fine] == ["ok"]


async def test_one_corps_callback_feeds_its_wires_and_one_failing_wire_leaves_the_others_alone() -> None:
    async with world(auto=False) as w:
        house = build(w)
        await house.start()
        assert house.server is not None
        key = house.endpoints[0].envelope
        wires = {wire.name: wire for wire in house.wires}
        ears = Ears()

        async def post(inner: str) -> int:
            encrypt, stamp = key.seal(inner.encode()), str(w.clock.stamp())
            params = {"msg_signature": key.sign(stamp, "n", encrypt), "timestamp": stamp, "nonce": "n"}
            body = f"<xml><Encrypt>{encrypt}</Encrypt></xml>"
            url = f"http://127.0.0.1:{house.server.port}/wecom/app" if house.server else ""
            kind = {"Content-Type": "text/xml"}
            async with w.session.post(url, params=params, data=body, headers=kind) as response:
                return response.status

        w.stub.on("kf/sync_msg", no(95000))
        async with running(wires["app"], ears), running(wires["kf1"], ears):
            kf = "<xml><Event>kf_msg_or_event</Event><OpenKfId>wk1</OpenKfId><Token>t</Token></xml>"
            said = (
                "<xml><FromUserName>li</FromUserName><MsgType>text</MsgType><Content>hi</Content><MsgId>7</MsgId></xml>"
            )
            assert await post(kf) == 200
            assert await post(said) == 200
            assert (await ears.next()).id == "app:7"
        await house.close()


async def test_the_doctor_speaks_of_every_wire_and_every_address_and_shows_no_secret() -> None:
    async with world() as w:
        house = build(w)
        w.stub.on("kf/account/list", no(60020))
        await house.start()
        house.public_url = f"http://127.0.0.1:{house.server.port}" if house.server else None
        found = await house.diagnose(w.session, w.ports)
        told = "\n".join(str(finding) for finding in found)
        for word in (
            "应用消息 app",
            "客户联系 contact",
            "微信客服 kf1",
            "智能机器人 bot",
            "消息推送 alarm",
            "企业可信IP",
        ):
            assert word in told
        assert told.count("URL 校验通过") == 2
        await house.close()
        assert "只能回答" in told
        assert "失败" in str((await house.diagnose(w.session, w.ports))[-1])
        house.public_url = None
        assert "public_url" in str((await house.diagnose(w.session, w.ports))[-1])
        for secret in ENVIRON.values():
            assert secret not in told + repr(house) + repr(settings(w))


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o604, 0o644, 0o777])
def test_a_secret_file_must_be_its_owners_alone(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_text("hidden-word\n")
    file.chmod(mode)
    source = SecretSource(file=str(file))
    if mode in {0o600, 0o400}:
        assert source.read({}).get_secret_value() == "hidden-word"
        return
    with pytest.raises(SecretMissing, match="0600") as caught:
        source.read({})
    assert "hidden-word" not in str(caught.value)


def test_secrets_that_are_not_there_or_not_secrets_are_named_by_place(tmp_path: Path) -> None:
    (tmp_path / "empty").touch(0o600)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("none", "empty", "pipe", "."):
        with pytest.raises(SecretMissing):
            SecretSource(file=str(tmp_path / name)).read({})
    for value in ("", "  ", "two\nlines", "x" * 5000):
        with pytest.raises(SecretMissing, match="NAME"):
            SecretSource(env="NAME").read({"NAME": value})


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"env": "A", "file": "/x"},
        {"env": "hunter2-pasted-secret"},
        {"value": "hunter2-pasted-secret"},
        {"env": 5},
    ],
)
def test_a_secret_pasted_into_the_settings_is_refused_without_being_quoted(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        RobotSettings.model_validate({"name": "r", "group": "g", "key": wrong})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"robots": [{"name": "a", "group": "g", "key": {"env": "K"}, "colour": "red"}]},
        {"robots": [{"name": "a/b", "group": "g", "key": {"env": "K"}}]},
        {"robots": [{"name": "a", "group": "g", "key": {"env": "K"}}] * 2},
        {"aibots": [{"name": "a", "bot_id": "b"}]},
        {"aibots": [{"name": "a", "bot_id": "b", "mode": "url"}]},
        {"apps": [{"corp_id": "w", "agent_id": "1", "secret": {"env": "K"}}]},
        {"apps": [{"corp_id": "w", "agent_id": 1, "secret": {"env": "K"}, "contact": {"name": "c"}}]},
        {"callback": {"port": 99999}},
        {"callback": {"max_body": -1}},
    ],
)
def test_misspelt_and_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WeComSettings.model_validate(wrong)


@pytest.mark.parametrize("base", ["http://qyapi.weixin.qq.com", "ftp://x", "https://x?a=1", "qyapi", "https://"])
def test_secrets_travel_over_tls_or_not_at_all(base: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(base=base)


def test_the_sandbox_on_this_machine_may_speak_plainly() -> None:
    assert ApiSettings(base="http://127.0.0.1:8090/").base == "http://127.0.0.1:8090"
    assert CallbackSettings(public_url="https://bot.example.com").public_url == "https://bot.example.com"


def test_every_quota_says_where_and_when_it_was_read() -> None:
    assert all(entry.source and entry.seen for entry in QUOTAS)
    assert len({entry.key for entry in QUOTAS}) == len(QUOTAS)
    assert not quota("mass.day").sure
    assert BYTES["kf.text"] == 2048
    assert 60020 in TABLE


async def test_a_house_without_callbacks_starts_without_a_server() -> None:
    async with world() as w:
        robots = "[[robots]]\nname='a'\ngroup='g'\nkey={env='ROBOT_KEY'}"
        house = Builder(settings(w, robots), environ=ENVIRON, session=w.session, ports=w.ports).build()
        await house.start()
        await house.close()
        await asyncio.sleep(0)
        assert house.server is None
