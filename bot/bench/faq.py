"""How fast the FAQ engine is at four sizes, beside a plain BM25 over jieba's words, each in a process of its own."""

import json
import math
import os
import random
import subprocess  # starts nothing but this very program
import sys
from collections import Counter
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

from bot.bench.run import median
from bot.config import ROOT
from bot.faq.entry import Entry

SIZES = (100, 1_000, 10_000, 100_000)
QUICK_SIZES = (100, 1_000)
PATIENCE = 900.0
_THINGS = (
    "会员卡", "优惠券", "订单", "发票", "快递", "积分", "密码", "手机号", "账号", "余额", "红包", "套餐", "流量",
    "宽带", "贷款", "账单", "利息", "额度", "合同", "保险", "社保", "公积金", "护照", "签证", "机票", "酒店",
    "课程", "证书", "挂号", "报告", "药品", "疫苗", "电脑", "打印机", "空调", "冰箱", "门店", "礼盒", "赠品",
    "包装", "口味", "奶茶", "咖啡", "饼干", "面包", "水果", "牛奶", "茶叶", "瓶盖", "外卖", "停车位", "门禁",
    "电梯", "物业",
)  # fmt: skip
_DEEDS = (
    "怎么办理", "如何取消", "多久能到", "在哪里查", "怎么修改", "可以退吗", "为什么失败", "什么时候开始",
    "要多少钱", "丢了怎么办", "能转让吗", "过期了怎么办", "怎么绑定", "有什么限制", "怎么投诉",
)  # fmt: skip
_CASES = (
    "第一次", "线上", "线下", "学生", "老人", "孩子", "外地", "周末", "晚上", "手机上", "电脑上", "换号以后",
    "退款以后", "活动期间", "过年", "没带证件", "两个人", "公司", "代办", "国外",
)  # fmt: skip


def book(size: int) -> list[Entry]:
    """So many different questions, always the same."""
    luck = random.Random("faq bench")  # noqa: S311  a load, not a lottery
    every = list(product(_CASES, _THINGS, _DEEDS))
    luck.shuffle(every)
    entries = []
    for number in range(size):
        case, thing, deed = every[number % len(every)]
        more = f"{luck.choice(_THINGS)}和" if number >= len(every) else ""
        entries.append(Entry(str(number), f"{case}{more}{thing}{deed}", (f"{thing}{deed[-4:]}{case}",), (thing,)))
    return entries


def questions(count: int) -> list[str]:
    """So many questions, half of them about the book."""
    luck = random.Random("faq questions")  # noqa: S311
    talk = ("今天中午吃什么", "哈哈哈笑死我了", "明天要下雨记得带伞", "你们都到家了吗", "作业写到十一点")
    return [
        luck.choice(talk)
        if luck.random() < 0.5
        else f"请问{luck.choice(_CASES)}的{luck.choice(_THINGS)}{luck.choice(_DEEDS)}呀"
        for _ in range(count)
    ]  # fmt: skip


class Plain:
    """BM25 over the words of jieba with plain dictionaries: what a bot of an afternoon does."""

    def __init__(self, entries: list[Entry]) -> None:
        import jieba  # noqa: PLC0415  the rival's own cost

        jieba.setLogLevel(60)
        self._cut = jieba.lcut
        documents = [Counter(self._cut(f"{entry.question} {' '.join(entry.similar)}")) for entry in entries]
        middle = sum(sum(one.values()) for one in documents) / len(documents)
        self._postings: dict[str, list[tuple[int, float]]] = {}
        for number, one in enumerate(documents):
            length = sum(one.values())
            for word, times in one.items():
                worth = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * length / middle))
                self._postings.setdefault(word, []).append((number, worth))
        self._count = len(documents)

    def search(self, text: str) -> int | None:
        """The number of the best entry."""
        scores: dict[int, float] = {}
        for word in self._cut(text):
            found = self._postings.get(word, ())
            rare = math.log(1 + (self._count - len(found) + 0.5) / (len(found) + 0.5))
            for number, worth in found:
                scores[number] = scores.get(number, 0.0) + rare * worth
        return max(scores, key=lambda number: scores[number]) if scores else None


def measure(kind: str, size: int, count: int) -> dict[str, Any]:
    """One engine in this process: time to build, memory that it took, questions per second, waits."""
    before = _resident()
    entries = book(size)
    from bot.faq.engine import Engine  # noqa: PLC0415  what it loads is part of its memory

    start = perf_counter()
    search: Any = Engine.build(entries).search if kind == "ours" else Plain(entries).search
    search("第一个问题要把词典读进来")
    built = perf_counter() - start
    waits = []
    for text in questions(count):
        start = perf_counter()
        search(text)
        waits.append(perf_counter() - start)
    waits.sort()
    return {
        "build_s": round(built, 2), "memory_mb": round(_resident() - before, 1),
        "queries_per_s": round(count / sum(waits)),
        "p50_ms": round(median(waits) * 1000, 3), "p99_ms": round(waits[count * 99 // 100] * 1000, 3),
    }  # fmt: skip


def apart(kind: str, size: int, count: int) -> dict[str, Any]:
    """The same in a fresh process, on one core."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", __name__, kind, str(size), str(count)], check=True, capture_output=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT.parent), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    figure: dict[str, Any] = json.loads(done.stdout)
    return figure


def _resident() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
