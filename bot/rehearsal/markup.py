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
    head = f'<h2 id="h-{identity}">{title}</h2>{said}'
    return f'<section id="{identity}" aria-labelledby="h-{identity}">{head}{inner}</section>'


def table(heads: Iterable[str], rows: Iterable[str], caption: str = "") -> str:
    """A table of finished rows that may be wider than a phone."""
    head = "".join(f"<th scope='col'{'' if number == 0 else NUMBER}>{one}</th>" for number, one in enumerate(heads))
    said = f"<caption>{caption}</caption>" if caption else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<div class='wide'><table>{said}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


NUMBER = " class='n'"


def label(x: float, y: float, words: object, css: str = "", anchor: str = "middle") -> str:
    """Words in a picture."""
    kind = f' class="{css}"' if css else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text(words)}</text>'


def picture(width: int, height: int, says: str, parts: Iterable[str]) -> str:
    """A picture that says in words what it shows."""
    said = text(says)
    inner = "".join(parts)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{said}"><title>{said}</title>{inner}</svg>'
