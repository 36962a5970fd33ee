//! What is a client: its facts, grants, secrets, keys and use?

use actix_web::HttpResponse;
use actix_web::web::Path;
use askama::Template;

use super::fields::method_label;
use super::secrets::SecretHead;
use super::usage::Usage;
use super::{ClientHead, SEES_CLIENTS, existing};
use crate::clock::UnixMillis;
use crate::http::console::answer::page;
use crate::http::console::counted::counted_of;
use crate::http::console::error::ConsoleError;
use crate::http::console::frame::{Frame, Section, Tone};
use crate::http::console::plot::grouped;
use crate::http::console::time::Instant;
use crate::http::console::visit::Visit;
use crate::issuer::secret_list::{ListedSecret, list_secrets};
use crate::oauth::client::{Client, Quota};
use crate::oauth::client_key::ClientKey;
use crate::oauth::resource::Api;
use crate::secret::StoredSecret;

/// For how many days before its end a secret is said to expire soon.
const SOON_SECONDS: i64 = 14 * 86_400;
/// More scopes than these are folded up.
const SCOPES_SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "clients_detail.html")]
struct DetailPage {
    frame: Frame,
    client: ClientHead,
    facts: Facts,
    may: May,
    /// None: whoever is signed in may not see them.
    grants: Option<Vec<Grant>>,
    credentials: Credentials,
    usage: Option<Usage>,
}

/// What whoever is signed in may do.
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
struct May {
    edit: bool,
    delete: bool,
    explain: bool,
    see_audit: bool,
    see_apis: bool,
    grant: bool,
    change_grants: bool,
    delete_grants: bool,
    add_credentials: bool,
    rotate: bool,
    change_secrets: bool,
    remove_credentials: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is told for itself")]
struct Facts {
    enabled: bool,
    client_credentials_allowed: bool,
    created: Instant,
    updated: Instant,
    default_audience: String,
    methods: Vec<&'static str>,
    accepts_secrets: bool,
    accepts_keys: bool,
    jwks_uri: String,
    quota: String,
    claims: String,
}

struct Grant {
    id: String,
    api_id: String,
    name: String,
    audience: String,
    scopes: Vec<String>,
    /// What stands for the scopes where they are folded up.
    folded: Option<String>,
}

/// Secrets and keys, and why they may not be seen.
enum Credentials {
    Seen {
        secrets: Vec<Secret>,
        keys: Vec<Key>,
    },
    /// The scope is lacking.
    NotHeld,
    /// The client holds rights of the Management API that whoever is signed in does not hold.
    AboveCaller,
}

struct Secret {
    head: SecretHead,
    hint: String,
    tone: Tone,
    state: &'static str,
    created: Instant,
    last_used: Option<Instant>,
    ends: Option<Instant>,
    is_safe: bool,
    reason: String,
}

struct Key {
    id: String,
    name: String,
    kid: String,
    alg: &'static str,
    tone: Tone,
    state: &'static str,
    ends: Option<Instant>,
}

/// Shows a client.
pub(super) async fn show(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require_any(SEES_CLIENTS)?;
    let (rights, now) = (visit.caller().rights, visit.now());
    let read = visit.read(move |reader| {
        let client = existing(reader, &id)?;
        let may_touch = rights.may_touch_credentials(&client, reader).is_ok();
        Ok((client, reader.list_apis()?, may_touch))
    });
    let (client, apis, may_touch) = read.await?;
    let usage = if visit.holds("read:stats") { Some(Usage::load(&visit, &client).await?) } else { None };
    let credentials = match (visit.holds("read:client_credentials"), may_touch) {
        (false, _) => Credentials::NotHeld,
        (true, false) => Credentials::AboveCaller,
        (true, true) => Credentials::of(&client, visit.endpoints.administration.policy().quiet_days, now),
    };
    page(&DetailPage {
        frame: visit.frame(client.name.clone(), Section::Clients),
        facts: Facts::of(&client, now),
        may: May::of(&visit),
        grants: visit.holds("read:client_grants").then(|| grants(&client, &apis)),
        credentials,
        usage,
        client: ClientHead::of(&visit, &client),
    })
}

impl May {
    fn of(visit: &Visit) -> Self {
        let sees_apis = visit.holds("read:resource_servers");
        Self {
            edit: visit.holds("update:clients"),
            delete: visit.holds("delete:clients"),
            explain: visit.holds("read:clients"),
            see_audit: visit.holds("read:audit_events"),
            see_apis: sees_apis,
            grant: visit.holds("create:client_grants") && sees_apis,
            change_grants: visit.holds("update:client_grants"),
            delete_grants: visit.holds("delete:client_grants"),
            add_credentials: visit.holds("create:client_credentials"),
            rotate: visit.holds("update:client_keys"),
            change_secrets: visit.holds("update:client_credentials"),
            remove_credentials: visit.holds("delete:client_credentials"),
        }
    }
}

impl Facts {
    fn of(client: &Client, now: UnixMillis) -> Self {
        let claims = if client.claims.is_empty() {
            String::new()
        } else {
            serde_json::to_string_pretty(&client.claims).unwrap_or_default()
        };
        Self {
            enabled: client.enabled,
            client_credentials_allowed: client.client_credentials_allowed,
            created: Instant::near(client.created_at, now),
            updated: Instant::near(client.updated_at, now),
            default_audience: client.default_audience.as_ref().map(ToString::to_string).unwrap_or_default(),
            methods: client.authentication_methods.iter().map(|method| method_label(*method)).collect(),
            accepts_secrets: client.accepts_secrets(),
            accepts_keys: client.accepts_assertions(),
            jwks_uri: client.jwks_uri.as_ref().map(ToString::to_string).unwrap_or_default(),
            quota: client.quota.map(quota_words).unwrap_or_default(),
            claims,
        }
    }
}

fn quota_words(quota: Quota) -> String {
    let limits = [(quota.per_hour, "an hour"), (quota.per_day, "a day")];
    let limits: Vec<_> = limits
        .into_iter()
        .filter_map(|(limit, each)| limit.map(|limit| format!("{} tokens {each}", grouped(limit.into()))))
        .collect();
    let beyond = if quota.enforce { "what goes beyond is refused" } else { "what goes beyond is only logged" };
    if limits.is_empty() { String::new() } else { format!("{}; {beyond}", limits.join(", ")) }
}

fn grants(client: &Client, apis: &[Api]) -> Vec<Grant> {
    let granted = client.grants.iter().filter_map(|grant| {
        let api = apis.iter().find(|api| api.id == grant.api_id)?;
        let scopes: Vec<_> = grant.scope.iter().map(ToString::to_string).collect();
        Some(Grant {
            id: grant.id.to_string(),
            api_id: api.id.to_string(),
            name: api.name.clone(),
            audience: api.identifier.to_string(),
            folded: (scopes.len() > SCOPES_SHOWN).then(|| counted_of(&scopes, "scope")),
            scopes,
        })
    });
    granted.collect()
}

impl Credentials {
    fn of(client: &Client, quiet_days: u32, now: UnixMillis) -> Self {
        let listed = list_secrets(&client.secrets, quiet_days, now);
        let secrets = client.secrets.iter().zip(&listed).map(|(stored, listed)| Secret::of(stored, listed, now));
        Self::Seen { secrets: secrets.collect(), keys: client.keys.iter().map(|key| Key::of(key, now)).collect() }
    }
}

impl Secret {
    fn of(stored: &StoredSecret, listed: &ListedSecret, now: UnixMillis) -> Self {
        let (tone, state) = state_of(true, stored.expires_at, now);
        let head = SecretHead::of(listed);
        // It stands for the name already where there is no label.
        let hint = listed.summary.hint.clone().filter(|hint| *hint != head.name);
        Self {
            head,
            hint: hint.unwrap_or_default(),
            tone,
            state,
            created: Instant::at(stored.created_at),
            last_used: stored.last_used_at.map(|at| Instant::near(at, now)),
            ends: stored.expires_at.map(|at| Instant::near(at, now)),
            is_safe: listed.safe_to_retire,
            reason: listed.safe_to_retire_reason.clone(),
        }
    }
}

impl Key {
    fn of(key: &ClientKey, now: UnixMillis) -> Self {
        let (tone, state) = state_of(key.enabled, key.expires_at, now);
        Self {
            id: key.id.to_string(),
            name: key.name.clone().unwrap_or_default(),
            kid: key.kid.to_string(),
            alg: key.key.algorithm().name(),
            tone,
            state,
            ends: key.expires_at.map(|at| Instant::near(at, now)),
        }
    }
}

/// How something is that may be out of use and may expire.
fn state_of(enabled: bool, expires_at: Option<UnixMillis>, now: UnixMillis) -> (Tone, &'static str) {
    match expires_at {
        Some(at) if at <= now => (Tone::Bad, "Expired"),
        _ if !enabled => (Tone::Quiet, "Not in use"),
        Some(at) if at <= now.plus_seconds(SOON_SECONDS) => (Tone::Warning, "Expires soon"),
        _ => (Tone::Good, "Works"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expires_is_said_in_time() {
        let now = UnixMillis(1_000_000);
        let state = |enabled, after: Option<i64>| state_of(enabled, after.map(|after| now.plus_seconds(after)), now).1;
        assert_eq!(state(true, None), "Works");
        assert_eq!(state(true, Some(SOON_SECONDS + 1)), "Works");
        assert_eq!(state(true, Some(SOON_SECONDS)), "Expires soon");
        assert_eq!(state(false, Some(1)), "Not in use");
        assert_eq!(state(false, Some(0)), "Expired");
    }

    #[test]
    fn a_quota_is_told_in_words() {
        let quota = Quota { per_hour: Some(1_000), per_day: None, enforce: true };
        assert_eq!(quota_words(quota), "1,000 tokens an hour; what goes beyond is refused");
        let logged = Quota { per_hour: Some(1), per_day: Some(20), enforce: false };
        assert_eq!(quota_words(logged), "1 tokens an hour, 20 tokens a day; what goes beyond is only logged");
        assert_eq!(quota_words(Quota::default()), "");
    }
}
