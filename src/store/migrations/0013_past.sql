-- When the index was known to be what ran: from the listing that began it to the last moment that is
-- known. The stretch under way goes from its host's `watching_since` to `last_pass_at`.
CREATE TABLE watched (
  id INTEGER PRIMARY KEY,
  began_at TEXT NOT NULL,
  ended_at TEXT NOT NULL
) STRICT;

ALTER TABLE hosts ADD COLUMN watching_since TEXT;

-- What happened up to here may be forgotten; null: nothing is.
ALTER TABLE hosts ADD COLUMN forgotten_until TEXT;

UPDATE hosts SET forgotten_until = CASE
  WHEN (SELECT min(seq) FROM transitions) > 1 THEN (SELECT min(at) FROM transitions)
  WHEN NOT EXISTS (SELECT 1 FROM transitions)
    AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'transitions' AND seq > 0)
    THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
END;

-- What the row's container was called then, and what it was made of; null where nobody knows.
ALTER TABLE transitions ADD COLUMN container_name TEXT;
ALTER TABLE transitions ADD COLUMN image_ref TEXT;

-- What a row was when it was removed, for as long as its story is kept.
CREATE TABLE removed_rows (
  row_id TEXT PRIMARY KEY,
  workload_id TEXT NOT NULL,
  workload_kind TEXT NOT NULL,
  workload_name TEXT NOT NULL,
  role TEXT NOT NULL,
  replica INTEGER NOT NULL,
  stage_name TEXT,
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
