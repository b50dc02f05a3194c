"""The platform's error codes: what each means, what the client does, and what a person must do, in Chinese."""

import re
from dataclasses import dataclass
from typing import Literal

from bot.errors import ChannelError, Refused, Retryable

Action = Literal["refresh", "busy", "crowded", "slow", "config", "refuse", "later"]
"""refresh: fetch a new token, once. busy, crowded: again with back-off. slow: wait out the window. later: shortly."""

MINUTE = 60.0
CALLER = re.compile(r"from ip: ?([0-9a-fA-F.:]{3,45})")


@dataclass(frozen=True, slots=True)
class Code:
    meaning: str
    action: Action = "refuse"
    step: str = ""


TABLE: dict[int, Code] = {
    -1: Code("系统繁忙", "busy"),
    40001: Code(
        "secret 不对、已重置或应用被停用", "config", "管理后台 > 应用管理 > 该应用 > 查看 Secret，更新环境变量"
    ),
    40013: Code("企业 ID 不对", "config", "管理后台 > 我的企业 > 企业信息 > 企业 ID"),
    40014: Code("access_token 无效", "refresh"),
    40056: Code("agentid 不对", "config", "管理后台 > 应用管理 > 该应用 > AgentId"),
    40058: Code("参数不合要求（过长或格式错误）"),
    40068: Code("标签 id 无效"),
    40071: Code("标签名重复"),
    40091: Code("secret 不对", "config", "管理后台 > 应用管理 > 该应用 > 查看 Secret，更新环境变量"),
    41001: Code("缺少 access_token", "refresh"),
    41047: Code("群发消息 id 无效"),
    41048: Code("没有可以群发的对象"),
    41050: Code("欢迎语 code 无效或已过期"),
    41051: Code("已发过欢迎语，或已开始聊天"),
    41053: Code("客户还没有同意会话存档"),
    41063: Code("群发任务还在下发", "later"),
    41093: Code("群发已被取消"),
    41094: Code("24 小时内提醒已满 3 次"),
    41096: Code("别的应用正在发欢迎语", "later"),
    42001: Code("access_token 已过期", "refresh"),
    45009: Code("调用超过频率", "slow"),
    45033: Code("并发调用过多", "crowded"),
    48002: Code("应用没有此接口的权限", "config", "管理后台 > 客户联系 / 微信客服 > 可调用接口的应用，勾选该应用"),
    48007: Code(
        "客服账号没有授权给该应用", "config", "管理后台 > 微信客服 > 可调用接口的应用，勾选该应用并选择客服账号"
    ),
    60011: Code("成员、部门或标签不在应用可见范围", "config", "管理后台 > 应用管理 > 该应用 > 可见范围"),
    60020: Code("本机 IP 不在企业可信 IP 里", "config", "管理后台 > 应用管理 > 该应用 > 企业可信IP，约 1 分钟后生效"),
    60140: Code("response_code 无效或已用过"),
    81011: Code("只能改本应用创建的标签"),
    81013: Code("接收人全部无效或不在可见范围"),
    81017: Code("范围内超过 1000 人，必须指定群主"),
    84061: Code("该成员与客户没有好友关系"),
    86003: Code("群不存在"),
    86008: Code("群不是本应用创建的"),
    90501: Code("不是客户群"),
    90509: Code("不是客户群"),
    93000: Code("webhook 地址无效或机器人已移除", "config", "群设置 > 消息推送，重新添加并更新 key"),
    93004: Code("机器人已停用", "config", "群设置 > 消息推送，重新启用"),
    93008: Code("机器人不在群里", "config", "把机器人重新加进群"),
    95000: Code("客服账号 open_kfid 无效", "config", "管理后台 > 微信客服 > 账号，核对 open_kfid"),
    95001: Code("客户上条消息之后已发满 5 条"),
    95002: Code("距客户上条消息已超过 48 小时"),
    95003: Code("企业未认证，客户数已满"),
    95004: Code("客服账号已删除或不属于本企业"),
    95007: Code("sync_msg 的 token 无效"),
    95013: Code("会话已结束"),
    95014: Code("接待人员未激活"),
    95016: Code("会话状态不允许这样流转"),
    95017: Code("客服账号没有开启 API 管理", "config", "管理后台 > 微信客服 > 通过 API 管理微信客服账号"),
    95018: Code("会话状态不允许发消息"),
    95019: Code("接待人员停止接待"),
    301002: Code("agentid 与 secret 不是同一个应用", "config", "管理后台 > 应用管理 > 该应用，核对 AgentId 与 Secret"),
    6000: Code("同一个 req_id 上命令冲突", "busy"),
    846605: Code("req_id 无效或已过期"),
    846608: Code("流式消息已超过 6 分钟"),
    846609: Code("长连接还没有订阅", "later"),
}


class ApiRefused(Refused):
    """A definite no, with the platform's code."""

    def __init__(self, reason: str, code: int = 0, caller: str = "") -> None:
        self.code = code
        self.caller = caller
        super().__init__(reason)


class ApiRetryable(Retryable):
    """Nothing happened; later it may. With the platform's code where it gave one."""

    def __init__(self, reason: str, after: float = 1.0, code: int = 0, *, tried: bool = True) -> None:
        self.code = code
        super().__init__(reason, after, tried=tried)


class Uncertain(ChannelError):
    """The request left, the answer never came: it may have been done. Never repeat it blindly."""


def lookup(code: int) -> Code:
    return TABLE.get(code, Code("未知错误"))


def describe(code: int, message: str, place: str) -> ApiRefused | ApiRetryable:
    """The exception for a code. `message` has been scrubbed of secrets; `place` is a path without its query."""
    entry = lookup(code)
    reason = f"{place}: errcode {code} {entry.meaning} ({message[:160]})"
    match entry.action:
        case "slow":
            return ApiRetryable(reason, MINUTE, code)
        case "busy" | "crowded" | "refresh":
            return ApiRetryable(reason, 5.0, code)
        case "later":
            return ApiRetryable(reason, 2.0, code)
        case _:
            caller = CALLER.search(message)
            return ApiRefused(reason, code, caller.group(1) if caller else "")
