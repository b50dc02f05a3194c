"""Draws entered by an answer; look-ups that stay as quick after years: winners by place, people by name and group;
guesses at a quiz, which have a table of their own, leave the state of its session."""

ANSWERS = """
ALTER TABLE draw ADD COLUMN way TEXT NOT NULL DEFAULT 'passphrase'
  CHECK (way IN ('passphrase', 'say', 'streak', 'photo', 'answer'));
UPDATE draw SET way = enter;
ALTER TABLE draw DROP COLUMN enter;
ALTER TABLE draw RENAME COLUMN way TO enter;
"""
"""SQLite cannot widen a CHECK in place. Every value is carried over."""

INDICES = """
CREATE INDEX draw_winner_by_place ON draw_winner (draw_id, place);
CREATE INDEX member_by_name ON member (name);
CREATE TABLE presence (
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (member_id, group_id)
) STRICT, WITHOUT ROWID;
INSERT INTO presence SELECT member_id, group_id, min(at) FROM interaction
  WHERE member_id IS NOT NULL AND group_id IS NOT NULL GROUP BY 1, 2;
INSERT INTO presence SELECT member_id, group_id, 0 FROM interaction_month
  WHERE member_id <> '' AND group_id <> '' GROUP BY 1, 2 ON CONFLICT DO NOTHING;
"""
"""Who was ever heard where has a table of its own, written once for each: an index on the messages themselves would
cost every message a page of it."""

GUESSES = """
UPDATE game_session SET state = json_remove(state, '$.guesses')
  WHERE game = 'quiz' AND json_type(state, '$.guesses') IS NOT NULL;
"""
"""Every guess was written into `quiz_answer` as well, in the same transaction: nothing is lost."""
