"""Shop: redemptions, stock, coupon codes, freeloader notes; nicknames on boards; talk by day."""

SCRIPT = """
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
