"""Recomputes an instant draw from its published proof.  Usage: python3 verify_instant.py PROOF.txt"""

import hashlib
import re
import sys


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


fact, rule, line, win = {}, {}, {}, {}
with open(sys.argv[1], encoding="utf-8-sig") as file:
    proof = file.read().split("\n")
for row in proof:
    key, _, value = row.strip().partition(": ")
    number, _, rest = value.partition(" ")
    fact[key] = value
    if key == "rule":
        rule[int(number)] = rest
    elif key == "entrants":
        line.update(enumerate(rest.split(), start=int(number)))
    elif key == "win":
        win[int(number)] = [int(one) for one in rest.split()[:3]]
rules, lines, wins = ([table[n] for n in range(1, len(table) + 1)] for table in (rule, line, win))

seed = sha("yuanzi-draw 1", fact["draw"], sha(*rules), "instant", fact["public"], fact["secret"])
form = r"^奖品(\d+)：.*，(\d+) 份，每次中奖率 .*（百万分之 (\d+)）$"
prizes = [[int(one) for one in found] for found in re.findall(form, "\n".join(rules), re.MULTILINE)]
due = []
for number, text in enumerate(lines, start=1):
    spot = int(sha(seed, str(number), text), 16) % 1_000_000
    for prize, quantity, odds in prizes:
        if 0 <= spot < odds and [won for _, _, won in due].count(prize) < quantity:
            due.append([len(due) + 1, number, prize])
        spot -= odds
checks = {
    "an instant draw (an ordinary one: verify_draw.py)": fact["kind"] == "instant",
    "the secret is the one committed to at the opening": sha(fact["secret"]) == fact["commit"],
    "the tries are those that were published": sha(*lines) == fact["list"] and len(lines) == int(fact["count"]),
    "every try is decided by its number, and none besides": wins == due,
}
for what, right in checks.items():
    print("OK   " if right else "WRONG", what)
print("Compare with what the group saw:", "commit", fact["commit"], "list", fact["list"], "rules", *rules, sep="\n")
sys.exit(not all(checks.values()))
