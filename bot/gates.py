"""Freeloader gates: which rules a redemption would break, each with a reason that its member can read. Pure."""

from dataclasses import dataclass

from bot.settings.points import Gate

TALK_DAYS = 30
RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a member who wants something.

    `tenure` in whole days; `said` real lines in the last 30 days, None while talk is not counted long enough to be
    fair; `wins` things got in the last 7 days; `leavers` invitees who left early; `cluster` others of the same inviter
    who took the same thing in the last 7 days.
    """

    tenure: int
    said: int | None
    wins: int
    leavers: int
    cluster: int


def reasons(facts: Facts, gate: Gate) -> list[str]:
    """Why the gates would stop this member; nothing when they may pass."""
    found: list[str] = []
    if facts.tenure < gate.tenure:
        found.append(f"进群 {facts.tenure} 天，满 {gate.tenure} 天才能换")
    if gate.talk and facts.said is not None and facts.said < gate.talk:
        found.append(f"近 {TALK_DAYS} 天说过 {facts.said} 句，至少聊 {gate.talk} 句")
    if gate.wins and facts.wins >= gate.wins:
        found.append(f"近 {RECENT_DAYS} 天已经拿了 {facts.wins} 份，最多 {gate.wins} 份")
    if gate.leavers and facts.leavers >= gate.leavers:
        found.append(f"邀请来的人里有 {facts.leavers} 位很快就退群了")
    if gate.cluster and facts.cluster >= gate.cluster:
        found.append(f"同一位邀请人带来的 {facts.cluster} 位近 {RECENT_DAYS} 天都换了这一样")
    return found
