//! Which signing keys are there, and what happens next, and when?

use actix_web::HttpResponse;
use askama::Template;

use super::super::answer::page;
use super::super::error::ConsoleError;
use super::super::frame::{Frame, Section, Tone};
use super::super::plot::KeyTimeline;
use super::super::time::{Instant, duration};
use super::super::visit::Visit;
use super::all;
use super::outlook::{Outlook, is_of_now, life, standing};
use crate::clock::UnixMillis;
use crate::keys::lifecycle::{KeyState, SigningKeyRecord};

/// How many characters of a `kid` the table shows.
const SHOWN: usize = 10;

#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
#[derive(Template)]
#[template(path = "keys_list.html")]
struct KeysPage {
    frame: Frame,
    outlooks: Vec<Next>,
    leaving: Vec<Leaving>,
    timeline: KeyTimeline,
    rows: Vec<Row>,
    jwks_uri: String,
    max_age: String,
    may_rotate: bool,
    may_revoke: bool,
    sees_apis: bool,
    sees_audit: bool,
}

/// What happens next to the keys of an algorithm.
struct Next {
    alg: &'static str,
    active: String,
    since: Instant,
    next: Option<String>,
    /// From when on the next one may sign; none: it may now.
    ready: Option<Instant>,
    by_itself: Option<Instant>,
}

/// A key that leaves the JWK Set.
struct Leaving {
    kid: String,
    at: Instant,
}

/// A key in the table.
struct Row {
    kid: String,
    /// Its beginning, which tells it from the others well enough.
    short_kid: String,
    alg: &'static str,
    age: String,
    tone: Tone,
    standing: &'static str,
    /// Announced, activated, retired.
    past: [(&'static str, Option<Instant>); 3],
    remove_after: Option<Instant>,
    revoked: Option<Instant>,
}

/// Shows the keys.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:signing_keys")?;
    let all = all(&visit).await?;
    let now = visit.now();
    let shown: Vec<&SigningKeyRecord> = all.iter().filter(|key| is_of_now(key, &all)).collect();
    let outlooks = Outlook::all(&all, visit.endpoints.administration.policy());
    let of_alg = |key: &SigningKeyRecord| outlooks.iter().find(|outlook| outlook.alg == key.alg);
    let leaving = all.iter().filter(|key| key.state == KeyState::Retired);
    let leaving = leaving.filter_map(|key| key.remove_after.map(|at| (at, key)));
    let mut leaving: Vec<(UnixMillis, &SigningKeyRecord)> = leaving.collect();
    leaving.sort_by_key(|(at, _)| *at);
    page(&KeysPage {
        frame: visit.frame("Signing keys", Section::Keys),
        leaving: leaving
            .into_iter()
            .map(|(at, key)| Leaving { kid: key.kid.clone(), at: Instant::near(at, now) })
            .collect(),
        timeline: KeyTimeline {
            id: "keys".to_owned(),
            title: "The life of the signing keys".to_owned(),
            now,
            keys: shown.iter().map(|key| life(key, of_alg(key))).collect(),
        },
        rows: shown.iter().map(|key| row(key, now)).collect(),
        outlooks: outlooks.iter().map(|outlook| next(outlook, now)).collect(),
        jwks_uri: visit.endpoints.issuer_name().endpoint(".well-known/jwks.json"),
        max_age: duration(visit.endpoints.document_age.seconds().into()),
        may_rotate: visit.holds("create:signing_keys") && visit.holds("update:signing_keys"),
        may_revoke: visit.holds("update:signing_keys"),
        sees_apis: visit.holds("read:resource_servers"),
        sees_audit: visit.holds("read:audit_events"),
    })
}

fn next(outlook: &Outlook<'_>, now: UnixMillis) -> Next {
    Next {
        alg: outlook.alg.as_str(),
        active: outlook.active.kid.clone(),
        since: Instant::near(outlook.active.activated_at.unwrap_or(outlook.active.created_at), now),
        next: outlook.next.map(|key| key.kid.clone()),
        ready: outlook.ready.filter(|at| *at > now).map(|at| Instant::near(at, now)),
        by_itself: outlook.by_itself.map(|at| Instant::near(at.max(now), now)),
    }
}

fn row(key: &SigningKeyRecord, now: UnixMillis) -> Row {
    let (tone, standing) = standing(key);
    let age = now.floor_seconds().saturating_sub(key.created_at.floor_seconds());
    Row {
        kid: key.kid.clone(),
        short_kid: shortened(&key.kid),
        alg: key.alg.as_str(),
        age: duration(age.max(0).unsigned_abs()),
        tone,
        standing,
        past: [("Announced", key.announced_at), ("Signs from", key.activated_at), ("Retired", key.retired_at)]
            .map(|(label, at)| (label, at.map(Instant::at))),
        remove_after: key.remove_after.filter(|_| key.revoked_at.is_none()).map(|at| Instant::near(at, now)),
        revoked: key.revoked_at.map(Instant::at),
    }
}

fn shortened(kid: &str) -> String {
    match kid.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", kid.get(..end).unwrap_or(kid)),
        None => kid.to_owned(),
    }
}
