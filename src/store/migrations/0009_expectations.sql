-- What should run of each role of a workload. Without an entry: what was ever seen.
CREATE TABLE expectations (
  workload_id TEXT NOT NULL REFERENCES workloads (id) ON DELETE CASCADE,
  -- Empty for a site.
  role TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('running', 'completed', 'any')),
  replicas INTEGER NOT NULL CHECK (replicas >= 0),
  -- Image reference that it should run; null: any.
  image TEXT,
  source TEXT NOT NULL CHECK (source IN ('accepted', 'compose', 'manual')),
  -- Compose's own hash of the service when it was taken in; null where it told none.
  config_hash TEXT,
  set_at TEXT NOT NULL,
  PRIMARY KEY (workload_id, role)
) STRICT, WITHOUT ROWID;

-- The name of the container that serves a site whose container bears no label.
ALTER TABLE static_sites ADD COLUMN container_name TEXT;

CREATE UNIQUE INDEX static_sites_container_name ON static_sites (container_name)
WHERE container_name IS NOT NULL;
