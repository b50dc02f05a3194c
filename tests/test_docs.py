"""The pages in docs/ say what the code says."""

import re
from pathlib import Path

import pytest

from bot.app import switchboard_for
from bot.config import load_config, shipped
from bot.manual import DOCS, PAGES
from bot.manual_wires import WIRES

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_a_readme_names_every_word_members_and_staff_can_say(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    config = load_config(shipped("config.toml"))
    words = [route.words_in(config.group(None))[0] for route in switchboard_for(config).commands]
    assert [word for word in words if f"`{word}" not in text] == []


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_links_of_a_readme_lead_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_both_readmes_have_the_same_sections() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    counts = [len(re.findall(r"^## ", text, re.MULTILINE)) for text in texts]
    assert counts[0] == counts[1] > 5


def test_every_setting_of_a_wire_is_explained_and_nothing_else_is() -> None:
    for title, _, model, words in WIRES:
        assert set(words) == set(model.model_fields), title
