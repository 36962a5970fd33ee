//! What does it mean to let the next key sign now? Asked first; before its time only if it is forced.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::answer::{lead_on, page_with};
use super::super::done::Done;
use super::super::error::ConsoleError;
use super::super::form::Form;
use super::super::frame::{Frame, Section};
use super::super::posted::Posted;
use super::super::prove_again::prove_again;
use super::super::time::{Instant, duration};
use super::super::visit::Visit;
use super::all;
use super::outlook::Outlook;
use crate::issuer::AdministrationError;
use crate::keys::SigningAlg;
use crate::keys::lifecycle::RotationUrgency;

/// The box that is ticked to do it before its time, or to a key that is in use.
pub(super) const FORCE: &str = "force";

#[derive(Template)]
#[template(path = "keys_rotate.html")]
struct RotatePage {
    frame: Frame,
    form: Form,
    alg: &'static str,
    /// From when on it can be done without force; none: it can now.
    ready: Option<Instant>,
    consequences: Vec<String>,
    max_age: String,
}

/// Asks whether the next key of `alg` is to sign.
pub(super) async fn ask(visit: Visit, alg: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    require(&visit)?;
    question(&visit, parse(&alg)?, Form::empty(), StatusCode::OK).await
}

/// Lets the next key of `alg` sign.
pub(super) async fn rotate(
    request: HttpRequest,
    visit: Visit,
    alg: web::Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    require(&visit)?;
    let alg = parse(&alg)?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let urgency = urgency(&form);
    match visit.administer(move |administration, caller| administration.rotate_key(caller, alg, urgency)).await {
        Ok(_) => Ok(lead_on(&visit.path("keys"), Done::KeyRotated)),
        Err(error) => {
            let status = form.take(error, None)?;
            question(&visit, alg, form, status).await
        }
    }
}

/// Is it to be done although it breaks something?
pub(super) fn urgency(form: &Form) -> RotationUrgency {
    if form.has(FORCE) { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced }
}

fn require(visit: &Visit) -> Result<(), ConsoleError> {
    visit.require("read:signing_keys")?;
    visit.require("create:signing_keys")?;
    visit.require("update:signing_keys")
}

fn parse(alg: &str) -> Result<SigningAlg, ConsoleError> {
    Ok(alg.parse().map_err(|_| AdministrationError::not_found("signing algorithm", alg))?)
}

async fn question(
    visit: &Visit,
    alg: SigningAlg,
    form: Form,
    status: StatusCode,
) -> Result<HttpResponse, ConsoleError> {
    let keys = all(visit).await?;
    let now = visit.now();
    let outlook = Outlook::of(&keys, alg, visit.endpoints.administration.policy());
    let outlook = outlook.ok_or_else(|| AdministrationError::not_found("active signing key for", alg.as_str()))?;
    let ready = outlook
        .ready
        .unwrap_or_else(|| now.plus_seconds(visit.endpoints.administration.policy().announcement.seconds()));
    let page = RotatePage {
        frame: visit.frame(format!("Rotate the {alg} key"), Section::Keys),
        form,
        alg: alg.as_str(),
        ready: (ready > now).then(|| Instant::near(ready, now)),
        consequences: consequences(&outlook),
        max_age: duration(visit.endpoints.document_age.seconds().into()),
    };
    page_with(status, &page)
}

fn consequences(outlook: &Outlook<'_>) -> Vec<String> {
    let signs = match outlook.next {
        Some(next) => format!("{} signs all new {} tokens from now on.", next.kid, outlook.alg),
        None => format!("A new key is announced, and signs all new {} tokens.", outlook.alg),
    };
    vec![
        signs,
        format!(
            "{} signs no more, and its private half is destroyed. It stays in the JWK Set until no token that it signed can be alive.",
            outlook.active.kid
        ),
        "A new key is made and announced as the one after.".to_owned(),
    ]
}
