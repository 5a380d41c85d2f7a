-- Hosts that were let in. A host speaks with its secret, of which only the hash is here, through one
-- process at a time: that of `session`.
CREATE TABLE tinyforge.hosts (
  id text PRIMARY KEY,
  name text NOT NULL COLLATE "C" UNIQUE,
  secret_hash text NOT NULL UNIQUE,
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  session bigint NOT NULL DEFAULT 0,
  run text,
  contested boolean NOT NULL DEFAULT false,
  epoch text,
  -- The state that the rows are of; null while they are of none: all rows are needed.
  seq bigint,
  -- A snapshot that has not all come: the state that it is of, which things came last, and up to
  -- which id; null: to the end.
  snapshot_to bigint,
  snapshot_of text,
  snapshot_up_to text,
  -- Number of the last transition of this epoch that came; those after it are still to be told.
  transition_seq bigint NOT NULL DEFAULT 0,
  -- By this database's clock: heard of last, and unknown from then on.
  heard_at timestamptz,
  lease_until timestamptz,
  -- Since when it is a problem that it is not heard of, and when it was last before that; null while
  -- it is none.
  silent_at timestamptz,
  silent_since timestamptz,
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
  -- Whether it was ever listened to, and when it spoke for the first time.
  accepted boolean NOT NULL,
  first_at timestamptz NOT NULL DEFAULT now(),
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
  health text,
  container_id text,
  container_name text,
  stage_id text,
  stage_name text,
  -- JSON, kept as it was reckoned to have its hash.
  body text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (host_id, id)
);
CREATE INDEX containers_by_state ON tinyforge.containers (state, host_id, id);
CREATE INDEX containers_by_workload ON tinyforge.containers (workload_name, host_id, id);
CREATE INDEX containers_by_container ON tinyforge.containers (container_name, host_id);
CREATE INDEX containers_by_container_id ON tinyforge.containers (container_id, host_id);
CREATE INDEX containers_by_workload_id ON tinyforge.containers (host_id, workload_id);

-- What should run on each host.
CREATE TABLE tinyforge.workloads (
  host_id text NOT NULL REFERENCES tinyforge.hosts ON DELETE CASCADE,
  id text NOT NULL COLLATE "C",
  kind text NOT NULL,
  name text NOT NULL,
  body text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (host_id, id)
);
CREATE INDEX workloads_by_name ON tinyforge.workloads (name, host_id);

-- What is and was wrong, as each host judged it; and, once it is over, that a host was silent. Times
-- in milliseconds since the Unix epoch.
CREATE TABLE tinyforge.problems (
  host_id text NOT NULL REFERENCES tinyforge.hosts ON DELETE CASCADE,
  key text NOT NULL COLLATE "C",
  opened_at bigint NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'closed')),
  workload_id text,
  row_id text,
  closed_at bigint,
  body text NOT NULL,
  hash text NOT NULL,
  told_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (host_id, key, opened_at)
);
CREATE UNIQUE INDEX problems_open ON tinyforge.problems (host_id, key) WHERE status = 'open';
CREATE INDEX problems_newest ON tinyforge.problems (opened_at, host_id, key) WHERE status = 'open';
CREATE INDEX problems_over ON tinyforge.problems (closed_at) WHERE status = 'closed';
CREATE INDEX problems_told_at ON tinyforge.problems (told_at);
CREATE INDEX problems_by_row ON tinyforge.problems (host_id, row_id) WHERE row_id IS NOT NULL;

-- What happened to each row, by the day on which it was told: a host's clock may be anywhere. `id` is
-- in the order in which it was committed.
CREATE SEQUENCE tinyforge.transition_ids;
CREATE TABLE tinyforge.transitions (
  id bigint NOT NULL DEFAULT nextval('tinyforge.transition_ids'),
  told_at timestamptz NOT NULL DEFAULT now(),
  host_id text NOT NULL,
  -- The host's own number, in this life of its data directory.
  epoch text NOT NULL,
  seq bigint NOT NULL,
  row_id text NOT NULL COLLATE "C",
  workload_id text,
  at text NOT NULL COLLATE "C",
  body text NOT NULL
) PARTITION BY RANGE (told_at);
CREATE INDEX transitions_id ON tinyforge.transitions (id);
CREATE INDEX transitions_told ON tinyforge.transitions (host_id, seq);
CREATE INDEX transitions_of_row ON tinyforge.transitions (host_id, row_id, id);
CREATE INDEX transitions_at ON tinyforge.transitions (at, id);

-- Since when hubs listen without a break that a host would notice; of a silence before it nobody can
-- say whose it was.
CREATE TABLE tinyforge.listening (
  only_row integer PRIMARY KEY CHECK (only_row = 1),
  since timestamptz NOT NULL,
  until timestamptz NOT NULL
);
