-- Which branch a stage shows, and whether it is a preview: made for a while, and listed with its URLs.
ALTER TABLE stages ADD COLUMN branch TEXT;
ALTER TABLE stages ADD COLUMN preview INTEGER NOT NULL DEFAULT 0 CHECK (preview IN (0, 1));
