"""What `yuanzi doctor` prints: one finding per thing looked at, in Chinese, with the next step."""

from dataclasses import dataclass
from typing import Literal

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
