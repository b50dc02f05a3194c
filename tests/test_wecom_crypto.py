"""Sealed callbacks: the official vectors, and everything that must not open."""

import base64
import contextlib
import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.channels.wecom.crypto import Envelope, Forged, Garbled, decrypt, open_media, pad, unpad
from bot.errors import ChannelError
from tests.wecom_world import AES_KEY, envelope

CORP = "wx5823bf96d3bd56c7"
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
POSTED = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3"
    "TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gs"
    "ijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUa"
    "x5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIG"
    "HBZZIs2pDBS8R07+qN+E7Q=="
)
SHORT = "sKqRbbiSUnDhFHOvPjtUMT04SBXqyecnV0R+mVLqu11Se0CAxtEP8Zs4hONFU+GhnY2XmfYUSF/20UR5dRgc0w=="
CHINESE = (
    "sKqRbbiSUnDhFHOvPjtUMYDoTDNk2guFPVXRW2FD/44KEZ3WRVHkWyS/l5Jlx1i1QWfLR6ZueSOi1llrln/VXkuMbgAPe4WKLcWTUrcl30SardI5NlVe"
    "3ooBk2QH5MYZ"
)


def seal_raw(plain: bytes) -> str:
    """Encrypts exactly these bytes, padding included, as an attacker who knows the key could."""
    key = base64.b64decode(AES_KEY + "=")
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(sealer.update(plain) + sealer.finalize()).decode()


def inner(message: bytes, receiver: bytes = CORP.encode()) -> bytes:
    return b"0123456789abcdef" + len(message).to_bytes(4, "big") + message + receiver


def test_the_official_address_verification_opens() -> None:
    official = envelope(CORP)
    official.verify("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780", ECHO)
    assert official.open(ECHO) == b"1616140317555161061"


def test_the_official_message_opens_to_the_same_bytes() -> None:
    official = envelope(CORP)
    official.verify("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", POSTED)
    plain = official.open(POSTED)
    assert len(plain) == 284
    assert hashlib.sha256(plain).hexdigest() == "62f23e2db9188b2883215b599af3d8ffcaa3fae68770c8f84529cfc560683f32"


@pytest.mark.parametrize(
    ("message", "sealed", "signature"),
    [
        ('{"msgtype":"text","text":{"content":"hi 你好"}}', CHINESE, "5c7659b7e9ca0b27e3e564403afc80f54385eb06"),
        ("x" * 12, SHORT, "df0ac88d97513d450afed4e06a654a7a590a1b0f"),
    ],
)
def test_the_bot_vectors_seal_and_open_without_receiver(message: str, sealed: str, signature: str) -> None:
    fixed = Envelope(SecretStr("QDG6eK"), SecretStr(AES_KEY), "", entropy=lambda _: b"0123456789abcdef")
    assert fixed.seal(message.encode()) == sealed
    assert fixed.sign("1700000000", "nonce123", sealed) == signature
    assert fixed.open(sealed) == message.encode()


@pytest.mark.parametrize("signature", ["", "0" * 40, "5C45FF5E21C57E6AD56BAC8758B79B1D9AC89FD3", "ｅ" * 40, "\ud800"])
def test_a_forged_signature_is_refused(signature: str) -> None:
    with pytest.raises(Forged):
        envelope(CORP).verify(signature, "1409659589", "263014780", ECHO)


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 24, 44, 87])
def test_truncated_base64_is_garbled(cut: int) -> None:
    with pytest.raises(Garbled):
        envelope(CORP).open(ECHO[:-cut])


@pytest.mark.parametrize("text", ["", "=", "!!!!", "é" * 64, ECHO + "\n", " " + ECHO, "A" * 63])
def test_what_is_no_base64_is_garbled(text: str) -> None:
    with pytest.raises(Garbled):
        envelope(CORP).open(text)


def test_another_receiver_is_refused() -> None:
    with pytest.raises(Forged, match="another receiver"):
        envelope("wxsomeoneelse").open(ECHO)


def test_an_empty_receiver_accepts_any_tail() -> None:
    assert envelope("").open(ECHO) == b"1616140317555161061"


@pytest.mark.parametrize("count", [0, 33, 255])
def test_padding_beyond_1_to_32_is_garbled(count: int) -> None:
    body = inner(b"hello")
    body += b"\0" * (-len(body) % 32) + b"\0" * 31 + bytes([count])
    with pytest.raises(Garbled, match="padding"):
        envelope(CORP).open(seal_raw(body))


def test_padding_of_mixed_bytes_is_garbled() -> None:
    with pytest.raises(Garbled, match="padding"):
        unpad(b"x" * 30 + b"\x01\x02")


@pytest.mark.parametrize("length", [0xFFFFFFFF, 10_000])
def test_a_length_beyond_the_end_is_garbled(length: int) -> None:
    body = b"0123456789abcdef" + length.to_bytes(4, "big") + b"hello"
    with pytest.raises(Garbled, match="length"):
        envelope(CORP).open(seal_raw(pad(body)))


def test_a_plain_text_without_length_is_garbled() -> None:
    with pytest.raises(Garbled, match="short"):
        envelope(CORP).open(seal_raw(pad(b"tiny")))


@pytest.mark.parametrize("key", ["", "short", "x" * 44, "*" * 43, AES_KEY + "="])
def test_a_wrong_aes_key_is_named_without_being_shown(key: str) -> None:
    with pytest.raises(ChannelError) as caught:
        Envelope(SecretStr("token"), SecretStr(key))
    assert not key or key not in str(caught.value)


def test_an_envelope_shows_no_secret() -> None:
    assert AES_KEY not in repr(envelope())
    assert "QDG6eK" not in repr(envelope())


def test_media_of_the_bot_opens_with_its_own_key_without_equals() -> None:
    key = base64.b64decode(AES_KEY + "=")
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    blob = sealer.update(pad(b"picture")) + sealer.finalize()
    assert open_media(SecretStr(AES_KEY), blob) == b"picture"
    assert open_media(SecretStr(AES_KEY + "="), blob) == b"picture"
    with pytest.raises(Garbled):
        open_media(SecretStr("AAAA"), blob)


@given(st.binary(max_size=300), st.text(max_size=20))
def test_whatever_is_sealed_opens_again(message: bytes, receiver: str) -> None:
    try:
        receiver.encode()
    except UnicodeEncodeError:
        return
    both = envelope(receiver)
    assert both.open(both.seal(message)) == message


@given(st.binary(max_size=200))
def test_padding_is_undone_and_always_reaches_32(data: bytes) -> None:
    assert len(pad(data)) % 32 == 0
    assert unpad(pad(data)) == data


@given(st.binary(max_size=200))
def test_random_bytes_never_open_by_accident(data: bytes) -> None:
    """Anything may be refused, nothing may crash."""
    key = base64.b64decode(AES_KEY + "=")
    with contextlib.suppress(Garbled, Forged):
        decrypt(key, data)
        envelope(CORP).open(base64.b64encode(data).decode())


@given(st.text(max_size=200))
def test_random_text_never_crashes_the_envelope(text: str) -> None:
    with contextlib.suppress(Garbled, Forged):
        envelope(CORP).open(text)
    with pytest.raises(Forged):
        envelope(CORP).verify(text, text, text, text)
