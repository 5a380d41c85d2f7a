-- What a page with a filter looks through, one host after the other, and what rows are counted by.
CREATE INDEX containers_by_kind
  ON tinyforge.containers (host_id, workload_kind, state, health, id);
CREATE INDEX containers_by_stage ON tinyforge.containers (stage_name, host_id, id)
  WHERE stage_name IS NOT NULL;
-- A workload in one state is looked for on every host.
DROP INDEX tinyforge.containers_by_workload;
CREATE INDEX containers_by_workload
  ON tinyforge.containers (workload_name, host_id, state, id);
