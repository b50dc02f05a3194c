"""App messages to members: truncation, partial failure, and the silent drop above 30 per minute (wecom.md 3.1)."""

from dataclasses import dataclass, field

from tests.fake_wecom.cards import check_card
from tests.fake_wecom.errors import ApiError, Json, ok
from tests.fake_wecom.fields import Fields
from tests.fake_wecom.ground import Call, Ground
from tests.fake_wecom.lengths import cut_to_bytes
from tests.fake_wecom.media import Media
from tests.fake_wecom.records import Ask
from tests.fake_wecom.windows import Windows

KINDS = ("text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown", "miniprogram_notice")
CODE_LIFE = 72 * 3600  # wecom.md 3.1: response_code valid 72 h, one use
RECALL_LIFE = 24 * 3600  # wecom.md 3.1 Related


@dataclass
class AppMessage:
    """One accepted send. `delivered` are those who really got it; surplus above the limits is missing there."""

    at: float
    msgid: str
    agentid: int
    msgtype: str
    body: Json
    to: list[str]
    delivered: list[str]
    recalled: bool = False


@dataclass
class AppMessages:
    ground: Ground
    media: Media
    sent: list[AppMessage] = field(default_factory=list)
    codes: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Response codes of cards: agentid and end."""
    _per_member: Windows = field(default_factory=lambda: Windows(((30, 60), (1000, 3600))))  # wecom.md 3.1
    _recent: dict[str, float] = field(default_factory=dict)

    def calls(self) -> list[Call]:
        return [
            Call("POST", "message/send", self._send, "message"),
            Call("POST", "message/recall", self._recall, "message"),
            Call("POST", "message/update_template_card", self._update_card, "message"),
        ]

    def _send(self, ask: Ask) -> Json:
        body = ask.body
        if body.number("agentid") != ask.app.agentid:
            raise ApiError(301002)
        content = check_payload(body, self.media, ask.corp.corpid)
        body.flag("safe")
        to, bad = self._receivers(ask)
        if not to:
            raise ApiError(81013)
        msgid = self.ground.luck.word("", 48)
        kind = body.text("msgtype")
        answer: Json = {"invaliduser": "|".join(bad).lower(), "invalidparty": "", "invalidtag": "", "msgid": msgid}
        if not self._repeated(ask, content, to):
            # wecom.md 10 item 6: silently drop above 30/min per member
            got = [who for who in to if self._per_member.take(f"{ask.corp.corpid} {ask.app.agentid} {who}", ask.now)]
            self.sent.append(AppMessage(ask.now, msgid, ask.app.agentid, kind, content, to, got))
            self.ground.tell()
        if kind == "template_card" and content["card_type"].endswith("_interaction"):
            code = self.ground.luck.word("", 64)
            self.codes[code] = (ask.app.agentid, ask.now + CODE_LIFE)
            answer["response_code"] = code
        return ok(**answer)

    def _receivers(self, ask: Ask) -> tuple[list[str], list[str]]:
        touser = ask.body.text("touser")
        seen = [who for who in ask.corp.members if ask.app.sees(who)]
        if touser == "@all":
            return seen, []
        for key, code in (("toparty", 82002), ("totag", 82003)):
            if len(ask.body.text(key).split("|")) > 100:
                raise ApiError(code)
        wanted = [who for who in touser.split("|") if who]
        if len(wanted) > 1000:
            raise ApiError(40031)
        by_lower = {who.lower(): who for who in seen}  # wecom.md 0: userids are case-insensitive
        found = [by_lower[who.lower()] for who in wanted if who.lower() in by_lower]
        return list(dict.fromkeys(found)), [who for who in wanted if who.lower() not in by_lower]

    def _repeated(self, ask: Ask, content: Json, to: list[str]) -> bool:
        """enable_duplicate_check: the same message within the interval is not delivered again (wecom.md 3.1)."""
        if not ask.body.flag("enable_duplicate_check"):
            return False
        span = ask.body.number("duplicate_check_interval", 1800, most=4 * 3600)
        key = repr((ask.corp.corpid, ask.app.agentid, ask.body.text("msgtype"), content, to))
        last = self._recent.get(key)
        if last is not None and ask.now - last < span:
            return True
        self._recent[key] = ask.now
        return False

    def _recall(self, ask: Ask) -> Json:
        msgid = ask.body.text("msgid", need=True)
        for message in self.sent:
            if message.msgid == msgid and ask.now - message.at <= RECALL_LIFE:
                message.recalled = True
                return ok()
        raise ApiError(40058, "msgid is invalid. invalid Request Parameter")

    def _update_card(self, ask: Ask) -> Json:
        code = ask.body.text("response_code", need=True)
        agentid, until = self.codes.get(code, (0, 0.0))
        if agentid != ask.app.agentid or ask.now > until:
            raise ApiError(60140)
        if ask.body.has("template_card"):
            check_card(ask.body.part("template_card"))
        else:
            ask.body.part("button", need=True).text("replace_name", need=True)
        del self.codes[code]
        return ok(invaliduser=[])


def check_payload(body: Fields, media: Media, corpid: str) -> Json:
    """Checks one message and returns what the receivers see: texts cut where WeCom cuts (wecom.md 3.1)."""
    kind = body.text("msgtype", need=True)
    if kind not in (*KINDS, "template_card"):
        raise ApiError(40008)
    part = body.part(kind, need=True)
    shown = dict(part.data)
    if kind in ("text", "markdown"):
        if not part.text("content"):
            raise ApiError(44004)
        shown["content"] = cut_to_bytes(part.text("content"), 2048)
    elif kind in ("image", "voice", "video", "file"):
        media.find(part.text("media_id", need=True), corpid, kind)
        _cut(part, shown, {"title": 128, "description": 512})
    elif kind == "textcard":
        for key in ("title", "description", "url"):
            part.text(key, need=True)
        part.text("btntxt", chars_most=4)
        _cut(part, shown, {"title": 128, "description": 512})
    elif kind in ("news", "mpnews"):
        if len(part.parts("articles", least=1)) > 8:
            raise ApiError(45008)
        for article in part.parts("articles"):
            article.text("title", need=True)
            article.text("author", bytes_most=64)
            article.text("content", bytes_most=666 * 1024)
    elif kind == "template_card":
        check_card(part)
    return shown


def _cut(part: Fields, shown: Json, most: dict[str, int]) -> None:
    for key, limit in most.items():
        if part.has(key):
            shown[key] = cut_to_bytes(part.text(key), limit)
