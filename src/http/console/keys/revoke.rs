//! What does it mean to withdraw a signing key? Its tokens stop working: asked first, with how many that may be.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::super::answer::{lead_on, page_with};
use super::super::done::Done;
use super::super::error::ConsoleError;
use super::super::form::Form;
use super::super::frame::{Frame, Section};
use super::super::plot::grouped;
use super::super::posted::Posted;
use super::super::prove_again::prove_again;
use super::super::time::{Instant, duration};
use super::super::visit::Visit;
use super::found;
use super::rotate::urgency;
use crate::clock::UnixMillis;
use crate::issuer::usage::report::Period;
use crate::keys::lifecycle::{KeyState, SigningKeyRecord, earliest_rotation};

#[derive(Template)]
#[template(path = "keys_revoke.html")]
struct RevokePage {
    frame: Frame,
    form: Form,
    kid: String,
    /// Does it sign, or is it the next to? Then it takes force.
    is_in_use: bool,
    is_gone: bool,
    consequences: Vec<String>,
}

/// Asks whether the key is to be withdrawn.
pub(super) async fn ask(visit: Visit, kid: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    require(&visit)?;
    let key = found(&visit, &kid).await?;
    question(&visit, &key, Form::empty(), StatusCode::OK).await
}

/// Withdraws the key.
pub(super) async fn revoke(
    request: HttpRequest,
    visit: Visit,
    kid: web::Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    require(&visit)?;
    let key = found(&visit, &kid).await?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let (kid, urgency) = (key.kid.clone(), urgency(&form));
    match visit.administer(move |administration, caller| administration.revoke_key(caller, &kid, urgency)).await {
        Ok(_) => Ok(lead_on(&visit.path("keys"), Done::KeyRevoked)),
        Err(error) => {
            let status = form.take(error, None)?;
            question(&visit, &key, form, status).await
        }
    }
}

fn require(visit: &Visit) -> Result<(), ConsoleError> {
    visit.require("read:signing_keys")?;
    visit.require("update:signing_keys")
}

async fn question(
    visit: &Visit,
    key: &SigningKeyRecord,
    form: Form,
    status: StatusCode,
) -> Result<HttpResponse, ConsoleError> {
    let page = RevokePage {
        frame: visit.frame("Revoke a signing key", Section::Keys),
        form,
        kid: key.kid.clone(),
        is_in_use: matches!(key.state, KeyState::Active | KeyState::Next),
        is_gone: key.state == KeyState::Removed,
        consequences: consequences(visit, key).await?,
    };
    page_with(status, &page)
}

async fn consequences(visit: &Visit, key: &SigningKeyRecord) -> Result<Vec<String>, ConsoleError> {
    let mut consequences = Vec::new();
    if key.state != KeyState::Next {
        let max_age = duration(visit.endpoints.document_age.seconds().into());
        consequences.push(format!(
            "Every token that it signed stops verifying as soon as its verifier fetches the JWK Set again: at the latest after {max_age}, \
             if the verifier keeps to max-age."
        ));
        consequences.extend(count_of_tokens(visit, key).await?);
        consequences
            .push("Clients that keep tokens must ask for new ones; most do so only when a call is refused.".to_owned());
    }
    consequences.extend(of_its_state(visit, key).await?);
    consequences
        .push("It leaves the JWK Set at once and its private half is destroyed. This cannot be taken back.".to_owned());
    Ok(consequences)
}

/// What follows from where it stands.
async fn of_its_state(visit: &Visit, key: &SigningKeyRecord) -> Result<Vec<String>, ConsoleError> {
    let policy = visit.endpoints.administration.policy();
    Ok(match key.state {
        KeyState::Active => {
            let mut text = format!("The next {} key signs in its place at once.", key.alg);
            let alg = key.alg;
            let keys = visit.read(|reader| Ok(reader.list_signing_keys()?)).await?;
            let next = keys.iter().find(|key| key.alg == alg && key.state == KeyState::Next);
            let known = next.and_then(|next| next.announced_at).map(|at| earliest_rotation(at, policy.announcement));
            if let Some(known) = known.filter(|known| *known > visit.now()) {
                text.push_str(" It has only just been announced: until ");
                text.push_str(&Instant::at(known).utc);
                text.push_str(" verifiers may not know it, and may refuse all new tokens.");
            }
            vec![text]
        }
        KeyState::Next => vec![
            "It has signed nothing yet, so no token stops working.".to_owned(),
            format!(
                "A new next key is announced. The next rotation has to wait {} from now.",
                duration(policy.announcement.seconds().unsigned_abs())
            ),
        ],
        KeyState::Retired | KeyState::Removed => Vec::new(),
    })
}

/// How many of its tokens may be alive, as far as that is counted: by the hour, and not by the key.
async fn count_of_tokens(visit: &Visit, key: &SigningKeyRecord) -> Result<Option<String>, ConsoleError> {
    let Some(activated) = key.activated_at.filter(|_| visit.holds("read:stats")) else { return Ok(None) };
    let now = visit.now();
    let apis = visit.read(|reader| Ok(reader.list_apis()?)).await?;
    let longest = apis.iter().map(|api| api.token_lifetime.seconds()).max().unwrap_or_default();
    let from = activated.max(now.plus_seconds(-i64::from(longest)));
    let to = key.retired_at.unwrap_or(now);
    if from >= to {
        return Ok(None);
    }
    let issued = issued(visit, from, to).await?;
    if issued == 0 {
        return Ok(Some(
            "No token is known to have been issued that it can have signed and that can be alive.".to_owned(),
        ));
    }
    Ok(Some(format!(
        "At most {} of its tokens can be alive: so many were issued, with every algorithm, in the hours in which it signed and from which \
         tokens may still live.",
        grouped(issued)
    )))
}

async fn issued(visit: &Visit, from: UnixMillis, to: UnixMillis) -> Result<u64, ConsoleError> {
    let issuer = visit.endpoints.issuer.clone();
    let period = Period::between(from, to);
    let stats = visit.endpoints.reading(move || Ok::<_, ConsoleError>(issuer.stats(period)?)).await?;
    Ok(stats.issued)
}
