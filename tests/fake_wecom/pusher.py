"""The callback pusher: encrypts, signs and POSTs with a deadline and three tries; also late, twice, forged or never."""

from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from yarl import URL

from tests.fake_wecom import crypto
from tests.fake_wecom.envelopes import SPOILS, Endpoint, Posted, Spoil, envelope, open_xml_reply, xml, xml_text
from tests.fake_wecom.errors import Json
from tests.fake_wecom.ground import Ground
from tests.fake_wecom.lengths import cut_to_bytes
from tests.fake_wecom.records import App, Corp


@dataclass
class Try:
    """One POST: when, what went out, what came back (status 0: nothing, see `failure`)."""

    at: float
    posted: Posted
    status: int = 0
    answer: bytes = b""
    failure: str = ""


@dataclass
class Delivery:
    """One push and its fate. `state` stays pending until WeCom would stop trying."""

    id: int
    to: Endpoint
    plain: str
    spoil: Spoil = ""
    state: Literal["pending", "accepted", "failed", "held", "lost"] = "pending"
    tries: list[Try] = field(default_factory=list)

    @property
    def answer(self) -> bytes:
        return self.tries[-1].answer if self.tries else b""


@dataclass
class Pusher:
    ground: Ground
    deliveries: list[Delivery] = field(default_factory=list)
    holding: bool = False
    under_way: int = 0
    """How many pushes are being tried right now."""
    _lose: int = 0
    _twice: int = 0
    _session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    # -- what the rules call -------------------------------------------------------------------------------------

    def tell_apps(self, corp: Corp, grant: str, fields: Json, *, about: str = "") -> list[Delivery]:
        """Pushes an event to each app of the corp that was granted it and may see the member it is about."""
        told = [
            app
            for app in corp.apps.values()
            if app.callback and app.enabled and grant in app.grants and (not about or app.sees(about))
        ]
        return [self.push_to_app(corp, app, fields) for app in told]

    def push_to_app(self, corp: Corp, app: App, fields: Json, spoil: Spoil = "") -> Delivery:
        if app.callback is None:
            raise LookupError(f"app {app.agentid} has no callback URL")
        to = Endpoint(app.callback.url, app.callback.token, app.callback.aes_key, corp.corpid, agentid=app.agentid)
        common = {"ToUserName": corp.corpid, "CreateTime": int(self.ground.clock())}
        return self.push(to, xml({**common, **fields}), spoil)

    def push(self, to: Endpoint, plain: str, spoil: Spoil = "") -> Delivery:
        """Sends in the background; loss, doubling and holding back happen here."""
        delivery = Delivery(len(self.deliveries) + 1, to, plain, spoil)
        self.deliveries.append(delivery)
        if self._lose > 0:
            self._lose -= 1
            delivery.state = "lost"
        elif self.holding:
            delivery.state = "held"
        else:
            self._start([delivery])
            if self._twice > 0:
                self._twice -= 1
                self.again(delivery.id)
        self.ground.tell()
        return delivery

    def _start(self, deliveries: list[Delivery]) -> None:
        """Delivers in the background, one after the other."""
        self.under_way += 1
        self.ground.spawn(self._in_turn(deliveries))

    async def _in_turn(self, deliveries: list[Delivery]) -> None:
        try:
            for delivery in deliveries:
                await self.deliver(delivery)
        finally:
            self.under_way -= 1
            self.ground.tell()

    async def deliver(self, delivery: Delivery) -> Delivery:
        """wecom.md 2.1 "timeout": 5 s, any non-200 is a failure, 3 tries in total."""
        options = self.ground.options
        tries = options.push_tries if delivery.to.form == "xml" else options.bot_push_tries
        posted = None
        for _ in range(tries):
            if delivery.tries and options.retry_gap:
                await self.ground.clock.sleep(options.retry_gap)
            if posted is None or options.fresh_envelope_per_try:
                posted = self._envelope(delivery)
            attempt = await self._post(delivery.to, posted)
            delivery.tries.append(attempt)
            if attempt.status == 200:
                delivery.state = "accepted"
                break
            self.ground.tell()
        else:
            delivery.state = "failed"
        self.ground.tell()
        return delivery

    def _envelope(self, delivery: Delivery) -> Posted:
        luck = self.ground.luck
        timestamp = str(int(self.ground.clock()))
        return envelope(
            delivery.to,
            delivery.plain,
            timestamp=timestamp,
            nonce=luck.digits(10),
            prefix=luck.draw(16),
            spoil=delivery.spoil,
        )

    async def _post(self, to: Endpoint, posted: Posted) -> Try:
        attempt = Try(self.ground.clock(), posted)
        headers = {"Content-Type": posted.content_type}

        async def go() -> None:
            url = URL(to.url).update_query(posted.query)
            async with self._client().post(url, data=posted.body, headers=headers, allow_redirects=False) as answer:
                attempt.answer = await answer.read()
                attempt.status = answer.status

        try:
            await self.ground.clock.within(self.ground.options.push_seconds, go())
        except TimeoutError:
            attempt.failure = "timeout"
        except (aiohttp.ClientError, OSError) as wrong:
            attempt.failure = type(wrong).__name__
        return attempt

    # -- what tests and control call -----------------------------------------------------------------------------

    def hold(self) -> None:
        """Keeps pushes back until `release`: for reordered and lost events (wecom.md 5.2)."""
        self.holding = True

    def release(self, order: list[int] | None = None) -> None:
        """Sends held pushes, in the given order of their ids; held ones that are not named are lost."""
        self.holding = False
        held = {delivery.id: delivery for delivery in self.deliveries if delivery.state == "held"}
        chosen = list(held) if order is None else order
        for delivery in held.values():
            delivery.state = "lost"
        for number in chosen:
            held[number].state = "pending"
        self._start([held[number] for number in chosen])

    def lose(self, count: int = 1) -> None:
        """The next pushes never leave."""
        self._lose += count

    def double(self, count: int = 1) -> None:
        """The next pushes are delivered twice, each time in a fresh envelope."""
        self._twice += count

    def again(self, number: int) -> Delivery:
        """The same plaintext once more in a fresh envelope: a duplicate."""
        first = self.deliveries[number - 1]
        copy = Delivery(len(self.deliveries) + 1, first.to, first.plain)
        self.deliveries.append(copy)
        self._start([copy])
        return copy

    def passive_reply(self, number: int) -> Json:
        """What the member sees of an answer in the HTTP response: opened, checked, text cut (wecom.md 2.4)."""
        delivery = self.deliveries[number - 1]
        if not delivery.answer:
            return {}
        try:
            plain = open_xml_reply(delivery.to, delivery.answer)
        except (crypto.EnvelopeError, UnicodeDecodeError) as wrong:
            raise ValueError(str(wrong)) from wrong
        shown: Json = {name: value for name in ("MsgType", "Content", "MediaId") if (value := xml_text(plain, name))}
        if "Content" in shown:
            shown["Content"] = cut_to_bytes(shown["Content"], 2048)  # <= 2048 bytes, longer is truncated
        return shown

    async def replay(self, number: int) -> Try:
        """The same bytes with the same signature once more: what an eavesdropper can do."""
        delivery = self.deliveries[number - 1]
        return await self._post(delivery.to, delivery.tries[0].posted)

    async def post_raw(
        self, agentid: int, body: str, query: dict[str, str], content_type: str = "text/xml", corpid: str = ""
    ) -> Try:
        """Any body with any query at an app's callback URL."""
        callback = self.ground.corp(corpid).app_of_agent(agentid).callback
        if callback is None:
            raise LookupError(f"app {agentid} has no callback URL")
        to = Endpoint(callback.url, callback.token, callback.aes_key, "")
        return await self._post(to, Posted(query, body.encode(), content_type))

    def push_event(self, agentid: int, fields: Json, spoil: Spoil = "", corpid: str = "") -> Delivery:
        """Any event to one app, spoilt if wanted (`signature`, `receiveid`, `padding0`, ...)."""
        if spoil not in SPOILS:
            raise ValueError(f"unknown spoil {spoil!r}, one of {', '.join(SPOILS)}")
        corp = self.ground.corp(corpid)
        return self.push_to_app(corp, corp.app_of_agent(agentid), fields, spoil)

    def say_to_app(self, agentid: int, userid: str, content: str, corpid: str = "") -> Delivery:
        """A member writes to an app: text with a 64-bit MsgId (wecom.md 2.4)."""
        fields: Json = {"FromUserName": userid, "MsgType": "text", "Content": content}
        fields |= {"MsgId": int(self.ground.luck.digits(19)), "AgentID": agentid}
        return self.push_event(agentid, fields, corpid=corpid)

    async def verify(self, agentid: int, corpid: str = "", spoil: Spoil = "") -> Json:
        """The GET that saving the URL in the console sends: the plaintext must come back within 1 s (wecom.md 2.1)."""
        corp = self.ground.corp(corpid)
        callback = corp.app_of_agent(agentid).callback
        if callback is None:
            raise LookupError(f"app {agentid} has no callback URL")
        return await self.verify_endpoint(Endpoint(callback.url, callback.token, callback.aes_key, corp.corpid), spoil)

    async def verify_endpoint(self, to: Endpoint, spoil: Spoil = "") -> Json:
        luck = self.ground.luck
        message, timestamp, nonce = luck.digits(19), str(int(self.ground.clock())), luck.digits(10)
        echostr = crypto.seal(to.aes_key, message, to.receiveid, luck.draw(16))
        signature = crypto.signature(to.token, timestamp, nonce, echostr)
        if spoil == "signature":
            signature = signature[::-1]
        query = {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echostr}

        async def go() -> tuple[int, bytes]:
            # update_query percent-encodes the `+` of base64 (wecom.md 2.3 gotchas)
            async with self._client().get(URL(to.url).update_query(query), allow_redirects=False) as answer:
                return answer.status, await answer.read()

        try:
            status, body = await self.ground.clock.within(self.ground.options.verify_seconds, go())
        except TimeoutError:
            return {"ok": False, "why": "timeout"}
        except (aiohttp.ClientError, OSError) as wrong:
            return {"ok": False, "why": type(wrong).__name__}
        if status != 200:
            return {"ok": False, "why": f"status {status}"}
        same = body == message.encode()  # no quotes, no BOM, no newline
        return {"ok": same, "why": "" if same else "the answer is not the plaintext"}
