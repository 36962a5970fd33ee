//! What is known of an API: what it defines, who holds a grant, and how its tokens are verified?

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::answer::page;
use super::super::error::ConsoleError;
use super::super::frame::{Frame, Pager, Section};
use super::super::time::Instant;
use super::super::visit::Visit;
use super::{choices, find, length, path_of};
use crate::oauth::resource::{Api, ScopeFormat};
use crate::store::{GrantFilter, OwnedGrant, Page, Reader};

/// Grants on a page.
const PER_PAGE: u32 = 50;

#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
#[derive(Template)]
#[template(path = "apis_show.html")]
struct ApiPage {
    frame: Frame,
    path: String,
    name: String,
    identifier: String,
    is_system: bool,
    /// What is set, and its words.
    facts: Vec<(&'static str, String)>,
    created: Instant,
    updated: Instant,
    scopes: Vec<ScopeRow>,
    grants: Option<Grants>,
    verification: Verification,
    may_edit: bool,
    may_delete: bool,
    sees_clients: bool,
    sees_audit: bool,
}

/// A scope that it defines.
struct ScopeRow {
    value: String,
    description: String,
    holders: u64,
}

/// The clients that hold a grant.
struct Grants {
    rows: Vec<GrantRow>,
    pager: Pager,
}

struct GrantRow {
    client_id: String,
    scope: Vec<String>,
}

/// What a resource server compares a token with.
struct Verification {
    issuer: String,
    jwks_uri: String,
    typ: &'static str,
    alg: &'static str,
    scope: String,
    command: String,
}

/// Shows the API.
pub(super) async fn show(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:resource_servers")?;
    let wanted = visit.query.value("page").parse().unwrap_or(1);
    let sees_grants = visit.holds("read:client_grants");
    let (api, granted) = visit.read(move |reader| read(reader, &id, sees_grants.then_some(wanted))).await?;
    let now = visit.now();
    let path = visit.path(&path_of(&api));
    let holders = granted.as_ref().map(|granted| &granted.holders);
    let scopes = api.scopes.iter().map(|scope| ScopeRow {
        value: scope.value.to_string(),
        description: scope.description.clone().unwrap_or_default(),
        holders: holders.and_then(|holders| holders.get(scope.value.as_str())).copied().unwrap_or_default(),
    });
    page(&ApiPage {
        frame: visit.frame(api.name.clone(), Section::Apis),
        name: api.name.clone(),
        identifier: api.identifier.to_string(),
        is_system: api.is_system,
        facts: facts(&visit, &api),
        created: Instant::near(api.created_at, now),
        updated: Instant::near(api.updated_at, now),
        scopes: scopes.collect(),
        verification: verification(&visit, &api),
        may_edit: visit.holds("update:resource_servers"),
        may_delete: visit.holds("delete:resource_servers") && !api.is_system,
        sees_clients: visit.holds("read:clients"),
        sees_audit: visit.holds("read:audit_events"),
        grants: granted.map(|granted| granted.shown(&path)),
        path,
    })
}

/// What is read of the grants for an API.
struct Granted {
    total: u64,
    /// The page: the one that is wanted, or the last.
    number: u32,
    holders: HashMap<String, u64>,
    page: Vec<OwnedGrant>,
}

fn read(reader: &mut Reader, id: &str, wanted: Option<u32>) -> Result<(Api, Option<Granted>), ConsoleError> {
    let api = find(reader, id)?;
    let Some(wanted) = wanted else { return Ok((api, None)) };
    let filter = GrantFilter { client_row_id: None, api_id: Some(api.id) };
    let total = reader.count_grants(&filter)?;
    let last = u32::try_from(total.div_ceil(u64::from(PER_PAGE))).unwrap_or(u32::MAX).max(1);
    let number = wanted.clamp(1, last);
    let part = Page { after: None, offset: (number - 1).saturating_mul(PER_PAGE), limit: PER_PAGE };
    let granted = Granted {
        total,
        number,
        holders: reader.count_scope_holders(api.id)?,
        page: reader.list_grants(&filter, part)?,
    };
    Ok((api, Some(granted)))
}

impl Granted {
    fn shown(self, path: &str) -> Grants {
        let number = self.number;
        let before = u64::from(number - 1) * u64::from(PER_PAGE);
        let shown = u64::try_from(self.page.len()).unwrap_or(u64::MAX);
        let address = |number: u32| format!("{path}?page={number}#grants");
        let row = |owned: OwnedGrant| GrantRow {
            client_id: owned.client_id.to_string(),
            scope: owned.grant.scope.iter().map(ToString::to_string).collect(),
        };
        let words = match self.total {
            1 => "1 client".to_owned(),
            total if total == shown => format!("{total} clients"),
            total => format!("{}–{} of {total} clients", before + 1, before + shown),
        };
        Grants {
            rows: self.page.into_iter().map(row).collect(),
            pager: Pager {
                previous: (number > 1).then(|| address(number - 1)),
                next: (before + shown < self.total).then(|| address(number.saturating_add(1))),
                words,
            },
        }
    }
}

fn facts(visit: &Visit, api: &Api) -> Vec<(&'static str, String)> {
    let dialect = match api.token_dialect {
        Some(dialect) => dialect.to_string(),
        None => format!("{}, as the server does", visit.endpoints.issuer.compat().default_dialect()),
    };
    let reuse = match api.token_reuse_seconds {
        0 => "Never: each request gets a new one".to_owned(),
        seconds => format!("For {}", length::written(seconds)),
    };
    vec![
        ("Token lifetime", length::written(api.token_lifetime.seconds())),
        ("Signed with", api.signing_alg.to_string()),
        ("Token format", dialect),
        ("Without scope, a request gets", choices::label_of(&choices::default_scopes(), api.default_scope.as_str())),
        ("The parameter scope means", choices::label_of(&choices::scope_policies(), api.scope_policy.as_str())),
        ("The same token again", reuse),
    ]
}

fn verification(visit: &Visit, api: &Api) -> Verification {
    let issuer = visit.endpoints.issuer_name();
    let dialect = api.token_dialect.unwrap_or_else(|| visit.endpoints.issuer.compat().default_dialect());
    let scope = match api.scope_format.unwrap_or_else(|| dialect.default_scope_format()) {
        ScopeFormat::String => "scope, one string with spaces between the values",
        ScopeFormat::Array => "scope, an array of strings",
    };
    let permissions = if dialect.has_permissions() { "; and permissions, an array" } else { "" };
    Verification {
        issuer: issuer.as_str().to_owned(),
        jwks_uri: issuer.endpoint(".well-known/jwks.json"),
        typ: dialect.typ(),
        alg: api.signing_alg.as_str(),
        scope: format!("{scope}{permissions}"),
        command: format!(
            "tokenhouse verify \"$TOKEN\" --issuer {} --audience {}",
            quoted(issuer.as_str()),
            quoted(api.identifier.as_str())
        ),
    }
}

/// `text` as one word of a shell: an identifier may hold whatever a shell would act upon.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
