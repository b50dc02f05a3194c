"""Quiz sessions."""

from datetime import timedelta

from pydantic import Field

from bot.settings.kinds import Part, Span


class Quiz(Part):
    """Quiz sessions."""

    on: bool = Field(True, title="答题")
    seconds: int = Field(60, ge=10, le=600, title="一题几秒", description="看题、想、打字，手机上一分钟正好")
    pause: int = Field(6, ge=0, le=120, title="两题之间歇几秒", description="留点时间看解释，也不刷屏")
    hints: int = Field(2, ge=0, le=5, title="一题最多给几条提示", description="隔一样的时间给一条，题库一般写两条")
    questions: int = Field(5, ge=1, le=20, title="「答题」不写数时几题", description="五题五六分钟，大家坐得住")
    most: int = Field(10, ge=1, le=50, title="一局最多几题", description="再长就该分两局了")
    per_day: int = Field(
        10, ge=0, le=1_000, title="一天最多开几局", description="十局约半小时，再多就成了刷分；0 不限，员工开的不算"
    )
    points: int = Field(5, ge=0, le=1_000, title="答对一题几分", description="和签到一天一样多")
    speed_bonus: int = Field(
        3,
        ge=0,
        le=1_000,
        title="答得快加几分",
        description="抢答：还没给提示就答对；全员答题：最快的加满，后面按名次除",
    )
    repeat_days: int = Field(
        30, ge=0, le=3650, title="多少天内不出同一题", description="一个月内还记得答案，再出就没意思"
    )
    difficulty: int = Field(0, ge=0, le=3, title="难度", description="1 简单、2 中等、3 难，0 都出")
    silent: int = Field(2, ge=1, le=20, title="连着几题没人答就收", description="没人在看，不对着空群说话")
    appeal: Span = Field(
        timedelta(minutes=30),
        title="一题结束后多久内可以申诉答案",
        description="说得清的都在半小时内；太久分数就不动了",
    )
