"""Segments that staff saved: a name and the expression; who is in them is always worked out anew."""

SCRIPT = """
CREATE TABLE crowd (
  name TEXT PRIMARY KEY,
  expression TEXT NOT NULL,
  staff_id TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
