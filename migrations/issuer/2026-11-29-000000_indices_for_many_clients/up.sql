-- What the Management API lists by, so that no page costs more where there are many clients.
CREATE INDEX clients_by_name ON clients (name);
DROP INDEX grants_by_api;
CREATE INDEX grants_by_api ON grants (api_id, id);
