"""Contact: what each unasked line cost and which rule judged it, agreed distance, complaints, hand-overs, questions."""

SCRIPT = """
CREATE TABLE exposure (
  line TEXT PRIMARY KEY,
  sort TEXT NOT NULL CHECK (sort IN ('campaign', 'reminder')),
  class TEXT NOT NULL CHECK (class IN ('promo', 'content', 'reminder')),
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  group_id TEXT,
  member_id TEXT,
  phrase TEXT NOT NULL,
  slots TEXT NOT NULL,
  day TEXT CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  at INTEGER,
  day_limit INTEGER,
  week_limit INTEGER,
  verdict TEXT NOT NULL DEFAULT '' CHECK (verdict IN ('', 'now', 'later', 'merged', 'held', 'expired', 'never')),
  rule TEXT NOT NULL DEFAULT '',
  why TEXT NOT NULL DEFAULT '',
  evidence TEXT NOT NULL DEFAULT '{}',
  judged_at INTEGER,
  CHECK (group_id IS NOT NULL OR member_id IS NOT NULL),
  CHECK ((day IS NULL) = (at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX exposure_of_group ON exposure (group_id, day) WHERE group_id IS NOT NULL AND day IS NOT NULL;
CREATE INDEX exposure_of_member ON exposure (member_id, day) WHERE group_id IS NULL AND day IS NOT NULL;
CREATE INDEX exposure_of_channel ON exposure (channel, at) WHERE at IS NOT NULL;
CREATE INDEX exposure_stopped ON exposure (judged_at) WHERE verdict IN ('merged', 'held', 'expired', 'never');

CREATE TABLE distance (
  id INTEGER PRIMARY KEY,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  choice TEXT NOT NULL CHECK (choice IN ('often', 'benefits', 'quiet')),
  less INTEGER NOT NULL CHECK (less IN (0, 1)),
  paused_until INTEGER,
  plain INTEGER NOT NULL CHECK (plain IN (0, 1)),
  said TEXT NOT NULL,
  event_id TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX distance_by_member ON distance (member_id, id);

CREATE TABLE care (
  id INTEGER PRIMARY KEY,
  member_id TEXT NOT NULL,
  group_id TEXT,
  at INTEGER NOT NULL,
  mood TEXT NOT NULL CHECK (mood IN ('complaint', 'distress')),
  word TEXT NOT NULL,
  text TEXT NOT NULL,
  until INTEGER NOT NULL,
  event_id TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX care_by_member ON care (member_id, id);

CREATE TABLE handover (
  id INTEGER PRIMARY KEY,
  member_id TEXT NOT NULL,
  group_id TEXT,
  at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  ended_at INTEGER,
  ended_by TEXT,
  event_id TEXT NOT NULL UNIQUE
) STRICT;
CREATE UNIQUE INDEX one_handover ON handover (member_id) WHERE ended_at IS NULL;

CREATE TABLE open_question (
  event_id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  group_id TEXT,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX open_question_by_place ON open_question (group_id, at);

CREATE TABLE noted_purchase (
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  noted_by TEXT NOT NULL,
  event_id TEXT NOT NULL UNIQUE,
  PRIMARY KEY (member_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_talk (
  member_id TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
