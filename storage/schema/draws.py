"""Lucky draws: frozen rules and a commitment, entrants in their order, winners that are distinct for ever."""

SCRIPT = """
CREATE TABLE draw (
  id INTEGER PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('planned', 'open', 'closed', 'drawn', 'void')),
  kind TEXT NOT NULL CHECK (kind IN ('list', 'instant')),
  title TEXT NOT NULL,
  given TEXT NOT NULL,
  rules TEXT NOT NULL,
  enter TEXT NOT NULL CHECK (enter IN ('passphrase', 'say', 'streak', 'photo')),
  word TEXT NOT NULL,
  secret TEXT NOT NULL,
  commitment TEXT NOT NULL UNIQUE,
  opens_at INTEGER NOT NULL,
  deadline INTEGER NOT NULL CHECK (deadline > opens_at),
  closed_at INTEGER,
  ended_at INTEGER,
  public_number TEXT NOT NULL DEFAULT '-',
  list_hash TEXT,
  round INTEGER NOT NULL DEFAULT 1 CHECK (round > 0),
  opener_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  CHECK (state <> 'drawn' OR (closed_at IS NOT NULL AND list_hash IS NOT NULL AND ended_at IS NOT NULL))
) STRICT;
CREATE INDEX draw_live ON draw (state) WHERE state IN ('planned', 'open', 'closed');

CREATE TABLE draw_group (
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  place INTEGER NOT NULL,
  group_id TEXT NOT NULL,
  PRIMARY KEY (draw_id, place),
  UNIQUE (draw_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX draw_by_group ON draw_group (group_id);

CREATE TABLE draw_prize (
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  prize INTEGER NOT NULL CHECK (prize > 0),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  points INTEGER NOT NULL CHECK (points >= 0),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  remaining INTEGER NOT NULL CHECK (remaining BETWEEN 0 AND quantity),
  PRIMARY KEY (draw_id, prize)
) STRICT, WITHOUT ROWID;

CREATE TABLE draw_entry (
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  number INTEGER NOT NULL CHECK (number > 0),
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  line TEXT NOT NULL,
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (draw_id, number),
  UNIQUE (draw_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX draw_entry_by_member ON draw_entry (member_id);

CREATE TABLE draw_try (
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  number INTEGER NOT NULL CHECK (number > 0),
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  line TEXT NOT NULL,
  day TEXT NOT NULL,
  nth INTEGER NOT NULL CHECK (nth > 0),
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (draw_id, number),
  UNIQUE (draw_id, member_id, day, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE draw_photo (
  id INTEGER PRIMARY KEY,
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  media TEXT NOT NULL,
  at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'refused'))
) STRICT;
CREATE UNIQUE INDEX one_photo ON draw_photo (draw_id, member_id) WHERE state <> 'refused';

CREATE TABLE draw_winner (
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  turn INTEGER NOT NULL CHECK (turn > 0),
  place INTEGER NOT NULL CHECK (place > 0),
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  prize INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('won', 'claimed', 'forfeited', 'replaced')),
  at INTEGER NOT NULL,
  due INTEGER NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (draw_id, turn),
  UNIQUE (draw_id, member_id),
  FOREIGN KEY (draw_id, prize) REFERENCES draw_prize (draw_id, prize)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_winner_of_a_place ON draw_winner (draw_id, place) WHERE state IN ('won', 'claimed');
CREATE INDEX draw_winner_by_member ON draw_winner (member_id);
CREATE INDEX draw_winner_waiting ON draw_winner (draw_id, due) WHERE state = 'won';

CREATE TABLE draw_note (
  draw_id INTEGER NOT NULL REFERENCES draw (id),
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (draw_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE draw_draft (
  member_id TEXT PRIMARY KEY,
  answers TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
