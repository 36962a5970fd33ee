//! Is all well? From what `/readyz` and the metrics tell, and from what the other servers tell of themselves.

use super::super::frame::Tone;
use super::super::keys::outlook::Outlook;
use super::super::time::{Instant, distance, duration};
use crate::clock::UnixMillis;
use crate::http::IssuerEndpoints;
use crate::http::health::Readiness;
use crate::http::tls::CertificateState;
use crate::issuer::freshness::Freshness;
use crate::issuer::rate_history::Totals;
use crate::keys::lifecycle::SigningKeyRecord;
use crate::oauth::token_error_cause::TokenErrorCause;

/// How late a rotation may be before somebody should look, in seconds: the keys are looked after every minute.
const LATE: i64 = 3_600;

/// How it is, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing is to be done.
    AllWell,
    /// Tokens are issued, but somebody should look at something.
    NeedsALook,
    /// No tokens are issued.
    NotIssuing,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// What it makes of the whole.
    pub(super) verdict: Verdict,
    /// What it is, as a sentence.
    pub(super) text: String,
    /// What to do about it.
    pub(super) advice: String,
    /// Where in the console that is done, under its base; empty: elsewhere.
    pub(super) path: &'static str,
}

impl Verdict {
    /// It in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::AllWell => "All is well",
            Self::NeedsALook => "Needs a look",
            Self::NotIssuing => "Not issuing",
        }
    }

    pub(super) const fn tone(self) -> Tone {
        match self {
            Self::AllWell => Tone::Good,
            Self::NeedsALook => Tone::Warning,
            Self::NotIssuing => Tone::Bad,
        }
    }

    /// Of all `reasons`, the worst decides.
    pub(super) fn of(reasons: &[Reason]) -> Self {
        reasons.iter().map(|reason| reason.verdict).max().unwrap_or(Self::AllWell)
    }
}

impl Reason {
    pub(super) fn look(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::NeedsALook, text: text.into(), advice: advice.into(), path: "" }
    }

    fn not_issuing(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotIssuing, ..Self::look(text, advice) }
    }

    fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }
}

/// What this server knows that is not as it should be, the worst first.
pub(super) fn reasons(endpoints: &IssuerEndpoints, last_hour: &Totals, now: UnixMillis) -> Vec<Reason> {
    let mut reasons = Vec::from_iter(of_the_store(endpoints, now));
    reasons.extend(of_the_keys(endpoints, now));
    reasons.extend(of_the_certificate(endpoints, now));
    reasons.extend(of_the_last_hour(last_hour));
    if endpoints.stopping.has_begun() {
        reasons.push(Reason::look(
            "This server has been told to stop.",
            "It answers what still comes, and says at /readyz that it is not ready.",
        ));
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
    reasons
}

fn of_the_store(endpoints: &IssuerEndpoints, now: UnixMillis) -> Option<Reason> {
    let served = endpoints.issuer.served();
    let since = || Instant::near(served.followed_at(), now).words;
    let longest = served.freshness_bounds().stale_after;
    match Readiness::of(endpoints).freshness {
        Freshness::Stale => Some(Reason::not_issuing(
            format!("The database was last heard of {}, longer ago than store.max_staleness_seconds allows.", since()),
            "A revocation may have been missed, so no tokens are issued until it answers. Look at the database and the network to it.",
        )),
        Freshness::Silent => Some(Reason::look(
            format!("The database was last heard of {}.", since()),
            match endpoints.issuer.served().followed_at().plus_seconds(seconds(longest)) {
                ends if longest.as_secs() < u64::from(u32::MAX) => format!(
                    "Tokens are issued from memory, {} at the latest they are not any more. Nothing can be changed meanwhile.",
                    distance(ends, now)
                ),
                _ => "Tokens are issued from memory. Nothing can be changed meanwhile.".to_owned(),
            },
        )),
        Freshness::Followed if served.store().refuses_changes() => Some(Reason::look(
            "The database takes no changes.",
            "Its disk is full or fails: the log says which. Tokens are issued; nothing can be changed, and usage is kept in memory.",
        )),
        Freshness::Followed => None,
    }
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn of_the_keys(endpoints: &IssuerEndpoints, now: UnixMillis) -> Vec<Reason> {
    let snapshot = endpoints.issuer.served().snapshot();
    let mut reasons = Vec::new();
    if snapshot.keys.active_algs().is_empty() {
        reasons.push(
            Reason::not_issuing(
                "No key signs.",
                "Restart a server, which makes one, or look at the log for why none can be made.",
            )
            .at("/keys"),
        );
    }
    for cause in snapshot.keys.unusable() {
        reasons.push(
            Reason::look(
                format!("A signing key cannot be opened: {cause}."),
                "The server signs on with the key that it has, until it is restarted. Give it the master key that sealed this one, or \
                 revoke the key.",
            )
            .at("/keys"),
        );
    }
    let records: Vec<SigningKeyRecord> = snapshot.keys.published_records(now).into_iter().cloned().collect();
    for outlook in Outlook::all(&records, endpoints.administration.policy()) {
        let alg = outlook.alg;
        if outlook.next.is_none() {
            reasons.push(
                Reason::look(
                    format!("No next key is announced for {alg}."),
                    "A server announces one within a minute. If it does not, the log says why; until then a revocation would stop \
                     verifiers for as long as they keep the JWK Set.",
                )
                .at("/keys"),
            );
        } else if outlook.by_itself.is_some_and(|due| due.plus_seconds(LATE) < now) {
            reasons.push(
                Reason::look(
                    format!("The rotation of the {alg} key is overdue."),
                    "Servers rotate by themselves while they run: the log says what keeps them. Or rotate here.",
                )
                .at("/keys"),
            );
        }
    }
    reasons
}

fn of_the_certificate(endpoints: &IssuerEndpoints, now: UnixMillis) -> Option<Reason> {
    let renew = "Put the renewed files in the place of the old ones: they are read within seconds, or at SIGHUP.";
    match endpoints.certificate.as_ref()?.state() {
        CertificateState::Valid => None,
        CertificateState::Due(end) => Some(Reason::look(
            format!("The TLS certificate expires {} and was not renewed.", distance(end, now)),
            renew,
        )),
        CertificateState::Expired(end) => {
            Some(Reason::look(format!("The TLS certificate expired {}: clients refuse it.", distance(end, now)), renew))
        }
        CertificateState::NotYetValid(start) => Some(Reason::look(
            format!("The TLS certificate is not valid before {}: clients refuse it.", Instant::at(start).utc),
            "Look whether the clock of this machine is right, or put the former files back.",
        )),
    }
}

/// The causes that are the server's own.
fn of_the_last_hour(last_hour: &Totals) -> Vec<Reason> {
    let own = [
        (TokenErrorCause::ServerError, "ended with a fault of this server"),
        (TokenErrorCause::Overloaded, "were refused because too many signatures were waiting"),
        (
            TokenErrorCause::TemporarilyUnavailable,
            "were refused because the database was away or too many secrets were checked",
        ),
    ];
    let happened = own.into_iter().filter_map(|(cause, what)| {
        let count = last_hour.refused_for(cause);
        let requests = if count == 1 { "request" } else { "requests" };
        let text = format!("In the last {}, {count} token {requests} {what}.", duration(3_600));
        (count > 0).then(|| Reason::look(text, super::super::causes::words(cause).advice))
    });
    happened.collect()
}
