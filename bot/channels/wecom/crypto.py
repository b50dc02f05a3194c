"""Sealed callbacks: SHA-1 signature compared in constant time, AES-256-CBC, PKCS#7 to blocks of 32."""

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import SecretStr

from bot.errors import ChannelError

BLOCK = 32
PREFIX = 16
AES_KEY = re.compile(r"[0-9A-Za-z+/]{43}")


class Forged(ChannelError):
    """The signature, or the receiver named inside, is not ours."""


class Garbled(ChannelError):
    """It cannot be opened or read: truncated, badly padded, not UTF-8, not the promised format."""


def pad(data: bytes) -> bytes:
    """PKCS#7 to 32: a full block is added when the length already fits."""
    count = BLOCK - len(data) % BLOCK
    return data + bytes([count]) * count


def unpad(data: bytes) -> bytes:
    count = data[-1] if data else 0
    if not 1 <= count <= BLOCK or count > len(data) or data[-count:] != bytes([count]) * count:
        raise Garbled("bad padding")
    return data[:-count]


def decode_base64(text: str) -> bytes:
    """Strict: no stray characters, no missing end."""
    raw: bytes | None = None
    with contextlib.suppress(ValueError):
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    if raw is None:
        raise Garbled("not base64")
    return raw


def decrypt(key: bytes, data: bytes) -> bytes:
    if not data or len(data) % BLOCK:
        raise Garbled("not whole blocks")
    opener = Cipher(algorithms.AES(key), modes.CBC(key[:PREFIX])).decryptor()
    return unpad(opener.update(data) + opener.finalize())


def open_media(key_text: SecretStr, blob: bytes) -> bytes:
    """Opens a picture, file or video of the AI bot; `key_text` is its `aeskey` (the `=` at its end may be missing)."""
    text = key_text.get_secret_value().rstrip("=")
    key = decode_base64(text + "=" * (-len(text) % 4))
    if len(key) != 32:
        raise Garbled("the media key must be 32 bytes")
    return decrypt(key, blob)


class Envelope:
    """Signs, seals and opens for one callback address. An empty `receive_id` (AI bot) accepts any receiver."""

    def __init__(
        self,
        token: SecretStr,
        aes_key: SecretStr,
        receive_id: str = "",
        *,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        if not AES_KEY.fullmatch(aes_key.get_secret_value()):
            raise ChannelError("EncodingAESKey must be 43 characters of letters, digits, + and /")
        if not token.get_secret_value():
            raise ChannelError("the callback Token is empty")
        self._token = token
        self._key = base64.b64decode(aes_key.get_secret_value() + "=")
        self._receive_id = receive_id.encode()
        self._entropy = entropy

    def sign(self, timestamp: str, nonce: str, encrypt: str) -> str:
        parts = sorted([self._token.get_secret_value(), timestamp, nonce, encrypt])
        return hashlib.sha1("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

    def verify(self, signature: str, timestamp: str, nonce: str, encrypt: str) -> None:
        ours = self.sign(timestamp, nonce, encrypt).encode()
        if not hmac.compare_digest(ours, signature.encode("utf-8", "replace")):
            raise Forged("bad signature")

    def open(self, encrypt: str) -> bytes:
        """The message inside; the caller has verified the signature."""
        plain = decrypt(self._key, decode_base64(encrypt))
        start = PREFIX + 4
        if len(plain) < start:
            raise Garbled("too short")
        end = start + int.from_bytes(plain[PREFIX:start], "big")
        if end > len(plain):
            raise Garbled("bad length")
        if self._receive_id and not hmac.compare_digest(plain[end:], self._receive_id):
            raise Forged("meant for another receiver")
        return plain[start:end]

    def seal(self, message: bytes) -> str:
        plain = self._entropy(PREFIX) + len(message).to_bytes(4, "big") + message + self._receive_id
        sealer = Cipher(algorithms.AES(self._key), modes.CBC(self._key[:PREFIX])).encryptor()
        return base64.b64encode(sealer.update(pad(plain)) + sealer.finalize()).decode()

    def __repr__(self) -> str:
        return "Envelope(***)"
