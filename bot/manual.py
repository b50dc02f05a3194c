"""The reference pages of docs/, written from the code: `make docs` renews them."""

import sys
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.__main__ import COMMANDS
from bot.app import switchboard_for
from bot.catalogue import Item
from bot.config import load_config, shipped
from bot.lint import RULES
from bot.manual_wires import WIRES
from bot.settings import GroupSettings
from bot.settings.checkin import Milestone
from bot.settings.deployment import BotPart, ChannelSettings, OutboxSettings, Staff, Storage
from bot.settings.orders import HookSettings
from bot.settings.points import Level
from bot.settings.quotas import Quota
from bot.shown import shown

DOCS = Path(__file__).resolve().parent.parent / "docs"
_TABLES: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("[bot]", "机器人是谁", BotPart),
    ("[storage]", "记在哪里、怎么记", Storage),
    ("[outbox]", "一句话最多等多久，过了就不说", OutboxSettings),
    ("[[staff]]", "员工：按平台 id 认人", Staff),
    ("[hooks]", "收订单的 HTTP 入口：POST /hooks/orders，HMAC-SHA256 签名", HookSettings),
    ("[channels.名字]", "JSON 行的通道 pipe；pace 是说话的节奏", ChannelSettings),
    ('[groups.default] 和 [groups."群 id"]', "每个群的设置；没写的群用 default", GroupSettings),
    ("checkin.milestones 里的一项", "连续签到满几天给什么", Milestone),
    ("points.levels 里的一项", "攒够几分叫什么", Level),
    ("[[quota]] 里的一条", "平台限额，自带的在 bot/quotas.toml", Quota),
    ("persona/<名字>/shop.toml 里的一件 [[item]]", "积分商城卖什么", Item),
)


def settings_page() -> str:
    """docs/settings.md: every setting, its default and the reason for it."""
    parts = [
        "# 设置一览\n",
        "写在 `config.toml` 里。写错的键启动时全部列出来并退出（2）。",
        "时长写 `30s`、`15min`、`1h`、`3d`，钟点写 `09:00`。",
        "群里的设置员工也能用「设置 项 值」当场改，改动记在审计里，优先于文件。\n",
    ]
    for title, text, model in _TABLES:
        parts += [f"## {title}\n", f"{text}\n", "| 项 | 默认 | 说明 |", "|---|---|---|", *_rows(model), ""]
    parts += ["# 接企业微信的设置\n", "怎么接见 README「接到企业微信」。时长在这里都是秒数。\n"]
    for title, text, model, words in WIRES:
        rows = [f"| `{name}` | {_default(field)} | {words[name]} |" for name, field in model.model_fields.items()]
        parts += [f"## {title}\n", f"{text}\n", "| 项 | 默认 | 说明 |", "|---|---|---|", *rows, ""]
    return "\n".join(parts)


def _rows(model: type[BaseModel], prefix: str = "") -> list[str]:
    rows: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            rows += _rows(inner, f"{prefix}{name}.")
        else:
            why = "；".join(filter(None, [field.title, field.description]))
            choices = [str(one) for one in get_args(inner) if isinstance(one, str)]
            if choices:
                why += f"（可写 {'、'.join(choices)}）"
            rows.append(f"| `{prefix}{name}` | {_default(field)} | {why or '—'} |")
    return rows


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "必填"
    if isinstance(value, tuple) and value and isinstance(value[0], Milestone):
        return "；".join(f"{one.days} 天" for one in value)
    if isinstance(value, tuple) and value and isinstance(value[0], Level):
        return "；".join(f"{one.title} {one.at}" for one in value)
    return shown(value)


def commands_page() -> str:
    """docs/commands.md: every word members and staff can say, and every command of the command line."""
    config = load_config(shipped("config.toml"))
    settings = config.group(None)
    member: list[str] = []
    staff: list[str] = []
    for route in switchboard_for(config).commands:
        words = "、".join(f"`{word}`" for word in route.words_in(settings))
        usage = route.usage.replace("|", "/") or "—"
        role = f"（{route.role} 起{f'，{route.acts} 起才能改' if route.acts else ''}）" if route.role else ""
        (staff if route.role else member).append(f"| {words} | {usage} | {route.help}{role} |")
    head = ["| 口令 | 后面可以写 | 做什么 |", "|---|---|---|"]
    parts = ["# 口令一览\n", "## 成员\n", *head, *member, "", "## 员工（按平台 id 认人）\n", *head, *staff, ""]
    parts += ["## 命令行 `yuanzi`\n", "| 命令 | 做什么 |", "|---|---|"]
    parts += [f"| `yuanzi {name}` | {text} |" for name, text in COMMANDS.items()]
    parts += ["", "退出码：0 成功，1 检查没通过或运行出错，2 用法或设置有误。每个命令都有 `--help`。", ""]
    return "\n".join(parts)


def phrases_page() -> str:
    """docs/phrases.md: every phrase key that handlers use, with its slots."""
    phrases = switchboard_for(load_config(shipped("config.toml"))).phrases
    parts = [
        "# 话术一览\n",
        "写在 `persona/<名字>/phrases.toml` 和同目录的 `phrases/*.toml` 里。",
        "每个键至少三种说法，同一个群里不会连着说同一种。",
        "空位写 `{name}` 这样；另有 `{hello}`（随时段变的问候）和 `{bot}`（自己的名字）到处可用。",
        "`post.` 和 `welcome.` 开头的键可以自己加，给脚本和欢迎来源用。改完跑 `yuanzi check`，再在群里发「重载」。\n",
        "| 键 | 空位 |",
        "|---|---|",
    ]
    for key, slots in sorted(phrases.items()):
        named = " ".join(f"`{{{slot}}}`" for slot in slots)
        parts.append(f"| `{key}` | {named or '—'} |")
    return "\n".join([*parts, ""])


def check_page() -> str:
    """docs/check.md: every rule of the lint with its source, and how to silence one."""
    parts = [
        "# `yuanzi check` 看哪些规则\n",
        "往后排几周的定时内容，逐条看；每处写明文件、行、哪里不对、怎么改、依据。",
        "聊天里建的活动、暂停、跳过和群里改过的设置从数据库里看（只读），哪里不对就写「活动 #3 周三加场」。",
        "错误（发不出去、会被截断、违法的词）退出码 2，「重载」也不换上；提醒不影响运行，`--strict` 时退出码 1。",
        "`--json` 给别的程序读。数字是群设置 `lint.*`，见 [settings.md](settings.md)。\n",
        "有意这样，就写理由让它不再说：",
        '一拍或整个脚本写 `lint_off = { crowded = "早安和栏目是一前一后的一对" }`；',
        '一个群写 `[groups."群 id".lint]` 下的 `off = { mix = "…" }`；抽奖文件写 `lint_off`；',
        '某个说法没问题，写进 `persona.toml` 的 `allowed = { "最强大脑" = "节目名" }`。',
        "写错规则名是错误，没写理由也是。",
        "词在 `bot/lint/words.toml`，无害的说法和否定句不算。\n",
        "| 规则 | 看什么 | 依据 |",
        "|---|---|---|",
        *(f"| `{rule.name}` | {rule.title} | {rule.source} |" for rule in RULES.values()),
    ]
    return "\n".join([*parts, ""])


PAGES = {
    "settings.md": settings_page, "commands.md": commands_page, "phrases.md": phrases_page, "check.md": check_page,
}  # fmt: skip


def main() -> int:
    """Writes the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
