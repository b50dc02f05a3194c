"""What a callback looks like on the wire: XML for apps, JSON for the AI bot, and the ways to spoil one (wecom.md 2)."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Literal, get_args
from xml.sax.saxutils import escape

from tests.fake_wecom import crypto
from tests.fake_wecom.errors import Json

Spoil = Literal["", "signature", "receiveid", "padding0", "padding33", "truncated", "length", "utf8", "not_base64"]
SPOILS: tuple[str, ...] = get_args(Spoil)


@dataclass(frozen=True)
class Endpoint:
    """A receiver: where, with which secrets, in which form. An AI bot has an empty receiveid (wecom.md 2.1)."""

    url: str
    token: str
    aes_key: str
    receiveid: str
    form: Literal["xml", "json"] = "xml"
    agentid: int = 0


@dataclass(frozen=True)
class Posted:
    """One request, exactly as it goes out: kept so that it can be replayed byte for byte."""

    query: dict[str, str]
    body: bytes
    content_type: str


def envelope(to: Endpoint, plain: str, *, timestamp: str, nonce: str, prefix: bytes, spoil: Spoil = "") -> Posted:
    """Encrypts and signs one push; with `spoil` something is wrong with it in the named way."""
    sealed = crypto.seal(to.aes_key, plain, to.receiveid, prefix) if not spoil else _spoilt(to, plain, prefix, spoil)
    signature = crypto.signature(to.token, timestamp, nonce, sealed)
    if spoil == "signature":
        signature = signature[::-1]
    query = {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}
    if to.form == "json":
        return Posted(query, json.dumps({"encrypt": sealed}).encode(), "application/json")
    body = (
        f"<xml><ToUserName>{cdata(to.receiveid)}</ToUserName><AgentID>{cdata(str(to.agentid))}</AgentID>"
        f"<Encrypt>{cdata(sealed)}</Encrypt></xml>"
    )
    return Posted(query, body.encode(), "text/xml")


def _spoilt(to: Endpoint, plain: str, prefix: bytes, spoil: Spoil) -> str:
    key = crypto.key_bytes(to.aes_key)
    message = plain.encode()
    framed = crypto.frame(message, to.receiveid, prefix)
    if spoil == "receiveid":
        padded = crypto.pad(crypto.frame(message, "ww0000000000000000", prefix))
    elif spoil == "utf8":
        padded = crypto.pad(crypto.frame(message + b"\xff\xfe", to.receiveid, prefix))
    elif spoil == "length":
        padded = crypto.pad(framed[:16] + b"\x7f\xff\xff\xff" + framed[20:])
    elif spoil in ("padding0", "padding33"):
        padded = crypto.pad(framed)[:-1] + bytes([0 if spoil == "padding0" else 33])
    else:
        padded = crypto.pad(framed)
    sealed = base64.b64encode(crypto.encrypt_raw(key, padded)).decode()
    if spoil == "truncated":
        return sealed[: len(sealed) // 2 - 1]
    return "%%%" + sealed if spoil == "not_base64" else sealed


def cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def xml(fields: Json) -> str:
    """The plaintext of an app push: numbers bare, texts as CDATA, lists as repeated elements (wecom.md 2.4)."""
    return "<xml>" + "".join(_element(name, value) for name, value in fields.items()) + "</xml>"


def _element(name: str, value: object) -> str:
    if isinstance(value, dict):
        inner = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    elif isinstance(value, int):
        inner = str(value)
    else:
        inner = cdata(str(value))
    return f"<{escape(name)}>{inner}</{escape(name)}>"


def xml_text(text: str, name: str) -> str:
    """The text of the first element of that name, CDATA or not; empty when there is none."""
    found = re.search(rf"<{name}>\s*(?:<!\[CDATA\[(.*?)\]\]>|([^<]*?))\s*</{name}>", text, re.DOTALL)
    return "" if found is None else found.group(1) or found.group(2) or ""


def open_xml_reply(to: Endpoint, body: bytes) -> str:
    """The plaintext of a passive reply: Encrypt, MsgSignature, TimeStamp, Nonce (wecom.md 2.1 "reply")."""
    text = body.decode()
    parts = {name: xml_text(text, name) for name in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")}
    for name, value in parts.items():
        if not value:
            raise crypto.EnvelopeError(-40002, f"reply without {name}")
    crypto.check_signature(parts["MsgSignature"], to.token, parts["TimeStamp"], parts["Nonce"], parts["Encrypt"])
    return crypto.unseal(to.aes_key, parts["Encrypt"], to.receiveid)


def open_json_reply(to: Endpoint, body: bytes, nonce: str) -> Json:
    """The plaintext of a bot's answer: integer timestamp, and the nonce of the callback (wecom.md 2.1 "reply")."""
    try:
        outer = json.loads(body)
    except ValueError as wrong:
        raise crypto.EnvelopeError(-40002, "reply is not JSON") from wrong
    if not isinstance(outer, dict) or not isinstance(outer.get("encrypt"), str):
        raise crypto.EnvelopeError(-40002, "reply without encrypt")
    timestamp = outer.get("timestamp")
    if isinstance(timestamp, bool) or not isinstance(timestamp, int):
        raise crypto.EnvelopeError(-40002, "timestamp is not an integer")
    if outer.get("nonce") != nonce:
        raise crypto.EnvelopeError(-40001, "nonce is not the callback's")
    claimed = str(outer.get("msgsignature", ""))
    crypto.check_signature(claimed, to.token, str(timestamp), nonce, outer["encrypt"])
    try:
        inner = json.loads(crypto.unseal(to.aes_key, outer["encrypt"], to.receiveid))
    except ValueError as wrong:
        raise crypto.EnvelopeError(-40002, "reply plaintext is not JSON") from wrong
    if not isinstance(inner, dict):
        raise crypto.EnvelopeError(-40002, "reply plaintext is not an object")
    return inner
