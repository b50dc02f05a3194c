"""Keyword answers."""

from datetime import timedelta

from pydantic import Field

from bot.settings.kinds import Part, Span


class Faq(Part):
    """Keyword answers."""

    on: bool = Field(True, title="关键词回复")
    cooldown: Span = Field(timedelta(minutes=10), title="同一答案多久内不重复", description="群里刚答过，往上翻就有")
    coverage: float = Field(
        0.75, ge=0.1, le=1.0, title="没@我时，关键词要占整句的几成才答", description="顺口提到不算问，宁可安静"
    )
