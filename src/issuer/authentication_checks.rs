//! What may keep a client from proving who it is? Each thing looked at by itself, for a person who looks for the cause of `invalid_client`.

use super::TokenIssuer;
use super::quota::QuotaLeft;
use crate::clock::UnixMillis;
use crate::oauth::client::{AuthenticationMethod, Client};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub subject: Subject,
    /// How it is.
    pub finding: Finding,
    /// That in words.
    pub words: String,
}

/// What can keep a client from a token before its request is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Is the client enabled?
    Enabled,
    /// May it use the client credentials grant?
    GrantType,
    /// With which kind of credential may it authenticate?
    Method,
    /// Does it have a secret that works?
    Secrets,
    /// Does it have a key that works?
    Keys,
    /// Do those that claim to be it have to wait, because too many have failed?
    FailedAttempts,
    /// Has it had its tokens?
    Quota,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It hinders nothing.
    Fine,
    /// It may be the cause.
    Suspect,
    /// No request of this client can succeed.
    Hinders,
}

impl Subject {
    /// It as a heading.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::GrantType => "Grant type",
            Self::Method => "Authentication method",
            Self::Secrets => "Secrets",
            Self::Keys => "Keys",
            Self::FailedAttempts => "Failed attempts",
            Self::Quota => "Quota",
        }
    }
}

impl TokenIssuer {
    /// What may keep `client` from a token whatever it asks for. Quota and failed attempts are those that this server counted.
    pub fn check_authentication(&self, client: &Client) -> Vec<Check> {
        let now = self.clock.now();
        vec![
            enabled(client),
            grant_type(client),
            method(client),
            secrets(client, now),
            keys(client, now),
            self.failed_attempts(client, now),
            quota(&self.quotas.left(client, now)),
        ]
    }

    fn failed_attempts(&self, client: &Client, now: UnixMillis) -> Check {
        let waiting = self.failures.waiting(client.client_id.as_str(), now);
        match waiting.longest {
            Some(seconds) => Check::new(
                Subject::FailedAttempts,
                Finding::Suspect,
                format!(
                    "{} of late with a wrong secret or key, and the next from there waits for up to {seconds} seconds; a right secret that \
                     this server made is never kept waiting",
                    counted(waiting.networks, "network has failed too often", "networks have failed too often")
                ),
            ),
            None => Check::new(Subject::FailedAttempts, Finding::Fine, "nobody who claims to be it has to wait"),
        }
    }
}

impl Check {
    fn new(subject: Subject, finding: Finding, words: impl Into<String>) -> Self {
        Self { subject, finding, words: words.into() }
    }
}

fn enabled(client: &Client) -> Check {
    if client.enabled {
        return Check::new(Subject::Enabled, Finding::Fine, "the client is enabled");
    }
    Check::new(
        Subject::Enabled,
        Finding::Hinders,
        "the client is disabled: every request is refused until it is enabled",
    )
}

fn grant_type(client: &Client) -> Check {
    if client.client_credentials_allowed {
        return Check::new(Subject::GrantType, Finding::Fine, "it may use client_credentials");
    }
    let words = "it may not use client_credentials: allow that grant type for it";
    Check::new(Subject::GrantType, Finding::Hinders, words)
}

fn method(client: &Client) -> Check {
    let methods: Vec<&str> = client.authentication_methods.iter().map(|method| method.as_str()).collect();
    let words = match (client.accepts_secrets(), client.accepts_assertions()) {
        (true, true) => "a secret or a key will do, whichever it has".to_owned(),
        (true, false) => {
            format!("set to {}: only secrets count, sent in the header or the body", methods.join(" and "))
        }
        (false, _) => {
            format!("set to {}: only keys count, and every secret is refused", AuthenticationMethod::PrivateKeyJwt)
        }
    };
    Check::new(Subject::Method, Finding::Fine, words)
}

fn secrets(client: &Client, now: UnixMillis) -> Check {
    let live = client.secrets.iter().filter(|secret| secret.is_live(now)).count();
    let expired = client.secrets.len() - live;
    let words = match (client.secrets.len(), live) {
        (0, _) => "it has no secret".to_owned(),
        (_, 0) => {
            format!("{}, and no other works: add one", counted(expired, "secret has expired", "secrets have expired"))
        }
        (all, live) if all == live => format!("{} live", counted(live, "secret is", "secrets are")),
        _ => format!(
            "{} live, {}: whoever still sends one of those is refused",
            counted(live, "secret is", "secrets are"),
            counted(expired, "has expired", "have expired")
        ),
    };
    let finding = match (client.accepts_secrets(), live, expired, has_key(client, now) && client.accepts_assertions()) {
        (false, ..) | (true, 0, 0, true) => Finding::Fine,
        (true, 0, _, false) => Finding::Hinders,
        (true, 0, _, true) => Finding::Suspect,
        (true, _, 0, _) => Finding::Fine,
        (true, ..) => Finding::Suspect,
    };
    Check::new(Subject::Secrets, finding, words)
}

fn keys(client: &Client, now: UnixMillis) -> Check {
    let live = client.keys.iter().filter(|key| key.is_live(now)).count();
    let idle = client.keys.len() - live;
    let mut words = match (client.keys.len(), live) {
        (0, _) => "no key is registered".to_owned(),
        (_, 0) => format!(
            "{}, and no other works",
            counted(idle, "key is out of use or has expired", "keys are out of use or have expired")
        ),
        (all, live) if all == live => format!("{} live", counted(live, "key is", "keys are")),
        _ => format!("{} live, {}", counted(live, "key is", "keys are"), counted(idle, "is not", "are not")),
    };
    if let Some(uri) = &client.jwks_uri {
        words = format!("{words}; it publishes keys at {uri}, which this server must be able to fetch");
    }
    let secret_does = client.accepts_secrets() && client.secrets.iter().any(|secret| secret.is_live(now));
    let finding = match (client.accepts_assertions(), has_key(client, now)) {
        (true, false) if !client.accepts_secrets() => Finding::Hinders,
        (true, true) if client.jwks_uri.is_some() && !secret_does => Finding::Suspect,
        _ => Finding::Fine,
    };
    Check::new(Subject::Keys, finding, words)
}

fn has_key(client: &Client, now: UnixMillis) -> bool {
    client.jwks_uri.is_some() || client.keys.iter().any(|key| key.is_live(now))
}

fn quota(left: &[QuotaLeft]) -> Check {
    if let Some(used) = left.iter().find(|left| left.remaining == 0) {
        let words = format!(
            "the {} tokens of this {} are used up: the next one is issued in {} seconds",
            used.quota, used.window, used.resets_in
        );
        return Check::new(Subject::Quota, Finding::Hinders, words);
    }
    let shown: Vec<String> = left
        .iter()
        .map(|left| format!("{} of {} are left for this {}", left.remaining, left.quota, left.window))
        .collect();
    let words = if shown.is_empty() { "no quota is enforced".to_owned() } else { shown.join(", ") };
    Check::new(Subject::Quota, Finding::Fine, words)
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
