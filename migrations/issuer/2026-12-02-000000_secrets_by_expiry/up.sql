-- The console looks for the secrets that expire next, of which there are few among many.
CREATE INDEX client_secrets_by_expiry ON client_secrets (expires_at, id) WHERE expires_at IS NOT NULL;
