"""What the lint says: findings, and the rules that they belong to, each with where it comes from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name (written in `lint_off`), what it looks after, and the source that asks for it."""

    name: str
    title: str
    source: str


RULES = {
    rule.name: rule
    for rule in (
        Rule("mix", "内容配比", "文章 003 的 7:2:1、文章 004 的 70/15/15（行 127、157）"),
        Rule("ad-share", "推广占比", "文章 000：只有商品的群会掉人（行 34、41、77）"),
        Rule("two-items", "新品日两样", "文章 000：多了看不过来，少了不值得发（行 5）"),
        Rule("mechanics", "玩法数", "文章 004：只要直接的折扣和礼（行 150）"),
        Rule("maths", "不出算术题", "文章 004：大家不想做数学题（行 150）"),
        Rule("cluster", "同类不扎堆", "文章 003：活动要换着来（行 130）"),
        Rule("two-deals", "一天一个优惠", "文章 003：一天不堆两个活动（行 130）"),
        Rule("labels", "写明是什么", "文章 002：每一条都标明是活跃还是成交（行 120、121）"),
        Rule("topic-question", "话题留口子", "文章 003：话里给群友留位置（行 131）"),
        Rule("who-why-what", "预告三句话", "文章 004：谁来、为什么看、能得到什么（行 168）"),
        Rule("both-sides", "邀请两头有好处", "文章 004：先对自己好，再对朋友好（行 29、167）"),
        Rule("length", "消息长短", "文章 003：一对一不说长篇；企业微信一条 2048 字节（行 136）"),
        Rule("promo-week", "一周推广条数", "文章 000：一周五条已被嫌多（行 41、73、157）"),
        Rule("member-day", "会员日次数", "文章 004：一个月一次（行 150）"),
        Rule("no-promo", "不做推广的群", "文章 004：零营销的群聊得更久（行 148）"),
        Rule("quiet", "安静时段", "安静时段里不发活动和提醒（行 65）"),
        Rule("empty-days", "没内容的日子", "文章 002：冷清的群缺的是料（行 34、120）"),
        Rule("crowded", "两条挨得太近", "机械地连发让人沉默（行 65）"),
        Rule("nobody", "没人收得到", "写了却发不出去，比没写更难发现（行 121）"),
        Rule("absolute", "绝对化用语", "广告法第九条"),
        Rule("efficacy", "食品功效", "食品安全法第七十三条、广告法第十七条"),
        Rule("fear", "吓人催人", "文章 004 里我们不学的做法"),
        Rule("final-say", "最终解释权", "侵害消费者权益行为处罚办法第十二条"),
        Rule("lottery", "抽奖公示", "规范促销行为暂行规定第十三至十七条（行 12）"),
        Rule("lint-off", "不看哪条规则", "理由写给下一个改它的人"),
    )
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: the file and the row in it, what is found there and what would be right.

    An `error` is surely wrong: it can never be sent, it is cut off, or the law forbids it. `needle` is a piece of the
    file's text near the row, for its line number.
    """

    rule: str
    severity: Severity
    file: str
    key: str
    what: str
    fix: str
    needle: str = ""

    @property
    def why(self) -> str:
        """Where the rule comes from."""
        return RULES[self.rule].source


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, errors first, then in the order of files and rows as they came."""
    once = dict.fromkeys(findings)
    files = dict.fromkeys(one.file for one in once)
    order = {file: place for place, file in enumerate(files)}
    return sorted(once, key=lambda one: (one.severity != "error", order[one.file]))
