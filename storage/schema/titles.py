"""Titles that were announced: at most one a day for each member, and a title for life only once in a group."""

SCRIPT = """
CREATE TABLE title_told (
  member_id TEXT NOT NULL,
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  group_id TEXT NOT NULL,
  title TEXT NOT NULL,
  lasting INTEGER NOT NULL CHECK (lasting IN (0, 1)),
  event_id TEXT NOT NULL,
  PRIMARY KEY (member_id, day)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX title_told_once ON title_told (member_id, group_id, title) WHERE lasting = 1;

CREATE INDEX game_session_by_day ON game_session (group_id, game, opened_at);
"""
