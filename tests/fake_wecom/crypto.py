"""Callback signatures and encryption as wecom.md 2.2 describes them, shared with nobody."""

import base64
import binascii
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # wecom.md 2.2 step 4: PKCS#7 over 32, not 16
KEY_CHARS = 43  # wecom.md 2.1 config


class EnvelopeError(Exception):
    """An envelope that does not verify or open. `code` is the sample library's return code (wecom.md 2.2)."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(f"{code}: {reason}")


def signature(token: str, timestamp: str, nonce: str, encrypt: str) -> str:
    """wecom.md 2.2 step 2: sha1 over the four strings, sorted and joined."""
    return hashlib.sha1("".join(sorted((token, timestamp, nonce, encrypt))).encode()).hexdigest()  # noqa: S324


def check_signature(claimed: str, token: str, timestamp: str, nonce: str, encrypt: str) -> None:
    if not hmac.compare_digest(claimed.encode(), signature(token, timestamp, nonce, encrypt).encode()):
        raise EnvelopeError(-40001, "signature does not match")


def key_bytes(encoding_aes_key: str) -> bytes:
    """wecom.md 2.2 step 1."""
    if len(encoding_aes_key) != KEY_CHARS:
        raise EnvelopeError(-40004, f"EncodingAESKey has {KEY_CHARS} characters, not {len(encoding_aes_key)}")
    try:
        return base64.b64decode(encoding_aes_key + "=", validate=True)
    except binascii.Error as wrong:
        raise EnvelopeError(-40004, "EncodingAESKey is not base64") from wrong


def pad(raw: bytes) -> bytes:
    """wecom.md 2.2 step 4: 1..32 bytes; a full block when nothing is missing."""
    missing = BLOCK - len(raw) % BLOCK
    return raw + bytes([missing]) * missing


def encrypt_raw(key: bytes, padded: bytes) -> bytes:
    """AES-256-CBC, IV = first 16 bytes of the key, no padding of its own."""
    box = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return box.update(padded) + box.finalize()


def decrypt_raw(key: bytes, secret: bytes) -> bytes:
    box = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    return box.update(secret) + box.finalize()


def frame(message: bytes, receiveid: str, prefix: bytes) -> bytes:
    """wecom.md 2.2 step 3: 16 random bytes, byte length big-endian, message, receiveid."""
    if len(prefix) != 16:
        raise ValueError("the random prefix has 16 bytes")
    return prefix + struct.pack(">I", len(message)) + message + receiveid.encode()


def seal(encoding_aes_key: str, message: str, receiveid: str, prefix: bytes) -> str:
    """The base64 `Encrypt` of a message."""
    padded = pad(frame(message.encode(), receiveid, prefix))
    return base64.b64encode(encrypt_raw(key_bytes(encoding_aes_key), padded)).decode()


def unseal(encoding_aes_key: str, encrypt: str, receiveid: str) -> str:
    """The message inside an `Encrypt`; an empty `receiveid` accepts any tail (wecom.md 2.2 step 6)."""
    try:
        secret = base64.b64decode(encrypt, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise EnvelopeError(-40010, "not base64") from wrong
    if not secret or len(secret) % 16:
        raise EnvelopeError(-40007, "not a whole number of cipher blocks")
    raw = decrypt_raw(key_bytes(encoding_aes_key), secret)
    count = raw[-1]
    if not 1 <= count <= BLOCK or raw[-count:] != bytes([count]) * count:
        raise EnvelopeError(-40008, f"padding {count}")
    body = raw[:-count]
    if len(body) < 20:
        raise EnvelopeError(-40008, "shorter than its own header")
    (length,) = struct.unpack(">I", body[16:20])
    message, tail = body[20 : 20 + length], body[20 + length :]
    if len(message) != length:
        raise EnvelopeError(-40008, "length runs past the end")
    if receiveid and tail != receiveid.encode():
        raise EnvelopeError(-40005, "receiveid differs")
    try:
        return message.decode()
    except UnicodeDecodeError as wrong:
        raise EnvelopeError(-40008, "message is not UTF-8") from wrong


def seal_media(key: bytes, raw: bytes) -> bytes:
    """Media of AI-bot messages: the bare file, padded to 32, no header (wecom.md 7.1)."""
    return encrypt_raw(key, pad(raw))
