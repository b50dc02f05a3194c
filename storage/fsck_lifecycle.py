"""What fsck asks about stages: one chain of changes for each member, whose last link is the stage of today."""

_WHO = "{0}.family || ' 群 ' || {0}.group_id || ' 成员 ' || {0}.member_id"
_LAST = (
    "(SELECT c.{0} FROM stage_change c WHERE c.family = n.family AND c.group_id = n.group_id"
    " AND c.member_id = n.member_id ORDER BY c.at DESC LIMIT 1)"
)

QUESTIONS = {
    "stage_chain": f"SELECT {_WHO.format('c')}, '从 ' || coalesce(c.was, '无') || ' 变 ' || c.stage"
    " || '，前一个阶段是 ' || coalesce(c.before, '无') FROM (SELECT *, lag(stage) OVER (PARTITION BY family,"
    " group_id, member_id ORDER BY at) AS before FROM stage_change) AS c WHERE c.was IS NOT c.before",
    "stage_is_last_change": f"SELECT {_WHO.format('n')}, '现在是 ' || n.stage || '，最后一次变化到 '"
    f" || coalesce({_LAST.format('stage')}, '无') FROM stage_now n WHERE n.stage IS NOT {_LAST.format('stage')}"
    f" OR n.since IS NOT {_LAST.format('at')}",
    "stage_of_nobody": f"SELECT {_WHO.format('c')}, '有阶段变化，没有现在的阶段' FROM stage_change c"
    " WHERE NOT EXISTS (SELECT 1 FROM stage_now n WHERE n.family = c.family AND n.group_id = c.group_id"
    " AND n.member_id = c.member_id) GROUP BY c.family, c.group_id, c.member_id",
}  # fmt: skip
"""rule -> a question that gives (where, what) of each place that breaks it."""
