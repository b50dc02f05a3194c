"""Numbers and units in answers: 二十三 = 23, 半斤 = 250克, 5% = 百分之五. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

NUMERALS = "零〇一二三四五六七八九"
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_FORMAL_RUN = re.compile(r"^(?=.*[拾佰仟万])[壹贰叁肆伍陆柒捌玖拾佰仟零万亿]{2,}(?=[元圆个]?整?$)")
# 千 in front of a unit is part of the unit: 五千克 is five kilogrammes.
_BIG = "[十百万亿]|千(?![克米卡焦瓦伏赫帕])"
_RUN = re.compile(rf"(?:[{NUMERALS}]|{_BIG}|(?<![{NUMERALS}十百千万亿两\d])两(?=.)|(?<=[百千万亿])两(?=[百千万]))+")
_DECIMAL = re.compile(rf"((?:[{NUMERALS}十百千万两])+)点([{NUMERALS}]+)(?![{NUMERALS}十百千分刻钟半])")
_MIXED = re.compile(rf"(\d+(?:\.\d+)?)((?:{_BIG})+)")
_ANY = re.compile(rf"[{NUMERALS}十百千万亿两廿卅壹贰叁肆伍陆柒捌玖拾佰仟]")
"""Without one of these a text has no Chinese numeral: most talk."""


def arabic(text: str) -> str:
    """A text with its Chinese numerals in digits; a run that is no number (一五一十) stays as it is."""
    if not _ANY.search(text):
        return text
    if _FORMAL_RUN.match(text):
        text = text.translate(_FORMAL)
    text = text.replace("廿", "二十").replace("卅", "三十")
    text = _DECIMAL.sub(lambda one: f"{_run(one[1])}.{''.join(str(_DIGITS[char]) for char in one[2])}", text)
    text = _MIXED.sub(_multiplied, text)
    return _RUN.sub(lambda one: _run(one[0]), text)


def _multiplied(match: "re.Match[str]") -> str:
    """`3.5万` -> 35000."""
    value = Fraction(match[1])
    for char in match[2]:
        value *= {**_TENS, "万": 10**4, "亿": 10**8}[char]
    return _plain(value) if value < 10**15 else match[0]


def _run(run: str) -> str:
    """A run of numerals in digits: 二十三 -> 23, 二〇二六 -> 2026; what is no number stays."""
    if all(char in _DIGITS for char in run):
        return "".join(str(_DIGITS[char]) for char in run)
    value = number(run)
    return run if value is None else str(value)


_SECTION = re.compile(
    r"^(?:(?P<k>[一二三四五六七八九两]?)千)?(?:零?(?P<h>[一二三四五六七八九两]?)百)?(?:零?(?P<t>[一二三四五六七八九]?)十)?"
    r"(?:零?(?P<o>[一二三四五六七八九两]))?$"
)


def number(run: str) -> int | None:
    """The value of a Chinese numeral (below 10**12), or None when it is not well formed."""
    run = run.replace("〇", "零")
    if run.strip("零") == "":
        return 0 if run else None
    for sign, size in (("亿", 10**8), ("万", 10**4)):
        if sign in run:
            head, _, tail = run.rpartition(sign)
            many, rest = (number(head) if head else 1), (number(tail) if tail else 0)
            if many is None or rest is None or rest >= size or (sign == "亿" and many >= 10**4):
                return None
            # 三万五 is 35000: a lone digit behind a big unit stands for the next one.
            return many * size + (rest * size // 10 if len(tail) == 1 else rest)
    found = _SECTION.match(run.removeprefix("零"))
    if not found:
        return None
    total = sum(_figure(found[name], sign in run) * size for name, sign, size in
                (("k", "千", 1000), ("h", "百", 100), ("t", "十", 10)))  # fmt: skip
    ones = _DIGITS[found["o"]] if found["o"] else 0
    # 一百五 is 150, 一百零五 is 105.
    if ones and "零" not in run and len(run) > 2 and run[-2] in "百千":
        return total + ones * _TENS[run[-2]] // 10
    return total + ones


def _figure(digit: str | None, there: bool) -> int:
    return (_DIGITS[digit] if digit else 1) if there else 0


def _plain(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.12f}".rstrip("0")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with the unit it was written with ("" for none)."""

    value: Fraction
    unit: str = ""

    @property
    def kind(self) -> str:
        """What is measured: mass, volume, length …; "" for a bare number."""
        return UNITS[self.unit][0] if self.unit else ""

    @property
    def size(self) -> Fraction:
        """The value in the first unit of its kind."""
        return self.value * (UNITS[self.unit][1] if self.unit else 1)


def _table() -> dict[str, tuple[str, Fraction]]:
    lines = """
    mass 克=1 g=1 千克=1000 kg=1000 公斤=1000 斤=500 市斤=500 两=50 钱=5 毫克=1/1000 mg=1/1000 微克=1/1000000
    mass μg=1/1000000 ug=1/1000000 mcg=1/1000000 吨=1000000 t=1000000
    volume 毫升=1 ml=1 cc=1 升=1000 l=1000 立方厘米=1 立方米=1000000
    length 米=1 m=1 千米=1000 公里=1000 km=1000 厘米=1/100 公分=1/100 cm=1/100 毫米=1/1000 mm=1/1000 分米=1/10
    length dm=1/10 里=500 尺=1/3 寸=1/30 丈=10/3
    time 秒=1 秒钟=1 s=1 分钟=60 min=60 小时=3600 个小时=3600 钟头=3600 个钟头=3600 h=3600 天=86400 日=86400
    time 周=604800 星期=604800 个星期=604800 礼拜=604800
    month 月=1 个月=1 年=12 周年=12 世纪=1200
    joule 焦=1 焦耳=1 j=1 千焦=1000 kj=1000
    calorie 卡=1 卡路里=1 cal=1 千卡=1000 大卡=1000 kcal=1000
    degree 度=1 °=1 °c=1 摄氏度=1 c=1
    fahrenheit 华氏度=1 °f=1
    part %=1/100 ‰=1/1000 成=1/10
    money 元=1 块=1 块钱=1 元钱=1 圆=1 角=1/10 毛=1/10 毛钱=1/10
    age 岁=1 周岁=1
    """
    found = {}
    for line in lines.strip().splitlines():
        kind, *units = line.split()
        for name, _, size in (unit.partition("=") for unit in units):
            found[name] = (kind, Fraction(size))
    counted = (
        "个 只 种 类 大类 人 个人 位 名 次 步 层 条 本 张 颗 粒 件 句 首 座 片 朵 杯 碗 瓶 盒 袋 家 候 项 "
        "号 字 个字 代 道 味 枚 头 匹 棵 株 根 支 枝 把 样 门 届 章 节 行 笔 画 遍 回 期 瓣 省 国 倍 组 对 双 副 套"
    )
    return found | {name: ("count", Fraction(1)) for name in counted.split()}


UNITS = _table()
_AMOUNT = re.compile(
    r"^(?:第|约)?(?P<number>-?\d+(?:\.\d+|/[1-9]\d*)?|半)(?P<unit>"
    + "|".join(re.escape(one) for one in sorted(UNITS, key=len, reverse=True))
    + r")?(?P<half>半)?$"
)


def amount_of(key: str) -> Amount | None:
    """A comparison key as an amount, or None when it is not a number with at most one unit."""
    found = _AMOUNT.match(key)
    if not found or len(key) > 40:
        return None
    unit = found["unit"] or ""
    if found["half"]:
        # 2斤半 is 2.5斤; 一半 is a half.
        if unit:
            return Amount(Fraction(found["number"]) + Fraction(1, 2), unit) if found["number"] != "半" else None
        return Amount(Fraction(1, 2)) if found["number"] == "1" else None
    return Amount(Fraction(1, 2) if found["number"] == "半" else Fraction(found["number"]), unit)


def same_amount(guess: Amount, accepted: Sequence[Amount], *, repeated: bool = False) -> bool:
    """Whether a guess is one of the accepted amounts, whatever the unit. `repeated`: it stands in the question."""
    units_matter = any(one.unit for one in accepted)
    for one in accepted:
        if one.unit == guess.unit or not guess.unit:
            if one.value == guess.value or (one.kind == "part" and one.size == guess.value):
                return True
        elif not one.unit:
            if one.value == guess.value and not units_matter:
                return True
            if guess.kind == "part" and one.size == guess.size:
                return True
        elif one.kind == guess.kind and one.size == guess.size and not repeated:
            return True
    return False
