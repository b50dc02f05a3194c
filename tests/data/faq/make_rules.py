"""Rule-made paraphrases of the FAQ development set: the same words, spelt the way phones and people spoil them.

`python tests/data/faq/make_rules.py` rewrites the lines of kind "rule" in queries.jsonl and leaves all others as they are.
No luck is involved: entry number i gets spoiling number i modulo 6, so the same kb.jsonl always gives the same lines.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MOST = 300

HOMOPHONES = dict(
    zip(
        "退货款单费发期积员卡签到券瓶糖箱味甜物改怎么可以能在为什多少吗哪里有没收的是",
        "腿或宽丹废法其机圆咔千道卷平唐香位天务盖咋莫克已嫩再喂神朵烧嘛那理又妹手得事",
        strict=True,
    )
)
TRADITIONAL = dict(
    zip(
        "货单费发积员签劵药么为什吗里没会员实时间过样费钱开关闭进换运递订对错变证"
        "气种饮节头题码长补连与这买卖优惠领动抢奖礼类无热饭养体质应验响坏漏价线师点险",
        "貨單費發積員簽券藥麼為甚嗎裡沒會員實時間過樣費錢開關閉進換運遞訂對錯變證"
        "氣種飲節頭題碼長補連與這買賣優惠領動搶獎禮類無熱飯養體質應驗響壞漏價線師點險",
        strict=True,
    )
)
KEPT = set("不没无非未别0123456789")
EMOJI = ("🤔", "🥤", "🙏🙏", "😭", "👀", "😂")


def swapped(text: str, table: Mapping[str, str], most: int) -> str:
    """The text with its first `most` characters that the table knows replaced."""
    out = []
    for char in text:
        if char in table and table[char] != char and most:
            out.append(table[char])
            most -= 1
        else:
            out.append(char)
    return "".join(out)


def widened(text: str) -> str:
    """ASCII as full-width forms, an ideographic space at each end of the sentence, and a full-width greeting."""
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in "hi," + text)
    return wide.replace("？", "\u3000？")


def shortened(text: str) -> str:
    """The text without its question mark and without one character near the middle; negations and digits stay."""
    bare = text.rstrip("？?")
    middle = len(bare) // 2
    for at in (*range(middle, len(bare)), *range(middle)):
        if bare[at] not in KEPT:
            return bare[:at] + bare[at + 1 :]
    return bare


def spoiled(text: str, number: int) -> str:
    """The text spoiled in the way that is this number's turn."""
    bare = text.rstrip("？")
    ways = (
        lambda: swapped(bare, HOMOPHONES, 2),
        lambda: swapped(text, TRADITIONAL, len(text)),
        lambda: widened(text),
        lambda: bare + EMOJI[number // 6 % len(EMOJI)],
        lambda: "@小元子 " + bare,
        lambda: shortened(text),
    )
    return ways[number % len(ways)]()


def make(kb: Sequence[Mapping[str, Any]], taken: Collection[str]) -> list[dict[str, Any]]:
    """At most `MOST` rule-made queries, one per entry; a line that is already taken or not changed is left out."""
    used = {sentence for entry in kb for sentence in (entry["question"], *entry["similar"])} | set(taken)
    made: list[dict[str, Any]] = []
    for number, entry in enumerate(kb):
        source = entry["similar"][0] if entry["similar"] and number % 2 else entry["question"]
        query = spoiled(source, number)
        if query not in used and len(made) < MOST:
            used.add(query)
            made.append({"q": query, "id": entry["id"], "kind": "rule"})
    return made


def read(name: str) -> list[dict[str, Any]]:
    """The lines of one data file."""
    return [json.loads(line) for line in (HERE / name).read_text("utf-8").splitlines()]


def main() -> None:
    """Rewrite the rule-made lines of queries.jsonl in place, between the hand-written and the off-topic ones."""
    others = [line for line in read("queries.jsonl") if line["kind"] != "rule"]
    hand = [line for line in others if line["kind"] == "hand"]
    rest = [line for line in others if line["kind"] != "hand"]
    lines = hand + make(read("kb.jsonl"), {line["q"] for line in others}) + rest
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (HERE / "queries.jsonl").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
