//! Who signs in, and how does a session end? With what the client has anyway: its secret, or an assertion by its key.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;

use super::answer::{lead_on, lead_to, page_with};
use super::base_of;
use super::cookie;
use super::done::Done;
use super::error::ConsoleError;
use super::form::Form;
use super::frame::{Frame, Section};
use super::kept::{self, Kept};
use super::posted::Posted;
use super::visit::{Visit, endpoints_of, frame, request_id_of};
use crate::http::IssuerEndpoints;
use crate::http::client_address::ClientAddress;
use crate::issuer::authenticate_client::AuthenticatedClient;
use crate::issuer::console::{Missing, Presented};
use crate::issuer::console::{Proof, SessionId};
use crate::oauth::error::TokenError;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    form: Form,
    /// Goes along.
    kept: Option<Kept>,
}

impl SignInPage {
    fn of(endpoints: &IssuerEndpoints, form: Form, kept: Option<Kept>) -> Self {
        Self { frame: sign_in_frame(endpoints, "Sign in"), form, kept }
    }
}

/// Whoever has signed in sends from here what could not be taken before.
#[derive(Template)]
#[template(path = "send_again.html")]
struct SendAgainPage {
    frame: Frame,
    client_id: String,
    kept: Kept,
}

/// The page on which one signs in, which leads to the page that was asked for.
///
/// # Errors
/// A fault of ours.
pub(super) fn sign_in_page(request: &HttpRequest) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(request)?;
    if is_led_here(request) {
        return page_with(StatusCode::OK, &ArrivedPage { frame: sign_in_frame(&endpoints, "One moment") });
    }
    let asked_for = request.uri().path_and_query().map_or("", |target| target.as_str());
    let asked_for = if request.method().is_safe() { asked_for } else { "" };
    let mut form = Form::empty().with("next", next(&base_of(endpoints.issuer_name()), asked_for));
    let kept = kept::of(request);
    if !request.method().is_safe() {
        form.fail_generally(if kept.is_some() { NOT_TAKEN } else { NOT_TAKEN_AND_LOST });
    }
    let mut page = SignInPage::of(&endpoints, form, kept);
    page.frame.notice = Done::of(&query_value(request, "done")).map(Done::text);
    page_with(StatusCode::UNAUTHORIZED, &page)
}

/// What somebody is told who sends a form and is no longer signed in.
const NOT_TAKEN: &str =
    "You are not signed in, or no longer, so nothing was done. What you sent is kept: sign in, and send it from there.";
const NOT_TAKEN_AND_LOST: &str = "You are not signed in, or no longer, so nothing was done. Sign in, and begin anew.";

/// Asks once more for the page that a link of another site led to.
#[derive(Template)]
#[template(path = "arrived.html")]
struct ArrivedPage {
    frame: Frame,
}

/// Has a link of another site led here? Then browsers keep the cookie back, and send it with the next request.
fn is_led_here(request: &HttpRequest) -> bool {
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    request.method().is_safe() && matches!(site, Some("cross-site" | "same-site"))
}

fn query_value(request: &HttpRequest, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn sign_in_frame(endpoints: &IssuerEndpoints, title: &str) -> Frame {
    frame(endpoints.issuer_name(), None, title.to_owned(), Section::None)
}

/// Shows the page on which one signs in.
pub(super) async fn show(request: HttpRequest) -> Result<HttpResponse, ConsoleError> {
    let mut page = sign_in_page(&request)?;
    *page.head_mut() = {
        let mut head = page.head().clone();
        head.status = StatusCode::OK;
        head
    };
    Ok(page)
}

/// Signs a client in.
pub(super) async fn sign_in(request: HttpRequest, Posted(mut form): Posted) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(&request)?;
    let presented = Presented::of(form.value("client_id"), form.secret("client_secret"), form.secret("assertion"));
    let kept = Kept::from_alongside(&form);
    let presented = match presented {
        Ok(presented) => presented,
        Err(missing) => {
            let field = if missing == Missing::ClientId { "client_id" } else { "client_secret" };
            form.fail(field, missing.to_string());
            return page_with(StatusCode::BAD_REQUEST, &SignInPage::of(&endpoints, form, kept));
        }
    };
    match endpoints.issuer.authenticate_for_console(presented, address(&request)).await {
        Ok(authenticated) => {
            if let Some(retry_after) = endpoints.console.wait_to_sign_in(authenticated.client()) {
                return later(&endpoints, form, kept, &ConsoleError::TooOften { retry_after });
            }
            let client_id = authenticated.client().client_id.to_string();
            let session = begin(&endpoints, authenticated, &request).await?;
            let base = base_of(endpoints.issuer_name());
            let answer = match kept.filter(|kept| next(&base, &kept.action) == kept.action) {
                Some(kept) => page_with(
                    StatusCode::OK,
                    &SendAgainPage { frame: sign_in_frame(&endpoints, "You are signed in"), client_id, kept },
                )?,
                None => lead_to(&next(&base, form.value("next"))),
            };
            with_session(answer, &session)
        }
        Err(TokenError::InvalidClient) => {
            let text = refusal(form.has("assertion"));
            form.fail_generally(text);
            page_with(StatusCode::UNAUTHORIZED, &SignInPage::of(&endpoints, form, kept))
        }
        Err(error) => {
            let error = ConsoleError::from(error);
            if error.retry_after().is_some() { later(&endpoints, form, kept, &error) } else { Err(error) }
        }
    }
}

/// The form once more, for what may well succeed after a while.
fn later(
    endpoints: &IssuerEndpoints,
    mut form: Form,
    kept: Option<Kept>,
    error: &ConsoleError,
) -> Result<HttpResponse, ConsoleError> {
    form.fail_generally(error.to_string());
    let mut page = page_with(error.status_code(), &SignInPage::of(endpoints, form, kept))?;
    if let Some(seconds) = error.retry_after() {
        page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(page)
}

/// Ends the session that is open in this browser.
pub(super) async fn sign_out(request: HttpRequest) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(&request)?;
    let (console, session) = (endpoints.console.clone(), cookie::session_of(request.headers()));
    let end = move || Ok::<_, ConsoleError>(session.map_or(Ok(()), |session| console.end(&session))?);
    let ended = endpoints.reading(end).await;
    Ok(signed_out(&endpoints, ended.is_ok().then_some(Done::SignedOut)))
}

/// Ends every session of the client.
pub(super) async fn sign_out_everywhere(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    let (console, client) = (visit.endpoints.console.clone(), visit.session.client.clone());
    let ended = visit.endpoints.reading(move || Ok::<_, ConsoleError>(console.end_all(&client)?)).await;
    Ok(signed_out(&visit.endpoints, ended.is_ok().then_some(Done::SignedOutEverywhere)))
}

/// The address that `request` came from, against which failed attempts count.
pub(super) fn address(request: &HttpRequest) -> Option<std::net::IpAddr> {
    ClientAddress::of(request).map(|from| from.0)
}

/// Puts the cookie of `session` on `response`.
///
/// # Errors
/// A fault of ours.
pub(super) fn with_session(mut response: HttpResponse, session: &SessionId) -> Result<HttpResponse, ConsoleError> {
    let cookie = cookie::keep(session).ok_or_else(|| ConsoleError::fault(&"a session id that fits no cookie"))?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// What a client is told that did not prove who it is: no more than at the token endpoint.
pub(super) fn refusal(by_assertion: bool) -> &'static str {
    if by_assertion {
        "This assertion proves no client that may sign in. It may have been used before or have expired: make a new one."
    } else {
        "No client that may sign in has this id and this secret. Check both: the secret may have been replaced, or have expired."
    }
}

async fn begin(
    endpoints: &web::Data<IssuerEndpoints>,
    authenticated: AuthenticatedClient,
    request: &HttpRequest,
) -> Result<SessionId, ConsoleError> {
    let (console, request_id) = (endpoints.console.clone(), request_id_of(request));
    let begin =
        move || Ok::<_, ConsoleError>(console.begin(authenticated.client(), proof_of(&authenticated), request_id)?);
    let session = endpoints.reading(begin).await?;
    end_before(endpoints, request).await;
    Ok(session)
}

/// Ends the session of this browser that another one follows: it forgets that one, so that nobody could end it any more.
pub(super) async fn end_before(endpoints: &IssuerEndpoints, request: &HttpRequest) {
    let Some(before) = cookie::session_of(request.headers()) else { return };
    let console = endpoints.console.clone();
    // Else it ends by its time-out, which the log need not be told twice.
    let _ = endpoints.reading(move || Ok::<_, ConsoleError>(console.end(&before)?)).await;
}

/// What a session is bound to.
pub(super) fn proof_of(authenticated: &AuthenticatedClient) -> Proof {
    authenticated.credential_id().map_or(Proof::PublishedKey, Proof::Credential)
}

/// Is there a way up in the path, as browsers read it (WHATWG URL, "double-dot URL path segment")?
fn has_dot_segment(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

/// Where to go once signed in: to `asked_for`, if that is a page of the console at `base`.
fn next(base: &str, asked_for: &str) -> String {
    let start = format!("{base}/");
    let is_page = asked_for.starts_with(&start)
        && !asked_for.contains("//")
        && !has_dot_segment(asked_for)
        && !asked_for.contains('\\')
        && asked_for.bytes().all(|byte| byte.is_ascii_graphic())
        && !["sign-in", "sign-out"].iter().any(|own| asked_for.starts_with(&format!("{start}{own}")));
    if is_page { asked_for.to_owned() } else { start }
}

/// What is `done`; none: the store does not answer. The browser forgets the session all the same, which is what whoever leaves it to others
/// needs.
fn signed_out(endpoints: &IssuerEndpoints, done: Option<Done>) -> HttpResponse {
    let sign_in = format!("{}/sign-in", base_of(endpoints.issuer_name()));
    let mut response = lead_on(&sign_in, done.unwrap_or(Done::SignedOutHereOnly));
    response.headers_mut().insert(SET_COOKIE, cookie::forget());
    // Not "cookies": those of other programs on this host are not ours to clear.
    let cleared = HeaderValue::from_static(r#""cache", "storage""#);
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), cleared);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        let to = |asked_for| next("/tenant/console", asked_for);
        for page in ["/tenant/console/", "/tenant/console/clients/a%20b?q=/..", "/tenant/console/clients/.well/edit"] {
            assert_eq!(to(page), page);
        }
        for elsewhere in [
            "",
            "/",
            "/tenant/console",
            "/other/console/",
            "//evil.example/tenant/console/",
            "https://evil.example/",
            "/tenant/console/\\evil.example",
            "/tenant/console/..//evil.example",
            "/tenant/console/../oauth/token",
            "/tenant/console/.",
            "/tenant/console/%2E%2e/oauth/token",
            "/tenant/console/a b",
            "/tenant/console/\r\nSet-Cookie: x",
            "/tenant/console/sign-out",
            "/tenant/console/sign-in?next=x",
        ] {
            assert_eq!(to(elsewhere), "/tenant/console/", "{elsewhere:?}");
        }
    }
}
