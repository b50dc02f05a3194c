"""The shop window: persona/<name>/shop.toml -> items, every mistake in it at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from bot.config import check_model, nearest, read_toml
from bot.errors import ConfigError, Problem
from bot.settings.kinds import Part

Kind = Literal["points", "card", "code", "pass", "goods"]
_AMOUNT = {"points": "points", "card": "cards", "pass": "days"}


class Item(Part):
    """One thing to redeem."""

    id: str = Field(pattern=r"^[a-z0-9_-]{1,40}$", description="编号，上架后不要改，库存和券码都认它")
    title: str = Field(min_length=1, max_length=40)
    kind: Kind = Field(description="points 积分、card 补签卡、code 券码、pass 限时权益（体验卡）、goods 实物")
    price: int = Field(ge=0, le=10_000_000, description="几积分；0 就是免费领")
    stock: int | None = Field(None, ge=0, description="总共几份，不写就不限；券码另外不会超过导入的个数")
    limit: int = Field(1, ge=0, le=1000, description="每人几份，0 不限；默认 1，先让更多人拿到")
    opens: AwareDatetime | None = Field(None, description="什么时候开始，要带时区")
    closes: AwareDatetime | None = Field(None, description="什么时候截止，要带时区")
    level: str = Field("", max_length=12, description="至少要有哪个称号")
    tenure: int = Field(0, ge=0, le=3650, description="至少进群几天")
    groups: tuple[str, ...] = Field((), description="只在这些群里换；不写就到处可换")
    points: int = Field(0, ge=0, le=10_000_000, description="kind = points 时给几分")
    cards: int = Field(0, ge=0, le=100, description="kind = card 时给几张补签卡")
    days: int = Field(0, ge=0, le=3650, description="kind = pass 时有效几天")
    hold: int = Field(7, ge=1, le=365, description="实物给几天留地址，过了自动退分")
    note: str = Field("", max_length=100, description="怎么用，一句话")

    @model_validator(mode="after")
    def _whole(self) -> "Item":
        for kind, field in _AMOUNT.items():
            if (getattr(self, field) > 0) != (self.kind == kind):
                raise ValueError(f"kind = {kind} 才写 {field}，而且必须写；这里 kind = {self.kind}")
        if self.opens and self.closes and self.opens >= self.closes:
            raise ValueError("opens 要早于 closes")
        if self.kind == "points" and self.limit == 0 and self.points >= self.price:
            raise ValueError("白送积分又不限次数，会被一直领下去：写 limit 或把 price 定得更高")
        return self

    def is_open(self, moment: datetime) -> bool:
        """Whether it may be redeemed at a moment."""
        return (self.opens is None or moment >= self.opens) and (self.closes is None or moment < self.closes)


class _File(Part):
    item: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be redeemed, in the order of the file; its places are the numbers that members say."""

    items: Sequence[Item] = ()

    def find(self, text: str) -> Item | None:
        """The item with this number, id or title; of the same title the first."""
        if text.isdecimal() and len(text) < 6:
            return self.items[int(text) - 1] if 0 < int(text) <= len(self.items) else None
        return next((one for one in self.items if text in (one.id, one.title.casefold())), None)

    def number(self, item: Item) -> int:
        """The number of an item in the window."""
        return self.items.index(item) + 1


def load_catalogue(path: Path, taboo: Collection[str], titles: Collection[str]) -> Catalogue:
    """Reads the shop; no file is an empty shop. `titles`: every level there is. Raises ConfigError."""
    if not path.is_file():
        return Catalogue()
    file = str(path)
    items = check_model(_File, read_toml(path), file).item
    problems: list[Problem] = []
    for place, item in enumerate(items):
        key = f"item.{place + 1}"
        if any(one.id == item.id for one in items[:place]):
            problems.append(Problem(file, f"{key}.id", f"「{item.id}」写了两次"))
        if item.level and item.level not in titles:
            close = nearest(item.level, titles)
            hint = f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(titles)}"
            problems.append(Problem(file, f"{key}.level", f"没有称号「{item.level}」", hint))
        problems += [
            Problem(file, f"{key}.title", f"用了禁用词「{word}」")
            for word in taboo if word in item.title or word in item.note
        ]  # fmt: skip
    if problems:
        raise ConfigError(problems)
    return Catalogue(items)
