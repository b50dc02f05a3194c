"""What fsck asks about tags: each rests on evidence, and the evidence is what it says it is."""

_WHO = "'成员 ' || {0}.member_id || ' 标签 ' || {0}.tag"

QUESTIONS = {
    "tag_without_evidence": f"SELECT {_WHO.format('t')}, '没有依据（' || t.origin || '）' FROM member_tag t"
    " WHERE t.expires_at > 0 AND t.origin <> 'denied' AND NOT EXISTS (SELECT 1 FROM tag_evidence e"
    " WHERE e.member_id = t.member_id AND e.tag = t.tag AND e.origin = t.origin)",
    "tag_evidence_bounded": f"SELECT {_WHO.format('e')}, '留了 ' || count(*) || ' 条依据，最多 20 条'"
    " FROM tag_evidence e GROUP BY e.member_id, e.tag, e.origin HAVING count(*) > 20",
    "tag_evidence_supports": f"SELECT {_WHO.format('e')}, '依据 ' || e.ref || ' 的时间或人对不上' FROM tag_evidence e"
    " JOIN interaction i ON i.id = e.ref WHERE e.source = 'interaction' AND e.origin = 'rule' AND (i.at <> e.at"
    " OR (i.member_id IS NOT NULL AND i.member_id <> e.member_id))",
    "tag_evidence_exists": f"SELECT {_WHO.format('e')}, '依据的事件 ' || e.ref || ' 不在互动记录里' FROM tag_evidence e"
    " WHERE e.source = 'interaction' AND NOT EXISTS (SELECT 1 FROM interaction i WHERE i.id = e.ref)"
    " AND NOT EXISTS (SELECT 1 FROM interaction_month)",
    "tag_rule_ahead": "SELECT '规则 ' || rule, '读到 ' || seq || '，比最新的事件还新' FROM tag_rule"
    " WHERE seq > (SELECT coalesce(max(seq), 0) FROM interaction)",
}  # fmt: skip
"""rule -> a question that gives (where, what) of each place that breaks it."""
