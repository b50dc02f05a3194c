"""The development set of the FAQ engine is what its README says: valid, distinct, and in one piece."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.data.faq import make_rules

HERE = Path(__file__).parent / "data" / "faq"


def rows(name: str) -> list[dict[str, Any]]:
    """The lines of one file; a line that is not one JSON object fails the test that reads it."""
    lines = [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    return lines


KB = rows("kb.jsonl")
QUERIES = rows("queries.jsonl")
CHAT = rows("chat.jsonl")
KINDS = Counter(line["kind"] for line in QUERIES)


def bare(text: str) -> str:
    """The sentence without what adds nothing: punctuation and particles."""
    return re.sub(r"\W|[呀啊呢吧哦]", "", text).lower()


QUESTIONS = {bare(sentence) for entry in KB for sentence in (entry["question"], *entry["similar"])}


def test_every_entry_has_a_slug_a_question_and_short_lists_of_words() -> None:
    for entry in KB:
        assert list(entry) == ["id", "question", "similar", "keywords"], entry
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["id"]), entry
        assert max(len(entry["similar"]), len(entry["keywords"])) <= 3, entry
        words = [entry["question"], *entry["similar"], *entry["keywords"]]
        assert all(isinstance(word, str) and word and word == word.strip() for word in words), entry


def test_no_id_and_no_question_stands_for_two_entries() -> None:
    assert [slug for slug, times in Counter(entry["id"] for entry in KB).items() if times > 1] == []
    asked = Counter(sentence for entry in KB for sentence in (entry["question"], *entry["similar"]))
    assert [sentence for sentence, times in asked.items() if times > 1] == []


def test_every_query_points_at_an_entry_and_off_topic_ones_at_none() -> None:
    known = {entry["id"] for entry in KB}
    for line in QUERIES:
        assert list(line) == ["q", "id", "kind"], line
        assert line["kind"] in {"hand", "rule", "offtopic"}, line
        assert line["id"] is None if line["kind"] == "offtopic" else line["id"] in known, line
    assert all(list(line) == ["q", "id", "kind"] and line["id"] is None and line["kind"] == "chat" for line in CHAT)


def test_every_entry_is_asked_by_hand() -> None:
    asked = {line["id"] for line in QUERIES if line["kind"] == "hand"}
    assert [entry["id"] for entry in KB if entry["id"] not in asked] == []


def test_nothing_is_written_twice() -> None:
    written = Counter(line["q"] for line in (*QUERIES, *CHAT))
    assert [sentence for sentence, times in written.items() if times > 1 or not sentence.strip()] == []


def test_no_written_query_and_no_chat_line_repeats_the_book() -> None:
    assert [line["q"] for line in QUERIES if line["kind"] != "rule" and bare(line["q"]) in QUESTIONS] == []
    assert [line["q"] for line in CHAT if bare(line["q"]) in QUESTIONS] == []


@pytest.mark.parametrize(
    ("what", "have", "least"),
    [
        ("entries", len(KB), 320),
        ("queries by hand", KINDS["hand"], 600),
        ("paraphrases", KINDS["hand"] + KINDS["rule"], 900),
        ("off-topic", KINDS["offtopic"], 120),
        ("chat", len(CHAT), 1000),
    ],
)
def test_the_set_is_large_enough(what: str, have: int, least: int) -> None:
    assert have >= least, what


def test_the_rule_made_queries_are_what_the_script_makes() -> None:
    made = [line for line in QUERIES if line["kind"] == "rule"]
    assert made == make_rules.make(KB, {line["q"] for line in QUERIES if line["kind"] != "rule"})
    assert len(made) <= make_rules.MOST


def test_the_readme_tells_the_true_counts() -> None:
    text = (HERE / "README.md").read_text("utf-8")
    told = {int(number.replace(",", "")) for number in re.findall(r"\*\*([\d,]+)\*\*", text)}
    assert told == {len(KB), KINDS["hand"], KINDS["rule"], KINDS["offtopic"], len(CHAT)}
