-- What the console needs. None of it is configuration: it is written without a revision, and is in no backup.

-- Who is signed in. Whoever reads a row learns nothing that opens the session: the id itself is kept by its holder alone.
CREATE TABLE console_sessions (
    -- SHA-256 of the session id, in hexadecimal.
    id_hash TEXT NOT NULL PRIMARY KEY,
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    proof TEXT NOT NULL CHECK (proof IN ('credential', 'published_key', 'link')),
    -- Our own id of the secret or key that its holder last proved with; NULL: a link, or a key that the client publishes itself.
    credential_id TEXT,
    begun_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    -- When its holder last proved who it is.
    proved_at BIGINT NOT NULL
);
CREATE INDEX console_sessions_by_client ON console_sessions (client_row_id);

-- What a link may be used for, once.
CREATE TABLE one_time_links (
    -- SHA-256 of the token in the link, in hexadecimal.
    token_hash TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL CHECK (purpose IN ('sign_in', 'claim_secret')),
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    -- What the secret will be called.
    label TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX one_time_links_by_client ON one_time_links (client_row_id);

-- Which servers run, as each tells of itself.
CREATE TABLE servers (
    -- Of the process.
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    -- What it serves.
    revision BIGINT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
