//! How does an issuer run: its pools, its server and what it does in the background until it is told to stop?

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::CliError;
use crate::http::IssuerEndpoints;
use crate::http::health::{self, Stopping};
use crate::http::tls::ServedCertificate;
use crate::http::tls::watch::{CertificateWatch, INTERVAL, Occasion};
use crate::issuer::console::ConsoleSessions;
use crate::issuer::freshness::Freshness;
use crate::issuer::rate_history::NOTED_EVERY;
use crate::issuer::rights::Caller;
use crate::issuer::rotate_keys::Rotation;
use crate::issuer::served::Served;
use crate::issuer::servers::{Presence, ServerState, TOLD_EVERY};
use crate::issuer::{Administration, TokenIssuer};

/// How often is looked whether the store is silent.
const JUDGING_INTERVAL: Duration = Duration::from_millis(100);

/// How often usage is written.
const USAGE_INTERVAL: Duration = Duration::from_secs(10);

/// How often refusals for overload are told.
const OVERLOAD_INTERVAL: Duration = Duration::from_secs(1);

/// How often used client assertions that have expired are forgotten.
const FORGETTING_INTERVAL: Duration = Duration::from_mins(1);

/// How often, at most and at least, the signing keys are looked after.
const TENDING_INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Opens a listener, or says why not and what to do.
///
/// # Errors
/// If the address is taken or not this machine's.
pub fn listen(address: std::net::SocketAddr, setting: &str) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("something listens there already: choose another port with {setting}")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("ports below 1024 need rights: choose another with {setting}")
            }
            std::io::ErrorKind::AddrNotAvailable => format!("this machine has no such address: correct {setting}"),
            _ => format!("correct {setting}"),
        };
        CliError::Failed(anyhow::anyhow!("cannot listen on {address}: {error}; {advice}"))
    })
}

/// Watches whether the store still answers, as long as the returned task runs, also while following it waits for an answer.
pub fn judge_freshness(served: Arc<Served>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let mut before = Freshness::Followed;
        loop {
            tokio::time::sleep(JUDGING_INTERVAL).await;
            let now = served.judge_freshness();
            match now {
                Freshness::Silent if before == Freshness::Followed => {
                    tracing::error!("the store is silent; tokens are issued from what is known");
                }
                Freshness::Stale if before != Freshness::Stale => {
                    tracing::error!("the store has been silent for too long; no tokens are issued until it answers");
                }
                Freshness::Followed if before != Freshness::Followed => {
                    tracing::info!("the store answers again; changes are followed");
                }
                _ => {}
            }
            before = now;
        }
    })
}

/// Follows the store every `interval`, and when it tells of a change, as long as the returned task runs.
pub fn follow_store(served: Arc<Served>, interval: Duration) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let mut failing = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = served.hearing().news() => {}
            }
            let (source, before) = (served.clone(), served.freshness());
            let followed = tokio::task::spawn_blocking(move || source.follow()).await;
            match followed {
                Ok(Ok(())) if failing => {
                    failing = false;
                    // Of a longer silence, whoever judges it tells the end.
                    if before == Freshness::Followed {
                        tracing::info!("the store answers again; changes are followed");
                    }
                }
                Ok(Err(cause)) if !failing => {
                    failing = true;
                    tracing::error!(%cause, "cannot follow the store; tokens are issued from what is known");
                }
                Ok(Ok(()) | Err(_)) => {}
                Err(cause) => tracing::error!(%cause, "following the store panicked"),
            }
        }
    })
}

/// Looks for a new certificate every few seconds and at SIGHUP, as long as the returned task runs.
///
/// # Errors
/// If the operating system does not tell of signals.
pub fn follow_certificate(served: Arc<ServedCertificate>) -> Result<tokio::task::JoinHandle<()>, CliError> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    Ok(actix_web::rt::spawn(async move {
        let mut watch = CertificateWatch::new(served.clone());
        loop {
            let occasion = tokio::select! {
                () = tokio::time::sleep(INTERVAL) => Occasion::Interval,
                _ = hangup.recv() => Occasion::Asked,
            };
            let looked = tokio::task::spawn_blocking(move || {
                watch.look(occasion);
                watch
            });
            watch = looked.await.unwrap_or_else(|cause| {
                tracing::error!(%cause, "looking for a new certificate panicked");
                CertificateWatch::new(served.clone())
            });
        }
    }))
}

/// Writes usage every few seconds, as long as the returned task runs.
pub fn write_usage(issuer: Arc<TokenIssuer>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(USAGE_INTERVAL).await;
            flush_usage(issuer.clone()).await;
        }
    })
}

/// Notes every minute how token requests ended, beginning now, as long as the returned task runs.
pub fn note_rates(issuer: Arc<TokenIssuer>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        loop {
            issuer.note_rates();
            tokio::time::sleep(Duration::from_secs(NOTED_EVERY.into())).await;
        }
    })
}

/// Writes usage now.
pub async fn flush_usage(issuer: Arc<TokenIssuer>) {
    let written = tokio::task::spawn_blocking(move || issuer.flush_usage()).await;
    if let Ok(Err(cause)) = written {
        tracing::warn!(%cause, "could not write how clients and secrets were used; it is tried again");
    }
}

/// Tells each second how many token requests were refused because too many signatures were waiting, as long as the returned
/// task runs.
pub fn tell_overload(issuer: Arc<TokenIssuer>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let mut told = 0;
        loop {
            tokio::time::sleep(OVERLOAD_INTERVAL).await;
            let refused = issuer.overload_refusals();
            if refused > told {
                tracing::warn!(
                    refused = refused - told,
                    "overloaded: token requests were refused with 503, too many signatures were waiting"
                );
                told = refused;
            }
        }
    })
}

/// Forgets used client assertions that have expired, every minute, as long as the returned task runs.
pub fn forget_assertions(issuer: Arc<TokenIssuer>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(FORGETTING_INTERVAL).await;
            let source = issuer.clone();
            let forget = move || source.served().store().forget_client_assertions(source.clock().now());
            if let Ok(Err(cause)) = tokio::task::spawn_blocking(forget).await {
                tracing::warn!(%cause, "could not forget expired client assertions; it is tried again");
            }
        }
    })
}

/// Forgets sessions and links of the console whose time is up, every minute, as long as the returned task runs.
pub fn forget_sessions(console: Arc<ConsoleSessions>) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(FORGETTING_INTERVAL).await;
            let source = console.clone();
            if let Ok(Err(cause)) = tokio::task::spawn_blocking(move || source.forget_expired()).await {
                tracing::warn!(%cause, "could not forget expired console sessions; it is tried again");
            }
        }
    })
}

/// What this server is called among others: by its machine and its process.
pub fn server_name() -> String {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{machine} {}", std::process::id())
}

/// Tells the others of this server, at once and every few seconds, as long as the returned task runs.
pub fn tell_presence(presence: Arc<Presence>, endpoints: IssuerEndpoints) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        loop {
            let (source, served, state) = (presence.clone(), endpoints.issuer.served(), health::state(&endpoints));
            // Of a store that is away nobody needs to hear once more.
            let is_away = || !served.is_loaded() || served.freshness() != Freshness::Followed;
            if !served.awaits_store()
                && let Ok(Err(cause)) = tokio::task::spawn_blocking(move || source.tell(state)).await
                && !is_away()
            {
                tracing::warn!(%cause, "could not write that this server runs; it is tried again");
            }
            // Soon again, so that it is not said to be loading long after it has.
            let pause = if state == ServerState::Loading { 1 } else { TOLD_EVERY };
            tokio::time::sleep(Duration::from_secs(pause.into())).await;
        }
    })
}

/// Tells the others that this server runs no more.
pub async fn end_presence(presence: Arc<Presence>) {
    if let Ok(Err(cause)) = tokio::task::spawn_blocking(move || presence.end()).await {
        tracing::warn!(%cause, "could not write that this server runs no more; it is forgotten after a day");
    }
}

/// Forgets what was counted of clients that ask no more, as long as the returned task runs.
pub fn forget_idle_clients(endpoints: IssuerEndpoints) -> tokio::task::JoinHandle<()> {
    actix_web::rt::spawn(async move {
        loop {
            tokio::time::sleep(FORGETTING_INTERVAL).await;
            let (issuer, management) = (endpoints.issuer.clone(), endpoints.management.clone());
            let console = endpoints.console.clone();
            let forget = move || {
                issuer.forget_idle_clients();
                console.forget_idle_clients();
                management.forget_idle_callers();
            };
            // Of a million clients it takes a while.
            if let Err(cause) = tokio::task::spawn_blocking(forget).await {
                tracing::error!(%cause, "forgetting idle clients panicked");
            }
        }
    })
}

/// Looks after the signing keys, at once and from time to time, as long as the returned task runs.
pub fn tend_keys(administration: Arc<Administration>) -> tokio::task::JoinHandle<()> {
    // Often enough that a rotation is late by a twentieth of its period at most.
    let twentieth = administration.policy().rotation_seconds.map(|period| Duration::from_secs(period.into()) / 20);
    let interval = twentieth.unwrap_or(TENDING_INTERVALS.1).clamp(TENDING_INTERVALS.0, TENDING_INTERVALS.1);
    actix_web::rt::spawn(async move {
        loop {
            let source = administration.clone();
            // Making an RSA key may take more than a second.
            match tokio::task::spawn_blocking(move || source.tend_keys(&Caller::system())).await {
                Ok(Ok(rotated)) => {
                    for Rotation { active, next } in rotated {
                        tracing::info!(alg = %active.alg, kid = active.kid, next = next.kid, "the signing key was rotated");
                    }
                }
                Ok(Err(cause)) => {
                    tracing::error!(%cause, "cannot announce, rotate or remove a signing key; it is tried again");
                }
                Err(cause) => tracing::error!(%cause, "looking after the signing keys panicked; it is tried again"),
            }
            tokio::time::sleep(interval).await;
        }
    })
}

/// Ctrl-C and SIGTERM, listened for from the moment that this is made: before anybody is told that the server is ready.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the operating system does not tell of signals.
    pub fn install() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for the next one.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// How a server is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    /// What its readiness follows.
    pub stopping: Stopping,
    /// How long it serves on as one that is not ready, so that whoever spreads requests over servers turns elsewhere.
    pub time: Duration,
}

/// Waits for the signal to stop, then stops the servers: as `drain` says they serve on but are not ready, then there are no new
/// connections, and requests in flight are answered. A second signal cuts that short. If the servers end by themselves, that is
/// an error. Meanwhile completes `started`.
///
/// # Errors
/// If the servers failed, or `started` did, which ends them at once.
pub async fn until_stopped(
    mut signals: StopSignals,
    drain: Drain,
    handles: Vec<ServerHandle>,
    mut servers: tokio::task::JoinHandle<std::io::Result<()>>,
    started: impl Future<Output = Result<(), CliError>>,
) -> Result<(), CliError> {
    tokio::select! {
        () = signals.next() => {}
        Err(error) = started => {
            for handle in &handles {
                handle.stop(false).await;
            }
            return Err(error);
        }
        ended = &mut servers => {
            ended.context("the server panicked")?.context("the server failed")?;
            return Err(CliError::Failed(anyhow::anyhow!("the server ended by itself")));
        }
    }
    drain.stopping.begin();
    let gentle = async {
        if !drain.time.is_zero() {
            tracing::info!(seconds = drain.time.as_secs(), "stopping: not ready any more, everything is still served");
            tokio::time::sleep(drain.time).await;
        }
        tracing::info!("stopping: no new connections, requests in flight are answered");
        for handle in &handles {
            handle.stop(true).await;
        }
    };
    tokio::select! {
        () = gentle => {}
        () = signals.next() => {
            tracing::warn!("stopping at once: requests in flight are cut off");
            for handle in &handles {
                handle.stop(false).await;
            }
        }
    }
    Ok(servers.await.context("the server panicked")?.context("the server failed")?)
}

/// The endpoints as a function that configures an application.
pub fn routes(endpoints: IssuerEndpoints) -> impl Fn(&mut actix_web::web::ServiceConfig) + Clone + Send + 'static {
    move |config| endpoints.configure(config)
}
