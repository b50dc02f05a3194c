"""The callback server: what is answered, what is refused, what is kept."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.channels.wecom.callback import CallbackServer, Endpoint
from bot.channels.wecom.crypto import Envelope, Forged, Garbled
from bot.channels.wecom.inbox import Inbox, Parcel
from bot.channels.wecom.settings import CallbackSettings
from bot.errors import StorageFailure
from tests.wecom_world import AES_KEY, DictMemory, FakeClock, envelope

PATH = "/wecom/app"
HELLO = b"<xml><MsgType>text</MsgType><FromUserName>li</FromUserName><Content>hi</Content><MsgId>7</MsgId></xml>"
XML = {"Content-Type": "text/xml"}


class Place:
    """A running server with one endpoint, and a hand that posts to it."""

    def __init__(self, server: CallbackServer, endpoint: Endpoint, inbox: Inbox, clock: FakeClock) -> None:
        self.server, self.endpoint, self.inbox, self.clock = server, endpoint, inbox, clock
        self.session = aiohttp.ClientSession()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}{self.endpoint.path}"

    def signed(self, encrypt: str, *, age: int = 0, key: Envelope | None = None) -> dict[str, str]:
        stamp, nonce = str(self.clock.stamp() - age), "nonce1"
        return {
            "msg_signature": (key or self.endpoint.envelope).sign(stamp, nonce, encrypt),
            "timestamp": stamp,
            "nonce": nonce,
        }

    async def post(
        self,
        message: bytes = HELLO,
        *,
        key: Envelope | None = None,
        params: Any = None,
        body: bytes | None = None,
        headers: Any = None,
        age: int = 0,
    ) -> tuple[int, bytes]:
        encrypt = (key or self.endpoint.envelope).seal(message)
        if body is None:
            body = f"<xml><ToUserName>x</ToUserName><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode()
            if self.endpoint.form == "json":
                body = json.dumps({"encrypt": encrypt}).encode()
        plain = "application/json" if self.endpoint.form == "json" else "text/xml"
        async with self.session.post(
            self.url,
            params=self.signed(encrypt, age=age, key=key) if params is None else params,
            data=body,
            headers={"Content-Type": plain} if headers is None else headers,
        ) as response:
            return response.status, await response.read()

    async def raw(self, data: bytes) -> bytes:
        """Speaks HTTP by hand and reads until the server hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.close()


@asynccontextmanager
async def place(*, form: str = "xml", size: int = 16, answer: Any = None, **more: Any) -> AsyncIterator[Place]:
    clock = FakeClock()
    inbox = Inbox("w", DictMemory(), size=size)
    endpoint = Endpoint(PATH, envelope("" if form == "json" else "ww1"), form=form, answer=answer)
    endpoint.route(lambda _: True, inbox)
    server = CallbackServer(CallbackSettings(port=0, **more), clock, [endpoint])
    async with server:
        at = Place(server, endpoint, inbox, clock)
        try:
            yield at
        finally:
            await at.session.close()


async def test_the_address_is_verified_with_the_plain_word_and_nothing_else() -> None:
    async with place() as at:
        for _ in range(30):  # base64 with + and / must survive the query
            echo = at.endpoint.envelope.seal(b"1616140317555161061")
            async with at.session.get(at.url, params={**at.signed(echo), "echostr": echo}) as response:
                assert response.status == 200
                assert await response.read() == b"1616140317555161061"


async def test_a_message_is_kept_and_answered_with_an_empty_200() -> None:
    async with place() as at:
        assert await at.post() == (200, b"")
        assert (await at.inbox.take()).body.encode() == HELLO


async def test_a_missing_content_type_is_accepted() -> None:
    async with place() as at:
        encrypt = at.endpoint.envelope.seal(HELLO)
        query = "&".join(f"{key}={value}" for key, value in at.signed(encrypt).items())
        body = f"<xml><Encrypt>{encrypt}</Encrypt></xml>"
        head = f"POST {PATH}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        assert (await at.raw((head + body).encode())).startswith(b"HTTP/1.1 200")


async def test_the_same_request_again_is_answered_but_not_kept_twice() -> None:
    async with place() as at:
        encrypt = at.endpoint.envelope.seal(HELLO)
        query, body = at.signed(encrypt), f"<xml><Encrypt>{encrypt}</Encrypt></xml>".encode()
        for _ in range(3):
            assert await at.post(params=query, body=body) == (200, b"")
        assert len(at.inbox) == 1


@pytest.mark.parametrize("age", [301, 5000, -301])
async def test_an_old_or_future_request_is_refused_even_when_well_signed(age: int) -> None:
    async with place() as at:
        assert (await at.post(age=age))[0] == 403
        assert len(at.inbox) == 0


async def test_a_forged_signature_is_refused_with_one_line_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with place() as at:
        caplog.clear()
        query = {"msg_signature": "0" * 40, "timestamp": str(at.clock.stamp()), "nonce": "n"}
        assert (await at.post(params=query))[0] == 403
        lines = [record.getMessage() for record in caplog.records if record.name == "yuanzi.wecom"]
        assert lines == [f"wecom callback {PATH} refused with 403: bad signature"]
        everything = "".join(record.getMessage() for record in caplog.records)
        assert AES_KEY not in everything
        assert "QDG6eK" not in everything
        assert len(at.inbox) == 0


async def test_a_message_for_another_receiver_is_refused() -> None:
    async with place() as at:
        assert (await at.post(key=envelope("ww2")))[0] == 403


@pytest.mark.parametrize("inner", [b"", b"plain", b"<xml>", b"<xml>\xff\xfe</xml>", b"<!DOCTYPE a><xml/>", b"{}"])
async def test_a_well_sealed_message_that_is_no_xml_is_a_bad_request(inner: bytes) -> None:
    async with place() as at:
        assert (await at.post(inner))[0] == 400
        assert len(at.inbox) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml></xml>",
        b"<xml><Encrypt></Encrypt></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
        b"\xff\xfe\x00",
    ],
)
async def test_an_unreadable_envelope_is_a_bad_request(body: bytes) -> None:
    async with place() as at:
        assert (await at.post(body=body))[0] == 400


@pytest.mark.parametrize("announced", [True, False])
async def test_ten_megabytes_are_refused_without_being_read(announced: bool) -> None:
    async with place() as at:
        query = "&".join(f"{key}={value}" for key, value in at.signed("x").items())
        size = f"Content-Length: {10 * 1024 * 1024}" if announced else "Transfer-Encoding: chunked"
        head = f"POST {PATH}?{query} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n{size}\r\n\r\n".encode()
        chunk = b"x" * 65_536 if announced else b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        writer.write(head + chunk * 8)
        answer = await asyncio.wait_for(reader.read(64), 60)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 413")
        assert await at.post() == (200, b"")


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
@pytest.mark.parametrize("value", [None, "", "x" * 4000])
async def test_missing_empty_or_endless_parameters_are_bad_requests(name: str, value: str | None) -> None:
    async with place() as at:
        query = at.signed(at.endpoint.envelope.seal(HELLO))
        query.pop(name)
        if value is not None:
            query[name] = value
        assert (await at.post(params=query))[0] == 400


async def test_a_parameter_twice_is_a_bad_request() -> None:
    async with place() as at:
        query = at.signed(at.endpoint.envelope.seal(HELLO))
        assert (await at.post(params=[*query.items(), ("nonce", "other")]))[0] == 400


@pytest.mark.parametrize("stamp", ["soon", "-5", "1e9", "٣٣", "99999999999"])
async def test_a_timestamp_that_is_no_moment_is_refused(stamp: str) -> None:
    async with place() as at:
        query = {**at.signed("x"), "timestamp": stamp}
        assert (await at.post(params=query))[0] in {400, 403}


@pytest.mark.parametrize("kind", ["application/json", "text/html", "multipart/form-data", "image/png"])
async def test_a_wrong_content_type_is_refused(kind: str) -> None:
    async with place() as at:
        assert (await at.post(headers={"Content-Type": kind}))[0] == 415


async def test_a_compressed_body_is_refused() -> None:
    async with place() as at:
        assert (await at.post(headers={**XML, "Content-Encoding": "gzip"}))[0] == 415


@pytest.mark.parametrize("double", ["Content-Type: text/xml", "Content-Length: 4", "Host: y"])
async def test_headers_that_must_be_single_are_refused_when_doubled(double: str) -> None:
    async with place() as at:
        query = "&".join(f"{key}={value}" for key, value in at.signed("x").items())
        head = f"POST {PATH}?{query} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n"
        answer = await at.raw(f"{head}{double}\r\nConnection: close\r\n\r\nabcd".encode())
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))


async def test_other_methods_and_paths_are_refused() -> None:
    async with place() as at:
        async with at.session.put(at.url) as response:
            assert response.status == 405
        async with at.session.get(at.url + "/../../etc/passwd") as response:
            assert response.status == 404


async def test_a_body_that_trickles_is_cut_off_while_others_are_served() -> None:
    async with place(body_deadline=0.4) as at:
        query = "&".join(f"{key}={value}" for key, value in at.signed("x").items())
        head = f"POST {PATH}?{query} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<"
        slow = asyncio.create_task(at.raw(head.encode()))
        assert await at.post() == (200, b"")
        assert (await slow).startswith(b"HTTP/1.1 408")


async def test_a_request_head_that_trickles_is_cut_off() -> None:
    async with place(idle=0.4) as at:
        assert await at.raw(b"POST /wecom/app HTTP/1.1\r\nHost: x\r\nX-Slow: ") == b""
        assert await at.post() == (200, b"")


async def test_a_full_inbox_asks_the_platform_to_post_again() -> None:
    async with place(size=2) as at:
        assert [(await at.post())[0] for _ in range(3)] == [200, 200, 503]
        await at.inbox.done(await at.inbox.take())
        assert (await at.post())[0] == 200


async def test_an_event_nobody_wants_is_accepted_and_forgotten() -> None:
    async with place() as at:
        at.endpoint.routes.clear()
        assert await at.post(b"<xml><Event>brand_new_event</Event></xml>") == (200, b"")
        assert at.endpoint.unknown == 1


async def test_a_json_answer_is_sealed_with_the_callers_nonce_and_whole_seconds() -> None:
    asked: list[bool] = []

    async def answer(body: Any, again: bool) -> Any:
        asked.append(again)
        return {"msgtype": "text", "text": {"content": "你好"}}

    async with place(form="json", answer=answer) as at:
        status, raw = await at.post(b'{"msgtype":"text"}')
        reply = json.loads(raw)
        assert status == 200
        assert reply["nonce"] == "nonce1"
        assert reply["timestamp"] == at.clock.stamp()
        at.endpoint.envelope.verify(reply["msgsignature"], str(reply["timestamp"]), "nonce1", reply["encrypt"])
        assert json.loads(at.endpoint.envelope.open(reply["encrypt"]))["text"]["content"] == "你好"
        assert asked == [False]


async def test_what_was_answered_but_not_done_is_there_after_a_crash() -> None:
    memory = DictMemory()
    first = Inbox("w", memory, size=4)
    for word in ("a", "b", "c"):
        assert await first.offer(word)
    await first.done(await first.take())
    second = Inbox("w", memory, size=4)
    assert [(await second.take()).body for _ in range(2)] == ["b", "c"]
    assert await second.offer("d")
    assert await second.offer("e")
    assert not await second.offer("f")


async def test_a_parcel_that_stops_every_start_is_dropped_in_the_end() -> None:
    memory = DictMemory()
    await Inbox("w", memory, size=2).offer("poison")
    found = []
    for _ in range(7):
        inbox = Inbox("w", memory, size=2)
        await inbox.restore()
        found.append(len(inbox))
    assert found == [1, 1, 1, 1, 1, 0, 0]
    assert not memory.held


async def test_a_memory_that_fails_gives_the_slot_back() -> None:
    class Broken(DictMemory):
        async def put(self, key: str, value: str) -> None:
            raise StorageFailure("disk full")

    inbox = Inbox("w", Broken(), size=1)
    for _ in range(3):
        with pytest.raises(StorageFailure):
            await inbox.offer("x")
    assert len(inbox) == 0


async def test_memory_does_not_grow_over_many_refused_and_many_accepted_requests() -> None:
    async with place(remembered=10) as at:
        for number in range(40):
            await at.post()
            await at.post(params={"nonce": str(number)})
            parcel: Parcel = await at.inbox.take()
            await at.inbox.done(parcel)
        assert len(at.endpoint.seen) <= 10
        assert at.server.refused == 40


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_random_envelopes_are_read_or_refused(raw: bytes) -> None:
    endpoint = Endpoint(PATH, envelope("ww1"))
    try:
        encrypt = endpoint.sealed(raw)
        endpoint.envelope.open(encrypt)
    except (Garbled, Forged):
        pass
