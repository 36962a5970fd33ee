//! An issuer inside a test: how does it start and stop, and what can be done to it?

use std::fmt;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokenhouse::clock::UnixMillis;
use tokenhouse::dev::clock::{ClockChange, ClockTime};
use tokenhouse::dev::control_key::ControlKey;
use tokenhouse::dev::demo::Demo;
use tokenhouse::dev::drive_error::DriveError;
use tokenhouse::dev::driven_issuer::{DrivenIssuer, Origin};
use tokenhouse::dev::endpoint::{Endpoint, Endpoints};
use tokenhouse::dev::issuers::{FirstUse, Issuers};
use tokenhouse::dev::key_stock::FirstKeys;
use tokenhouse::dev::memory_issuer::{HashThreads, ManagementClient};
use tokenhouse::dev::request_log::{RecordedRequest, RequestFilter};
use tokenhouse::dev::route::issuer_routes;
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::http::server::{ServerSettings, start};
use tokenhouse::keys::SigningAlg;
use tokenhouse::oauth::metadata::Issuer;
use tokenhouse::oauth::resource::Compat;
use tokio::sync::oneshot;

use crate::builder::TestIssuerBuilder;
use crate::failure::Failure;
use crate::mint::Mint;
use crate::objects::Credentials;

/// A real issuer, in memory, on a free port of this machine, on threads of its own. It ends when it is dropped.
///
/// It works in any runtime of tokio: `#[tokio::test]`, `#[actix_web::test]`. Any number may run at a time; each has its own
/// keys, time and log.
pub struct TestIssuer {
    issuers: Arc<Issuers>,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl TestIssuer {
    /// Starts one with a demo: see [`TestIssuerBuilder`].
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// One with APIs and clients of your own.
    pub fn builder() -> TestIssuerBuilder {
        TestIssuerBuilder::default()
    }

    pub(crate) async fn start_with(demo: Demo) -> Result<Self, String> {
        let (ready, started) = oneshot::channel();
        let thread = thread::Builder::new().name("test-issuer".to_owned()).spawn(move || serve(demo, ready));
        let thread = thread.map_err(|error| error.to_string())?;
        let (issuers, server) = started.await.map_err(|_| "its thread has ended".to_owned())??;
        Ok(Self { issuers, server, thread: Some(thread) })
    }

    /// The issuer identifier, as it stands in `iss`.
    pub fn url(&self) -> &str {
        self.driven().origin().issuer.as_str()
    }

    /// The URL of an endpoint, for example `oauth/token`.
    pub fn endpoint(&self, relative: &str) -> String {
        self.driven().origin().issuer.endpoint(relative)
    }

    /// The audience of the first API.
    ///
    /// # Panics
    /// If it was built without an API.
    #[expect(clippy::expect_used, reason = "a test that is written wrongly must fail where it is wrong")]
    pub fn audience(&self) -> &str {
        let first = self.driven().origin().demo.document.apis.first();
        first.map(|api| api.identifier.as_str()).expect("the test issuer has an API")
    }

    /// With what the client `client_id` proves who it is.
    ///
    /// # Panics
    /// If it was built without such a client, or with one whose secret is not known.
    #[expect(clippy::panic, reason = "a test that is written wrongly must fail where it is wrong")]
    pub fn credentials(&self, client_id: &str) -> Credentials {
        let clients = &self.driven().origin().demo.document.clients;
        let client = clients.iter().find(|client| client.client_id.as_deref() == Some(client_id));
        let secret = client.and_then(|client| client.secrets.iter().find_map(|secret| secret.value.clone()));
        match secret {
            Some(client_secret) => Credentials { client_id: client_id.to_owned(), client_secret },
            None => panic!("the test issuer was built without a client {client_id} with a secret"),
        }
    }

    /// A good token of the first client.
    pub async fn token(&self) -> String {
        self.mint().token().await
    }

    /// Any token, good or bad.
    pub fn mint(&self) -> Mint<'_> {
        Mint::new(self)
    }

    /// Lets time pass for the issuer; its tokens grow old, its secrets expire.
    ///
    /// # Panics
    /// If that is beyond the year 2500.
    pub async fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.drive(move |driven| driven.set_clock(|clock| clock.advance(millis))).await;
    }

    /// Stops the issuer's clock at this time, in Unix seconds; [`advance`](Self::advance) still moves it.
    ///
    /// # Panics
    /// If that is not between 1970 and 2500.
    pub async fn freeze_at(&self, unix_seconds: i64) {
        self.drive(move |driven| {
            let at = ClockTime::At(UnixMillis(0).plus_seconds(unix_seconds));
            driven.set_clock(|clock| clock.change(ClockChange { time: Some(at), frozen: Some(true) }))
        })
        .await;
    }

    /// The issuer's clock, for `tokenhouse_verifier::ResourceServer::clock`: so that the API under test goes by it too.
    pub fn clock(&self) -> Arc<dyn tokenhouse_verifier::Clock> {
        self.driven().clock().clone()
    }

    /// Spoils the next answers of `endpoint`.
    ///
    /// # Panics
    /// If the failure makes no sense, such as one that is to happen 0 times.
    #[expect(clippy::panic, reason = "a test that is written wrongly must fail where it is wrong")]
    pub fn fail_next(&self, endpoint: Endpoint, failure: Failure) {
        if let Err(error) = self.driven().faults().add(failure.at(endpoint)) {
            panic!("this failure cannot be: {error}");
        }
    }

    /// What the issuer was asked so far, without secrets: the last 1000 requests.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.driven().requests().list(&RequestFilter::default(), 0).requests()
    }

    /// Waits until `endpoint` was asked `count` times, and returns those requests.
    ///
    /// # Panics
    /// If that has not come about within 30 seconds.
    pub async fn wait_for_requests(&self, endpoint: Endpoint, count: usize) -> Vec<RecordedRequest> {
        let filter = RequestFilter { endpoint: Some(Endpoints::One(endpoint)), ..RequestFilter::default() };
        let list = self.driven().requests().wait(&filter, count, Duration::from_secs(30)).await;
        let requests = list.requests();
        assert!(list.complete, "{endpoint:?} was asked {} times in 30 seconds, not {count}", requests.len());
        requests
    }

    /// Lets the next RS256 key sign from now on; the one before stays published.
    pub async fn rotate_keys(&self) {
        self.drive(|driven| driven.rotate_keys(SigningAlg::Rs256)).await;
    }

    /// Withdraws the RS256 key that signs, as after a leak: the next one takes its place, and the JWK Set does not show it any more.
    pub async fn drop_key(&self) {
        self.drive(|driven| driven.drop_key(None)).await;
    }

    /// Puts everything back to the start: objects, keys, time, failures, requests. Credentials stay.
    pub async fn reset(&self) {
        self.drive(|driven| Ok(driven.reset()?)).await;
    }

    fn driven(&self) -> &Arc<DrivenIssuer> {
        self.issuers.root()
    }

    /// Does something that may block, on a thread that may.
    #[expect(clippy::panic, reason = "a test that is written wrongly must fail where it is wrong")]
    pub(crate) async fn drive<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DrivenIssuer) -> Result<T, DriveError> + Send + 'static,
    ) -> T {
        let driven = self.driven().clone();
        let done = tokio::task::spawn_blocking(move || work(&driven).map_err(|error| error.to_string()));
        match done.await.map_err(|error| error.to_string()).flatten() {
            Ok(value) => value,
            Err(error) => panic!("the test issuer: {error}"),
        }
    }
}

impl fmt::Debug for TestIssuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TestIssuer").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        // It is told at once; its thread, which needs nothing of this one, waits for it.
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Ready = Result<(Arc<Issuers>, ServerHandle), String>;

/// Runs an issuer until its server is stopped.
fn serve(demo: Demo, ready: oneshot::Sender<Ready>) {
    actix_web::rt::System::new().block_on(async move {
        match begin(demo) {
            Ok((issuers, server)) => {
                let tending = actix_web::rt::spawn(issuers.clone().tend());
                // Whoever waited may have gone: then the server ends with its handle.
                if ready.send(Ok((issuers, server.handle()))).is_ok() {
                    let _ = server.await;
                }
                tending.abort();
            }
            Err(error) => drop(ready.send(Err(error))),
        }
    });
}

fn begin(demo: Demo) -> Result<(Arc<Issuers>, actix_web::dev::Server), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let entropy = Arc::new(SystemEntropy);
    let origin = Origin {
        name: None,
        issuer: Issuer::new(&format!("http://127.0.0.1:{port}/")),
        compat: Compat::Standard,
        management: ManagementClient::beside(&demo, entropy.as_ref()),
        demo,
        // Several run in one process.
        first_keys: FirstKeys::Own,
        hash_threads: HashThreads::One,
        resource_api: None,
        ca: None,
        control: None,
    };
    let key = ControlKey::generate(entropy.as_ref());
    let issuers = Issuers::start(origin, key, FirstUse::Refuses, entropy).map_err(|error| error.to_string())?;
    let issuers = Arc::new(issuers);
    let settings = ServerSettings { workers: 1, shutdown: Duration::from_secs(1), ..ServerSettings::default() };
    let server = start(listener, &settings, issuer_routes(&issuers)).map_err(|error| error.to_string())?;
    Ok((issuers, server))
}
