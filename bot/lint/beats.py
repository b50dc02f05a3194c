"""Rules for single beats: what they say they are, how they are worded, how much they want at once. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.config import nearest
from bot.lint.findings import RULES, Finding, Severity
from bot.lint.material import Material, Spoken, file_of, key_of, spoken
from bot.scripts import Beat
from bot.settings.lint import LintSettings

DEALS = frozenset({"flash", "group-buy", "benefit", "member-day"})
"""Kinds that are a deal whatever else they say."""
PROMOTING = DEALS | {"new-item", "trial", "referral"}
"""Kinds that a group without promotion must not get."""
INVITING = frozenset({"announcement", "lesson", "live"})
"""Kinds that ask people to come and see something."""
_PRICE = re.compile(
    r"\d+(\.\d+)?\s*(元|块|折)|[¥￥]\s*\d+|满\s*\d+\s*(减|送|赠)|半价|秒杀|特价|优惠价|限时价|立减|折扣|会员价|前\s*\d+\s*单"
)
_MATHS = re.compile(
    r"定金|尾款|膨胀|折上折|满减叠加|叠加(使用|优惠|券)|再叠加|凑单|跨店|阶梯价|第[二三四2-9]件|满\s*\d+\s*减\s*\d+[^。\n]{0,12}(再|又|叠|满)"
    r"|\d\s*折[^。\n]{0,6}(再|又|后再)"
)
_TAIL = re.compile(r"[\s～~…·😀-🙏🌀-🗿🚀-🛿✨☀🌼🥤🎁⭐❤️]+$")
_OPEN = re.compile(r"什么|啥|哪|谁|怎|为何|为什么|如何|多少|多久|几|还是|有没有|想不想|会不会|派|聊聊|说说|讲讲|哪里")
_FACETS = (
    ("who", "谁来、给谁", re.compile(r"^\W*(谁来|谁讲|主讲|嘉宾|主播|讲师|适合|给谁|人物|来的是)", re.MULTILINE)),
    ("why", "为什么看", re.compile(r"^\W*(为什么|为何|看点|讲什么|聊什么|主题|解决)", re.MULTILINE)),
    ("what", "能得到什么", re.compile(r"^\W*(你能|您能|能得到|得到|带走|收获|看完|听完|到场|福利|有礼)", re.MULTILINE)),
)
_GAIN = "(得|领|拿|送|获|减|奖|券|积分|试吃|礼)"
_ME, _THEM = "(你|您|自己|邀请人|老朋友)", "((?<!老)朋友|好友|新人|对方|TA|他|她)"
_SELF = re.compile(rf"{_ME}((?!{_THEM})[^。！？\n]){{0,14}}?{_GAIN}", re.IGNORECASE)
_FRIEND = re.compile(rf"{_THEM}((?!{_ME})[^。！？\n]){{0,14}}?{_GAIN}", re.IGNORECASE)
_BOTH = re.compile(r"(双方|两个人|两人|两边|一人一|各)[^。！？\n]{0,8}(得|领|拿|送|获|减|奖|券|积分|份|都有)")


@dataclass(frozen=True, slots=True)
class Look:
    """A beat, what it is said with, and the numbers it is measured against."""

    beat: Beat
    material: Material
    settings: LintSettings


Check = Callable[[Look], Iterator[Finding]]


def found(
    beat: Beat, rule: str, what: str, fix: str, *, row: str = "", file: str = "", needle: str = "",
    severity: Severity = "warning",
) -> Finding:  # fmt: skip
    """A finding at a beat, or at `row` of another `file` that it uses."""
    own = f'id = "{beat.campaign.partition(".")[2]}"'
    return Finding(rule, severity, file or file_of(beat), row or key_of(beat), what, fix, needle or own)


def check_beat(beat: Beat, material: Material, settings: LintSettings) -> Iterator[Finding]:
    """Everything to say of one beat, wherever it plays; `settings` bring the numbers."""
    yield from unknown_rules(beat)
    for check in CHECKS:
        for one in check(Look(beat, material, settings)):
            if one.rule not in beat.lint_off:
                yield one


def unknown_rules(beat: Beat) -> Iterator[Finding]:
    """Silenced rules that nobody has."""
    for name in beat.lint_off:
        if name not in RULES:
            yield found(beat, "lint-off", f"lint_off 里的「{name}」不是规则", _meant(name), severity="error")


def _meant(name: str) -> str:
    close = nearest(name, RULES)
    return f"是不是想写 {close[0]}？" if close else f"有：{'、'.join(RULES)}"


def new_items(look: Look) -> Iterator[Finding]:
    """A new-item day has exactly so many items."""
    beat = look.beat
    if beat.made_by_chat:
        return  # the dialogue asks for words, not for items
    if beat.kind == "new-item" and len(beat.items) != look.settings.new_items:
        yield found(
            beat,
            "two-items",
            f"「{beat.title}」items 写了 {len(beat.items)} 样",
            f"新品日正好 {look.settings.new_items} 样",
        )


def mechanics(look: Look) -> Iterator[Finding]:
    """Few mechanics, and no sums to be done."""
    beat = look.beat
    if len(beat.mechanics) > look.settings.mechanics:
        what = f"「{beat.title}」有 {len(beat.mechanics)} 种玩法：{'、'.join(beat.mechanics)}"
        yield found(beat, "mechanics", what, f"最多 {look.settings.mechanics} 种，留下一眼看懂的")
    if beat.deal or beat.kind in PROMOTING:
        for text in (*beat.mechanics, *(value for words in beat.all_words() for value in words.slots.values())):
            match = _MATHS.search(text)
            if match:
                what = f"「{beat.title}」要成员自己算：「{match[0]}」"
                yield found(beat, "maths", what, "写到手价，或者一个直接的折扣", needle=text)


def labels(look: Look) -> Iterator[Finding]:
    """Each beat says what it is, and deals say that they are."""
    beat = look.beat
    if not beat.kind and not beat.made_by_chat:  # by chat, whoever made it was asked
        yield found(beat, "labels", f"「{beat.title}」没写 kind", 'kind = "topic" 这样写明是哪一类，配比和扎堆才算得准')
    if beat.kind in DEALS and not beat.deal:
        yield found(beat, "labels", f"「{beat.title}」是 {beat.kind}，没标 deal", "写上 deal = true")
    elif not beat.deal and (price := _price_in(beat, look.material)):
        yield found(
            beat, "labels", f"「{beat.title}」说到「{price}」，没标 deal",
            "是优惠就写 deal = true，不是就换个说法", needle=price,
        )  # fmt: skip
    if beat.deal and beat.content != "product":
        yield found(
            beat,
            "labels",
            f"「{beat.title}」标了 deal，content 却是 {beat.content}",
            'content = "product"，占比才算得对',
        )


def _price_in(beat: Beat, material: Material) -> str:
    """What looks like a price or a discount in the words of a beat."""
    if beat.personal is not None or beat.task is not None:
        return ""
    for words in beat.all_words():
        for text in (*words.slots.values(), *material.content.voice.phrases.get(words.phrase, ())):
            match = _PRICE.search(text)
            if match:
                return match[0]
    return ""


def topic(look: Look) -> Iterator[Finding]:
    """A topic ends in a question that more than yes or no can answer."""
    beat = look.beat
    if beat.kind != "topic":
        return
    for one in _ways(look):
        problem = _closed(one)
        if not problem:
            continue
        fix = "用「什么、哪一款、怎么」这样的问句收尾"
        if one.entry is not None and _closed(Spoken(one.words, one.variant, one.entry.text)):
            number = look.material.content.banks[beat.bank].entries.index(one.entry) + 1
            yield found(
                beat, "topic-question", f"「{_short(one.entry.text)}」{problem}", fix, row=f"entry.{number}.text",
                file=look.material.bank_file(beat.bank), needle=one.entry.text,
            )  # fmt: skip
        else:
            yield _at_phrase(beat, look.material, one, "topic-question", f"「{_short(one.text)}」{problem}", fix)


def _closed(one: Spoken) -> str:
    """Why a topic leaves no room for an answer; empty when it does."""
    text = _TAIL.sub("", one.text)
    if not text.endswith(("？", "?")):
        return "没有以问句收尾"
    asked = re.split(r"[。！\n]", text)[-1]
    if re.search(r"(吗|吧|对不对|是不是|好不好)[？?]$", text) and not _OPEN.search(asked):
        return "只能答是或不是"
    return ""


def _ways(look: Look, *, entries: bool = True) -> Iterable[Spoken]:
    """Every way in which a beat may be said. Of what was made by chat only the words that were typed: the phrase around
    them is not their author's."""
    beat = look.beat
    if beat.made_by_chat and beat.slots:
        return [Spoken(words, text, text) for words in (beat.variant_for(()),) for text in words.slots.values()]
    return spoken(beat, look.material.content, entries=entries)


def _short(text: str) -> str:
    plain = text.replace("\n", " ")
    return plain if len(plain) <= 24 else f"{plain[:23]}…"


def _at_phrase(beat: Beat, material: Material, one: Spoken, rule: str, what: str, fix: str) -> Finding:
    """A finding at the phrase that a beat uses: it is to be changed there."""
    if beat.made_by_chat and beat.slots:
        return found(beat, rule, what, fix)
    file = material.phrase_files.get(one.words.phrase, "")
    return found(beat, rule, f"{what}（{beat.id} 用它）", fix, row=one.words.phrase, file=file, needle=one.variant)


def announcement(look: Look) -> Iterator[Finding]:
    """Who asks people to come says who will be there, why to look, and what they take home."""
    beat = look.beat
    if beat.kind not in INVITING or beat.personal is not None:
        return
    missing: dict[str, Spoken] = {}
    for one in spoken(beat, look.material.content, entries=False):
        for slot, title, pattern in _FACETS:
            if not one.words.slots.get(slot) and not pattern.search(one.text):
                missing.setdefault(title, one)
    if missing:
        what = f"「{beat.title}」没说：{'、'.join(missing)}"
        yield found(
            beat,
            "who-why-what",
            what,
            "加三行：「谁来：…」「为什么看：…」「你能得到：…」，或写进 slots 的 who、why、what",
        )


def referral(look: Look) -> Iterator[Finding]:
    """An invitation names what either side gets."""
    beat = look.beat
    if beat.kind != "referral":
        return
    for one in _ways(look, entries=False):
        if _BOTH.search(one.text):
            continue
        sides = [side for side, seen in (("邀请的人", _SELF), ("被邀请的人", _FRIEND)) if not seen.search(one.text)]
        if sides:
            what = f"「{_short(one.text)}」没说{'和'.join(sides)}能得到什么"
            yield _at_phrase(beat, look.material, one, "both-sides", what, "两头都写：你得…，朋友得…")


def length(look: Look) -> Iterator[Finding]:
    """A post fits the screen, a line to one person fits a glance."""
    beat = look.beat
    private = beat.personal is not None and beat.personal.where == "private"
    most = look.settings.private_chars if private else look.settings.group_chars
    longest = max(spoken(beat, look.material.content, entries=False), key=lambda one: len(one.text), default=None)
    if longest is None:
        return
    size = len(longest.text.encode("utf-8", "replace"))
    if size > 2048:
        what = f"「{beat.title}」填好以后 {size} 字节，企业微信一条最多 2048，后面的会被截掉"
        yield found(beat, "length", what, "分成两条，或者删短", severity="error", needle="")
    elif len(longest.text) > most:
        where = "一对一" if private else "群里"
        what = f"「{beat.title}」填好以后 {len(longest.text)} 个字，{where}最多 {most}"
        yield found(beat, "length", what, "一条只说一件事，其余放到下一条")


def draw(look: Look) -> Iterator[Finding]:
    """Who announces a draw says where its rules are."""
    beat = look.beat
    if beat.kind != "draw":
        return
    for one in _ways(look, entries=False):
        if "规则" not in one.text and not re.search(r"「[^」]{1,12}」", one.text):
            what = f"「{_short(one.text)}」没说在哪里看规则"
            yield _at_phrase(beat, look.material, one, "lottery", what, "写上「回「抽奖」看规则」")


CHECKS: tuple[Check, ...] = (new_items, mechanics, labels, topic, announcement, referral, length, draw)
