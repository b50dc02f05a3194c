"""What members may ask by law: 我的数据, 导出我的数据 (1:1), 删除我. The books stay provable, the person is gone."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from bot.context import Context
from bot.errors import Mistake
from bot.events import MessageReceived, Tick
from bot.replies import Silence, Wishes, say
from bot.router import Router
from bot.world import from_ms, to_ms

router = Router("privacy", "我的数据")
router.says(
    {
        "privacy.data": "name rows", "privacy.private": "name",
        "privacy.page": "page pages rows next", "privacy.more": "page", "privacy.last": "",
        "privacy.confirm": "name rows minutes", "privacy.gone": "", "privacy.expired": "name", "privacy.staff": "name",
    }
)  # fmt: skip
PAGE_BYTES = 1_300
THINK = timedelta(minutes=10)
"""How long a wish to be deleted waits for its confirmation."""
LATER = timedelta(hours=1)
"""When the very last answer is made nobody's, too: by then it has arrived."""
_INNER = frozenset(
    {
        "id", "seq", "key", "line", "event_id", "movement_id", "paced", "attempts", "slots", "evidence", "not_before",
        "expires_at", "created_at", "route", "given", "paid",
    }
)  # fmt: skip
"""Columns that only hold the tables together: numbers and the pieces that `text` was made of."""
_TIMES = ("at", "until", "due")
_WORDS = {
    "group_id": "群", "member_id": "你的 id", "account": "账户", "name": "名字", "channel": "通道", "text": "内容",
    "first_seen": "第一次出现", "contact_since": "加好友", "source": "来源", "joined_at": "进群", "left_at": "退群",
    "greeted_at": "欢迎", "at": "时间", "day": "日期", "kind": "类别", "streak": "连签", "asset": "资产",
    "amount": "变动",
    "balance": "余额", "what": "什么", "won_at": "得到", "state": "状态", "title": "名称", "price": "价格",
    "address": "地址", "nickname": "榜名", "said": "说过", "choice": "约定", "paused_until": "停到", "mood": "心情",
    "word": "关键字", "until": "到", "phrase": "话术", "because": "为什么", "sort": "种类", "number": "编号",
    "points": "积分", "month": "月份", "times": "次数", "settled_at": "结束", "why": "原因", "verdict": "判定",
}  # fmt: skip


@router.command("我的数据", help="我存着你的哪些东西")
def data(event: MessageReceived, ctx: Context) -> Wishes:
    found = ctx.store.privacy.count(ctx.member)
    rows = "\n".join(f"· {title} {count} 条" for title, count in found)
    return say("privacy.data", name=ctx.name, rows=rows, because="本人查自己的数据")


@router.command("导出我的数据", help="全部数据，一页一页发给你（只在私聊）", usage="[第几页]")
def export(event: MessageReceived, ctx: Context) -> Wishes:
    if event.group is not None:
        return say("privacy.private", name=ctx.name, because="个人数据不在群里发")
    pages = list(_pages(_lines(ctx)))
    asked = ctx.reading.rest.removeprefix("第").removesuffix("页").strip()
    number = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
    number = min(max(1, number), len(pages))
    following = say("privacy.more", page=number + 1) if number < len(pages) else say("privacy.last")
    return say(
        "privacy.page", page=number, pages=len(pages), rows=pages[number - 1], next=following,
        because="本人导出自己的数据",
    )  # fmt: skip


def _lines(ctx: Context) -> Iterator[str]:
    for title, row in ctx.store.privacy.rows(ctx.member):
        yield f"【{title}】" + "；".join(_fields(ctx, row))


def _fields(ctx: Context, row: Mapping[str, Any]) -> Iterator[str]:
    for column, value in row.items():
        if value is None or value == "" or column in _INNER:
            continue
        shown = value
        if isinstance(value, int) and (column in _TIMES or column.endswith(("_at", "_until", "_since", "_seen"))):
            shown = f"{ctx.local(from_ms(value)):%Y-%m-%d %H:%M:%S}" if value else "—"
        yield f"{_WORDS.get(column, column)}={shown}"


def _pages(lines: Iterator[str]) -> Iterator[str]:
    """Lines as pages that fit every channel; a line that alone is too long is cut into pieces."""
    page: list[str] = []
    size = 0
    for line in lines:
        for start in range(0, max(1, len(line)), PAGE_BYTES // 4):
            piece = line[start : start + PAGE_BYTES // 4]
            length = len(piece.encode()) + 1
            if page and size + length > PAGE_BYTES:
                yield "\n".join(page)
                page, size = [], 0
            page.append(piece)
            size += length
    yield "\n".join(page) or "（空）"


@router.command("删除我", help="把我的数据都删掉（要再确认一次）", usage="[确认]")
def forget(event: MessageReceived, ctx: Context) -> Wishes:
    if ctx.role is not None:
        raise Mistake("privacy.staff", name=ctx.name)
    agenda = ctx.store.agenda
    if ctx.reading.rest != "确认":
        agenda.rest("forget.asked", ctx.member, to_ms(ctx.now + THINK))
        rows = "\n".join(f"· {title} {count} 条" for title, count in ctx.store.privacy.count(ctx.member))
        minutes = int(THINK.total_seconds() // 60)
        return say("privacy.confirm", name=ctx.name, rows=rows, minutes=minutes, because="删除前再确认一次")
    if agenda.cooling("forget.asked", ctx.member, to_ms(ctx.now)) is None:
        raise Mistake("privacy.expired", name=ctx.name)
    alias = f"gone-{ctx.desk.secret('forget', event.id)[:20]}"
    ctx.store.bonds.hand_back(ctx.member, at=to_ms(ctx.now), by="forgotten")
    ctx.store.privacy.forget(ctx.member, alias, at=to_ms(ctx.now))
    ctx.store.forget_caches()
    ctx.wake("forgotten", json.dumps([event.id, alias]), ctx.now + LATER)
    return say("privacy.gone", because="本人要求删除（个人信息保护法）")


@router.tick("forgotten")
def last_trace(event: Tick, ctx: Context) -> Wishes:
    event_id, alias = json.loads(event.key)
    ctx.store.privacy.scrub_answer(event_id, alias)
    return Silence("最后一条回话也不再连着本人")
