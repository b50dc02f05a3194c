"""The language of `yuanzi chat`: what is typed becomes something that happens on the stage, and its answer."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.channels import Line
from bot.channels.terminal import Screen, Spoken
from bot.config import nearest
from bot.errors import Mistake
from bot.events import ContactAdded, Event, MemberJoined, MessageReceived
from bot.recording import Recording
from bot.settings import parse_span, show_span
from bot.stage import CHANNEL, YOU, Cast, Stage
from bot.words import normalise, one_line, presentable

AT_ONCE = 30
"""Lines of the bot shown for one thing that was typed; the rest is counted."""
FARTHEST = timedelta(days=100)
MOST_JOINS = 1_000
HINT = "直接打字就是说话，先试试：签到   替别人说：小满: 签到   拨快时间：/过一天   全部玩法：/帮助"
_SPEAKER = re.compile(r"^([^:：\n]{1,24})[:：](.*)$", re.DOTALL)
_SOURCE = re.compile(r"\s*来自\s*(\S+)$")
_MISTAKES = {
    "stage.moment": "没看懂时间「{text}」。可以写：3小时、1天、周五 20:00、明天 9:00。",
    "chat.span": "没看懂「{text}」是多久。可以写：20分钟、3小时、1天。",
    "chat.past": "「{text}」已经过去了，时间只能往前走。",
    "chat.far": "一次最多往前 {days} 天。",
    "chat.usage": "这样写：/{usage}",
    "chat.nobody": "群里没有「{text}」这个人。直接打字是用自己的身份说。",
    "chat.name": "「{text}」不能当名字：不要空格、冒号，最多 24 个字，也不能和机器人重名。",
    "chat.many": "一次最多进 {most} 人。",
    "chat.file": "存不了 {file}：{reason}。换个文件名试试。",
    "chat.resumed": "这次是接着以前的记录聊的，从中间存不出能原样重放的剧本。想存的话：yuanzi chat --fresh 重新开始。",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One word after the slash."""

    usage: str
    help: str
    run: Callable[[str], Awaitable[None]]

    @property
    def word(self) -> str:
        return self.usage.split()[0]


class Chat:
    """One person at the terminal. `type` takes what they typed; `let_pass` lets time go by.

    `keep`: the clock and the identity are remembered in the database. `tick`: virtual time that each typed line takes.
    """

    def __init__(
        self, stage: Stage, screen: Screen, cast: Cast, *, keep: bool = False, resumed: bool = False,
        tick: timedelta = timedelta(0), config: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.stage = stage
        self.screen = screen
        self.cast = cast
        self.me = YOU[1]
        self.private = False
        self.lock = asyncio.Lock()
        self.recording = None if resumed else Recording(stage.start)
        self._config = config
        self._keep = keep
        self._tick = tick
        self._kept: tuple[datetime, str] | None = None
        self._day = stage.start.date()
        self._room = AT_ONCE
        self._hidden = 0
        self._left: set[str] = set()
        self._reason = ""
        self._puzzled = False
        self._on = True
        stage.show = self._show
        one_by_one = (
            Command("我是 名字", "换个身份说话；/我是 店长 能用员工口令", self._be),
            Command("入群 30", "来 30 个新人，或写名字：/入群 小A 小B", self._join),
            Command("退群 名字", "有人退群", self._leave),
            Command("私聊 [要说的话]", "和机器人一对一；不写话就切换", self._private),
            Command("加好友 [名字]", "加机器人好友", self._contact),
            Command("快进 3小时", "拨快时间，也可以：/快进 到 周五 20:00", self._forward),
            Command("过一天", "到明天这个时候", self._next_day),
            Command("断电 20分钟", "进程被拔电源，过一会儿从同一个数据库恢复", self._power_cut),
            Command("重复投递", "平台把上一件事再送一次", self._again),
            Command("并发 签到", "所有人同一瞬间说这句话", self._everyone),
            Command("为什么", "机器人刚才为什么说，或者为什么没说", self._why),
            Command("保存 剧本.toml", "存成剧本，用 yuanzi replay 原样重放", self._save),
            Command("帮助", "看这张表", self._help),
            Command("退出", "离开，聊过的都留着", self._quit),
        )
        self.commands = {command.word: command for command in one_by_one}
        self._other_words = {"help": "帮助", "h": "帮助", "?": "帮助", "": "帮助", "quit": "退出", "exit": "退出", "q": "退出"}

    # -- what is typed ---------------------------------------------------------------------------------------------

    async def type(self, text: str) -> bool:
        """Takes one typed line. False when they want to leave."""
        text = presentable(text).strip()
        if not text:
            return True
        async with self.lock:
            self._room, self._hidden = AT_ONCE, 0
            try:
                if text[0] in "/／":
                    self.screen.typed(text)
                    await self._command(text[1:].strip())
                else:
                    await self._say(*self._speaker(text))
            except Mistake as mistake:
                self.note(_MISTAKES[mistake.key].format(**mistake.slots))
            self._tell_hidden()
            await self.keep()
        return self._on

    async def let_pass(self, to: datetime) -> list[Line]:
        """Time goes by until then, without anybody having asked for it."""
        self._room, self._hidden = AT_ONCE, 0
        lines = await self._happen({"until": to}, self.stage.wait(max(to - self.stage.now, timedelta(0))))
        if lines:
            self._reason = self.stage.why()
            await self.keep()
        return lines

    async def chatter(self, name: str, text: str) -> None:
        """Somebody of the group says something by themselves."""
        self.screen.spoken(Spoken(self.stage.now, name, text))
        if await self._happen({"say": text, "by": name}, self.stage.says(name, text)):
            self._reason = self.stage.why()

    async def greet(self) -> None:
        """The bot meets whoever sits here: the first line of every new conversation."""
        await self._happen({"contact": self.me}, self.stage.adds_contact(self.me))
        self._reason = self.stage.why()
        await self.keep()

    async def keep(self) -> None:
        """Remembers where we are, to go on from here next time."""
        state = (self.stage.now, self.me)
        if self._keep and state != self._kept:
            self._kept = state
            await self.stage.remember({"chat.now": state[0].isoformat(), "chat.me": self.me})

    def note(self, text: str) -> None:
        """Something that the chat room itself says."""
        self.screen.note(text)

    def names(self) -> list[str]:
        """Everybody who can be spoken as, you first."""
        return [self.me, *(name for name in self.stage.people if name != self.me)]

    def knows(self, name: str) -> bool:
        """Whether somebody of this name is in the cast, or was seen here before."""
        if name in self.stage.people:
            return True
        members = self.stage.app.store.members
        found = [one for one in members.find(name, None) if members.name(one) == name]
        if found:
            self.stage.people[name] = found[0]
        return bool(found)

    def be(self, name: str) -> None:
        """From now on plain text is said by this person."""
        self.me = name
        self.stage.id_of(name)

    # -- what happens ----------------------------------------------------------------------------------------------

    async def _happen(self, action: dict[str, Any], work: Awaitable[list[Line]]) -> list[Line]:
        lines = await work
        if self.recording is not None:
            self.recording.add(action, lines)
        return lines

    async def _act(self, action: dict[str, Any], work: Awaitable[list[Line]]) -> list[Line]:
        """Something happens because it was typed; the reason of the answer, or of the silence, is kept."""
        lines = await self._happen(action, work)
        self._reason = self.stage.why()
        return lines

    async def _breathe(self) -> None:
        if self._tick:
            await self._happen({"until": self.stage.now + self._tick}, self.stage.wait(self._tick))
            await self.keep()

    def _show(self, line: Line) -> None:
        if self._room <= 0:
            self._hidden += 1
            return
        self._room -= 1
        now, members = self.stage.now, self.stage.app.store.members
        if now.date() != self._day:
            self._divide(now)
        place = "" if line.group else f"私聊 {members.name(line.member or '')}"
        names = tuple(members.name(member) for member in line.mentions)
        self.screen.spoken(Spoken(now, self.bot, line.text, place, bot=True, mentions=names))

    @property
    def bot(self) -> str:
        """What the bot is called."""
        return self.stage.app.desk.content.voice.persona.name

    def _divide(self, at: datetime) -> None:
        self._day = at.date()
        self.screen.divider(at)

    def _tell_hidden(self) -> None:
        if self._hidden:
            self.note(f"……还有 {self._hidden} 条没列出来")

    # -- words -----------------------------------------------------------------------------------------------------

    def _speaker(self, text: str) -> tuple[str, str]:
        match = _SPEAKER.match(text)
        if match and self.knows(match[1].strip()):
            if not match[2].strip():
                raise Mistake("chat.usage", usage=f"帮助。{match[1]}：后面写要说的话")
            return match[1].strip(), match[2].strip()
        return self.me, text

    async def _say(self, name: str, text: str) -> None:
        await self._breathe()
        now = self.stage.now
        self.screen.spoken(Spoken(now, name, text, "私聊" if self.private else "", own=name == self.me))
        action = {"say": text, "by": name, **({"private": True} if self.private else {})}
        lines = await self._act(action, self.stage.says(name, text, private=self.private))
        if not lines and not self._puzzled:
            self._puzzled = True
            self.note(f"（{self.bot}没接这句。想知道为什么：/为什么）")

    async def _command(self, typed: str) -> None:
        head, _, rest = typed.partition(" ")
        head = self._other_words.get(head.lower(), head)
        if head not in self.commands:
            stuck = next((word for word in self.commands if head.startswith(word)), None)
            if stuck is None:
                self.note(self._unknown(head))
                return
            head, rest = stuck, f"{head[len(stuck) :]} {rest}"
        await self.commands[head].run(rest.strip())

    def _unknown(self, head: str) -> str:
        app = self.stage.app
        if normalise(head) in app.desk.words(app.config.group(self.stage.group)):
            return f"「{head}」不用加斜杠，直接发：{head}"
        first, second = _two_nearest(head, list(self.commands))
        return f"没有 /{head[:20]} 这个命令。是不是 /{first} 或 /{second}？全部：/帮助"
