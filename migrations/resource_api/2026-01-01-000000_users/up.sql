-- The users of each partner. `client` is the client the access token was issued to; a partner sees its own rows only.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,       -- UUIDv7
    client TEXT NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL          -- Unix milliseconds
);

-- One user per address and partner; case in an address makes no second person.
CREATE UNIQUE INDEX users_client_email ON users (client, email COLLATE NOCASE);
CREATE INDEX users_client_id ON users (client, id);
