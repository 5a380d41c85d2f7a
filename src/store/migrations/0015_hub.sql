-- How many commits there were that readers may have noticed; with the epoch it names a state of the
-- index. No row: nobody follows this index, and nothing is counted.
CREATE TABLE replica (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  seq INTEGER NOT NULL
) STRICT;

-- The state in which it was written.
ALTER TABLE problems ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX problems_changed ON problems (changed);
