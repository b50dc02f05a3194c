"""Draws entered by an answer; look-ups that stay as quick after years: winners by place, people by name and group."""

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
CREATE INDEX interaction_said ON interaction (member_id, group_id) WHERE kind = 'message';
CREATE INDEX interaction_month_by_member ON interaction_month (member_id, group_id);
"""
