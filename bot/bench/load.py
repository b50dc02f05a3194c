"""What members type in the benchmark: 80 % chat, 15 % check-in and commands, 5 % keywords; the same for every run."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from bot.config import read_toml, shipped

MEMBERS = 2_000
GROUPS = 20
COMMANDS = ("签到",) * 11 + ("我的签到",) * 2 + ("帮助", "签到榜")
"""15 of 100 messages."""
KEYWORDS = 5
_WHO = "我们家 楼下 公司 对面那桌 群里几位 朋友 同事 隔壁办公室 周末大家 孩子们 今天早上 昨晚 刚刚 路上 地铁里 小区".split()
_WHAT = (
    "都在聊这个 有点困了 想起上次聚会 一起去爬山吧 又下雨了 电影真好看 排了好长的队 今天加班到很晚 猫又跑出来了 "
    "做了一桌子菜 终于周五了 风有点大 听了一首老歌 走了一万步 把作业写完了 在阳台种了薄荷"
).split()
_END = "哈哈 真的 你们呢 太难了 开心 笑死 哎 不错哦 羡慕 加油 好耶 晚点说 等我 到时候见 随便啦 嗯嗯".split()


@dataclass(frozen=True, slots=True)
class Load:
    """One stretch of messages. `run` makes the event ids differ from those of other runs on the same database;
    `crowd` picks which members and groups talk, `extra` are command words of added handlers."""

    run: str
    crowd: int = 0
    extra: tuple[str, ...] = ()

    def lines(self, count: int) -> Iterator[bytes]:
        """Lines as they would arrive at `yuanzi pipe`."""
        keywords = tuple(
            str(entry["keywords"][0]) for entry in read_toml(shipped("persona") / "xiaoyuanzi" / "faq.toml")["entry"]
        )
        for number in range(count):
            luck = hashlib.blake2b(f"{self.run}/{number}".encode(), digest_size=16).digest()
            # The ids of real platforms do not grow with time, which is the harder case for an index.
            yield self._line(luck.hex()[:20], int.from_bytes(luck[10:], "big"), keywords)

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
