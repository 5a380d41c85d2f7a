-- Hosts that were let in. A host speaks with its secret, of which only the hash is here, through one
-- process at a time: that of `session`.
CREATE TABLE tinyforge.hosts (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  secret_hash text NOT NULL UNIQUE,
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  session bigint NOT NULL DEFAULT 0,
  run text,
  contested boolean NOT NULL DEFAULT false,
  epoch text,
  -- The state that the rows are of; null while they are of none: all rows are needed.
  seq bigint,
  -- A snapshot that has not all come: the state that it is of, and up to which id it came.
  snapshot_to bigint,
  snapshot_up_to text,
  -- By this database's clock: heard of last, and unknown from then on.
  heard_at timestamptz,
  lease_until timestamptz,
  -- By the host's own.
  last_pass_at text,
  fresh boolean NOT NULL DEFAULT false,
  version text,
  machine text
);

-- Processes that spoke for a host lately, so that two living ones are noticed.
CREATE TABLE tinyforge.host_runs (
  host_id text NOT NULL REFERENCES tinyforge.hosts ON DELETE CASCADE,
  run text NOT NULL,
  attempt bigint NOT NULL,
  machine text NOT NULL,
  heard_at timestamptz NOT NULL,
  PRIMARY KEY (host_id, run)
);

-- Tokens with which a host can be let in, once.
CREATE TABLE tinyforge.enrolments (
  token_hash text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  expires_at timestamptz NOT NULL
);

-- The rows of each host as it told them.
CREATE TABLE tinyforge.containers (
  host_id text NOT NULL REFERENCES tinyforge.hosts ON DELETE CASCADE,
  id text NOT NULL COLLATE "C",
  workload_id text NOT NULL,
  workload_kind text NOT NULL,
  workload_name text NOT NULL,
  state text NOT NULL,
  -- JSON, kept as it was reckoned to have its hash.
  body text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (host_id, id)
);
CREATE INDEX containers_by_state ON tinyforge.containers (state, host_id, id);
CREATE INDEX containers_by_workload ON tinyforge.containers (workload_name, host_id, id);
