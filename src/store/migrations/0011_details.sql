-- What only an inspect tells of a row's container; null until one did, and of another container again.
ALTER TABLE containers ADD COLUMN started_at TEXT;
ALTER TABLE containers ADD COLUMN finished_at TEXT;
ALTER TABLE containers ADD COLUMN restart_count INTEGER;
ALTER TABLE containers ADD COLUMN restart_policy TEXT;
-- The rest of it, as JSON: what nobody looks for in a table.
ALTER TABLE containers ADD COLUMN inspected TEXT;

-- Nobody said since when those from before are as they are: since they were made.
UPDATE containers SET state_since = coalesce(state_since, created_at),
  health_since = coalesce(health_since, created_at);

-- What happened to rows beside their states: other health, another image.
CREATE TABLE row_changes (
  seq INTEGER PRIMARY KEY,
  row_id TEXT NOT NULL,
  at TEXT NOT NULL,
  field TEXT NOT NULL CHECK (field IN ('health', 'image')),
  from_value TEXT,
  to_value TEXT,
  container_id TEXT
) STRICT;

CREATE INDEX row_changes_row_id ON row_changes (row_id, seq);
