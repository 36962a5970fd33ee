//! What is known of a signing key? Its public half, and where it stands; never its private half.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::answer::page;
use super::super::error::ConsoleError;
use super::super::frame::{Frame, Section, Tone};
use super::super::time::Instant;
use super::super::visit::Visit;
use super::found;
use super::outlook::standing;
use crate::keys::lifecycle::KeyState;

#[derive(Template)]
#[template(path = "keys_show.html")]
struct KeyPage {
    frame: Frame,
    kid: String,
    alg: &'static str,
    tone: Tone,
    standing: &'static str,
    moments: Vec<(&'static str, Instant)>,
    jwk: String,
    certificate: String,
    may_revoke: bool,
    sees_audit: bool,
}

/// Shows the key.
pub(super) async fn show(visit: Visit, kid: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:signing_keys")?;
    let key = found(&visit, &kid).await?;
    let now = visit.now();
    let moments = [
        ("Made", Some(key.created_at)),
        ("Announced", key.announced_at),
        ("Signs from", key.activated_at),
        ("Retired", key.retired_at),
        ("Removed after", key.remove_after.filter(|_| key.revoked_at.is_none())),
        ("Revoked", key.revoked_at),
    ];
    let (tone, standing) = standing(&key);
    page(&KeyPage {
        frame: visit.frame(format!("Signing key {}", key.kid), Section::Keys),
        alg: key.alg.as_str(),
        tone,
        standing,
        moments: moments.into_iter().filter_map(|(term, at)| Some((term, Instant::near(at?, now)))).collect(),
        jwk: serde_json::to_string_pretty(&key.public_jwk).map_err(|error| ConsoleError::fault(&error))?,
        // A page has line feeds only.
        certificate: key.public_jwk.certificate_pem().replace('\r', ""),
        may_revoke: visit.holds("update:signing_keys") && key.state != KeyState::Removed,
        sees_audit: visit.holds("read:audit_events"),
        kid: key.kid,
    })
}
