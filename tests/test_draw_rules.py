"""The algorithm of draws: fair, exact, and the same in three implementations that share no code."""

import io
import re
import runpy
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.__main__ import main
from bot.games import draw as rule
from bot.world import Luck

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = (DOCS / "verify-draw.md").read_text(encoding="utf-8")
SECRET = "0123456789abcdef" * 4


def a_proof(number: int, quantities: list[int], weights: list[int], secret: str, public: str, more: int = 0) -> str:
    """A proof as the bot writes it, with `more` replacements."""
    commit = rule.sha(secret)
    rules = [f"奖品{n}：奖 {n}（实物），{one} 份" for n, one in enumerate(quantities, start=1)]
    lines = [rule.entrant(rule.code_of(commit, f"m{n}"), weight) for n, weight in enumerate(weights)]
    listing = rule.sha(*lines)
    order = rule.ranking(rule.seed_of(number, rules, listing, public, secret), lines)
    places = rule.places(rule.stocks(rules))[: len(order)]
    wins = [(place, order[place - 1], prize) for place, prize in enumerate(places, start=1)]
    wins += [(1, number, places[0]) for number in order[len(wins) : len(wins) + more]]
    held = max((turn for turn, (place, _, _) in enumerate(wins, start=1) if place == 1), default=0)
    return "\n".join(
        [
            f"format: {rule.FORMAT}", f"draw: {number}", "kind: list", "state: drawn", f"commit: {commit}",
            f"public: {public}", f"count: {len(lines)}", f"list: {listing}", f"secret: {secret}",
            *(f"rule: {n} {text}" for n, text in enumerate(rules, start=1)),
            *(f"win: {turn} {a} {b} {c} {'won' if a > 1 or turn == held else 'replaced'}"
              for turn, (a, b, c) in enumerate(wins, start=1)),
            *rule.list_lines(lines),
        ]
    )  # fmt: skip


def an_instant_proof(number: int, odds: list[tuple[int, int]], tries: int, secret: str) -> str:
    """The proof of an instant draw. `odds`: (quantity, parts per million)."""
    commit = rule.sha(secret)
    rules = [f"奖品{n}：奖（券），{q} 份，每次中奖率 x%（百万分之 {one}）" for n, (q, one) in enumerate(odds, start=1)]
    lines = [f"{rule.code_of(commit, f'm{n}')}.{rule.salt_of(f'e{n}')}" for n in range(tries)]
    seed = rule.seed_of(number, rules, "instant", "-", secret)
    wins = rule.replay(seed, lines, rule.stocks(rules))
    return "\n".join(
        [
            f"format: {rule.FORMAT}", f"draw: {number}", "kind: instant", "state: drawn", f"commit: {commit}",
            "public: -", f"count: {len(lines)}", f"list: {rule.sha(*lines)}", f"secret: {secret}",
            *(f"rule: {n} {text}" for n, text in enumerate(rules, start=1)), *rule.list_lines(lines),
            *(f"win: {a} {a} {b} {c} won" for a, b, c in wins),
        ]
    )  # fmt: skip


def by_the_script(proof: str, folder: Path, *, instant: bool | None = None) -> str:
    """What the standalone script of its kind of draw (or the one asked for) objects to: empty when all is right."""
    if instant is None:
        instant = "\nkind: instant" in proof
    name = "verify_instant.py" if instant else "verify_draw.py"
    file = folder / "proof.txt"
    file.write_text(proof, encoding="utf-8")
    before, sys.argv = sys.argv, [name, str(file)]
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            runpy.run_path(str(DOCS / name))
    except SystemExit as end:
        assert isinstance(end.code, str)
        assert end.code.startswith("不成立：")
        return end.code
    finally:
        sys.argv = before
    assert said.getvalue().startswith("成立。")
    return ""


SECRETS = st.text("0123456789abcdef", min_size=64, max_size=64)
COMMON = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@COMMON
@given(
    st.integers(1, 10**9), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.lists(st.integers(1, 5), max_size=30),
    SECRETS, st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9), st.integers(0, 3),
)  # fmt: skip
def test_the_script_of_the_page_and_the_bot_agree(
    tmp_path: Path, number: int, quantities: list[int], weights: list[int], secret: str, public: str, more: int
) -> None:
    proof = a_proof(number, quantities, weights, secret, public, more)
    assert rule.verify(proof)[0] == []
    assert by_the_script(proof, tmp_path) == ""


@COMMON
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 300_000)), min_size=1, max_size=3), st.integers(0, 40), SECRETS
)
def test_both_agree_about_instant_draws(tmp_path: Path, odds: list[tuple[int, int]], tries: int, secret: str) -> None:
    proof = an_instant_proof(5, odds, tries, secret)
    assert rule.verify(proof)[0] == []
    assert by_the_script(proof, tmp_path) == ""


@COMMON
@given(st.data())
def test_whatever_is_changed_in_a_proof_both_notice(tmp_path: Path, data: st.DataObject) -> None:
    instant = data.draw(st.booleans())
    proof = (
        an_instant_proof(3, [(90, 400_000)], 90, SECRET) if instant else a_proof(3, [5, 3], [1, 2] * 20, SECRET, "7")
    )
    counted = [n for n, line in enumerate(proof.split("\n")) if not line.startswith(("format", "kind", "state"))]
    rows = proof.split("\n")
    number = data.draw(st.sampled_from(counted))
    key, _, value = rows[number].partition(": ")
    kept = value.removesuffix(" won")  # what became of a prize later is not recomputed
    spot = data.draw(st.integers(0, len(kept) - 1))
    old = kept[spot]
    new = data.draw(st.sampled_from([one for one in "0123456789abcdef" if one != old]))
    rows[number] = f"{key}: {kept[:spot]}{new}{kept[spot + 1 :]}" + value[len(kept) :]
    changed = "\n".join(rows)
    assert rule.verify(changed)[0] != []
    assert by_the_script(changed, tmp_path) != ""


def test_pages_may_come_in_any_order_and_with_chat_around_them(tmp_path: Path) -> None:
    rows = a_proof(9, [3], [1] * 70, SECRET, "-").split("\n")
    text = "\r\n".join(["小元子：验奖 9（2/2）", *reversed(rows), "好的：谢谢", rows[-1]])
    assert rule.verify(text)[0] == []
    assert by_the_script(text, tmp_path) == ""


def test_the_page_carries_the_script_word_for_word() -> None:
    scripts = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert scripts == [(DOCS / name).read_text(encoding="utf-8") for name in ("verify_draw.py", "verify_instant.py")]
    for script in scripts:
        assert set(re.findall(r"^\s*(?:import|from) (\w+)", script, re.MULTILINE)) == {"hashlib", "re", "sys"}
        assert sum(bool(line) for line in script.split("\n")) <= 43  # a sceptic reads it in five minutes


def test_the_wrong_script_says_which_is_right(tmp_path: Path) -> None:
    tries = an_instant_proof(5, [(1, 500_000)], 9, SECRET)
    assert "即时抽用 verify_instant.py" in by_the_script(tries, tmp_path, instant=False)
    assert "名单抽奖用 verify_draw.py" in by_the_script(a_proof(3, [2], [1] * 9, SECRET, "-"), tmp_path, instant=True)


@pytest.mark.parametrize("name", ["verify_draw.py", "verify_instant.py"])
def test_a_file_that_is_no_proof_is_refused_and_one_that_is_not_there_is_no_verdict(name: str, tmp_path: Path) -> None:
    wide, none = tmp_path / "wide.txt", tmp_path / "none.txt"
    wide.write_bytes("format: yuanzi-draw 1".encode("utf-16"))
    for files, said in (([], "IndexError"), ([wide], "不成立：缺少 format（文件要存成 UTF-8）"), ([none], str(none))):
        ended = subprocess.run([sys.executable, str(DOCS / name), *files], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert said in ended.stderr
        assert ended.stderr.startswith("不成立") == (files == [wide])


def test_a_void_draw_has_no_winners_in_the_script_either(tmp_path: Path) -> None:
    void = a_proof(3, [2], [1] * 9, SECRET, "-").replace("state: drawn", "state: void")
    assert "没有照顺位来" in by_the_script(void, tmp_path)
    assert "作废" in rule.verify(void)[0][0]
    assert by_the_script("\n".join(row for row in void.split("\n") if not row.startswith("win")), tmp_path) == ""


def test_a_replacement_out_of_turn_or_for_another_prize_is_noticed(tmp_path: Path) -> None:
    proof = a_proof(3, [2, 1], [1, 2] * 9, SECRET, "-", more=2)
    assert by_the_script(proof, tmp_path) == ""
    for old, new in (
        (r"win: 4 1 (\d+) 1", r"win: 4 3 \1 1"),
        (r"win: 4 1", "win: 4 0"),
        (r"win: 4 1 \d+", "win: 4 1 18"),
    ):
        wrong = re.sub(old, new, proof)
        assert wrong != proof
        assert by_the_script(wrong, tmp_path) != ""
        assert rule.verify(wrong)[0] != []


def test_the_vectors_of_the_page_hold(tmp_path: Path) -> None:
    facts = dict(re.findall(r"^(\S+) = (.+)$", PAGE.partition("## 测试向量")[2].partition("```text")[0], re.MULTILINE))
    proofs = re.findall(r"```text proof\n(.*?)```", PAGE, re.DOTALL)
    assert len(proofs) == 2
    for proof in proofs:
        assert rule.verify(proof)[0] == []
        assert by_the_script(proof, tmp_path) == ""
    known = rule.read_proof(proofs[0])
    assert rule.sha(facts["secret"]) == facts["commit"] == known.facts["commit"]
    assert rule.code_of(facts["commit"], "xiaoman") == facts['code("xiaoman")']
    assert rule.sha(*known.lines) == facts["list"]
    seed = rule.seed_of(12, known.rules, facts["list"], known.facts["public"], facts["secret"])
    assert seed == facts["seed"]
    assert " ".join(map(str, rule.ranking(seed, known.lines))) == facts["顺位"]


def test_a_hundred_thousand_seeded_draws_are_fair() -> None:
    lines = [rule.entrant(rule.code_of("c", f"m{n}")) for n in range(10)]
    luck, wins = Luck("fair"), Counter[int]()
    for number in range(100_000):
        wins[rule.ranking(luck.token("draw", number), lines)[0]] += 1
    chi_square = sum((wins[n] - 10_000) ** 2 / 10_000 for n in range(1, 11))
    assert chi_square < 27.88, wins  # 9 degrees of freedom, one in a thousand


def test_weights_weigh_as_much_as_they_say() -> None:
    lines = ["a", "b*3"]
    first = Counter(rule.ranking(Luck("w").token(n), lines)[0] for n in range(20_000))
    assert 0.735 < first[2] / 20_000 < 0.765


@COMMON
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["", "*2", "*7"])), max_size=60), st.integers(0, 70))
def test_the_first_of_a_ranking_are_the_same_as_of_the_whole(rows: list[tuple[int, str]], most: int) -> None:
    lines = [f"{number:010x}{weight}" for number, weight in rows]
    assert rule.ranking("seed", lines, most) == rule.ranking("seed", lines)[:most]


@given(st.integers(2, 60), st.data())
def test_changing_one_entrant_changes_the_whole_ranking(count: int, data: st.DataObject) -> None:
    lines = [rule.code_of("c", f"m{n}") for n in range(count)]
    other = list(lines)
    other[data.draw(st.integers(0, count - 1))] = rule.code_of("c", "somebody else")
    seeds = [rule.seed_of(1, ["奖品1：x，1 份"], rule.sha(*one), "-", SECRET) for one in (lines, other)]
    assert seeds[0] != seeds[1]
    assert len(set(rule.ranking(seeds[0], lines))) == count


def test_one_entrant_less_often_means_another_winner() -> None:
    lines = [rule.code_of("c", f"m{n}") for n in range(200)]
    winners = set()
    for gone in range(100):
        left = lines[:gone] + lines[gone + 1 :]
        winners.add(left[rule.ranking(rule.seed_of(1, [], rule.sha(*left), "-", SECRET), left)[0] - 1])
    assert len(winners) > 60


def test_a_hundred_thousand_entrants_are_ranked_without_a_repeat() -> None:
    lines = [rule.code_of("c", str(n)) for n in range(100_000)]
    assert sorted(rule.ranking("seed", lines)) == list(range(1, 100_001))


def test_a_prize_that_ran_out_is_won_by_nobody() -> None:
    stock = [rule.Stock(1, 1, 500_000), rule.Stock(2, 1, 500_000)]
    assert rule.hit(0, stock, {}) == 1
    assert rule.hit(499_999, stock, {1: 1}) is None
    assert rule.hit(500_000, stock, {1: 1}) == 2
    assert rule.hit(0, [rule.Stock(1, 5, 0)], {}) is None


def test_the_command_says_right_or_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "proof.txt"
    proof = a_proof(4, [1], [1, 1, 1], SECRET, "-")
    file.write_text(proof, encoding="utf-8")
    assert main(["draw", "verify", str(file)]) == 0
    assert "结果正确" in capsys.readouterr().out
    file.write_text(proof.replace(f"secret: {SECRET}", f"secret: {SECRET[::-1]}"), encoding="utf-8")
    assert main(["draw", "verify", str(file)]) == 1
    assert "承诺" in capsys.readouterr().err
    for text, code in (("", 1), ("你好", 1), ("count: x\nentrants: a b\nwin: 1\nrule: x", 1)):
        file.write_text(text, encoding="utf-8")
        assert main(["draw", "verify", str(file)]) == code
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["draw", "verify", str(file)]) == 2
    assert main(["draw", "verify", str(tmp_path / "none")]) == 2
    assert main(["draw", "proof", "1", "--db", str(tmp_path / "none.db")]) == 1
