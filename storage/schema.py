"""The tables, step by step. A step is never edited once it has landed: the next change is a new step."""

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

steps = Migrations("yuanzi")
DESTRUCTIVE: frozenset[str] = frozenset()
"""Names of steps that drop or rewrite data: a backup is kept before them."""


@steps()
def m001_the_house(db: Tables) -> None:
    """Events, members, check-ins, ledger, outbox, wake-ups, settings by chat, audit."""
    _run(db, _M001)


@steps()
def m002_sessions(db: Tables) -> None:
    """Games: one open session of a game in a group, and the referee's record of its moves."""
    _run(db, _M002)


@steps()
def m003_channels(db: Tables) -> None:
    """What channels must not forget, and the names that groups have on the platform."""
    _run(db, _M003)


@steps()
def m010_points(db: Tables) -> None:
    """Shop: redemptions, stock, coupon codes, freeloader notes; nicknames on boards; talk by day."""
    _run(db, _M010)


@steps()
def m030_quiz(db: Tables) -> None:
    """Quiz: questions asked, answers in order with what they brought, appeals."""
    _run(db, _M030)


@steps()
def m040_games(db: Tables) -> None:
    """The longest chain of a game in a group."""
    _run(db, _M040)


@steps()
def m020_draws(db: Tables) -> None:
    """Lucky draws: frozen rules and a commitment, entrants in their order, winners that are distinct for ever."""
    _run(db, _M020)


def _run(db: Tables, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


_M002 = """
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

_M003 = """
CREATE TABLE channel_memory (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE chat_group ADD COLUMN title TEXT;
"""

_M010 = """
CREATE INDEX movement_by_group ON movement (group_id, at);

CREATE TABLE shop_item (
  item TEXT PRIMARY KEY,
  stock INTEGER,
  taken INTEGER NOT NULL DEFAULT 0 CHECK (taken >= 0),
  CHECK (stock IS NULL OR taken <= stock)
) STRICT, WITHOUT ROWID;

CREATE TABLE redemption (
  id INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  item TEXT NOT NULL REFERENCES shop_item (item),
  title TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('points', 'card', 'code', 'pass', 'goods')),
  member_id TEXT NOT NULL,
  group_id TEXT,
  at INTEGER NOT NULL,
  nth INTEGER NOT NULL CHECK (nth > 0),
  most INTEGER NOT NULL CHECK (most = 0 OR nth <= most),
  price INTEGER NOT NULL CHECK (price >= 0),
  paid INTEGER UNIQUE REFERENCES movement (id),
  given INTEGER UNIQUE REFERENCES movement (id),
  state TEXT NOT NULL CHECK (state IN ('reserved', 'issued', 'delivered', 'written_off', 'expired', 'refunded')),
  until INTEGER,
  settled_at INTEGER,
  address TEXT,
  why TEXT,
  CHECK ((price = 0) = (paid IS NULL)),
  CHECK (address IS NULL OR (kind = 'goods' AND state IN ('reserved', 'issued')))
) STRICT;
CREATE UNIQUE INDEX redemption_within_limit ON redemption (item, member_id, nth) WHERE state <> 'refunded';
CREATE INDEX redemption_by_member ON redemption (member_id, id);
CREATE INDEX redemption_open ON redemption (id) WHERE state IN ('reserved', 'issued');

CREATE TABLE coupon_code (
  id INTEGER PRIMARY KEY,
  item TEXT NOT NULL,
  code TEXT NOT NULL,
  imported_at INTEGER NOT NULL,
  redemption_id INTEGER UNIQUE REFERENCES redemption (id),
  UNIQUE (item, code)
) STRICT;
CREATE INDEX coupon_code_free ON coupon_code (item, id) WHERE redemption_id IS NULL;

CREATE TABLE gate_note (
  id INTEGER PRIMARY KEY,
  member_id TEXT NOT NULL,
  group_id TEXT NOT NULL,
  item TEXT NOT NULL,
  title TEXT NOT NULL,
  at INTEGER NOT NULL,
  times INTEGER NOT NULL DEFAULT 1 CHECK (times > 0),
  shadow INTEGER NOT NULL CHECK (shadow IN (0, 1)),
  why TEXT NOT NULL,
  appeal TEXT NOT NULL DEFAULT 'none' CHECK (appeal IN ('none', 'open', 'granted', 'denied')),
  UNIQUE (member_id, group_id, item)
) STRICT;

CREATE TABLE board_name (
  member_id TEXT PRIMARY KEY,
  nickname TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE talk_day (
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  said INTEGER NOT NULL CHECK (said > 0),
  seen TEXT NOT NULL,
  paid INTEGER NOT NULL DEFAULT 0 CHECK (paid IN (0, 1)),
  PRIMARY KEY (group_id, member_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX talk_day_unpaid ON talk_day (day) WHERE paid = 0;
"""

_M040 = """
CREATE TABLE game_record (
  game TEXT NOT NULL,
  group_id TEXT NOT NULL,
  value INTEGER NOT NULL CHECK (value > 0),
  session_id INTEGER NOT NULL REFERENCES game_session (id),
  at INTEGER NOT NULL,
  PRIMARY KEY (game, group_id)
) STRICT, WITHOUT ROWID;
"""

_M001 = """
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

_M030 = """
CREATE TABLE quiz_question (
  session_id INTEGER NOT NULL REFERENCES game_session (id),
  number INTEGER NOT NULL CHECK (number > 0),
  group_id TEXT NOT NULL,
  question_id TEXT NOT NULL,
  question TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  closed_at INTEGER,
  void INTEGER NOT NULL DEFAULT 0 CHECK (void IN (0, 1)),
  PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX quiz_question_by_group ON quiz_question (group_id, asked_at);

CREATE TABLE quiz_answer (
  session_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  place INTEGER NOT NULL CHECK (place > 0),
  member_id TEXT NOT NULL,
  race INTEGER NOT NULL CHECK (race IN (0, 1)),
  at INTEGER NOT NULL,
  text TEXT NOT NULL,
  is_right INTEGER NOT NULL CHECK (is_right IN (0, 1)),
  ruled TEXT NOT NULL DEFAULT 'rule' CHECK (ruled IN ('rule', 'staff')),
  hints INTEGER NOT NULL,
  rank INTEGER CHECK (rank IS NULL OR (rank > 0 AND (race = 0 OR rank = 1) AND is_right = 1)),
  points INTEGER NOT NULL DEFAULT 0 CHECK (points >= 0 AND (points = 0 OR rank IS NOT NULL)),
  event_id TEXT NOT NULL,
  PRIMARY KEY (session_id, number, member_id),
  UNIQUE (session_id, number, place),
  UNIQUE (session_id, number, rank),
  FOREIGN KEY (session_id, number) REFERENCES quiz_question (session_id, number)
) STRICT;
CREATE INDEX quiz_answer_by_member ON quiz_answer (member_id, session_id);

CREATE TABLE quiz_appeal (
  id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'refused')),
  ruled_by TEXT CHECK ((state = 'open') = (ruled_by IS NULL)),
  ruled_at INTEGER,
  event_id TEXT NOT NULL UNIQUE,
  UNIQUE (session_id, number, member_id),
  FOREIGN KEY (session_id, number, member_id) REFERENCES quiz_answer (session_id, number, member_id)
) STRICT;
"""

_M020 = """
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
