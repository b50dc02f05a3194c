"""Answers out of the question book: when to be sure enough, when to ask back, who may teach."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bot.settings.kinds import Part, Span


class Faq(Part):
    """Answers out of the question book."""

    on: bool = Field(True, title="关键词回复和答疑")
    cooldown: Span = Field(timedelta(minutes=10), title="同一答案多久内不重复", description="群里刚答过，往上翻就有")
    coverage: float = Field(
        0.75, ge=0.1, le=1.0, title="没@我时，关键词要占整句的几成才答", description="顺口提到不算问，宁可安静"
    )
    strong: float = Field(
        0.9,
        ge=0.5,
        le=1.0,
        title="没@我时，有几成把握才开口",
        description="答错一句打扰全群，十次里最多错一次；1 就是只认关键词",
    )
    sure: float = Field(
        0.5,
        ge=0.1,
        le=1.0,
        title="问我时，有几成把握就直接答",
        description="答错只耽误一个人，还能说「答错了」；再低就先问是不是想问这个",
    )
    maybe: float = Field(
        0.2, ge=0.01, le=1.0, title="问我时，有几成把握才反问", description="更低的多半不沾边，直接请人来答"
    )
    choices: int = Field(3, ge=2, le=5, title="最多反问几个", description="多了就成了选择题")
    choose: Span = Field(
        timedelta(minutes=3), title="反问以后等多久", description="过了就当没选，免得把别的数字听成选项"
    )
    give_up: int = Field(
        2, ge=1, le=10, title="连着几个没答上就提醒可以转人工", description="一次是巧，两次再让人换说法就烦了"
    )
    row: Span = Field(timedelta(minutes=30), title="隔多久还算连着", description="半小时没再问，就是新的一件事")
    editors: Literal["service", "guide", "operator", "owner"] = Field(
        "guide", title="谁能教这个群的问答", description="天天在群里答的人最清楚；私聊教的到处都用，要 operator"
    )
    undo: Span = Field(timedelta(hours=24), title="教、改、删多久内能撤销", description="教错了多半当天就有人发现")
    learn: bool = Field(True, title="员工引用回答时，问要不要记住", description="好答案多半已经在群里说过一次")
