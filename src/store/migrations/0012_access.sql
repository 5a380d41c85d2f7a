-- Who may ask over TCP. Of a token and a session the SHA-256 is kept: neither can be shown again.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('metrics', 'read', 'deploy', 'admin')),
  hash TEXT NOT NULL UNIQUE,
  expires_at INTEGER,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  -- What it was opened with, and its end with that: a token of the table, or the one in the file,
  -- by its SHA-256. Both NULL: whoever could use the socket.
  token_id TEXT REFERENCES tokens (id) ON DELETE CASCADE,
  file_hash TEXT,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('read', 'deploy', 'admin')),
  remote TEXT,
  user_agent TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_token ON sessions (token_id);

-- Who changed what. The newest ones are kept.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  via TEXT NOT NULL CHECK (via IN ('token', 'session', 'socket', 'command', 'webhook')),
  remote TEXT,
  action TEXT NOT NULL,
  path TEXT NOT NULL,
  -- JSON: what of the request may be shown.
  details TEXT NOT NULL
) STRICT;
