//! Does the time of a refusal tell why? Unknown client, wrong, expired and disabled, one after the other, through the whole token endpoint but for the socket:
//! prints medians and their ratios. The first case comes twice: what its two medians differ by is noise.
//!
//! With standard error sent elsewhere (`2>/dev/null`) the log is written as in earnest.

#![expect(clippy::expect_used, reason = "a benchmark without its server cannot go on")]

use std::io::{IsTerminal as _, Write as _};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::dev::Service as _;
use actix_web::test::{TestRequest, init_service};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use tokenhouse::clock::{Clock as _, SystemClock, UnixMillis};
use tokenhouse::config::{LimitMode, LogFormat};
use tokenhouse::dev::demo::Demo;
use tokenhouse::dev::key_stock::{FirstKeys, KeyStock};
use tokenhouse::dev::memory_issuer::{HashThreads, ManagementClient, MemoryIssuer};
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::http::IssuerEndpoints;
use tokenhouse::issuer::authenticate_assertion::AssertionSettings;
use tokenhouse::issuer::document::Document;
use tokenhouse::issuer::hash_pool::HashPoolSettings;
use tokenhouse::issuer::published_keys::PublishedKeysSettings;
use tokenhouse::issuer::request_rate::RequestRateSettings;
use tokenhouse::issuer::signing_queue::SigningQueueSettings;
use tokenhouse::issuer::work_pool::PoolSize;
use tokenhouse::issuer::{TokenIssuer, TokenIssuerSettings};
use tokenhouse::keys::{PrivateKey, PublicJwk, RsaBits, SigningAlg, generate_private_key};
use tokenhouse::oauth::metadata::Issuer;
use tokenhouse::oauth::resource::Compat;
use tokenhouse::secret::GeneratedSecret;

const ISSUER: &str = "https://issuer.example.com/";
const BROUGHT: &str = "correct horse battery staple!";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// Requests that are refused alike, by what is wrong with them: the form of each.
struct Group {
    name: &'static str,
    rounds: usize,
    cases: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

fn by_secret(name: &'static str, id: &str, secret: &str) -> (&'static str, Vec<(&'static str, String)>) {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    (name, form.map(|(name, value)| (name, value.to_owned())).to_vec())
}

/// An assertion by `key` that `client_id` could have sent; one that expired if it is `late`.
fn by_key(
    name: &'static str,
    client_id: &str,
    key: &PrivateKey,
    late: bool,
) -> (&'static str, Vec<(&'static str, String)>) {
    let now = SystemClock.now().floor_seconds() - if late { 3_600 } else { 0 };
    let claims = json!({"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": "j", "iat": now, "exp": now + 1_800});
    let signing = EncodingKey::from_ec_der(key.expose_pkcs8());
    let assertion = encode(&Header::new(Algorithm::ES256), &claims, &signing).expect("a signature");
    let form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
        ("client_assertion", assertion),
    ];
    (name, form)
}

/// The endpoints, with these clients, that make nobody wait for failing.
fn endpoints(clients: &serde_json::Value) -> IssuerEndpoints {
    let document = json!({"apis": [{"identifier": "https://api/", "scopes": [{"value": "a"}]}], "clients": clients});
    let document: Document = serde_json::from_value(document).expect("a document");
    let entropy = Arc::new(SystemEntropy);
    let demo = Demo::seeded(document);
    let memory = MemoryIssuer {
        issuer: Issuer::new(ISSUER),
        compat: Compat::Standard,
        demo: &demo,
        management: &ManagementClient::beside(&demo, entropy.as_ref()),
        clock: Arc::new(SystemClock),
        entropy: entropy.clone(),
        keys: Arc::new(KeyStock::new(FirstKeys::Published)),
        hash_threads: HashThreads::One,
    };
    let endpoints = memory.start().map_err(|_| "it does not start").expect("an issuer");
    let settings = TokenIssuerSettings {
        compat: Compat::Standard,
        hashing: HashPoolSettings {
            pool: PoolSize { threads: 1, queue: 64, max_wait: Duration::from_secs(5) },
            remember: Duration::from_mins(5),
            remembered: 1_000,
        },
        assertions: AssertionSettings {
            strict: false,
            max_lifetime: 3_600,
            clock_tolerance: 30,
            published_keys: PublishedKeysSettings::default(),
        },
        signing: SigningQueueSettings { longest: 64, max_wait: Duration::from_secs(5) },
        request_rate: RequestRateSettings { per_second: None, burst: NonZeroU32::MIN, mode: LimitMode::Enforce },
        failed_attempts: 0,
        reuse_bytes: 0,
    };
    let served = endpoints.issuer.served().clone();
    let issuer = TokenIssuer::start(served, settings, Arc::new(SystemClock), entropy).expect("the threads start");
    IssuerEndpoints { issuer: Arc::new(issuer), ..endpoints }
}

fn groups() -> (serde_json::Value, Vec<Group>) {
    let secrets: Vec<GeneratedSecret> = (0..4).map(|_| GeneratedSecret::generate(&SystemEntropy)).collect();
    let [right, disabled, expired, nobodys] = secrets.as_slice() else { unreachable!("four were made") };
    let new_key = || generate_private_key(SigningAlg::Es256, RsaBits::default(), &SystemEntropy).expect("a key");
    let (key, stranger) = (new_key(), new_key());
    let jwk = serde_json::to_value(&PublicJwk::from_private_key(&key, UnixMillis(0)).expect("a JWK").parameters);
    let mut jwk = jwk.expect("JSON");
    jwk.as_object_mut().expect("an object").insert("alg".to_owned(), "ES256".into());
    let secret = |id: &str, value: &str, enabled: bool, expires_at: Option<&str>| {
        let expires_at = expires_at.map(|at| at.parse::<Timestamp>().expect("a time"));
        json!({"client_id": id, "enabled": enabled, "secrets": [{"value": value, "expires_at": expires_at}]})
    };
    let by_jwk = |id: &str, enabled: bool| json!({"client_id": id, "enabled": enabled, "authentication_methods": ["private_key_jwt"], "jwks": {"keys": [jwk]}});
    let clients = json!([
        secret("partner-a", right.expose(), true, None),
        secret("partner-b", disabled.expose(), false, None),
        secret("partner-c", expired.expose(), true, Some(LONG_AGO)),
        secret("brought-a", BROUGHT, true, None),
        secret("brought-b", BROUGHT, false, None),
        secret("brought-c", BROUGHT, true, Some(LONG_AGO)),
        by_jwk("keyed-a", true),
        by_jwk("keyed-b", false),
    ]);
    let (nobodys, wrong) = (nobodys.expose(), "incorrect horse battery staple!");
    let generated = vec![
        by_secret("unknown client", "partner-x", nobodys),
        by_secret("the same again", "partner-x", nobodys),
        by_secret("wrong secret", "partner-a", nobodys),
        by_secret("disabled client, right secret", "partner-b", disabled.expose()),
        by_secret("expired secret", "partner-c", expired.expose()),
    ];
    let brought = vec![
        by_secret("unknown client", "brought-x", BROUGHT),
        by_secret("the same again", "brought-x", BROUGHT),
        by_secret("wrong secret", "brought-a", wrong),
        by_secret("disabled client, right secret", "brought-b", BROUGHT),
        by_secret("expired secret", "brought-c", BROUGHT),
    ];
    let keyed = vec![
        by_key("unknown client", "keyed-x", &key, false),
        by_key("the same again", "keyed-x", &key, false),
        by_key("another's key", "keyed-a", &stranger, false),
        by_key("disabled client, right key", "keyed-b", &key, false),
        by_key("expired assertion", "keyed-a", &key, true),
    ];
    let groups = vec![
        Group { name: "generated secrets", rounds: 4_000, cases: generated },
        Group { name: "brought secrets", rounds: 150, cases: brought },
        Group { name: "client assertions, ES256", rounds: 2_000, cases: keyed },
    ];
    (clients, groups)
}

fn main() {
    // Cargo passes --bench; there is nothing to choose.
    if !std::io::stderr().is_terminal() {
        tokenhouse::telemetry::init(LogFormat::Json, "info").expect("a log");
    }
    actix_web::rt::System::new().block_on(measure()).expect("standard output takes text");
}

async fn measure() -> std::io::Result<()> {
    let (clients, groups) = groups();
    let endpoints = endpoints(&clients);
    let application = init_service(App::new().configure(|config| endpoints.configure(config))).await;
    let mut out = std::io::stdout();
    for Group { name, rounds, cases } in groups {
        let mut times = vec![Vec::with_capacity(rounds); cases.len()];
        for round in 0..rounds + rounds / 10 {
            for step in 0..cases.len() {
                // Each case comes after each other one as often.
                let index = (step * (1 + round % (cases.len() - 1)) + round) % cases.len();
                let Some((_, form)) = cases.get(index) else { continue };
                let request = TestRequest::post().uri("/oauth/token").set_form(form).to_request();
                let began = Instant::now();
                let answer = application.call(request).await.expect("an answer");
                let took = began.elapsed();
                assert_eq!(answer.status(), 401, "{form:?}");
                to_bytes(answer.into_body()).await.map_err(|_| std::io::Error::other("a body breaks off"))?;
                // The first tenth warms up.
                if let Some(times) = times.get_mut(index).filter(|_| round >= rounds / 10) {
                    times.push(took);
                }
            }
        }
        writeln!(
            out,
            "\n{name}, {rounds} of each\n\n| refused for | median, µs | quartiles, µs | ratio |\n|---|---|---|---|"
        )?;
        let quarter = |sorted: &[Duration], part: usize| {
            sorted.get(sorted.len() * part / 4).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        let mut base = None;
        for ((case, _), times) in cases.iter().zip(&mut times) {
            times.sort_unstable();
            let [low, median, high] = [1, 2, 3].map(|part| quarter(times, part));
            let ratio = median / *base.get_or_insert(median);
            writeln!(out, "| {case} | {median:.1} | {low:.1} to {high:.1} | {ratio:.3} |")?;
        }
    }
    Ok(())
}
