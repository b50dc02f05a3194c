"""What may hang on a welcome or a mass message: the same five kinds with the same limits (wecom.md 5.4, 5.8)."""

from tests.fake_wecom.errors import ApiError
from tests.fake_wecom.fields import Fields, refuse
from tests.fake_wecom.media import Media

MOST = 9
KINDS = ("image", "link", "miniprogram", "video", "file")


def check_text_and_attachments(body: Fields, media: Media, owner: str) -> None:
    """Text up to 4000 bytes, up to nine attachments, at least one of the two."""
    text = body.part("text").text("content", bytes_most=4000)
    if len(body.data.get("attachments") or []) > MOST:
        raise ApiError(41064)
    attachments = body.parts("attachments")
    for attachment in attachments:
        _check(attachment, media, owner)
    if not text and not attachments:
        raise refuse("text", "and attachments are both missing")


def _check(attachment: Fields, media: Media, owner: str) -> None:
    kind = attachment.text("msgtype", need=True)
    if kind not in KINDS:
        raise ApiError(41065)
    part = attachment.part(kind, need=True)
    if kind == "image":
        if part.text("media_id"):  # media_id wins over pic_url (wecom.md 5.4)
            media.find(part.text("media_id"), owner, "image")
        elif not part.text("pic_url"):
            raise refuse(part.name("media_id"), "and pic_url are both missing")
    elif kind == "link":
        part.text("title", need=True, bytes_most=128)
        part.text("desc", bytes_most=512)
        part.text("url", need=True, bytes_most=2048)
        part.text("picurl", bytes_most=2048)
    elif kind == "miniprogram":
        part.text("title", need=True, bytes_most=64)
        for key in ("appid", "page"):
            part.text(key, need=True)
        media.find(part.text("pic_media_id", need=True), owner, "image")
    else:
        media.find(part.text("media_id", need=True), owner, kind)
