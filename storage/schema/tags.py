"""Tags with their evidence, how far each rule has read, and the structured remark."""

SCRIPT = """
CREATE TABLE tag_rule (
  rule TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE member_tag (
  member_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('rule', 'order', 'answer', 'manual', 'denied')),
  rule TEXT NOT NULL,
  version TEXT NOT NULL,
  hits INTEGER NOT NULL CHECK (hits > 0),
  strength INTEGER NOT NULL CHECK (strength BETWEEN 0 AND 5),
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL CHECK (last_at >= first_at),
  expires_at INTEGER NOT NULL CHECK ((expires_at > 0) = (strength > 0)),
  arena TEXT,
  priority INTEGER NOT NULL,
  note TEXT,
  PRIMARY KEY (member_id, tag, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_tag_by_tag ON member_tag (tag, expires_at);
CREATE INDEX member_tag_by_rule ON member_tag (rule, member_id) WHERE origin = 'rule';

CREATE TABLE tag_evidence (
  member_id TEXT NOT NULL,
  tag TEXT NOT NULL,
  origin TEXT NOT NULL,
  mark TEXT NOT NULL,
  at INTEGER NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('interaction', 'order', 'import', 'survey')),
  ref TEXT NOT NULL,
  PRIMARY KEY (member_id, tag, origin, mark),
  FOREIGN KEY (member_id, tag, origin) REFERENCES member_tag (member_id, tag, origin) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE member_remark (
  member_id TEXT PRIMARY KEY,
  called TEXT NOT NULL DEFAULT '',
  age TEXT NOT NULL DEFAULT '',
  need TEXT NOT NULL DEFAULT '',
  at INTEGER NOT NULL,
  staff_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
