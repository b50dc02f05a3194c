"""What each change of a setting replaced, beside its audit entry; which weekly digests staff were sent."""

SCRIPT = """
CREATE TABLE setting_change (
  audit_id INTEGER PRIMARY KEY REFERENCES audit (id),
  group_id TEXT NOT NULL,
  key TEXT NOT NULL,
  before TEXT,
  after TEXT,
  CHECK (before IS NOT after)
) STRICT;
CREATE INDEX setting_change_of ON setting_change (group_id, key, audit_id);
CREATE INDEX audit_of_group ON audit (group_id, id);

CREATE TABLE digest_sent (
  group_id TEXT NOT NULL,
  week TEXT NOT NULL CHECK (week GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (group_id, week)
) STRICT, WITHOUT ROWID;
"""
