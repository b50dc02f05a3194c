"""People who bring others along: the thank-you log, buyer shows and their review."""

SCRIPT = """
CREATE TABLE thanks (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  group_id TEXT,
  staff_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (event_id, member_id)
) STRICT;
CREATE INDEX thanks_by_member ON thanks (member_id, at);

CREATE TABLE buyer_show (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  member_id TEXT NOT NULL,
  group_id TEXT,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  media TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'declined')),
  judged_at INTEGER,
  judge_id TEXT,
  why TEXT NOT NULL DEFAULT '',
  CHECK (text <> '' OR media <> ''),
  CHECK ((state = 'waiting') = (judged_at IS NULL))
) STRICT;
CREATE INDEX buyer_show_waiting ON buyer_show (id) WHERE state = 'waiting';
CREATE INDEX buyer_show_by_member ON buyer_show (member_id, at);
CREATE INDEX buyer_show_of_week ON buyer_show (judged_at) WHERE state = 'approved';

CREATE TABLE show_draft (
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (member_id, group_id)
) STRICT, WITHOUT ROWID;
"""
