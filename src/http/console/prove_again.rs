//! Who is still there? Secrets and keys are touched only shortly after whoever is signed in has proved who it is.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::answer::page_with;
use super::error::ConsoleError;
use super::form::Form;
use super::frame::{Frame, Section};
use super::once;
use super::sign_in::{address, proof_of, refusal};
use super::visit::Visit;
use crate::issuer::console::Presented;
use crate::issuer::console::Proof;
use crate::oauth::error::TokenError;

/// The fields of the question itself. The last is a name that counts once: whoever reloads the answer to a proof proves nothing.
const SECRET: &str = "again_secret";
const ASSERTION: &str = "again_assertion";
const PROOF: &str = "again_once";

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
        match check(request, visit, form).await? {
            Checked::Proved => return Ok(None),
            Checked::Refused => asked.fail_generally(refusal(form.has(ASSERTION))),
            Checked::SentBefore => asked.fail_generally("This proof was sent before: give it once more."),
        }
    }
    let page = ProveAgainPage {
        frame: visit.frame("Prove who you are once more", Section::None),
        form: asked,
        action: request.path().to_owned(),
        kept: form.fields_without(&[PROOF]),
        loses_secret: form.has_secret_besides(&[SECRET, ASSERTION]),
        client_id: visit.session.client.client_id.to_string(),
        is_by_link: visit.session.proof == Proof::Link,
    };
    page_with(StatusCode::FORBIDDEN, &page).map(Some)
}

/// What a proof came to.
enum Checked {
    Proved,
    /// It is none.
    Refused,
    /// It is one, and the answer to it was reloaded.
    SentBefore,
}

async fn check(request: &HttpRequest, visit: &Visit, form: &Form) -> Result<Checked, ConsoleError> {
    let own_id = visit.session.client.client_id.as_str();
    let Ok(presented) = Presented::of(own_id, form.secret(SECRET), form.secret(ASSERTION)) else {
        return Ok(Checked::Refused);
    };
    let authenticated = match visit.endpoints.issuer.authenticate_for_console(presented, address(request)).await {
        Ok(authenticated) if authenticated.client().id == visit.session.client.id => authenticated,
        Ok(_) | Err(TokenError::InvalidClient) => return Ok(Checked::Refused),
        Err(error) => return Err(error.into()),
    };
    if !once::is_first(visit, form.value(PROOF)).await? {
        return Ok(Checked::SentBefore);
    }
    let (console, id, proof) = (visit.endpoints.console.clone(), visit.id.clone(), proof_of(&authenticated));
    let is_open = visit.endpoints.reading(move || Ok::<_, ConsoleError>(console.prove(&id, proof)?)).await?;
    if is_open { Ok(Checked::Proved) } else { Err(ConsoleError::NotSignedIn) }
}
