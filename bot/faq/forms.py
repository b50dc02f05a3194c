"""What a message asks: how, why, where, whether ...; and whether it talks rather than asks. Pure."""

import re

FORMS = {
    "how": "怎么(?!回事|会|没|不|样$|还)|如何|怎样|咋(?!回事|没|不|还)|流程|步骤|方法|办法|教程|how",
    "why": "为什么|为啥|为何|怎么回事|咋回事|原因|凭什么|怎么会|怎么没|怎么不|怎么还|咋没|咋不|咋还|什么情况|why",
    "what": "什么(?!时候|时间|地方|情况)|啥(?!时候|时间|地方|情况)|哪些|哪个|哪种|哪几|是指|意思|what|which",
    "where": "哪里|哪儿|在哪|从哪|去哪|到哪|什么地方|啥地方|入口|地址|where",
    "when": "什么时候|啥时候|何时|几点|几号|哪天|几时|什么时间|啥时间|when",
    "long": "多久|多长时间|几天|多少天|几个小时|几个工作日|几个月|几年",
    "much": "多少(?!天)|几(?=[个次块元张件瓶斤条岁级分])|多大|多高|多远|多重|价格|费用|how much|how many",
    "who": "谁|哪位|哪个人|who",
    "whether": (
        "吗|么$|能不能|能否|可不可以|可以.*吗|是否|是不是|有没有|会不会|要不要|行不行|行吗|可否|用不用|"
        "需不需要|好不好|对不对|不$|没$|没有$|可以|能"
    ),
    "trouble": "失败|不了|不上|不到|不成功|不出|没有反应|没反应|坏了|错误|报错|异常|不对|没到|不见了|不通",
    "remedy": "怎么办|咋办|怎么处理|怎么解决|咋整|怎么整|咋处理",
}
"""In this order; a message may ask in several ways."""
_FORMS = tuple(re.compile(pattern) for pattern in FORMS.values())
_TALK = re.compile(
    r"哈哈|嘿嘿|呵呵|呜呜|嘻嘻|晚安|早安|早上好|下午好|晚上好|中午好|大家好|谢谢|感谢|辛苦|恭喜|加油|好的|"
    r"收到|明白|ok|嗯|哎|唉|哇|天哪|卧槽|我觉得|我感觉|我也|我刚|我今天|今天|昨天|明天|昨晚|刚刚|我家|"
    r"我妈|我爸|咱们|你们|他们|真的|好想|太|真好|不错|好吃|好喝|绝了|无语|服了|笑死|可爱|吃饭|吃了|下班|"
    r"上班|睡觉|起床|周末|天气|下雨|好热|好冷|回家|追剧|电影|随便|已经|终于|居然|果然|估计|应该|可能|了$|"
    r"吧$|呀$|啊$|啦$|哦$|呢$|哈$|的$|嘛$|呗$"
)


def forms(plain: str) -> int:
    """Bit set of the ways in which a cleaned text asks."""
    found = 0
    for bit, pattern in enumerate(_FORMS):
        if pattern.search(plain):
            found |= 1 << bit
    return found


def talk(plain: str) -> int:
    """How many turns of everyday talk a cleaned text has."""
    return len(_TALK.findall(plain))
