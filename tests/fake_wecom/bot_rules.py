"""What an AI bot may answer, whichever way it is connected (wecom.md 7.3, 7.5)."""

import base64
import binascii
import hashlib

from tests.fake_wecom.bot_records import STREAM_SECONDS, TEXT_BYTES, Bot, Open, Stream
from tests.fake_wecom.cards import check_card
from tests.fake_wecom.errors import ApiError
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.media import MEGA, Media, looks_like

FILES = ("file", "image", "voice", "video")


def check_welcome(body: Fields) -> str:
    """Text or a template card (wecom.md 7.2)."""
    kind = body.text("msgtype", need=True)
    if kind == "text":
        body.part("text", need=True).text("content", need=True, bytes_most=TEXT_BYTES)
    elif kind == "template_card":
        check_card(body.part("template_card", need=True))
    else:
        raise ApiError(40008)
    return kind


def check_update(body: Fields, task_id: str) -> str:
    """The clicked card's own task_id (wecom.md 7.5)."""
    if body.text("response_type", need=True) != "update_template_card":
        raise refuse("response_type", "is invalid")
    card = body.part("template_card", need=True)
    check_card(card)
    if card.text("task_id") != task_id:
        raise refuse("template_card.task_id", "is not the clicked card's")
    body.texts("userids")
    return "template_card"


def check_content(bot: Bot, body: Fields, kinds: tuple[str, ...], media: Media) -> str:
    """Anything but a stream."""
    kind = body.text("msgtype", need=True)
    if kind not in kinds:
        raise ApiError(40008)
    part = body.part(kind, need=True)
    if kind == "markdown":
        if not part.text("content", bytes_most=TEXT_BYTES):
            raise ApiError(44004)
        check_feedback(part)
    elif kind == "template_card":
        check_new_card(bot, part)
    else:
        media.find(part.text("media_id", need=True), f"bot {bot.bot_id}", kind)
        part.text("title", bytes_most=128)  # wecom.md 7.5: video title / description
        part.text("description", bytes_most=512)
    return kind


def check_new_card(bot: Bot, card: Fields) -> None:
    """A task_id serves one card per bot (wecom.md 3.2)."""
    check_card(card)
    task_id = card.text("task_id")
    if task_id:
        if task_id in bot.task_ids:
            raise refuse(card.name("task_id"), "is used already")
        bot.task_ids.add(task_id)


def check_feedback(part: Fields) -> None:
    part.part("feedback").text("id", bytes_most=256)  # wecom.md 7.3


def grow_stream(bot: Bot, opened: Open, part: Fields, now: float, *, items: bool) -> None:
    """Takes one frame of a stream. `items`: msg_item is allowed (URL mode)."""
    name = part.text("id", need=True)
    content = part.text("content", bytes_most=TEXT_BYTES)
    finish = part.flag("finish")
    check_feedback(part)
    pictures = part.parts("msg_item", most=10)
    if pictures and not (items and finish):
        raise refuse("stream.msg_item", "is not supported here")  # only URL mode, only with finish=true
    for picture in pictures:
        _check_picture(picture)
    if opened.stream is None:
        opened.stream = Stream(name, now)
        bot.growing.append(opened)
    stream = opened.stream
    if stream.id != name:
        raise ApiError(846605)  # wecom.md 7.5: same stream.id and req_id for all frames; the code is UNCONFIRMED
    if stream.finished or now - stream.born > STREAM_SECONDS:
        raise ApiError(846608)  # wecom.md 7.5; after finish=true "further frames on S -> error"
    stream.frames.append(content)
    stream.finished = finish
    opened.answered = True


def _check_picture(item: Fields) -> None:
    """JPG or PNG up to 10 MB raw, with its md5 (wecom.md 7.3)."""
    if item.text("msgtype", need=True) != "image":
        raise ApiError(40008)
    part = item.part("image", need=True)
    try:
        raw = base64.b64decode(part.text("base64", need=True), validate=True)
    except binascii.Error as wrong:
        raise refuse(part.name("base64"), "is not base64") from wrong
    if len(raw) > 10 * MEGA:
        raise ApiError(40009)
    if not looks_like("image", raw):
        raise ApiError(40004)
    if hashlib.md5(raw).hexdigest() != part.text("md5", need=True).lower():  # noqa: S324
        raise refuse(part.name("md5"), "does not match")
