-- Who may ask the hubs of this database: of every secret only a hash is here.
CREATE TABLE tinyforge.tokens (
  id text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  role text NOT NULL,
  hash text NOT NULL UNIQUE,
  expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tinyforge.sessions (
  id text PRIMARY KEY,
  hash text NOT NULL UNIQUE,
  token_id text REFERENCES tinyforge.tokens ON DELETE CASCADE,
  file_hash text,
  name text NOT NULL,
  role text NOT NULL,
  remote text,
  user_agent text NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Each opens one session, within a minute.
CREATE TABLE tinyforge.login_codes (
  hash text PRIMARY KEY,
  name text NOT NULL,
  role text NOT NULL,
  token_id text REFERENCES tinyforge.tokens ON DELETE CASCADE,
  session_id text REFERENCES tinyforge.sessions ON DELETE CASCADE,
  file_hash text,
  expires_at timestamptz NOT NULL
);

-- Who changed what.
CREATE TABLE tinyforge.audit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  who text NOT NULL,
  via text NOT NULL,
  remote text,
  action text NOT NULL,
  path text NOT NULL,
  details text NOT NULL
);
