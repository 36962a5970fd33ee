//! What does `tokenhouse serve` answer with? The endpoints, as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::exit::CliError;
use super::open::{Opened, seconds};
use crate::config::Config;
use crate::http::cached_document::DocumentAge;
use crate::http::health::Stopping;
use crate::http::management::{ManagementEndpoints, ManagementLimits};
use crate::http::tls::ServedCertificate;
use crate::http::{IssuerEndpoints, RequestLimits};
use crate::issuer::authenticate_assertion::AssertionSettings;
use crate::issuer::console::ConsoleSessions;
use crate::issuer::freshness::FreshnessBounds;
use crate::issuer::hash_pool::HashPoolSettings;
use crate::issuer::management_access::ManagementAccess;
use crate::issuer::published_keys::PublishedKeysSettings;
use crate::issuer::request_rate::RequestRateSettings;
use crate::issuer::served::Served;
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::signing_queue::SigningQueueSettings;
use crate::issuer::snapshot::SnapshotContext;
use crate::issuer::work_pool::PoolSize;
use crate::issuer::{TokenIssuer, TokenIssuerSettings};

/// How often the store may fail to answer before `/readyz` says so.
const MISSED_POLLS: u32 = 8;

/// How long a slow check of a secret may wait for its turn; each takes about 25 ms.
const LONGEST_HASH_WAIT: Duration = Duration::from_secs(2);

/// The endpoints over the store of `opened`, of which nothing has been read yet.
///
/// # Errors
/// If a file that the configuration names cannot be read, or a thread cannot be started.
pub fn endpoints(opened: &Opened, certificate: Option<Arc<ServedCertificate>>) -> Result<IssuerEndpoints, CliError> {
    let config = &opened.config;
    let context = SnapshotContext {
        issuer: opened.administration.policy().issuer.clone(),
        master_keys: opened.master_keys.clone(),
        test_keys: TestKeys::Refused,
    };
    let store = opened.administration.store().clone();
    let bounds = FreshnessBounds {
        silent_after: (config.store.poll * MISSED_POLLS).max(Duration::from_secs(2)),
        stale_after: config.store.max_staleness,
    };
    let served = Arc::new(Served::new(store, opened.clock.clone(), context).bounded(bounds));
    let issuer =
        TokenIssuer::start(served.clone(), issuer_settings(config)?, opened.clock.clone(), opened.entropy.clone())
            .context("cannot start the threads of the issuer")?;
    let issuer = Arc::new(issuer);
    Ok(IssuerEndpoints {
        issuer: issuer.clone(),
        administration: opened.administration.clone(),
        console: Arc::new(ConsoleSessions::new(served, opened.administration.clone())),
        management: Arc::new(ManagementEndpoints::new(
            ManagementAccess::new(issuer.served().clone(), opened.clock.clone()),
            ManagementLimits { per_second: config.limits.management_per_second, burst: config.limits.management_burst },
        )),
        limits: RequestLimits {
            body_bytes: config.limits.body_bytes,
            body_time: config.server.request_body,
            parameters: config.limits.parameters,
        },
        document_age: DocumentAge::new(seconds(config.jwks.max_age)),
        certificate,
        stopping: Stopping::default(),
    })
}

fn issuer_settings(config: &Config) -> Result<TokenIssuerSettings, CliError> {
    let assertions = &config.client_assertions;
    let ca_pem = match &assertions.jwks_uri_ca_file {
        Some(path) => Some(
            std::fs::read(path)
                .with_context(|| format!("cannot read client_assertions.jwks_uri_ca_file, {}", path.display()))?,
        ),
        None => None,
    };
    Ok(TokenIssuerSettings {
        compat: config.compat,
        hashing: HashPoolSettings {
            pool: PoolSize {
                threads: config.hashing.threads.count().get(),
                queue: config.hashing.queue,
                max_wait: LONGEST_HASH_WAIT,
            },
            remember: config.hashing.remember,
            remembered: config.hashing.remember_entries,
        },
        signing: SigningQueueSettings { longest: config.signing.queue, max_wait: config.signing.longest_wait },
        request_rate: RequestRateSettings {
            per_second: config.limits.client_requests_per_second,
            burst: config.limits.client_requests_burst,
            mode: config.limits.client_requests_mode,
        },
        failed_attempts: config.limits.failed_attempts,
        reuse_bytes: config.token.reuse_bytes,
        assertions: AssertionSettings {
            strict: assertions.strict,
            max_lifetime: seconds(assertions.max_lifetime),
            clock_tolerance: seconds(assertions.clock_tolerance),
            published_keys: PublishedKeysSettings { known: assertions.jwks_uri_hosts.clone(), ca_pem },
        },
    })
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::http::StatusCode;
    use actix_web::http::header::RETRY_AFTER;
    use actix_web::test::{TestRequest, call_service, init_service, read_body, read_body_json};
    use serde_json::Value;

    use super::super::load::load;
    use super::super::open::{Opening, open_for_serving};
    use super::super::running;
    use super::*;
    use crate::clock::{Clock as _, ManualClock, SystemClock};
    use crate::config::{Flag, Sources};
    use crate::http::metrics;
    use crate::issuer::clients::IdRule;
    use crate::issuer::document::{ApiEntry, ClientEntry, GrantEntry};
    use crate::issuer::rights::Caller;
    use crate::issuer::secrets::SecretTerms;
    use crate::store::{Migrate, Store};

    /// What `serve` has opened in a fresh folder before anything is read.
    fn opened(directory: &std::path::Path, issuer: &str) -> Opened {
        let at = |name: &str| directory.join(name).display().to_string();
        let settings = [
            ("database.url", format!("sqlite:{}", at("tokenhouse.db"))),
            ("keys.directory", at("keys")),
            ("issuer", issuer.to_owned()),
        ];
        let flags = settings.map(|(key, value)| Flag { name: "--set".to_owned(), key: key.to_owned(), value });
        let config = Config::load(&Sources::defaults_and(flags.into())).unwrap();
        open_for_serving(config, Migrate::WhenEmpty).unwrap().0
    }

    #[actix_web::test]
    async fn until_everything_is_read_nobody_is_refused_for_good() {
        for (issuer, path) in [("http://localhost/", ""), ("http://localhost/one/two", "/one/two")] {
            let directory = tempfile::tempdir().unwrap();
            let opened = opened(directory.path(), issuer);
            let endpoints = endpoints(&opened, None).unwrap();
            let served = endpoints.issuer.served().clone();
            let watched = init_service(App::new().configure(metrics::routes(endpoints.clone()))).await;
            let told = async || {
                let response = call_service(&watched, TestRequest::get().uri("/metrics").to_request()).await;
                String::from_utf8(read_body(response).await.to_vec()).unwrap()
            };
            let app = init_service(App::new().configure(running::routes(endpoints))).await;
            let answer = async |request: TestRequest| {
                let response = call_service(&app, request.to_request()).await;
                let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
                (response.status(), retry_after, read_body_json::<Value, _>(response).await)
            };
            let get = |relative: &str| TestRequest::get().uri(&format!("{path}{relative}"));
            let token = || {
                let form = [("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", "s")];
                TestRequest::post().uri(&format!("{path}/oauth/token")).set_form(form)
            };

            assert_eq!(answer(get("/livez")).await.0, StatusCode::OK);
            let (status, _, body) = answer(get("/readyz")).await;
            assert_eq!((status, &body["status"]), (StatusCode::SERVICE_UNAVAILABLE, &Value::from("loading")));
            let documents = ["/.well-known/jwks.json", "/.well-known/openid-configuration"];
            for request in documents.map(get).into_iter().chain([token()]) {
                let (status, retry_after, body) = answer(request).await;
                assert_eq!((status, retry_after.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("1")), "{body}");
                assert_eq!(body["error"], "temporarily_unavailable");
            }
            let (status, retry_after, body) = answer(get("/api/v2/clients")).await;
            assert_eq!((status, retry_after.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
            assert_eq!(body["errorCode"], "temporarily_unavailable");

            let loading = told().await;
            assert!(loading.contains("\ntokenhouse_ready 0") && !loading.contains("tokenhouse_clients"), "{loading}");
            assert!(loading.contains("\ntokenhouse_degraded{part=\"store\"} 0"), "{loading}");

            load(&opened, served, Opening::Done).await.unwrap();
            let loaded = told().await;
            assert!(loaded.contains("\ntokenhouse_ready 1") && loaded.contains("\ntokenhouse_clients 0"), "{loaded}");
            assert_eq!(answer(get("/readyz")).await.0, StatusCode::OK);
            for document in documents {
                assert_eq!(answer(get(document)).await.0, StatusCode::OK);
            }
            assert_eq!(answer(token()).await.2["error"], "invalid_client");
            assert_eq!(answer(get("/api/v2/clients")).await.0, StatusCode::UNAUTHORIZED);
        }
    }

    #[actix_web::test]
    async fn who_is_known_gets_tokens_while_the_store_is_silent_and_for_no_longer_than_is_set() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let opened = Opened { clock: clock.clone(), ..opened(directory.path(), "http://localhost/") };
        let endpoints = endpoints(&opened, None).unwrap();
        let served = endpoints.issuer.served().clone();
        load(&opened, served.clone(), Opening::Done).await.unwrap();
        let added = opened.administration.change(&Caller::system(), |change| {
            change.create_api(&ApiEntry::new("https://api/"))?;
            change.create_client(&ClientEntry::new(Some("c".to_owned()), None), IdRule::Chosen)?;
            change.create_grant("c", &GrantEntry::new("https://api/", Vec::new()))?;
            change.add_secret("c", SecretTerms::default())
        });
        let secret = added.unwrap().secret.expose().to_owned();
        served.follow().unwrap();
        let app = init_service(App::new().configure(running::routes(endpoints))).await;
        let answer = async |request: TestRequest| {
            let response = call_service(&app, request.to_request()).await;
            assert_eq!(response.headers().contains_key(RETRY_AFTER), response.status() == 503);
            (response.status().as_u16(), read_body_json::<Value, _>(response).await)
        };
        let token = |client: &str, secret: &str| {
            let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
            TestRequest::post().uri("/oauth/token").set_form(form)
        };
        let get = |path: &str| TestRequest::get().uri(path);
        let managed = async || answer(get("/api/v2/clients")).await.0;

        // The same bytes each time: what is remembered of a request must not outlast the time either.
        for (pass, [known, unknown, management, ready], status) in [
            (0, [200, 401, 401, 200], "ready"),
            (2, [200, 401, 401, 200], "ready"),
            (1, [200, 503, 503, 200], "degraded, still issuing"),
            (3597, [200, 503, 503, 200], "degraded, still issuing"),
            (1, [503, 503, 503, 503], "not ready"),
        ] {
            clock.advance(pass);
            served.judge_freshness();
            assert_eq!(answer(token("c", &secret)).await.0, known, "{status}");
            for (client, secret) in [("nobody", "x"), ("c", "x")] {
                assert_eq!(answer(token(client, secret)).await.0, unknown, "{status}");
            }
            assert_eq!(managed().await, management, "{status}");
            let response = call_service(&app, get("/readyz").to_request()).await;
            assert_eq!(response.status().as_u16(), ready);
            assert_eq!(read_body_json::<Value, _>(response).await["status"], status);
            assert_eq!(call_service(&app, get("/.well-known/jwks.json").to_request()).await.status(), StatusCode::OK);
        }
        served.follow().unwrap();
        assert_eq!(answer(token("c", &secret)).await.0, 200);
        assert_eq!((answer(token("nobody", "x")).await.0, managed().await), (401, 401));
    }

    #[actix_web::test]
    async fn what_cannot_be_loaded_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let opened = opened(directory.path(), "http://localhost/");
        let served = endpoints(&opened, None).unwrap().issuer.served().clone();
        load(&opened, served, Opening::Done).await.unwrap();
        let store: &Store = opened.administration.store();
        assert_eq!(store.read(|reader| reader.list_signing_keys()).unwrap().len(), 1, "it signs at once");

        std::fs::remove_file(directory.path().join("tokenhouse.db")).unwrap();
        let served = endpoints(&opened, None).unwrap().issuer.served().clone();
        let error = load(&opened, served.clone(), Opening::Done).await.unwrap_err();
        assert!(matches!(error, CliError::Failed(_)), "{error:?}");
        assert!(!served.is_loaded());
    }
}
