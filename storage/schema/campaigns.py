"""What staff decided about campaigns: paused, skipped, sent, waiting for a second person or a tap, own ones."""

SCRIPT = """
CREATE TABLE beat_pause (
  beat TEXT NOT NULL,
  group_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  staff_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (beat, group_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE beat_skip (
  beat TEXT NOT NULL,
  group_id TEXT NOT NULL,
  due INTEGER NOT NULL,
  day TEXT NOT NULL,
  rule TEXT NOT NULL,
  staff_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (beat, group_id, due)
) STRICT, WITHOUT ROWID;

CREATE TABLE beat_send (
  beat TEXT NOT NULL,
  group_id TEXT NOT NULL,
  due INTEGER NOT NULL,
  at INTEGER NOT NULL,
  how TEXT NOT NULL CHECK (how IN ('due', 'now', 'merged', 'resent')),
  event_id TEXT NOT NULL,
  PRIMARY KEY (beat, group_id, due)
) STRICT, WITHOUT ROWID;
CREATE INDEX beat_send_event ON beat_send (event_id);
CREATE INDEX beat_send_at ON beat_send (at);

CREATE TABLE approval (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('send', 'new')),
  title TEXT NOT NULL,
  what TEXT NOT NULL,
  group_id TEXT,
  proposer_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'declined', 'expired')),
  decider_id TEXT,
  decided_at INTEGER,
  event_id TEXT NOT NULL UNIQUE,
  CHECK (decider_id IS NULL OR state <> 'approved' OR decider_id <> proposer_id),
  CHECK ((state = 'waiting') = (decided_at IS NULL))
) STRICT;

CREATE TABLE hand_send (
  task_id INTEGER PRIMARY KEY REFERENCES task (id),
  line TEXT NOT NULL UNIQUE,
  event_id TEXT NOT NULL,
  group_id TEXT,
  member_id TEXT,
  title TEXT NOT NULL,
  at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'declined', 'expired', 'merged'))
) STRICT;

CREATE TABLE own_beat (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  data TEXT NOT NULL,
  at INTEGER NOT NULL,
  staff_id TEXT NOT NULL,
  event_id TEXT NOT NULL UNIQUE,
  gone_at INTEGER
) STRICT;

CREATE TABLE campaign_draft (
  member_id TEXT PRIMARY KEY,
  answers TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
