CREATE TABLE organisation (
  id   TEXT NOT NULL,
  name TEXT NOT NULL,
  seed INTEGER NOT NULL
) STRICT;

-- Nothing is ever removed from here, so a number is used once and orders the records for ever.
CREATE TABLE record (
  number   INTEGER PRIMARY KEY,
  kind     TEXT NOT NULL,
  id       TEXT NOT NULL UNIQUE,
  owner    TEXT,
  created  INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  state    TEXT NOT NULL CHECK (state IN ('live', 'deleted', 'merged')),
  survivor TEXT,
  body     TEXT NOT NULL
) STRICT;

CREATE INDEX record_in_order ON record (kind, number) WHERE state = 'live';
CREATE INDEX record_by_time ON record (kind, modified, number) WHERE state = 'live';

-- The folded values under which records are found.
CREATE TABLE key (
  kind   TEXT NOT NULL,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (kind, name, value, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_of_record ON key (number);

CREATE TABLE departure (
  number   INTEGER PRIMARY KEY,
  kind     TEXT NOT NULL,
  id       TEXT NOT NULL,
  at       INTEGER NOT NULL,
  how      TEXT NOT NULL CHECK (how IN ('deleted', 'merged', 'reassigned')),
  survivor TEXT,
  owner    TEXT,
  heir     TEXT
) STRICT;

CREATE INDEX departure_by_time ON departure (kind, at, number);
