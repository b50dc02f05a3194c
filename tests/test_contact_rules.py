"""Every rule of the contact policy: what it stops, what it lets pass, and the values it names."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.contact import NOW, Known, Past, QuotaUse, Unasked, every_reason, klass_of, weigh
from bot.settings import GroupSettings

NOON = datetime.fromisoformat("2026-12-09T12:00:00+08:00")
DAY = timedelta(days=1)
PROMO, CONTENT, REMINDER = Unasked("promo", "新品"), Unasked("content", "话题"), Unasked("reminder")
TO_ONE = Unasked("promo", "新品", private=True)


def settings(**contact: Any) -> GroupSettings:
    return GroupSettings.model_validate({"contact": contact})


def past(days: float, klass: str = "promo", kind: str = "", **more: Any) -> Past:
    moment = NOON - days * DAY
    return Past(moment.date(), moment, klass, kind, **more)


def rule(line: Unasked, known: Known, within: timedelta = DAY, **contact: Any) -> tuple[str, str]:
    verdict = weigh(line, known, settings(**contact), now=NOON, expires=NOON + within)
    return verdict.what, verdict.rule


WARM: dict[str, Any] = {"last_talk": NOON - DAY}
"""Somebody who spoke yesterday."""


@pytest.mark.parametrize(
    ("line", "known", "contact", "expected"),
    [
        (PROMO, Known(), {}, ("now", "")),
        (PROMO, Known(past=[past(0), past(0)]), {}, ("held", "budget")),
        (PROMO, Known(past=[past(0), past(0)]), {"promos_day": 3}, ("now", "")),
        (CONTENT, Known(past=[past(0), past(0)]), {}, ("now", "")),
        (PROMO, Known(past=[past(one) for one in (6, 5, 4, 3, 2)]), {}, ("held", "budget")),
        (PROMO, Known(past=[past(one) for one in (7, 5, 4, 3, 2)]), {}, ("now", "")),
        (REMINDER, Known(past=[past(0, "reminder")] * 12), {}, ("held", "budget")),
        (PROMO, Known(past=[past(1, kind="新品")]), {}, ("held", "contact.same_kind_days")),
        (PROMO, Known(past=[past(3, kind="新品")]), {}, ("now", "")),
        (PROMO, Known(past=[past(0, kind="新品")]), {}, ("now", "")),
        (PROMO, Known(past=[past(1, kind="福利日")]), {}, ("now", "")),
        (CONTENT, Known(past=[past(1, "content", "话题")]), {}, ("now", "")),
        (PROMO, Known(), {"no_promo": True}, ("held", "contact.no_promo")),
        (CONTENT, Known(), {"no_promo": True}, ("now", "")),
        (PROMO, Known(past=[past(one) for one in range(8, 13)] + [past(2, "content")] * 4), {}, ("now", "")),
        (
            PROMO, Known(past=[past(one) for one in range(7, 13)] + [past(2, "content")] * 3), {},
            ("held", "contact.promo_share"),
        ),
        (PROMO, Known(past=[past(0.01, same=True)]), {}, ("merged", "contact.merge_within")),
        (PROMO, Known(past=[past(0.1, same=True)]), {}, ("now", "")),
        (PROMO, Known(talk=(8, 2)), {}, ("later", "contact.live_messages")),
        (PROMO, Known(talk=(8, 1)), {}, ("now", "")),
        (PROMO, Known(talk=(7, 5)), {}, ("now", "")),
        (PROMO, Known(talk=(60, 9)), {"live_messages": 0}, ("now", "")),
        (PROMO, Known(quotas=[QuotaUse("群发", 1, 1, "每天", "官方")]), {}, ("held", "quota")),
        (PROMO, Known(quotas=[QuotaUse("群发", 1, 1, "每天", "官方")]), {"quotas": False}, ("now", "")),
        (PROMO, Known(quotas=[QuotaUse("群发", 4, 3, "每月", "官方")]), {}, ("now", "")),
        (TO_ONE, Known(**WARM), {}, ("now", "")),
        (TO_ONE, Known(), {}, ("never", "contact.warm_days")),
        (TO_ONE, Known(last_talk=NOON - 31 * DAY), {}, ("never", "contact.warm_days")),
        (TO_ONE, Known(), {"warm_days": 0}, ("now", "")),
        (TO_ONE, Known(**WARM, choice="quiet"), {}, ("never", "distance")),
        (TO_ONE, Known(**WARM, choice="benefits"), {}, ("now", "")),
        (Unasked("content", private=True), Known(**WARM, choice="benefits"), {}, ("never", "distance")),
        (Unasked("reminder", private=True), Known(choice="quiet"), {}, ("never", "distance")),
        (TO_ONE, Known(**WARM, paused_until=NOON + DAY), {}, ("never", "distance")),
        (TO_ONE, Known(**WARM, paused_until=NOON - DAY), {}, ("now", "")),
        (TO_ONE, Known(**WARM, past=[past(3)], less=True), {}, ("held", "budget")),
        (TO_ONE, Known(**WARM, past=[past(3)]), {}, ("now", "")),
        (TO_ONE, Known(**WARM, past=[past(0, "content")]), {}, ("held", "budget")),
        (TO_ONE, Known(**WARM, troubled_until=NOON + DAY), {}, ("never", "contact.calm_days")),
        (Unasked("reminder", private=True), Known(troubled_until=NOON + DAY), {}, ("now", "")),
        (TO_ONE, Known(**WARM, last_purchase=NOON - 20 * DAY), {}, ("never", "contact.after_purchase")),
        (TO_ONE, Known(**WARM, last_purchase=NOON - 21 * DAY), {}, ("now", "")),
        (Unasked("content", private=True), Known(last_purchase=NOON - DAY), {}, ("now", "")),
        (TO_ONE, Known(**WARM, stage="churned"), {}, ("never", "contact.stages.churned")),
        (Unasked("promo", "flash", private=True), Known(**WARM, stage="churned"), {}, ("now", "")),
        (TO_ONE, Known(**WARM, stage="sleeping", past=[past(20)]), {}, ("never", "contact.stages.sleeping")),
        (TO_ONE, Known(**WARM, stage="silent", past=[past(20)]), {}, ("now", "")),
        (TO_ONE, Known(**WARM, stage="churned", plain=True), {}, ("now", "")),
        (TO_ONE, Known(**WARM, handed_over=True), {}, ("held", "handover")),
        (Unasked("reminder", private=True), Known(handed_over=True), {}, ("held", "handover")),
    ],
)  # fmt: skip
def test_a_rule_stops_what_it_should_and_nothing_else(
    line: Unasked, known: Known, contact: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert rule(line, known, **contact) == expected


def test_a_live_conversation_is_waited_for_until_the_post_would_be_too_late() -> None:
    verdict = weigh(PROMO, Known(talk=(9, 3)), settings(), now=NOON, expires=NOON + timedelta(minutes=15))
    assert (verdict.what, verdict.until) == ("later", NOON + timedelta(minutes=2))
    assert rule(PROMO, Known(talk=(9, 3)), timedelta(minutes=1)) == ("now", "")
    assert rule(PROMO, Known(talk=(9, 3)), timedelta(minutes=1), live_then="hold") == ("held", "contact.live_then")


def test_every_verdict_that_stops_a_line_names_rule_reason_and_values() -> None:
    known = Known(
        past=[past(0, kind="新品"), past(0), past(1, kind="新品")], quotas=[QuotaUse("群发", 1, 1, "每天", "官方")],
        talk=(20, 5),
    )  # fmt: skip
    found = every_reason(PROMO, known, settings(no_promo=True), now=NOON)
    assert [one.rule for one in found] == [
        "contact.no_promo", "quota", "budget", "contact.same_kind_days", "contact.live_messages",
    ]  # fmt: skip
    assert all(one.why for one in found)
    assert all(one.values for one in found[1:])


def test_only_a_campaign_that_says_it_is_useful_or_fun_is_no_promotion() -> None:
    assert [klass_of("campaign", one) for one in ("", "product", "useful", "fun")] == [
        "promo", "promo", "content", "content",
    ]  # fmt: skip
    assert klass_of("reminder", "product") == "reminder"
    assert NOW.what == "now"


def test_the_same_words_are_named_by_the_clock_of_the_group() -> None:
    said = (NOON - timedelta(minutes=10)).astimezone(UTC)
    twin = Past(NOON.date(), said, "promo", same=True)
    verdict = weigh(PROMO, Known(past=[twin]), settings(), now=NOON.astimezone(UTC), expires=NOON + timedelta(hours=1))
    assert "11:50" in verdict.why
