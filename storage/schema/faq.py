"""Entries taught by chat with every version, what was answered or not, what nobody could answer, what was wrong."""

SCRIPT = """
CREATE TABLE faq_entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id TEXT CHECK (group_id <> ''),
  key TEXT NOT NULL CHECK (key <> ''),
  question TEXT NOT NULL,
  similar TEXT NOT NULL CHECK (json_valid(similar)),
  answer TEXT NOT NULL CHECK (answer <> ''),
  state TEXT NOT NULL CHECK (state IN ('on', 'off')),
  version INTEGER NOT NULL CHECK (version > 0)
) STRICT;
CREATE UNIQUE INDEX faq_entry_once ON faq_entry (coalesce(group_id, ''), key) WHERE state = 'on';

CREATE TABLE faq_version (
  entry_id INTEGER NOT NULL REFERENCES faq_entry (id),
  version INTEGER NOT NULL CHECK (version > 0),
  at INTEGER NOT NULL,
  by_id TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('teach', 'edit', 'delete', 'undo')),
  question TEXT NOT NULL,
  similar TEXT NOT NULL CHECK (json_valid(similar)),
  answer TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('on', 'off')),
  event_id TEXT NOT NULL UNIQUE,
  PRIMARY KEY (entry_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE faq_unanswered (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  text TEXT NOT NULL,
  similar TEXT NOT NULL CHECK (json_valid(similar)),
  times INTEGER NOT NULL CHECK (times > 0),
  group_id TEXT,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'taught', 'ignored')),
  entry_id INTEGER REFERENCES faq_entry (id),
  CHECK ((state = 'taught') = (entry_id IS NOT NULL))
) STRICT;
CREATE INDEX faq_unanswered_open ON faq_unanswered (state, last_at);
CREATE INDEX faq_unanswered_key ON faq_unanswered (key);

CREATE TABLE faq_reply (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  group_id TEXT,
  member_id TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('answer', 'choices', 'miss')),
  entry TEXT CHECK ((outcome = 'answer') = (entry IS NOT NULL)),
  score REAL CHECK (score BETWEEN 0 AND 1),
  asked TEXT NOT NULL,
  unanswered_id INTEGER REFERENCES faq_unanswered (id) CHECK (unanswered_id IS NULL OR outcome = 'miss')
) STRICT;
CREATE INDEX faq_reply_by_place ON faq_reply (coalesce(group_id, ''), member_id, id);
CREATE INDEX faq_reply_by_time ON faq_reply (at);

CREATE TABLE faq_wrong (
  reply_id INTEGER NOT NULL REFERENCES faq_reply (id) ON DELETE CASCADE,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL UNIQUE,
  PRIMARY KEY (reply_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE faq_offer (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  group_id TEXT,
  staff_id TEXT NOT NULL,
  question TEXT NOT NULL,
  answer TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'taken', 'refused')),
  entry_id INTEGER REFERENCES faq_entry (id),
  event_id TEXT NOT NULL UNIQUE,
  CHECK ((state = 'taken') = (entry_id IS NOT NULL))
) STRICT;

CREATE TABLE faq_pending (
  room TEXT NOT NULL,
  member_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('choice', 'teach')),
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  until INTEGER NOT NULL,
  PRIMARY KEY (room, member_id)
) STRICT, WITHOUT ROWID
"""

STANDS_FOR = """
ALTER TABLE faq_entry ADD COLUMN stands_for TEXT CHECK (stands_for <> '');
CREATE UNIQUE INDEX faq_entry_stands_for ON faq_entry (coalesce(group_id, ''), stands_for)
  WHERE state = 'on' AND stands_for IS NOT NULL
"""
"""An entry may be a new answer to one that operators wrote: `stands_for` is the id of that one."""
