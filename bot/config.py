"""config.toml and every other file that people edit -> frozen models, with all mistakes reported at once."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bot.errors import ConfigError, Problem
from bot.settings import GroupSettings, Settings
from bot.settings.kinds import parse_span

M = TypeVar("M", bound=BaseModel)
DEFAULT_GROUP = "default"
ROOT = Path(__file__).resolve().parent
SHIPPED = ROOT / "shipped"
LONGEST_QUOTE = 60
_WHOLE, _NUMBER, _TEXT, _SWITCH = "应是整数", "应是数字", "应是文字，要加引号", "应是 true 或 false"
_LIST, _TABLE, _DAY = "应是一组，写在方括号里", "应是表", "应是日期，比如 2026-12-01"
_MOMENT, _CLOCK = "应是日期加时间，比如 2026-12-01T20:00:00+08:00", "应是钟点，比如 20:00:00"
REASONS = {
    "bool_type": _SWITCH, "bool_parsing": _SWITCH, "int_type": _WHOLE, "int_parsing": _WHOLE,
    "int_from_float": _WHOLE, "int_parsing_size": "太大了", "float_type": _NUMBER, "float_parsing": _NUMBER,
    "finite_number": "应是一个有限的数字", "multiple_of": "不是要的倍数", "string_type": _TEXT, "string_unicode": _TEXT,
    "string_pattern_mismatch": "里有不能用的字符，或者写法不对", "string_not_ascii": "只能用英文字母和数字",
    "list_type": _LIST, "tuple_type": _LIST, "set_type": _LIST, "iterable_type": _LIST, "dict_type": _TABLE,
    "mapping_type": _TABLE, "model_type": _TABLE, "model_attributes_type": _TABLE, "date_type": _DAY,
    "date_parsing": _DAY, "date_from_datetime_parsing": _DAY, "date_from_datetime_inexact": _DAY,
    "datetime_type": _MOMENT, "datetime_parsing": _MOMENT, "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT, "timezone_aware": "要带时区，比如末尾写 +08:00",
    "timezone_naive": "不要带时区", "time_type": _CLOCK, "time_parsing": _CLOCK, "none_required": "这里不能写",
    "invalid_key": "当不了键，键要是文字",
}  # fmt: skip
"""What is wrong with a value, by pydantic's name for it. Whatever is not named here is said in general words."""
MOVED = {
    f"contact.stages.{old}": f"lifecycle.{new}"
    for old, new in (
        ("new_for", "new"), ("silent_after", "silent"), ("sleeping_after", "sleeping"), ("churned_after", "churned"),
    )
}  # fmt: skip
"""Settings that have another name now."""


def nearest(word: str, options: Iterable[str], n: int = 1) -> list[str]:
    """The options that look most like the word: the material of every "did you mean"."""
    return difflib.get_close_matches(word, list(options), n=n, cutoff=0.5)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dict. Raises ConfigError when it is missing, not UTF-8, or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ConfigError([Problem(str(path), "", "找不到这个文件")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), "", "不是 UTF-8 编码", "用编辑器另存为 UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            [Problem(str(path), "", f"TOML 写法有误：{error}", "看看这一行的引号、括号和等号")]
        ) from error
    except OSError as error:
        raise ConfigError([Problem(str(path), "", f"读不了：{error.strerror}")]) from error


def check_model(model: type[M], data: object, file: str, prefix: str = "", *, quote: bool = True) -> M:
    """Data -> model. Raises ConfigError with every problem: key, reason, did-you-mean.

    `quote=False` where somebody may have typed a secret in the wrong place: what was typed is not repeated.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False) if quote else [{**one, "input": "…"} for one in error.errors()]
        raise ConfigError([_problem(model, one, file, prefix) for one in details]) from None


def _problem(model: type[BaseModel], details: Any, file: str, prefix: str) -> Problem:
    location = [str(part) for part in details["loc"]]
    key = ".".join(filter(None, [prefix, *location]))
    kind, given = details["type"], _as_typed(details.get("input"))
    if kind == "extra_forbidden" and (moved := next((new for old, new in MOVED.items() if key.endswith(old)), "")):
        return Problem(file, key, f"这个设置搬到了 {moved}，和生命周期用同一套", "写天数，比如 14；这一行删掉")
    if kind == "extra_forbidden":
        siblings = _keys_beside(model, location[:-1])
        close = nearest(location[-1], siblings)
        hint = f"是不是想写 {close[0]}？" if close else f"这里可以写：{'、'.join(sorted(siblings))}"
        return Problem(file, key, "没有这个设置", hint)
    context = details.get("ctx") or {}
    if kind == "value_error":
        return Problem(file, key, str(context["error"]))
    if kind == "literal_error":
        return Problem(
            file, key, f"「{given}」不在可选值里", f"可写：{context.get('expected', '')}".replace(" or ", "、")
        )
    for bound, text in (("ge", "不能小于"), ("gt", "要大于"), ("le", "不能大于"), ("lt", "要小于")):
        if bound in context and kind.startswith(("greater", "less")):
            return Problem(file, key, f"「{given}」{text} {context[bound]}")
    if "max_length" in context:
        return Problem(file, key, f"太长了，最多 {context['max_length']}")
    if "min_length" in context:
        return Problem(file, key, f"太短了，至少 {context['min_length']}")
    if kind == "missing":
        return Problem(file, key, "缺少这一项")
    hint = f"要像 {context['pattern']} 这样" if "pattern" in context else ""
    return Problem(file, key, f"「{given}」{REASONS.get(kind, '写法不对')}", hint)


def _as_typed(given: object) -> str:
    """A value as it stands in the file, short enough for one line."""
    text = str(given).lower() if isinstance(given, bool) else str(given)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def _keys_beside(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys that a model knows at this path."""
    current: Any = model
    for part in path:
        if _is_model(current):
            field = current.model_fields.get(part)
            current = field.annotation if field else None
            if get_origin(current) in (Union, UnionType):
                current = next((one for one in get_args(current) if _is_model(one)), None)
        else:  # an index or a key of one's own: into `tuple[X, ...]` or `dict[str, X]`
            current = next((one for one in get_args(current) if _is_model(one)), None)
    return list(current.model_fields) if _is_model(current) else []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, table by table; anything but a table is replaced whole."""
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


class Config:
    """The deployment's settings; answers which settings a group has, with the changes made by chat laid on top."""

    def __init__(self, settings: Settings, raw_groups: Mapping[str, Mapping[str, Any]], file: str) -> None:
        self.settings = settings
        self.file = file
        self._raw = {name: dict(table) for name, table in raw_groups.items()}
        self._default = settings.groups[DEFAULT_GROUP]
        self._groups = dict(settings.groups)
        self.staff = {person.id: person for person in settings.staff}

    def group(self, group_id: str | None) -> GroupSettings:
        """The settings of a group; one that nobody configured has the defaults."""
        return self._default if group_id is None else self._groups.get(group_id, self._default)

    @property
    def named_groups(self) -> list[str]:
        """Groups that the file names, in its order."""
        return [name for name in self.settings.groups if name != DEFAULT_GROUP]

    def with_change(self, group_id: str, changes: Mapping[str, Any]) -> GroupSettings:
        """What the group's settings would be with `{"welcome.gap": "2h"}` laid on top. Raises ConfigError."""
        table = merged(self._raw[DEFAULT_GROUP], self._raw.get(group_id, {}))
        # What was changed under an old name counts under the new one, unless that was changed as well.
        for path, value in map(_by_new_name, sorted(changes.items(), key=lambda one: one[0] not in MOVED)):
            over: dict[str, Any] = {}
            inner = over
            *tables, last = path.split(".")
            for name in tables:
                inner = inner.setdefault(name, {})
            inner[last] = value
            table = merged(table, over)
        return check_model(GroupSettings, table, "设置", "")

    def lay(self, changes: Mapping[str, Mapping[str, Any]]) -> list[Problem]:
        """Settings changed by chat (group -> path -> value) win over the file. Returns what no longer fits it."""
        problems: list[Problem] = []
        for group, changed in changes.items():
            try:
                self.use(group, self.with_change(group, changed))
            except ConfigError as error:
                problems += [Problem(f"群 {group} 的「设置」", one.key, one.reason, one.hint) for one in error.problems]
        return problems

    def use(self, group_id: str, settings: GroupSettings) -> None:
        """From now on these are the group's settings."""
        self._groups[group_id] = settings

    def role_of(self, member: str | None, channel: str) -> str | None:
        """The staff role of a platform id on a channel, or None for a member."""
        person = self.staff.get(member or "")
        if person is None or (person.channels and channel not in person.channels):
            return None
        return person.role


def _by_new_name(change: tuple[str, Any]) -> tuple[str, Any]:
    """A change made by chat before a setting moved: a span then, days now."""
    path, value = change
    if path not in MOVED:
        return change
    try:
        return MOVED[path], max(1, parse_span(value).days)
    except ValueError:
        return MOVED[path], value


def build_config(data: Mapping[str, Any], file: str) -> Config:
    """Settings from parsed TOML. Raises ConfigError with every problem in them."""
    groups = data.get("groups", {})
    problems: list[Problem] = []
    if not isinstance(groups, Mapping) or not all(isinstance(table, Mapping) for table in groups.values()):
        raise ConfigError([Problem(file, "groups", "应是表", '写成 [groups.default] 或 [groups."群 id"]')])
    raw = {DEFAULT_GROUP: dict(groups.get(DEFAULT_GROUP, {})), **{name: dict(table) for name, table in groups.items()}}
    problems += [
        Problem(file, f"groups.{name}", "没有哪个群叫这个吧", f"是不是想写 groups.{DEFAULT_GROUP}？")
        for name in raw
        if name != DEFAULT_GROUP and difflib.SequenceMatcher(None, name.lower(), DEFAULT_GROUP).ratio() > 0.8
    ]
    checked: dict[str, GroupSettings] = {}
    for name, table in raw.items():
        # The default's own mistakes are reported once, not again under every group that inherits them.
        source = table if name == DEFAULT_GROUP else merged(raw[DEFAULT_GROUP], table)
        try:
            checked[name] = check_model(GroupSettings, source, file, f"groups.{name}")
        except ConfigError as error:
            problems += [
                problem for problem in error.problems
                if name == DEFAULT_GROUP or problem.key.removeprefix(f"groups.{name}") not in
                {known.key.removeprefix(f"groups.{DEFAULT_GROUP}") for known in problems}
            ]  # fmt: skip
    rest = {key: value for key, value in data.items() if key != "groups"}
    settings = Settings()
    try:
        settings = check_model(Settings, rest, file)
    except ConfigError as error:
        problems += error.problems
    ids = [person.id for person in settings.staff]
    problems += [Problem(file, "staff", f"「{one}」写了两次") for one in sorted(set(ids)) if ids.count(one) > 1]
    if problems:
        raise ConfigError(problems)
    return Config(settings.model_copy(update={"groups": checked}), raw, file)


def load_config(path: Path | None = None) -> Config:
    """The settings of this deployment: `path`, else ./config.toml, else the shipped defaults. Raises ConfigError."""
    if path is None:
        here = Path("config.toml")
        path = here if here.is_file() else shipped("config.toml")
    return build_config(read_toml(path), str(path))


def shipped(name: str) -> Path:
    """A file that comes with the product: beside the packages in a checkout, inside them in a wheel."""
    beside = ROOT.parent / name
    return beside if beside.exists() else SHIPPED / name
