"""Mass sends (群发): a task that staff must confirm, its results, its reminders. Nothing here sends by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.channels.wecom.client import Api
from bot.channels.wecom.payload import excess, text_at
from bot.channels.wecom.ports import Clock, Memory
from bot.channels.wecom.quotas import BYTES, quota
from bot.errors import Refused, Retryable

SENT = {0: "waiting", 1: "sent", 2: "no_friend", 3: "other_message_won"}


@dataclass(frozen=True, slots=True)
class Task:
    """A created mass send: nothing reaches anybody before staff tap send. `failed` are targets it will not reach."""

    id: str
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    staff: str
    target: str
    state: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`confirmed` and `waiting` are staff who have or have not tapped send; `deliveries` tell of each target."""

    confirmed: tuple[str, ...]
    waiting: tuple[str, ...]
    deliveries: tuple[Delivery, ...]


class MassSends:
    """Creates tasks within the quota per target and business day, and reads what became of them."""

    def __init__(self, prefix: str, api: Api, memory: Memory, clock: Clock, *, per_day: int, zone: str) -> None:
        self._prefix = prefix
        self._api = api
        self._memory = memory
        self._clock = clock
        self._per_day = per_day
        self._zone = ZoneInfo(zone)
        self._lock = asyncio.Lock()

    async def create(
        self,
        text: str,
        *,
        chat: Literal["single", "group"],
        targets: Sequence[str],
        sender: str = "",
        attachments: Sequence[dict[str, Any]] = (),
    ) -> Task:
        """For named targets. A group send needs `sender`, the owner of the groups. Raises Uncertain like any send."""
        most = quota("mass.groups" if chat == "group" else "mass.customers").amount
        if not 0 < len(targets) <= most:
            raise Refused(f"a mass send has 1 to {most} targets")
        if chat == "group" and not sender:
            raise Refused("a mass send to groups needs their owner as sender")
        if excess(text, BYTES["mass.text"]) or len(attachments) > quota("mass.attachments").amount:
            raise Refused("the mass send is longer than the platform takes")
        body: dict[str, Any] = {"chat_type": chat, "text": {"content": text}}
        body["chat_id_list" if chat == "group" else "external_userid"] = list(targets)
        body |= {"sender": sender} if sender else {}
        body |= {"attachments": list(attachments)} if attachments else {}
        async with self._lock:
            await self._count(targets, 1)
            try:
                answer = await self._api.call("externalcontact/add_msg_template", body)
            except (Retryable, Refused):
                await self._count(targets, -1)
                raise
        failed = answer.get("fail_list")
        return Task(text_at(answer, "msgid"), tuple(str(one) for one in failed) if isinstance(failed, list) else ())

    async def outcome(self, task: str) -> Outcome:
        """What became of a task; Retryable while the platform is still handing it out."""
        asked = await self._pages("externalcontact/get_groupmsg_task", {"msgid": task}, "task_list")
        deliveries: list[Delivery] = []
        for entry in asked:
            body = {"msgid": task, "userid": text_at(entry, "userid")}
            for row in await self._pages("externalcontact/get_groupmsg_send_result", body, "send_list"):
                target = text_at(row, "chat_id") or text_at(row, "external_userid")
                at = row.get("send_time")
                state = SENT.get(row.get("status", -1), "unknown")
                deliveries.append(
                    Delivery(text_at(row, "userid") or body["userid"], target, state, at if isinstance(at, int) else 0)
                )
        done = tuple(text_at(entry, "userid") for entry in asked if entry.get("status") == 2)
        open_ = tuple(text_at(entry, "userid") for entry in asked if entry.get("status") != 2)
        return Outcome(done, open_, tuple(deliveries))

    async def remind(self, task: str) -> None:
        """Reminds staff to confirm; at most 3 times in 24 hours, then Refused by the platform (41094)."""
        await self._api.call("externalcontact/remind_groupmsg_send", {"msgid": task})

    async def cancel(self, task: str) -> None:
        """Stops what has not been sent yet."""
        await self._api.call("externalcontact/cancel_groupmsg_send", {"msgid": task}, again=True)

    async def _pages(self, path: str, body: dict[str, str], key: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = await self._api.call(path, {**body, "limit": 500, "cursor": cursor}, again=True)
            found = page.get(key)
            rows += [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
            following = text_at(page, "next_cursor")
            if not following or following == cursor:
                return rows
            cursor = following

    async def _count(self, targets: Sequence[str], step: int) -> None:
        day = self._clock.now().astimezone(self._zone).date().isoformat()
        keys = [f"{self._prefix}/mass/{day}/{target}" for target in targets]
        counts = [int(await self._memory.get(key) or 0) + step for key in keys]
        if step > 0 and max(counts) > self._per_day:
            full = [target for target, count in zip(targets, counts, strict=True) if count > self._per_day]
            raise Refused(f"mass message of {day} used up for {', '.join(full[:5])} ({len(full)} targets)")
        for key, count in zip(keys, counts, strict=True):
            await self._memory.put(key, str(count) if count > 0 else "")
