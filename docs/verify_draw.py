"""Recomputes a draw from its published proof.  Usage: python3 verify_draw.py PROOF.txt"""

import hashlib
import re
import sys


def sha(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def must(right, otherwise):
    if not right:
        sys.exit(f"WRONG: {otherwise}")


facts, rules, entrants, wins = {}, {}, {}, {}
with open(sys.argv[1], encoding="utf-8-sig") as file:
    proof = file.read().split("\n")
for row in proof:
    key, _, value = row.strip().partition(": ")
    if key == "rule":
        rules[int(value.split()[0])] = value.partition(" ")[2]
    elif key == "entrants":
        first, *some = value.split()
        entrants |= {int(first) + i: one for i, one in enumerate(some)}
    elif key == "win":
        turn, place, number, prize = map(int, value.split()[:4])
        wins[turn] = (place, number, prize)
    elif key in ("draw", "kind", "state", "commit", "public", "count", "list", "secret"):
        must(facts.setdefault(key, value) == value, f"two different lines of {key}")
rules, lines, wins = ([table[i + 1] for i in range(len(table))] for table in (rules, entrants, wins))

must(sha(facts["secret"]) == facts["commit"], "the secret is not the one committed to at opening")
must(len(lines) == int(facts["count"]) and sha(*lines) == facts["list"], "the list is not the one that was closed")
prizes = [re.match(r"奖品(\d+)：.*，(\d+) 份(?:，每次中奖率 .*（百万分之 (\d+)）)?$", rule) for rule in rules]
prizes = [(int(p[1]), int(p[2]), int(p[3] or 0)) for p in prizes if p]
instant = facts["kind"] == "instant"
mixed = "instant" if instant else facts["list"]
seed = sha("yuanzi-draw 1", facts["draw"], sha(*rules), mixed, facts["public"], facts["secret"])
due, left = [], {prize: quantity for prize, quantity, _ in prizes}
if instant:
    for i, line in enumerate(lines, start=1):
        position, edge = int(sha(seed, str(i), line), 16) % 1_000_000, 0
        for prize, _, odds in prizes:
            if edge <= position < edge + odds and left[prize] > 0:
                left[prize] -= 1
                due.append((len(due) + 1, i, prize))
            edge += odds
elif facts["state"] == "drawn":
    best = [
        (min(sha(seed, str(i), line, str(t + 1)) for t in range(int(line.partition("*")[2] or 1))), i)
        for i, line in enumerate(lines, start=1)
    ]
    order = [i for _, i in sorted(best)]
    places = [prize for prize, quantity, _ in prizes for _ in range(quantity)][: len(order)]
    due = [(place, order[place - 1], prize) for place, prize in enumerate(places, start=1)]
    for place, number, prize in wins[
        len(due) :
    ]:  # replacements: always the next of the ranking, for a place given before
        must(number == order[len(due)] and prize == places[place - 1], "a replacement is not the next of the ranking")
        due.append((place, number, prize))
must(wins == due, f"the winners should be {due}")
print(f"OK: draw {facts['draw']}, {facts['state']}, {len(lines)} lines, {len(wins)} winners, all recomputed.")
print("Compare with what the group saw:", "commit", facts["commit"], "list", facts["list"], "rules", *rules, sep="\n")
