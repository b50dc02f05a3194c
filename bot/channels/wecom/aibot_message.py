"""What the AI bot hears, in both of its modes: one JSON body becomes one event, the mention of the bot taken off."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.channels.wecom.payload import plain_id, text_at
from bot.events import ContactAdded, Event, MessageReceived, Quote

GAP = "[\\s\u2005\u2003]"
FIRST_WORD = re.compile(rf"^{GAP}*@\S+{GAP}*")
FORMS = {"image": "picture", "voice": "text", "video": "video", "file": "file", "mixed": "text", "text": "text"}
MAX_NOTED = 200


@dataclass(frozen=True, slots=True)
class Inbound:
    """`kind`: message, enter, card, feedback, disconnected or other. `chat` is where an answer goes."""

    kind: str
    event: Event | None = None
    chat: str = ""
    response_url: str = ""
    task_id: str = ""


def strip_mention(text: str, bot_name: str) -> str:
    """Takes `@BotName` off, wherever it stands as a word; without a name, the first @word."""
    if not bot_name:
        return FIRST_WORD.sub("", text, count=1).strip()
    name = re.escape("@" + bot_name)
    text = re.sub(rf"^{GAP}*{name}{GAP}*", "", text, count=1)
    return re.sub(rf"{GAP}*(?<![0-9A-Za-z_]){name}(?={GAP}|$|[，,。.：:!！?？])", "", text).strip()


def read_inbound(body: dict[str, Any], channel: str, bot_name: str, now: datetime) -> Inbound:
    """Raises Garbled for what cannot be an honest message."""
    kind = text_at(body, "msgtype")
    event_type = text_at(body, "event", "eventtype")
    if kind == "event" and event_type == "disconnected_event":
        return Inbound("disconnected")
    message_id = plain_id(text_at(body, "msgid"), "msgid")
    member = plain_id(text_at(body, "from", "userid"), "userid")
    group = plain_id(text_at(body, "chatid"), "chatid") if text_at(body, "chattype") == "group" else None
    stamp = body.get("create_time")
    at = datetime.fromtimestamp(stamp, UTC) if isinstance(stamp, int) and 0 < stamp < 10**11 else now
    common: dict[str, Any] = {
        "id": f"{channel}:{message_id}",
        "at": at,
        "channel": channel,
        "group": group,
        "member": member,
    }
    url = text_at(body, "response_url") or text_at(body, "event", "template_card_event", "response_url")
    chat = group or member
    if kind != "event":
        return Inbound("message", _message(body, kind, common, bot_name), chat, url)
    if event_type == "enter_chat":
        return Inbound("enter", ContactAdded(**common, source="enter_chat"), chat, url)
    if event_type == "template_card_event":
        card = body["event"].get("template_card_event")
        said = MessageReceived(**common, text=text_at(card, "event_key"), form="card", media=text_at(card, "task_id"))
        return Inbound("card", said, chat, url, text_at(card, "task_id"))
    return Inbound("feedback" if event_type == "feedback_event" else "other")


def _message(body: dict[str, Any], kind: str, common: dict[str, Any], bot_name: str) -> MessageReceived:
    if kind == "mixed":
        items = _list(body.get("mixed"), "msg_item")
        text = " ".join(text_at(item, "text", "content") for item in items if text_at(item, "msgtype") == "text")
        media = next((text_at(item, "image", "url") for item in items if text_at(item, "msgtype") == "image"), "")
    else:
        text = text_at(body, kind, "content")
        media = text_at(body, kind, "url")
    if common["group"] is not None:
        text = strip_mention(text, bot_name)
    bot = text_at(body, "aibotid")
    mentions = (bot,) if bot and common["group"] is not None else ()
    form = FORMS.get(kind, kind[:20] or "other")
    return MessageReceived(**common, text=text, mentions=mentions, form=form, media=media, quote=_quote(body))


def _quote(body: dict[str, Any]) -> Quote | None:
    quoted = body.get("quote")
    if not isinstance(quoted, dict):
        return None
    kind = text_at(quoted, "msgtype")
    text = text_at(quoted, kind, "content")
    if kind == "mixed":
        text = " ".join(text_at(item, "text", "content") for item in _list(quoted.get("mixed"), "msg_item"))
    return Quote(id=text_at(quoted, "msgid"), member=text_at(quoted, "from", "userid"), text=text[:MAX_NOTED])


def _list(value: object, key: str) -> list[dict[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
