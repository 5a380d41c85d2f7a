-- A webhook's secret is found by its SHA-256, base64url: how long the search takes then says nothing
-- of the secret. Null only between this statement and the end of the migration that fills it.
ALTER TABLE workloads ADD COLUMN webhook_secret_hash TEXT;

CREATE UNIQUE INDEX workloads_webhook_secret_hash ON workloads (webhook_secret_hash);
