"""Chinese text as members type it: normalising, addressing, and what a message starts with. Pure and stateless."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

MAX_TEXT = 8_000
"""Characters of a message that are read and stored; platforms allow far less (WeCom: 2,048 bytes)."""

_SPACES = re.compile(r"\s+")
_EDGE = " \t,.!?;:~…、，。！？；：～·\"'“”‘’()（）【】[]「」『』"
_END_OF_NUMBER = ("-", "/", ".")
_ARGUMENT_STUCK_TO_WORD = re.compile(r"^(\D+?)(\d[\d\-/.]*)$")


def presentable(text: str, limit: int = MAX_TEXT) -> str:
    """Text that can be stored and shown: no lone surrogates, no control characters but line breaks, bounded length."""
    if len(text) <= limit and text.isprintable():
        return text
    text = text[:limit].encode("utf-8", "replace").decode("utf-8")
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs", "Cn"})


def one_line(text: str, limit: int = 24) -> str:
    """A name as it may stand inside a sentence: one line, no direction marks or invisible characters, bounded."""
    if len(text) <= limit and text.isprintable():
        return text.strip()
    clean = "".join(" " if char in "\r\n\t" else char for char in text[: limit * 4])
    clean = "".join(char for char in clean if unicodedata.category(char) not in {"Cc", "Cs", "Cn", "Cf", "Zl", "Zp"})
    clean = _SPACES.sub(" ", clean).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """The form in which words are compared: half width, lower case, no invisible characters, single spaces."""
    return fold(text)


def fold(text: str) -> str:
    """`normalise` without its memory: for whole messages, which hardly ever repeat and would push the words out."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not folded.isprintable():
        folded = "".join(
            " " if char in "\r\n\t" else char
            for char in folded
            if char in "\r\n\t" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Cn"}
        )
    return " ".join(folded.split())


def bare(text: str) -> str:
    """A normalised text without the punctuation around it: `签到！` means `签到`."""
    return normalise(text).strip(_EDGE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message says, before anybody decides what to do about it."""

    text: str
    """Normalised, without the bot's name in front."""
    head: str
    """Its first word: a command, if it is one."""
    rest: str
    """What follows the first word."""
    addressed: bool
    """Somebody spoke to the bot: 1:1, mentioned, or called by name."""
    original: str = ""
    """What was typed, untouched."""

    @property
    def verbatim(self) -> str:
        """What follows the first word, as it was typed: for values that must keep their case and punctuation."""
        for word in re.finditer(r"\S+", self.original):
            folded = normalise(word[0]).strip(_EDGE)
            if folded.startswith(self.head):
                stuck = folded[len(self.head) :]
                return f"{stuck} {self.original[word.end() :].strip()}".strip()
        return self.rest

    @property
    def arguments(self) -> list[str]:
        """What follows the first word, split at spaces."""
        return self.rest.split()


NOTHING = Reading(text="", head="", rest="", addressed=False)


class Reader:
    """Reads messages; knows by which names the bot is called and by which ids it is mentioned."""

    def __init__(self, names: Collection[str], ids: Collection[str]) -> None:
        calls = sorted({normalise(name) for name in names if name}, key=len, reverse=True)
        group = "|".join(map(re.escape, calls))
        self._called = re.compile(rf"^(?:@(?:{group})|(?:{group})(?=[\s{re.escape(_EDGE)}]|$))[\s{re.escape(_EDGE)}]*")
        self._mentioned = re.compile(rf"@(?:{group})(?=[\s{re.escape(_EDGE)}]|$)\s*")
        self._ids = frozenset(ids) | frozenset(names)
        self.own_names = frozenset(calls)
        """Normalised names that are the bot's alone."""
        self._plain = lru_cache(maxsize=4096)(self._read_plain)
        self._display = lru_cache(maxsize=4096)(self._display_plain)

    def read(self, text: str, *, mentions: Collection[str] = (), private: bool = False) -> Reading:
        """Takes a message apart. `mentions` are platform ids; `private` says that it is a 1:1 conversation."""
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT]
        addressed = private or (bool(mentions) and not self._ids.isdisjoint(mentions))
        # Only short messages repeat often enough to be worth remembering; long ones would fill the memory.
        return self._plain(text, addressed) if len(text) <= 64 else self._read_plain(text, addressed)

    def display(self, name: str) -> str:
        """A name as it may be shown: one bounded line, and never mistaken for the bot's own."""
        return self._display(name) if len(name) <= 64 else self._display_plain(name)

    def _display_plain(self, name: str) -> str:
        clean = one_line(name)
        return f"{clean}（群友）" if normalise(clean) in self.own_names else clean

    def _read_plain(self, text: str, addressed: bool) -> Reading:
        clean = fold(text)
        called = self._called.match(clean)
        if called:
            addressed, clean = True, clean[called.end() :]
        elif "@" in clean and self._mentioned.search(clean):
            addressed, clean = True, self._mentioned.sub("", clean).strip()
        head, _, rest = clean.partition(" ")
        stuck = _ARGUMENT_STUCK_TO_WORD.match(head) if head[-1:].isdecimal() or head[-1:] in _END_OF_NUMBER else None
        if stuck:
            head, rest = stuck[1], f"{stuck[2]} {rest}"
        return Reading(text=clean, head=head.strip(_EDGE), rest=rest.strip(), addressed=addressed, original=text)
