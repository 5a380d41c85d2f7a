-- What a transition goes back to, as JSON; null for those from before, whose `detail` says it in words.
ALTER TABLE transitions ADD COLUMN origin TEXT;
