"""What may be set, per group and for the deployment, with the default and its reason. Unknown keys are refused."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNITS = {
    "s": "seconds", "秒": "seconds", "min": "minutes", "m": "minutes", "分钟": "minutes", "分": "minutes",
    "h": "hours", "小时": "hours", "d": "days", "天": "days", "周": "weeks", "w": "weeks",
}  # fmt: skip
_SPAN = re.compile(r"^(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)$")
_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
LONGEST = timedelta(days=3650)


def parse_span(value: Any) -> timedelta:
    """`90s`, `15min`, `1h`, `3d`, `20分钟`, `2小时`, `1天` -> a length of time. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = _SPAN.match(str(value).strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    if not match or unit is None:
        raise ValueError(f"「{value}」不是时长，应写成 30s、15min、1h、3d 这样")
    try:
        span = timedelta(**{unit: float(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError(f"「{str(value)[:40]}」太长了，最多 {LONGEST.days} 天")
    return span


def show_span(span: timedelta) -> str:
    """A length of time as people write it, the inverse of `parse_span` for whole units."""
    seconds = int(span.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_clock(value: Any) -> int:
    """`12:00` -> minutes after midnight. Raises ValueError saying what is right."""
    match = _CLOCK.match(str(value).strip())
    if not match:
        raise ValueError(f"「{value}」不是钟点，应写成 09:00 这样")
    return int(match[1]) * 60 + int(match[2])


def _quiet(value: Any) -> tuple[int, int] | None:
    if value in ("", None):
        return None
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, int) for one in value):
        return (int(value[0]), int(value[1]))
    start, dash, end = str(value).partition("-")
    if not dash:
        raise ValueError(f"「{value}」不是时段，应写成 22:30-07:30，留空表示不设")
    return parse_clock(start), parse_clock(end)


def _zone(value: Any) -> str:
    try:
        ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"「{value}」不是时区，应写成 Asia/Shanghai 这样") from error
    return str(value)


Span = Annotated[timedelta, BeforeValidator(parse_span)]
Clock = Annotated[int, BeforeValidator(parse_clock)]
Quiet = Annotated[tuple[int, int] | None, BeforeValidator(_quiet)]
Zone = Annotated[str, BeforeValidator(_zone)]
Day = Annotated[date | None, BeforeValidator(lambda value: value or None)]
Floor = Annotated[str, BeforeValidator(str), Field(pattern=r"^[1-9][0-9]{0,5}$")]
Floors = tuple[Floor, ...]
"""Numbers of floors, as staff write them."""
Word = Annotated[str, Field(min_length=1, max_length=32)]


class Part(BaseModel):
    """A table of settings: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Welcome(Part):
    """How newcomers are greeted."""

    on: bool = Field(True, title="欢迎新人")
    gap: Span = Field(
        timedelta(hours=1), title="两次欢迎至少隔多久", description="文章 000：每次进群都弹太吵，一小时一次"
    )
    max_names: int = Field(5, ge=1, le=30, title="一次最多点几个名字", description="再多就写「等 N 位」，一屏看得完")
    rejoin_days: int = Field(
        30, ge=0, le=3650, title="多少天内重新进群不再欢迎", description="退了又进的人不想再被欢迎一遍"
    )
    stale_after: Span = Field(
        timedelta(hours=2), title="进群多久以后就不再补欢迎", description="断线回来，不欢迎几小时前的人"
    )
    benefit: str = Field(
        "", max_length=200, title="欢迎里带上的福利一句话", description="文章 000：欢迎语加明确福利，进店率更高"
    )
    sources: dict[str, str] = Field(
        default_factory=dict, title="来源 -> 欢迎话术", description="比如 抖音 = welcome.douyin"
    )
    phrase: str = Field("welcome.group", title="欢迎话术")


class Milestone(Part):
    """What a streak of so many days wins."""

    days: int = Field(ge=1, le=1000)
    points: int = Field(0, ge=0, le=100_000)
    cards: int = Field(0, ge=0, le=10, description="补签卡")
    prize: str = Field("", max_length=60, description="实物或卡券，发给员工兑现")

    @model_validator(mode="after")
    def _something(self) -> "Milestone":
        if not (self.points or self.cards or self.prize):
            raise ValueError("里程碑至少要给一样：points、cards 或 prize")
        return self


class CheckIn(Part):
    """Daily check-in."""

    on: bool = Field(True, title="签到")
    words: tuple[Word, ...] = Field(("签到", "打卡"), min_length=1, title="签到口令")
    points: int = Field(
        5, ge=0, le=10_000, title="每天几分", description="100 分抵 1 元，一天 5 分，一个月够换点小东西"
    )
    grace: Span = Field(
        timedelta(0), title="夜猫子宽限", description="0 点后这么久内，前一天还没签就算前一天；默认按自然日"
    )
    late_days: int = Field(
        31, ge=0, le=366, title="迟到的消息最多补记几天", description="断线补传按发生的那天算，太久以前的不算"
    )
    milestones: tuple[Milestone, ...] = Field(
        (
            Milestone(days=3, prize="试吃装一份"),
            Milestone(days=7, points=20, cards=1),
            Milestone(days=14, points=50),
            Milestone(days=30, points=100, cards=1, prize="当月新品一份"),
        ),
        title="连续签到奖励",
        description="文章 000：签满 X 天赢试吃装；第一个奖放近一点，第一周就拿得到",
    )
    make_up_days: int = Field(7, ge=0, le=60, title="最多补签几天前的", description="一周内的漏签可以用补签卡补")
    page: int = Field(10, ge=3, le=50, title="签到榜一页几人")
    private: bool = Field(
        False, title="1 对 1 里也能签到", description="微信客服这样没有群的通道打开它；单独算，不和任何群混在一起"
    )

    @model_validator(mode="after")
    def _each_once(self) -> "CheckIn":
        days = [milestone.days for milestone in self.milestones]
        if len(set(days)) != len(days):
            raise ValueError("同一个天数写了两次里程碑")
        return self


class Faq(Part):
    """Keyword answers."""

    on: bool = Field(True, title="关键词回复")
    cooldown: Span = Field(timedelta(minutes=10), title="同一答案多久内不重复", description="群里刚答过，往上翻就有")
    coverage: float = Field(
        0.75, ge=0.1, le=1.0, title="没@我时，关键词要占整句的几成才答", description="顺口提到不算问，宁可安静"
    )


class Play(Part):
    """Games in the group."""

    points: int = Field(10, ge=0, le=10_000, title="赢一局给几分", description="两天签到的分，够开心又不至于刷")


class Level(Part):
    """A title that members hold from so many lifetime points on."""

    title: str = Field(min_length=1, max_length=12)
    at: int = Field(0, ge=0, le=10_000_000, description="攒满几分（花掉的也算）")
    percent: int = Field(100, ge=100, le=500, description="签到、发言、邀请的积分按百分之几给")
    days: int = Field(0, ge=0, le=3650, description="称号要保级：只看最近几天攒的分；0 是终身")


class Gate(Part):
    """Freeloader gates before a redemption. A number of 0 switches its rule off."""

    mode: Literal["off", "shadow", "on"] = Field(
        "shadow", title="防羊毛党", description="shadow 只记下会拦谁、照常兑换；看过「防刷预览」再开 on，免得误伤老实人"
    )
    tenure: int = Field(3, ge=0, le=365, title="进群满几天", description="领完就走的人多半当天进群")
    talk: int = Field(3, ge=0, le=1000, title="近 30 天至少说过几句真话", description="指令、复读、单字不算")
    wins: int = Field(3, ge=0, le=1000, title="近 7 天最多拿几份", description="让更多人拿到")
    leavers: int = Field(2, ge=0, le=1000, title="拉来又退群的人到几个", description="拉小号领邀请分的样子")
    cluster: int = Field(3, ge=0, le=1000, title="同一人拉来的几个人近 7 天换了同一样", description="一串小号的样子")


class Points(Part):
    """Points: what they are worth, how they are earned, titles, gates."""

    on: bool = Field(True, title="积分和商城")
    per_yuan: int = Field(100, ge=1, le=100_000, title="几分抵 1 元", description="文章 000：100 分抵 1 元")
    page: int = Field(10, ge=3, le=30, title="明细和排行榜一页几行", description="手机一屏看得完")
    talk: int = Field(0, ge=0, le=100, title="一句话几分", description="默认不给：给分会招来灌水；每天清点，不逐条记账")
    talk_most: int = Field(5, ge=1, le=20, title="一天最多几句算分", description="多说不多得，聊天不变成任务")
    talk_chars: int = Field(4, ge=2, le=100, title="几个字起才算一句", description="「嗯」「哈哈」不算")
    invite: int = Field(0, ge=0, le=10_000, title="邀请一人几分", description="默认不给：先看防刷预览再开")
    invite_days: int = Field(7, ge=0, le=365, title="被邀请的人几天内退群就收回", description="拉来就走的不算")
    invite_most: int = Field(5, ge=1, le=1000, title="一天最多几个邀请算分", description="一天拉几十人的多半在刷")
    grant_most: int = Field(1_000, ge=1, le=1_000_000, title="员工一次最多发几分", description="防手滑多打一个零")
    levels: tuple[Level, ...] = Field(
        (
            Level(title="新朋友"), Level(title="常客", at=200), Level(title="老友", at=1_000),
            Level(title="元老", at=5_000),
        ),
        title="等级称号", description="一天 5 分，一个多月到常客，半年到老友；默认不加成，省得账算不清",
    )  # fmt: skip
    gate: Gate = Field(default_factory=lambda: Gate())

    @model_validator(mode="after")
    def _rising(self) -> "Points":
        marks = [level.at for level in self.levels]
        if marks != sorted(set(marks)) or len({level.title for level in self.levels}) != len(marks):
            raise ValueError("等级要从低到高写，称号和分数都不能重复")
        return self


class Quiz(Part):
    """Quiz sessions."""

    on: bool = Field(True, title="答题")
    seconds: int = Field(60, ge=10, le=600, title="一题几秒", description="看题、想、打字，手机上一分钟正好")
    pause: int = Field(6, ge=0, le=120, title="两题之间歇几秒", description="留点时间看解释，也不刷屏")
    hints: int = Field(2, ge=0, le=5, title="一题最多给几条提示", description="隔一样的时间给一条，题库一般写两条")
    questions: int = Field(5, ge=1, le=20, title="「答题」不写数时几题", description="五题五六分钟，大家坐得住")
    most: int = Field(10, ge=1, le=50, title="一局最多几题", description="再长就该分两局了")
    points: int = Field(5, ge=0, le=1_000, title="答对一题几分", description="和签到一天一样多")
    speed_bonus: int = Field(
        3,
        ge=0,
        le=1_000,
        title="答得快加几分",
        description="抢答：还没给提示就答对；全员答题：最快的加满，后面按名次除",
    )
    repeat_days: int = Field(
        30, ge=0, le=3650, title="多少天内不出同一题", description="一个月内还记得答案，再出就没意思"
    )
    difficulty: int = Field(0, ge=0, le=3, title="难度", description="1 简单、2 中等、3 难，0 都出")
    silent: int = Field(2, ge=1, le=20, title="连着几题没人答就收", description="没人在看，不对着空群说话")
    appeal: Span = Field(
        timedelta(minutes=30),
        title="一题结束后多久内可以申诉答案",
        description="说得清的都在半小时内；太久分数就不动了",
    )


class Games(Part):
    """The single games: how long, how many, how often."""

    staff_only: tuple[Word, ...] = Field((), title="只许员工开的游戏", description="写游戏名，比如 投票；拼团总归员工")
    idle: Span = Field(timedelta(minutes=10), title="多久没人接就自己结束", description="十分钟没人接，大家就是散了")
    longest: Span = Field(timedelta(days=30), title="截止时间最远多久", description="再远就没人记得了")
    board_gap: Span = Field(
        timedelta(seconds=30), title="看板至少隔多久再发", description="投票、报名一窝蜂来时，半分钟汇总一次，不刷屏"
    )
    relay_match: Literal["char", "tone", "sound"] = Field(
        "char", title="成语接龙怎么算接上", description="char 同字；tone 同音同调也行；sound 同音就行"
    )
    relay_most: int = Field(200, ge=5, le=500, title="成语接龙最长几个", description="两百个够一晚上，到头算圆满")
    relay_least: int = Field(4, ge=1, le=100, title="成语接龙接满几个才给分", description="接一两个就散，不算赢")
    relay_hints: int = Field(3, ge=0, le=50, title="成语接龙一局几次提示", description="提示太多就成了机器人自己玩")
    pass_span: Span = Field(timedelta(minutes=30), title="口令接龙限时", description="半小时凑不齐就散")
    floor_span: Span = Field(timedelta(minutes=30), title="盖楼默认多久", description="一个午休够盖一栋")
    floor_lucky: Floors = Field(
        ("8", "18", "66", "88", "168", "188"),
        title="幸运楼层",
        description="开局就公布，中途不改；前密后疏，小群也中得到",
    )
    floor_every: int = Field(10, ge=1, le=1000, title="每几层报一次楼", description="层层都报会刷屏")
    floor_most: int = Field(2000, ge=10, le=100_000, title="最高盖到几层", description="到顶就封顶，免得没完")
    pk_span: Span = Field(timedelta(minutes=10), title="花式PK多久", description="十分钟一场，中场报一次比分")
    sums_rounds: int = Field(5, ge=1, le=50, title="速算几题", description="五题两三分钟，见好就收")
    sums_wait: Span = Field(timedelta(seconds=60), title="速算一题等多久", description="一分钟没人答就公布")
    vote_span: Span = Field(timedelta(days=1), title="投票默认多久", description="一天，早晚看群的人都投得到")
    vote_options: int = Field(10, ge=2, le=30, title="投票最多几个选项", description="再多一屏看不完")
    buy_gap: Span = Field(timedelta(minutes=10), title="拼团看板至少隔多久再发", description="十分钟一次，有人参团才发")
    buy_span: Span = Field(timedelta(hours=8), title="拼团默认多久", description="当天开当天成")
    buy_stock: int = Field(30, ge=1, le=10_000, title="拼团默认几份", description="没写份数时用")
    signup_span: Span = Field(timedelta(days=7), title="报名默认多久", description="一周，够下一次活动")
    signup_most: int = Field(200, ge=2, le=500, title="报名最多几人", description="微信群上限 500；再多要分批")
    signup_native: bool = Field(True, title="读微信自带的 #接龙", description="大家已经会用，不必改习惯")
    story: str = Field("", max_length=60, title="连载哪个故事", description="文件名，留空就是人设里的头一个")
    story_since: Day = Field(None, title="从哪天起的签到算数", description="开新故事时写；留空就全算")
    story_gap: Span = Field(
        timedelta(hours=1), title="同一回多久内不在群里重贴", description="加了好友的发私信，没加的才贴群里"
    )


class DrawSettings(Part):
    """Lucky draws."""

    on: bool = Field(True, title="抽奖")
    most_open: int = Field(5, ge=1, le=50, title="一个群同时最多开几个抽奖", description="再多就没人记得口令")
    entry_gap: Span = Field(
        timedelta(seconds=20),
        title="报名回话至少隔多久",
        description="几百人一起报名，不能一人一句刷屏；没回话的也记下了",
    )
    result_within: Span = Field(
        timedelta(days=1),
        title="停机回来，多久内的抽奖公告还要补发",
        description="开奖结果晚了也得公布，隔天再说就只能查",
    )
    public_within: Span = Field(
        timedelta(days=3), title="名单封存后几天内要填公开数", description="过期公开作废：不能封了名单又一直不开"
    )
    page_bytes: int = Field(1400, ge=500, le=1500, title="一条公告最多多少字节", description="企业微信一条 2048 字节")
    proof_pages: int = Field(
        4, ge=1, le=20, title="验奖最多在群里发几条", description="更长的用 yuanzi draw proof 导出文件"
    )
    mentions: int = Field(10, ge=0, le=50, title="开奖时最多@几位中奖的人")

    @model_validator(mode="after")
    def _waits(self) -> "DrawSettings":
        if self.public_within <= timedelta(0) or self.result_within <= timedelta(0):
            raise ValueError("public_within 和 result_within 要大于 0")
        return self


class GroupSettings(Part):
    """Everything that can be set for one group."""

    name: str = Field("", max_length=60, title="群名")
    channel: str = Field("", title="走哪个通道", description="定时发布用；留空就用最近听到消息的那个")
    zone: Zone = Field("Asia/Shanghai", title="时区")
    muted: bool = Field(False, title="静音", description="只回答，不主动说话")
    quiet: Quiet = Field((22 * 60 + 30, 7 * 60 + 30), title="安静时段", description="这段时间不发活动和提醒，回答照常")
    scripts: tuple[str, ...] = Field((), title="定时脚本", description="默认不主动发；写脚本名，比如 welfare")
    welcome: Welcome = Field(default_factory=lambda: Welcome())
    checkin: CheckIn = Field(default_factory=lambda: CheckIn())
    faq: Faq = Field(default_factory=lambda: Faq())
    play: Play = Field(default_factory=lambda: Play())
    points: Points = Field(default_factory=lambda: Points())
    quiz: Quiz = Field(default_factory=lambda: Quiz())
    games: Games = Field(default_factory=lambda: Games())
    draws: DrawSettings = Field(default_factory=lambda: DrawSettings())


class Role:
    """Staff roles, weakest first; each may do what those before it may."""

    ORDER = ("read-only", "service", "guide", "operator", "owner")

    @classmethod
    def reaches(cls, role: str, needed: str) -> bool:
        """Whether `role` may do what needs `needed`."""
        return cls.ORDER.index(role) >= cls.ORDER.index(needed)


class Staff(Part):
    """One member of staff: rights hang on the platform id, never on a name."""

    id: str = Field(min_length=1, max_length=128)
    name: str = ""
    role: Literal["owner", "operator", "guide", "service", "read-only"] = "operator"
    channels: tuple[str, ...] = Field((), description="留空表示所有通道")


class Storage(Part):
    """Where and how things are remembered."""

    path: str = "var/yuanzi.db"
    synchronous: Literal["full", "normal", "off"] = Field(
        "full", description="full：断电也不丢；normal：断电可能丢最后几条，进程被杀不丢"
    )
    retention: Span = Field(timedelta(days=400), description="更早的互动汇总成月度次数后删除；400 天够看同比")


class OutboxSettings(Part):
    """How long a line of each class may wait before it is better unsaid, and how often a send is tried."""

    reply: Span = Field(timedelta(minutes=10), description="十分钟前的话再回，只会让人莫名其妙")
    game: Span = Field(timedelta(minutes=10), description="一局的话过了就过了")
    reminder: Span = Field(timedelta(minutes=15), description="提醒晚了就不再是提醒")
    campaign: Span = Field(timedelta(minutes=15), description="定时内容晚一刻钟就不发，报漏发")
    staff: Span = Field(timedelta(days=3), description="给员工的话周末也要等得到")
    attempts: int = Field(5, ge=1, le=50, description="通道说稍后再试时，最多试几次")


class BotPart(Part):
    """Who the bot is here."""

    persona: str = "xiaoyuanzi"
    ids: tuple[str, ...] = Field(("yuanzi", "bot"), description="平台上机器人自己的 id，被@时认得出来")
    seed: str = Field("", description="运气的种子；留空则第一次启动时随机生成并记在库里")
    scripts: str = Field("", description="自己的定时脚本目录；留空用自带的")
    draws: str = Field("", description="自己的抽奖目录（一个 TOML 一个抽奖）；留空用自带的")
    persona_dir: str = Field("", description="自己的人设目录；留空用 ./persona 或自带的")


class PaceSettings(Part):
    """How fast an account talks."""

    account_gap: Span = timedelta(0)
    group_gap: Span = timedelta(0)
    jitter: Span = timedelta(0)


class ChannelSettings(Part):
    """One channel of this deployment."""

    on: bool = True
    pace: PaceSettings = Field(default_factory=lambda: PaceSettings())


class Settings(Part):
    """The whole of config.toml. Groups are merged over `groups.default` before they are read."""

    bot: BotPart = Field(default_factory=lambda: BotPart())
    storage: Storage = Field(default_factory=lambda: Storage())
    outbox: OutboxSettings = Field(default_factory=lambda: OutboxSettings())
    staff: tuple[Staff, ...] = ()
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    wechaty: dict[str, dict[str, Any]] = Field(default_factory=dict)
    wecom: dict[str, Any] = Field(default_factory=dict)
    """Both are proven by the channels themselves (bot/wiring.py): each knows its own settings."""
    groups: dict[str, GroupSettings] = Field(default_factory=dict)
