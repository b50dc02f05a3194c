"""Events, members, check-ins, ledger, outbox, wake-ups, settings by chat, audit."""

SCRIPT = """
CREATE TABLE fact (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE interaction (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  channel TEXT NOT NULL,
  group_id TEXT,
  member_id TEXT,
  text TEXT,
  details TEXT,
  route TEXT,
  note TEXT,
  failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1))
) STRICT;

CREATE TABLE interaction_month (
  month TEXT NOT NULL,
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  times INTEGER NOT NULL CHECK (times > 0),
  PRIMARY KEY (month, group_id, member_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_group (
  group_id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_welcome INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE member (
  member_id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  contact_since INTEGER,
  source TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE membership (
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  left_at INTEGER,
  greeted_at INTEGER,
  waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
  inviter TEXT,
  source TEXT,
  PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_waiting ON membership (group_id, waiting) WHERE waiting > 0;

CREATE TABLE check_in (
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  at INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('own', 'make_up')),
  streak INTEGER NOT NULL CHECK (streak > 0),
  event_id TEXT NOT NULL,
  PRIMARY KEY (group_id, member_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_in_by_day ON check_in (group_id, day);

CREATE TABLE movement (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  cause TEXT NOT NULL,
  group_id TEXT,
  reverses INTEGER UNIQUE REFERENCES movement (id)
) STRICT;
CREATE INDEX movement_by_event ON movement (event_id);

CREATE TABLE entry (
  id INTEGER PRIMARY KEY,
  movement_id INTEGER NOT NULL REFERENCES movement (id),
  account TEXT NOT NULL,
  asset TEXT NOT NULL CHECK (asset IN ('points', 'make_up_card')),
  amount INTEGER NOT NULL CHECK (amount <> 0),
  balance INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_by_account ON entry (account, asset, id);
CREATE INDEX entry_by_movement ON entry (movement_id);

CREATE TABLE prize (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  member_id TEXT NOT NULL,
  group_id TEXT,
  what TEXT NOT NULL,
  won_at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'handed', 'taken_back'))
) STRICT;
CREATE INDEX prize_by_member ON prize (member_id);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  sort TEXT NOT NULL CHECK (sort IN ('reply', 'game', 'reminder', 'campaign', 'staff')),
  channel TEXT NOT NULL,
  group_id TEXT,
  member_id TEXT,
  phrase TEXT NOT NULL,
  slots TEXT NOT NULL,
  mentions TEXT,
  picture TEXT,
  event_id TEXT NOT NULL,
  because TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'failed', 'expired', 'held')),
  paced INTEGER NOT NULL DEFAULT 0 CHECK (paced IN (0, 1)),
  attempts INTEGER NOT NULL DEFAULT 0,
  text TEXT,
  settled_at INTEGER,
  platform_id TEXT,
  why_not TEXT,
  CHECK (group_id IS NOT NULL OR member_id IS NOT NULL)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (channel, not_before, id) WHERE state = 'queued';
CREATE INDEX outbox_open ON outbox (state) WHERE state IN ('sending', 'unknown', 'failed', 'held');

CREATE TABLE last_variant (
  place TEXT NOT NULL,
  phrase TEXT NOT NULL,
  variant INTEGER NOT NULL,
  PRIMARY KEY (place, phrase)
) STRICT, WITHOUT ROWID;

CREATE TABLE wake (
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  due INTEGER NOT NULL,
  payload TEXT NOT NULL,
  PRIMARY KEY (topic, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX wake_due ON wake (due);

CREATE TABLE beat (
  beat TEXT NOT NULL,
  group_id TEXT NOT NULL,
  rule TEXT NOT NULL,
  done_until INTEGER NOT NULL,
  PRIMARY KEY (beat, group_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE missed (
  beat TEXT NOT NULL,
  group_id TEXT NOT NULL,
  due INTEGER NOT NULL,
  noticed_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (beat, group_id, due)
) STRICT, WITHOUT ROWID;

CREATE TABLE cooldown (
  name TEXT NOT NULL,
  place TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (name, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_setting (
  group_id TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (group_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  staff_id TEXT NOT NULL,
  group_id TEXT,
  action TEXT NOT NULL,
  what TEXT NOT NULL,
  event_id TEXT NOT NULL
) STRICT;
"""

QUICK_OPEN = """
DROP INDEX outbox_open;
CREATE INDEX outbox_open ON outbox (state)
  WHERE (state = 'sending' OR state = 'unknown' OR state = 'failed' OR state = 'held')
"""
"""For an `IN` of several values SQLite builds a little tree anew with each line that is stored or settled. Written out,
storing a line costs two thirds and settling it half."""
