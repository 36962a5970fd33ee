-- One set for SQLite and PostgreSQL: TEXT, BIGINT and BOOLEAN only. Ids are UUIDs as text, instants Unix milliseconds,
-- lists child tables with a position. `revision` is that of the last change to the row or to anything that belongs to it.

CREATE TABLE meta (
    singleton BIGINT NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    revision BIGINT NOT NULL CHECK (revision >= 0),
    created_at BIGINT NOT NULL
);

CREATE TABLE apis (
    id TEXT NOT NULL PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    token_lifetime BIGINT NOT NULL CHECK (token_lifetime > 0),
    signing_alg TEXT NOT NULL,
    token_dialect TEXT,
    default_scope TEXT NOT NULL,
    scope_policy TEXT NOT NULL,
    scope_format TEXT,
    token_reuse_seconds BIGINT NOT NULL CHECK (token_reuse_seconds >= 0),
    is_system BOOLEAN NOT NULL,
    -- A JSON object: what Auth0 documents beside the above, kept and never acted upon.
    auth0_fields TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX apis_by_revision ON apis (revision);

CREATE TABLE api_scopes (
    api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    value TEXT NOT NULL,
    description TEXT,
    PRIMARY KEY (api_id, position),
    UNIQUE (api_id, value)
);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    client_credentials_allowed BOOLEAN NOT NULL,
    default_audience TEXT,
    jwks_uri TEXT,
    quota_per_hour BIGINT CHECK (quota_per_hour >= 0),
    quota_per_day BIGINT CHECK (quota_per_day >= 0),
    -- NULL: the client has no quota.
    quota_enforce BOOLEAN,
    -- A JSON object.
    claims TEXT NOT NULL,
    -- As in apis.
    auth0_fields TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX clients_by_revision ON clients (revision);

CREATE TABLE client_authentication_methods (
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    method TEXT NOT NULL,
    PRIMARY KEY (client_row_id, position),
    UNIQUE (client_row_id, method)
);

CREATE TABLE client_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    -- A PHC string or one of the legacy forms; never a secret.
    hash TEXT NOT NULL,
    -- The hash as it was imported, once a better one stands in its place: documents may still name it.
    imported_hash TEXT,
    -- The public part of a secret that Tokenhouse generated.
    secret_id TEXT,
    label TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX client_secrets_by_secret_id ON client_secrets (secret_id) WHERE secret_id IS NOT NULL;
CREATE INDEX client_secrets_by_client ON client_secrets (client_row_id);

CREATE TABLE client_keys (
    id TEXT NOT NULL PRIMARY KEY,
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    credential_type TEXT NOT NULL,
    name TEXT,
    kid TEXT NOT NULL,
    alg TEXT NOT NULL,
    -- A JSON object (RFC 7517), public members only.
    public_jwk TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (client_row_id, kid)
);

-- The assertions that clients have authenticated with, until they have expired: each is good once.
CREATE TABLE used_client_assertions (
    -- SHA-256 of client id and jti.
    digest TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX used_client_assertions_by_expiry ON used_client_assertions (expires_at);

CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    api_id TEXT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    -- As in apis.
    auth0_fields TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (client_row_id, api_id)
);
CREATE INDEX grants_by_api ON grants (api_id);

CREATE TABLE grant_scopes (
    grant_id TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (grant_id, position),
    UNIQUE (grant_id, value)
);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retired', 'removed')),
    -- A JSON object (RFC 7517).
    public_jwk TEXT NOT NULL,
    -- The private key, encrypted under the master key, which is not in the database; NULL once it is destroyed.
    sealed_private_key TEXT,
    created_at BIGINT NOT NULL,
    announced_at BIGINT,
    activated_at BIGINT,
    retired_at BIGINT,
    remove_after BIGINT,
    revoked_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX signing_keys_by_revision ON signing_keys (revision);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (alg) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (alg) WHERE state = 'next';

-- How often a client was given a token or refused, by the hour (Unix time / 3600). Written in batches, without a revision.
CREATE TABLE client_usage (
    client_row_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    -- When it last proved who it is; NULL where somebody only claimed to be this client.
    last_seen_at BIGINT,
    PRIMARY KEY (client_row_id, hour)
);
CREATE INDEX client_usage_by_hour ON client_usage (hour);

-- How many requests were refused that named no client there is.
CREATE TABLE unattributed_refusals (
    hour BIGINT NOT NULL PRIMARY KEY,
    refused BIGINT NOT NULL
);

-- What was deleted, so that a replica that reads only what is above its own revision learns of it.
CREATE TABLE tombstones (
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (kind, object_id)
);
CREATE INDEX tombstones_by_revision ON tombstones (revision);

CREATE TABLE audit_events (
    id TEXT NOT NULL PRIMARY KEY,
    -- 1, 2, 3, … without a gap: the order of the hash chain.
    position BIGINT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor TEXT,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    before TEXT,
    after TEXT,
    request_id TEXT,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_events_by_object ON audit_events (object_kind, object_id);
