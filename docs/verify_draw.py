"""Recomputes a draw from its published proof (see verify-draw.md).  Usage: python3 verify_draw.py PROOF.txt"""

import hashlib
import re
import sys


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def best_ticket(number):
    weight = int(line[number].partition("*")[2] or 1)
    return min(sha(seed, str(number), line[number], str(ticket)) for ticket in range(1, weight + 1))


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

seed = sha("yuanzi-draw 1", fact["draw"], sha(*rules), fact["list"], fact["public"], fact["secret"])
ranking = sorted(line, key=best_ticket)
prizes = re.findall(r"^奖品(\d+)：.*，(\d+) 份$", "\n".join(rules), re.MULTILINE)
places = [int(prize) for prize, quantity in prizes for _ in range(int(quantity))]
places = dict(enumerate(places[: len(lines)], start=1)) if fact["state"] == "drawn" else {}
checks = {
    "an ordinary draw (an instant one: verify_instant.py)": fact["kind"] == "list",
    "the secret is the one committed to at the opening": sha(fact["secret"]) == fact["commit"],
    "the list is the one that was closed": sha(*lines) == fact["list"] and len(lines) == int(fact["count"]),
    "winners and replacements follow the ranking": [who for _, who, _ in wins] == ranking[: len(wins)],
    "every place was given away": [place for place, _, _ in wins[: len(places)]] == list(places),
    "every prize is that of its place": all(places.get(place) == prize for place, _, prize in wins),
}
for what, right in checks.items():
    print("OK   " if right else "WRONG", what)
print("Compare with what the group saw:", "commit", fact["commit"], "list", fact["list"], "rules", *rules, sep="\n")
sys.exit(not all(checks.values()))
