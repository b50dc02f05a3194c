"""Games: one open session of a game in a group, and the referee's record of its moves."""

SCRIPT = """
CREATE TABLE game_session (
  id INTEGER PRIMARY KEY,
  game TEXT NOT NULL,
  group_id TEXT NOT NULL,
  state TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'ended', 'stopped')),
  member_id TEXT,
  opened_at INTEGER NOT NULL,
  ended_at INTEGER,
  event_id TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_open_session ON game_session (game, group_id) WHERE status = 'open';

CREATE TABLE game_move (
  session_id INTEGER NOT NULL REFERENCES game_session (id),
  number INTEGER NOT NULL,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  verdict TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;
"""
