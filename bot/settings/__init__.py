"""What may be set, per group and for the deployment, with the default and its reason. Unknown keys are refused.

A family of settings is a file of its own here, and one field of `GroupSettings`.
"""

from typing import Any

from pydantic import Field

from bot.settings.calendar import CalendarSettings
from bot.settings.checkin import CheckIn
from bot.settings.contact import Contact
from bot.settings.deployment import BotPart, ChannelSettings, OutboxSettings, RoleName, Staff, Storage
from bot.settings.digest import DigestSettings
from bot.settings.draws import DrawSettings
from bot.settings.faq import Faq
from bot.settings.games import Games, Play
from bot.settings.health import HealthSettings
from bot.settings.kinds import Part, Quiet, Zone
from bot.settings.koc import KocSettings
from bot.settings.lint import LintSettings
from bot.settings.orders import HookSettings, OrderSettings
from bot.settings.points import Points
from bot.settings.quiz import Quiz
from bot.settings.quotas import Quota
from bot.settings.rehearsal import RehearsalSettings
from bot.settings.tags import LifecycleSettings
from bot.settings.welcome import Welcome


class GroupSettings(Part):
    """Everything that can be set for one group."""

    name: str = Field("", max_length=60, title="群名")
    channel: str = Field("", title="走哪个通道", description="定时发布用；留空就用最近听到消息的那个")
    type: str = Field(
        "", max_length=20, title="群类型", description="定时内容按它选：welfare、knowledge、flash、vip、interest"
    )
    tags: tuple[str, ...] = Field((), title="群标签", description="定时内容按它选，自己起名")
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
    contact: Contact = Field(default_factory=lambda: Contact())
    draws: DrawSettings = Field(default_factory=lambda: DrawSettings())
    calendar: CalendarSettings = Field(default_factory=lambda: CalendarSettings())
    lint: LintSettings = Field(default_factory=lambda: LintSettings())
    rehearsal: RehearsalSettings = Field(default_factory=lambda: RehearsalSettings())
    orders: OrderSettings = Field(default_factory=lambda: OrderSettings())
    koc: KocSettings = Field(default_factory=lambda: KocSettings())
    health: HealthSettings = Field(default_factory=lambda: HealthSettings())
    lifecycle: LifecycleSettings = Field(default_factory=lambda: LifecycleSettings())
    digest: DigestSettings = Field(default_factory=lambda: DigestSettings())


class Settings(Part):
    """The whole of config.toml. Groups are merged over `groups.default` before they are read."""

    bot: BotPart = Field(default_factory=lambda: BotPart())
    storage: Storage = Field(default_factory=lambda: Storage())
    outbox: OutboxSettings = Field(default_factory=lambda: OutboxSettings())
    hooks: HookSettings = Field(default_factory=lambda: HookSettings())
    staff: tuple[Staff, ...] = ()
    staff_rights: dict[str, RoleName] = Field(default_factory=dict)
    """Staff word -> least role, where this deployment wants another one (bot/rights.py proves the words)."""
    quota: tuple[Quota, ...] = ()
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)
    wechaty: dict[str, dict[str, Any]] = Field(default_factory=dict)
    wecom: dict[str, Any] = Field(default_factory=dict)
    """Both are proven by the channels themselves (bot/wiring.py): each knows its own settings."""
    groups: dict[str, GroupSettings] = Field(default_factory=dict)
