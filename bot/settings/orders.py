"""Orders: which purchases are milestones, what is thanked for, what staff hear of; and the door they come in by."""

from datetime import timedelta

from pydantic import Field

from bot.settings.kinds import Floors, Part, Span


class OrderSettings(Part):
    """What happens when somebody bought something."""

    milestones: Floors = Field(
        ("1", "3", "5"), title="第几单是里程碑", description="文章 001：头三单最要紧，第五单起黏住"
    )
    thank: bool = Field(True, title="里程碑道谢", description="只在加了好友的私聊里说一句，不推东西")
    fresh: Span = Field(timedelta(days=3), title="多新的订单才有动静", description="补导旧账时不打扰人")
    high_value: int = Field(
        2_000, ge=0, le=10_000_000, title="几元的单告诉员工", description="文章 004：大单当天就寄手写卡；0 不报"
    )


class HookSettings(Part):
    """The HTTP door for orders. Off while there is no port."""

    port: int = Field(0, ge=0, le=65_535, description="收订单的端口；0 不开")
    host: str = Field("127.0.0.1", max_length=253, description="默认只听本机，前面放反向代理")
    secret_env: str = Field("YUANZI_HOOK_SECRET", pattern=r"^[A-Z][A-Z0-9_]*$", description="签名密钥在哪个环境变量里")
    window: int = Field(300, ge=10, le=3600, description="时间戳差几秒以内才收，防重放")
