"""Orders as facts: proven rows, recorded once, and what follows from all orders of a buyer: stage and tags."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from bot.config import Config
from bot.lifecycle import NEVER, Course, Happened, walk
from bot.tagging import judge, priority
from bot.tagrules import TagBook, TagRule
from bot.words import normalise, presentable
from bot.world import from_ms, to_ms
from storage.lifecycle import Rewritten, StageRow
from storage.orders import Purchase
from storage.store import Store
from storage.tags import FOREVER, KEPT, Evidence, TagRow

DAY_MS = 86_400_000
LONGEST_ID = 128
_STATES = {"": "paid", "paid": "paid", "已付款": "paid", "已完成": "paid", "已发货": "paid", "refunded": "refunded",
           "已退款": "refunded", "退款": "refunded"}  # fmt: skip
_BETWEEN = re.compile(r"[|｜;；、\n]+")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as somebody handed it in, proven: `buyer` is a platform id or an id of the shop."""

    order_id: str
    buyer: str
    at: int
    cents: int
    items: str
    state: str


@dataclass(slots=True)
class Taken:
    """What became of a delivery of orders: counts, ids that contradict what is known, and whose things changed."""

    fresh: int = 0
    known: int = 0
    refunded: int = 0
    unmapped: int = 0
    clashes: list[str] = field(default_factory=list)


def read_order(cells: Mapping[str, str], zone: ZoneInfo) -> Order:
    """An order from text fields order, buyer, at, amount, items, state. Raises ValueError with what is wrong."""
    order_id, buyer = cells.get("order", "").strip(), cells.get("buyer", "").strip()
    for what, text in (("订单号", order_id), ("买家", buyer)):
        if not text:
            raise ValueError(f"没写{what}")
        if len(text) > LONGEST_ID or presentable(text) != text:
            raise ValueError(f"{what}太长（最多 {LONGEST_ID} 个字）或有控制字符")
    state = _STATES.get(cells.get("state", "").strip().casefold())
    if state is None:
        raise ValueError(f"不认识的状态「{cells['state'][:20]}」，可写：已付款、已退款")
    items = "、".join(one.strip() for one in _BETWEEN.split(presentable(cells.get("items", ""))) if one.strip())[:500]
    return Order(order_id, buyer, _moment(cells.get("at", ""), zone), _cents(cells.get("amount", "")), items, state)


def _cents(text: str) -> int:
    clean = text.strip().removeprefix("¥").removeprefix("￥").removesuffix("元").replace(",", "").strip()
    try:
        cents = Decimal(clean) * 100
    except InvalidOperation:
        raise ValueError(f"金额「{text[:20]}」不是数字") from None
    if not cents.is_finite() or cents != cents.to_integral_value() or not 0 <= cents <= 10**12:
        raise ValueError(f"金额「{text[:20]}」要在 0 以上，最多两位小数")
    return int(cents)


def _moment(text: str, zone: ZoneInfo) -> int:
    clean = text.strip().replace("/", "-").replace("T", " ", 1)
    clean = re.sub(r"\b(\d)\b", r"0\1", clean) if re.match(r"\d{4}-\d{1,2}-\d{1,2}", clean) else clean
    try:
        moment = datetime.fromisoformat(clean)
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise ValueError(f"时间「{text[:30]}」看不懂，写成 2026-12-02 11:58") from None


def take_orders(
    store: Store, config: Config, book: TagBook, orders: Iterable[Order], *, source: str, now: datetime
) -> Taken:
    """Records orders inside a transaction, each id once; what follows for their buyers follows at once.

    An id that is known with another buyer, time or amount changes nothing and is named in `clashes`.
    """
    taken = Taken()
    touched: set[str | None] = set()
    for one in orders:
        owner = store.orders.alias(one.buyer) or store.orders.owner(one.buyer)
        row = Purchase(
            one.order_id, owner, None if owner == one.buyer else one.buyer, one.at, one.cents, one.items, one.state,
            source, to_ms(now),
        )  # fmt: skip
        if store.orders.add(row):
            taken.fresh += 1
            taken.unmapped += owner is None
            touched.add(owner)
            continue
        known = store.orders.get(one.order_id)
        assert known is not None
        same = (known.at, known.cents) == (one.at, one.cents) and one.buyer in (known.external_id, known.member_id)
        if not same:
            taken.clashes.append(one.order_id)
        elif one.state == "refunded" and store.orders.refund(one.order_id):
            taken.refunded += 1
            touched.add(known.member_id)
        else:
            taken.known += 1
    for member in touched - {None}:
        settle_buyer(store, config, book, str(member), now)
    return taken


def settle_buyer(store: Store, config: Config, book: TagBook | None, member: str, now: datetime) -> None:
    """Works out a buyer's stage, and their tags from orders (unless there is no `book`), from all orders that count."""
    orders = store.orders.of(member)
    happened = [Happened(one.at, "order") for one in reversed(orders)]
    changes, end, due = walk(Course(), 0, happened, to_ms(now), config.group(None).lifecycle, buying=True)
    if end.stage is None:
        store.lifecycle.drop("buy", "", member)
    else:
        now_in = StageRow(end.stage, changes[-1].at, due)
        store.lifecycle.rewrite("buy", [Rewritten("", member, -1, changes, now_in)])
    if book is not None:
        store.tags.take_all(member, "order")
        for rule in book.bought:
            for row, evidence in _order_tags(book, rule, member, orders):
                store.tags.give(row, evidence)


def _order_tags(
    book: TagBook, rule: TagRule, member: str, orders: list[Purchase]
) -> Iterable[tuple[TagRow, list[Evidence]]]:
    """The tags that a rule gives for orders, newest first."""
    if rule.kind == "spend":
        total = 0
        for count, one in enumerate(orders, start=1):
            total += one.cents
            if rule.days and one.at <= orders[0].at - rule.days * DAY_MS:
                break
            if total >= rule.amount * 100:
                expires = one.at + rule.days * DAY_MS if rule.days else FOREVER
                strength = min(5, sum(each.cents for each in orders) // (rule.amount * 100))
                yield _tag(book, rule, rule.tag, member, orders[:count], (max(1, strength), expires))
                break
        return
    found: dict[str, list[Purchase]] = {}
    patterns = list(book.patterns(rule))
    for one in orders:
        text = normalise(one.items)
        for tag in {tag for tag, word in patterns if word in text}:
            found.setdefault(tag, []).append(one)
    for tag, those in sorted(found.items()):
        yield _tag(book, rule, tag, member, those, judge([one.at for one in those], rule.need, rule.days))


def _tag(
    book: TagBook, rule: TagRule, tag: str, member: str, orders: list[Purchase], judged: tuple[int, int]
) -> tuple[TagRow, list[Evidence]]:
    strength, expires = judged
    last, first = orders[0].at, orders[-1].at
    row = TagRow(
        member, tag, "order", rule.id, book.version(rule), len(orders), strength, first, last, expires,
        book.arena(tag)[0], priority(book, tag, "order", last), None,
    )  # fmt: skip
    return row, [Evidence(one.order_id, one.at, "order", one.order_id) for one in orders[:KEPT]]


def last_purchase(store: Store, member: str, moment: datetime) -> datetime | None:
    """When a member bought last, up to a moment; None for whoever never did."""
    at = store.orders.last(member, min(to_ms(moment), NEVER))
    return from_ms(at) if at is not None else None
