"""Small pieces of HTML. Everything that people wrote goes through `text`: nothing of it is ever markup."""

import unicodedata
from collections.abc import Iterable
from html import escape

CLASS_NAMES = {"promo": "促销", "content": "内容", "reminder": "提醒"}


def text(value: object) -> str:
    """Words as HTML: escaped, without invisible characters that could turn the line around."""
    kept = "".join(one for one in str(value) if one == "\n" or unicodedata.category(one) not in ("Cc", "Cs", "Co"))
    return escape("".join(one for one in kept if one not in _TURNING), quote=True)


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def name(value: object) -> str:
    """Somebody's name or a group's, kept apart from the sentence around it."""
    return f"<bdi>{text(value)}</bdi>"


def items(parts: Iterable[str], kind: str = "ul", css: str = "") -> str:
    """A list of finished pieces."""
    inner = "".join(f"<li>{one}</li>" for one in parts)
    return f"<{kind}{f' class={chr(34)}{css}{chr(34)}' if css else ''}>{inner}</{kind}>" if inner else ""


def section(identity: str, title: str, *parts: str, hint: str = "") -> str:
    """A section with its heading."""
    said = f'<p class="hint">{hint}</p>' if hint else ""
    inner = "".join(parts)
    return f'<section id="{identity}" aria-labelledby="h-{identity}"><h2 id="h-{identity}">{title}</h2>{said}{inner}</section>'
