"""What members type in the benchmark: 80 % chat, 15 % check-in and commands, 5 % keywords; the same for every run."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bot.config import read_toml, shipped

MEMBERS = 2_000
GROUPS = 20
COMMANDS = ("签到",) * 11 + ("我的签到",) * 2 + ("帮助", "签到榜")
"""15 of 100 messages."""
KEYWORDS = 5
_WHO = ("我们家", "楼下", "公司", "对面那桌", "同事", "隔壁", "孩子们", "今天早上", "昨晚", "刚刚", "地铁里", "小区")
_WHAT = (
    "都在聊这个", "有点困了", "想起上次聚会", "一起去爬山吧", "又下雨了", "电影真好看", "排了好长的队", "猫又跑出来了",
    "做了一桌子菜", "终于周五了", "风有点大", "听了一首老歌", "走了一万步", "把作业写完了", "在阳台种了薄荷",
)  # fmt: skip
_END = ("哈哈", "真的", "你们呢", "太难了", "开心", "笑死", "不错哦", "羡慕", "好耶", "晚点说", "到时候见", "嗯嗯")


Ids = Literal["growing", "random"]
"""How platforms number messages: with time, which an index likes, or anyhow, which dirties a page for each."""
LATER = 1_000_000_000
"""Messages of the load come after all of the past (bot/bench/history.py)."""


def luck_of(number: int) -> bytes:
    """What decides about a message."""
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def event_id(number: int, luck: bytes, ids: Ids) -> str:
    """An id as platforms give them: 19 digits that grow, or 20 random ones."""
    return str(1 << 62 | number << 22 | luck[0]) if ids == "growing" else luck.hex()[:20]


@dataclass(frozen=True, slots=True)
class Load:
    """One stretch of messages from number `start` on. `crowd` picks which members and groups talk, `extra` are command
    words of added handlers."""

    start: int = LATER
    crowd: int = 0
    extra: tuple[str, ...] = ()
    ids: Ids = "growing"

    def lines(self, count: int) -> Iterator[bytes]:
        """Lines as they would arrive at `yuanzi pipe`."""
        keywords = tuple(
            str(entry["keywords"][0]) for entry in read_toml(shipped("persona") / "xiaoyuanzi" / "faq.toml")["entry"]
        )
        for number in range(self.start, self.start + count):
            luck = luck_of(number)
            yield self._line(event_id(number, luck, self.ids), int.from_bytes(luck[10:], "big"), keywords)

    def _line(self, event_id: str, luck: int, keywords: tuple[str, ...]) -> bytes:
        luck, member = divmod(luck, MEMBERS)
        group, number = member_of(self.crowd, member)
        data = {
            "type": "message", "id": event_id, "group": group, "member": number, "name": name_of(member),
            "text": self._text(luck, keywords),
        }  # fmt: skip
        return json.dumps(data, ensure_ascii=False).encode()

    def _text(self, luck: int, keywords: tuple[str, ...]) -> str:
        luck, kind = divmod(luck, 100)
        if kind < len(COMMANDS):
            return self.extra[luck % len(self.extra)] if self.extra and kind % 2 else COMMANDS[kind]
        if kind < len(COMMANDS) + KEYWORDS:
            return keywords[luck % len(keywords)]
        luck, who = divmod(luck, len(_WHO))
        luck, what = divmod(luck, len(_WHAT))
        luck, end = divmod(luck, len(_END))
        # Chat hardly ever repeats to the letter: a number keeps caches from looking better than they are.
        return f"{_WHO[who]}{_WHAT[what]}，{_END[end]}{luck % 100}"


def member_of(crowd: int, member: int) -> tuple[str, str]:
    """The group and id of a member of a crowd."""
    return f"group-{crowd:02}-{member % GROUPS:02}", f"member-{crowd:02}-{member:04}"


def name_of(member: int) -> str:
    """What a member is called."""
    return f"{'赵钱孙李周吴郑王'[member % 8]}小{'满杰豆橙暖果鹏雨'[member // 8 % 8]}{member}"
