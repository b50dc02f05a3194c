"""Lucky draws by three verifiers: the bot's, the published script, and one written by a stranger from the document alone."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.channels import Line
from bot.games import draw as product
from bot.scenario import load_scenario, play
from tests import second_verify as second
from tests.second_draws import TAMPERINGS, Draw, ids, instant_draws, list_draws, others, over, secrets, words

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "verify-draw.md").read_text(encoding="utf-8")
SCRIPTS = {
    name: compile((DOCS / name).read_text(encoding="utf-8"), name, "exec")
    for name in ("verify_draw.py", "verify_instant.py")
}
LIST, INSTANT = re.findall(r"```text proof\n(.*?)```", PAGE, re.DOTALL)
TOLD = dict(re.findall(r"^(\S+) = (.+)$", PAGE.partition("```python")[0], re.MULTILINE))
FINISHED = re.compile(r"^state: (drawn|void)$", re.MULTILINE)
SCENARIOS = sorted(Path(__file__).parent.joinpath("scenarios").glob("draw_*.toml"))

many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def verdicts(text: str, folder: Path) -> tuple[bool, bool, bool]:
    """Whether the second verifier, the bot and the published script take a proof for genuine."""
    return not second.verify(text), not product.verify(text)[0], script_agrees(text, folder)


def told_by_the_script(text: str, folder: Path) -> str:
    """What the published script of its kind of draw objects to in a proof; a traceback is no objection, it is a failure.

    Where the text does not say of which kind it is, both have a look.
    """
    kinds = set(re.findall(r"(?m)^[ \t]*kind: (\w+)", text))
    names = {"verify_draw.py": "list" in kinds, "verify_instant.py": "instant" in kinds}
    file = folder / "proof.txt"
    file.write_text(text, encoding="utf-8", newline="")
    found = [objection(name, file) for name, meant in names.items() if meant or not any(names.values())]
    return "" if "" in found else found[0]


def objection(name: str, *files: Path) -> str:
    """Runs a script over a proof: empty when it holds."""
    said = io.StringIO()
    with patch("sys.argv", [name, *map(str, files)]), contextlib.redirect_stdout(said):
        try:
            exec(SCRIPTS[name], {"__name__": "__main__"})  # noqa: S102
        except SystemExit as end:
            assert isinstance(end.code, str), "sys.exit(text) writes the text and ends with 1"
            assert end.code.startswith("不成立：")
            assert not said.getvalue()
            return end.code
    assert said.getvalue().startswith("成立。")
    return ""


def script_agrees(text: str, folder: Path) -> bool:
    """Whether the published script of its kind of draw takes a proof for genuine."""
    return not told_by_the_script(text, folder)


GENUINE, FALSE = (True, True, True), (False, False, False)


def test_the_vectors_of_the_document_come_out() -> None:
    pages = second.read(LIST)
    rules = pages.unbroken("rule")
    seed = second.sha(second.FORMAT, pages["draw"], second.sha(*rules), pages["list"], pages["public"], TOLD["secret"])
    assert second.sha(TOLD["secret"]) == TOLD["commit"] == pages["commit"]
    assert second.code(TOLD["commit"], "xiaoman") == TOLD['code("xiaoman")'] == pages.unbroken("entrants")[0]
    assert second.sha(*pages.unbroken("entrants")) == TOLD["list"] == pages["list"]
    assert second.sha(*rules) == TOLD["sha(规则…)"]
    assert seed == TOLD["seed"]
    assert second.ranking(seed, pages.unbroken("entrants")) == [int(row) for row in TOLD["顺位"].split()]


def test_the_positions_and_the_salt_of_the_document_come_out() -> None:
    told = re.search(r"五次的位置：([0-9, ]+)）", PAGE)
    salt = re.search(r'^盐\("(.*)"\) = (.*)$', PAGE, re.MULTILINE)
    assert told
    assert salt
    pages = second.read(INSTANT)
    rules = second.sha(*pages.unbroken("rule"))
    seed = second.sha(second.FORMAT, pages["draw"], rules, "instant", "-", pages["secret"])
    found = [
        int(second.sha(seed, turn, row), 16) % 1_000_000 for turn, row in enumerate(pages.unbroken("entrants"), start=1)
    ]
    assert found == [int(number) for number in told[1].split(",")]
    assert product.salt_of(salt[1]) == second.sha(salt[1])[:10] == salt[2]


def test_a_weight_counted_as_one_share_gives_other_winners() -> None:
    pages = second.read(LIST)
    rows, order = pages.unbroken("entrants"), [int(row) for row in TOLD["顺位"].split()]
    assert any("*" in row for row in rows)

    def first(ticket: int) -> list[int]:
        return sorted(range(1, 6), key=lambda row: second.sha(TOLD["seed"], row, rows[row - 1], ticket))

    told = re.search(r"只算一份，顺位就成了 ([0-9 ]+)，", PAGE)
    assert told
    assert first(1) == [int(row) for row in told[1].split()]
    assert set(first(1)[:3]) != set(order[:3])
    assert product.ranking(TOLD["seed"], rows) == second.ranking(TOLD["seed"], rows) == order


@pytest.mark.parametrize("text", [LIST, INSTANT], ids=["list", "instant"])
def test_the_proofs_of_the_document_hold_for_all_three(text: str, tmp_path: Path) -> None:
    assert verdicts(text, tmp_path) == GENUINE


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_what_the_bot_says_of_a_draw_that_is_over_holds_for_a_stranger(path: Path, tmp_path: Path) -> None:
    said: list[Line] = []
    await play(load_scenario(path), path.name, said.append)
    for line in said:
        if line.phrase == "draw.proof":
            over = bool(FINISHED.search(line.text))
            assert verdicts(line.text, tmp_path) == (over, over, over)


@many
@given(drawn=over)
def test_a_genuine_proof_holds_for_all_three(drawn: Draw, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert verdicts(drawn.text(), tmp_path_factory.getbasetemp()) == GENUINE


@many
@given(drawn=over, chat=words, most=st.integers(300, 900), data=st.data())
def test_pages_in_any_order_between_chat_and_told_twice_hold_for_all_three(
    drawn: Draw, chat: str, most: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pages = product.pages(drawn.lines(), most)
    mixed = data.draw(st.permutations([*pages, pages[0], pages[-1]]))
    text = f"\r\n小满 10:12 {chat}\r\n验奖（1/2）\r\n".join(page.replace("\n", "  \r\n ") for page in mixed)
    assert verdicts(text, tmp_path_factory.getbasetemp()) == GENUINE


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
@many
@given(drawn=over, data=st.data())
def test_what_was_tampered_with_is_refused_by_all_three(
    tamper: Callable[[Draw, st.DataObject], str],
    drawn: Draw,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert verdicts(tamper(drawn, data), tmp_path_factory.getbasetemp()) == FALSE


@many
@given(
    text=st.sampled_from([LIST, INSTANT]),
    typed=st.sampled_from([*"01*.: -9aA一５²\t", "", "\n", "\u2028"]),
    data=st.data(),
)
def test_one_character_typed_wrong_is_judged_alike_by_all_three(
    text: str, typed: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = text[:at] + typed + text[at + data.draw(st.integers(0, 1)) :]
    assert verdicts(wrong, tmp_path_factory.getbasetemp()) in (GENUINE, FALSE)


@many
@given(drawn=list_draws() | instant_draws())
def test_what_changes_the_seed_is_judged_alike_by_all_three(
    drawn: Draw, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for what, false in others(drawn).items():
        found = verdicts(false.text(), tmp_path_factory.getbasetemp())
        assert found in (GENUINE, FALSE), what


@settings(many, max_examples=30)
@given(drawn=list_draws(least=13, all_win=True))
def test_what_changes_the_seed_of_a_large_draw_is_refused_by_all_three(
    drawn: Draw, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert len(drawn.wins) == len(drawn.rows)
    for what, false in others(drawn).items():
        assume(false != drawn)
        assert verdicts(false.text(), tmp_path_factory.getbasetemp()) == FALSE, what


@many
@given(drawn=list_draws(), other=list_draws())
def test_the_ranking_and_the_places_are_the_same(drawn: Draw, other: Draw) -> None:
    rows = [*drawn.rows, *other.rows]
    assert second.ranking(drawn.seed, rows) == product.ranking(drawn.seed, rows)
    found = [prize.number for prize in second.prizes("list", drawn.rules) for _ in range(prize.copies)]
    assert found == product.places(product.stocks(drawn.rules))


def with_wins(text: str, *wins: str) -> str:
    """The proof with other winners."""
    return re.sub(r"(?m)^win: .*\n", "", text) + "".join(f"win: {win}\n" for win in wins)


def forged_line(old: str, new: str) -> str:
    """The proof of the list with another line in it, and all hashes and winners made to fit."""
    pages = second.read(LIST)
    rows = [row.replace(old, new) for row in pages.unbroken("entrants")]
    text = LIST.replace(old, new).replace(pages["list"], product.sha(*rows))
    return with_due_wins(text, rows) if "." not in new else text


def resealed_rules(text: str, old: str, new: str) -> str:
    """The proof under other rules, with the winners whom they would have."""
    changed = re.sub(r"(?m)^(rule: .*)$", lambda row: row[1].replace(old, new), text)
    return with_due_wins(changed, second.read(text).unbroken("entrants"))


def with_due_wins(text: str, rows: list[str]) -> str:
    """The proof of a list with the winners whom its ranking gives, for the prizes 1, 1 and 2."""
    pages = second.read(text)
    seed = product.seed_of(12, pages.unbroken("rule"), pages["list"], pages["public"], pages["secret"])
    order = product.ranking(seed, rows)
    wins = zip(order, (1, 1, 3 if "奖品3：" in text else 2), strict=False)
    return with_wins(text, *(f"{turn} {turn} {who} {prize} won" for turn, (who, prize) in enumerate(wins, start=1)))


FORGED = {
    "an instant draw mixed with a number": with_wins(INSTANT, "1 1 3 1 won").replace("public: -", "public: 3"),
    "a place with two winners": LIST + "win: 4 2 5 1 won\n",
    "winners of what came to nothing": with_wins(LIST.replace("drawn", "void"), "1 1 3 1 won"),
    "winners that a void draw would have had": LIST.replace("drawn", "void"),
    "no kind of draw": LIST.replace("kind: list", "kind: lucky"),
    "a win without its state": LIST.replace("win: 2 2 3 1 won", "win: 2 2 3 1"),
    "a number with a zero in front": LIST.replace("draw: 12", "draw: 012"),
    "no format": LIST.replace("format: yuanzi-draw 1\n", ""),
    "a rule told otherwise later": LIST + "rule: 4 参加：谁都可以\n",
    "a rule told otherwise before": "rule: 4 参加：谁都可以\n" + LIST,
    "a win told otherwise later": LIST + "win: 3 3 5 2 won\n",
    "a win told otherwise before": "win: 3 3 5 2 won\n" + LIST,
    "entrants told otherwise later": LIST + "entrants: 1 0123456789\n",
    "entrants told otherwise before": "entrants: 1 0123456789\n" + LIST,
    "rules numbered with a gap": LIST.replace("rule: 4", "rule: 5"),
    "another format": LIST.replace("format: yuanzi-draw 1", "format: yuanzi-draw 2"),
    "a win with another state": LIST.replace("win: 2 2 3 1 won", "win: 2 2 3 1 lost"),
    "a place in words": LIST.replace("win: 2 2 3 1 won", "win: 2 b 3 1 won"),
    "a winner number with a zero in front": LIST.replace("win: 2 2 3 1 won", "win: 2 2 03 1 won"),
    "a count in words": LIST.replace("count: 5", "count: five"),
    "numbers in other digits": LIST.replace("count: 5", "count: ５"),
    "a rule without a number": LIST + "rule: 谁都可以\n",
    "entrants without a number": LIST + "entrants: 443f6403ae\n",
    "a state nobody knows": LIST.replace("state: drawn", "state: done"),
    "a draw that is still open": LIST.replace("state: drawn", "state: open"),
    "prizes not numbered from 1": resealed_rules(LIST, "奖品2：", "奖品3："),
    "no prizes at all": resealed_rules(LIST, "奖品", "礼品"),
    "chat only": "小满 10:12 恭喜\n",
    "nothing": "",
    "a weight of one": forged_line("*3", "*1"),
    "a weight of nothing": forged_line("*3", "*0"),
    "a weight with a zero in front": forged_line("*3", "*03"),
    "a try in a list": forged_line("*3", ".037346d494"),
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_what_the_document_forbids_is_refused_by_the_second_verifier(text: str) -> None:
    assert second.verify(text)


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_what_the_document_forbids_is_refused_by_the_bot(text: str) -> None:
    assert product.verify(text)[0]


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_what_the_document_forbids_is_refused_by_the_script(text: str, tmp_path: Path) -> None:
    assert told_by_the_script(text, tmp_path)


@many
@given(commit=secrets, member=ids | st.just("半个\ud83d"))
def test_a_member_finds_the_same_code(commit: str, member: str) -> None:
    assert second.code(commit, member) == product.code_of(commit, member)
