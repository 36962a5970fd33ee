//! What is asked, and what is shown?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::super::answer::page_with;
use super::super::apis::length::written;
use super::super::causes::{CauseWords, words};
use super::super::error::ConsoleError;
use super::super::form::{Choice, Form};
use super::super::frame::{Frame, Section, Tone};
use super::super::visit::Visit;
use super::remedy::{Remedy, in_path, remedies};
use crate::issuer::authentication_checks::{Check, Finding, Subject};
use crate::issuer::explain::{Explanation, explain};
use crate::oauth::client::{Client, ClientId};
use crate::oauth::resource::{Api, Audience};
use crate::oauth::token_error_cause::TokenErrorCause;
use crate::oauth::token_request::AccessRequest;
use crate::store::Page;

/// How many clients are offered while one types.
const OFFERED: u32 = 200;

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage {
    frame: Frame,
    /// The query.
    form: Form,
    clients: Vec<Choice>,
    audiences: Vec<Choice>,
    scopes: Vec<Choice>,
    answer: Option<Answer>,
}

struct Answer {
    client_id: String,
    client_path: String,
    explanation: Explanation,
    lifetime: String,
    reuse: String,
    cause: Option<CauseWords>,
    remedies: Vec<Remedy>,
    checks: Vec<ShownCheck>,
    /// Would the request be refused before it is looked at?
    is_unauthenticated: bool,
}

struct ShownCheck {
    label: &'static str,
    tone: Tone,
    finding: &'static str,
    words: String,
}

/// What is read of the store.
struct Found {
    clients: Vec<Client>,
    apis: Vec<Api>,
    client: Option<Client>,
}

/// Shows the form, and what the request in the query would be answered with.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:clients")?;
    let mut form = Form::empty();
    for name in ["client_id", "audience", "scope"] {
        form = form.with(name, visit.query.value(name).trim());
    }
    let sought = form.value("client_id").parse::<ClientId>().ok();
    let found = visit.read(move |reader| {
        let client = sought.map(|id| reader.find_client(&id)).transpose()?.flatten();
        let clients = reader.list_clients(Page { limit: OFFERED, ..Page::ALL })?;
        Ok(Found { clients, apis: reader.list_apis()?, client })
    });
    let found = found.await?;
    // Who may not list the APIs names one from memory.
    let offered = if visit.holds("read:resource_servers") { found.apis.as_slice() } else { &[] };
    if form.has("client_id") && found.client.is_none() {
        form.fail(
            "client_id",
            "No client has this id: a request with it is refused with invalid_client. Check its spelling.",
        );
    }
    let answer = found.client.as_ref().map(|client| answer(&visit, client, &found.apis, &form));
    let status = if form.is_ok() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let asked_for = form.value("audience").to_owned();
    let page = ExplainPage {
        frame: visit.frame("Explain", Section::Explain),
        clients: found.clients.iter().map(|client| Choice::new(client.client_id.as_str(), &client.name)).collect(),
        audiences: offered.iter().map(|api| Choice::new(api.identifier.as_str(), &api.name)).collect(),
        scopes: scopes(offered, &asked_for),
        form,
        answer,
    };
    page_with(status, &page)
}

/// The scopes of the API that was named, or of all.
fn scopes(apis: &[Api], audience: &str) -> Vec<Choice> {
    let is_named = |api: &&Api| api.identifier.as_str() == audience;
    let named = apis.iter().any(|api| is_named(&api));
    let meant = apis.iter().filter(|api| if named { is_named(api) } else { !api.is_system });
    let scopes = meant.flat_map(|api| &api.scopes);
    scopes.map(|scope| Choice::new(scope.value.as_str(), scope.description.clone().unwrap_or_default())).collect()
}

fn answer(visit: &Visit, client: &Client, apis: &[Api], form: &Form) -> Answer {
    let given = |name| Some(form.value(name).to_owned()).filter(|value| !value.is_empty());
    let request = AccessRequest { audience: given("audience"), resource: Vec::new(), scope: given("scope") };
    let issuer = &visit.endpoints.issuer;
    let explanation = explain(client, apis, &request, issuer.compat(), visit.now());
    let named = request.audience.as_deref().and_then(|audience| audience.parse::<Audience>().ok());
    let api = named.and_then(|audience| apis.iter().find(|api| api.identifier == audience));
    let cause = explanation.refusal;
    let checks = issuer.check_authentication(client).into_iter().filter(|check| may_see(visit, check.subject));
    Answer {
        client_id: client.client_id.to_string(),
        client_path: visit.path(&format!("clients/{}", in_path(client.client_id.as_str()))),
        lifetime: explanation.expires_in.map(written).unwrap_or_default(),
        reuse: explanation.token_reuse_seconds.map(written).unwrap_or_default(),
        cause: cause.map(words),
        remedies: cause.map(|cause| remedies(visit, cause, client, api)).unwrap_or_default(),
        checks: checks.map(ShownCheck::from).collect(),
        is_unauthenticated: cause == Some(TokenErrorCause::InvalidClient),
        explanation,
    }
}

/// What was looked at may tell what whoever is signed in may not read elsewhere.
fn may_see(visit: &Visit, subject: Subject) -> bool {
    match subject {
        Subject::Secrets | Subject::Keys => visit.holds("read:client_credentials"),
        Subject::Quota => visit.holds("read:stats"),
        Subject::Enabled | Subject::GrantType | Subject::Method | Subject::FailedAttempts => true,
    }
}

impl From<Check> for ShownCheck {
    fn from(check: Check) -> Self {
        let (tone, finding) = match check.finding {
            Finding::Fine => (Tone::Good, "Fine"),
            Finding::Suspect => (Tone::Warning, "May be it"),
            Finding::Hinders => (Tone::Bad, "Hinders"),
        };
        Self { label: check.subject.label(), tone, finding, words: check.words }
    }
}
