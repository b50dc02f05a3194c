"""What the reference leaves open, as settings with the reference's default; see wecom.md 10 and 11."""

from dataclasses import dataclass
from typing import Literal


@dataclass
class Options:
    """Figures that no source confirms, or that tests want to turn. Every field may change while the sandbox runs.

    Sizes of frequency windows are read when the window is first used (a bot's: when it is added).
    """

    # access_token (wecom.md 1)
    token_seconds: int = 7200
    same_token_again: bool = True  # wecom.md 11: the old page promises it, the new one is silent
    token_errors_per_hour: int = 2000  # wecom.md 1 "gettoken error throttle", ~2000
    trusted_ip_delay: float = 60.0  # wecom.md 1, 60020: "about 1 minute"
    concurrent_calls: int | None = None  # 45033 exists, its figure is UNCONFIRMED: off until a test turns it on
    answer_seconds: float = 0.0  # how long every REST call takes on the sandbox's clock
    corp_calls_per_minute: int = 10_000  # wecom.md 1 "Base frequency limits"
    corp_calls_per_hour: int = 150_000
    ip_calls_per_minute: int = 20_000
    ip_calls_per_hour: int = 600_000

    # callbacks (wecom.md 2.1)
    verify_seconds: float = 1.0
    push_seconds: float = 5.0
    push_tries: int = 3
    retry_gap: float = 0.0  # UNCONFIRMED: pause between tries
    fresh_envelope_per_try: bool = True  # UNCONFIRMED, wecom.md 10 item 3
    bot_push_tries: int = 3  # UNCONFIRMED for the AI bot

    # customer contact (wecom.md 5)
    group_detail_delay: float = 2.0  # wecom.md 5.2 "about 2 s"
    group_merge_seconds: float = 0.0  # wecom.md 5.2: joins may be merged; 0 = never
    member_list_form: Literal["items", "flat", "absent"] = "items"  # wecom.md 5.2 MemChangeList
    welcome_seconds: float = 20.0
    mass_per_day: int = 1  # wecom.md 11 "mass-message cap"
    mass_per_month: int | None = None  # the older page: 4
    mass_dispatch_seconds: float = 2.0  # 41063 right after creation; the span is UNCONFIRMED
    most_tags: int = 3000  # wecom.md 5.7; later pages raise it, UNCONFIRMED

    # 微信客服 (wecom.md 6)
    kf_late_failures: bool = False  # limits answered by msg_send_fail events instead of error codes
    kf_repeated_msgid: Literal["same", "refuse"] = "same"  # UNCONFIRMED: what a used msgid does
    kf_syncs_without_token_per_minute: int = 10  # "strictly rate-limited", figure UNCONFIRMED
    kf_end_by_api_from: tuple[int, ...] = (3,)  # 1 -> 4 and 2 -> 4 are UNCONFIRMED

    # AI bot (wecom.md 7)
    bot_per_minute: int = 30
    bot_per_hour: int = 1000
    stream_frames_count: bool = False  # UNCONFIRMED: do stream refreshes count against the 30/min?
    bot_in_flight: int | None = 3  # wecom.md 7.0
    refresh_seconds: float = 1.0  # UNCONFIRMED, about 1 s in traces
    response_url_error: int = 60140  # UNCONFIRMED: code for a used or expired response_url
    ws_idle_seconds: float = 90.0  # UNCONFIRMED: "missing pings -> server closes", three missed pings here
    ws_subscribes_per_minute: int = 10  # UNCONFIRMED figure of a confirmed limit
    ws_ack_delay: float = 0.0  # with a delay, a second frame on one req_id before its ack -> 6000
    feedback_kinds: tuple[int, ...] = (1, 2, 3)  # UNCONFIRMED meaning: positive, negative, withdrawn

    # appchat (wecom.md 3.3, 11): person-times per hour by corp size
    appchat_people_per_hour: int = 150_000
