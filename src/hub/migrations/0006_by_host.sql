-- What a host tells is written far more often than it is looked for on every host, so that each index
-- has a host's rows together: a thousand rows of it are a few pages of each, and not a thousand. What
-- is looked for on every host is looked for on one after the other.
DROP INDEX tinyforge.containers_by_state;
DROP INDEX tinyforge.containers_by_workload;
DROP INDEX tinyforge.containers_by_container;
DROP INDEX tinyforge.containers_by_container_id;
DROP INDEX tinyforge.containers_by_stage;
DROP INDEX tinyforge.containers_by_kind;
CREATE INDEX containers_by_state ON tinyforge.containers (host_id, state, id);
-- Where many rows of a host have the same, each is there once.
CREATE INDEX containers_by_kind ON tinyforge.containers (host_id, workload_kind, state, health);
CREATE INDEX containers_by_workload ON tinyforge.containers (host_id, workload_name);
CREATE INDEX containers_by_container ON tinyforge.containers (host_id, container_name);
-- As much of an id as people use.
CREATE INDEX containers_by_container_id ON tinyforge.containers (host_id, left(container_id, 12));
CREATE INDEX containers_by_stage ON tinyforge.containers (host_id, stage_name, id)
  WHERE stage_name IS NOT NULL;

-- Rows are written under the lock of their host alone, so that none is asked for each of them whether
-- its host is there. They go with it as before.
ALTER TABLE tinyforge.containers DROP CONSTRAINT containers_host_id_fkey;
CREATE FUNCTION tinyforge.forget_containers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM tinyforge.containers WHERE host_id = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_containers AFTER DELETE ON tinyforge.hosts
  FOR EACH ROW EXECUTE FUNCTION tinyforge.forget_containers();

-- Written with each message: room for what comes next in the page where it stands.
ALTER TABLE tinyforge.hosts SET (fillfactor = 50);
ALTER TABLE tinyforge.host_runs SET (fillfactor = 50);
