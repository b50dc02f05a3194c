"""The fake's crypto against the vectors of the reference (wecom.md 2.3), and what it refuses."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_wecom import crypto
from tests.fake_wecom.envelopes import SPOILS, Endpoint, envelope, xml
from tests.fake_wecom.lengths import byte_length, cut_to_bytes
from tests.fake_wecom.luck import Luck
from tests.fake_wecom.probe import AES_KEY, CORP, TOKEN, Push

ORIGIN = "wx5823bf96d3bd56c7"
ECHO = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
A2 = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvu"
    "JTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwG"
    "c2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9"
    "EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0"
    "lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
C1 = (
    "sKqRbbiSUnDhFHOvPjtUMYDoTDNk2guFPVXRW2FD/44KEZ3WRVHkWyS/l5Jlx1i1QWfLR6ZueSOi1llrln/VXkuMbgAPe4WKLcWTUrcl30Sa"
    "rdI5NlVe3ooBk2QH5MYZ"
)
C2 = "sKqRbbiSUnDhFHOvPjtUMT04SBXqyecnV0R+mVLqu11Se0CAxtEP8Zs4hONFU+GhnY2XmfYUSF/20UR5dRgc0w=="
C_PREFIX = b"0123456789abcdef"


def test_vector_a1_the_official_url_verification_opens_and_its_signature_matches() -> None:
    crypto.check_signature("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", TOKEN, "1409659589", "263014780", ECHO)
    assert crypto.unseal(AES_KEY, ECHO, ORIGIN) == "1616140317555161061"


def test_vector_a1_seals_to_the_very_same_echostr() -> None:
    prefix = crypto.decrypt_raw(crypto.key_bytes(AES_KEY), base64.b64decode(ECHO))[:16]
    assert crypto.seal(AES_KEY, "1616140317555161061", ORIGIN, prefix) == ECHO


def test_vector_a2_the_official_post_opens_to_the_documented_284_bytes() -> None:
    signature = "477715d11cdb4164915debcba66cb864d751f3e6"
    crypto.check_signature(signature, TOKEN, "1409659813", "1372623149", A2)
    plain = crypto.unseal(AES_KEY, A2, ORIGIN)
    assert len(plain.encode()) == 284
    digest = hashlib.sha256(plain.encode()).hexdigest()
    assert digest == "62f23e2db9188b2883215b599af3d8ffcaa3fae68770c8f84529cfc560683f32"
    assert Push.xml_of(plain)["Content"] == "hello"


@pytest.mark.parametrize(
    ("message", "sealed", "signature"),
    [
        ('{"msgtype":"text","text":{"content":"hi 你好"}}', C1, "5c7659b7e9ca0b27e3e564403afc80f54385eb06"),
        ("x" * 12, C2, "df0ac88d97513d450afed4e06a654a7a590a1b0f"),
    ],
)
def test_vectors_c_with_an_empty_receiveid_seal_open_and_sign(message: str, sealed: str, signature: str) -> None:
    assert crypto.seal(AES_KEY, message, "", C_PREFIX) == sealed
    assert crypto.unseal(AES_KEY, sealed, "") == message
    assert crypto.signature(TOKEN, "1700000000", "nonce123", sealed) == signature


def test_a_message_that_fills_its_block_gets_a_whole_block_of_padding() -> None:
    assert crypto.pad(b"x" * 32) == b"x" * 32 + b"\x20" * 32
    assert crypto.pad(b"x" * 31)[-1] == 1


@given(
    message=st.text(), receiveid=st.text(alphabet="abcw0123", max_size=18), prefix=st.binary(min_size=16, max_size=16)
)
def test_whatever_is_sealed_opens_to_itself(message: str, receiveid: str, prefix: bytes) -> None:
    message = message.encode("utf-8", "replace").decode()
    assert crypto.unseal(AES_KEY, crypto.seal(AES_KEY, message, receiveid, prefix), receiveid) == message


@given(st.text(alphabet="ABCabc019+/=%", max_size=200))
def test_rubbish_never_opens_and_never_raises_anything_else(rubbish: str) -> None:
    with pytest.raises(crypto.EnvelopeError):
        crypto.unseal(AES_KEY, rubbish, CORP)


def test_a_foreign_receiveid_is_refused_with_the_sample_librarys_code() -> None:
    with pytest.raises(crypto.EnvelopeError) as wrong:
        crypto.unseal(AES_KEY, ECHO, "ww0000000000000000")
    assert wrong.value.code == -40005


def test_a_key_of_the_wrong_length_is_refused_with_the_sample_librarys_code() -> None:
    with pytest.raises(crypto.EnvelopeError) as wrong:
        crypto.unseal("short", ECHO, ORIGIN)
    assert wrong.value.code == -40004


@pytest.mark.parametrize("spoil", [spoil for spoil in SPOILS if spoil])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_every_way_to_spoil_an_envelope_really_spoils_it(spoil: str, form: str) -> None:
    to = Endpoint("http://nowhere/", TOKEN, AES_KEY, CORP, "json" if form == "json" else "xml")
    fine = envelope(to, "你好", timestamp="1", nonce="2", prefix=Luck().draw(16))
    assert Push(fine.query, fine.body).plain() == "你好"
    posted = envelope(to, "你好", timestamp="1", nonce="2", prefix=Luck().draw(16), spoil=spoil)  # type: ignore[arg-type]
    with pytest.raises(crypto.EnvelopeError):
        Push(posted.query, posted.body).plain()


def test_event_xml_survives_the_end_of_a_cdata_section_inside_a_text() -> None:
    text = xml({"Content": "a]]>b<c>&", "CreateTime": 5, "List": {"Item": ["x", "y"]}})
    assert Push.xml_of(text)["Content"] == "a]]>b<c>&"
    assert text.count("<Item>") == 2


def test_bytes_are_counted_in_utf8_and_cut_between_characters() -> None:
    assert byte_length("你好a") == 7
    assert cut_to_bytes("你好", 5) == "你"
    assert cut_to_bytes("你好", 6) == "你好"


@given(st.text(), st.integers(min_value=0, max_value=50))
def test_a_cut_text_fits_and_is_a_beginning(text: str, most: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    cut = cut_to_bytes(text, most)
    assert byte_length(cut) <= most
    assert text.startswith(cut)
    assert byte_length(text[: len(cut) + 1]) > most or cut == text
