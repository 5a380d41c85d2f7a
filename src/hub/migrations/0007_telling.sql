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

-- Such a hub knows of no rules: what it adds is told what it says there, and what it removes is nobody's.
CREATE FUNCTION tinyforge.rule_of_channel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Said in the same transaction by who makes the rule as well.
  IF coalesce(current_setting('tinyforge.makes_rule', true), '') <> 'yes' THEN
    INSERT INTO tinyforge.rules (id, kinds, min_severity, channels, remind_after_ms, created_at)
      VALUES (NEW.id, NEW.kinds, NEW.min_severity, '["' || NEW.id || '"]', NEW.remind_after_ms,
        NEW.created_at);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rule_of_channel AFTER INSERT ON tinyforge.channels
  FOR EACH ROW EXECUTE FUNCTION tinyforge.rule_of_channel();
CREATE FUNCTION tinyforge.forget_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM tinyforge.rules WHERE channels = '["' || OLD.id || '"]';
  RETURN NULL;
END $$;
CREATE TRIGGER forget_rules AFTER DELETE ON tinyforge.channels
  FOR EACH ROW EXECUTE FUNCTION tinyforge.forget_rules();

-- The channel that takes over when one fails for long; how often settings or secrets were changed.
ALTER TABLE tinyforge.channels
  ADD COLUMN fallback_id text REFERENCES tinyforge.channels ON DELETE SET NULL,
  ADD COLUMN revision integer NOT NULL DEFAULT 0;

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
