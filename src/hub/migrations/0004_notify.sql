-- Where people are told of what is wrong on all hosts. Times are milliseconds since the Unix epoch.
CREATE TABLE tinyforge.channels (
  id text PRIMARY KEY,
  name text NOT NULL COLLATE "C" UNIQUE,
  type text NOT NULL,
  -- JSON: what may be shown.
  config text NOT NULL,
  -- JSON: what nobody is shown. Any hub sends, so it is where all of them read.
  secrets text NOT NULL,
  state text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'broken', 'disabled')),
  reason text NOT NULL DEFAULT '',
  since bigint,
  failing_since bigint,
  failures integer NOT NULL DEFAULT 0,
  not_before bigint NOT NULL DEFAULT 0,
  -- Who is told of what: kinds as a JSON array, null for all.
  kinds text,
  min_severity text NOT NULL CHECK (min_severity IN ('low', 'high')),
  remind_after_ms bigint,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tinyforge.notices (
  id text PRIMARY KEY,
  kind text NOT NULL,
  -- JSON, as it is sent.
  content text NOT NULL,
  created_at bigint NOT NULL
);

CREATE TABLE tinyforge.deliveries (
  seq bigint PRIMARY KEY,
  notice_id text NOT NULL REFERENCES tinyforge.notices,
  channel_id text NOT NULL REFERENCES tinyforge.channels ON DELETE CASCADE,
  -- Key of its one problem; what is told of one problem keeps its order. Null for a list.
  subject text,
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'delivered', 'dead', 'superseded')),
  attempts integer NOT NULL DEFAULT 0,
  queued_at bigint NOT NULL,
  next_at bigint NOT NULL,
  ended_at bigint,
  status integer,
  answer text NOT NULL DEFAULT '',
  -- Which hub sends it, and until when it is that one's alone.
  claimed_by text,
  claimed_until timestamptz
);
CREATE INDEX deliveries_queued ON tinyforge.deliveries (channel_id, seq) WHERE state = 'queued';
CREATE INDEX deliveries_notice ON tinyforge.deliveries (notice_id);
CREATE INDEX deliveries_ended ON tinyforge.deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- How far problems were looked at: those that somebody was to be told of.
CREATE TABLE tinyforge.notified (
  key text NOT NULL COLLATE "C",
  opened_at bigint NOT NULL,
  -- JSON, as it was told.
  problem text NOT NULL,
  closed_at bigint,
  superseded boolean NOT NULL DEFAULT false,
  PRIMARY KEY (key, opened_at)
);
CREATE TABLE tinyforge.notify_cursor (
  only_row integer PRIMARY KEY CHECK (only_row = 1),
  looked_at bigint NOT NULL
);

-- Which channels are to be told when it is over: those that were told that it began.
CREATE TABLE tinyforge.told (
  key text NOT NULL COLLATE "C",
  opened_at bigint NOT NULL,
  channel_id text NOT NULL REFERENCES tinyforge.channels ON DELETE CASCADE,
  delivery bigint NOT NULL,
  reminder bigint,
  remind_after_ms bigint,
  PRIMARY KEY (key, opened_at, channel_id)
);
CREATE INDEX told_delivery ON tinyforge.told (delivery);
