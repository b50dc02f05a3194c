"""From what a gateway reports to our events. Pure: payloads, names and times come in, facts go out."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.channels.wechaty_wire import FORMS, MessagePayload, RawEvent
from bot.events import ContactAdded, MemberJoined, MemberLeft, MessageReceived, Person, Quote

AFTER_NAME = r"(?:\u2005|\s|$)"
_LEADING_MENTION = re.compile(r"^@[^@\u2005\n]{1,40}\u2005")
_QUOTE = re.compile(
    r"\A\s*(?:这是一条引用/回复消息[：:]\s*)?"
    r"[「“\"](?P<who>[^：:\n]{0,60})[：:]\s*(?P<what>.*?)[」”\"]\s*\n\s*-(?:\s?-){4,}\s*\n(?P<said>.*)\Z",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Said:
    """An earlier message, kept so that a quote of it can be understood."""

    id: str
    member: str
    text: str


FindQuote = Callable[[str, str, str], Said | None]
"""(group or conversation, message id, text) -> that message, if we remember it."""


def moment(stamp: float, otherwise: datetime) -> datetime:
    """A platform's time as ours. A stamp that is missing or absurd does not make an event happen in 1970."""
    try:
        return datetime.fromtimestamp(stamp, UTC) if stamp > 0 else otherwise
    except (OverflowError, OSError, ValueError):
        return otherwise


def digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]


def split_quote(line: str) -> tuple[str, str]:
    """A reply as WeChat and WeCom write it into the text: (what was said before, what is said now)."""
    found = _QUOTE.match(line)
    return (found["what"].strip(), found["said"].strip()) if found else ("", line)


def read_mentions(
    line: str, mentions: Sequence[str], account: str, names: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The text without the mention of ourselves, and everybody mentioned. Gateways forget ids; then the name tells."""
    found = list(dict.fromkeys(mentions))
    for name in names:
        pattern = re.compile(rf"@{re.escape(name)}{AFTER_NAME}")
        if name and pattern.search(line):
            line = pattern.sub(" ", line, count=1)
            if account and account not in found:
                found.append(account)
            return line.strip(), tuple(found)
    if account in found and len(found) == 1:
        line = _LEADING_MENTION.sub("", line)  # we go by another name in this group
    return line.strip() if found else line, tuple(found)


def message(
    channel: str,
    payload: MessagePayload,
    *,
    account: str,
    names: Sequence[str],
    member_name: str,
    now: datetime,
    find: FindQuote,
) -> MessageReceived:
    form = FORMS.get(payload.kind, "other")
    line = payload.text if form == "text" else ""
    group = payload.room_id or None
    quote = None
    before, line = split_quote(line)
    if payload.quote_id or before:
        known = find(payload.room_id or payload.from_id, payload.quote_id, before)
        quote = (
            Quote(id=known.id, member=known.member, text=known.text)
            if known
            else Quote(id=payload.quote_id, member="", text=before)
        )
    line, mentions = read_mentions(line, payload.mention_ids, account, names if group else ())
    return MessageReceived(
        id=f"{channel}:{payload.id}",
        at=moment(payload.timestamp, now),
        channel=channel,
        group=group,
        member=payload.from_id or None,
        name=member_name,
        text=line,
        mentions=mentions,
        form=form,
        media="" if form == "text" else payload.id,
        quote=quote,
    )


def joined(
    channel: str, event: RawEvent, *, account: str, people: Sequence[Person], now: datetime
) -> MemberJoined | None:
    """None where nobody but ourselves came in."""
    others = tuple(person for person in people if person.id != account)
    if not others:
        return None
    room = event.get("roomId")
    return MemberJoined(
        id=f"{channel}:joined:{digest(room, f'{event.stamp()}', *sorted(person.id for person in people))}",
        at=moment(event.stamp(), now),
        channel=channel,
        group=room,
        member=others[0].id,
        name=others[0].name,
        people=others,
        inviter=event.get("inviterId"),
    )


def left(channel: str, event: RawEvent, *, account: str, people: Sequence[Person], now: datetime) -> MemberLeft | None:
    others = tuple(person for person in people if person.id != account)
    if not others:
        return None
    room = event.get("roomId")
    return MemberLeft(
        id=f"{channel}:left:{digest(room, f'{event.stamp()}', *sorted(person.id for person in people))}",
        at=moment(event.stamp(), now),
        channel=channel,
        group=room,
        member=others[0].id,
        name=others[0].name,
        people=others,
    )


def added(channel: str, contact: str, name: str, now: datetime) -> ContactAdded:
    """One greeting per contact for ever: accepting and the platform's confirmation are the same fact."""
    return ContactAdded(
        id=f"{channel}:added:{contact}", at=now, channel=channel, member=contact, name=name, source="friendship"
    )
