"""Posts that came too late, entries of banks that were used, sequences for single members, tasks for people.

`sequence_start.talked_at` is never written: steps carry `watches` instead. It stays: a step that has landed
does not change, and another one that drops an empty column would rewrite the table of every deployment for nothing.
"""

SCRIPT = """
CREATE TABLE late_post (
  id INTEGER PRIMARY KEY,
  beat TEXT NOT NULL,
  group_id TEXT NOT NULL,
  due INTEGER NOT NULL,
  noticed_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (
    state IN ('late', 'merge', 'merged', 'ask', 'resent', 'declined', 'expired', 'dropped')
  ),
  reason TEXT NOT NULL,
  settled_by TEXT,
  UNIQUE (beat, group_id, due)
) STRICT;
CREATE INDEX late_post_open ON late_post (group_id, id) WHERE state IN ('merge', 'ask');
CREATE INDEX late_post_noticed ON late_post (noticed_at);

CREATE TABLE bank_use (
  bank TEXT NOT NULL,
  group_id TEXT NOT NULL,
  entry TEXT NOT NULL,
  used_at INTEGER NOT NULL,
  PRIMARY KEY (bank, group_id, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE sequence_start (
  event TEXT NOT NULL,
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  talked_at INTEGER,
  PRIMARY KEY (member_id, event, group_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE sequence_step (
  beat TEXT NOT NULL,
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  since INTEGER NOT NULL,
  due INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'said', 'done', 'cancelled', 'missed')),
  reason TEXT NOT NULL DEFAULT '',
  watches INTEGER NOT NULL DEFAULT 0 CHECK (watches IN (0, 1)),
  PRIMARY KEY (member_id, beat, group_id, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX sequence_step_watching ON sequence_step (member_id) WHERE watches = 1;

CREATE TABLE task (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  group_id TEXT,
  member_id TEXT,
  what TEXT NOT NULL,
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  due INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  reminders INTEGER NOT NULL DEFAULT 0 CHECK (reminders BETWEEN 0 AND 3),
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'dropped')),
  closed_at INTEGER,
  closed_by TEXT,
  CHECK ((state = 'open') = (closed_at IS NULL))
) STRICT;
CREATE INDEX task_open ON task (due, id) WHERE state = 'open';
"""
