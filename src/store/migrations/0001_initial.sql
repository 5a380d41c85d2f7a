-- The containers index and what its rows refer to.

CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE stages (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  max_instances INTEGER NOT NULL DEFAULT 1 CHECK (max_instances >= 1),
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (project_id, name)
) STRICT;

CREATE TABLE stacks (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  compose_project_name TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE static_sites (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  domain TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE workloads (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('project', 'stack', 'site')),
  ref_id TEXT NOT NULL,
  name TEXT NOT NULL,
  webhook_secret TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  UNIQUE (kind, ref_id)
) STRICT;

CREATE TABLE hosts (
  name TEXT PRIMARY KEY,
  -- The Engine whose listings may sweep; null until the first pass.
  engine_id TEXT,
  -- Another Engine that answered instead and waits to be accepted.
  found_engine_id TEXT,
  last_pass_at TEXT,
  -- Summary of the last full pass as JSON: listed, claimed, refused, unmanaged.
  last_pass TEXT
) STRICT;

INSERT INTO hosts (name) VALUES ('local');

CREATE TABLE containers (
  id TEXT PRIMARY KEY,
  -- Written by the reconciler.
  workload_id TEXT NOT NULL REFERENCES workloads (id) ON DELETE CASCADE,
  workload_kind TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT '',
  replica INTEGER NOT NULL DEFAULT 1,
  container_id TEXT,
  container_name TEXT NOT NULL DEFAULT '',
  image_ref TEXT NOT NULL DEFAULT '',
  host TEXT NOT NULL REFERENCES hosts (name),
  state TEXT NOT NULL,
  health TEXT,
  exit_code INTEGER,
  port INTEGER NOT NULL DEFAULT 0,
  created_at_engine TEXT,
  last_seen_at TEXT,
  -- 1: the host's last pass confirmed this row, so it was seen then, whatever last_seen_at says.
  confirmed INTEGER NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1)),
  -- Written by the deployer.
  stage_id TEXT REFERENCES stages (id) ON DELETE SET NULL,
  image_tag TEXT,
  subdomain TEXT,
  proxy_route_id TEXT,
  npm_proxy_id INTEGER,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;

CREATE INDEX containers_container_id ON containers (container_id);
CREATE INDEX containers_workload_id ON containers (workload_id);
CREATE INDEX containers_stage_id ON containers (stage_id) WHERE stage_id IS NOT NULL;
CREATE INDEX containers_state ON containers (state);

-- What happened to each row. No foreign key: a story outlives its row.
CREATE TABLE transitions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  row_id TEXT NOT NULL,
  at TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('event', 'pass', 'sweep', 'deployer')),
  container_id TEXT,
  exit_code INTEGER,
  detail TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX transitions_row_id ON transitions (row_id, seq);

-- What readers should read: names joined in, and seen_at as if every pass had written every row
-- that it confirmed. Rows from before stages had ids name their stage in `role`.
CREATE VIEW container_views AS
SELECT
  c.*,
  w.name AS workload_name,
  coalesce(s.name, legacy.name) AS stage_name,
  CASE
    WHEN c.confirmed = 1 AND h.last_pass_at > coalesce(c.last_seen_at, '') THEN h.last_pass_at
    ELSE c.last_seen_at
  END AS seen_at
FROM containers AS c
JOIN workloads AS w ON w.id = c.workload_id
JOIN hosts AS h ON h.name = c.host
LEFT JOIN stages AS s ON s.id = c.stage_id
LEFT JOIN stages AS legacy
  ON c.stage_id IS NULL
  AND w.kind = 'project'
  AND legacy.project_id = w.ref_id
  AND legacy.name = c.role;
