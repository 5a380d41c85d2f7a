-- Where people are told. What nobody is shown of a channel is not in this database.
CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  -- JSON: what may be shown.
  config TEXT NOT NULL,
  fallback_id TEXT REFERENCES channels (id) ON DELETE SET NULL,
  state TEXT NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'broken', 'disabled')),
  -- Why it is not ok, and since when.
  reason TEXT NOT NULL DEFAULT '',
  since INTEGER,
  -- The first failure after the last success, and how many there were.
  failing_since INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL
) STRICT;

-- Who is told of what; JSON arrays, NULL for all.
CREATE TABLE rules (
  id TEXT PRIMARY KEY,
  workloads TEXT,
  kinds TEXT,
  min_severity TEXT NOT NULL CHECK (min_severity IN ('low', 'high')),
  channels TEXT,
  remind_after_ms INTEGER,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE notices (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  -- JSON, as it is sent.
  content TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  notice_id TEXT NOT NULL REFERENCES notices (id),
  channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  -- Key of its one problem; what is told of one problem keeps its order. NULL for a list.
  subject TEXT,
  state TEXT NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'delivered', 'dead', 'superseded')),
  attempts INTEGER NOT NULL DEFAULT 0,
  queued_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  ended_at INTEGER,
  status INTEGER,
  answer TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX deliveries_queued ON deliveries (channel_id, seq) WHERE state = 'queued';
CREATE INDEX deliveries_subject ON deliveries (channel_id, subject, seq) WHERE state = 'queued';
CREATE INDEX deliveries_notice ON deliveries (notice_id);
CREATE INDEX deliveries_ended ON deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- How far problems were looked at: those that somebody was to be told of, and when that was.
CREATE TABLE notified (
  key TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  -- JSON, as it was told.
  problem TEXT NOT NULL,
  closed_at INTEGER,
  -- Whether another problem of that row took its place.
  superseded INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (key, opened_at)
) STRICT, WITHOUT ROWID;
CREATE TABLE notify_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  looked_at INTEGER NOT NULL
) STRICT;

-- Which channels are to be told when it is over: those that were told that it began.
CREATE TABLE told (
  key TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  delivery INTEGER NOT NULL,
  reminder INTEGER,
  remind_after_ms INTEGER,
  PRIMARY KEY (key, opened_at, channel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_delivery ON told (delivery);
