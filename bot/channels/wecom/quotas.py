"""The platform's quotas as dated data: what, how much, where it was read and when. Consulted, never guessed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quota:
    """`seen` is the date of the page; `sure` is False where sources contradict each other."""

    key: str
    what: str
    amount: int
    per: str
    source: str
    seen: str
    sure: bool = True


QUOTAS: tuple[Quota, ...] = (
    Quota("api.minute", "calls per corp and interface", 10_000, "minute", "D/90454", "2023-08-28"),
    Quota("api.hour", "calls per corp and interface", 150_000, "hour", "D/90454", "2023-08-28"),
    Quota("api.ip.minute", "calls per address and interface", 20_000, "minute", "D/90454", "2023-08-28"),
    Quota("app.member.minute", "app messages to one member, more are dropped", 30, "minute", "D/90454", "2023-08-28"),
    Quota("app.member.hour", "app messages to one member, more are dropped", 1000, "hour", "D/90454", "2023-08-28"),
    Quota("appchat.create", "group chats created by apps", 1000, "day", "90245", "2024-11-29"),
    Quota("appchat.update", "group chat updates", 1000, "hour", "D/90454", "2023-08-28"),
    Quota("appchat.minute", "person-times in app group chats", 20_000, "minute", "90248", "2026-02-06"),
    Quota("robot.minute", "webhook messages per key", 20, "minute", "91770", "2025-08-07"),
    Quota("welcome.life", "seconds a welcome code lives", 20, "code", "D/92599", "2025-11-17"),
    Quota("mass.day", "mass messages per customer or group", 1, "day", "PERL-EC 92135", "2022-01-01", sure=False),
    Quota("mass.customers", "customers of one mass message", 10_000, "message", "PERL-EC 92135", "2022-01-01"),
    Quota("mass.groups", "groups of one mass message", 2000, "message", "secondary", "2023-12-01"),
    Quota("mass.remind", "reminders per mass message", 3, "24 hours", "WXJ 97610", "2023-12-01"),
    Quota("mass.attachments", "attachments of one message", 9, "message", "D/92599", "2025-11-17"),
    Quota("tags.corp", "tags per corp", 3000, "corp", "PERL-EC", "2022-01-01", sure=False),
    Quota("tags.name", "characters of a tag's name", 30, "tag", "PERL-EC", "2022-01-01"),
    Quota("remark.chars", "characters of a remark", 20, "customer", "PERL-EC", "2022-01-01"),
    Quota("description.chars", "characters of a description", 150, "customer", "PERL-EC", "2022-01-01"),
    Quota("kf.messages", "messages after one of the customer's", 5, "turn", "PERL-KF 94677", "2024-01-31"),
    Quota("kf.hours", "hours after the customer's last message", 48, "turn", "PERL-KF 94677", "2024-01-31"),
    Quota("aibot.minute", "messages per conversation", 30, "minute", "101463", "2026-03-13"),
    Quota("aibot.hour", "messages per conversation", 1000, "hour", "101463", "2026-03-13"),
    Quota("aibot.stream", "seconds until a stream must be finished", 360, "stream", "101463", "2026-03-13"),
)

BYTES: dict[str, int] = {
    "app.text": 2048,
    "app.markdown": 2048,
    "welcome.text": 4000,
    "mass.text": 4000,
    "kf.text": 2048,
    "robot.text": 2048,
    "robot.markdown": 4096,
    "aibot.markdown": 20_480,
    "aibot.welcome": 2048,
}
"""Longest texts in UTF-8 bytes, sections 3 to 7 of the reference. aibot.welcome is not stated: the careful value."""


def quota(key: str) -> Quota:
    return next(entry for entry in QUOTAS if entry.key == key)
