-- Since when a row is in its state and has its health; null for rows from before: since they were made.
ALTER TABLE containers ADD COLUMN state_since TEXT;
ALTER TABLE containers ADD COLUMN health_since TEXT;

-- What is wrong, from before it opens until it is closed. Times are milliseconds since the Unix epoch.
CREATE TABLE problems (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('holding', 'open', 'closed')),
  host TEXT NOT NULL,
  workload_id TEXT,
  row_id TEXT,
  container_id TEXT,
  container_name TEXT NOT NULL DEFAULT '',
  since INTEGER NOT NULL,
  due_at INTEGER,
  opened_at INTEGER,
  closed_at INTEGER,
  outcome TEXT,
  evidence TEXT NOT NULL,
  remedy TEXT NOT NULL,
  batch TEXT,
  muted INTEGER NOT NULL DEFAULT 0,
  silenced INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX problems_key ON problems (key) WHERE status <> 'closed';
CREATE INDEX problems_closed_at ON problems (closed_at) WHERE status = 'closed';
CREATE INDEX problems_row_id ON problems (row_id) WHERE row_id IS NOT NULL;

-- How the containers of a row ended. No foreign key: removing a row must not wait for it.
CREATE TABLE deaths (
  row_id TEXT PRIMARY KEY,
  count INTEGER NOT NULL,
  at_least INTEGER NOT NULL DEFAULT 0,
  gap_at INTEGER,
  -- The last ones as JSON, oldest first.
  ring TEXT NOT NULL
) STRICT;

-- What the judge remembers of a host, as JSON.
ALTER TABLE hosts ADD COLUMN judged TEXT;

-- The deploy that leaves a workload alone for a while.
ALTER TABLE workloads ADD COLUMN hold_from INTEGER;
ALTER TABLE workloads ADD COLUMN hold_last INTEGER;

-- Of what nobody wants to hear for a while, once or again and again.
CREATE TABLE silences (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL CHECK (scope IN ('all', 'workload', 'row')),
  target_id TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  -- One that recurs has an expression and a zone, and lasts so long each time.
  starts_at INTEGER NOT NULL,
  ends_at INTEGER,
  cron TEXT,
  time_zone TEXT,
  lasts_ms INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
