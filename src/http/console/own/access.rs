//! What may this client do, where does it ask, how much does it, and where is it signed in?

use actix_web::HttpResponse;
use askama::Template;

use super::usage::{Allowance, Usage};
use super::{Head, Own, Tab};
use crate::http::console::answer::page;
use crate::http::console::error::ConsoleError;
use crate::http::console::frame::{Frame, Section};
use crate::http::console::time::duration;
use crate::http::console::visit::Visit;
use crate::oauth::resource::{Api, DefaultScope, ScopePolicy};
use crate::oauth::scope::ScopeSet;

#[derive(Template)]
#[template(path = "own_access.html")]
struct AccessPage {
    frame: Frame,
    head: Head,
    client_id: String,
    /// May it use the client credentials grant at all?
    may_ask: bool,
    grants: Vec<Grant>,
    endpoints: [(&'static str, &'static str, String); 4],
    usage: Usage,
    allowances: Vec<Allowance>,
    sessions: u64,
    idle: String,
    absolute: String,
}

/// What it may ask of one API.
struct Grant {
    id: String,
    name: String,
    audience: String,
    scopes: Vec<(String, String)>,
    lifetime: String,
    lifetime_seconds: u32,
    unnamed: &'static str,
    is_default: bool,
}

impl Grant {
    fn of(api: &Api, scope: &ScopeSet, is_default: bool) -> Self {
        let described = |value: &str| {
            let definition = api.scopes.iter().find(|definition| definition.value.as_str() == value);
            definition.and_then(|definition| definition.description.clone()).unwrap_or_default()
        };
        let seconds = api.token_lifetime.seconds();
        Self {
            id: api.id.to_string(),
            name: api.name.clone(),
            audience: api.identifier.to_string(),
            scopes: scope.iter().map(|value| (value.to_string(), described(value.as_str()))).collect(),
            lifetime: duration(u64::from(seconds)),
            lifetime_seconds: seconds,
            unnamed: without_scope(api),
            is_default,
        }
    }
}

/// What a request gets that names no scope.
pub(super) const fn without_scope(api: &Api) -> &'static str {
    match (api.scope_policy, api.default_scope) {
        (ScopePolicy::Ignore, DefaultScope::All) => "Every token carries all of them, whatever is asked for.",
        (ScopePolicy::Ignore, DefaultScope::None) => "Tokens carry none of them, whatever is asked for.",
        (_, DefaultScope::All) => "A request that names none gets all of them.",
        (_, DefaultScope::None) => "A request that names none gets a token without any.",
        (_, DefaultScope::Error) => "A request has to name those it wants, or is refused.",
    }
}

/// Shows it.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    let own = Own::of(&visit).await?;
    let usage = Usage::of(&visit, &own.client).await?;
    let (console, client) = (visit.endpoints.console.clone(), visit.session.client.clone());
    let sessions = visit.endpoints.reading(move || Ok::<_, ConsoleError>(console.count_open(&client)?)).await?;
    let limits = visit.endpoints.console.limits();
    let issuer = visit.endpoints.issuer_name();
    let is_default = |api: &Api| own.client.default_audience.as_ref() == Some(&api.identifier);
    page(&AccessPage {
        frame: visit.frame("Your client", Section::Own),
        head: own.head(Tab::Access),
        client_id: own.client.client_id.to_string(),
        may_ask: own.client.client_credentials_allowed,
        grants: own
            .granted
            .iter()
            .map(|granted| Grant::of(&granted.api, &granted.scope, is_default(&granted.api)))
            .collect(),
        endpoints: [
            ("issuer", "Issuer", issuer.as_str().to_owned()),
            ("token-endpoint", "Token endpoint", issuer.endpoint("oauth/token")),
            ("jwks-uri", "JWK Set", issuer.endpoint(".well-known/jwks.json")),
            ("metadata", "Metadata", issuer.endpoint(".well-known/openid-configuration")),
        ],
        allowances: Allowance::of(&visit, &own.client),
        usage,
        sessions,
        idle: duration(limits.idle.as_secs()),
        absolute: duration(limits.absolute.as_secs()),
    })
}
