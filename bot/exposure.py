"""Between outbox and policy: what is known about an unasked line is looked up, judged, and counted when it leaves.

Answers never come here. Everything is read and written inside the transaction that claims the line, so that a count is
exact after any crash: a line that left is counted, one that did not is not.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import cast

from bot.config import Config
from bot.contact import (
    MONTH,
    NOW,
    UNASKED,
    Known,
    Past,
    QuotaUse,
    Stage,
    Unasked,
    Verdict,
    decide,
    klass_of,
    weigh,
)
from bot.context import zone_of
from bot.lifecycle import Course, talk_stage
from bot.quotas import load_quotas
from bot.replies import Say
from bot.settings import GroupSettings
from bot.world import from_ms, to_ms
from storage.outbox import Waiting
from storage.store import Store

LOOK_BACK = timedelta(days=62)
"""No window of any rule is longer: months of quotas, days of the same kind."""


LATEST = 1 << 62
"""Later than any moment (ms)."""


class Exposure:
    """Judges and counts unasked lines."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._rows = store.exposures
        self._config = config
        self._quotas = (*load_quotas(), *config.settings.quota)

    def note(self, row: Waiting, say: Say) -> None:
        """An unasked line was queued."""
        self._rows.note(
            row.key, sort=row.sort, klass=klass_of(row.sort, say.content), kind=say.kind, channel=row.channel,
            group_id=row.group_id, member_id=row.member_id, phrase=row.phrase, slots=row.slots,
        )  # fmt: skip

    def judge(
        self, row: Waiting, verdict: Verdict, settings: GroupSettings, now: datetime, speaks: str
    ) -> tuple[Verdict, Waiting]:
        """The whole verdict on a line whose time has come, and the line as it may leave: whoever wants distance is
        named in it, not @-ed. `verdict` is what `decide` said."""
        klass, kind, slots = self._rows.label(row.key) or (klass_of(row.sort, ""), "", "")
        if verdict.what == "now":
            line = Unasked(klass, kind, private=row.group_id is None)
            known = self.known(
                row.group_id, row.member_id, settings, now, channel=row.channel, speaks=speaks, line=row.key,
                twin=(row.phrase, slots),
            )  # fmt: skip
            verdict = weigh(line, known, settings, now=now, expires=from_ms(row.expires_at))
        if verdict.what == "now":
            near = tuple(one for one in row.mentions if self.may_mention(one, now))
            return verdict, row if near == row.mentions else row._replace(mentions=near)
        self._rows.judge(row.key, verdict.what, verdict.rule, verdict.why, verdict.values, to_ms(now))
        return verdict, row

    def count(self, row: Waiting, settings: GroupSettings, now: datetime) -> None:
        """The line leaves in this transaction."""
        klass, _, _ = self._rows.label(row.key) or (klass_of(row.sort, ""), "", "")
        private = row.group_id is None
        less = private and bool(self._store.bonds.distance(row.member_id or "").less)
        day, week = settings.contact.limits(klass, private=private, less=less)
        today = now.astimezone(zone_of(settings)).date()
        self._rows.count(row.key, day=today.isoformat(), at=to_ms(now), day_limit=day, week_limit=week)

    def may_mention(self, member: str, now: datetime) -> bool:
        """Whether an unasked post may @ a member."""
        bonds = self._store.bonds
        wish = bonds.distance(member)
        paused = wish.paused_until is not None and wish.paused_until > to_ms(now)
        if wish.choice == "quiet" or paused or bonds.is_handed_over(member):
            return False
        return bonds.trouble(member, to_ms(now)) is None

    def known(
        self, group: str | None, member: str | None, settings: GroupSettings, now: datetime, *, channel: str = "",
        speaks: str = "first", line: str = "", twin: tuple[str, str] = ("", ""), talk_now: bool = True,
    ) -> Known:  # fmt: skip
        """What is known about a group, or about a member in 1:1. `twin`: phrase and slots of the line itself."""
        today = now.astimezone(zone_of(settings)).date()
        rules = settings.contact
        back = max(LOOK_BACK if self._quotas else MONTH, timedelta(days=rules.same_kind_days))
        past = [
            Past(
                date.fromisoformat(one.day), from_ms(one.at), one.klass, one.kind, one.channel,
                same=bool(twin[0]) and (one.phrase, one.slots) == twin,
            )
            for one in self._rows.past(line, group, member, (today - back).isoformat())
        ]  # fmt: skip
        quotas = tuple(self._uses(past, channel, speaks, today, settings, line))
        known = Known(past=tuple(past), quotas=quotas)
        if group is not None:
            if rules.live_messages and talk_now:
                known = replace(known, talk=self._rows.talk(group, to_ms(now - rules.live_window)))
            return known
        return self._of_member(member or "", known, settings, now)

    def _of_member(self, member: str, known: Known, settings: GroupSettings, now: datetime) -> Known:
        bonds = self._store.bonds
        wish, trouble, last = bonds.distance(member), bonds.trouble(member, to_ms(now)), self._rows.last_talk(member)
        return replace(
            known,
            stage=self.stage_of(member, settings, now),
            last_talk=from_ms(last) if last is not None else None,
            last_purchase=self._last_purchase(member),
            choice=wish.choice, less=bool(wish.less), plain=bool(wish.plain),
            paused_until=from_ms(wish.paused_until) if wish.paused_until is not None else None,
            troubled_until=from_ms(trouble.until) if trouble else None,
            handed_over=bonds.is_handed_over(member),
        )  # fmt: skip

    def stage_of(self, member: str, settings: GroupSettings, now: datetime) -> Stage:
        """The stage of a member by the thresholds of `lifecycle`. To 1:1 there is one person, whatever their groups:
        known since they were first seen anywhere, gone when they are in no group any more and say nothing."""
        first = self._store.bonds.first_seen(member)
        if first is None:
            return "new"
        talked, gone = self._rows.last_talk(member), self._store.members.gone_since(member)
        course = Course(joined=first, talked=talked, left=gone is not None and gone >= (talked or 0))
        return cast("Stage", talk_stage(course, to_ms(now), settings.lifecycle)[0])

    def _last_purchase(self, member: str) -> datetime | None:
        """When they last bought something, by orders or as staff noted it."""
        noted, ordered = self._store.bonds.last_purchase(member), self._store.orders.last(member, LATEST)
        bought = max((one for one in (noted, ordered) if one is not None), default=None)
        return from_ms(bought) if bought is not None else None

    def _uses(
        self, past: list[Past], channel: str, speaks: str, today: date, settings: GroupSettings, line: str
    ) -> list[QuotaUse]:
        found = []
        for quota in self._quotas:
            if not quota.binds(channel, speaks, today):
                continue
            first = quota.first_day(today)
            if quota.scope == "target":
                used = sum(one.day >= first and one.channel == channel for one in past)
            else:
                midnight = datetime(first.year, first.month, first.day, tzinfo=zone_of(settings))
                used = self._rows.on_channel(line, channel, to_ms(midnight))
            found.append(QuotaUse(quota.title, quota.n, used, quota.spoken, quota.reference, quota.scope, first))
        return found

    def preview(
        self, say: Say, group: str, settings: GroupSettings, at: datetime, planned: Sequence[tuple[str, Past]], *,
        channel: str, speaks: str, expires: datetime,
    ) -> Verdict:  # fmt: skip
        """What would become of a post at a later moment, after the (group, line) that are `planned` before it."""
        if say.sort not in UNASKED:
            return NOW
        first = decide(say.sort, settings, now=at, expires=expires, speaks=speaks)
        if first.what not in ("now", "later"):
            return first
        words = json.dumps(dict(say.slots), ensure_ascii=False, sort_keys=True, default=str)
        known = self.known(
            group, None, settings, at, channel=channel, speaks=speaks, twin=(say.key, words), talk_now=False
        )
        quotas = [
            replace(one, used=one.used + sum(
                past.channel == channel and past.day >= one.first and (one.scope == "account" or where == group)
                for where, past in planned
            ))
            for one in known.quotas
        ]  # fmt: skip
        ahead = [past for where, past in planned if where == group]
        known = replace(known, past=(*known.past, *ahead), quotas=quotas)
        return weigh(Unasked(klass_of(say.sort, say.content), say.kind), known, settings, now=at, expires=expires)
