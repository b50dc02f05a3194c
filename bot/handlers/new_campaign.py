"""新活动: a dialogue in 1:1 that makes a campaign without touching files; 删活动 takes one away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.campaign_words import LATE_TITLES, USUAL, parse_late, parse_when, show_when
from bot.campaigning import foresee, name_of, spoken
from bot.contact import KINDS
from bot.context import Context, zone_of
from bot.errors import ConfigError, Mistake
from bot.events import MessageReceived
from bot.exposure import Exposure
from bot.own_beats import PHRASE, add_own, own_beat
from bot.posting import SHORTEST
from bot.proposals import needs_second, propose
from bot.replies import PASS, Say, Sort, Wishes, say
from bot.router import Router
from bot.scripts import OWN, Beat
from bot.words import bare, normalise, one_line
from bot.world import to_ms

router = Router("new_campaign", "活动")
router.says(
    {
        "campaign_new.ask": "step total question", "campaign_new.bad": "reason", "campaign_new.cancelled": "",
        "campaign_new.preview": "title rows", "campaign_new.made": "title next", "campaign_new.in_private": "",
        "campaign_new.gone": "title", "campaign_new.not_own": "text rows", "campaign_new.busy": "",
    }
)  # fmt: skip
Answers = dict[str, Any]
LONGEST = 500
CLOSE = timedelta(minutes=30)
"""Two posts nearer than this look like a machine."""
CONTENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("有用的（知识、提醒）", {"content": "useful"}),
    ("案例、故事", {"content": "case"}),
    ("好玩的（话题、游戏）", {"content": "fun"}),
    ("产品介绍（没有优惠）", {"content": "product"}),
    ("优惠活动", {"content": "product", "deal": True}),
    ("服务通知", {"content": "service"}),
)
_KINDS = list(KINDS.items())


@dataclass(frozen=True, slots=True)
class Step:
    """One question; `read` turns the answer into fields, raising ValueError with what would be right."""

    key: str
    ask: Callable[[Context], str]
    read: Callable[[str, Answers, Context], Answers]


def _groups(ctx: Context) -> list[str]:
    return list(dict.fromkeys([*ctx.config.named_groups, *ctx.store.members.groups()]))[:30]


def _numbered(rows: list[str]) -> str:
    return "\n".join(f"{number}. {one}" for number, one in enumerate(rows, start=1))


def _number(text: str, most: int) -> int:
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= most:
        raise ValueError(f"回 1 到 {most} 的编号")
    return int(text)


def _read_title(text: str, answers: Answers, ctx: Context) -> Answers:
    clean = one_line(text, 40)
    if not clean:
        raise ValueError("写 1 到 40 个字")
    if any(normalise(clean) == normalise(beat.title) for beat in ctx.desk.beats().values()):
        raise ValueError(f"已经有「{clean}」了，换个名字")
    return {"title": clean}


def _read_groups(text: str, answers: Answers, ctx: Context) -> Answers:
    known = _groups(ctx)
    words = text.replace("、", " ").replace("，", " ").replace(",", " ").split()
    if not words:
        raise ValueError(f"回 1 到 {len(known)} 的编号")
    return {"groups": list(dict.fromkeys(known[_number(one, len(known)) - 1] for one in words))}


def _read_when(text: str, answers: Answers, ctx: Context) -> Answers:
    return {"when": parse_when(text, ctx.now.astimezone(zone_of(ctx.config.group(answers["groups"][0]))))}


def _read_text(text: str, answers: Answers, ctx: Context) -> Answers:
    if text.startswith("话术"):
        key = text.removeprefix("话术").strip()
        slots = ctx.desk.slots_of(key)
        if slots is None:
            raise ValueError(f"人设里没有话术「{key[:40]}」")
        if slots:
            raise ValueError(f"话术「{key}」还要填 {'、'.join(sorted(slots))}，在脚本文件里用它，这里直接写要说的话")
        return {"phrase": key, "slots": {}}
    if not text or len(text) > LONGEST:
        raise ValueError(f"写 1 到 {LONGEST} 个字")
    if taboo := ctx.desk.taboo_in(text):
        raise ValueError(f"用了禁用词「{'」「'.join(taboo)}」，换个说法")
    return {"phrase": PHRASE, "slots": {"text": text}}


def _read_content(text: str, answers: Answers, ctx: Context) -> Answers:
    return {"about": dict(CONTENTS[_number(text, len(CONTENTS)) - 1][1])}


def _read_kind(text: str, answers: Answers, ctx: Context) -> Answers:
    return {"kind": "" if text in ("无", "没有") else _KINDS[_number(text, len(_KINDS)) - 1][0]}


def _read_late(text: str, answers: Answers, ctx: Context) -> Answers:
    return {"lateness": parse_late(text)}


def _ask_groups(ctx: Context) -> str:
    return "发到哪个群？回编号，几个群一起就写 1 2。\n" + _numbered([name_of(ctx, one) for one in _groups(ctx)])


_ASK_TEXT = f"说什么？把要发的话写给我（{LONGEST} 字以内）；用人设里的话术就回「话术 post.morning_call」"
_ASK_ABOUT = "是哪一类？回编号，额度和占比按它算。\n" + _numbered([one for one, _ in CONTENTS])
_ASK_KIND = "再细一点是什么？回编号，说不上就回 无。\n" + _numbered([one for _, one in _KINDS])
_ASK_LATE = "万一到点没发出去？回编号，后面可以写多久，比如 1 30min。\n" + _numbered(list(LATE_TITLES.values()))
STEPS: tuple[Step, ...] = (
    Step("title", lambda _ctx: "这个活动叫什么？", _read_title),
    Step("groups", _ask_groups, _read_groups),
    Step("when", lambda _ctx: f"什么时候发？比如 {USUAL}", _read_when),
    Step("text", lambda _ctx: _ASK_TEXT, _read_text),
    Step("about", lambda _ctx: _ASK_ABOUT, _read_content),
    Step("kind", lambda _ctx: _ASK_KIND, _read_kind),
    Step("late", lambda _ctx: _ASK_LATE, _read_late),
)


def _pending(answers: Mapping[str, Any]) -> list[Step]:
    return [one for one in STEPS if one.key not in answers["done"]]


def _next(answers: Answers, ctx: Context) -> Wishes:
    pending = _pending(answers)
    if not pending:
        return say("campaign_new.preview", title=answers["title"], rows=_preview(answers, ctx), sort=Sort.STAFF)
    return say(
        "campaign_new.ask", step=len(STEPS) - len(pending) + 1, total=len(STEPS), question=pending[0].ask(ctx),
        sort=Sort.STAFF,
    )  # fmt: skip


@router.command("新活动", help="私聊里一步步建一个定时活动", role="operator")
def begin(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    if event.group is not None:
        raise Mistake("campaign_new.in_private")
    if ctx.store.draws.draft(ctx.member) is not None:
        raise Mistake("campaign_new.busy")
    answers = ctx.store.campaigns.draft(ctx.member) or {"done": []}
    ctx.store.campaigns.keep_draft(ctx.member, answers, to_ms(ctx.now))
    return _next(answers, ctx)


@router.watch("campaign")
def answer(event: MessageReceived, ctx: Context) -> Wishes:
    """The next answer of whoever is in the dialogue."""
    if event.group is not None or event.form != "text" or ctx.store.draws.draft(ctx.member) is not None:
        return PASS
    answers = ctx.store.campaigns.draft(ctx.member)
    if answers is None or not ctx.may("operator"):
        return PASS
    text = bare(event.text)
    if text == "算了":
        ctx.store.campaigns.drop_draft(ctx.member)
        return say("campaign_new.cancelled", sort=Sort.STAFF)
    known = ctx.desk.help_for(ctx.role, ctx.settings)
    if text in {word for _, words, usage, _ in known for word in words if usage[:1] in ("", "[")}:
        return PASS  # other words still work inside
    pending = _pending(answers)
    if not pending:
        return _confirm(text, answers, ctx)
    step = pending[0]
    try:
        read = step.read(event.text.strip(), answers, ctx)
    except ValueError as error:
        raise Mistake("campaign_new.bad", reason=f"{error}。再答一次，或回「算了」") from None
    answers |= {**read, "done": [*answers["done"], step.key]}
    ctx.store.campaigns.keep_draft(ctx.member, answers, to_ms(ctx.now))
    return _next(answers, ctx)


def _data(answers: Answers) -> dict[str, Any]:
    """The answers as a beat of a script."""
    return {
        "title": answers["title"], "groups": answers["groups"], "phrase": answers["phrase"], "slots": answers["slots"],
        "kind": answers["kind"], **answers["when"], **answers["about"], **answers["lateness"],
    }  # fmt: skip


def _beat(answers: Answers) -> Beat:
    try:
        return own_beat(0, _data(answers))
    except ConfigError as error:
        reasons = "；".join(one.reason for one in error.problems[:3])
        raise Mistake("campaign_new.bad", reason=f"{reasons}。回「算了」，再发「新活动」重来") from None


def _preview(answers: Answers, ctx: Context) -> str:
    beat = _beat(answers)
    first = ctx.config.group(answers["groups"][0])
    kind = ("促销" if beat.budgeted_as == "product" else "活动") + (f"·{KINDS[beat.kind]}" if beat.kind else "")
    rows = [
        f"群：{'、'.join(name_of(ctx, one) for one in answers['groups'])}",
        f"时间：{show_when(answers['when'])}（{first.zone}）",
        f"类别：{kind}{'，有优惠' if beat.deal else ''}；晚了{LATE_TITLES[beat.late]}",
        f"群友会看到：\n{ctx.desk.preview(Say(beat.phrase, beat.slots), first)}",
        *(f"留意：{one}" for group in answers["groups"] for one in _concerns(ctx, beat, group)),
    ]
    return "\n".join(f"· {row}" for row in rows)


def _concerns(ctx: Context, beat: Beat, group: str) -> list[str]:
    """What an operator should know before it is made, for one group."""
    settings, name = ctx.config.group(group), name_of(ctx, group)
    if not beat.plays_in(group, settings):
        return [f"{name} 不做推广（calendar.no_promo），这条不会发"]
    zone = zone_of(settings)
    due = beat.next_after(ctx.now, zone, ctx.luck, group, settings.calendar.anchor)
    if due is None:
        return [f"{name} 往后没有这样的时间，不会发"]
    found = [f"第一次 {due.astimezone(zone):%m-%d %H:%M}（{name}）"]
    near = [title for when, _, _, title in ctx.desk.upcoming(group, 60) if abs(when - due) < CLOSE]
    if near:
        found.append(f"{name} 前后半小时里还有「{near[0]}」")
    line = Say(beat.phrase, beat.slots, sort=Sort(beat.sort), kind=beat.kind, content=beat.budgeted_as)
    verdict = foresee(ctx, Exposure(ctx.store, ctx.config), line, group, due, due + max(beat.lateness, SHORTEST))
    return found if verdict.what == "now" else [*found, f"{name} 按触达规则{spoken(verdict)}"]


def _confirm(text: str, answers: Answers, ctx: Context) -> Wishes:
    if text not in ("确认", "好", "可以"):
        raise Mistake("campaign_new.bad", reason="都问完了，回「确认」就建好，回「算了」不建")
    beat, groups = _beat(answers), answers["groups"]
    if all(not beat.plays_in(one, ctx.config.group(one)) for one in groups):
        raise Mistake("campaign_new.bad", reason="这几个群都不做推广（calendar.no_promo），建了也不会发；回「算了」")
    ctx.store.campaigns.drop_draft(ctx.member)
    strict = next((one for one in groups if needs_second(ctx, one, deal=beat.deal)), None)
    if strict is not None:
        return propose(ctx, "new", beat.title, _data(answers), strict)
    add_own(ctx, _data(answers), by=ctx.member)
    return say("campaign_new.made", title=beat.title, next=show_when(answers["when"]), sort=Sort.STAFF)


@router.command("删活动", help="删掉聊天里建的活动", usage="名字", role="operator")
def remove(event: MessageReceived, ctx: Context) -> Wishes:
    ctx.needs("operator")
    text = ctx.reading.verbatim
    known = ctx.store.campaigns.own()
    found = [
        (number, title)
        for number, title, _ in known
        if normalise(text) in (normalise(title), f"{OWN}.n{number}", f"n{number}", f"#{number}")
    ]
    if len(found) != 1:
        rows = "\n".join(f"· 「{title}」（{OWN}.n{number}）" for number, title, _ in known[:20])
        raise Mistake("campaign_new.not_own", text=text[:40], rows=rows or "· 还没有在聊天里建过")
    number, title = found[0]
    beat = ctx.desk.beat(f"{OWN}.n{number}")
    for group in beat.groups if beat is not None else ():
        ctx.store.campaigns.hold_waiting(
            f"{OWN}.n{number}", group, at=to_ms(ctx.now), why=f"{ctx.name} 删了「{title}」"
        )
    ctx.store.campaigns.drop_own(number, to_ms(ctx.now))
    ctx.audit("删活动", f"{title}（{OWN}.n{number}）")
    ctx.desk.replan()
    return say("campaign_new.gone", title=title, sort=Sort.STAFF)
