"""Error answers: HTTP 200, `errcode`, and an `errmsg` with hint, caller address and link (wecom.md 0)."""

from typing import Any

Json = dict[str, Any]

# wecom.md 1, 3, 4, 5, 6, 7 (codes); the wording of rows without a sample in the reference is ours.
WORDING: dict[int, str] = {
    -1: "system error",
    40001: "invalid credential",
    40003: "invalid UserID",
    40004: "invalid media type",
    40005: "invalid type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid CorpID",
    40014: "invalid access_token",
    40031: "invalid UserID list",
    40050: "chatid invalid",
    40056: "invalid agentid",
    40058: "invalid Request Parameter",
    40068: "invalid tagid",
    40071: "tag name already exists",
    40091: "invalid secret",
    41001: "access_token missing",
    41047: "invalid groupmsg msgid",
    41048: "no customer to send",
    41049: "missing welcome code",
    41050: "invalid welcome code",
    41051: "externaluser has started chatting",
    41063: "groupmsg is being dispatched",
    41064: "too many attachments",
    41065: "invalid attachment type",
    41093: "groupmsg already cancelled",
    41094: "remind limit reached",
    41096: "another application is sending the welcome message",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    44001: "empty media data",
    44004: "text content is empty",
    45001: "media size out of limit",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "api freq out of limit",
    45033: "api concurrent out of limit",
    48002: "api forbidden for agent",
    48007: "kf account not authorised for this app",
    60011: "no privilege to access/modify contact/party/agent",
    60020: "not allow to access from your ip",
    60140: "invalid response_code",
    60111: "userid not found",
    81011: "no permission to edit this tag",
    81013: "user & party & tag all invalid",
    81017: "too many followers in scope, owner_filter required",
    82002: "too many parties",
    82003: "too many tags",
    84061: "not external contact",
    86003: "chat not exist",
    86008: "chat not created by this application",
    86214: "invalid message type",
    90501: "not a customer group",
    93000: "invalid webhook url",
    93004: "webhook robot is disabled",
    93008: "robot is not in the group",
    95000: "invalid open_kfid",
    95001: "send message count out of limit",
    95002: "send message time out of limit",
    95004: "open_kfid not exist",
    95007: "invalid token",
    95013: "session has ended",
    95014: "servicer is not active",
    95016: "session state transition not allowed",
    95018: "send msg session status invalid",
    95019: "servicer has stopped receiving",
    301002: "agentid does not match the token",
    6000: "command conflict",
    846605: "invalid req_id",
    846608: "stream message update expired",
    846609: "aibot websocket not subscribed",
}


class ApiError(Exception):
    """A call that WeCom refuses: becomes an error body, never an HTTP error status."""

    def __init__(self, code: int, text: str = "") -> None:
        self.code = code
        self.text = text or WORDING.get(code, "request failed")
        super().__init__(f"{code} {self.text}")


def error_body(code: int, text: str, *, hint: str, ip: str) -> Json:
    """The shape of wecom.md 0 "Error body shape"."""
    link = f"https://open.work.weixin.qq.com/devtool/query?e={code}"
    return {"errcode": code, "errmsg": f"{text}, hint: [{hint}], from ip: {ip}, more info at {link}"}


def ok(**more: Any) -> Json:
    """wecom.md 0 "Success body"."""
    return {"errcode": 0, "errmsg": "ok", **more}
