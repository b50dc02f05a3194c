"""When members were here, day by day, and the stages they went through."""

SCRIPT = """
CREATE TABLE member_day (
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL CHECK (last_at >= first_at),
  said INTEGER NOT NULL CHECK (said >= 0),
  acts INTEGER NOT NULL CHECK (acts >= 0),
  PRIMARY KEY (group_id, member_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_day_by_day ON member_day (group_id, day);
CREATE INDEX member_day_of_member ON member_day (member_id, day);

CREATE TABLE member_move (
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('join', 'leave')),
  PRIMARY KEY (group_id, member_id, at, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_move_by_time ON member_move (group_id, what, at);

CREATE TABLE stage_change (
  family TEXT NOT NULL CHECK (family IN ('talk', 'buy')),
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  stage TEXT NOT NULL,
  was TEXT,
  PRIMARY KEY (family, group_id, member_id, at),
  CHECK (was IS NULL OR was <> stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_now (
  family TEXT NOT NULL CHECK (family IN ('talk', 'buy')),
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  stage TEXT NOT NULL,
  since INTEGER NOT NULL,
  due INTEGER NOT NULL,
  PRIMARY KEY (family, group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stage_now_due ON stage_now (due);
CREATE INDEX stage_now_by_stage ON stage_now (family, stage, group_id);
CREATE INDEX stage_now_of_member ON stage_now (member_id);
"""
