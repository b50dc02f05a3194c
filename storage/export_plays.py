"""What play leaves behind, as exports: draws, entrants, winners, prizes to hand over, redemptions.

Kind -> (query, columns as storage/export.py reads them). Secrets of draws that are not over yet stay inside.
"""

_GROUP = "group_id 群id\ngroup 群名 group"
_WHO = "member_id 成员id\nmember 成员"

PLAYS: dict[str, tuple[str, str]] = {
    "draws": (
        """
        SELECT d.id, d.title, d.state, d.kind, d.enter, d.word, g.group_id, g.group_id, d.opens_at, d.deadline,
        d.closed_at, d.ended_at, d.round,
        CASE d.kind WHEN 'instant' THEN
        (SELECT coalesce(max(t.number), 0) FROM draw_try t WHERE t.draw_id = d.id)
        ELSE
        (SELECT coalesce(max(e.number), 0) FROM draw_entry e WHERE e.draw_id = d.id) END,
        (SELECT count(*) FROM draw_winner w WHERE w.draw_id = d.id AND w.state IN ('won', 'claimed')),
        d.commitment, d.list_hash, d.public_number,
        CASE WHEN d.state IN ('drawn', 'void') THEN d.secret END, d.rules, d.opener_id, m.name, d.event_id
        FROM draw d
        JOIN draw_group g ON g.draw_id = d.id
        LEFT JOIN member m ON m.member_id = d.opener_id
        ORDER BY d.id, g.place
        """,
        f"""
        number 抽奖号 number
        title 名称
        state 状态 draw
        kind 种类 draw
        enter 参加方式 draw
        word 口令
        {_GROUP}
        opens_at 开始时间 time
        deadline 截止时间 time
        closed_at 封存时间 time
        ended_at 结束时间 time
        round 第几轮 number
        entrants 名单人数或次数 number
        winners 现有中奖人数 number
        commit 承诺
        list 名单哈希
        public 公开数
        secret 秘密（结束后才有）
        rules 规则
        opener_id 开奖人id
        opener 开奖人
        event_id 起因事件
        """,
    ),
    "entrants": (
        """
        SELECT d.id, d.title, d.kind, e.number, e.line, e.group_id, e.group_id, e.member_id, m.name, e.at,
        e.event_id
        FROM
        (SELECT draw_id, number, line, group_id, member_id, at, event_id FROM draw_entry
        UNION ALL SELECT draw_id, number, line, group_id, member_id, at, event_id FROM draw_try) e
        JOIN draw d ON d.id = e.draw_id
        LEFT JOIN member m ON m.member_id = e.member_id
        ORDER BY d.id, e.number
        """,
        f"""
        draw 抽奖号 number
        title 名称
        kind 种类 draw
        number 名单号或第几次 number
        line 入围码
        {_GROUP}
        {_WHO}
        at 入围时间 time
        event_id 起因事件
        """,
    ),
    "winners": (
        """
        SELECT w.draw_id, d.title, w.turn, w.place, w.number, p.name, p.kind, p.points, w.group_id, w.group_id,
        w.member_id, m.name,
        CASE WHEN z.state = 'handed' OR (w.state = 'claimed' AND p.points > 0) THEN 'handed'
        ELSE w.state END, w.at, w.due, w.reason, z.id
        FROM draw_winner w
        JOIN draw d ON d.id = w.draw_id
        JOIN draw_prize p ON p.draw_id = w.draw_id AND p.prize = w.prize
        LEFT JOIN member m ON m.member_id = w.member_id
        LEFT JOIN prize z ON z.key = 'draw/' || w.draw_id || '/' || w.turn
        ORDER BY w.draw_id, w.turn
        """,
        f"""
        draw 抽奖号 number
        title 名称
        turn 第几个抽出 number
        place 名额 number
        number 名单号或第几次 number
        prize 奖品
        kind 种类
        points 每份积分 number
        {_GROUP}
        {_WHO}
        state 状态 won
        at 中奖时间 time
        due 领奖期限 time
        reason 缘由
        prize_number 待发放单号 number
        """,
    ),
    "prizes": (
        """
        SELECT p.id, p.what, p.state, p.group_id, p.group_id, p.member_id, m.name, p.won_at, p.key, p.event_id
        FROM prize p
        LEFT JOIN member m ON m.member_id = p.member_id
        ORDER BY p.id
        """,
        f"""
        number 单号 number
        what 奖品
        state 状态 won
        {_GROUP}
        {_WHO}
        won_at 得奖时间 time
        key 键
        event_id 起因事件
        """,
    ),
    "redemptions": (
        """
        SELECT r.id, r.item, r.title, r.kind, r.state, r.group_id, r.group_id, r.member_id, m.name, r.at, r.price,
        c.code, r.address, r.until, r.settled_at, r.why, r.paid, r.given, r.event_id
        FROM redemption r
        LEFT JOIN member m ON m.member_id = r.member_id
        LEFT JOIN coupon_code c ON c.redemption_id = r.id
        ORDER BY r.id
        """,
        f"""
        number 兑换号 number
        item 商品id
        title 商品
        kind 种类 shop
        state 状态 shop
        {_GROUP}
        {_WHO}
        at 兑换时间 time
        price 花的积分 number
        code 券码
        address 收货地址
        until 期限 time
        settled_at 结束时间 time
        why 缘由
        paid 付积分流水号 number
        given 发放流水号 number
        event_id 起因事件
        """,
    ),
}
WORDS: dict[str, dict[str, str]] = {
    "draw": {
        "planned": "还没开始", "open": "报名中", "closed": "名单已封存", "drawn": "已开奖", "void": "已作废",
        "list": "按名单抽", "instant": "即时抽", "passphrase": "发口令", "say": "说到某个词", "streak": "连签",
        "photo": "晒图", "answer": "答对",
    },
    "won": {
        "won": "待领", "claimed": "已领，待发放", "forfeited": "逾期作废", "replaced": "已换人", "owed": "待发放",
        "handed": "已发放", "taken_back": "已收回",
    },
    "shop": {
        "points": "积分", "card": "补签卡", "code": "券码", "pass": "权益", "goods": "实物", "reserved": "等地址",
        "issued": "已发放", "delivered": "已送达", "written_off": "已核销", "expired": "已过期", "refunded": "已退回",
    },
}  # fmt: skip
"""Column kind -> how its codes read in CSV and spreadsheets: one code means different things in different tables."""
