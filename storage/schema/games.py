"""The longest chain of a game in a group."""

SCRIPT = """
CREATE TABLE game_record (
  game TEXT NOT NULL,
  group_id TEXT NOT NULL,
  value INTEGER NOT NULL CHECK (value > 0),
  session_id INTEGER NOT NULL REFERENCES game_session (id),
  at INTEGER NOT NULL,
  PRIMARY KEY (game, group_id)
) STRICT, WITHOUT ROWID;
"""
