"""The bands in which a group is well."""

from pydantic import Field

from bot.settings.kinds import Part


class HealthSettings(Part):
    """What counts as healthy, in percent unless it says otherwise."""

    days: int = Field(7, ge=1, le=60, title="体检看最近几天", description="一周是一个完整的节奏")
    organic: int = Field(50, ge=0, le=100, title="自发发言至少占", description="文章 002：深群不发内容也有人聊")
    active: int = Field(30, ge=0, le=100, title="日活至少", description="文章 004：好群 30–40%，高的到 60%")
    lively: int = Field(60, ge=0, le=100, title="日活高于它算热闹", description="文章 004：最高 60%")
    ads: int = Field(15, ge=0, le=100, title="广告最多占", description="文章 004：70 有用、15 有趣、15 产品")
    answer: int = Field(60, ge=5, le=2880, title="几分钟没人接算没人答", description="文章 002：有人开口要及时接")
    drift: int = Field(5, ge=0, le=100, title="一周变沉默的最多", description="文章 004：没有体系，20 万粉丝慢慢流光")
    leave: int = Field(3, ge=0, le=100, title="一周退群的最多")
    smallest: int = Field(10, ge=2, le=200, title="少于几人不下结论", description="人少，一两个人就改变比例")
