"""What strangers post: XML bombs, external entities, half characters, ids with paths."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wecom.crypto import Garbled
from bot.channels.wecom.payload import cut, excess, parse_json, parse_xml, plain_id, text_at

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]><xml><Encrypt>&lol3;</Encrypt></xml>"""
OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>'
PARAMETER = b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]><xml/>'


def test_the_order_of_elements_does_not_matter_and_cdata_is_text() -> None:
    node = parse_xml("<xml><B><![CDATA[你<好]]></B><A>1</A></xml>".encode())
    assert node.word("B") == "你<好"
    assert node.number("A") == 1
    assert node.word("Missing") == ""
    assert node.number("Missing") == 0


def test_repeated_items_keep_their_order() -> None:
    node = parse_xml(b"<xml><L><Item>a</Item><Item>b</Item></L></xml>")
    found = node.first("L")
    assert found is not None
    assert [item.text for item in found.all("Item")] == ["a", "b"]


@pytest.mark.parametrize("bomb", [LAUGHS, OUTSIDE, PARAMETER, b"<!DOCTYPE xml><xml/>"])
def test_doctype_and_entities_are_refused(bomb: bytes) -> None:
    with pytest.raises(Garbled, match="DOCTYPE"):
        parse_xml(bomb)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"<xml>",
        b"<xml></xml><xml/>",
        b"{}",
        b"<xml>\xff\xfe</xml>",
        b"<xml>&unknown;</xml>",
        b"<xml>\x00</xml>",
        '<?xml version="1.0" encoding="utf-16"?><xml/>'.encode("utf-16"),
    ],
)
def test_what_is_no_clean_xml_is_garbled(raw: bytes) -> None:
    with pytest.raises(Garbled):
        parse_xml(raw)


def test_deep_and_wide_xml_is_refused() -> None:
    with pytest.raises(Garbled, match="deep"):
        parse_xml(b"<a>" * 1000 + b"</a>" * 1000)
    with pytest.raises(Garbled, match="large"):
        parse_xml(b"<a>" + b"<b/>" * 30_000 + b"</a>")


def test_an_element_twice_is_ambiguous() -> None:
    node = parse_xml(b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>")
    with pytest.raises(Garbled, match="twice"):
        node.word("Encrypt")


@pytest.mark.parametrize("text", ["-1", "1.5", "0x1", "١٢", "9" * 30, "one"])
def test_numbers_are_plain_digits(text: str) -> None:
    with pytest.raises(Garbled, match="number"):
        parse_xml(f"<xml><N>{text}</N></xml>".encode()).number("N")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"x"',
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_surprising_json_is_garbled(raw: bytes) -> None:
    with pytest.raises(Garbled):
        parse_json(raw)


def test_whole_surrogate_pairs_are_fine_and_halves_are_replaced() -> None:
    assert parse_json(b'{"a":"\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}
    assert parse_json(b'{"name":"\\ud83d"}') == {"name": "\ufffd"}


def test_what_the_platform_answers_is_read_kindly() -> None:
    assert parse_json(b'{"a":1,"a":2,"b":"\xff"}', trusted=True) == {"a": 2, "b": "\ufffd"}
    with pytest.raises(Garbled):
        parse_json(b'{"a":NaN}', trusted=True)


@pytest.mark.parametrize("text", ["", "../etc/passwd", "a/b", "a\\b", "a b", "a\n", "..", ".", "é", "x" * 65, None, 5])
def test_ids_with_path_characters_are_refused(text: object) -> None:
    with pytest.raises(Garbled):
        plain_id(text, "UserID")


@pytest.mark.parametrize("text", ["wmAB_-12", "zhang.san", "li@corp", "x" * 64])
def test_real_ids_are_plain(text: str) -> None:
    assert plain_id(text, "UserID") == text


def test_a_broken_path_reads_as_nothing() -> None:
    assert text_at({"a": {"b": "c"}}, "a", "b") == "c"
    assert text_at({"a": "x"}, "a", "b") == ""
    assert text_at({"a": 5}, "a") == ""
    assert text_at(None, "a") == ""


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(0, 60))
def test_a_cut_text_fits_in_bytes_and_is_a_beginning(text: str, limit: int) -> None:
    found = cut(text, limit)
    assert excess(found, limit) == 0
    assert text.startswith(found)


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_garbled_as_xml(raw: bytes) -> None:
    with contextlib.suppress(Garbled):
        parse_xml(raw)


@given(st.text(alphabet="<>/xml![CDATA]&;\"'= ab%?-DOCTYPEENTITY\n", max_size=200))
def test_text_that_looks_like_xml_is_read_or_garbled(text: str) -> None:
    with contextlib.suppress(Garbled):
        parse_xml(text.encode())


@given(st.one_of(st.binary(max_size=200), st.text(alphabet='{}[]":,\\u0d8f1eNa ', max_size=100).map(str.encode)))
def test_random_bytes_are_read_or_garbled_as_json(raw: bytes) -> None:
    try:
        found = parse_json(raw)
    except Garbled:
        return
    assert json.dumps(found, ensure_ascii=False).encode()
