"""What can go wrong, and who hears of it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file that people edit: where, which key, what is wrong and what would be right."""

    file: str
    key: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file} · {self.key}" if self.key else self.file
        return f"{where}：{self.reason}" + (f"（{self.hint}）" if self.hint else "")


class YuanziError(Exception):
    """Everything that this product raises on purpose."""


class ConfigError(YuanziError):
    """Settings or content that cannot be used. Carries every problem at once; the process exits with 2. `note`: what
    follows from them, or can be done in spite of them."""

    def __init__(self, problems: Sequence[Problem], note: str = "") -> None:
        self.problems = tuple(problems)
        self.note = note
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Mistake(YuanziError):
    """The member asked wrongly. Becomes one kind line in the persona's voice: a phrase key and its slots."""

    def __init__(self, key: str, /, **slots: object) -> None:
        self.key = key
        self.slots = slots
        super().__init__(key)


class StorageFailure(YuanziError):
    """The database cannot be read or written. A bot that cannot remember must not talk: the process stops with 1."""


class ChannelError(YuanziError):
    """A channel could not do what was asked."""


class Retryable(ChannelError):
    """Nothing was sent; try again after `after` seconds. Not `tried`: the wire is down or must be silent, so nobody was
    even asked, and the line waits as long as it is worth saying."""

    def __init__(self, reason: str, after: float = 1.0, *, tried: bool = True) -> None:
        self.after = after
        self.tried = tried
        super().__init__(reason)


class Refused(ChannelError):
    """The platform said no for good; nothing was sent and repeating will not help."""
