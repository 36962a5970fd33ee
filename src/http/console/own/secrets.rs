//! With what does this client prove who it is, until when, and how does it get a new secret without anybody's help?

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::code::{first_audience, first_request};
use super::{Head, Own, Tab};
use crate::clock::UnixMillis;
use crate::http::console::answer::{page, page_with};
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section, Tone};
use crate::http::console::once;
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::time::{Instant, duration};
use crate::http::console::visit::Visit;
use crate::issuer::administration::OverlapPolicy;
use crate::issuer::console::Proof;
use crate::issuer::secrets::AddedSecret;
use crate::oauth::client::Client;
use crate::oauth::client_key::ClientKey;
use crate::oauth::error::TokenError;
use crate::oauth::secret_error::SecretError;
use crate::oauth::secret_request::NewSecretWish;
use crate::secret::StoredSecret;

/// With less left, in days, an end is warned of.
const NEAR_DAYS: i64 = 14;

#[derive(Template)]
#[template(path = "own_secrets.html")]
struct SecretsPage {
    frame: Frame,
    head: Head,
    form: Form,
    secrets: Vec<Secret>,
    keys: Vec<Key>,
    jwks_uri: String,
    overlaps: Vec<Choice>,
    warnings: Vec<String>,
    way: Way,
}

#[derive(Template)]
#[template(path = "own_new_secret.html")]
struct NewSecretPage {
    frame: Frame,
    client_id: String,
    secret: String,
    token_endpoint: String,
    previous_ends: Option<Instant>,
    request: String,
}

/// How a client gets a new secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Here: what the session was begun with is replaced.
    Here,
    /// It has come in with something else than a secret.
    BySecret,
    /// It has no use for one.
    No,
}

/// A secret as its holder sees it.
struct Secret {
    hint: String,
    label: String,
    created: Instant,
    used: Option<Instant>,
    ends: Option<Instant>,
    tone: Tone,
    state: &'static str,
    is_of_session: bool,
}

/// A public key of the client.
struct Key {
    kid: String,
    name: String,
    alg: &'static str,
    ends: Option<Instant>,
    tone: Tone,
    state: &'static str,
    is_of_session: bool,
}

/// How something is that may have an end.
fn state(counts: bool, is_live: bool, ends: Option<UnixMillis>, now: UnixMillis) -> (Tone, &'static str) {
    match ends {
        _ if !counts => (Tone::Quiet, "Does not count"),
        Some(at) if at <= now => (Tone::Quiet, "Expired"),
        _ if !is_live => (Tone::Quiet, "Out of use"),
        Some(at) if is_near(at, now) => (Tone::Warning, "Ends soon"),
        _ => (Tone::Good, "Works"),
    }
}

fn is_near(at: UnixMillis, now: UnixMillis) -> bool {
    at < now.plus_seconds(NEAR_DAYS * 86_400)
}

impl Secret {
    fn of(stored: &StoredSecret, client: &Client, proof: Proof, now: UnixMillis) -> Self {
        let (tone, state) = state(client.accepts_secrets(), stored.is_live(now), stored.expires_at, now);
        Self {
            hint: stored.hash.secret_id().map(|id| format!("ths_{}…", id.as_str())).unwrap_or_default(),
            label: stored.label.clone().unwrap_or_default(),
            created: Instant::near(stored.created_at, now),
            used: stored.last_used_at.map(|at| Instant::near(at, now)),
            ends: stored.expires_at.map(|at| Instant::near(at, now)),
            tone,
            state,
            is_of_session: proof == Proof::Credential(stored.id),
        }
    }
}

impl Key {
    fn of(key: &ClientKey, client: &Client, proof: Proof, now: UnixMillis) -> Self {
        let (tone, state) = state(client.accepts_assertions(), key.is_live(now), key.expires_at, now);
        Self {
            kid: key.kid.to_string(),
            name: key.name.clone().unwrap_or_default(),
            alg: key.key.algorithm().name(),
            ends: key.expires_at.map(|at| Instant::near(at, now)),
            tone,
            state,
            is_of_session: proof == Proof::Credential(key.id),
        }
    }
}

/// Shows what there is, and how to get a new one.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    let usual = visit.endpoints.administration.policy().overlap.default;
    let form = Form::empty().with("overlap", usual.to_string());
    page(&secrets_page(&visit, form).await?)
}

async fn secrets_page(visit: &Visit, form: Form) -> Result<SecretsPage, ConsoleError> {
    // So that the last uses are those of now.
    let issuer = visit.endpoints.issuer.clone();
    visit.endpoints.reading(move || Ok::<_, ConsoleError>(issuer.flush_usage()?)).await?;
    let own = Own::of(visit).await?;
    let (client, proof, now) = (&own.client, visit.session.proof, visit.now());
    Ok(SecretsPage {
        frame: visit.frame("Secrets and keys", Section::Own),
        head: own.head(Tab::Secrets),
        form,
        secrets: client.secrets.iter().map(|stored| Secret::of(stored, client, proof, now)).collect(),
        keys: client.keys.iter().map(|key| Key::of(key, client, proof, now)).collect(),
        jwks_uri: client.jwks_uri.as_ref().map(ToString::to_string).unwrap_or_default(),
        overlaps: overlaps(visit.endpoints.administration.policy().overlap),
        warnings: warnings(client, now),
        way: match (client.accepts_secrets(), visit.session.secret_id()) {
            (false, _) => Way::No,
            (true, Some(_)) => Way::Here,
            (true, None) => Way::BySecret,
        },
    })
}

/// What ends soon, and what comes after it.
fn warnings(client: &Client, now: UnixMillis) -> Vec<String> {
    let secrets = client.secrets.iter().filter(|_| client.accepts_secrets());
    let secrets = secrets.filter(|secret| secret.is_live(now)).map(|secret| secret.expires_at);
    let keys = client.keys.iter().filter(|_| client.accepts_assertions());
    let keys = keys.filter(|key| key.is_live(now)).map(|key| key.expires_at);
    let last = |ends: Vec<Option<UnixMillis>>| {
        // One without an end goes on after all others.
        let last = if ends.contains(&None) { None } else { ends.into_iter().flatten().max() };
        last.filter(|at| is_near(*at, now)).map(|at| Instant::near(at, now).words)
    };
    let secret = last(secrets.collect()).map(|when| {
        format!("The last of your secrets stops working {when}: get a new one before, and change your programs over.")
    });
    let key = last(keys.collect()).filter(|_| client.jwks_uri.is_none()).map(|when| {
        format!("The last of your keys stops working {when}: have whoever runs this server register a new one before.")
    });
    secret.into_iter().chain(key).collect()
}

/// For how long the present secret may work on, within the bounds of the operator.
fn overlaps(policy: OverlapPolicy) -> Vec<Choice> {
    let mut seconds = vec![0, 3_600, 86_400, 604_800, policy.default, policy.longest];
    seconds.retain(|seconds| *seconds <= policy.longest);
    seconds.sort_unstable();
    seconds.dedup();
    let choice = |seconds: u32| match seconds {
        0 => Choice::new("0", "Not at all").hint("It stops working at once: if somebody else may know it."),
        _ => Choice::new(seconds.to_string(), duration(u64::from(seconds))),
    };
    seconds.into_iter().map(choice).collect()
}

/// Gives the client a new secret, which is told in the answer and never again.
pub(super) async fn replace(
    request: HttpRequest,
    visit: Visit,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    // It may just have been proved with another secret than before: that is the one to be replaced.
    let visit = visit.again().await?;
    let Ok(overlap) = form.value("overlap").parse() else {
        form.fail("overlap", "Choose for how long your present secret works on.");
        return page_with(StatusCode::BAD_REQUEST, &secrets_page(&visit, form).await?);
    };
    once::use_up(&visit, &form).await?;
    let label = Some(form.value("label").trim().to_owned()).filter(|label| !label.is_empty());
    let wish = NewSecretWish { label, overlap: Some(overlap) };
    let endpoints = &visit.endpoints;
    let caller = visit.caller();
    let replaced = endpoints
        .issuer
        .replace_secret_of_session(&endpoints.administration, &visit.session, wish, caller.request_id)
        .await;
    match replaced {
        Ok(added) => {
            go_on_with(&visit, &added).await;
            page(&new_secret(&visit, &added))
        }
        Err(error) => {
            let status = tell(&mut form, error)?;
            page_with(status, &secrets_page(&visit, form).await?)
        }
    }
}

/// The session goes on with the new secret, which its holder has now: the old one may end it.
async fn go_on_with(visit: &Visit, added: &AddedSecret) {
    let (console, id, proof) = (visit.endpoints.console.clone(), visit.id.clone(), Proof::Credential(added.stored.id));
    let moved = visit.endpoints.reading(move || Ok::<_, ConsoleError>(console.prove(&id, proof)?)).await;
    if let Err(cause) = moved {
        // The new secret is stored, and this answer is the only time it is known.
        tracing::error!(%cause, "a session does not go on with the new secret of its client");
    }
}

fn new_secret(visit: &Visit, added: &AddedSecret) -> NewSecretPage {
    let client = &visit.session.client;
    let token_endpoint = visit.endpoints.issuer_name().endpoint("oauth/token");
    let ends = added.previous_expires_at.filter(|at| *at > visit.now());
    NewSecretPage {
        frame: visit.frame("Your new secret", Section::Own),
        client_id: client.client_id.to_string(),
        secret: added.secret.expose().to_owned(),
        previous_ends: ends.map(|at| Instant::near(at, visit.now())),
        request: first_request(
            &token_endpoint,
            client.client_id.as_str(),
            first_audience(&visit.endpoints, client).as_deref(),
        ),
        token_endpoint,
    }
}

/// Says why there is no new secret, beside what is to be changed.
fn tell(form: &mut Form, error: SecretError) -> Result<StatusCode, ConsoleError> {
    match error {
        SecretError::Request(TokenError::InvalidClient) => return Err(ConsoleError::NotSignedIn),
        SecretError::Request(error) => return Err(error.into()),
        SecretError::NotBySecret => {
            form.fail_generally(
                "Sign in with the secret that is to be replaced: this session was begun with something else.",
            );
        }
        SecretError::OverlapNotSeconds => form.fail("overlap", "Choose for how long your present secret works on."),
        SecretError::OverlapTooLong { longest } => {
            let longest = duration(u64::from(longest));
            form.fail("overlap", format!("Choose at most {longest}: that is the longest here."));
        }
        SecretError::Label { longest } => {
            form.fail("label", format!("Make the label at most {longest} characters long, without line breaks and marks that turn the direction of text."));
        }
        SecretError::TooManySecrets { limit } => {
            form.fail_generally(format!(
                "You have {limit} secrets that work, and may not have more: wait until one expires, or ask whoever runs this \
                 server to retire one."
            ));
            return Ok(StatusCode::CONFLICT);
        }
    }
    Ok(StatusCode::BAD_REQUEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_stay_within_the_bounds_of_the_operator() {
        let values = |default, longest| {
            overlaps(OverlapPolicy { default, longest }).into_iter().map(|choice| choice.value).collect::<Vec<_>>()
        };
        assert_eq!(values(86_400, 604_800), ["0", "3600", "86400", "604800"]);
        assert_eq!(values(60, 7_200), ["0", "60", "3600", "7200"]);
        assert_eq!(values(0, 0), ["0"]);
    }

    #[test]
    fn an_end_is_told_by_words_and_warned_of_when_near() {
        let now = UnixMillis(1_796_075_280_000);
        let days = |days: i64| Some(now.plus_seconds(days * 86_400));
        assert_eq!(state(true, true, None, now), (Tone::Good, "Works"));
        assert_eq!(state(true, true, days(15), now), (Tone::Good, "Works"));
        assert_eq!(state(true, true, days(13), now), (Tone::Warning, "Ends soon"));
        assert_eq!(state(true, false, days(-1), now), (Tone::Quiet, "Expired"));
        assert_eq!(state(true, false, None, now), (Tone::Quiet, "Out of use"));
        assert_eq!(state(false, true, None, now), (Tone::Quiet, "Does not count"));
    }
}
