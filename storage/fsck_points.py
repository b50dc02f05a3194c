"""What fsck asks about the shop: stock, redemptions and their money, codes, limits, addresses."""

_STANDS = "NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = {0})"
_LIVE = "state <> 'refunded'"

QUESTIONS = {
    "shop_taken": "SELECT '商品 ' || s.item, '记着换出 ' || s.taken || ' 份，实有 ' || (SELECT count(*)"
    f" FROM redemption d WHERE d.item = s.item AND d.{_LIVE}) FROM shop_item s"
    " WHERE s.taken <> (SELECT count(*) FROM redemption d"
    f" WHERE d.item = s.item AND d.{_LIVE}) OR s.taken < 0 OR s.taken > s.stock",
    "redemption_limit": "SELECT '商品 ' || item || ' 成员 ' || member_id, '超过每人的份数，或同一份换了两次'"
    f" FROM redemption WHERE {_LIVE} GROUP BY item, member_id, nth HAVING count(*) > 1 OR max(most) > 0"
    " AND max(nth) > max(most)",
    "redemption_paid": "SELECT '兑换 ' || d.id, '状态 ' || d.state || '，价 ' || d.price || '，扣分的流水 '"
    " || coalesce(d.paid, '无') || ' 对不上' FROM redemption d LEFT JOIN entry e ON e.movement_id = d.paid"
    " AND e.account = 'member:' || d.member_id WHERE d.price > 0 AND (e.id IS NULL OR e.amount <> -d.price"
    f" OR e.asset <> 'points' OR (d.state <> 'refunded') <> ({_STANDS.format('d.paid')}))",
    "redemption_given": "SELECT '兑换 ' || d.id, '状态 ' || d.state || '，给出去的流水 ' || coalesce(d.given, '无')"
    " || ' 对不上' FROM redemption d WHERE (d.kind IN ('points', 'card')) <> (d.given IS NOT NULL)"
    f" OR (d.given IS NOT NULL AND (d.state <> 'refunded') <> ({_STANDS.format('d.given')}))",
    "redeemed_without_points": "SELECT '兑换 ' || d.id, '扣分时余额不够，扣成了 ' || e.balance FROM redemption d"
    " JOIN entry e ON e.movement_id = d.paid AND e.amount < 0 WHERE e.balance < 0",
    "paid_for_nothing": "SELECT '流水 ' || m.id, '扣了分，没有这次兑换' FROM movement m WHERE m.key >= 'redeem/'"
    f" AND m.key < 'redeem0' AND {_STANDS.format('m.id')}"
    " AND m.id NOT IN (SELECT paid FROM redemption WHERE paid IS NOT NULL)"
    " AND m.id NOT IN (SELECT given FROM redemption WHERE given IS NOT NULL)",
    "code_once": "SELECT '兑换 ' || d.id, '券码 ' || count(c.id) || ' 个，应是 1 个' FROM redemption d"
    " LEFT JOIN coupon_code c ON c.redemption_id = d.id AND c.item = d.item"
    f" WHERE d.kind = 'code' AND d.{_LIVE} GROUP BY d.id HAVING count(c.id) <> 1",
    "code_elsewhere": "SELECT '券码 ' || c.id, '绑在不是它的兑换 ' || c.redemption_id || ' 上' FROM coupon_code c"
    " LEFT JOIN redemption d ON d.id = c.redemption_id WHERE c.redemption_id IS NOT NULL"
    " AND (d.id IS NULL OR d.kind <> 'code' OR d.item <> c.item)",
    "boost_without_win": "SELECT '流水 ' || b.id, '称号加成还在，它的那一局已经没有得分' FROM movement b"
    " LEFT JOIN movement m ON m.key = 'game/' || substr(b.key, 7) WHERE b.key >= 'boost/' AND b.key < 'boost0'"
    f" AND {_STANDS.format('b.id')} AND (m.id IS NULL OR NOT {_STANDS.format('m.id')})",
    "address_kept": "SELECT '兑换 ' || id, '已经' || state || '，地址还留着' FROM redemption"
    " WHERE address IS NOT NULL AND state NOT IN ('reserved', 'issued')",
}  # fmt: skip
"""rule -> a question that gives (where, what) of each place that breaks it."""
