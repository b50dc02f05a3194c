"""What can be asked, and what was found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """What can be asked."""

    id: str
    question: str
    similar: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found. `score` is 0 to 1, the higher the surer, comparable between questions and between
    knowledge bases. `matched` are the words that the question and the entry share."""

    id: str
    score: float
    asked: str = ""
    """The question or similar question that came closest."""
    matched: tuple[str, ...] = ()
