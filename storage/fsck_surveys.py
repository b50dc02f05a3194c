"""What fsck asks about questionnaires: tags from answers rest on answers of their member."""

QUESTIONS = {
    "answer_evidence_exists": "SELECT '成员 ' || e.member_id || ' 标签 ' || e.tag, '依据的回答 ' || e.ref"
    " || ' 不是本人的' FROM tag_evidence e WHERE e.source = 'survey' AND NOT EXISTS (SELECT 1 FROM survey_answer a"
    " WHERE a.event_id = e.ref AND a.member_id = e.member_id)",
    "survey_gap": "SELECT '成员 ' || r.member_id || ' 问卷 ' || r.survey, '到第 ' || (r.step + 1) || ' 题，前面只答了 '"
    " || (SELECT count(*) FROM survey_answer a WHERE a.member_id = r.member_id AND a.survey = r.survey) || ' 题'"
    " FROM survey_run r WHERE r.state IN ('open', 'done') AND r.step <> (SELECT count(*) FROM survey_answer a"
    " WHERE a.member_id = r.member_id AND a.survey = r.survey)",
}
"""rule -> a question that gives (where, what) of each place that breaks it."""
