"""The benchmark runs and says what it measured; how fast a machine is, no test asks."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.bench.bot_run import run_bot
from bot.bench.figures import FIGURES, QUICK
from bot.bench.load import COMMANDS, KEYWORDS, Load
from bot.bench.targets import TARGETS, ratios
from storage.database import Database, read_only

GLANCE = replace(
    QUICK, rounds=1, starts=1, echoes=50, callbacks=50, players=100, entrants=500, rehearsed=1, beats=100,
    faq_questions=30,
)  # fmt: skip
"""Every figure once, over next to nothing."""


def figures(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> list[dict[str, object]]:
    """What `yuanzi bench` prints."""
    assert main(["bench", "--quick", "--events", "100", "--stored", "1000", "--dir", str(folder), *more]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_whole_benchmark_prints_one_json_line_per_figure_and_leaves_nothing_behind(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.commands.bench.QUICK", GLANCE)
    lines = figures(capsys, tmp_path)
    names = Counter(line["figure"] for line in lines)
    assert names["durable_events"] == names["floor"] == names["floor_same_sql"] == names["ceiling"] == 3
    assert {"machine", "stored", "handlers", "memory", "cold_start"} < set(names)
    last = lines[-1]
    assert last["figure"] == "ratios"
    assert isinstance(last["targets"], list)
    without = "wechaty" if any("skipped" in line for line in lines) else "-"
    # The quick run builds no book of 10,000 entries.
    wanted = {one.name for one in TARGETS if not one.name.startswith(without) and "10000" not in one.name}
    assert {row["name"] for row in last["targets"]} == wanted
    assert names["wecom_callbacks"] == 3
    assert names["wechaty_echo"] in {1, 3}
    assert list(tmp_path.iterdir()) == []


def test_one_figure_can_be_measured_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = figures(capsys, tmp_path, "--only", "handlers")
    assert [line["figure"] for line in lines] == ["handlers", "handlers", "ratios"]


@pytest.mark.parametrize("wrong", [["--only", "speed"], ["--events", "many"], ["--events", "1"]])
def test_a_wrong_option_is_wrong_usage(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *wrong])
    assert stopped.value.code == 2


def test_a_target_holds_at_its_bound_and_what_was_not_measured_is_left_out() -> None:
    assert ratios({"times_floor": 3.0, "rss_mb": 160.0})["hold"]
    assert not ratios({"times_floor": 2.9, "rss_mb": 100.0})["hold"]
    assert ratios({})["targets"] == []


def test_the_load_is_the_mix_it_claims_and_every_message_is_durable(tmp_path: Path) -> None:
    count, db = 2_000, tmp_path / "load.db"
    ran = run_bot(db, Load().lines(count), in_flight=50)
    assert ran.events == len(ran.waits) == count
    Database.open(db).close()
    routes = Counter(row[0] for row in read_only(db).execute("SELECT route FROM interaction WHERE kind = 'message'"))
    assert sum(routes.values()) == count
    assert abs(routes[None] / count - 0.80) < 0.04
    assert abs(routes["faq.answer"] / count - KEYWORDS / 100) < 0.02
    assert routes["checkin.check_in"] > 0
    assert sum(routes.values()) - routes[None] - routes["faq.answer"] < count * (len(COMMANDS) + 4) / 100


def test_every_figure_has_a_word_of_its_own_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in FIGURES)
