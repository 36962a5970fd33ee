//! Which metrics are there, and where does each value come from? docs/metrics.md describes them; a test holds the two in step.
//!
//! No label holds what a caller or an operator chose, but for the ids of published signing keys: nobody can make this grow,
//! and nothing that is told here is a secret.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::{Registry, Unit};

use super::families::{Families, NONE, flag, number, seconds};
use super::process;
use crate::clock::UnixMillis;
use crate::http::IssuerEndpoints;
use crate::http::health::Readiness;
use crate::keys::SigningAlg;
use crate::keys::lifecycle::KeyState;
use crate::oauth::token_error_cause::TokenErrorCause;
use crate::telemetry::traces::{self, SpanCounts};

/// What stands for a label that does not apply.
const NOT_APPLICABLE: &str = "none";

/// The cargo features of this build that matter to an operator.
const FEATURES: &str = if cfg!(feature = "postgres") { "postgres" } else { NOT_APPLICABLE };

/// Everything that is told of a server.
#[derive(Debug)]
pub(super) struct Exposition {
    registry: Registry,
}

impl Exposition {
    pub(super) fn new(endpoints: IssuerEndpoints) -> Self {
        let started = endpoints.issuer.clock().now();
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Server { endpoints, started }));
        Self { registry }
    }

    /// The values as they are now.
    ///
    /// # Errors
    /// None in practice: a text takes whatever is written to it.
    pub(super) fn render(&self) -> Result<String, Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The server that is watched.
#[derive(Debug)]
struct Server {
    endpoints: IssuerEndpoints,
    started: UnixMillis,
}

impl Collector for Server {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let mut families = Families(encoder);
        self.token_requests(&mut families)?;
        self.queues(&mut families)?;
        self.management(&mut families)?;
        self.readiness(&mut families)?;
        // Nothing may be concluded from a snapshot that is blank.
        if self.endpoints.issuer.served().is_loaded() {
            self.snapshot(&mut families)?;
        }
        self.store(&mut families)?;
        traces(&mut families)?;
        self.process(&mut families)
    }
}

impl Server {
    fn token_requests(&self, to: &mut Families<'_>) -> Result<(), Error> {
        let counts = self.endpoints.issuer.counts();
        to.counters(
            "tokenhouse_token_requests",
            "Answered token requests by how they ended, how the client authenticated and why no token was issued.",
            counts.ended().map(|ended| {
                let outcome = if ended.cause.is_none() { "issued" } else { "refused" };
                let mechanism = ended.mechanism.map_or(NOT_APPLICABLE, |mechanism| mechanism.as_str());
                let cause = ended.cause.map_or(NOT_APPLICABLE, TokenErrorCause::as_str);
                ([("outcome", outcome), ("mechanism", mechanism), ("cause", cause)], ended.count)
            }),
        )?;
        to.histograms(
            "tokenhouse_token_request_duration",
            "Time from the head of a token request to its answer, with the arrival of its body.",
            [("issued", counts.issued()), ("refused", counts.refused())]
                .map(|(outcome, times)| ([("outcome", outcome)], times)),
        )?;
        to.histograms(
            "tokenhouse_signing_duration",
            "Time that one signature takes, without its wait.",
            SigningAlg::ALL.map(|alg| ([("alg", alg.as_str())], counts.signatures(alg))),
        )?;
        to.counters(
            "tokenhouse_tokens_reused",
            "Answers with a token that had been issued before, for APIs with token_reuse_seconds.",
            [(NONE, counts.reused())],
        )?;
        to.counters(
            "tokenhouse_client_assertion_replays",
            "Client assertions that were refused because they had been used before.",
            [(NONE, counts.replays())],
        )
    }

    fn queues(&self, to: &mut Families<'_>) -> Result<(), Error> {
        let issuer = &self.endpoints.issuer;
        let loads = [
            ("signing", issuer.signing_load()),
            ("secret_hash", issuer.hashes().load()),
            ("assertion_uses", issuer.assertion_load()),
        ];
        to.gauges(
            "tokenhouse_queue_length",
            "Requests that wait in a queue.",
            None,
            loads.map(|(queue, load)| ([("queue", queue)], number(load.waiting as u64))),
        )?;
        to.counters(
            "tokenhouse_queue_refusals",
            "Requests that a queue refused, at once or because they waited too long.",
            loads.map(|(queue, load)| ([("queue", queue)], load.refused)),
        )?;
        to.histograms(
            "tokenhouse_secret_hash_duration",
            "Time that one slow check of a secret takes, without its wait.",
            [(NONE, issuer.hashes().times())],
        )
    }

    fn management(&self, to: &mut Families<'_>) -> Result<(), Error> {
        let answers = self.endpoints.management.answers();
        to.counters(
            "tokenhouse_management_calls",
            "Answered calls of the Management API by class of status.",
            answers.by_class().map(|(class, count)| ([("status", class)], count)),
        )?;
        let refused_for = |cause| {
            let ended = self.endpoints.issuer.counts().ended().filter(move |ended| ended.cause == Some(cause));
            ended.map(|ended| ended.count).sum()
        };
        to.counters(
            "tokenhouse_throttled_requests",
            "Requests that were refused because their client, or somebody who claims to be it, had made too many.",
            [
                ([("limit", "token_quota")], refused_for(TokenErrorCause::Quota)),
                ([("limit", "client_requests")], self.endpoints.issuer.rates().refused()),
                ([("limit", "failed_attempts")], refused_for(TokenErrorCause::TooManyFailures)),
                ([("limit", "management_calls")], answers.throttled()),
            ],
        )
    }

    fn readiness(&self, to: &mut Families<'_>) -> Result<(), Error> {
        let readiness = Readiness::of(&self.endpoints);
        to.gauges(
            "tokenhouse_ready",
            "Whether tokens are issued and the server has not been told to stop (1) or not (0); what /readyz answers by its status.",
            None,
            [(NONE, flag(readiness.is_ready()))],
        )?;
        to.gauges(
            "tokenhouse_degraded",
            "Whether something is wrong with a part of the server (1) or not (0); what /readyz answers in words.",
            None,
            readiness.degraded().map(|(part, degraded)| ([("part", part)], flag(degraded))),
        )?;
        if let Some(certificate) = &self.endpoints.certificate {
            to.gauges(
                "tokenhouse_tls_certificate_expiry_timestamp",
                "When the TLS certificate in use expires, in Unix time; only where this server ends TLS.",
                Some(&Unit::Seconds),
                [(NONE, seconds(certificate.not_after().0))],
            )?;
        }
        Ok(())
    }

    fn snapshot(&self, to: &mut Families<'_>) -> Result<(), Error> {
        let served = self.endpoints.issuer.served();
        let (snapshot, now) = (served.snapshot(), self.endpoints.issuer.clock().now());
        let age = |since: UnixMillis| seconds(now.0.saturating_sub(since.0).max(0));
        to.gauges(
            "tokenhouse_snapshot_revision",
            "The revision of the configuration that is served.",
            None,
            [(NONE, number(u64::try_from(snapshot.revision.0).unwrap_or_default()))],
        )?;
        to.gauges(
            "tokenhouse_snapshot_age",
            "Time since the store last said that what is served is its newest revision.",
            Some(&Unit::Seconds),
            [(NONE, age(served.followed_at()))],
        )?;
        to.gauges(
            "tokenhouse_snapshot_max_age",
            "How old that may become before no tokens are issued: store.max_staleness_seconds.",
            Some(&Unit::Seconds),
            [(NONE, served.freshness_bounds().stale_after.as_secs_f64())],
        )?;
        to.gauges("tokenhouse_clients", "Clients there are.", None, [(NONE, number(snapshot.client_count() as u64))])?;
        to.gauges(
            "tokenhouse_apis",
            "APIs there are, with the Management API.",
            None,
            [(NONE, number(snapshot.api_count() as u64))],
        )?;
        let keys = snapshot.keys.published_records(now);
        to.gauges(
            "tokenhouse_signing_key_age",
            "Age of each signing key in the JWK Set, since it was made.",
            Some(&Unit::Seconds),
            keys.into_iter().map(|key| {
                let labels = [("kid", key.kid.as_str()), ("alg", key.alg.as_str()), ("state", key.state.as_str())];
                (labels, age(key.created_at))
            }),
        )?;
        let signing = snapshot.keys.published_records(now).into_iter().filter(|key| key.state == KeyState::Active);
        to.gauges(
            "tokenhouse_signing_key_in_use",
            "How long each key that signs has done so.",
            Some(&Unit::Seconds),
            signing.map(|key| {
                let labels = [("kid", key.kid.as_str()), ("alg", key.alg.as_str())];
                (labels, age(key.activated_at.unwrap_or(key.created_at)))
            }),
        )
    }

    fn store(&self, to: &mut Families<'_>) -> Result<(), Error> {
        let served = self.endpoints.issuer.served();
        to.histograms(
            "tokenhouse_store_poll_duration",
            "Time that the store takes to say at which revision it is.",
            [(NONE, served.polls().times())],
        )?;
        to.counters(
            "tokenhouse_store_poll_failures",
            "How often the store could not be followed.",
            [(NONE, served.polls().failures())],
        )?;
        to.gauges(
            "tokenhouse_store_listening",
            "Whether the database tells this server of changes at once (1), or they are found by polling alone (0), as with SQLite.",
            None,
            [(NONE, flag(served.hearing().is_listening()))],
        )?;
        let connections = served.store().connections();
        let gauges = |of: fn(&crate::store::PoolUse) -> u32| {
            connections.iter().map(move |pool| ([("pool", pool.purpose)], f64::from(of(pool)))).collect::<Vec<_>>()
        };
        to.gauges("tokenhouse_store_connections", "Open database connections.", None, gauges(|pool| pool.open))?;
        to.gauges(
            "tokenhouse_store_idle_connections",
            "Open database connections that nobody uses.",
            None,
            gauges(|pool| pool.idle),
        )?;
        to.gauges(
            "tokenhouse_store_max_connections",
            "Database connections that may be open.",
            None,
            gauges(|pool| pool.most),
        )
    }

    fn process(&self, to: &mut Families<'_>) -> Result<(), Error> {
        to.info(
            "tokenhouse_build",
            "The version that runs, and what was built into it.",
            [("version", env!("CARGO_PKG_VERSION")), ("features", FEATURES)],
        )?;
        to.gauges(
            "process_start_time",
            "When the server was started, in Unix time.",
            Some(&Unit::Seconds),
            [(NONE, seconds(self.started.0))],
        )?;
        if let Some(bytes) = process::resident_memory_bytes() {
            let help = "Memory that the process holds.";
            to.gauges("process_resident_memory", help, Some(&Unit::Bytes), [(NONE, number(bytes))])?;
        }
        if let Some(open) = process::open_descriptors() {
            to.gauges("process_open_fds", "Open file descriptors.", None, [(NONE, number(open))])?;
        }
        if let Some(most) = process::most_descriptors() {
            to.gauges("process_max_fds", "File descriptors that may be open.", None, [(NONE, number(most))])?;
        }
        Ok(())
    }
}

fn traces(to: &mut Families<'_>) -> Result<(), Error> {
    let SpanCounts { made, taken, refused } = traces::counts();
    to.counters(
        "tokenhouse_trace_spans",
        "Spans that were made for a collector, those that it took, and those that it refused or never got.",
        [("made", made), ("taken", taken), ("refused", refused)].map(|(fate, count)| ([("fate", fate)], count)),
    )
}
