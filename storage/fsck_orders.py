"""What fsck asks about orders: milestones rest on orders of their member, evidence from orders exists."""

QUESTIONS = {
    "milestone_of_another": "SELECT '成员 ' || m.member_id || ' 第 ' || m.nth || ' 单', '订单 ' || m.order_id"
    " || ' 是 ' || coalesce(p.member_id, '别人') || ' 的' FROM purchase_milestone m"
    " JOIN purchase p ON p.order_id = m.order_id WHERE p.member_id IS NOT m.member_id",
    "order_evidence_exists": "SELECT '成员 ' || e.member_id || ' 标签 ' || e.tag, '依据的订单 ' || e.ref"
    " || ' 不是本人的有效订单' FROM tag_evidence e WHERE e.source = 'order' AND NOT EXISTS (SELECT 1 FROM purchase p"
    " WHERE p.order_id = e.ref AND p.member_id = e.member_id AND p.state = 'paid')",
    "order_unmapped_alias": "SELECT '订单 ' || p.order_id, '外部号 ' || p.external_id || ' 已经对上 ' || a.member_id"
    " || '，订单却记在 ' || coalesce(p.member_id, '空') || ' 名下' FROM purchase p JOIN buyer_alias a"
    " ON a.external_id = p.external_id WHERE p.member_id IS NOT a.member_id",
    "buyer_without_stage": "SELECT '成员 ' || p.member_id, '有订单，没有购买阶段' FROM purchase p"
    " WHERE p.state = 'paid' AND p.member_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM stage_now n"
    " WHERE n.family = 'buy' AND n.group_id = '' AND n.member_id = p.member_id) GROUP BY p.member_id",
}  # fmt: skip
"""rule -> a question that gives (where, what) of each place that breaks it."""
