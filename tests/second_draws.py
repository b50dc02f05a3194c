"""Lucky draws that are over, made up by hypothesis, and the ways in which somebody could tamper with their proofs."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from hypothesis import assume
from hypothesis import strategies as st

from bot.games import draw as product


@dataclass(frozen=True)
class Draw:
    """A draw that is over, as the bot's functions of the algorithm make it; wins are place, row, prize, status."""

    kind: str
    number: int
    rules: tuple[str, ...]
    rows: tuple[str, ...]
    public: str
    secret: str
    wins: tuple[tuple[int, int, int, str], ...] = ()
    state: str = "drawn"

    @property
    def seed(self) -> str:
        """What every row is mixed with."""
        listing = "instant" if self.kind == "instant" else product.sha(*self.rows)
        return product.seed_of(self.number, self.rules, listing, self.public, self.secret)

    def lines(self) -> list[str]:
        """The proof, line by line."""
        return [
            "format: yuanzi-draw 1", f"draw: {self.number}", f"kind: {self.kind}", f"state: {self.state}",
            f"commit: {product.sha(self.secret)}", f"public: {self.public}", f"count: {len(self.rows)}",
            f"list: {product.sha(*self.rows)}", f"secret: {self.secret}",
            *(f"rule: {number} {rule}" for number, rule in enumerate(self.rules, start=1)),
            "note: 12-02 11:58 延期到 12-02 13:58",
            *(f"win: {turn} {' '.join(map(str, win))}" for turn, win in enumerate(self.wins, start=1)),
            *product.list_lines(self.rows),
        ]  # fmt: skip

    def text(self) -> str:
        """The proof in one page."""
        return "\n".join(self.lines())


ids = st.text(max_size=8) | st.sampled_from(["xiaoman", "a\nb", "元子 *3", "win: 1 1 1 1 won", " ", "😀", "'; --"])
words = st.text(max_size=12).map(lambda text: " ".join(text.split())) | st.sampled_from(
    ["试吃，9 份", "奖品1：冒名，3 份", "a: b", "，每次中奖率 1.0000%（百万分之 10000）", "*3"]
)
secrets = st.text("0123456789abcdef", min_size=64, max_size=64)
copies = st.integers(1, 3)


@st.composite
def list_draws(see: st.DrawFn, *, least: int = 0, all_win: bool = False) -> Draw:
    """A drawn list: odd ids, several prizes, weights, a public number and replacements where there is somebody left."""
    secret = see(secrets)
    members = see(st.lists(ids, min_size=least, max_size=least + 12, unique=True))
    weighted = see(st.booleans())
    rows = tuple(
        product.entrant(product.code_of(product.sha(secret), member), see(st.integers(1, 9)) if weighted else 1)
        for member in members
    )
    amounts = see(st.lists(copies, min_size=1, max_size=4)) + ([len(rows)] if all_win and rows else [])
    public = see(st.sampled_from(["-", "3456.78", "中 3:1", "0", "03 11 27 - 5"]))
    rules = (
        f"名称：{see(words)}",
        *(f"奖品{number}：{see(words)}（实物），{amount} 份" for number, amount in enumerate(amounts, start=1)),
        f"参加：发口令「{see(words)}」，每人一份",
        *(["权重：截止时等级 3 起 2 份，其余 1 份"] if weighted else []),
        *([] if public == "-" else ["公开数：收盘价"]),
        f"主办：{see(words)}",
    )
    drawn = Draw("list", see(st.integers(1, 10**6)), rules, rows, public, secret)
    return replace(drawn, wins=tuple(_winners(see, drawn)))


def _winners(see: st.DrawFn, drawn: Draw) -> Iterator[tuple[int, int, int, str]]:
    order = product.ranking(drawn.seed, drawn.rows)
    prizes = product.places(product.stocks(drawn.rules))
    due = min(len(order), len(prizes))
    taken = list(range(1, due + 1))
    for _ in order[due:] if taken else ():
        if see(st.booleans()):
            break
        taken.append(see(st.integers(1, due)))
    for turn, place in enumerate(taken):
        gone = place in taken[turn + 1 :]
        status = see(st.sampled_from(["replaced", "forfeited"] if gone else ["won", "claimed", "forfeited"]))
        yield place, order[turn], prizes[place - 1], status


@st.composite
def instant_draws(see: st.DrawFn) -> Draw:
    """An instant draw that is over or called off: the same members try again, some prizes run out."""
    secret = see(secrets)
    members = see(st.lists(ids, min_size=1, max_size=5))
    tries = see(st.lists(st.tuples(st.sampled_from(members), ids), max_size=25))
    rows = tuple(f"{product.code_of(product.sha(secret), who)}.{product.salt_of(event)}" for who, event in tries)
    stock = see(st.lists(st.tuples(copies, st.integers(1, 333_333)), min_size=1, max_size=3))
    rules = (
        f"名称：{see(words)}",
        *(
            f"奖品{number}：{see(words)}（实物），{amount} 份，每次中奖率 {odds / 10_000:.4f}%（百万分之 {odds}）"
            for number, (amount, odds) in enumerate(stock, start=1)
        ),
        f"联系：{see(words)}",
    )
    state = see(st.sampled_from(["drawn", "void"]))
    drawn = Draw("instant", see(st.integers(1, 10**6)), rules, rows, "-", secret, state=state)
    hits = product.replay(drawn.seed, rows, product.stocks(rules))
    return replace(drawn, wins=tuple((turn, row, prize, "won") for turn, row, prize in hits))


void_lists = list_draws().map(lambda drawn: replace(drawn, state="void", public="-", wins=()))
over = list_draws() | instant_draws() | void_lists


def digit_turned(text: str, at: int) -> str:
    """The text with another hexadecimal digit at a place."""
    return f"{text[:at]}{'0' if text[at] != '0' else '1'}{text[at + 1 :]}"


def swapped(rows: tuple[str, ...], one: int, other: int) -> tuple[str, ...]:
    """The rows with two of them in each other's place."""
    moved = list(rows)
    moved[one], moved[other] = rows[other], rows[one]
    return tuple(moved)


def an_entrant_changed(drawn: Draw, data: st.DataObject) -> str:
    """One digit of one row."""
    assume(drawn.rows)
    at = data.draw(st.integers(0, len(drawn.rows) - 1))
    rows = [*drawn.rows[:at], digit_turned(drawn.rows[at], data.draw(st.integers(0, 9))), *drawn.rows[at + 1 :]]
    return resealed(drawn, replace(drawn, rows=tuple(rows)), "list")


def two_entrants_swapped(drawn: Draw, data: st.DataObject) -> str:
    """Two different rows change places."""
    pairs = [(a, b) for a in range(len(drawn.rows)) for b in range(a) if drawn.rows[a] != drawn.rows[b]]
    assume(pairs)
    return resealed(drawn, replace(drawn, rows=swapped(drawn.rows, *data.draw(st.sampled_from(pairs)))), "list")


def an_entrant_dropped(drawn: Draw, data: st.DataObject) -> str:
    """The row and the count agree, the hash does not."""
    assume(drawn.rows)
    at = data.draw(st.integers(0, len(drawn.rows) - 1))
    return resealed(drawn, replace(drawn, rows=drawn.rows[:at] + drawn.rows[at + 1 :]), "list")


def an_entrant_added(drawn: Draw, data: st.DataObject) -> str:
    """Somebody was slipped in after the list was sealed."""
    at = data.draw(st.integers(0, len(drawn.rows)))
    late = "0123456789" + (".0123456789" if drawn.kind == "instant" else "")
    return resealed(drawn, replace(drawn, rows=(*drawn.rows[:at], late, *drawn.rows[at:])), "list")


def a_winner_changed(drawn: Draw, data: st.DataObject) -> str:
    """Another row, place or prize in one of the wins."""
    assume(drawn.wins)
    at = data.draw(st.integers(0, len(drawn.wins) - 1))
    win = list(drawn.wins[at])
    column = data.draw(st.sampled_from([0, 1, 2]) if at < drawn_at_first(drawn) else st.sampled_from([1, 2]))
    win[column] = data.draw(st.integers(1, len(drawn.rows) + 2).filter(lambda number: number != win[column]))
    return replace(drawn, wins=(*drawn.wins[:at], tuple(win), *drawn.wins[at + 1 :])).text()  # type: ignore[arg-type]


def drawn_at_first(drawn: Draw) -> int:
    """How many wins were due at the drawing; those after them are replacements, whose place the host chose."""
    if drawn.kind == "instant":
        return len(drawn.wins)
    return min(len(drawn.rows), len(product.places(product.stocks(drawn.rules))))


def a_winner_dropped(drawn: Draw, data: st.DataObject) -> str:
    """The last of those due at the drawing is missing, and with it all replacements."""
    due = drawn_at_first(drawn)
    assume(drawn.wins and due)
    return replace(drawn, wins=drawn.wins[: due - 1]).text()


def a_winner_added(drawn: Draw, data: st.DataObject) -> str:
    """Somebody wins twice."""
    assume(drawn.wins)
    return replace(drawn, wins=(*drawn.wins, drawn.wins[-1])).text()


def the_secret_changed(drawn: Draw, data: st.DataObject) -> str:
    """The commitment stays."""
    other = replace(drawn, secret=digit_turned(drawn.secret, data.draw(st.integers(0, 63))))
    return resealed(drawn, other, "commit")


def the_commitment_changed(drawn: Draw, data: st.DataObject) -> str:
    """The secret stays."""
    commit = product.sha(drawn.secret)
    return drawn.text().replace(commit, digit_turned(commit, data.draw(st.integers(0, 63))))


def the_count_changed(drawn: Draw, data: st.DataObject) -> str:
    """Fewer or more than are there."""
    count = data.draw(st.integers(0, 99).filter(lambda number: number != len(drawn.rows)))
    return re.sub(r"(?m)^count: .*$", f"count: {count}", drawn.text())


def a_number_of_a_row_changed(drawn: Draw, data: st.DataObject) -> str:
    """The list starts elsewhere."""
    assume(drawn.rows)
    return re.sub(r"(?m)^entrants: 1 ", f"entrants: {data.draw(st.sampled_from([0, 2, 9]))} ", drawn.text())


def a_line_dropped(drawn: Draw, data: st.DataObject) -> str:
    """Any line without which nothing can be checked; rules and wins have cases of their own."""
    lines = drawn.lines()
    kept = [line for line in lines if line.startswith(("rule: ", "note: ", "win: ", "format: "))]
    at = lines.index(data.draw(st.sampled_from([line for line in lines if line not in kept])))
    return "\n".join(lines[:at] + lines[at + 1 :])


def a_rule_dropped_from_the_middle(drawn: Draw, data: st.DataObject) -> str:
    """The rules are no longer numbered through."""
    at = data.draw(st.integers(1, len(drawn.rules) - 1))
    return drawn.text().replace(f"rule: {at} {drawn.rules[at - 1]}\n", "")


def a_line_told_otherwise(drawn: Draw, data: st.DataObject) -> str:
    """Two lines of the same key contradict each other; rules have cases of their own."""
    line = data.draw(
        st.sampled_from([line for line in drawn.lines() if not line.startswith(("note: ", "format: ", "rule: "))])
    )
    other = re.sub(r" (\d+) (\w+)$", r" 1\1 \2", line) if line.startswith("win: ") else f"{line}1"
    return "\n".join([*drawn.lines(), other])


def resealed(genuine: Draw, false: Draw, key: str) -> str:
    """The false proof under the hash that the group was told."""
    told = next(line for line in genuine.lines() if line.startswith(f"{key}: "))
    return re.sub(rf"(?m)^{key}: .*$", told, false.text())


TAMPERINGS: list[Callable[[Draw, st.DataObject], str]] = [
    an_entrant_changed, two_entrants_swapped, an_entrant_dropped, an_entrant_added, a_winner_changed, a_winner_dropped,
    a_winner_added, the_secret_changed, the_commitment_changed, the_count_changed, a_number_of_a_row_changed,
    a_line_dropped, a_rule_dropped_from_the_middle, a_line_told_otherwise,
]  # fmt: skip


def others(drawn: Draw) -> dict[str, Draw]:
    """Changes of what goes into the seed: what comes out may by chance be the same, in a small draw it often is."""
    weightier = tuple(product.entrant(row.partition("*")[0], 99) for row in drawn.rows[:1]) + drawn.rows[1:]
    return {
        "number": replace(drawn, number=drawn.number + 1),
        "rule": replace(drawn, rules=(*drawn.rules[:-1], "主办：别人")),
        "rule dropped": replace(drawn, rules=drawn.rules[:-1]),
        "rule added": replace(drawn, rules=(*drawn.rules, "补充：以主办解释为准")),
        "secret and commitment": replace(drawn, secret=digit_turned(drawn.secret, 5)),
        **(
            {"public": replace(drawn, public="3456.79"), "sealed again": replace(drawn, rows=weightier)}
            if drawn.kind == "list"
            else {}
        ),
    }
