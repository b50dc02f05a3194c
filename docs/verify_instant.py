"""Recomputes an instant draw from its published proof (verify-draw.md).  Usage: python3 verify_instant.py PROOF.txt"""

import hashlib
import re
import sys

N, HASH, TRY = "[1-9][0-9]{0,17}", "[0-9a-f]{64}", r"[0-9a-f]{10}\.[0-9a-f]{10}"


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def demand(right, what):
    if not right:
        sys.exit(f"不成立：{what}")


def told(key, form, numbered=False):
    found = set()  # pairs of number and value: what is told twice counts once, what is told in two ways cannot pass
    for row in re.findall(rf"^\s*{key}: (.*\S)\s*$", proof, re.MULTILINE):
        demand(re.fullmatch(form, row), f"这一行不合写法，或者还没开奖；名单抽奖用 verify_draw.py：{key}: {row}")
        first, _, rest = row.partition(" ") if numbered else ("1", "", row)
        found |= set(enumerate(rest.split() if key == "entrants" else [rest], start=int(first)))
    demand(found or key in ("entrants", "win"), f"缺少 {key}（文件要存成 UTF-8）")
    demand(sorted(n for n, _ in found) == list(range(1, len(found) + 1)), f"{key} 说法不一，或者编号不是从 1 连着的")
    return [value for _, value in sorted(found)]


with open(sys.argv[1], encoding="utf-8-sig", errors="replace") as file:
    proof = file.read()
told("format", "yuanzi-draw 1"), told("kind", "instant"), told("state", "drawn|void"), told("public", "-")
[draw], [count] = told("draw", N), told("count", f"0|{N}")
[commit], [listing], [secret] = (told(key, HASH) for key in ("commit", "list", "secret"))
rules, lines = told("rule", f"{N} .+", numbered=True), told("entrants", f"{N}( {TRY})+", numbered=True)
wins = [win.split() for win in told("win", f"{N} {N} {N} {N} (won|claimed|replaced|forfeited)", numbered=True)]

demand(sha(secret) == commit, "秘密不是开始时承诺的那个")
demand(sha(*lines) == listing and len(lines) == int(count), "每次尝试和公布的对不上")
seed = sha("yuanzi-draw 1", draw, sha(*rules), "instant", "-", secret)
form = f"^奖品({N})：.*，({N}) 份，每次中奖率 .*%（百万分之 ({N})）$"
prizes = [[int(one) for one in found] for found in re.findall(form, "\n".join(rules), re.MULTILINE)]
demand(prizes and [n for n, _, _ in prizes] == list(range(1, len(prizes) + 1)), "规则里奖品的号不是从 1 连着的")
due = []
for number, line in enumerate(lines, start=1):
    spot = int(sha(seed, str(number), line), 16) % 1_000_000
    for prize, quantity, odds in prizes:
        if 0 <= spot < odds and [won for _, _, won in due].count(prize) < quantity:
            due.append((len(due) + 1, number, prize))
        spot -= odds
demand([win[:3] for win in wins] == [[str(one) for one in win] for win in due], f"该中的是（名额、第几次、奖品）{due}")
print("成立。请和群里公布过的对一遍：", "commit " + commit, "list " + listing, *rules, sep="\n")
