-- How many rows each host has, so that nobody counts them and no host fills the database.
ALTER TABLE tinyforge.hosts ADD COLUMN row_count bigint NOT NULL DEFAULT 0;
UPDATE tinyforge.hosts AS h SET row_count =
  (SELECT count(*) FROM tinyforge.containers WHERE host_id = h.id);
