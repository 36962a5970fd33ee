-- `position` is the order of creation. Ids are UUIDv7 as text; instants are Unix milliseconds. `email_folded` is the address in
-- lower case: one client has no two users whose addresses differ in case only.

CREATE TABLE users (
    position INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (client_id, email_folded)
);
CREATE INDEX users_by_client ON users (client_id, position);
