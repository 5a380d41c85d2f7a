-- Which kinds of problems a silence is about, as a JSON array of their names; null: all.
ALTER TABLE silences ADD COLUMN kinds TEXT;
