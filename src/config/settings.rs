//! Which settings are there? The one table behind parsing, the defaults file, the documentation and `config print`.

use super::setting::{Kind, Setting, environment_variable};

const SECONDS_PER_DAY: u64 = 86_400;
const SECONDS_PER_YEAR: u64 = 31_536_000;

/// Every setting, grouped by section; the `_file` twins of secrets follow from it.
#[rustfmt::skip] // a table: one row, one line
pub(super) const SETTINGS: &[Setting] = &[
    text("issuer", "URL", "\"http://localhost:8080/\"", "Issuer identifier (RFC 8414 §2), served byte for byte; https beyond loopback, without query, fragment or user.").example("\"https://auth.example.com/\""),
    one_of("compat", COMPAT, "\"standard\"", "Whose errors and default token dialect the token endpoint follows."),
    text("server.bind", "IP address and port", "\"127.0.0.1:8080\"", "Where the issuer listens; beyond loopback only with [tls] or server.behind_proxy.").example("\"0.0.0.0:8443\""),
    boolean("server.behind_proxy", "A proxy in front ends TLS, so plain HTTP beyond loopback is meant."),
    Setting { kind: Kind::ListOfTexts("IP addresses and networks"), ..text("server.trusted_proxies", "", "[]", "Proxies that are believed about the client's address; if server.behind_proxy is set and this is not empty, nobody else is served.").example("[\"10.0.0.0/8\", \"::1\"]") },
    one_of("server.forwarded_header", FORWARDED_HEADERS, "\"x-forwarded-for\"", "The one header in which the trusted proxies tell the client's address; the other is never read.").example("\"forwarded\""),
    unset("server.http_redirect_bind", "IP address and port", "\"0.0.0.0:80\"", "Where plain HTTP is answered with a redirect to the issuer's https origin; requests with credentials are refused there."),
    integer("server.hsts_seconds", 0, 2 * SECONDS_PER_YEAR, "seconds", "0", "`max-age` of the header Strict-Transport-Security (RFC 6797), sent where this server ends TLS; 0 sends none.").example("31536000"),
    integer("server.workers", 0, 1024, "threads", "0", "Threads that serve HTTP; 0 is one per core."),
    integer("server.drain_seconds", 0, 300, "seconds", "0", "How long everything is still served after a stop signal while /readyz answers 503, so that load balancers turn elsewhere."),
    integer("server.shutdown_seconds", 0, 3600, "seconds", "30", "How long requests under way may finish after a stop signal and server.drain_seconds."),
    integer("server.max_connections", 1, 1_000_000, "connections", "10000", "Open connections over all workers; further ones wait."),
    integer("server.max_tls_handshakes", 1, 1_000_000, "handshakes", "2048", "TLS handshakes under way over all workers; further connections wait."),
    integer("server.tls_handshake_seconds", 1, 60, "seconds", "3", "How long a client may take for its TLS handshake."),
    integer("server.request_head_seconds", 1, 300, "seconds", "5", "How long a client may take to send a request's head."),
    integer("server.request_body_seconds", 1, 300, "seconds", "10", "How long a client may take to send a request's body."),
    integer("server.keep_alive_seconds", 0, 3600, "seconds", "30", "How long an idle connection stays open; 0 closes it after each answer."),
    unset("tls.certificate_file", "path", "\"/etc/tokenhouse/tls/cert.pem\"", "Certificate chain in PEM, the server's own first; goes with tls.key_file. Read again when it changes."),
    unset("tls.key_file", "path", "\"/etc/tokenhouse/tls/key.pem\"", "Private key of the certificate in PEM; goes with tls.certificate_file."),
    text("database.url", "sqlite:PATH or postgres://…", "\"sqlite:./tokenhouse.db\"", "The database; postgres:// needs a build with the feature `postgres`.").example("\"postgres://tokenhouse@db/tokenhouse\"").secret(),
    integer("database.pool_size", 1, 1000, "connections", "8", "Most database connections at a time; PostgreSQL has one more, which listens for changes."),
    integer("database.connect_timeout_seconds", 2, 60, "seconds", "5", "How long PostgreSQL may take to let a connection in; connect_timeout in database.url wins."),
    integer("database.statement_timeout_seconds", 1, 3600, "seconds", "10", "How long one statement may take on PostgreSQL."),
    text("keys.directory", "path", "\"./keys/\"", "Where the file `master.key` lies when no master key is given."),
    unset("keys.master_key", "32 bytes in base64url", "\"…43 characters…\"", "Key that seals the signing keys in the database; when unset, the file `master.key` in keys.directory.").secret(),
    unset("keys.old_master_key", "32 bytes in base64url", "\"…43 characters…\"", "The master key before: it opens what `tokenhouse key reseal` has not sealed anew yet; when unset, the file `master.key.old` in keys.directory, if the master key is a file there.").secret(),
    Setting { kind: Kind::IntegerOf(&[2048, 3072, 4096]), ..integer("keys.rsa_bits", 0, 0, "bits", "2048", "Size of new RSA signing keys in bits.") },
    integer("keys.propagation_seconds", 0, SECONDS_PER_DAY, "seconds", "60", "Allowance beyond jwks.max_age_seconds before an announced key signs."),
    integer("keys.rotation_seconds", 0, 10 * SECONDS_PER_YEAR, "seconds", "7776000", "How long a signing key signs before the next one takes over by itself: 90 days; 0 leaves it to `tokenhouse key rotate`."),
    integer("token.default_lifetime_seconds", 1, SECONDS_PER_YEAR, "seconds", "3600", "Access token lifetime of an API that does not set its own."),
    integer("token.max_lifetime_seconds", 1, SECONDS_PER_YEAR, "seconds", "2592000", "The longest access token lifetime an API may set."),
    integer("token.reuse_bytes", 0, 4_294_967_296, "bytes", "67108864", "Most memory of tokens that are kept to be handed out again, for APIs with token_reuse_seconds; 0 keeps none."),
    integer("jwks.max_age_seconds", 0, SECONDS_PER_DAY, "seconds", "300", "How long caches may hold the JWK Set (`Cache-Control: max-age`)."),
    integer("limits.body_bytes", 256, 1_048_576, "bytes", "16384", "Largest request body; a larger one gets 413."),
    integer("limits.head_bytes", 1024, 1_048_576, "bytes", "16384", "Largest request head."),
    integer("limits.parameters", 8, 1024, "parameters", "64", "Most parameters in one token request."),
    integer("limits.failed_attempts", 0, 1_000_000, "attempts", "20", "Attempts to authenticate as one client that may fail from one network before the next must wait (429); 0 lets any number fail."),
    integer("limits.client_requests_per_second", 0, 100_000, "requests", "0", "Requests that one client may make per second in the long run, counted once it has proved who it is; 0 counts none.").example("20"),
    integer("limits.client_requests_burst", 1, 1_000_000, "requests", "100", "Requests that one client may make at once, where limits.client_requests_per_second is set."),
    one_of("limits.client_requests_mode", LIMIT_MODES, "\"enforce\"", "What happens to a client's requests beyond that: 429, or a line in the log.").example("\"log\""),
    integer("limits.management_per_second", 1, 100_000, "calls", "100", "Calls of the Management API that one client may make per second in the long run; beyond, it gets 429."),
    integer("limits.management_burst", 1, 1_000_000, "calls", "1000", "Calls of the Management API that one client may make at once."),
    integer("hashing.threads", 0, 1024, "threads", "0", "Threads that check slow secret hashes; 0 is one per core."),
    integer("hashing.queue", 1, 1_000_000, "requests", "64", "Requests that may wait for a hashing thread; further ones get 503."),
    integer("hashing.remember_seconds", 0, 3600, "seconds", "300", "How long a secret that proved right is remembered after its last use; 0 checks each time."),
    integer("hashing.remember_entries", 0, 10_000_000, "secrets", "100000", "Most secrets remembered at a time."),
    integer("signing.queue", 1, 1_000_000, "requests", "1024", "Requests that may wait for a signature; further ones get 503."),
    integer("signing.queue_milliseconds", 1, 60_000, "milliseconds", "500", "How long a request may wait for a signature; one that would wait longer gets 503 at once."),
    integer("secrets.max_live_per_client", 1, 100, "secrets", "10", "Secrets a client may have at a time that are not expired."),
    integer("secrets.default_overlap_seconds", 0, SECONDS_PER_YEAR, "seconds", "86400", "How long a secret works on after its client replaced it itself, unless the client says."),
    integer("secrets.max_overlap_seconds", 0, SECONDS_PER_YEAR, "seconds", "604800", "The longest that a client may let it work on."),
    integer("secrets.quiet_days", 1, 365, "days", "30", "A secret is called safe to retire when it has not been used for so long, and another one has."),
    boolean("client_assertions.strict", "Takes only client assertions that rfc7523bis allows: aud is the issuer alone, typ is client-authentication+jwt, and they live five minutes at most."),
    integer("client_assertions.max_lifetime_seconds", 1, SECONDS_PER_DAY, "seconds", "3600", "How long a client assertion may live; it is remembered for so long that it was used."),
    integer("client_assertions.clock_tolerance_seconds", 0, 60, "seconds", "30", "By how much the clock of a client may differ."),
    unset("client_assertions.jwks_uri_hosts", "hosts and networks, with commas between", "\"keys.example.internal, 10.20.0.0/16\"", "Where a client's jwks_uri may lead although it is not public, or not on port 443."),
    unset("client_assertions.jwks_uri_ca_file", "path", "\"/etc/tokenhouse/ca.pem\"", "Certificates in PEM that may vouch for the hosts of jwks_uris, in place of the system's."),
    integer("store.poll_milliseconds", 10, 60_000, "milliseconds", "250", "How often a running server looks for changes made elsewhere; PostgreSQL tells it of them besides."),
    integer("store.max_staleness_seconds", 0, 30 * SECONDS_PER_DAY, "seconds", "3600", "How long tokens are issued from memory while the database does not answer: a change made meanwhile, such as a revocation, may take so long. Then 503; 0 answers so as soon as it is silent."),
    one_of("log.format", LOG_FORMATS, "\"auto\"", "Log lines for people or as JSON; auto is human on a terminal and json elsewhere."),
    text("log.level", "level or tracing directives", "\"info\"", "What is logged: off, error, warn, info, debug or trace, also per module.").example("\"info,tokenhouse::http=debug\""),
    text("metrics.bind", "IP address and port, or off", "\"127.0.0.1:9090\"", "Where metrics are answered, and health checks beside them, over plain HTTP without authentication; off answers none.").example("\"off\""),
    unset("tracing.otlp_endpoint", "URL", "\"http://127.0.0.1:4318\"", "Collector to which traces are sent by OTLP over HTTP (protobuf), at the path v1/traces below this; when unset, nothing is traced."),
    unset("tracing.otlp_headers", "headers", "\"authorization=Bearer …\"", "Headers for the collector: name=value, with commas between.").secret(),
    unset("tracing.otlp_ca_file", "path", "\"/etc/tokenhouse/ca.pem\"", "Certificates in PEM that may vouch for the collector, in place of the system's."),
    integer("tracing.sampled_per_thousand", 0, 1000, "requests", "1000", "Of how many in a thousand requests there are traces; a trusted proxy that sends traceparent decides for its requests.").example("10"),
    text("resource_api.bind", "IP address and port", "\"127.0.0.1:8081\"", "Where the bundled resource API listens; beyond loopback only with resource_api.tls_certificate_file or resource_api.behind_proxy."),
    boolean("resource_api.behind_proxy", "A proxy in front of the resource API ends TLS."),
    unset("resource_api.tls_certificate_file", "path", "\"/etc/tokenhouse/tls/cert.pem\"", "Certificate chain of the resource API in PEM, its own first; goes with resource_api.tls_key_file. Read again when it changes."),
    unset("resource_api.tls_key_file", "path", "\"/etc/tokenhouse/tls/key.pem\"", "Private key of that certificate in PEM; goes with resource_api.tls_certificate_file."),
    unset("resource_api.issuer", "URL", "\"https://auth.example.com/\"", "Issuer whose access tokens the resource API accepts; `resource-api` requires it."),
    unset("resource_api.audience", "audience", "\"https://api.example.com/\"", "The resource API's own identifier, expected in `aud`; `resource-api` requires it."),
    Setting { kind: Kind::ListOf(DIALECTS), ..text("resource_api.dialects", "", "[\"rfc9068_profile\"]", "Token dialects the resource API accepts.") },
    text("resource_api.database", "path", "\"./resource-api.db\"", "The resource API's own SQLite file."),
    unset("resource_api.public_url", "URL", "\"https://api.example.com/\"", "The resource API's URL as its callers see it, for its metadata (RFC 9728); when unset, from resource_api.bind."),
    unset("resource_api.ca_file", "path", "\"/etc/tokenhouse/ca.pem\"", "Certificates in PEM that may vouch for the issuer, in place of the system's."),
    unset("resource_api.jwks_uri", "URL", "\"https://auth.example.com/.well-known/jwks.json\"", "The issuer's JWK Set; when unset, from the issuer's metadata."),
];

/// Names of `compat`.
pub(super) const COMPAT: &[&str] = &["standard", "auth0", "identityserver"];
/// Names of [`super::LogFormat`].
pub(super) const LOG_FORMATS: &[&str] = &["auto", "human", "json"];
/// Names of [`super::LimitMode`].
pub(super) const LIMIT_MODES: &[&str] = &["enforce", "log"];
/// Names of [`super::ForwardedHeader`].
pub(super) const FORWARDED_HEADERS: &[&str] = &["x-forwarded-for", "forwarded"];
/// Names of the token dialects.
pub(super) const DIALECTS: &[&str] =
    &["rfc9068_profile", "rfc9068_profile_authz", "access_token", "access_token_authz", "identityserver"];

/// The setting with this key path.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// What the value of `key`, a setting or the `_file` twin of a secret, looks like.
pub(super) fn kind_of(key: &str) -> Option<Kind> {
    find(key).map(|setting| setting.kind).or_else(|| {
        let secret = key.strip_suffix("_file").and_then(find)?;
        secret.secret.then_some(Kind::PATH)
    })
}

/// Every key path, twins included.
pub(super) fn keys() -> impl Iterator<Item = String> {
    SETTINGS.iter().flat_map(|setting| {
        let twin = setting.secret.then(|| format!("{}_file", setting.key));
        std::iter::once(setting.key.to_owned()).chain(twin)
    })
}

/// The environment variables of the secret settings, not those of their twins.
pub fn secret_variables() -> impl Iterator<Item = String> {
    SETTINGS.iter().filter(|setting| setting.secret).map(|setting| environment_variable(setting.key))
}

/// Whether settings lie under `path`.
pub(super) fn is_section(path: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.section() == path)
}

const fn text(key: &'static str, what: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { key, kind: Kind::Text(what), default: Some(default), meaning, example: default, secret: false }
}

const fn unset(key: &'static str, what: &'static str, example: &'static str, meaning: &'static str) -> Setting {
    Setting { key, kind: Kind::Text(what), default: None, meaning, example, secret: false }
}

const fn boolean(key: &'static str, meaning: &'static str) -> Setting {
    Setting { key, kind: Kind::Boolean, default: Some("false"), meaning, example: "true", secret: false }
}

const fn integer(
    key: &'static str,
    least: u64,
    most: u64,
    unit: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    let kind = Kind::Integer { least, most, unit };
    Setting { key, kind, default: Some(default), meaning, example: default, secret: false }
}

const fn one_of(
    key: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { key, kind: Kind::OneOf(words), default: Some(default), meaning, example: default, secret: false }
}
