-- Why the container that a row is bound to does not claim it, and the label value or row that says so;
-- null when it does.
ALTER TABLE containers ADD COLUMN unclaimed_reason TEXT;

ALTER TABLE containers ADD COLUMN unclaimed_value TEXT;

DROP VIEW container_views;

-- As before, and whether the container claims the row.
CREATE VIEW container_views AS
SELECT
  c.*,
  c.unclaimed_reason IS NULL AS claimed,
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
