//! Which token does this client get, what does it say, and would the API accept it?

mod judged;
mod refused;
mod told;

use std::time::Instant as Arrival;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use self::judged::Verdict;
use self::refused::Refusal;
use self::told::Told;
use super::access::without_scope;
use super::{GrantedApi, Head, Own, Tab};
use crate::http::console::answer::{page, page_with};
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::plot::grouped;
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::sign_in::address;
use crate::http::console::time::duration;
use crate::http::console::visit::Visit;
use crate::http::token::note;
use crate::issuer::issue_token::TokenDecision;
use crate::issuer::quota::QuotaLeft;
use crate::oauth::error::TokenError;
use crate::oauth::token_request::AccessRequest;

/// The field with a token that somebody has. A form never shows it again.
const PASTED: &str = "pasted_token";

#[derive(Template)]
#[template(path = "own_token.html")]
struct TokenPage {
    frame: Frame,
    head: Head,
    form: Form,
    client_id: String,
    apis: Vec<Choice>,
    /// The API that a token would be for.
    api: Option<Asked>,
    outcome: Option<Outcome>,
}

/// What can be asked for.
struct Asked {
    name: String,
    audience: String,
    scopes: Vec<Choice>,
    unnamed: &'static str,
}

/// What came of it.
enum Outcome {
    /// A token.
    Issued(Issued),
    /// The token endpoint would have refused it.
    Refused(Refusal),
    /// A token that somebody had was looked at.
    Checked(Checked),
}

struct Issued {
    token: String,
    scope: String,
    lifetime: String,
    quota: Vec<String>,
    verdict: Verdict,
    told: Option<Told>,
}

struct Checked {
    verdict: Verdict,
    told: Option<Told>,
}

/// The answer of the token endpoint.
#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u64,
    #[serde(default)]
    scope: String,
}

/// Shows what can be asked for.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    let own = Own::of(&visit).await?;
    let chosen = own.chosen(visit.query.value("api"));
    let form = Form::empty().with("api", chosen.map(|granted| granted.api.id.to_string()).unwrap_or_default());
    page(&token_page(&visit, &own, chosen, form, None))
}

/// Asks for a token as a request to the token endpoint would.
pub(super) async fn ask(
    request: HttpRequest,
    visit: Visit,
    Posted(form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    let arrived = Arrival::now();
    // An operator's token can be one of the Management API, for which nobody is asked again what the console asks.
    if visit.session.is_operator()
        && let Some(question) = prove_again(&request, &visit, &form).await?
    {
        return Ok(question);
    }
    let own = Own::of(&visit).await?;
    let Some(granted) = own.chosen(form.value("api")) else {
        return page(&token_page(&visit, &own, None, form, None));
    };
    let named: Vec<&str> = form.values("scope").chain(form.value("more").split_ascii_whitespace()).collect();
    let access = AccessRequest {
        audience: Some(granted.api.identifier.to_string()),
        resource: Vec::new(),
        scope: Some(named.join(" ")).filter(|scope| !scope.is_empty()),
    };
    let mut decision = TokenDecision::about(address(&request));
    let issuer = &visit.endpoints.issuer;
    let answer = issuer.issue_to_session(&visit.session, &access, &mut decision).await;
    note(&visit.endpoints, &decision, answer.as_ref().err(), arrived);
    let outcome = match answer {
        Ok(body) => Outcome::Issued(issued(&visit, granted, &body, &decision)?),
        // The client was disabled or deleted a moment ago.
        Err(TokenError::InvalidClient) => return Err(ConsoleError::NotSignedIn),
        Err(error) => Outcome::Refused(Refusal::of(&error, issuer.compat())),
    };
    page(&token_page(&visit, &own, Some(granted), form, Some(outcome)))
}

fn issued(visit: &Visit, granted: &GrantedApi, body: &str, decision: &TokenDecision) -> Result<Issued, ConsoleError> {
    let answer: Answer = serde_json::from_str(body).map_err(|error| ConsoleError::fault(&error))?;
    Ok(Issued {
        verdict: Verdict::of(&answer.access_token, &granted.api, visit)?,
        told: Told::of(&answer.access_token, visit.now()),
        lifetime: duration(answer.expires_in),
        scope: answer.scope,
        quota: decision.quota_left.iter().map(left_in_words).collect(),
        token: answer.access_token,
    })
}

fn left_in_words(left: &QuotaLeft) -> String {
    let resets_in = duration(u64::try_from(left.resets_in).unwrap_or_default());
    let (remaining, quota) = (grouped(left.remaining.into()), grouped(left.quota.into()));
    match left.window {
        "requests" => format!("{remaining} of {quota} requests left at once, all of them again in {resets_in}"),
        window => format!("{remaining} of {quota} left in this {window}, which ends in {resets_in}"),
    }
}

/// Looks at a token that somebody has: says what it says, and why it would not be accepted.
pub(super) async fn check(visit: Visit, Posted(mut form): Posted) -> Result<HttpResponse, ConsoleError> {
    let own = Own::of(&visit).await?;
    let chosen = own.chosen(form.value("api"));
    let token = token_in(form.secret(PASTED)).to_owned();
    if token.is_empty() {
        form.fail(PASTED, "Paste a token: the access_token of an answer of the token endpoint.");
        return page_with(StatusCode::BAD_REQUEST, &token_page(&visit, &own, chosen, form, None));
    }
    if token.starts_with("ths_") {
        form.fail(
            PASTED,
            "This is a client secret, not a token. It was not kept; but replace it if others may have seen it.",
        );
        return page_with(StatusCode::BAD_REQUEST, &token_page(&visit, &own, chosen, form, None));
    }
    let told = Told::of(&token, visit.now());
    // By the API that it names, if that is one of the client's, and else by the one that is chosen.
    let audiences = told.as_ref().map(Told::audiences).unwrap_or_default();
    let named = own.granted.iter().find(|granted| audiences.iter().any(|one| *one == granted.api.identifier.as_str()));
    let Some(granted) = named.or(chosen) else {
        return page(&token_page(&visit, &own, None, form, None));
    };
    let verdict = Verdict::of(&token, &granted.api, &visit)?;
    let outcome = Outcome::Checked(Checked { verdict, told });
    page(&token_page(&visit, &own, chosen, form, Some(outcome)))
}

/// A token as it may have been copied: with the scheme of its header, in quotes, or broken into lines.
fn token_in(text: &str) -> &str {
    let text = text.trim().trim_matches(['"', '\'', ',']).trim();
    let scheme = text.get(..7).filter(|start| start.eq_ignore_ascii_case("bearer "));
    scheme.and_then(|_| text.get(7..)).unwrap_or(text).trim()
}

fn token_page(
    visit: &Visit,
    own: &Own,
    chosen: Option<&GrantedApi>,
    form: Form,
    outcome: Option<Outcome>,
) -> TokenPage {
    let choices = own.granted.iter().map(|granted| Choice::new(granted.api.id.to_string(), granted.api.name.clone()));
    TokenPage {
        frame: visit.frame("Try a token", Section::Own),
        head: own.head(Tab::Token),
        client_id: own.client.client_id.to_string(),
        apis: choices.collect(),
        api: chosen.map(asked),
        form,
        outcome,
    }
}

fn asked(GrantedApi { api, scope }: &GrantedApi) -> Asked {
    let choice = |value: &str| {
        let definition = api.scopes.iter().find(|definition| definition.value.as_str() == value);
        let description = definition.and_then(|definition| definition.description.clone());
        Choice::new(value, value).hint(description.unwrap_or_default())
    };
    Asked {
        name: api.name.clone(),
        audience: api.identifier.to_string(),
        scopes: scope.iter().map(|value| choice(value.as_str())).collect(),
        unnamed: without_scope(api),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_what_was_copied() {
        for copied in ["a.b.c", " a.b.c\n", "Bearer a.b.c", "bearer  a.b.c", "\"a.b.c\",", "'a.b.c'"] {
            assert_eq!(token_in(copied), "a.b.c", "{copied}");
        }
        assert_eq!((token_in("  \"\" "), token_in("Bearer"), token_in("ü.b.c")), ("", "Bearer", "ü.b.c"));
    }
}
