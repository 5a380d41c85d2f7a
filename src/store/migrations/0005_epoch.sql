-- Which life of the data directory this is: a random id that a restore replaces, so that whoever
-- follows a copy of the index notices that it is another one. One row.
CREATE TABLE epoch (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  id TEXT NOT NULL,
  began_at TEXT NOT NULL,
  -- The epoch whose backup this one was restored from; null where it was not.
  restored_from TEXT
) STRICT;

INSERT INTO epoch (only_row, id, began_at)
VALUES (1, lower(hex(randomblob(16))), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
