"""What can be said about a Wechaty account at any moment, for 状态 and `yuanzi doctor`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Phase = Literal["off", "searching", "connecting", "connected", "waiting", "refused", "taken", "locked"]
"""Connected means that events arrive; whether the account is logged in is another question."""

PHASES: dict[Phase, str] = {
    "off": "未启动",
    "searching": "正在查找网关",
    "connecting": "正在连接网关",
    "connected": "已连接",
    "waiting": "连接中断，等待重连",
    "refused": "网关拒绝了 token",
    "taken": "另一个机器人占用着这个 token 的事件流",
    "locked": "本机另一个进程正在使用同一个 token",
}


@dataclass(slots=True)
class Counts:
    """Since the start of the process."""

    events: int = 0
    messages: int = 0
    own: int = 0
    history: int = 0
    duplicates: int = 0
    dropped: int = 0
    """Messages announced but never loaded, in spite of all tries."""
    failed: int = 0
    """Events that broke inside Wechaty or our reading of them."""
    strange: int = 0
    """Events of a kind or shape we do not know."""
    errors: int = 0
    """Error events that the gateway reported."""
    connects: int = 0
    sent: int = 0
    unknown: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class State:
    phase: Phase = "off"
    logged_in: bool = False
    account: str = ""
    reason: str = ""
    """Why it is not connected or not logged in, in the platform's words, without secrets."""
    since: datetime | None = None
    tries: int = 0
    qrcode: str = ""
    silent: str = ""
    """Why nothing is being said at the moment; empty when it may speak."""
    sent_today: int = 0
    day_budget: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    """gRPC calls by method, since the start."""
    counts: Counts = field(default_factory=Counts)

    @property
    def ready(self) -> bool:
        return self.phase == "connected" and self.logged_in

    def __str__(self) -> str:
        words = PHASES[self.phase]
        if self.phase == "connected":
            words += f"，账号 {self.account} 在线" if self.logged_in else "，账号未登录"
            words += "，需要扫码" if self.qrcode else ""
        if self.reason and not self.ready:
            words += f"（{self.reason}）"
        if self.silent:
            words += f"；暂不发言：{self.silent}"
        return words


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `yuanzi doctor`: how bad, what was found, and the next step."""

    level: Literal["ok", "warn", "error"]
    what: str
    step: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "warn": "!", "error": "✗"}[self.level]
        return f"{mark} {self.what}" + (f" → {self.step}" if self.step else "")
