"""Tables for people: what each export holds, with names beside ids, as JSON lines, CSV or a spreadsheet."""

import contextlib
import csv
import io
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol
from zipfile import ZIP_DEFLATED, ZipFile

from storage.database import StorageError, explain
from storage.export_faq import FAQ, FAQ_WORDS
from storage.export_plays import PLAYS, WORDS
from storage.fsck import open_snapshot

# lxml, when another package brought it, reports a full disk in words of its own; the standard writer does not.
os.environ.setdefault("OPENPYXL_LXML", "False")
from openpyxl import Workbook
from openpyxl.writer.excel import ExcelWriter

XLSX_ROWS = 1_048_576
"""What a sheet can hold, the header included."""
XLSX_CELL = 32_767
"""What a cell can hold, in UTF-16 units."""
_DANGEROUS = re.compile(r"^'*[=+\-@\t\r\n＝＋－＠]")
"""How a spreadsheet recognises a formula; Excel in Chinese and Japanese takes full-width signs too. A text that has
apostrophes of its own in front gets one more, so that `plain` gives it back the same."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Kind = Literal["text", "number", "time", "flag", "json", "word", "group", "draw", "won", "shop", "faq"]


class TooManyRowsError(StorageError):
    """More rows than a sheet can hold."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` in JSON, `title` in CSV and spreadsheets."""

    key: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Export:
    """One kind of export: a query whose columns are `columns`, in order."""

    sql: str
    columns: tuple[Column, ...]


def _columns(text: str) -> tuple[Column, ...]:
    """`key 标题 kind` by line -> columns."""
    return tuple(Column(*line.split()) for line in text.strip().splitlines())  # type: ignore[arg-type]


_GROUP = "group_id 群id\ngroup 群名 group"
_WHO = "member_id 成员id\nmember 成员"

EXPORTS: dict[str, Export] = {
    "members": Export(
        "SELECT m.member_id, m.name, m.channel, m.first_seen, m.contact_since, m.source, s.group_id, s.group_id,"
        " s.joined_at, s.left_at, s.greeted_at, s.inviter, i.name, s.source,"
        " coalesce((SELECT balance FROM entry e WHERE e.account = 'member:' || m.member_id AND e.asset = 'points'"
        " ORDER BY e.id DESC LIMIT 1), 0),"
        " coalesce((SELECT balance FROM entry e WHERE e.account = 'member:' || m.member_id"
        " AND e.asset = 'make_up_card' ORDER BY e.id DESC LIMIT 1), 0)"
        " FROM member m LEFT JOIN membership s ON s.member_id = m.member_id"
        " LEFT JOIN member i ON i.member_id = s.inviter ORDER BY m.member_id, s.group_id",
        _columns(
            f"{_WHO}\nchannel 通道\nfirst_seen 第一次出现 time\ncontact_since 加好友时间 time"
            f"\nsource 好友来源\n{_GROUP}\njoined_at 进群时间 time\nleft_at 退群时间 time\ngreeted_at 欢迎时间 time"
            "\ninviter_id 邀请人id\ninviter 邀请人\njoin_source 进群来源"
            "\npoints 积分余额（本人合计） number\ncards 补签卡（本人合计） number"
        ),
    ),
    "interactions": Export(
        "SELECT i.seq, i.id, i.kind, i.at, i.channel, i.group_id, i.group_id, i.member_id, m.name, i.text, i.details,"
        " i.route, i.note, i.failed FROM interaction i LEFT JOIN member m ON m.member_id = i.member_id ORDER BY i.seq",
        _columns(
            f"seq 序号 number\nid 事件id\nkind 类型 word\nat 时间 time\nchannel 通道\n{_GROUP}\n{_WHO}\ntext 内容"
            "\ndetails 详情 json\nroute 处理者\nnote 备注\nfailed 处理失败 flag"
        ),
    ),
    "check-ins": Export(
        "SELECT c.group_id, c.group_id, c.member_id, m.name, c.day, c.at, c.kind, c.streak, c.event_id FROM check_in c"
        " LEFT JOIN member m ON m.member_id = c.member_id ORDER BY c.group_id, c.member_id, c.day",
        _columns(
            f"{_GROUP}\n{_WHO}\nday 日期\nat 签到时间 time\nkind 方式 word\nstreak 连签天数 number\nevent_id 起因事件"
        ),
    ),
    "ledger": Export(
        "SELECT v.id, e.id, v.at, e.account, m.member_id, m.name, e.asset, e.amount, e.balance, v.cause, v.group_id,"
        " v.group_id, v.event_id, r.id IS NOT NULL, r.id, v.reverses, v.key FROM entry e"
        " JOIN movement v ON v.id = e.movement_id LEFT JOIN movement r ON r.reverses = v.id"
        " LEFT JOIN member m ON e.account = 'member:' || m.member_id AND m.member_id = substr(e.account, 8)"
        " ORDER BY e.id",
        _columns(
            f"number 流水号 number\nentry 分录号 number\nat 时间 time\naccount 账户\n{_WHO}\nasset 资产 word"
            f"\namount 变动 number\nbalance 余额 number\ncause 事由\n{_GROUP}\nevent_id 起因事件\nreversed 已撤销 flag"
            "\nreversed_by 撤销它的流水号 number\nreverses 它撤销的流水号 number\nkey 键"
        ),
    ),
    "outbox": Export(
        "SELECT o.id, o.key, o.sort, o.channel, o.group_id, o.group_id, o.member_id, m.name, o.phrase, o.text,"
        " o.mentions, o.picture, o.event_id, o.because, o.created_at, o.not_before, o.expires_at, o.state, o.attempts,"
        " o.settled_at, o.platform_id, o.why_not, o.slots FROM outbox o LEFT JOIN member m"
        " ON m.member_id = o.member_id ORDER BY o.id",
        _columns(
            f"number 序号 number\nkey 键\nsort 类别 word\nchannel 通道\n{_GROUP}\n{_WHO}\nphrase 话术\ntext 说的话"
            "\nmentions 提到 json\npicture 图片\nevent_id 起因事件\nbecause 为什么说\ncreated_at 排队时间 time"
            "\nnot_before 最早发送 time\nexpires_at 过期时间 time\nstate 状态 word\nattempts 发送次数 number"
            "\nsettled_at 结束时间 time\nplatform_id 平台消息id\nwhy_not 没发的原因\nslots 话术填空 json"
        ),
    ),
    "signups": Export(
        "SELECT s.id, s.group_id, s.group_id, json_extract(s.state, '$.title'), r.key + 1,"
        " json_extract(r.value, '$.text'), json_extract(r.value, '$.by'), m.name, s.status, s.opened_at"
        " FROM game_session s, json_each(s.state, '$.rows') r LEFT JOIN member m"
        " ON m.member_id = json_extract(r.value, '$.by') WHERE s.game = 'signup' ORDER BY s.id, r.key",
        _columns(
            f"session 局 number\n{_GROUP}\ntitle 活动\nplace 序号 number\ntext 报名\nmember_id 登记人id\nmember 登记人"
            "\nstatus 状态 word\nopened_at 开始时间 time"
        ),
    ),
    "exposure": Export(
        "SELECT e.line, e.sort, e.class, e.kind, e.channel, e.group_id, e.group_id, e.member_id, m.name, e.phrase,"
        " e.day, e.at, e.day_limit, e.week_limit, e.verdict, e.rule, e.why, e.evidence, e.judged_at,"
        " o.state FROM exposure e LEFT JOIN outbox o ON o.key = e.line LEFT JOIN member m"
        " ON m.member_id = e.member_id ORDER BY o.id, e.line",
        _columns(
            f"line 发件箱键\nsort 类别 word\nclass 预算 word\nkind 活动类别\nchannel 通道\n{_GROUP}\n{_WHO}"
            "\nphrase 话术\nday 记在哪天\nat 记账时间 time\nday_limit 当时一天上限 number"
            "\nweek_limit 当时七天上限 number"
            "\nverdict 判定 word\nrule 规则\nwhy 原因\nevidence 依据 json\njudged_at 判定时间 time\nstate 状态 word"
        ),
    ),
    "tags": Export(
        "SELECT t.member_id, m.name, t.tag, t.origin, t.strength, t.hits, t.first_at, t.last_at,"
        f" CASE WHEN t.expires_at >= {1 << 62} THEN NULL ELSE t.expires_at END, t.rule, t.version, t.note,"
        " (SELECT json_group_array(e.ref) FROM tag_evidence e WHERE e.member_id = t.member_id AND e.tag = t.tag"
        " AND e.origin = t.origin) FROM member_tag t LEFT JOIN member m ON m.member_id = t.member_id"
        " WHERE t.expires_at > 0 ORDER BY t.member_id, t.tag, t.origin",
        _columns(
            f"{_WHO}\ntag 标签\norigin 来历 word\nstrength 强度 number\nhits 次数 number\nfirst_at 第一次 time"
            "\nlast_at 最近一次 time\nexpires_at 到期 time\nrule 规则\nversion 版本\nnote 备注\nevidence 依据 json"
        ),
    ),
    "orders": Export(
        "SELECT p.order_id, p.member_id, m.name, p.external_id, p.at, p.cents / 100.0, p.items, p.state, p.source,"
        " p.recorded_at FROM purchase p LEFT JOIN member m ON m.member_id = p.member_id ORDER BY p.at, p.order_id",
        _columns(
            f"order_id 订单号\n{_WHO}\nexternal_id 买家号\nat 时间 time\namount 金额 number"
            "\nitems 商品\nstate 状态 word\nsource 来自\nrecorded_at 记下的时间 time"
        ),
    ),
    "stages": Export(
        "SELECT c.family, c.group_id, c.group_id, c.member_id, m.name, c.at, c.was, c.stage FROM stage_change c"
        " LEFT JOIN member m ON m.member_id = c.member_id ORDER BY c.family, c.group_id, c.member_id, c.at",
        _columns(f"family 按什么分 word\n{_GROUP}\n{_WHO}\nat 时间 time\nwas 原来 word\nstage 变成 word"),
    ),
    "audit": Export(
        "SELECT a.id, a.at, a.staff_id, m.name, a.group_id, a.group_id, a.action, a.what, a.event_id FROM audit a"
        " LEFT JOIN member m ON m.member_id = a.staff_id ORDER BY a.id",
        _columns(
            f"number 序号 number\nat 时间 time\nstaff_id 员工id\nstaff 员工\n{_GROUP}\naction 动作\nwhat 内容"
            "\nevent_id 起因事件"
        ),
    ),
    **{what: Export(sql, _columns(text)) for what, (sql, text) in {**PLAYS, **FAQ}.items()},
}
_WORDS = {
    "message": "消息", "joined": "进群", "left": "退群", "contact_added": "加好友", "beat_due": "定时", "tick": "唤醒",
    "own": "签到", "make_up": "补签", "points": "积分", "make_up_card": "补签卡", "reply": "回复", "game": "游戏",
    "reminder": "提醒", "campaign": "活动", "staff": "员工", "queued": "排队", "sending": "发送中", "sent": "已发",
    "unknown": "结果未知", "failed": "失败", "expired": "过期", "held": "扣下",
    "promo": "促销", "content": "内容", "now": "发", "later": "等等再发", "merged": "合并", "never": "不发给他",
    "rule": "规则", "order": "订单", "answer": "自己答的", "manual": "员工打的", "denied": "员工去掉的",
    "paid": "已付款", "refunded": "已退款", "talk": "发言", "buy": "购买", "new": "新", "active": "活跃",
    "silent": "沉默", "sleeping": "沉睡", "churned": "流失", "growing": "成长", "mature": "成熟", "declining": "衰退",
    "open": "进行中", "ended": "已截止", "stopped": "已结束",
}  # fmt: skip

_BY_KIND = {**WORDS, **FAQ_WORDS}


class Table(Protocol):
    """Rows under columns: what can be written as a file."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every row."""

    def count(self) -> int:
        """How many rows there are."""

    def rows(self) -> Iterator[list[Any]]:
        """Row by row, as JSON values."""


class Reader:
    """The rows of one export, in one consistent view of a database that may be in use. Close it after use.

    `groups` names groups by id; `zone` is the zone in which times are shown. Raises StorageError.
    """

    def __init__(self, path: Path, what: str, *, zone: tzinfo, groups: Mapping[str, str]) -> None:
        self._path = path
        self._export = EXPORTS[what]
        self._zone = zone
        self._groups = groups
        self._conn = open_snapshot(path)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every row."""
        return self._export.columns

    def count(self) -> int:
        """How many rows there are."""
        try:
            return int(self._conn.execute(f"SELECT count(*) FROM ({self._export.sql})").fetchone()[0])
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def rows(self) -> Iterator[list[Any]]:
        """Row by row, as JSON values: times as ISO-8601 with the zone's offset."""
        show = [self._shower(column.kind) for column in self._export.columns]
        try:
            self._conn.row_factory = None
            for row in self._conn.execute(self._export.sql):
                yield [
                    value if value is None or change is None else change(value)
                    for change, value in zip(show, row, strict=True)
                ]
        except sqlite3.Error as error:
            raise explain(error, self._path) from error

    def _shower(self, kind: Kind) -> Callable[[Any], Any] | None:
        changes: dict[str, Callable[[Any], Any]] = {
            "time": self._moment, "flag": bool, "json": _parsed, "group": lambda value: self._groups.get(value, ""),
        }  # fmt: skip
        return changes.get(kind)

    def _moment(self, stamp: int) -> str:
        try:
            moment = (_EPOCH + timedelta(milliseconds=stamp)).astimezone(self._zone)
        except OverflowError:
            return str(stamp)
        return moment.isoformat(timespec="milliseconds" if stamp % 1000 else "seconds")

    def close(self) -> None:
        """Lets go of the database."""
        self._conn.close()


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def write_jsonl(reader: Table, out: BinaryIO) -> int:
    """One JSON object a line, English keys. Returns how many."""
    keys = [column.key for column in reader.columns]
    count = 0
    for row in reader.rows():
        line = json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False)
        out.write(line.encode("utf-8", "replace") + b"\n")
        count += 1
    return count


def write_csv(reader: Table, out: BinaryIO, *, mark: bool) -> int:
    """CSV with a Chinese header row. `mark`: begin with the byte order mark by which Excel knows UTF-8."""
    text = io.TextIOWrapper(out, encoding="utf-8-sig" if mark else "utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text)
        writer.writerow([column.title for column in reader.columns])
        count = 0
        for row in sheet_rows(reader):
            writer.writerow(row)
            count += 1
        text.flush()
    finally:
        text.detach()
    return count


def write_xlsx(reader: Table, path: Path, *, title: str, most: int = XLSX_ROWS) -> int:
    """A spreadsheet with one sheet, written row by row. Raises TooManyRowsError before writing anything."""
    count = reader.count()
    if count >= most:
        raise TooManyRowsError(
            f"有 {count:,} 行，一张 Excel 表最多 {most:,} 行（连表头），放不下。改用：--format csv --out 文件.csv"
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    try:
        sheet.append([column.title for column in reader.columns])
        for row in sheet_rows(reader):
            sheet.append([_cut(cell) if isinstance(cell, str) else cell for cell in row])
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            ExcelWriter(book, archive).save()
    except BaseException:
        # Half a sheet closes its temporary file when it is collected, and complains of the full disk once more.
        for unfinished in (sheet._rows, sheet._writer):
            with contextlib.suppress(OSError, AttributeError):
                unfinished.close()
        raise
    return count


def sheet_rows(reader: Table) -> Iterator[list[Any]]:
    """Rows as CSV and spreadsheets show them: Chinese words for codes, harmless text, empty for nothing."""
    kinds = [column.kind for column in reader.columns]
    for row in reader.rows():
        yield [_cell(kind, value) for kind, value in zip(kinds, row, strict=True)]


def _cell(kind: Kind, value: Any) -> str | int | float:
    if value is None:
        return ""
    if kind == "flag":
        return "是" if value else "否"
    if kind == "word" or kind in _BY_KIND:
        return harmless(_BY_KIND.get(kind, _WORDS).get(value, str(value)))
    if kind == "json" and not isinstance(value, str):
        return harmless(_flat(value))
    return harmless(value) if isinstance(value, str) else value


def _flat(value: Any) -> str:
    """Plain lists as people write them, anything else as JSON."""
    if isinstance(value, Iterable) and all(isinstance(one, str) for one in value) and isinstance(value, list):
        return "、".join(value)
    return json.dumps(value, ensure_ascii=False)


def harmless(text: str) -> str:
    """Text that a spreadsheet shows instead of running: control characters go, and a text that begins like a formula
    gets an apostrophe in front, which spreadsheets take as "this is text"."""
    clean = _UNPRINTABLE.sub("", text)
    return f"'{clean}" if _DANGEROUS.match(clean) else clean


def plain(text: str) -> str:
    """What `harmless` was given: without the apostrophe that it put in front."""
    return text[1:] if text.startswith("'") and _DANGEROUS.match(text) else text


def _cut(text: str) -> str:
    """What fits into a cell; characters beyond the basic plane count twice there."""
    if len(text) * 2 <= XLSX_CELL or len(text.encode("utf-16-le")) <= XLSX_CELL * 2:
        return text
    return text.encode("utf-16-le")[: (XLSX_CELL - 1) * 2].decode("utf-16-le", "ignore") + "…"
