-- In which time it was known what ran on each host, by its own clock, RFC 3339 UTC: the stretch under
-- way in its row, those that are over by themselves. `watched_seq` is the host's own number of the
-- last of them that came from the process that speaks for it.
ALTER TABLE tinyforge.hosts
  ADD COLUMN past_told boolean NOT NULL DEFAULT false,
  ADD COLUMN watched_seq bigint NOT NULL DEFAULT 0,
  ADD COLUMN watching_from text COLLATE "C",
  ADD COLUMN watching_to text COLLATE "C",
  -- What happened there up to here it had forgotten when it was heard of last.
  ADD COLUMN forgotten_until text COLLATE "C";

CREATE TABLE tinyforge.watched (
  host_id text NOT NULL REFERENCES tinyforge.hosts ON DELETE CASCADE,
  began_at text NOT NULL COLLATE "C",
  ended_at text NOT NULL COLLATE "C",
  told_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (host_id, began_at)
);
CREATE INDEX watched_began_at ON tinyforge.watched (began_at);
CREATE INDEX watched_ended_at ON tinyforge.watched (ended_at);
CREATE INDEX watched_told_at ON tinyforge.watched (told_at);

-- What a history is read by: of all hosts there is one already.
CREATE INDEX transitions_of_host ON tinyforge.transitions (host_id, at, id);
CREATE INDEX problems_opened_at ON tinyforge.problems (opened_at);
-- What a history of one workload, and the rows it had, are found by.
CREATE INDEX transitions_of_workload ON tinyforge.transitions (host_id, workload_id, at, id);
CREATE INDEX problems_of_workload ON tinyforge.problems (host_id, workload_id)
  WHERE workload_id IS NOT NULL;
