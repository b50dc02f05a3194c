"""Template cards: what each kind must have, checked before the platform refuses it."""

import re
from collections.abc import Mapping
from typing import Any

from bot.channels.wecom.payload import excess, text_at
from bot.errors import Refused

TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
MUST: dict[str, tuple[str, ...]] = {
    "text_notice": ("card_action",),
    "news_notice": ("main_title", "card_action"),
    "button_interaction": ("main_title", "button_list", "task_id"),
    "vote_interaction": ("main_title", "checkbox", "submit_button", "task_id"),
    "multiple_interaction": ("main_title", "select_list", "submit_button", "task_id"),
}
MOST = {"horizontal_content_list": 6, "jump_list": 3, "vertical_content_list": 4, "button_list": 6, "select_list": 3}
WEBHOOK_KINDS = {"text_notice", "news_notice"}


def check_card(card: Mapping[str, Any], *, webhook: bool = False) -> None:
    """Raises Refused with what is wrong. Sections 3.2 and 11 of the reference."""
    kind = text_at(card, "card_type")
    if kind not in MUST:
        raise Refused(f"unknown card_type {kind[:40]!r}")
    if webhook and kind not in WEBHOOK_KINDS:
        raise Refused(f"a webhook robot has no {kind}")
    missing = [key for key in MUST[kind] if not card.get(key)]
    if kind == "text_notice" and not text_at(card, "main_title", "title") and not card.get("sub_title_text"):
        missing.append("main_title.title")
    if kind == "news_notice" and not card.get("card_image") and not card.get("image_text_area"):
        missing.append("card_image")
    if card.get("action_menu") and not card.get("task_id"):
        missing.append("task_id")
    if missing:
        raise Refused(f"{kind} lacks {', '.join(missing)}")
    task_id = card.get("task_id")
    if task_id and not (isinstance(task_id, str) and TASK_ID.fullmatch(task_id)):
        raise Refused("task_id must be 1 to 128 of 0-9 A-Z a-z _ - @")
    for key, most in MOST.items():
        entries = card.get(key) or []
        if len(entries) > most:
            raise Refused(f"{key} has {len(entries)} entries, at most {most}")
    actions = (card.get("action_menu") or {}).get("action_list") or []
    if len(actions) > 3 or any(excess(text_at(action, "key"), 1024) for action in actions):
        raise Refused("action_list has 1 to 3 entries with keys of at most 1024 bytes")
