"""Who is in a segment: for steps of single members, draws, previews and exports."""

from datetime import datetime, timedelta

from bot.config import Config, nearest
from bot.context import Context, zone_of
from bot.crowd import NAME, ExpressionError, fill, parse_named, size, title_problem
from bot.learning import AT_ONCE, learn
from bot.world import to_ms
from storage.crowds import Level, Node, Setting
from storage.store import Store

MOST = 100_000
"""Members that one question names at most."""
LARGEST = 100
"""Conditions of a question, those of saved segments in it included."""
_FURTHEST = 401


def read(store: Store, config: Config, text: str, group: str | None) -> Node:
    """The tree of an expression, or of the saved segment of that name, with whatever saved segments it names filled in.
    Raises ExpressionError."""
    name = text.strip()
    expression = store.crowds.saved(name)
    return _filled(store, config, expression or text, group, (name,) if expression else ())


def read_for(store: Store, config: Config, name: str, text: str, group: str | None) -> Node:
    """The tree of an expression that is to be saved under a name: it may not lead back to that name. Raises
    ExpressionError."""
    return _filled(store, config, text, group, (name,))


def _filled(store: Store, config: Config, text: str, group: str | None, inside: tuple[str, ...]) -> Node:
    node, names = parse_named(text)
    problem = title_problem(text, node, config, group)
    if problem is not None:
        raise problem
    parts: dict[str, Node] = {}
    for name, at in names:
        saved = store.crowds.saved(name)
        if name in inside:
            way = " → ".join((*inside[inside.index(name) :], name))
            raise ExpressionError(text, at, f"分群绕回了自己（{way}）", "去掉这一处")
        if saved is None:
            raise _unsaved(store, text, name, at)
        if name not in parts:
            try:
                parts[name] = _filled(store, config, saved, group, (*inside, name))
            except ExpressionError as error:
                raise ExpressionError(text, at, f"分群「{name}」里：{error.reason}", error.hint) from None
    filled = fill(node, parts)
    if size(filled) > LARGEST:
        raise ExpressionError(text, names[0][1] if names else 0, f"连同里面的分群，条件太多了，最多 {LARGEST} 个")
    return filled


def _unsaved(store: Store, text: str, name: str, at: int) -> ExpressionError:
    close = nearest(name, [one for one, _ in store.crowds.all()])
    hint = f"是不是想写 {close[0]}？" if close else "先「保存分群 名字 = 条件」"
    return ExpressionError(text, at, f"没有保存过「{name[:20]}」这个分群", hint)


def meant(store: Store, config: Config, text: str, group: str | None) -> Node:
    """The tree of a segment as a file has it: what looks like a name must be saved. Raises ExpressionError."""
    if NAME.fullmatch(text) and store.crowds.saved(text) is None:
        raise _unsaved(store, text, text, 0)
    return read(store, config, text, group)


def catch_up(ctx: Context, most: int = AT_ONCE) -> None:
    """Reads what was said meanwhile, `most` events at once; the rest soon."""
    if learn(ctx.store, ctx.config, ctx.desk.tags, ctx.now, most):
        ctx.wake("learning", "", ctx.now)


def is_in(ctx: Context, text: str, group: str | None, member: str) -> bool:
    """Whether a member is in a segment by now, as a file names it; that they are in the group, the caller knows. As
    exact as what was learnt so far: `catch_up` first. Raises ExpressionError."""
    node = meant(ctx.store, ctx.config, text, group)
    return ctx.store.crowds.fits(node, setting(ctx.config, group, ctx.now), member)


def members_of(
    store: Store, config: Config, expression: str, group: str | None, now: datetime, most: int = MOST
) -> list[str]:
    """Ids of the members of a segment (an expression or a saved name), in one group or everywhere (None).

    Staff and bots are never among them. As exact as what was learnt so far. Raises ExpressionError.
    """
    return store.crowds.members(read(store, config, expression, group), setting(config, group, now), most)


def setting(config: Config, group: str | None, now: datetime) -> Setting:
    """Where and when questions are asked."""
    rules = config.group(group)
    today = now.astimezone(zone_of(rules)).date()
    levels = rules.points.levels
    named = {config.group(one).name: one for one in config.named_groups if config.group(one).name}
    return Setting(
        group, to_ms(now), {days: (today - timedelta(days=days - 1)).isoformat() for days in range(1, _FURTHEST)},
        {
            one.title: (Level(one.at, one.days), Level(above.at, above.days) if above else None)
            for one, above in zip(levels, (*levels[1:], None), strict=True)
        },
        named, (*config.settings.bot.ids, *config.staff),
    )  # fmt: skip
