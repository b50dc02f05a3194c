"""Orders from the shop: whose they are, which were noticed, and the milestones they reached."""

SCRIPT = """
CREATE TABLE purchase (
  order_id TEXT PRIMARY KEY,
  member_id TEXT,
  external_id TEXT,
  at INTEGER NOT NULL,
  cents INTEGER NOT NULL CHECK (cents >= 0),
  items TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('paid', 'refunded')),
  source TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  noticed INTEGER NOT NULL DEFAULT 0 CHECK (noticed IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX purchase_by_member ON purchase (member_id, at);
CREATE INDEX purchase_by_external ON purchase (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX purchase_unnoticed ON purchase (recorded_at) WHERE noticed = 0;

CREATE TABLE buyer_alias (
  external_id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  staff_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX buyer_alias_by_member ON buyer_alias (member_id);

CREATE TABLE purchase_milestone (
  member_id TEXT NOT NULL,
  nth INTEGER NOT NULL CHECK (nth > 0),
  order_id TEXT NOT NULL UNIQUE REFERENCES purchase (order_id),
  at INTEGER NOT NULL,
  PRIMARY KEY (member_id, nth)
) STRICT, WITHOUT ROWID;
"""
