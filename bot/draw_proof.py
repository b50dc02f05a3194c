"""The proof of a draw as text: what the group gets with 验奖, and what `yuanzi draw verify` recomputes."""

from bot.games import draw as rule
from storage.draws import Draw, Draws


def name_of_prize(draw: Draw, prize: int) -> str:
    """What a prize is called, from the frozen rules' own plan."""
    return str(draw.given["prizes"][prize - 1]["name"])


def proof_lines(rows: Draws, draw: Draw) -> list[str]:
    """The proof, line by line. What is not public yet is not in it: before the end neither secret nor list."""
    over = draw.state in ("drawn", "void")
    lines = rows.tries(draw.id) if draw.kind == "instant" else rows.lines(draw.id)
    found = [
        f"format: {rule.FORMAT}", f"draw: {draw.id}", f"kind: {draw.kind}", f"state: {draw.state}",
        f"commit: {draw.commitment}", f"public: {draw.public_number}", f"count: {len(lines)}",
    ]  # fmt: skip
    if draw.list_hash is not None:
        found.append(f"list: {draw.list_hash}")
    if over:
        found.append(f"secret: {draw.secret}")
    found += [f"rule: {number} {text}" for number, text in enumerate(draw.rules, start=1)]
    found += [f"note: {text}" for _, text in rows.notes(draw.id)]
    if over:
        wins = rows.winners(draw.id)
        found += [f"win: {one.turn} {one.place} {one.number} {one.prize} {one.state}" for one in wins]
    if over or draw.state == "closed":
        found += rule.list_lines(lines)
    return found
