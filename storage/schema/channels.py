"""What channels must not forget, and the names that groups have on the platform."""

SCRIPT = """
CREATE TABLE channel_memory (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE chat_group ADD COLUMN title TEXT;
"""
