//! What does a one-time link open? Looking at it changes nothing: programs that read mail open links too. Its button redeems it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::answer::{page, page_with};
use super::error::ConsoleError;
use super::form::Form;
use super::frame::{Frame, Section};
use super::own::code::{first_audience, first_request};
use super::posted::Posted;
use super::sign_in::{end_before, with_session};
use super::time::Instant;
use super::visit::{endpoints_of, frame, request_id_of};
use crate::http::IssuerEndpoints;
use crate::issuer::console::{Claimed, LinkPurpose, LinkToken, OpenLink};

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
    token: String,
    client_id: String,
    client_name: String,
    ends: Instant,
    is_claim: bool,
}

#[derive(Template)]
#[template(path = "link_gone.html")]
struct GonePage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "entered.html")]
struct EnteredPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "claimed.html")]
struct ClaimedPage {
    frame: Frame,
    client_id: String,
    secret: String,
    token_endpoint: String,
    /// May the client call any API?
    may_call: bool,
    /// What it can try.
    request: String,
}

/// Shows what the link is for.
pub(super) async fn look(request: HttpRequest) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(&request)?;
    let query = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let text = Form::of(query).secret("link").trim().to_owned();
    let Some((token, link)) = open(&endpoints, &text).await? else { return gone(&endpoints) };
    let is_claim = link.purpose == LinkPurpose::ClaimSecret;
    let title = if is_claim { "Pick up your secret" } else { "Sign in" };
    let now = endpoints.issuer.clock().now();
    page(&LinkPage {
        frame: frame(endpoints.issuer_name(), None, title.to_owned(), Section::None),
        token: token.expose().to_owned(),
        client_id: link.client_id.to_string(),
        client_name: link.client_name,
        ends: Instant::near(link.expires_at, now),
        is_claim,
    })
}

/// Redeems a link that signs in.
pub(super) async fn enter(request: HttpRequest, Posted(form): Posted) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(&request)?;
    let Some(token) = LinkToken::parse(form.secret("link")) else { return gone(&endpoints) };
    let (console, request_id) = (endpoints.console.clone(), request_id_of(&request));
    let redeem = move || Ok::<_, ConsoleError>(console.redeem_sign_in(&token, request_id)?);
    let Some(session) = endpoints.reading(redeem).await? else { return gone(&endpoints) };
    end_before(&endpoints, &request).await;
    let entered = page(&EnteredPage {
        frame: frame(endpoints.issuer_name(), None, "You are signed in".to_owned(), Section::None),
    })?;
    with_session(entered, &session)
}

/// Redeems a link with which a partner picks up its secret, which is told in the answer and never again.
pub(super) async fn claim(request: HttpRequest, Posted(form): Posted) -> Result<HttpResponse, ConsoleError> {
    let endpoints = endpoints_of(&request)?;
    let Some(token) = LinkToken::parse(form.secret("link")) else { return gone(&endpoints) };
    let (console, request_id) = (endpoints.console.clone(), request_id_of(&request));
    let redeem = move || Ok::<_, ConsoleError>(console.redeem_claim(&token, request_id)?);
    let Some(Claimed { client, secret, session }) = endpoints.reading(redeem).await? else { return gone(&endpoints) };
    end_before(&endpoints, &request).await;
    let token_endpoint = endpoints.issuer_name().endpoint("oauth/token");
    let audience = first_audience(&endpoints, &client);
    let claimed = page(&ClaimedPage {
        frame: frame(endpoints.issuer_name(), None, "Your secret".to_owned(), Section::None),
        client_id: client.client_id.to_string(),
        secret: secret.secret.expose().to_owned(),
        may_call: audience.is_some(),
        request: first_request(&token_endpoint, client.client_id.as_str(), audience.as_deref()),
        token_endpoint,
    })?;
    with_session(claimed, &session)
}

async fn open(endpoints: &IssuerEndpoints, text: &str) -> Result<Option<(LinkToken, OpenLink)>, ConsoleError> {
    let Some(token) = LinkToken::parse(text) else { return Ok(None) };
    let console = endpoints.console.clone();
    let look = move || Ok::<_, ConsoleError>(console.look_at_link(&token)?.map(|link| (token, link)));
    endpoints.reading(look).await
}

fn gone(endpoints: &IssuerEndpoints) -> Result<HttpResponse, ConsoleError> {
    let frame = frame(endpoints.issuer_name(), None, "This link opens nothing".to_owned(), Section::None);
    page_with(StatusCode::GONE, &GonePage { frame })
}
