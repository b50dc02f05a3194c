"""The AI bot's URL mode: encrypted JSON pushes, the answer in the response, refresh polls (wecom.md 7.3)."""

import json
from dataclasses import dataclass
from typing import Literal

from tests.fake_wecom.bot_records import STREAM_SECONDS, Bot, BotSent, Open
from tests.fake_wecom.bot_rules import check_new_card, check_update, check_welcome, grow_stream
from tests.fake_wecom.bots import Bots
from tests.fake_wecom.crypto import EnvelopeError
from tests.fake_wecom.envelopes import Endpoint, open_json_reply
from tests.fake_wecom.errors import ApiError, Json
from tests.fake_wecom.fields import Fields
from tests.fake_wecom.ground import Ground
from tests.fake_wecom.pusher import Delivery, Pusher


@dataclass
class BotUrl:
    ground: Ground
    bots: Bots
    pusher: Pusher

    def __post_init__(self) -> None:
        self.bots.roads["url"] = self

    def carry(self, bot: Bot, opened: Open, body: Json) -> str:
        if bot.callback is None:
            return "no callback URL"
        self.ground.spawn(self._converse(bot, opened, body, self._push(bot, body)))
        return ""

    async def verify(self, bot_id: str) -> Json:
        """Control: the GET of saving the URL (wecom.md 2.1), with an empty receiveid."""
        return await self.pusher.verify_endpoint(self._endpoint(self.bots.bots[bot_id]))

    def _endpoint(self, bot: Bot) -> Endpoint:
        if bot.callback is None:
            raise LookupError(f"bot {bot.bot_id} has no callback URL")
        return Endpoint(bot.callback.url, bot.callback.token, bot.callback.aes_key, "", "json")

    def _push(self, bot: Bot, body: Json) -> Delivery:
        return self.pusher.push(self._endpoint(bot), json.dumps(body, ensure_ascii=False))

    async def _converse(self, bot: Bot, opened: Open, body: Json, first: Delivery) -> None:
        """One push, then refresh polls until finish=true or 6 min after the user's message (wecom.md 7.3)."""
        await self._hear(bot, opened, first)
        while opened.stream is not None and not opened.stream.finished:
            await self.ground.clock.sleep(self.ground.options.refresh_seconds)
            if self.ground.clock() - opened.born > STREAM_SECONDS:
                return
            poll: Json = {key: body[key] for key in ("aibotid", "chatid", "chattype", "from") if key in body}
            poll |= {"msgid": self.ground.luck.word("", 32), "create_time": int(self.ground.clock())}
            poll |= {"msgtype": "stream", "stream": {"id": opened.stream.id}}
            await self._hear(bot, opened, self._push(bot, poll))

    async def _hear(self, bot: Bot, opened: Open, delivery: Delivery) -> None:
        await self.ground.until(lambda: delivery.state in ("accepted", "failed", "lost"))
        if delivery.state != "accepted" or not delivery.answer:
            return  # wecom.md 7.3: an empty 200 is allowed
        try:
            nonce = delivery.tries[-1].posted.query["nonce"]
            answer = Fields(open_json_reply(delivery.to, delivery.answer, nonce))
            self._read(bot, opened, answer)
        except (EnvelopeError, ApiError) as wrong:
            bot.refused.append(str(wrong))
        self.ground.tell()

    def _read(self, bot: Bot, opened: Open, answer: Fields) -> None:
        if opened.kind == "enter_chat":
            self._record(bot, opened, "welcome", check_welcome(answer), answer)
        elif opened.kind == "template_card_event":
            self._record(bot, opened, "update", check_update(answer, opened.task_id), answer)
        elif opened.kind != "message":
            raise ApiError(40008, f"{opened.kind} takes no answer")
        else:
            self._read_reply(bot, opened, answer)

    def _read_reply(self, bot: Bot, opened: Open, answer: Fields) -> None:
        kind = answer.text("msgtype", need=True)
        if kind not in ("stream", "template_card", "stream_with_template_card"):
            raise ApiError(40008)
        if kind != "template_card":
            grow_stream(bot, opened, answer.part("stream", need=True), self.ground.clock(), items=True)
            self._record(bot, opened, "reply", "stream", answer)
        if answer.has("template_card"):  # the card may be sent once with the stream
            check_new_card(bot, answer.part("template_card"))
            self._record(bot, opened, "reply", "template_card", answer)

    def _record(
        self, bot: Bot, opened: Open, by: Literal["reply", "welcome", "update"], kind: str, answer: Fields
    ) -> None:
        shown = dict(answer.part(kind).data)
        self.bots.record(BotSent(self.ground.clock(), bot.bot_id, opened.chat, by, kind, shown, opened.msgid))
