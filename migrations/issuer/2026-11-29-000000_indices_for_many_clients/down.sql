DROP INDEX tombstones_by_revision;
CREATE INDEX tombstones_by_revision ON tombstones (revision);
DROP INDEX grants_by_api;
CREATE INDEX grants_by_api ON grants (api_id);
DROP INDEX clients_by_name;
