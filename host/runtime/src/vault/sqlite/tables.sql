-- Versions are counted over all rows, so that none is given twice, also after a row was removed.
CREATE TABLE counter (last_version INTEGER NOT NULL) STRICT;
INSERT INTO counter (last_version) VALUES (0);

CREATE TABLE secret (
  slot TEXT PRIMARY KEY NOT NULL,
  version INTEGER NOT NULL,
  sealed BLOB NOT NULL
) STRICT;

-- Times are milliseconds since the Unix epoch.
CREATE TABLE lease (
  slot TEXT PRIMARY KEY NOT NULL,
  holder TEXT NOT NULL,
  taken INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;

-- "BSVT": what tells this file from any other program's.
PRAGMA application_id = 0x42535654;
PRAGMA user_version = 1;
