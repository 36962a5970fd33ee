-- What the Management API lists by, and what a running server asks for, so that neither costs more where there are many clients.
CREATE INDEX clients_by_name ON clients (name);
DROP INDEX grants_by_api;
CREATE INDEX grants_by_api ON grants (api_id, id);
DROP INDEX tombstones_by_revision;
CREATE INDEX tombstones_by_revision ON tombstones (kind, revision);
