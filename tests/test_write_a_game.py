"""docs/write-a-game.md builds a game that works: its blocks are installed in a copy of the house and played."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```\w+ file=(\S+)\n(.*?)```", re.DOTALL)


def blocks() -> dict[str, str]:
    """file -> what the page says it holds."""
    return dict(BLOCK.findall((ROOT / "docs" / "write-a-game.md").read_text(encoding="utf-8")))


def a_house_with_the_game(folder: Path) -> Path:
    """A copy of the code in which somebody followed the page."""
    for part in ("bot", "storage", "persona"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "config.toml", folder)
    found = blocks()
    (folder / "bot/games/sevens.py").write_text(found["bot/games/sevens.py"], encoding="utf-8")
    for phrases in folder.glob("persona/*/phrases.toml"):
        phrases.write_text(phrases.read_text(encoding="utf-8") + "\n" + found["phrases.toml"], encoding="utf-8")
    (folder / "sevens.toml").write_text(found["scenario.toml"], encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_the_game_of_the_page_can_be_checked_and_played(tmp_path: Path) -> None:
    folder = a_house_with_the_game(tmp_path)
    checked = run(folder, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    played = run(folder, "replay", "sevens.toml")
    assert played.returncode == 0, played.stdout + played.stderr


def test_a_phrase_that_the_page_forgot_would_be_named(tmp_path: Path) -> None:
    folder = a_house_with_the_game(tmp_path)
    for phrases in folder.glob("persona/*/phrases.toml"):
        text = phrases.read_text(encoding="utf-8")
        phrases.write_text(re.sub(r"\nidle = \[\"停在.*\n", "\n", text), encoding="utf-8")
    checked = run(folder, "check")
    assert checked.returncode != 0
    assert "sevens.idle" in checked.stdout + checked.stderr


def test_the_files_that_the_page_names_exist() -> None:
    text = (ROOT / "docs" / "write-a-game.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:bot|tests|docs)/[\w/.-]+\.(?:py|md))`", text)) - {"bot/games/sevens.py"}
    assert len(named) > 5
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_shortest_rules_are_under_eighty_lines() -> None:
    for name in ("bomb", "passphrase"):
        assert len((ROOT / f"bot/games/{name}.py").read_text(encoding="utf-8").splitlines()) < 80
