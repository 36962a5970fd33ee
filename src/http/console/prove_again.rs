//! Who is still there? Secrets and keys are touched only shortly after whoever is signed in has proved who it is.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::answer::page_with;
use super::error::ConsoleError;
use super::form::Form;
use super::frame::{Frame, Section};
use super::sign_in::{address, proof_of, refusal};
use super::visit::Visit;
use crate::issuer::console::Presented;
use crate::issuer::console::Proof;
use crate::oauth::error::TokenError;

/// The fields of the question itself.
const SECRET: &str = "again_secret";
const ASSERTION: &str = "again_assertion";

#[derive(Template)]
#[template(path = "prove_again.html")]
struct ProveAgainPage {
    frame: Frame,
    form: Form,
    /// Where the form that was interrupted goes to.
    action: String,
    /// What that form held.
    kept: Vec<(String, String)>,
    /// Did it hold a secret too? That is written into no page.
    loses_secret: bool,
    client_id: String,
    /// Was it opened by a link of the host? Then there may be nothing else that this person knows.
    is_by_link: bool,
}

/// Goes on if whoever is signed in has proved who it is within the last minutes, or does so with this very form; otherwise what is
/// answered is the page that asks for it, which keeps all that `form` holds.
///
/// # Errors
/// What keeps the proof from being checked.
pub(super) async fn prove_again(
    request: &HttpRequest,
    visit: &Visit,
    form: &Form,
) -> Result<Option<HttpResponse>, ConsoleError> {
    if visit.session.is_fresh(visit.now()) {
        return Ok(None);
    }
    let mut asked = Form::empty();
    if form.has(SECRET) || form.has(ASSERTION) {
        match check(request, visit, form).await {
            Ok(()) => return Ok(None),
            Err(Some(error)) => return Err(error),
            Err(None) => asked.fail_generally(refusal(form.has(ASSERTION))),
        }
    }
    let page = ProveAgainPage {
        frame: visit.frame("Prove who you are once more", Section::None),
        form: asked,
        action: request.path().to_owned(),
        kept: form.fields_without(&[]),
        loses_secret: form.has_secret_besides(&[SECRET, ASSERTION]),
        client_id: visit.session.client.client_id.to_string(),
        is_by_link: visit.session.proof == Proof::Link,
    };
    page_with(StatusCode::FORBIDDEN, &page).map(Some)
}

/// An error of `None`: it is no proof.
async fn check(request: &HttpRequest, visit: &Visit, form: &Form) -> Result<(), Option<ConsoleError>> {
    let own_id = visit.session.client.client_id.as_str();
    let presented = Presented::of(own_id, form.secret(SECRET), form.secret(ASSERTION)).map_err(|_| None)?;
    let authenticated = match visit.endpoints.issuer.authenticate_for_console(presented, address(request)).await {
        Ok(authenticated) if authenticated.client().id == visit.session.client.id => authenticated,
        Ok(_) | Err(TokenError::InvalidClient) => return Err(None),
        Err(error) => return Err(Some(error.into())),
    };
    let (console, id, proof) = (visit.endpoints.console.clone(), visit.id.clone(), proof_of(&authenticated));
    let proved = visit.endpoints.reading(move || Ok::<_, ConsoleError>(console.prove(&id, proof)?)).await;
    proved.map_err(Some)
}
