"""`yuanzi chat`: a living group in the terminal; lines from standard input where nobody looks."""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.channels.terminal import ColourScreen, PlainScreen, Prompt, day_and_time, is_watched
from bot.chat import HINT, Chat
from bot.config import Config, load_config, read_toml, shipped
from bot.errors import ConfigError, Problem, StorageFailure
from bot.room import Room, Screen
from bot.stage import GROUP, START, Cast, Stage
from storage.database import Database
from storage.store import Store

DB = Path("var/living-group.db")
TICK = 0.25
"""Real seconds between two looks at the clock."""
NOON = START.replace(hour=12, minute=0, second=0)
TALKING, HURRYING = 6.5, 85.0
"""How fast the two minutes before noon go by: while the group talks one can read along, then the clock hurries."""
QUIET = 12.0
"""Real seconds after the last typed line before the group goes on by itself."""
AWAKE = range(8, 23)
MAX_LINE = 4 * 1024 * 1024
WELCOME = "轮到你了：发 签到 领第一份积分；/入群 30 看怎么欢迎新人；/过一天 看连签；Ctrl-D 离开"


def add(parser: argparse.ArgumentParser) -> None:
    """Options of `yuanzi chat`."""
    parser.add_argument(
        "--db", type=Path, metavar="文件", help=f"聊天记在哪；终端里默认 {DB}，下次接着聊；管道里默认用完就丢"
    )
    parser.add_argument("--fresh", action="store_true", help="从头开始，丢掉上次聊的")
    parser.add_argument("--config", type=Path, metavar="文件", help="设置文件，默认 ./config.toml")
    parser.add_argument("--speed", type=_speed, metavar="倍数", help="时间走多快；默认快进到 12:00，之后和真的一样")
    parser.add_argument("--plain", action="store_true", help="不要颜色和动画，一行进一行出")
    parser.epilog = f"进去以后：{HINT}"


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"「{text}」不是倍数，写 0 到 3600 之间的数，比如 10")
    return value


def run(args: argparse.Namespace) -> int:
    """Until whoever sits there leaves, or the input ends."""
    watched = not args.plain and is_watched() and os.environ.get("TERM", "dumb") != "dumb"
    if watched or args.db is not None:
        return asyncio.run(_session(args, args.db or DB, watched=watched, keeps=True))
    with tempfile.TemporaryDirectory(prefix="yuanzi-chat-") as folder:
        return asyncio.run(_session(args, Path(folder) / "chat.db", watched=watched, keeps=False))


async def _session(args: argparse.Namespace, db: Path, *, watched: bool, keeps: bool) -> int:
    known = _known(db, fresh=args.fresh)
    cast = Cast.load()
    stage = Stage(
        lambda: load_config(args.config), db, start=known[0] if known else START, people=cast.people(),
    )  # fmt: skip
    await stage.open()
    try:
        out = _Out()
        screen: Screen = ColourScreen() if watched else PlainScreen(out.write)
        room = Room(stage, screen, keeps=keeps, resumed=known is not None)
        tick = timedelta(0) if watched else timedelta(seconds=1)
        chat = Chat(room, cast, tick=tick, config=_own_settings(stage.app.config))
        await _welcome(room, cast, known)
        if watched:
            await stage.app.engine.write(stage.app.desk.library.warm_up)
            await _Watched(chat, room, cast, args.speed, fresh=known is None).run()
            room.note(f"都记在 {db} 里了。下次 yuanzi chat 接着聊，yuanzi chat --fresh 从头来。")
        else:
            await _read_to_the_end(chat, out)
    finally:
        # What broke is told by the error itself; here there is nothing left to save.
        with contextlib.suppress(StorageFailure):
            await stage.close()
    return 0


def _known(db: Path, *, fresh: bool) -> tuple[datetime, str] | None:
    """Clock and identity of the last time, None for a new conversation. Raises ConfigError for somebody else's file."""
    if not db.exists():
        return None
    database = Database.open(db)
    try:
        store = Store(database)
        now, me = store.office.fact("chat.now"), store.office.fact("chat.me")
        foreign = now is None and bool(store.members.groups())
    finally:
        database.close()
    if foreign:
        hint = "换一个 --db；演示会把假人写进去，不能用在真实的群上"
        raise ConfigError([Problem(str(db), "--db", "这个数据库不是 yuanzi chat 建的", hint)])
    if fresh:
        for path in (db, db.with_name(f"{db.name}-wal"), db.with_name(f"{db.name}-shm")):
            path.unlink(missing_ok=True)
        return None
    if now is None:  # nobody talked yet, but orders may have been imported: they stay
        return None
    return datetime.fromisoformat(now), me or ""


def _own_settings(config: Config) -> dict[str, Any] | None:
    """What a saved session must lay over the shipped settings."""
    own, ours = read_toml(Path(config.file)), read_toml(shipped("config.toml"))
    return {key: table for key, table in own.items() if ours.get(key) != table} or None


async def _welcome(room: Room, cast: Cast, known: tuple[datetime, str] | None) -> None:
    name = room.stage.app.config.group(GROUP).name or cast.name
    title = f"{name}（{len(cast.people())} 人）· 模拟的群，群友都是假人，不用账号、不联网，时间由你拨"
    room.screen.heading([title, HINT])
    if known is None:
        room.divide()
        await room.meet()
        return
    if known[1]:
        room.be(known[1])
    room.note(f"接着上次：{day_and_time(known[0])}，你是 {room.me}")
    await room.keep()


class _Out:
    """Standard output for a plain screen. Shown lines wait until the bot is done, so that a reader who went away stops
    the chat and not the bot in the middle of a sentence."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self.write = self._waiting.append

    def flush(self) -> None:
        """Everything shown so far is out. Always UTF-8: the same bytes everywhere."""
        sys.stdout.buffer.write("".join(self._waiting).encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
        self._waiting.clear()


async def _read_to_the_end(chat: Chat, out: _Out) -> None:
    """One line after the other; what one line brings is out before the next is read."""
    source = sys.stdin.buffer
    out.flush()
    while line := source.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        going_on = await chat.type(line.decode("utf-8", "replace"))
        out.flush()
        if not going_on:
            return


class _Watched:
    """Somebody looks: the prompt, and a clock that runs beside it."""

    def __init__(self, chat: Chat, room: Room, cast: Cast, speed: float | None, *, fresh: bool) -> None:
        self._chat = chat
        self._room = room
        self._stage = room.stage
        self._cast = cast
        self._speed = speed
        self._openings = list(cast.openings) if fresh else []
        self._talk_ends = START + timedelta(seconds=max(one.after for one in cast.openings) + 1)
        self._before_noon = fresh
        self._idle = 0.0
        self._next_chatter = self._pause()
        self._chattered = 0
        words = self._stage.app.desk.words(self._stage.app.config.group(GROUP))
        helps = {command.word: command.help for command in chat.commands.values()}
        self._prompt = Prompt(helps, room.names, lambda: words, self._bar)

    async def run(self) -> None:
        """Until they leave. What breaks the clock ends the prompt too, and is raised."""
        with self._prompt.patched():
            tasks = {asyncio.create_task(self._talk()), asyncio.create_task(self._live())}
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in done:
                task.result()
            await self._room.keep()

    async def _talk(self) -> None:
        while True:
            try:
                typed = await self._prompt.ask()
            except (EOFError, KeyboardInterrupt):
                return
            self._idle = 0.0
            for line in typed.splitlines():
                if not await self._chat.type(line):
                    return

    async def _live(self) -> None:
        beats = 0
        while True:
            await asyncio.sleep(TICK)  # real time: somebody is watching while the group lives in its own
            beats += 1
            async with self._room.lock:
                self._room.show_at_most()
                await self._tick()
                if beats % 20 == 0:
                    await self._room.keep()

    async def _tick(self) -> None:
        """A quarter of a second for whoever looks on."""
        self._idle = 0.0 if not self._prompt.is_empty else self._idle + TICK
        now = self._stage.now
        target = now + timedelta(milliseconds=int(TICK * 1000 * self._pace(now)))
        if self._openings:
            target = min(target, max(now, START + timedelta(seconds=self._openings[0].after)))
        if self._before_noon and now < NOON:
            target = min(target, NOON)
        await self._room.until(target)
        if self._openings and self._stage.now >= START + timedelta(seconds=self._openings[0].after):
            opening = self._openings.pop(0)
            if self._stage.now < NOON:
                await self._room.chatter(self._cast.actors[opening.member].name, opening.text)
        elif self._before_noon and self._stage.now >= NOON:
            self._before_noon = False
            if self._stage.now < NOON + timedelta(minutes=1):
                self._room.note(WELCOME)
        elif not self._before_noon:
            await self._chatter()

    def _pace(self, now: datetime) -> float:
        if self._speed is not None:
            return self._speed
        if not self._before_noon or now >= NOON:
            return 1.0
        return TALKING if now < self._talk_ends else HURRYING

    async def _chatter(self) -> None:
        """Now and then somebody says something, when nobody types and it is day."""
        self._next_chatter -= TICK
        if self._next_chatter > 0 or self._idle < QUIET or self._stage.now.hour not in AWAKE:
            return
        luck, day = self._stage.app.luck, f"周{'一二三四五六日'[self._stage.now.weekday()]}"
        said = [
            (one.name, line) for one in self._cast.actors.values() for line in one.lines
            if one.name != self._room.me and one.name not in self._room.left and (day in line or "周" not in line)
        ]  # fmt: skip
        said.sort(key=lambda pair: luck.below(1 << 30, "chatter", self._stage.run, *pair))
        name, line = said[self._chattered % len(said)]
        self._chattered += 1
        self._next_chatter = self._pause()
        await self._room.chatter(name, line)

    def _pause(self) -> float:
        """Real seconds until somebody says something again."""
        return 15.0 + self._stage.app.luck.below(30, "pause", self._stage.run, self._stage.count)

    def _bar(self) -> str:
        where = f"和{self._room.bot}私聊" if self._chat.private else self._cast.name
        now = self._stage.now
        return f" {self._room.me} · {where} · {day_and_time(now)}:{now:%S} · 签到　小满: 签到　/过一天　/帮助 "
