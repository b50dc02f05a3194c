"""template_card, shared by app messages, the webhook robot and the AI bot (wecom.md 3.2)."""

import re

from tests.fake_wecom.errors import ApiError
from tests.fake_wecom.fields import Fields, refuse

KINDS = ("text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction")
WEBHOOK_KINDS = KINDS[:2]  # wecom.md 3.2 "Webhook bots accept only text_notice and news_notice"
TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")


def check_card(card: Fields, kinds: tuple[str, ...] = KINDS) -> None:
    """Mandatory parts, counts and lengths of the table in wecom.md 3.2."""
    kind = card.text("card_type", need=True)
    if kind not in kinds:
        raise ApiError(40058, f"{card.name('card_type')} is invalid. invalid Request Parameter")
    title = card.part("main_title")
    task_id = card.text("task_id", need=kind.endswith("_interaction") or card.has("action_menu"))
    if task_id and not TASK_ID.fullmatch(task_id):
        raise refuse(card.name("task_id"), "is not 1-128 of 0-9A-Za-z_-@")
    card.parts("horizontal_content_list", most=6)
    for jump in card.parts("jump_list", most=3):
        jump.number("type", most=3)
    if card.has("action_menu"):
        for action in card.part("action_menu").parts("action_list", least=1, most=3):
            action.text("text", need=True)
            action.text("key", need=True, bytes_most=1024)
    if kind == "text_notice":
        if not (title.text("title") or card.text("sub_title_text")):
            raise refuse(card.name("main_title.title"), "and sub_title_text are both missing")
        card.part("card_action", need=True).number("type", most=2)
    elif kind == "news_notice":
        card.part("main_title", need=True)
        card.part("card_action", need=True).number("type", most=2)
        if not (card.has("card_image") or card.has("image_text_area")):
            raise refuse(card.name("card_image"), "and image_text_area are both missing")
        card.parts("vertical_content_list", most=4)
    else:
        card.part("main_title", need=True)
        _check_interaction(card, kind)


def _check_interaction(card: Fields, kind: str) -> None:
    if kind == "button_interaction":
        card.parts("button_list", least=1, most=6)
        if card.has("button_selection"):
            card.part("button_selection").parts("option_list", least=1, most=10)
    elif kind == "vote_interaction":
        box = card.part("checkbox", need=True)
        box.parts("option_list", least=1, most=20)
        box.number("mode", most=1)
        card.part("submit_button", need=True)
    else:
        card.parts("select_list", least=1, most=3)
        card.part("submit_button", need=True)
