"""The question book as exports: entries taught by chat with who and when, and what nobody could answer.

Kind -> (query, columns as storage/export.py reads them).
"""

_GROUP = "group_id 群id\ngroup 群名 group"

FAQ: dict[str, tuple[str, str]] = {
    "faq": (
        """
        SELECT e.id, e.group_id, e.group_id, e.question, e.similar, e.answer, e.state, e.version, e.stands_for,
        v.action, v.by_id, m.name, v.at, (SELECT count(*) FROM faq_reply r WHERE r.entry = '#' || e.id),
        (SELECT count(*) FROM faq_wrong w JOIN faq_reply r ON r.id = w.reply_id WHERE r.entry = '#' || e.id)
        FROM faq_entry e JOIN faq_version v ON v.entry_id = e.id AND v.version = e.version
        LEFT JOIN member m ON m.member_id = v.by_id ORDER BY e.id
        """,
        (
            f"number 编号 number\n{_GROUP}\nquestion 问题\nsimilar 相似问法 json\nanswer 答案\nstate 状态 faq"
            "\nversion 版本 number\nstands_for 顶替文件里的\naction 最后一次 faq\nby_id 谁改的id\nby 谁改的"
            "\nat 什么时候 time\ntold 答过几次 number\nwrong 说答错几次 number"
        ),
    ),
    "unanswered": (
        """
        SELECT u.id, u.text, u.similar, u.times, u.group_id, u.group_id, u.first_at, u.last_at, u.state, u.entry_id
        FROM faq_unanswered u ORDER BY u.id
        """,
        (
            f"number 编号 number\ntext 问题\nsimilar 别的问法 json\ntimes 几次 number\n{_GROUP}"
            "\nfirst_at 第一次 time\nlast_at 最近一次 time\nstate 状态 faq\nentry 成了问答 number"
        ),
    ),
}
FAQ_WORDS = {
    "faq": {
        "on": "在用", "off": "停用", "teach": "教", "edit": "改", "delete": "删", "undo": "撤销", "open": "待答",
        "taught": "已教", "ignored": "不用答",
    },
}  # fmt: skip
