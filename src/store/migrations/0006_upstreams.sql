-- Where a container is reached: the port that leads to it on the host, its address in each network
-- as JSON. What image it was made of. And what a deployer wants to keep with a row, a JSON object.
ALTER TABLE containers ADD COLUMN host_ip TEXT;
ALTER TABLE containers ADD COLUMN host_port INTEGER;
ALTER TABLE containers ADD COLUMN addresses TEXT NOT NULL DEFAULT '{}';
ALTER TABLE containers ADD COLUMN image_id TEXT;
ALTER TABLE containers ADD COLUMN meta TEXT;

-- Who holds a subdomain; not unique, since it was not always refused to give one twice.
CREATE INDEX containers_subdomain ON containers (host, subdomain COLLATE NOCASE)
  WHERE subdomain IS NOT NULL;
