"""Recomputes an ordinary draw from its published proof (verify-draw.md).  Usage: python3 verify_draw.py PROOF.txt"""

import hashlib
import re
import sys

N, HASH, CODE = "[1-9][0-9]{0,17}", "[0-9a-f]{64}", r"[0-9a-f]{10}(\*([2-9]|[1-9][0-9]))?"


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def demand(right, what):
    if not right:
        sys.exit(f"不成立：{what}")


def told(key, form, numbered=False):
    found = set()  # pairs of number and value: what is told twice counts once, what is told in two ways cannot pass
    for row in re.findall(rf"^\s*{key}: (.*\S)\s*$", proof, re.MULTILINE):
        demand(re.fullmatch(form, row), f"这一行不合写法，或者还没开奖；即时抽用 verify_instant.py：{key}: {row}")
        first, _, rest = row.partition(" ") if numbered else ("1", "", row)
        found |= set(enumerate(rest.split() if key == "entrants" else [rest], start=int(first)))
    demand(found or key in ("entrants", "win"), f"缺少 {key}（文件要存成 UTF-8）")
    demand(sorted(n for n, _ in found) == list(range(1, len(found) + 1)), f"{key} 说法不一，或者编号不是从 1 连着的")
    return [value for _, value in sorted(found)]


with open(sys.argv[1], encoding="utf-8-sig", errors="replace") as file:
    proof = file.read()
told("format", "yuanzi-draw 1"), told("kind", "list")
[draw], [count] = told("draw", N), told("count", f"0|{N}")
[state], [public] = told("state", "drawn|void"), told("public", ".+")
[commit], [listing], [secret] = (told(key, HASH) for key in ("commit", "list", "secret"))
rules, lines = told("rule", f"{N} .+", numbered=True), told("entrants", f"{N}( {CODE})+", numbered=True)
wins = [win.split() for win in told("win", f"{N} {N} {N} {N} (won|claimed|replaced|forfeited)", numbered=True)]

demand(sha(secret) == commit, "秘密不是开始时承诺的那个")
demand(sha(*lines) == listing and len(lines) == int(count), "名单不是截止时封存的那份")
seed = sha("yuanzi-draw 1", draw, sha(*rules), listing, public, secret)
weights = [int(line.partition("*")[2] or 1) for line in lines]
tickets = [(sha(seed, str(n), lines[n - 1], str(t)), n) for n, w in enumerate(weights, 1) for t in range(1, w + 1)]
ranking = list(dict.fromkeys(number for _, number in sorted(tickets)))
prizes = re.findall(f"^奖品({N})：.*，({N}) 份$", "\n".join(rules), re.MULTILINE)
demand(prizes and [n for n, _ in prizes] == [str(n + 1) for n in range(len(prizes))], "规则里奖品的号不是从 1 连着的")
places = [n for n, quantity in prizes for _ in range(min(int(quantity), len(lines)))][: len(lines)]
places = {str(place): prize for place, prize in enumerate(places, start=1)} if state == "drawn" else {}
demand([win[0] for win in wins[: len(places)]] == list(places), "名额没有照顺位给全")
due = [[place, str(who), places.get(place)] for (place, *_), who in zip(wins, ranking, strict=False)]
demand([win[:3] for win in wins] == due, "中奖、补抽的人没有照顺位来，或者名额、奖品不是这个")
held = [win[0] for win in wins if win[3] in ("won", "claimed")]
demand(len(held) == len(set(held)), "一个名额同时归了两位")
print("成立。请和群里公布过的对一遍：", "commit " + commit, "list " + listing, *rules, sep="\n")
