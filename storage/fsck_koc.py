"""What fsck asks about buyer shows: nobody is paid for a show that was not approved, and for one only once."""

_PAID = "m.key >= 'show/' AND m.key < 'show0' AND m.reverses IS NULL"

QUESTIONS = {
    "show_paid_unapproved": "SELECT '流水 ' || m.id, '给了投稿积分，投稿 ' || substr(m.key, 6) || ' 却没有通过'"
    f" FROM movement m WHERE {_PAID} AND NOT EXISTS (SELECT 1 FROM movement r WHERE r.reverses = m.id)"
    " AND NOT EXISTS (SELECT 1 FROM buyer_show b WHERE 'show/' || b.id = m.key AND b.state = 'approved')"
    " AND EXISTS (SELECT 1 FROM buyer_show b WHERE 'show/' || b.id = m.key)",
    "show_paid_another": "SELECT '流水 ' || m.id, '投稿 ' || b.id || ' 是 ' || b.member_id || ' 的，积分给了 '"
    " || e.account FROM movement m JOIN buyer_show b ON 'show/' || b.id = m.key JOIN entry e ON e.movement_id = m.id"
    f" AND e.amount > 0 WHERE {_PAID} AND e.account <> 'member:' || b.member_id",
}
"""rule -> a question that gives (where, what) of each place that breaks it."""
