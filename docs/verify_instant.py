"""Recomputes an instant draw from its published proof (verify-draw.md).  Usage: python3 verify_instant.py PROOF.txt"""

import hashlib
import re
import sys

N, HASH, LINE = "[1-9][0-9]{0,17}", "[0-9a-f]{64}", r"[0-9a-f]{10}\.[0-9a-f]{10}"
ONCE = {"draw": N, "kind": "instant", "state": "drawn|void", "public": "-", "count": f"0|{N}"}
ONCE |= {"format": "yuanzi-draw 1", "commit": HASH, "list": HASH, "secret": HASH}
MANY = {"rule": f"{N} .+", "entrants": f"{N}( {LINE})+", "win": f"{N} {N} {N} {N} (won|claimed|replaced|forfeited)"}
FORM = ONCE | MANY


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def demand(right, what):
    if not right:
        sys.exit(f"不成立：{what}")


try:
    with open(sys.argv[1], encoding="utf-8-sig") as file:
        proof = file.read().split("\n")
except (IndexError, OSError, UnicodeError) as error:
    sys.exit(f"不成立：读不了证据文件（要存成 UTF-8）：{error}")
told = {key: {} for key in FORM}
for row in map(str.strip, proof):
    key, _, value = row.partition(": ")
    if key in told:
        demand(re.fullmatch(FORM[key], value), f"这一行不合写法，或者还没开奖；名单抽奖用 verify_draw.py：{row}")
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
demand(sha(*lines) == fact["list"] and len(lines) == int(fact["count"]), "每次尝试和公布的对不上")

seed = sha("yuanzi-draw 1", fact["draw"], sha(*rules), "instant", "-", fact["secret"])
form = f"^奖品({N})：.*，({N}) 份，每次中奖率 .*%（百万分之 ({N})）$"
prizes = [[int(one) for one in found] for found in re.findall(form, "\n".join(rules), re.MULTILINE)]
demand(prizes and [n for n, _, _ in prizes] == list(range(1, len(prizes) + 1)), "规则里奖品的号不是从 1 连着的")
due = []
for number, line in enumerate(lines, start=1):
    spot = int(sha(seed, str(number), line), 16) % 1_000_000
    for prize, quantity, odds in prizes:
        if 0 <= spot < odds and [won for _, _, won in due].count(prize) < quantity:
            due.append([len(due) + 1, number, prize])
        spot -= odds
demand([win[:3] for win in wins] == due, f"该中的是（名额、第几次、奖品）{due}")
print("成立。请和群里公布过的对一遍：", "commit " + fact["commit"], "list " + fact["list"], *rules, sep="\n")
