"""What is known about a member, in every table: shown to them, or made nobody's. COVER names every such column.

Deleting keeps the books provable: the id becomes a pseudonym everywhere at once, inside keys and JSON as well; texts,
names and addresses go. It reads whole tables, in one transaction: rare, wanted by law, and never half done.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from storage.database import Database

GONE = "（已删除）"
SOMEBODY = "某人"
SHORTEST_NAME = 2
"""A name of one character is a word as well: replacing it would eat other people's sentences."""
MOST = 50_000
"""Rows of one table that are shown, oldest first."""


@dataclass(frozen=True, slots=True)
class Cover:
    """How one table is covered: columns with a member's id, texts to erase in their rows, JSON with ids inside."""

    table: str
    title: str
    who: tuple[str, ...] = ()
    erase: tuple[tuple[str, str], ...] = ()
    """(column, what it becomes as SQL) in the rows of the member."""
    boxes: tuple[str, ...] = ()
    """JSON columns that may name the member in anybody's row."""
    free: tuple[str, ...] = ()
    """Texts that may hold the member's name in anybody's row."""
    keys: tuple[str, ...] = ()
    """Columns with the id as a part between slashes."""
    drop: bool = False
    """The member's rows are deleted."""
    also_who: tuple[str, ...] = ()
    """Columns in which the member stands for somebody else's row: not theirs to see, but renamed."""


_WIPED = f"'{GONE}'"
COVER: tuple[Cover, ...] = (
    Cover("member", "资料", ("member_id",), (("name", _WIPED), ("source", "NULL"), ("contact_since", "NULL"))),
    Cover("membership", "进群", ("member_id",), (("source", "NULL"),), also_who=("inviter",)),
    Cover("presence", "在哪些群说过话", ("member_id",), drop=True),
    Cover("check_in", "签到", ("member_id",)),
    Cover("title_told", "称号", ("member_id",)),
    Cover("entry", "积分流水", ("account",)),
    Cover("movement", "流水", keys=("key",), free=("cause",)),
    Cover("prize", "奖品", ("member_id",), keys=("key",)),
    Cover("redemption", "兑换", ("member_id",), (("address", "NULL"),), free=("why",)),
    Cover("gate_note", "防刷", ("member_id",), free=("why",)),
    Cover("board_name", "榜名", ("member_id",), drop=True),
    Cover("talk_day", "每天发言", ("member_id",), (("seen", "''"),)),
    Cover("last_talk", "最近发言", ("member_id",), drop=True),
    Cover("draw_entry", "抽奖报名", ("member_id",)),
    Cover("draw_try", "即开抽奖", ("member_id",)),
    Cover("draw_photo", "晒单", ("member_id",), (("media", "''"),)),
    Cover("draw_winner", "中奖", ("member_id",), free=("reason",)),
    Cover("draw_draft", "开奖草稿", ("member_id",), drop=True),
    Cover("draw_note", "抽奖公告", free=("text",)),
    Cover("draw", "开的抽奖", also_who=("opener_id",)),
    Cover("quiz_answer", "答题", ("member_id",), (("text", _WIPED),)),
    Cover("quiz_appeal", "答案申诉", ("member_id",), also_who=("ruled_by",)),
    Cover("game_session", "开的局", ("member_id",), boxes=("state",)),
    Cover("game_move", "游戏里说的", ("member_id",), (("text", _WIPED),), free=("text", "verdict")),
    Cover("distance", "社交距离", ("member_id",)),
    Cover("care", "关怀", ("member_id",), (("text", _WIPED),)),
    Cover("handover", "转人工", ("member_id",), also_who=("ended_by",)),
    Cover("open_question", "没答的问题", ("member_id",), drop=True),
    Cover("noted_purchase", "购买", ("member_id",), (("what", _WIPED),), also_who=("noted_by",)),
    Cover("sequence_start", "跟进开始", ("member_id",), drop=True),
    Cover("sequence_step", "跟进", ("member_id",), drop=True),
    Cover("task", "交给员工的事", ("member_id",), keys=("key",), free=("what",), also_who=("owner", "closed_by"),
          erase=(("what", f"CASE WHEN key >= 'need/' AND key < 'need0' THEN {_WIPED} ELSE what END"),)),
    Cover("late_post", "晚到的内容", ("group_id",), also_who=("settled_by",)),
    Cover("tag_evidence", "标签依据", ("member_id",), drop=True),
    Cover("member_tag", "标签", ("member_id",), drop=True),
    Cover("member_remark", "备注", ("member_id",), drop=True, also_who=("staff_id",)),
    Cover("member_day", "每天来过", ("member_id",)),
    Cover("member_move", "进出", ("member_id",)),
    Cover("stage_change", "阶段变化", ("member_id",)),
    Cover("stage_now", "阶段", ("member_id",)),
    Cover("purchase", "订单", ("member_id",), (("items", _WIPED),)),
    Cover("buyer_alias", "买家号", ("member_id",), drop=True, also_who=("staff_id",)),
    Cover("purchase_milestone", "购买里程碑", ("member_id",)),
    Cover("thanks", "感谢", ("member_id",), (("text", _WIPED),), also_who=("staff_id",)),
    Cover("buyer_show", "买家秀", ("member_id",), (("text", _WIPED), ("media", "''")), also_who=("judge_id",)),
    Cover("show_draft", "买家秀草稿", ("member_id",), drop=True),
    Cover("survey_answer", "问卷回答", ("member_id",), drop=True),
    Cover("survey_run", "问卷", ("member_id",), drop=True),
    Cover("crowd", "分群", free=("expression",), also_who=("staff_id",)),
    Cover("faq_reply", "问过我的", ("member_id",), (("asked", _WIPED),), free=("asked",)),
    Cover("faq_wrong", "说答错的", ("member_id",)),
    Cover("faq_unanswered", "没答上的", free=("key", "text", "similar")),
    Cover("faq_version", "教过的问答", also_who=("by_id",), free=("question", "similar", "answer")),
    Cover("faq_entry", "问答", free=("key", "question", "similar", "answer")),
    Cover("faq_offer", "可以记住的回答", also_who=("staff_id",), free=("question", "answer")),
    Cover("faq_pending", "等你选的", ("member_id",), drop=True),
    Cover("exposure", "主动发给你的", ("member_id",), boxes=("slots", "evidence"), free=("why",)),
    Cover(
        "outbox", "说给你的", ("member_id",), (("slots", "'{}'"), ("mentions", "NULL")),
        boxes=("slots", "mentions"), free=("text", "because", "why_not"),
    ),
    Cover(
        "interaction", "你说的和做的", ("member_id",), (("text", "NULL"), ("details", "NULL")), boxes=("details",),
        free=("text", "note"),
    ),
    Cover("interaction_month", "每月次数", ("member_id",)),
    Cover("audit", "员工操作", free=("what",), also_who=("staff_id",)),
    Cover("wake", "待办", ("key",), boxes=("payload",), keys=("key",), drop=True),
    Cover("cooldown", "间隔", ("place",), keys=("place",), drop=True),
    Cover("last_variant", "说过的说法", ("place",), drop=True),
    Cover("beat_pause", "暂停的活动", also_who=("staff_id",)),
    Cover("beat_skip", "跳过的活动", also_who=("staff_id",)),
    Cover("approval", "待批", also_who=("proposer_id", "decider_id"), boxes=("what",)),
    Cover("hand_send", "等人点的发送", ("member_id",), free=("title",)),
    Cover("own_beat", "自己的活动", also_who=("staff_id",)),
    Cover("campaign_draft", "活动草稿", ("member_id",), drop=True),
    Cover("channel_memory", "通道记忆", ("key",), keys=("key",), drop=True),
)  # fmt: skip
HIDDEN = frozenset({"faq_pending", "wake", "cooldown", "last_variant", "channel_memory"})
"""Inner workings, without anything about the person that is not shown elsewhere."""


class Privacy:
    """Over all tables that know members."""

    def __init__(self, db: Database) -> None:
        self._execute = db.execute

    def count(self, member_id: str) -> list[tuple[str, int]]:
        """(title, rows) of everything that is stored about a member, without empty ones."""
        found = []
        for one in COVER:
            if one.who and one.table not in HIDDEN:
                where, values = self._where(one, member_id)
                count = self._execute(f"SELECT count(*) FROM {one.table} WHERE {where}", values).fetchone()[0]
                if count:
                    found.append((one.title, int(count)))
        return found

    def rows(self, member_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(title, column -> value) of every row about a member."""
        for one in COVER:
            if one.who and one.table not in HIDDEN:
                columns = self._columns(one.table)
                where, values = self._where(one, member_id)
                # Pages are asked for one by one: what comes in between stands at the end, and pages are not paged.
                where = f"({where}) AND phrase NOT LIKE 'privacy.%'" if one.table == "outbox" else where
                order = "rowid" if self._has_rowid(one.table) else "1"
                sql = f"SELECT {', '.join(columns)} FROM {one.table} WHERE {where} ORDER BY {order} LIMIT {MOST}"
                for row in self._execute(sql, values).fetchall():
                    yield one.title, dict(zip(columns, row, strict=True))

    def _columns(self, table: str) -> list[str]:
        return [row[1] for row in self._execute(f"PRAGMA table_info({table})")]

    def _has_rowid(self, table: str) -> bool:
        sql = self._execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        return "WITHOUT ROWID" not in sql

    @staticmethod
    def _where(one: Cover, member_id: str) -> tuple[str, tuple[str, ...]]:
        who = f"member:{member_id}" if one.table == "entry" else member_id
        return " OR ".join(f"{column} = ?" for column in one.who), (who,) * len(one.who)

    # -- forgetting ---------------------------------------------------------------------------------------------------

    def names(self, member_id: str) -> list[str]:
        """By which names a member stands in texts, longest first."""
        rows = self._execute(
            "SELECT name FROM member WHERE member_id = ?1 UNION SELECT nickname FROM board_name WHERE member_id = ?1",
            (member_id,),
        ).fetchall()
        return sorted((row[0] for row in rows if len(row[0]) >= SHORTEST_NAME), key=len, reverse=True)

    def forget(self, member_id: str, alias: str, *, at: int) -> None:
        """Makes a member nobody: `alias` takes the id's place everywhere. Waiting lines to them are not sent (`at` ms).

        The caller's caches are void afterwards (`Store.forget_caches`).
        """
        names = [one for one in self.names(member_id) if one != member_id]
        swap = _Swap(member_id, alias, names)
        self._execute("PRAGMA defer_foreign_keys = ON")
        self._execute(
            "UPDATE outbox SET state = 'held', settled_at = ?, why_not = '本人要求删除' WHERE state = 'queued'"
            " AND group_id IS NULL AND member_id = ?",
            (at, member_id),
        )
        self._execute(
            f"UPDATE outbox SET text = '{GONE}' WHERE text IS NOT NULL AND group_id IS NULL AND member_id = ?",
            (member_id,),
        )
        self._rename_ticks(swap)
        for one in COVER:
            self._cover(one, swap)

    def _cover(self, one: Cover, swap: "_Swap") -> None:
        where, values = self._where(one, swap.member_id)
        if one.drop:
            self._execute(f"DELETE FROM {one.table} WHERE {where}", values)
        elif one.erase:
            changes = ", ".join(f"{column} = {value}" for column, value in one.erase)
            self._execute(f"UPDATE {one.table} SET {changes} WHERE {where}", values)
        for column in one.keys:
            change = swap.key_or_gone if one.drop else swap.key
            self._rewrite(one.table, column, change, (swap.quoted, swap.member_id))
        for column in one.boxes:
            self._rewrite(one.table, column, swap.box, swap.traces)
        for column in one.free:
            self._rewrite(one.table, column, swap.text, (*swap.names, swap.member_id))
        if one.drop:
            return
        for column in (*one.who, *one.also_who):
            old, new = swap.account if one.table == "entry" else (swap.member_id, swap.alias)
            self._execute(f"UPDATE {one.table} SET {column} = ? WHERE {column} = ?", (new, old))

    def _rewrite(self, table: str, column: str, change: Any, traces: Sequence[str]) -> None:
        """Changes the column wherever one of the traces stands in it."""
        if not traces:
            return
        seen = " OR ".join(f"instr({column}, ?) > 0" for _ in traces)
        found = self._execute(f"SELECT DISTINCT {column} FROM {table} WHERE {seen}", tuple(traces)).fetchall()
        for (old,) in found:
            new = change(old)
            if new is None:
                self._execute(f"DELETE FROM {table} WHERE {column} = ?", (old,))
            elif new != old:
                self._execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))

    def _rename_ticks(self, swap: "_Swap") -> None:
        """Ids of our own wake-ups may carry the id of the member they were for; lines and movements point there."""
        rows = self._execute(
            "SELECT id FROM interaction WHERE kind = 'tick' AND instr(id, ?) > 0", (swap.member_id,)
        ).fetchall()
        pairs = [(old, new) for (old,) in rows if (new := swap.tick(old)) != old]
        if not pairs:
            return
        self._execute("CREATE TEMP TABLE IF NOT EXISTS renamed (old TEXT PRIMARY KEY, new TEXT NOT NULL)")
        for pair in pairs:
            self._execute("INSERT OR REPLACE INTO temp.renamed VALUES (?, ?)", pair)
        tables = [row[0] for row in self._execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        self._execute(
            "UPDATE exposure SET line = (SELECT r.new || substr(o.key, length(r.old) + 1) FROM outbox o"
            " JOIN temp.renamed r ON r.old = o.event_id WHERE o.key = exposure.line)"
            " WHERE line IN (SELECT key FROM outbox WHERE event_id IN (SELECT old FROM temp.renamed))"
        )
        self._execute(
            "UPDATE outbox SET key = (SELECT r.new || substr(key, length(r.old) + 1) FROM temp.renamed r"
            " WHERE r.old = event_id) WHERE event_id IN (SELECT old FROM temp.renamed)"
        )
        for table in tables:
            column = "id" if table == "interaction" else "event_id"
            if column in self._columns(table):
                self._execute(
                    f"UPDATE {table} SET {column} = (SELECT new FROM temp.renamed WHERE old = {column})"
                    f" WHERE {column} IN (SELECT old FROM temp.renamed)"
                )
        self._execute("DELETE FROM temp.renamed")

    def scrub_answer(self, event_id: str, alias: str) -> None:
        """The last words to a member who is gone: whom they went to becomes the alias, too."""
        self._execute(
            "DELETE FROM last_variant WHERE place IN (SELECT member_id FROM outbox WHERE event_id = ?"
            " AND group_id IS NULL)",
            (event_id,),
        )
        self._execute(
            f"UPDATE outbox SET member_id = ?, text = '{GONE}', slots = '{{}}', mentions = NULL WHERE event_id = ?"
            " AND member_id IS NOT NULL AND state NOT IN ('queued', 'sending')",
            (alias, event_id),
        )


class _Swap:
    """How an id and names become an alias inside texts, keys and JSON."""

    def __init__(self, member_id: str, alias: str, names: Sequence[str]) -> None:
        self.member_id, self.alias, self.names = member_id, alias, tuple(names)
        self.quoted = quote(member_id, safe="")
        # Whoever has no name goes by their id. As a part of a longer id it is somebody else's.
        self._alone = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(member_id)}(?![A-Za-z0-9_-])")
        self.account = (f"member:{member_id}", f"member:{alias}")
        self.traces = tuple(dict.fromkeys(json.dumps(one, ensure_ascii=False)[1:-1] for one in (member_id, *names)))

    def key(self, old: str) -> str:
        """`milestone/g/m/…`: the part that is the id."""
        known = {self.quoted, self.member_id}
        return "/".join(self.alias if part in known else part for part in old.split("/"))

    def key_or_gone(self, old: str) -> str | None:
        """None for a key that has the id in it: its row goes."""
        return old if self.key(old) == old else None

    def tick(self, old: str) -> str:
        """`tick:topic:key:due`: the key, or a part of it, that is the id."""
        head, topic, rest = (*old.split(":", 2), "", "")[:3]
        key, colon, due = rest.rpartition(":")
        whole = self.alias if key == self.member_id else self.key(key)
        return f"{head}:{topic}:{whole}{colon}{due}"

    def text(self, old: str) -> str:
        """Free text without the names, and without the id where it stands alone."""
        for name in self.names:
            old = old.replace(name, SOMEBODY)
        return self._alone.sub(SOMEBODY, old)

    def box(self, old: str) -> str:
        """JSON without id and names."""
        try:
            return json.dumps(self._inner(json.loads(old)), ensure_ascii=False)
        except ValueError:
            return self.text(old)

    def _inner(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {(self.alias if key == self.member_id else key): self._inner(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._inner(one) for one in value]
        if not isinstance(value, str):
            return value
        if value == self.member_id:
            return self.alias
        if "/" in value:
            value = self.key(value)
        return self.text(value)
