"""The plan of a lucky draw, as staff write it: everything that must be disclosed before it may open."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bot.config import check_model, read_toml
from bot.crowd import LONGEST as LONGEST_SEGMENT
from bot.crowd import check
from bot.errors import ConfigError, Problem
from bot.games.draw import MILLION
from bot.games.judge import is_attempt, key_of, tells
from bot.settings.kinds import Clock, Part, Quiet, Span, show_span
from bot.settings.lint import Reason

BUILT_IN = Path(__file__).resolve().parent / "scripts" / "draws"
LONGEST = timedelta(days=92)


def one_line(value: Any) -> Any:
    """Text as one line without invisible characters: published rules are hashed, so they look like what they are."""
    if not isinstance(value, str):
        return value
    hidden = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    clean = "".join(" " if char in "\r\n\t" else char for char in value)
    return " ".join("".join(char for char in clean if unicodedata.category(char) not in hidden).split())


def _odds(value: Any) -> Any:
    """`5%`, `0.1%`, `百万分之 300` -> parts per million. Raises ValueError."""
    if isinstance(value, int):
        return value
    text = str(value).replace("％", "%").replace(" ", "")
    try:
        if text.startswith("百万分之"):
            return int(text.removeprefix("百万分之"))
        parts = float(text.removesuffix("%")) * 10_000
    except ValueError:
        raise ValueError(f"「{value}」不是中奖率，应写成 5% 或 0.1%") from None
    if not text.endswith("%") or abs(parts - round(parts)) > 1e-6:
        raise ValueError(f"「{value}」不是中奖率，应写成 5% 或 0.1%，最细到 0.0001%")
    return round(parts)


def Line(most: int) -> Any:  # noqa: N802  reads like the type that it makes
    """A field of one line."""
    return Annotated[str, BeforeValidator(one_line), Field(min_length=1, max_length=most)]


class PrizePlan(Part):
    """One kind of prize."""

    name: Line(30)  # type: ignore[valid-type]
    kind: Literal["实物", "券", "积分", "其他"] = "实物"
    quantity: int = Field(ge=1, le=10_000)
    points: int = Field(0, ge=0, le=1_000_000, description="每份多少积分，kind 写积分时用")
    odds: Annotated[int, BeforeValidator(_odds)] = Field(0, ge=0, le=MILLION, description="即时抽每次的中奖率")

    @model_validator(mode="after")
    def _points(self) -> "PrizePlan":
        if (self.kind == "积分") != (self.points > 0):
            raise ValueError("kind 是积分时写 points（每份多少），别的不写")
        return self


class Weight(Part):
    """From this streak on an entrant has this many tickets."""

    streak: int = Field(ge=1, le=1000)
    weight: int = Field(ge=2, le=20)


class DrawPlan(Part):
    """One draw. What the law asks to be disclosed has no default: it must be written."""

    name: Line(30)  # type: ignore[valid-type]
    mode: Literal["once", "daily", "surprise", "instant"] = "once"
    enter: Literal["passphrase", "say", "streak", "photo", "answer"] = "passphrase"
    word: Annotated[str, BeforeValidator(one_line)] = Field("", max_length=20, description="口令，或要说到的词")
    streak: int = Field(0, ge=0, le=1000, description="enter 是 streak 时：连签几天")
    question: Annotated[str, BeforeValidator(one_line)] = Field("", max_length=120, description="answer：自己出的题")
    answers: tuple[Line(40), ...] = Field((), max_length=20, description="怎么答都算对")  # type: ignore[valid-type]
    right: int = Field(0, ge=0, le=50, description="answer、自己不出题：在群里答题答对满几题")
    prizes: tuple[PrizePlan, ...] = Field(min_length=1, max_length=10)
    conditions: Line(80)  # type: ignore[valid-type]
    segment: Annotated[str, BeforeValidator(one_line)] = Field(
        "", max_length=LONGEST_SEGMENT,
        description="只给这个分群：保存过的名字或一个条件，开时写进规则；conditions 里用群友看得懂的话写",
    )  # fmt: skip
    deadline: datetime | None = None
    lasts: Span | None = None
    time: Clock | None = Field(None, description="daily：每天几点开奖")
    rounds: int = Field(7, ge=1, le=366, description="daily：一共几天")
    window: Quiet = Field(None, description="surprise：在哪个时段里随机一分钟出现")
    tries: int = Field(1, ge=1, le=20, description="instant：每人每天几次")
    redeem: Line(80)  # type: ignore[valid-type]
    redeem_within: Span = Field(timedelta(days=7), description="中奖后多久内领")
    unclaimed: Literal["forfeit", "redraw"]
    weights: tuple[Weight, ...] = Field((), max_length=5)
    public: Annotated[str, BeforeValidator(one_line)] = Field("", max_length=80, description="公开数的来源；可不用")
    staff: bool = Field(False, description="员工能不能参加")
    groups: tuple[str, ...] = Field((), max_length=50, description="在哪些群；留空就在发口令的那个群")
    organiser: Line(40)  # type: ignore[valid-type]
    contact: Line(60)  # type: ignore[valid-type]
    lint_off: dict[str, Reason] = Field(default_factory=dict, description="检查不看哪条规则，写理由；不公布")

    @field_validator("segment")
    @classmethod
    def _readable(cls, value: str) -> str:
        if value:
            check(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> "DrawPlan":
        for wrong, reason in self._mistakes():
            if wrong:
                raise ValueError(reason)
        return self

    def _of_answers(self) -> list[tuple[bool, str]]:
        asks = bool(self.question)
        return [
            (asks != bool(self.answers), "question（题目）和 answers（答案）要一起写"),
            (self.enter != "answer" and (asks or self.right > 0), "question、answers、right 只有 enter 是 answer 才写"),
            (self.enter == "answer" and asks == (self.right > 0),
             "答对入围：写 question 和 answers（自己出题），或写 right（群里答题答对满几题），二选一"),
            (asks and self.mode == "daily", "每日抽奖不能天天问同一题，写 right"),
            (asks and any(not key_of(one) or not is_attempt(one, self.answers) for one in self.answers),
             "answers 里有看不出是答案的"),
            (asks and bool(self.answers) and tells(self.question, self.answers) is not None, "题目里就写着答案"),
        ]  # fmt: skip

    def _mistakes(self) -> list[tuple[bool, str]]:
        instant, odds = self.mode == "instant", sum(prize.odds for prize in self.prizes)
        return [
            *self._of_answers(),
            (instant and self.enter != "passphrase", "即时抽用口令参加（enter 不用写）"),
            (self.enter in ("passphrase", "say") and not self.word, "缺少 word：口令，或要说到的词"),
            (self.enter == "streak" and not self.streak, "缺少 streak：连签几天"),
            (instant and any(not prize.odds for prize in self.prizes), "即时抽每个奖品都要写 odds（中奖率）"),
            (not instant and odds > 0, "odds 只有即时抽才用；别的按名单抽，写 quantity 就行"),
            (odds > MILLION, "中奖率加起来超过 100%"),
            (instant and (bool(self.weights) or bool(self.public)), "即时抽没有名单，不能写 weights 或 public"),
            (instant and bool(self.segment), "即时抽没有名单，不能写 segment"),
            (instant and self.unclaimed == "redraw", "即时抽没有候补，unclaimed 只能写 forfeit"),
            (self.mode == "daily" and self.time is None, "缺少 time：每天几点开奖"),
            (self.mode == "daily" and bool(self.public), "每日抽奖不能等公开数"),
            (self.mode == "surprise" and (self.window is None or self.lasts is None), "惊喜抽要写 window 和 lasts"),
            (self.mode == "surprise" and self.deadline is not None, "惊喜抽的截止由 lasts 定，不写 deadline"),
            (self.mode in ("once", "instant") and (self.deadline is None) == (self.lasts is None),
             "截止写 deadline 或 lasts，二选一"),
            (self.lasts is not None and not timedelta(minutes=1) <= self.lasts <= LONGEST,
             "lasts 应在 1 分钟到 92 天之间"),
            (not timedelta(minutes=10) <= self.redeem_within <= LONGEST, "redeem_within 应在 10 分钟到 92 天之间"),
            (sum(prize.quantity for prize in self.prizes) > 20_000, "奖品一共最多 20000 份"),
        ]  # fmt: skip


def load_draws(folder: Path | None) -> dict[str, DrawPlan]:
    """Every draw that an operator wrote, by file name: the built-in examples, then those of `folder`.

    Raises ConfigError with the problems of all files.
    """
    files = {path.stem: path for path in sorted(BUILT_IN.glob("*.toml"))}
    if folder is not None:
        if not folder.is_dir():
            raise ConfigError([Problem(str(folder), "bot.draws", "找不到这个目录")])
        files |= {path.stem: path for path in sorted(folder.glob("*.toml"))}
    plans: dict[str, DrawPlan] = {}
    problems: list[Problem] = []
    for name, path in files.items():
        try:
            plans[name] = check_model(DrawPlan, read_toml(path), str(path))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return plans


def given(plan: DrawPlan) -> dict[str, Any]:
    """A plan as plain JSON values, from which `DrawPlan.model_validate` makes the same plan."""
    data = plan.model_dump(mode="python", exclude_defaults=True, exclude={"lint_off"})
    for name in ("lasts", "redeem_within"):
        if data.get(name) is not None:
            data[name] = show_span(data[name])
    if plan.deadline is not None:
        data["deadline"] = plan.deadline.isoformat()
    if plan.time is not None:
        data["time"] = _clock(plan.time)
    if plan.window is not None:
        data["window"] = f"{_clock(plan.window[0])}-{_clock(plan.window[1])}"
    return data


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True)
class Moments:
    """When a draw opens and when it closes."""

    opens: datetime
    deadline: datetime


def moments(plan: DrawPlan, now: datetime, zone: ZoneInfo, pick: "Any") -> Moments:
    """When this plan opens and closes, asked at `now`. `pick(n)`: luck below n. Raises ValueError."""
    local = now.astimezone(zone)
    if plan.mode == "surprise":
        assert plan.window is not None
        assert plan.lasts is not None
        start, end = plan.window
        if end <= start:
            raise ValueError("惊喜抽的时段要在同一天里，开始早于结束")
        first = local.replace(hour=start // 60, minute=start % 60, second=0, microsecond=0)
        first = first if first > local else first + timedelta(days=1)
        opens = first + timedelta(minutes=pick(end - start))
        return Moments(opens, opens + plan.lasts)
    if plan.mode == "daily":
        assert plan.time is not None
        due = local.replace(hour=plan.time // 60, minute=plan.time % 60, second=0, microsecond=0)
        return Moments(now, due if due > local else due + timedelta(days=1))
    if plan.deadline is not None:
        due = plan.deadline if plan.deadline.tzinfo else plan.deadline.replace(tzinfo=zone)
    else:
        assert plan.lasts is not None
        due = now + plan.lasts
    if not now + timedelta(minutes=1) <= due <= now + LONGEST:
        raise ValueError(f"截止时间 {due.astimezone(zone):%Y-%m-%d %H:%M} 应在 1 分钟以后、92 天以内")
    return Moments(now, due)


def rules_of(plan: DrawPlan, when: Moments, zone: ZoneInfo, groups: Sequence[str], round_: int, seal: str = ""
) -> list[str]:  # fmt: skip
    """The published rules, one fact a line. Frozen at opening: the result hangs on their hash.

    `seal`: by what the answers of a draw that asks are known until they are told.
    """
    lines = [f"名称：{plan.name}" + (f"（第 {round_} 天，共 {plan.rounds} 天）" if plan.mode == "daily" else "")]
    for number, prize in enumerate(plan.prizes, start=1):
        worth = f"，每份 {prize.points} 积分" if prize.points else ""
        odds = f"，每次中奖率 {prize.odds / 10_000:.4f}%（百万分之 {prize.odds}）" if prize.odds else ""
        lines.append(f"奖品{number}：{prize.name}（{prize.kind}{worth}），{prize.quantity} 份{odds}")
    lines += [
        f"参加：{_how(plan)}",
        f"条件：{plan.conditions}；员工{'可以' if plan.staff else '不'}参加",
        f"截止：{when.deadline.astimezone(zone):%Y-%m-%d %H:%M}（{zone.key}）",
        f"开奖：{_method(plan)}",
    ]
    if plan.segment:
        lines.append(f"范围：{_asked_when(plan)}要符合「{plan.segment}」，按参加的那个群算")
    if plan.weights:
        tickets = "，".join(f"连签满 {one.streak} 天算 {one.weight} 份" for one in plan.weights)
        lines.append(f"权重：截止时{tickets}，其余 1 份")
    if plan.public:
        lines.append(f"公开数：{plan.public}")
    if plan.question:
        lines.append("答案：截止时公布" + (f"，指纹 {seal}" if seal else ""))
    late = "作废" if plan.unclaimed == "forfeit" else "由下一顺位补上一次，补上的再逾期就作废"
    lines += [
        f"领奖：{plan.redeem}；中奖后 {_span(plan.redeem_within)}内发「领奖」",
        f"逾期：没领的{late}",
        f"主办：{plan.organiser}",
        f"联系：{plan.contact}",
        f"群：{'、'.join(groups)[:100]}",
    ]
    return lines


def _how(plan: DrawPlan) -> str:
    if plan.mode == "instant":
        return f"发口令「{plan.word}」当场抽，每人每天 {plan.tries} 次，中过就不再抽"
    return {
        "passphrase": f"发口令「{plan.word}」，每人一份",
        "say": f"说一句带「{plan.word}」的话，每人一份",
        "streak": f"开始后签到并且连签满 {plan.streak} 天，自动入围",
        "photo": "在群里晒一张图，员工看过就入围，每人一份",
        "answer": f"答对「{plan.question}」就入围，每人一份，可以重答"
        if plan.question
        else f"开始后在群里答题，截止前揭晓的题答对满 {plan.right} 题，自动入围，每人一份",
    }[plan.enter]


def _asked_when(plan: DrawPlan) -> str:
    """When it matters who is in the segment: at the moment of entering, which for some draws is their close."""
    if plan.enter == "photo":
        return "交图那一刻"
    return "截止时" if plan.enter == "streak" or plan.right else "参加那一刻"


def _method(plan: DrawPlan) -> str:
    if plan.mode == "instant":
        return "每次当场定，结束后公布秘密，每一次都能重算；某档发完后落在这一档算没中"
    return "截止时封存名单，按公开算法排出顺位，前几位中奖，结果人人能重算；每人最多中一份"


def _span(span: timedelta) -> str:
    text = show_span(span)
    for short, word in (("min", " 分钟"), ("d", " 天"), ("h", " 小时"), ("s", " 秒")):
        if text.endswith(short):
            return text.removesuffix(short) + word
    return text


def prizes_of(plan: DrawPlan) -> list[tuple[str, str, int, int]]:
    """(name, kind, points, quantity) in order."""
    return [(one.name, one.kind, one.points, one.quantity) for one in plan.prizes]


def plan_of(data: Mapping[str, Any]) -> DrawPlan:
    """The plan behind a stored draw. Raises ConfigError when it was never a plan."""
    return check_model(DrawPlan, dict(data), "抽奖")
