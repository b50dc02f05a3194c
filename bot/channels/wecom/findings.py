"""What `yuanzi doctor` prints: one finding per thing looked at, in Chinese, with the next step."""

from dataclasses import dataclass
from typing import Literal

from bot.channels import Abilities
from bot.channels.wecom.errcodes import ApiRefused, lookup
from bot.errors import ChannelError


@dataclass(frozen=True, slots=True)
class Finding:
    """`level`: ok, warn (a feature stays off or could not be checked) or error (the wire cannot work)."""

    level: Literal["ok", "warn", "error"]
    item: str
    says: str
    step: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "warn": "!", "error": "✗"}[self.level]
        return f"{mark} {self.item}：{self.says}" + (f" → {self.step}" if self.step else "")


def fine(item: str, says: str) -> Finding:
    return Finding("ok", item, says)


def failed(item: str, error: ChannelError) -> Finding:
    """The finding for a call that failed; a known code brings its meaning and the place in the admin console."""
    code = getattr(error, "code", 0)
    if not code:
        return Finding("error", item, f"没有连上：{error}", "检查网络、代理、防火墙，以及 api 地址")
    entry = lookup(code)
    says = f"{entry.meaning}（errcode {code}）"
    step = entry.step
    if isinstance(error, ApiRefused) and code == 60020 and error.caller:
        step = f"把 {error.caller} 加进：{entry.step}"
    return Finding("error" if entry.action == "config" else "warn", item, says, step)


HEARS = {"all": "听得到全部消息", "mentioned": "群里只听得到 @ 它的消息", "direct": "听不到群消息"}
SPEAKS = {"first": "可以主动发言", "answer": "只能回答，不能主动发言", "confirmed": "群发要员工在企业微信里确认"}


def can_do(name: str, abilities: Abilities) -> Finding:
    """Which features stay off on this wire, so that nobody looks for the fault elsewhere."""
    parts = [HEARS[abilities.hears], SPEAKS[abilities.speaks]]
    parts += [] if abilities.joins else ["不知道谁进群退群"]
    parts += [] if abilities.mention else ["不能 @ 人"]
    parts += [] if abilities.pictures else ["不能发图"]
    return Finding("ok", f"能力 {name}", "，".join(parts))
