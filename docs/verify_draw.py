"""Recomputes an ordinary draw from its published proof (verify-draw.md).  Usage: python3 verify_draw.py PROOF.txt"""

import hashlib
import re
import sys

N, HASH, LINE = "[1-9][0-9]{0,17}", "[0-9a-f]{64}", r"[0-9a-f]{10}(\*([2-9]|[1-9][0-9]))?"
ONCE = {"draw": N, "kind": "list", "state": "drawn|void", "public": ".+", "count": f"0|{N}"}
ONCE |= {"format": "yuanzi-draw 1", "commit": HASH, "list": HASH, "secret": HASH}
MANY = {"rule": f"{N} .+", "entrants": f"{N}( {LINE})+", "win": f"{N} {N} {N} {N} (won|claimed|replaced|forfeited)"}
FORM = ONCE | MANY


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def demand(right, what):
    if not right:
        sys.exit(f"不成立：{what}")


def best_ticket(number):
    weight = int(lines[number - 1].partition("*")[2] or 1)
    return min(sha(seed, str(number), lines[number - 1], str(ticket)) for ticket in range(1, weight + 1))


try:
    with open(sys.argv[1], encoding="utf-8-sig") as file:
        proof = file.read().split("\n")
except (IndexError, OSError, UnicodeError) as error:
    sys.exit(f"不成立：读不了证据文件（要存成 UTF-8）：{error}")
told = {key: {} for key in FORM}
for row in map(str.strip, proof):
    key, _, value = row.partition(": ")
    if key in told:
        demand(re.fullmatch(FORM[key], value), f"这一行不合写法，或者还没开奖；即时抽用 verify_instant.py：{row}")
        first, _, rest = value.partition(" ") if key in MANY else ("1", "", value)
        for number, one in enumerate(rest.split() if key == "entrants" else [rest], start=int(first)):
            demand(told[key].setdefault(number, one) == one, f"两行说法不一：{row}")
for key, table in told.items():
    demand(table or key in ("entrants", "win"), f"缺少 {key}")
    demand(sorted(table) == list(range(1, len(table) + 1)), f"{key} 的编号不是从 1 连着的")
fact = {key: table.get(1) for key, table in told.items()}
rules, lines, wins = ([told[key][n] for n in sorted(told[key])] for key in MANY)
wins = [[*map(int, win.split()[:3]), win.split()[3]] for win in wins]

demand(sha(fact["secret"]) == fact["commit"], "秘密不是开始时承诺的那个")
demand(sha(*lines) == fact["list"] and len(lines) == int(fact["count"]), "名单不是截止时封存的那份")

seed = sha("yuanzi-draw 1", fact["draw"], sha(*rules), fact["list"], fact["public"], fact["secret"])
ranking = sorted(range(1, len(lines) + 1), key=best_ticket)
prizes = re.findall(f"^奖品({N})：.*，({N}) 份$", "\n".join(rules), re.MULTILINE)
demand(prizes and [n for n, _ in prizes] == [str(n + 1) for n in range(len(prizes))], "规则里奖品的号不是从 1 连着的")
places = [int(n) for n, quantity in prizes for _ in range(min(int(quantity), len(lines)))][: len(lines)]
places = dict(enumerate(places, start=1)) if fact["state"] == "drawn" else {}
held = [place for place, _, _, state in wins if state in ("won", "claimed")]
demand([who for _, who, _, _ in wins] == ranking[: len(wins)], "中奖、补抽的人没有照顺位来")
demand([place for place, _, _, _ in wins[: len(places)]] == list(places), "名额没有照顺位给全")
demand(all(places.get(place) == prize for place, _, prize, _ in wins), "没有这个名额，或者奖品不是它的")
demand(len(held) == len(set(held)), "一个名额同时归了两位")
print("成立。请和群里公布过的对一遍：", "commit " + fact["commit"], "list " + fact["list"], *rules, sep="\n")
