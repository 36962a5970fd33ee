//! What would a valid token of this run be? (RFC 9068 §2)

use std::ops::Deref;

use serde_json::{Value, json};

use super::case::NotSent;
use super::draft::{Draft, changed};
use super::key::KeyRing;
use super::subject::Subject;

/// How long a valid token lives, in seconds.
const LIFETIME: i64 = 300;

/// An hour: more than any leeway.
pub(super) const HOUR: i64 = 3600;

/// Makes the tokens of one request: a [`Draft`] of what its subject accepts.
pub struct Forge<'a> {
    pub(super) subject: &'a Subject,
    /// The time of issue, in Unix seconds.
    pub(super) now: i64,
    draft: Draft<'a>,
}

impl<'a> Forge<'a> {
    /// At `now`, in Unix seconds; `jti` is this request's own.
    pub fn new(subject: &'a Subject, keys: &'a KeyRing, now: i64, jti: &str) -> Self {
        let header = json!({ "alg": keys.genuine.alg(), "typ": subject.typ, "kid": keys.genuine.kid() });
        Self { subject, now, draft: Draft::new(header, claims(subject, now, jti), keys) }
    }

    /// The scope claim with these scopes.
    pub(super) fn scopes(&self, scopes: &[&str]) -> Value {
        let mut claim = json!({});
        if let Some(members) = claim.as_object_mut() {
            members.insert(self.subject.scope_claim.clone(), self.subject.scope_format.write(scopes));
        }
        claim
    }

    /// The scope that the endpoint asks for.
    pub(super) fn scope(&self) -> Result<&'a str, NotSent> {
        self.subject.scope.as_deref().ok_or(NotSent::DoesNotApply("no --scope was given"))
    }
}

impl<'a> Deref for Forge<'a> {
    type Target = Draft<'a>;

    fn deref(&self) -> &Draft<'a> {
        &self.draft
    }
}

fn claims(subject: &Subject, now: i64, jti: &str) -> Value {
    let mut claims = json!({
        "iss": subject.issuer, "aud": subject.audience, "sub": subject.client_id, "client_id": subject.client_id,
        "iat": now, "exp": now.saturating_add(LIFETIME), "jti": jti,
    });
    if let (Some(scope), Some(members)) = (&subject.scope, claims.as_object_mut()) {
        members.insert(subject.scope_claim.clone(), subject.scope_format.write(&[scope.as_str()]));
    }
    changed(claims, Value::Object(subject.claims.clone()))
}
