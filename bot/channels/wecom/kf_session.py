"""Whose turn it is with a customer: session states of 微信客服, 48 hours, 5 lines after each message of theirs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels.wecom.client import Api
from bot.channels.wecom.errcodes import ApiRefused
from bot.channels.wecom.payload import text_at
from bot.channels.wecom.ports import Ports
from bot.channels.wecom.settings import KfSettings
from bot.errors import Refused

NEW, BOT, POOL, HUMAN, ENDED = range(5)

MOVES = {NEW: {BOT, POOL, HUMAN}, BOT: {POOL, HUMAN}, POOL: {HUMAN}, HUMAN: {HUMAN}, ENDED: set[int]()}
"""What the API may do from each state, besides ENDED, which is a setting (`end_from`)."""

FAILURES = {
    0: "unknown",
    1: "account deleted",
    2: "app closed",
    4: "more than 48 h",
    5: "session closed",
    6: "more than 5 messages",
    8: "corp unverified",
    10: "customer rejects",
    11: "nobody logged in to the app",
    12: "forbidden type",
}


@dataclass(frozen=True, slots=True)
class KfNotice:
    """What the house's events have no word for yet: a line that failed after it was accepted, a changed session."""

    kind: str
    """send_failed, session, recalled, muted"""
    member: str
    at: datetime
    detail: str = ""
    message: str = ""
    """For send_failed: the msgid, which is the Receipt's platform_id."""


KfNoticed = Callable[[KfNotice], Awaitable[None]]


class Sessions:
    """Remembers per customer when they last wrote, how many lines they got since, and who is in charge."""

    def __init__(self, settings: KfSettings, api: Api, ports: Ports) -> None:
        self._settings = settings
        self._api = api
        self._memory = ports.memory
        self._clock = ports.clock
        self._lock = asyncio.Lock()

    async def customer_wrote(self, member: str, message_id: str, at: datetime) -> None:
        async with self._lock:
            turn = await self._load(member)
            if turn.get("message") == message_id or at.timestamp() < turn.get("at", 0):
                return  # the same page pulled again
            state = NEW if turn.get("state") == ENDED else turn.get("state", NEW)
            fresh: dict[str, Any] = {"at": at.timestamp(), "message": message_id, "sent": [], "state": state}
            await self._store(member, fresh | ({"doubt": True} if state in {POOL, HUMAN} else {}))

    async def may_speak(self, member: str, message_id: str) -> bool:
        """Counts one line, or says why not. True for a repeat of a line that was tried before: it is not counted."""
        if (await self._load(member)).get("doubt"):
            await self.state(member)  # once per message of theirs: the event that ended it may have been lost
        async with self._lock:
            turn = await self._load(member)
            if turn.get("state") in {POOL, HUMAN}:
                raise Refused("a person is in charge of this customer")
            if not turn.get("at"):
                return False  # never heard them: the platform decides
            if self._clock.now().timestamp() - turn["at"] > self._settings.reply_hours:
                raise Refused("more than 48 hours since the customer's last message")
            sent: list[str] = turn.get("sent", [])
            if message_id in sent:
                return True
            if len(sent) >= self._settings.reply_count:
                raise Refused(f"{len(sent)} lines since the customer's last message, more are not allowed")
            await self._store(member, {**turn, "sent": [*sent, message_id]})
            return False

    async def refused(self, member: str, message_id: str, code: int) -> None:
        """The platform did not take the line: it does not count; some codes teach us the true state."""
        async with self._lock:
            turn = await self._load(member)
            turn["sent"] = [one for one in turn.get("sent", []) if one != message_id]
            if code == 95001:
                turn["sent"] = ["?"] * self._settings.reply_count
            await self._store(member, turn)
        if code == 95018:
            await self.state(member)

    async def changed(self, member: str, state: int) -> None:
        async with self._lock:
            turn = await self._load(member)
            turn.pop("doubt", None)
            await self._store(member, {**turn, "state": state})

    async def state(self, member: str) -> int:
        """Asks the platform."""
        body = {"open_kfid": self._settings.open_kfid, "external_userid": member}
        answer = await self._api.call("kf/service_state/get", body, again=True)
        state = answer.get("service_state")
        if not isinstance(state, int) or state not in MOVES:
            raise Refused("unknown session state")
        await self.changed(member, state)
        return state

    async def move(self, member: str, state: int, servicer: str = "") -> str:
        """Moves the session; answers the code to speak with, or "". A move that is already made is fine."""
        present = await self.state(member)
        if present == state and state != HUMAN:
            return ""
        allowed = MOVES[present] | ({ENDED} if present in self._settings.end_from else set())
        if state not in allowed:
            raise ApiRefused(f"a session in state {present} cannot be moved to {state}", 95016)
        body: dict[str, Any] = {"open_kfid": self._settings.open_kfid, "external_userid": member}
        body |= {"service_state": state} | ({"servicer_userid": servicer} if servicer else {})
        answer = await self._api.call("kf/service_state/trans", body, again=True)
        await self.changed(member, state)
        return text_at(answer, "msg_code")

    def _key(self, member: str) -> str:
        return f"{self._settings.name}/turn/{member}"

    async def _load(self, member: str) -> dict[str, Any]:
        stored = await self._memory.get(self._key(member))
        found: dict[str, Any] = json.loads(stored) if stored else {}
        return found

    async def _store(self, member: str, turn: dict[str, Any]) -> None:
        await self._memory.put(self._key(member), json.dumps(turn))
