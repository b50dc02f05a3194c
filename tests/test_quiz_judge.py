"""Fair judging: what was meant counts, however it was typed; what was not said does not."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.games.amounts import amount_of, arabic, number
from bot.games.judge import is_attempt, is_right, key_of, readings, tells

RIGHT = [
    # width, case, punctuation, blanks, invisible characters
    ("１５", ["15"]), ("ＶＣ", ["vc"]), ("Vc", ["VC"]), ("vitamin-c", ["Vitamin C"]), ("豆浆！", ["豆浆"]),
    ("「豆浆」", ["豆浆"]), (" 豆 浆 ", ["豆浆"]), ("豆浆。。。", ["豆浆"]), ("豆\u200b浆", ["豆浆"]), ("豆浆😊", ["豆浆"]),
    ("一心，一意", ["一心一意"]), ("《论语》", ["论语"]), ("l茶氨酸", ["L-茶氨酸"]), ("CO₂", ["CO2"]), ("C++", ["c++"]),
    # traditional characters
    ("豆漿", ["豆浆"]), ("鹹", ["咸"]), ("畫蛇添足", ["画蛇添足"]), ("臺灣", ["台湾"]), ("穀雨", ["谷雨"]), ("麵條", ["面条"]),
    ("红茶", ["紅茶"]), ("雞", ["鸡"]),
    # Chinese and Arabic numerals
    ("二十三", ["23"]), ("23", ["二十三"]), ("廿三", ["23"]), ("卅", ["30"]), ("十五", ["15"]), ("一百", ["100"]), ("百", ["100"]),
    ("一百零五", ["105"]), ("一百五", ["150"]), ("两千", ["2000"]), ("一万两千", ["12000"]), ("3.5万", ["35000"]), ("三万五", ["35000"]),
    ("1,000", ["1000"]), ("１，０００", ["1000"]), ("二零一六年", ["2016"]), ("二〇一六", ["2016年"]), ("二○一六", ["2016"]),
    ("贰拾叁", ["23"]), ("零点五", ["0.5"]), ("零", ["0"]), ("08", ["8"]), ("第三", ["3"]), ("①", ["1"]), ("24节气", ["二十四节气"]),
    ("50步笑100步", ["五十步笑百步"]), ("负五", ["-5"]), ("零下5度", ["-5度"]), ("12亿", ["1200000000"]),
    # decimals, fractions, parts
    ("0.50", ["0.5"]), ("百分之零点五", ["0.5%"]), ("千分之五", ["0.5%"]), ("5‰", ["0.5%"]), ("50％", ["50%"]), ("百分之五十", ["50%"]),
    ("二分之一", ["1/2"]), ("½", ["1/2"]), ("一半", ["1/2"]), ("半", ["1/2"]), ("0.5", ["1/2"]), ("50%", ["1/2"]), ("五成", ["50%"]), ("0.5", ["0.5%"]),
    # units
    ("300g", ["300克"]), ("300 克", ["300克"]), ("300", ["300克"]), ("6两", ["300克"]), ("0.3公斤", ["300克"]), ("五千克", ["5000克"]),
    ("半斤", ["250g"]), ("两斤半", ["1.25kg"]), ("二两", ["100克"]), ("1.7L", ["1700毫升"]), ("4.18kJ", ["4.18千焦"]), ("100℃", ["100度"]),
    ("15°", ["15度"]), ("90摄氏度", ["90度"]), ("3种", ["3个"]), ("三个", ["3"]), ("12種", ["12"]), ("半小时", ["30分钟"]), ("5块", ["5元"]),
    ("一個月", ["1个月"]), ("1公里", ["1000米"]),
    # days and times
    ("五月五", ["五月初五"]), ("5月5号", ["五月初五"]), ("腊月廿三", ["腊月二十三"]), ("9月10", ["9月10日"]), ("正月十五", ["一月十五日"]),
    ("12点半", ["12:30"]), ("十二点三十分", ["12：30"]), ("农历五月初五", ["五月初五"]), ("9点整", ["九点"]),
    # what people put around an answer
    ("答案是豆浆", ["豆浆"]), ("我觉得应该是豆浆吧", ["豆浆"]), ("是豆浆呀", ["豆浆"]), ("答：豆浆", ["豆浆"]), ("我猜23", ["23"]), ("豆浆吧？", ["豆浆"]),
    ("酒吧", ["酒吧"]), ("是非", ["是非"]), ("大约300克左右", ["300克"]), ("选 B", ["B"]), ("2-3", ["2～3"]), ("007", ["007"]),
]  # fmt: skip

WRONG = [
    # a right word hidden in a list or a sentence
    ("豆浆 牛奶 咖啡", ["豆浆"]), ("豆浆、牛奶", ["豆浆"]), ("不是豆浆", ["豆浆"]), ("豆浆还是牛奶", ["豆浆"]), ("豆浆/牛奶", ["豆浆"]),
    ("1、2", ["12"]), ("1,2", ["12"]), ("1 2", ["12"]), ("一、二", ["12"]), ("22 23 24", ["23"]), ("2-3", ["23"]),
    # marks that carry meaning
    ("5", ["0.5"]), ("05", ["0.5"]), ("5", ["-5"]), ("12", ["1/2"]), ("5", ["5万"]), ("50%", ["50克"]), ("5%", ["0.5%"]), ("c", ["c++"]),
    ("2016", ["20.16"]), ("1230", ["12:30"]), ("7", ["007"]),
    # other amounts
    ("300千克", ["300", "300克"]), ("300毫升", ["300克"]), ("3克", ["300克"]), ("二十四", ["23"]), ("三十二", ["23"]), ("两", ["2克"]),
    ("5月6日", ["五月初五"]), ("12点", ["12:30"]), ("1千卡", ["4.184千焦"]),
    # other words
    ("豆", ["豆浆"]), ("豆浆机", ["豆浆"]), ("", ["豆浆"]), ("？？？", ["豆浆"]), ("六羽", ["陆羽"]), ("五子胥", ["伍子胥"]),
]  # fmt: skip


@pytest.mark.parametrize(("guess", "answers"), RIGHT)
def test_what_was_meant_is_right(guess: str, answers: list[str]) -> None:
    assert is_right(guess, answers), (readings(guess), [key_of(answer) for answer in answers])


@pytest.mark.parametrize(("guess", "answers"), WRONG)
def test_what_was_not_said_is_wrong(guess: str, answers: list[str]) -> None:
    assert not is_right(guess, answers), (readings(guess), [key_of(answer) for answer in answers])


def test_the_table_is_long_enough_to_trust() -> None:
    assert len(RIGHT) + len(WRONG) >= 80


def test_repeating_the_question_in_its_own_unit_is_no_conversion() -> None:
    assert not is_right("1公斤", ["2斤", "2"], "1公斤是几斤？")
    assert is_right("2斤", ["2斤", "2"], "1公斤是几斤？")


@pytest.mark.parametrize(
    "talk",
    ["哈哈哈", "不知道", "这是什么呀", "谁知道", "太难了", "😊😊", "今天中午去楼下那家新开的店吃面", "66666", ""],
)
def test_talk_is_no_guess(talk: str) -> None:
    assert not is_attempt(talk, ["豆浆"])


@pytest.mark.parametrize("guess", ["豆浆", "牛奶", "我觉得是豆浆吧", "豆浆？", "23", "番茄炒蛋"])
def test_a_short_word_is_a_guess_right_or_wrong(guess: str) -> None:
    assert is_attempt(guess, ["豆浆"])


def test_a_hint_gives_away_words_and_whole_numbers_only() -> None:
    assert tells("就是豆浆呀", ["大豆汁", "豆浆"]) == "豆浆"
    assert tells("是五的倍数", ["5"]) == "5"
    assert tells("比 15 大", ["5"]) is None
    assert tells("走路离不开它", ["足"]) is None


@given(st.integers(0, 99_999_999))
def test_every_chinese_numeral_is_read_as_its_number(value: int) -> None:
    assert number(chinese(value)) == value
    assert arabic(chinese(value)) == str(value)


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4))
def test_no_text_breaks_the_judge_and_every_answer_accepts_itself(guess: str, answers: list[str]) -> None:
    is_right(guess, answers)
    is_attempt(guess, answers)
    tells(guess, answers)
    assert all(is_right(answer, answers) for answer in answers if key_of(answer))


def test_a_decimal_over_a_number_is_no_amount_and_breaks_nothing() -> None:
    assert amount_of("0.5/1") is None
    assert amount_of("1/2") is not None
    assert not is_right("0.5/1", ["1/2", "豆浆"])


@given(st.text(alphabet="一二三十百千万亿零两半点分之0123456789.-/%克斤两个第月日", max_size=24))
def test_no_mixture_of_numerals_breaks_the_judge(text: str) -> None:
    amount = amount_of(key_of(text))
    assert amount is None or isinstance(amount.size, Fraction)


def chinese(value: int) -> str:
    """A number below 10**8 as one writes it: 10500 -> 一万零五百."""
    if value == 0:
        return "零"
    high, low = divmod(value, 10_000)
    text = _section(low)
    if not high:
        return text
    gap = "零" if low and low < 1_000 else ""
    return f"{_section(high)}万{gap}{text}"


def _section(value: int) -> str:
    parts: list[str] = []
    zero = False
    for size, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, size)
        if digit:
            parts.append(("零" if zero and parts else "") + "零一二三四五六七八九"[digit] + sign)
            zero = False
        else:
            zero = True
    return "".join(parts)
