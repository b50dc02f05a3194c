"""Quiz: questions asked, answers in order with what they brought, appeals."""

SCRIPT = """
CREATE TABLE quiz_question (
  session_id INTEGER NOT NULL REFERENCES game_session (id),
  number INTEGER NOT NULL CHECK (number > 0),
  group_id TEXT NOT NULL,
  question_id TEXT NOT NULL,
  question TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  closed_at INTEGER,
  void INTEGER NOT NULL DEFAULT 0 CHECK (void IN (0, 1)),
  PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX quiz_question_by_group ON quiz_question (group_id, asked_at);

CREATE TABLE quiz_answer (
  session_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  place INTEGER NOT NULL CHECK (place > 0),
  member_id TEXT NOT NULL,
  race INTEGER NOT NULL CHECK (race IN (0, 1)),
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  is_right INTEGER NOT NULL CHECK (is_right IN (0, 1)),
  ruled TEXT NOT NULL DEFAULT 'rule' CHECK (ruled IN ('rule', 'staff')),
  hints INTEGER NOT NULL,
  rank INTEGER CHECK (rank IS NULL OR (rank > 0 AND (race = 0 OR rank = 1) AND is_right = 1)),
  points INTEGER NOT NULL DEFAULT 0 CHECK (points >= 0 AND (points = 0 OR rank IS NOT NULL)),
  event_id TEXT NOT NULL,
  PRIMARY KEY (session_id, number, member_id),
  UNIQUE (session_id, number, place),
  UNIQUE (session_id, number, rank),
  FOREIGN KEY (session_id, number) REFERENCES quiz_question (session_id, number)
) STRICT;
CREATE INDEX quiz_answer_by_member ON quiz_answer (member_id, session_id);

CREATE TABLE quiz_appeal (
  id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'refused')),
  ruled_by TEXT CHECK ((state = 'open') = (ruled_by IS NULL)),
  ruled_at INTEGER,
  event_id TEXT NOT NULL UNIQUE,
  UNIQUE (session_id, number, member_id),
  FOREIGN KEY (session_id, number, member_id) REFERENCES quiz_answer (session_id, number, member_id)
) STRICT;
"""
