"""Questionnaires in 1:1: where somebody is, and what they answered."""

SCRIPT = """
CREATE TABLE survey_run (
  member_id TEXT PRIMARY KEY,
  survey TEXT NOT NULL,
  version TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'done', 'refused')),
  step INTEGER NOT NULL CHECK (step >= 0),
  missed INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX survey_run_open ON survey_run (member_id) WHERE state = 'open';

CREATE TABLE survey_answer (
  member_id TEXT NOT NULL,
  survey TEXT NOT NULL,
  question INTEGER NOT NULL CHECK (question >= 0),
  choice INTEGER NOT NULL CHECK (choice >= 0),
  event_id TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  PRIMARY KEY (member_id, survey, question)
) STRICT, WITHOUT ROWID;
"""
