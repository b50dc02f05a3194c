"""The language of `yuanzi chat`: what is typed becomes something that happens in the room, and its answer."""

import difflib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.config import nearest
from bot.errors import Mistake
from bot.events import Event, MemberJoined, MemberLeft, MessageReceived
from bot.room import Room
from bot.settings.kinds import parse_span, show_span
from bot.stage import CHANNEL, Cast
from bot.words import normalise, presentable

FARTHEST = timedelta(days=100)
MOST_JOINS = 1_000
SHOWN_OF_MANY = 3
HINT = "直接打字就能说话，试试：签到　替人说：小满: 签到　拨时间：/过一天　全部：/帮助"
_SPEAKER = re.compile(r"^([^:：\n]{1,24})[:：](.*)$", re.DOTALL)
_SOURCE = re.compile(r"\s*来自\s*(\S+)$")
_MISTAKES = {
    "stage.moment": "没看懂时间「{text}」。可以写：3小时、1天、周五 20:00、明天 9:00。",
    "chat.span": "没看懂「{text}」是多久。可以写：20分钟、3小时、1天。",
    "chat.past": "「{text}」已经过去了，时间只能往前走。",
    "chat.far": "一次最多往前 {days} 天。",
    "chat.usage": "这样写：{usage}",
    "chat.nobody": "群里没有「{text}」。",
    "chat.name": "「{text}」不能当名字：不要空格和冒号，最多 24 个字，也别和机器人重名。",
    "chat.many": "一次最多进 {most} 人。",
    "chat.nothing": "还没有发生过什么，先说句话吧。",
    "chat.file": "存不了 {file}：{reason}。换个文件名试试。",
    "chat.resumed": "这次是接着以前聊的，从中间存不出能原样重放的剧本。想存就重新开始：yuanzi chat --fresh",
}
_OTHER_WORDS = {"": "帮助", "?": "帮助", "？": "帮助", "help": "帮助", "quit": "退出", "exit": "退出", "q": "退出"}


@dataclass(frozen=True, slots=True)
class Command:
    """One word after the slash."""

    usage: str
    help: str
    run: Callable[[str], Awaitable[None]]

    @property
    def word(self) -> str:
        """The word itself."""
        return self.usage.split()[0]


class Chat:
    """Understands what one person types. `tick`: virtual time that each line takes, where no clock runs by itself.

    `config`: settings that a saved session must lay over the shipped ones.
    """

    def __init__(
        self, room: Room, cast: Cast, *, tick: timedelta = timedelta(0), config: Mapping[str, Any] | None = None
    ) -> None:
        self.room = room
        self.stage = room.stage
        self.private = False
        self._cast = cast
        self._tick = tick
        self._config = config
        self._told_of_why = False
        self._leaving = False
        known = (
            Command("我是 名字", "换个身份说话；/我是 店长 就能用员工口令", self._be),
            Command("入群 30", "来 30 个新人；或写名字：/入群 小A 小B 来自 抖音", self._join),
            Command("退群 名字", "有人退群", self._leave),
            Command("私聊 要说的话", "和机器人一对一；不写话就切换", self._private),
            Command("引用 名字 要说的话", "引用他（或机器人）刚说的那句来回答", self._quote),
            Command("加好友 名字", "加机器人好友；不写名字就是自己", self._contact),
            Command("快进 3小时", "拨快时间，也可以：/快进 到 周五 20:00", self._forward),
            Command("过一天", "到明天这个时候", self._next_day),
            Command("断电 20分钟", "拔掉电源，过一会儿从同一个数据库恢复", self._power_cut),
            Command("重复投递", "平台把上一件事再送一次", self._again),
            Command("并发 签到", "所有人在同一瞬间说这句话", self._everyone),
            Command("为什么", "机器人刚才为什么说，或者为什么没说", self._why),
            Command("保存 剧本.toml", "存成剧本，yuanzi replay 能原样重放", self._save),
            Command("帮助", "看这张表", self._help),
            Command("退出", "离开", self._quit),
        )
        self.commands = {command.word: command for command in known}

    async def type(self, text: str) -> bool:
        """Takes one typed line. False when they want to leave."""
        text = presentable(text).strip()
        if not text:
            return True
        async with self.room.lock:
            self.room.show_at_most()
            try:
                await (self._command(text) if text[0] in "/／" else self._say(*self._speaker(text)))
            except Mistake as mistake:
                self.room.note(_MISTAKES[mistake.key].format(**mistake.slots))
            if self.room.hidden:
                self.room.note(f"……还有 {self.room.hidden} 条没列出来。")
            await self.room.keep()
        return not self._leaving

    def _speaker(self, text: str) -> tuple[str, str]:
        match = _SPEAKER.match(text)
        if match is None or not self.room.knows(match[1].strip()):
            return self.room.me, text
        if not match[2].strip():
            raise Mistake("chat.usage", usage=f"{match[1].strip()}: 要说的话")
        return match[1].strip(), match[2].strip()

    async def _say(self, name: str, text: str, *, private: bool | None = None, quote: str = "") -> None:
        private = self.private if private is None else private
        await self._breathe()
        self.room.screen.spoken(
            self.stage.now, name, text, place=f"私聊 {self.room.bot}" if private else "", own=name == self.room.me
        )
        action = {
            "say": text,
            "by": name,
            **({"private": True} if private else {}),
            **({"quote": quote} if quote else {}),
        }
        lines = await self.room.happen(action, self.stage.says(name, text, private=private, quote=quote))
        if not lines and not self._told_of_why:
            self._told_of_why = True
            self.room.note(f"{self.room.bot}没接这句。想知道原因：/为什么")

    async def _breathe(self) -> None:
        """A typed line takes its time; remembered before anything happens, so that no restart sets the clock back."""
        if self._tick:
            await self.room.until(self.stage.now + self._tick)
            await self.room.keep()

    async def _command(self, text: str) -> None:
        self.room.screen.typed(text)
        head, _, rest = text[1:].strip().partition(" ")
        head = _OTHER_WORDS.get(head.lower(), head)
        if head not in self.commands:
            word = next((one for one in self.commands if head.startswith(one)), None)
            if word is None:
                self.room.note(self._unknown(head))
                return
            head, rest = word, f"{head[len(word) :]} {rest}"
        await self.commands[head].run(" ".join(rest.split()) if head != "保存" else rest.strip())

    def _unknown(self, head: str) -> str:
        app = self.stage.app
        said = nearest(normalise(head), app.desk.words(app.config.group(self.stage.group)))
        if said and not nearest(head, self.commands):
            return f"「{said[0]}」是{self.room.bot}的口令，不用加斜杠，直接发：{said[0]}"
        first, second = difflib.get_close_matches(head, list(self.commands), n=2, cutoff=0.0)
        return f"没有「/{head[:20]}」。是想 /{first} 还是 /{second}？全部：/帮助"

    def _usage(self, word: str) -> Mistake:
        return Mistake("chat.usage", usage=f"/{self.commands[word].usage}　（{self.commands[word].help}）")

    async def _be(self, name: str) -> None:
        if not name:
            raise self._usage("我是")
        self.room.be(self.room.new_name(name))
        role = self.stage.app.config.role_of(self.stage.id_of(name), CHANNEL)
        self.room.note(f"现在你是 {name}。" + ("员工口令可以用了，发「帮助」看看。" if role else ""))

    async def _join(self, rest: str) -> None:
        source = _SOURCE.search(rest)
        words = (rest[: source.start()] if source else rest).removesuffix("人").split()
        counted = len(words) == 1 and words[0].isdecimal()
        many = int(words[0][:9]) if counted else len(words)
        if many > MOST_JOINS:
            raise Mistake("chat.many", most=MOST_JOINS)
        if many < 1:
            raise self._usage("入群")
        names = (
            self.room.newcomers(self._cast.newcomers, many)
            if counted
            else list(dict.fromkeys(self.room.new_name(one) for one in words))
        )
        await self._breathe()
        self.room.note(f"{_listed(names)}进群了。")
        action = {"joins": names, **({"source": source[1]} if source else {})}
        lines = await self.room.happen(action, self.stage.joins(names, source[1] if source else ""))
        self.room.left.difference_update(names)
        if not lines:
            self.room.note(self.room.reason)
        elif len(names) > len(lines):
            self.room.note(f"{len(names)} 个人，只欢迎 {len(lines)} 次，省下 {len(names) - len(lines)} 条。")

    async def _leave(self, name: str) -> None:
        if not name:
            raise self._usage("退群")
        if not self.room.knows(name):
            raise Mistake("chat.nobody", text=name[:30])
        await self._breathe()
        self.room.note(f"{name} 退群了。")
        await self.room.happen({"leaves": name}, self.stage.leaves(name))
        self.room.left.add(name)

    async def _private(self, text: str) -> None:
        if text:
            await self._say(*self._speaker(text), private=True)
            return
        self.private = not self.private
        self.room.note(f"现在是你和{self.room.bot}的一对一。再发 /私聊 回到群里。" if self.private else "回到群里了。")

    async def _quote(self, rest: str) -> None:
        name, _, text = rest.partition(" ")
        if not text:
            raise self._usage("引用")
        member = self.stage.id_of(name) if self.room.knows(name) else ""
        said = [one.text for one in self.stage.heard if one.member == member]
        if name == self.room.bot:
            said = [line.text for line in self.stage.said]
        if not said:
            raise Mistake("chat.nobody", text=f"{name[:30]}刚说过的话")
        await self._say(self.room.me, text, quote=said[-1])

    async def _contact(self, name: str) -> None:
        name = self.room.new_name(name) if name else self.room.me
        await self._breathe()
        self.room.note(f"{name} 加了{self.room.bot}好友。")
        if not await self.room.happen({"contact": name}, self.stage.adds_contact(name)):
            self.room.note(self.room.reason)

    async def _forward(self, text: str) -> None:
        if not text:
            raise self._usage("快进")
        moment = self.stage.moment(text)
        if moment <= self.stage.now:
            raise Mistake("chat.past", text=text[:30])
        _not_too_far(moment - self.stage.now)
        await self.room.until(moment)
        self.room.divide()

    async def _next_day(self, rest: str) -> None:
        del rest
        await self._forward("1天")

    async def _power_cut(self, text: str) -> None:
        try:
            span = timedelta(seconds=int(parse_span((text or "20分钟").replace(" ", "")).total_seconds()))
        except (ValueError, OverflowError):
            raise Mistake("chat.span", text=text[:30]) from None
        _not_too_far(span)
        self.room.note(f"啪，断电了。进程没打招呼就停下，{text or '20分钟'}后来电。")
        await self.room.happen({"power_cut": show_span(span)}, self.stage.power_cut(span))
        self.room.divide()
        self.room.note("来电了，从同一个数据库接着来：断电前记下的都在。")

    async def _again(self, rest: str) -> None:
        del rest
        last = self.stage.last
        if not last:
            raise Mistake("chat.nothing")
        lines = await self.room.happen({"again": True}, self.stage.again())
        if not lines:
            self.room.reason = f"{_what(last)}又送来一次，编号 {last[-1].id} 早就记过：不重复算，也不重复说。"
            self.room.note(self.room.reason)

    async def _everyone(self, text: str) -> None:
        text = text or "签到"
        names = self.room.names()
        await self._breathe()
        self.room.note(f"{len(names)} 个人在同一瞬间发「{text[:30]}」：")
        self.room.show_at_most(SHOWN_OF_MANY)
        action = {"everyone": text, "names": names}
        lines = await self.room.happen(action, self.stage.everyone_says(names, text))
        kinds = "、".join(f"{key} {times}" for key, times in Counter(line.phrase for line in lines).most_common(4))
        self.room.note(f"{len(names)} 条消息，{len(lines)} 条回应" + (f"：{kinds}" if kinds else "") + "。")
        self.room.show_at_most()

    async def _why(self, rest: str) -> None:
        del rest
        self.room.note(self.room.reason)

    async def _save(self, name: str) -> None:
        if not name:
            raise self._usage("保存")
        if self.room.recording is None:
            raise Mistake("chat.resumed")
        app = self.stage.app
        seed = app.config.settings.bot.seed or app.store.office.fact("seed") or ""
        path = self.room.recording.save(name, seed, self._config)
        self.room.note(f"存好了：{path}，共 {len(self.room.recording.steps)} 步。重放：yuanzi replay {path}")

    async def _help(self, rest: str) -> None:
        del rest
        rows = [f"/{command.usage}　{command.help}" for command in self.commands.values()]
        self.room.note("\n".join([HINT, *rows, f"{self.room.bot}自己会的：直接发「帮助」"]))

    async def _quit(self, rest: str) -> None:
        del rest
        self._leaving = True


def _not_too_far(span: timedelta) -> None:
    if span > FARTHEST:
        raise Mistake("chat.far", days=FARTHEST.days)


def _listed(names: list[str]) -> str:
    return "、".join(names[:5]) + (f" 等 {len(names)} 人" if len(names) > 5 else " ")


def _what(events: list[Event]) -> str:
    """What the last thing was, in words."""
    last = events[-1]
    if len(events) > 1:
        return f"刚才那 {len(events)} 条消息"
    if isinstance(last, MessageReceived):
        return f"「{last.text[:20]}」"
    if isinstance(last, MemberJoined):
        return f"{len(last.people)} 人进群这件事"
    return "退群这件事" if isinstance(last, MemberLeft) else "加好友这件事"
