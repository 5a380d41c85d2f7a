-- Who is told of what, apart from where, as on a host; and by host besides. JSON arrays, null for all:
-- workloads as HOST:ID, hosts by name, channels by id.
CREATE TABLE tinyforge.rules (
  id text PRIMARY KEY,
  workloads text,
  hosts text,
  kinds text,
  min_severity text NOT NULL CHECK (min_severity IN ('low', 'high')),
  channels text,
  remind_after_ms bigint,
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tinyforge.rules
    (id, kinds, min_severity, channels, remind_after_ms, created_at)
  SELECT id, kinds, min_severity, '["' || id || '"]', remind_after_ms, created_at
  FROM tinyforge.channels;

-- What was there of it is read, and written, by hubs of the version before alone, for as long as one
-- of them still runs.
ALTER TABLE tinyforge.channels ALTER COLUMN min_severity SET DEFAULT 'high';

-- The channel that takes over when one fails for long.
ALTER TABLE tinyforge.channels
  ADD COLUMN fallback_id text REFERENCES tinyforge.channels ON DELETE SET NULL;

-- Of what nobody wants to hear for a while. Times are milliseconds since the Unix epoch.
CREATE TABLE tinyforge.silences (
  id text PRIMARY KEY,
  scope text NOT NULL CHECK (scope IN ('all', 'host', 'workload', 'row')),
  -- Name of a host, HOST:ID of a workload or row; empty for all.
  target text NOT NULL,
  -- Kinds of problems as a JSON array, null for all.
  kinds text,
  reason text NOT NULL,
  starts_at bigint NOT NULL,
  -- Null: it recurs without end.
  ends_at bigint,
  cron text,
  time_zone text,
  lasts_ms bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
