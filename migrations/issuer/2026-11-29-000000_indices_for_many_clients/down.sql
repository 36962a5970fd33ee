DROP INDEX grants_by_api;
CREATE INDEX grants_by_api ON grants (api_id);
DROP INDEX clients_by_name;
