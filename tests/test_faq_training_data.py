"""The lists that the FAQ engine's small model learns from are whole, and hold what their README promises."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TRAINING = Path(__file__).parent / "data" / "faq" / "training"
DOMAINS = sorted(path.name for path in TRAINING.iterdir() if path.is_dir())
KB_FIELDS = ["id", "question", "similar", "keywords"]
QUERY_FIELDS = ["q", "id", "kind"]


def rows(path: Path) -> list[dict[str, Any]]:
    """Every line of a JSONL file; an empty or broken line raises."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def wordings(domain: str) -> Iterator[str]:
    """Every wording that the knowledge base itself holds."""
    for entry in rows(TRAINING / domain / "kb.jsonl"):
        yield entry["question"]
        yield from entry["similar"]


def clean(text: object) -> bool:
    return isinstance(text, str) and text != "" and text == text.strip()


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_entry_of_a_domain_is_whole_and_has_an_id_of_its_own(domain: str) -> None:
    entries = rows(TRAINING / domain / "kb.jsonl")
    for entry in entries:
        assert list(entry) == KB_FIELDS
        assert all(map(clean, [entry["id"], entry["question"], *entry["similar"], *entry["keywords"]])), entry
        assert max(len(entry["similar"]), len(entry["keywords"])) <= 3, entry
    assert len(entries) >= 40
    assert len({entry["id"] for entry in entries}) == len(entries)


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_wording_leads_to_two_entries(domain: str) -> None:
    said = list(wordings(domain)) + [row["q"] for row in rows(TRAINING / domain / "queries.jsonl")]
    assert [text for text, times in Counter(said).items() if times > 1] == []


def asked(domain: str) -> list[dict[str, Any]]:
    """Everything that people ask a domain, whether it knows the answer or not."""
    return [row for name in ("queries", "close") for row in rows(TRAINING / domain / f"{name}.jsonl")]


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_entry_is_asked_for_at_least_twice_and_nothing_else_is(domain: str) -> None:
    times = Counter(row["id"] for row in asked(domain) if row["id"] is not None)
    assert set(times) == {entry["id"] for entry in rows(TRAINING / domain / "kb.jsonl")}
    assert 2 <= min(times.values()) <= max(times.values()) <= 7


@pytest.mark.parametrize("domain", DOMAINS)
def test_close_wordings_belong_to_an_entry_and_are_none_of_its_own(domain: str) -> None:
    close = rows(TRAINING / domain / "close.jsonl")
    assert all(list(row) == QUERY_FIELDS and clean(row["q"]) and row["id"] and row["kind"] == "close" for row in close)
    assert {row["q"] for row in close}.isdisjoint(wordings(domain))


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_a_domain_must_not_answer_carries_no_id(domain: str) -> None:
    queries = rows(TRAINING / domain / "queries.jsonl")
    assert all(list(row) == QUERY_FIELDS and clean(row["q"]) for row in queries)
    assert {row["kind"] for row in queries} == {"hand", "offtopic"}
    assert all((row["id"] is None) == (row["kind"] == "offtopic") for row in queries)
    assert sum(row["kind"] == "offtopic" for row in queries) >= 15


def test_an_id_belongs_to_one_domain_only() -> None:
    ids = [entry["id"] for domain in DOMAINS for entry in rows(TRAINING / domain / "kb.jsonl")]
    assert len(ids) == len(set(ids))


def test_the_domains_together_are_as_broad_as_promised() -> None:
    queries = [row for domain in DOMAINS for row in rows(TRAINING / domain / "queries.jsonl")]
    assert len(DOMAINS) >= 20
    assert sum(len(rows(TRAINING / domain / "kb.jsonl")) for domain in DOMAINS) >= 1800
    assert sum(row["kind"] == "hand" for row in queries) >= 4000
    assert sum(len(rows(TRAINING / domain / "close.jsonl")) for domain in DOMAINS) >= 3000


@pytest.mark.parametrize(("name", "least"), [("chat", 900), ("chat-wide", 3500)])
def test_chat_is_chat_and_nothing_that_a_domain_answers(name: str, least: int) -> None:
    chat = rows(TRAINING / f"{name}.jsonl")
    said = [row["q"] for row in chat]
    assert all(list(row) == QUERY_FIELDS and clean(row["q"]) for row in chat)
    assert all(row["id"] is None and row["kind"] == "chat" for row in chat)
    assert len(said) >= least
    assert [text for text, times in Counter(said).items() if times > 1] == []
    questions = {row["q"] for domain in DOMAINS for row in asked(domain) if row["id"] is not None}
    assert questions.isdisjoint(said)
    assert {text for domain in DOMAINS for text in wordings(domain)}.isdisjoint(said)


def test_lines_of_related_words_are_of_three_kinds_and_hold_at_least_two_words() -> None:
    lines = (TRAINING / "related.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 4000
    assert {line[:2] for line in lines} == {"= ", "~ ", "! "}
    for line in lines:
        sides = line[2:].split("|")
        assert len(sides) == (2 if line.startswith("! ") else 1), line
        assert all(side.split() for side in sides), line
        assert len([word for side in sides for word in side.split()]) >= 2, line
