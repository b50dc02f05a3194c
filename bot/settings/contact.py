"""The contact policy: how often, when, and to whom the bot may speak without being asked."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from bot.settings.kinds import Part, Span, Word


class Stages(Part):
    """Promotions in 1:1 that a member of each stage gets in 30 days; where the stages begin says `lifecycle`."""

    new: int = Field(1, ge=0, le=100, title="新人 30 天几条促销私信", description="先认识，再谈东西")
    active: int = Field(2, ge=0, le=100, title="活跃的 30 天几条", description="文章 001：聊价值，少谈折扣")
    silent: int = Field(3, ge=0, le=100, title="沉默的 30 天几条", description="文章 001：开始给一点优惠")
    sleeping: int = Field(1, ge=0, le=100, title="沉睡的 30 天几条", description="文章 001：少而大，一次唤醒机会")
    churned: int = Field(0, ge=0, le=100, title="流失的 30 天几条", description="文章 001：只在大促时联系")


class Contact(Part):
    """Every line that nobody asked for is judged by this."""

    promos_day: int = Field(2, ge=0, le=50, title="一个群一天最多几条促销", description="一天两波到头，再多就退群")
    promos_week: int = Field(5, ge=0, le=200, title="一个群 7 天最多几条促销", description="文章 000：一周 5 条还嫌多")
    contents_day: int = Field(4, ge=0, le=50, title="一个群一天最多几条内容", description="话题、栏目这样的有用好玩的")
    contents_week: int = Field(21, ge=0, le=200, title="一个群 7 天最多几条内容", description="平均一天三条")
    reminders_day: int = Field(12, ge=0, le=200, title="一个群一天最多几条提醒", description="早安、到期提醒都算")
    reminders_week: int = Field(60, ge=0, le=1000, title="一个群 7 天最多几条提醒")
    private_day: int = Field(
        1, ge=0, le=20, title="一个人一天最多几条活动私信", description="私信比群里重，一天一条够了"
    )
    private_week: int = Field(2, ge=0, le=50, title="一个人 7 天最多几条活动私信", description="文章 002：私聊重在服务")
    private_reminders_day: int = Field(4, ge=0, le=50, title="一个人一天最多几条提醒私信")
    private_reminders_week: int = Field(14, ge=0, le=200, title="一个人 7 天最多几条提醒私信")
    same_kind_days: int = Field(
        2, ge=0, le=60, title="同类促销至少隔几天", description="同一天的两波算一次；文章 003：错开不扎堆"
    )
    merge_within: Span = Field(
        timedelta(minutes=30), title="多久内一模一样的话并成一条", description="停机补发、计划重叠时会撞上"
    )
    promo_share: int = Field(
        60,
        ge=0,
        le=100,
        title="主动说的话里促销最多占百分之几",
        description="文章 003、004 说一两成；排得再密也别过六成",
    )
    promo_share_from: int = Field(
        10, ge=1, le=200, title="14 天里满几条才看占比", description="太少时一条就是一大半，不公平"
    )
    no_promo: bool = Field(False, title="这个群不促销", description="文章 004：只讲课、不营销的群最热闹")
    live_messages: int = Field(
        8, ge=0, le=64, title="聊得正热：几条消息起算", description="0 表示不看；插一条广告，话头就断了"
    )
    live_people: int = Field(2, ge=1, le=20, title="聊得正热：至少几个人")
    live_window: Span = Field(timedelta(minutes=3), title="聊得正热：看最近多久")
    live_gap: Span = Field(timedelta(minutes=2), title="聊得正热：隔多久再看一次")
    live_then: Literal["send", "hold"] = Field("send", title="等到不能再晚还在聊", description="send 照发，hold 不发")
    after_purchase: Span = Field(
        timedelta(days=21), title="买过以后多久不推销", description="文章 004：前 21 天只给有用的，不推产品"
    )
    warm_days: int = Field(
        30, ge=0, le=400, title="多少天内互动过才发促销私信", description="文章 003：私聊前要先在群里认识；0 表示不看"
    )
    big_sales: tuple[Word, ...] = Field(
        ("flash",), title="哪些类别流失的人也收", description="文章 001：流失的只在最大的促销联系"
    )
    stages: Stages = Field(default_factory=lambda: Stages())
    quotas: bool = Field(True, title="守平台限额", description="限额和起止日期写在 bot/quotas.toml")
    ask: bool = Field(True, title="新好友问一次想要多近", description="文章 002：导购的第一件事是约定社交距离")
    ask_after: Span = Field(timedelta(minutes=3), title="加好友多久后问", description="先打招呼，别连着发")
    pause: Span = Field(timedelta(days=30), title="「停一个月」停多久")
    moods: bool = Field(True, title="听出投诉和难过", description="词写在人设的 mood.toml")
    calm_days: int = Field(
        14, ge=0, le=365, title="投诉或难过以后几天不促销", description="文章 000：吵过一次就再也不回来"
    )
    mood_gap: Span = Field(
        timedelta(hours=12), title="同一个人多久内只接一次情绪", description="轻轻说一次，其余交给人"
    )
    needs: bool = Field(True, title="听到需要就给员工开任务", description="词和交给谁写在人设的 needs.toml")
    needs_gap: Span = Field(
        timedelta(days=1), title="同一个人多久最多开一件这样的任务", description="一句话提三样，也只打扰员工一次"
    )
    handover: Span = Field(
        timedelta(hours=2), title="转人工后多久没交还就自己回来", description="员工忘了交还，人也不能一直没人理"
    )
    unanswered: Span = Field(
        timedelta(0), title="问题多久没人答就叫员工", description="0 表示不看：先确定有人值班再打开，比如 20 分钟"
    )

    def limits(self, klass: str, *, private: bool, less: bool = False) -> tuple[int, int]:
        """(a day, seven days) for a class of lines in a group, or to one member; `less` halves what a member gets."""
        if private:
            day, week = (
                (self.private_reminders_day, self.private_reminders_week)
                if klass == "reminder"
                else (self.private_day, self.private_week)
            )
            return (day, (week + 1) // 2) if less else (day, week)
        return {
            "promo": (self.promos_day, self.promos_week),
            "content": (self.contents_day, self.contents_week),
            "reminder": (self.reminders_day, self.reminders_week),
        }[klass]
