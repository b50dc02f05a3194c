"""Pictures and files of the AI bot: uploaded in chunks over the long connection, read back by their own key."""

import asyncio
import base64
import hashlib
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from bot.channels.wecom.aibot_link import Link
from bot.channels.wecom.client import read_file
from bot.channels.wecom.crypto import Garbled, open_media
from bot.channels.wecom.errcodes import Uncertain
from bot.channels.wecom.payload import text_at
from bot.errors import Refused, Retryable

CHUNK = 512 * 1024
MOST_CHUNKS = 100
BYTES = {"image": 10_485_760, "video": 10_485_760, "voice": 2_097_152, "file": 20_971_520}


async def upload(link: Link, kind: str, file: str) -> str:
    """Answers the media_id, good for three days. A lost answer is Retryable: nobody has seen anything yet."""
    try:
        return await _upload(link, kind, file)
    except Uncertain as error:
        lost = str(error)
    raise Retryable(f"upload: {lost}", 5.0)


async def _upload(link: Link, kind: str, file: str) -> str:
    data = await asyncio.to_thread(read_file, file, BYTES.get(kind, 0))
    chunks = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    if len(chunks) > MOST_CHUNKS:
        raise Refused("too many chunks")
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    opening = {"type": kind, "filename": Path(file).name, "total_size": len(data), "total_chunks": len(chunks)}
    upload_id = text_at(await link.ask("aibot_upload_media_init", {**opening, "md5": digest}), "upload_id")
    for index, chunk in enumerate(chunks):  # one after the other: the server answers system errors to many at once
        body = {"upload_id": upload_id, "chunk_index": index, "base64_data": base64.b64encode(chunk).decode()}
        await link.ask("aibot_upload_media_chunk", body)
    media = text_at(await link.ask("aibot_upload_media_finish", {"upload_id": upload_id}), "media_id")
    if not media:
        raise Uncertain("aibot_upload_media_finish: no media_id")
    return media


async def fetch_media(session: aiohttp.ClientSession, url: str, key: SecretStr, *, limit: int = 20_971_520) -> bytes:
    """Reads what a member sent (its address lives 5 minutes) and opens it. https only, no redirects, bounded."""
    if not url.startswith("https://"):
        raise Refused("media addresses must be https")
    raw = bytearray()
    lost = ""
    try:
        async with session.get(url, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=30)) as response:
            if response.status != 200:
                lost = f"HTTP {response.status}"
            async for chunk in response.content.iter_chunked(65_536):
                raw += chunk
                if len(raw) > limit:
                    lost = "too large"
                    break
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        lost = type(error).__name__
    if lost:
        raise Garbled(f"media not read: {lost}")
    return open_media(key, bytes(raw))
