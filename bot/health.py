"""Group health as rules: each number with its band and one suggestion; and a test of two wordings by group. Pure."""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.settings.health import HealthSettings
from bot.world import Luck
from storage.health import GroupFacts

SURE = 0.05
"""Error probability below which a difference counts."""
EXACT = 200_000
"""Ways to split the groups up to which all are tried; beyond, so many by luck as below."""
SHUFFLES = 20_000
_QUESTION = re.compile(
    r"[?？]\s*$|[吗呢么][呀啊哦～~。!！]*$|多少钱|几点|怎么|哪里|哪儿|什么时候|有没有|能不能|可不可以|为什么"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of a check-up. `state`: good, low, high or unknown."""

    name: str
    number: str
    band: str
    state: str
    advice: str

    def line(self) -> str:
        """The finding as one line."""
        mark = {"good": "✓", "low": "↓", "high": "↑", "unknown": "·"}[self.state]
        return f"{mark} {self.name} {self.number}（{self.band}）" + (f"：{self.advice}" if self.advice else "")


def check_up(facts: GroupFacts, unanswered: Sequence[int], now: int, rules: HealthSettings) -> list[Finding]:
    """Six numbers of a group. `unanswered`: when (ms) questions were asked that nobody took up."""
    small = facts.members < rules.smallest
    lines = facts.talk + facts.acts + facts.bot
    organic = _percent(facts.talk, lines)
    active = _percent(facts.active, facts.members * rules.days)
    ads = _percent(facts.ads, lines)
    weeks = rules.days / 7
    drift = _percent(facts.quieter, facts.members)
    leave = _percent(facts.left, facts.members + facts.left)
    age = max((now - at for at in unanswered), default=0) // 60_000
    return [
        _finding("自发发言", organic, rules.organic, None, small=small,
                 low="浅群：少发内容，多抛能接的话题，点名请老朋友说两句"),
        _finding("日活", active, rules.active, rules.lively, small=small, low="从签到和小游戏拉起，话题挑周三前后发",
                 high="很热闹，别再加推送，让大家自己聊"),
        _finding("广告占比", ads, None, rules.ads, small=False, high="这周少发一条推品的，换成有用或有趣的"),
        Finding(
            "没人接的问题", f"{len(unanswered)} 个，最久 {age} 分钟" if unanswered else "0 个",
            f"{rules.answer} 分钟内有人接", "high" if unanswered else "good",
            "先去接最早的那个，再排个人值守" if unanswered else "",
        ),
        _finding(
            "变沉默", drift, None, _share(rules.drift, weeks), small=small,
            high="对沉默的人少推，单独问候，攒一次大的再叫醒",
        ),
        _finding("退群", leave, None, _share(rules.leave, weeks), small=small, high="看退群前一天发了什么，先停推一周"),
    ]  # fmt: skip


def _share(percent: int, weeks: float) -> int:
    return max(1, round(percent * weeks))


def _percent(part: int, whole: int) -> int | None:
    return round(part * 100 / whole) if whole > 0 else None


def _finding(
    name: str, number: int | None, least: int | None, most: int | None, *, small: bool, low: str = "", high: str = ""
) -> Finding:
    band = (
        f"{least}–{most}%" if least is not None and most is not None else f"≥{least}%" if most is None else f"≤{most}%"
    )
    if number is None or small:
        return Finding(name, "没有数" if number is None else f"{number}%", band, "unknown", "人或话太少，先不下结论")
    if least is not None and number < least:
        return Finding(name, f"{number}%", band, "low", low)
    if most is not None and number > most:
        return Finding(name, f"{number}%", band, "high", high)
    return Finding(name, f"{number}%", band, "good", "")


def unanswered(talk: Sequence[tuple[int, str, str, bool]], staff: Sequence[str], now: int, minutes: int) -> list[int]:
    """When (ms) members asked something that nobody took up within so many minutes: neither we nor anybody else."""
    found = []
    span = minutes * 60_000
    for place, (at, member, text, answered) in enumerate(talk):
        if answered or member in staff or now - at < span or not _QUESTION.search(text):
            continue
        later = itertools.takewhile(lambda one, at=at: one[0] < at + span, talk[place + 1 :])  # type: ignore[misc]
        if not any(other != member for _, other, _, _ in later):
            found.append(at)
    return found


# -- two wordings --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two wordings by group: mean rates (percent), how many groups, and how likely such a difference is by chance.

    `p` is None when there are too few groups for any answer.
    """

    first: float
    second: float
    groups: tuple[int, int]
    p: float | None

    def verdict(self) -> str:
        """What may be concluded."""
        if self.p is None:
            return "样本不足：群太少，什么差别都可能是碰巧；每种说法至少发 4 个群"
        if self.p >= SURE:
            return f"看不出差别（碰巧的可能 {self.p:.0%}）"
        better = "第一种" if self.first > self.second else "第二种"
        return f"{better}更好（碰巧的可能只有 {self.p:.1%}）"


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compares two wordings by the rates (0 to 1) of the groups that got them: a permutation test of the difference of
    means, two-sided. A group counts once, however large: members of one group are not independent of each other."""
    sizes = (len(first), len(second))
    means = tuple(sum(one) / len(one) * 100 if one else 0.0 for one in (first, second))
    total = sum(sizes)
    ways = math.comb(total, sizes[0]) if all(sizes) else 1
    # Even the clearest outcome must be able to be surprising: both extremes of a symmetric split count.
    if ways == 0 or (2 if sizes[0] == sizes[1] else 1) / ways >= SURE:
        return Comparison(means[0], means[1], sizes, None)
    rates = [*first, *second]
    whole, seen = sum(rates), abs(sum(first) / sizes[0] - sum(second) / sizes[1])

    def differs(part: float) -> bool:
        return abs(part / sizes[0] - (whole - part) / sizes[1]) >= seen - 1e-12

    if ways <= EXACT:
        hits = sum(differs(sum(one)) for one in itertools.combinations(rates, sizes[0]))
        return Comparison(means[0], means[1], sizes, hits / ways)
    luck = Luck("compare")
    hits = sum(differs(sum(_some(rates, sizes[0], luck, number))) for number in range(SHUFFLES))
    return Comparison(means[0], means[1], sizes, (hits + 1) / (SHUFFLES + 1))


def _some(rates: Sequence[float], many: int, luck: Luck, number: int) -> list[float]:
    """So many of the rates by luck, the same for the same number."""
    pool = list(rates)
    for place in range(many):
        other = place + luck.below(len(pool) - place, number, place)
        pool[place], pool[other] = pool[other], pool[place]
    return pool[:many]
