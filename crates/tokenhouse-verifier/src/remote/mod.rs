//! How are an issuer's keys fetched, kept fresh, and kept in an outage? (RFC 7517 §5, RFC 9111 §4.2)

mod addresses;
mod configuration;
mod discovery;
mod fetch;
mod freshness;
mod tls;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use url::Url;

pub use self::configuration::{ConfigurationError, RemoteJwksBuilder};
pub use self::fetch::FetchError;

use self::configuration::{Location, Timing};
use self::fetch::Fetcher;
use crate::clock::Clock;
use crate::jwk_set::JwkSet;
use crate::key_source::{KeySource, KeysFuture, KeysUnavailable};

/// After a first fetch failed, requests are answered with that failure for this long before another fetch is tried.
const RETRY_AFTER_FIRST_FAILURE: Duration = Duration::from_secs(1);

/// The keys of an issuer, fetched over HTTP.
///
/// - Fresh keys are used without any I/O; stale ones are still used while one background task fetches the next set.
/// - While the issuer cannot be reached, the last good set stays, up to a limit.
/// - A token with an unknown `kid` causes a fetch, but at most one per cool-down, so that forged tokens cannot flood
///   the issuer.
/// - However many requests need a fetch at one time, one is made, and all wait for it.
/// - Only `https`, or `http` to this machine itself; no redirects; 2 seconds and 256 KiB at most.
///
/// It must be used inside a tokio runtime.
#[derive(Clone)]
pub struct RemoteJwks(Arc<Remote>);

impl RemoteJwks {
    /// Fetches the keys of `issuer` from the `jwks_uri` in its metadata (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).
    pub fn of_issuer(issuer: impl Into<String>) -> RemoteJwksBuilder {
        RemoteJwksBuilder::new(Location::Issuer(issuer.into()))
    }

    /// Fetches the keys from `jwks_uri`, without looking at metadata.
    pub fn at(jwks_uri: impl Into<String>) -> RemoteJwksBuilder {
        RemoteJwksBuilder::new(Location::JwksUri(jwks_uri.into()))
    }

    /// Fetches the keys now, or waits for a fetch that is under way; for a command line, or to have keys before the
    /// first request.
    pub async fn refresh(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        self.0.refresh_if(|_| true).await;
        let failure = self.0.lock().failure.clone();
        match (failure, self.0.held.load_full()) {
            (None, Some(held)) => Ok(Arc::clone(&held.keys)),
            (failure, _) => Err(unavailable(failure)),
        }
    }

    /// The keys that are held, or fetched where there are none or none that are young enough.
    pub async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        self.0.keys_if(|_| true).await
    }

    /// The keys after a fetch, because none of those held is the one wanted; within the cool-down, those that are held.
    pub async fn keys_anew(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        self.0.keys_if(|_| false).await
    }
}

impl KeySource for RemoteJwks {
    fn keys_for<'a>(&'a self, kid: &'a str) -> KeysFuture<'a> {
        Box::pin(self.0.keys_if(move |keys| keys.contains(kid)))
    }

    fn fresh_keys(&self) -> Option<Arc<JwkSet>> {
        let held = self.0.held.load();
        let held = held.as_ref()?;
        let age = self.0.clock.elapsed().saturating_sub(held.fetched_at);
        (age < held.fresh_for).then(|| Arc::clone(&held.keys))
    }
}

impl fmt::Debug for RemoteJwks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("RemoteJwks").field(self.0.fetcher.location()).finish()
    }
}

/// What all clones of a `RemoteJwks` share.
struct Remote {
    fetcher: Fetcher,
    timing: Timing,
    clock: Arc<dyn Clock>,
    held: ArcSwapOption<Held>,
    attempts: Mutex<Attempts>,
    /// Counts finished fetches, so that waiters wake.
    finished: watch::Sender<u64>,
}

/// A key set and when it was fetched.
struct Held {
    keys: Arc<JwkSet>,
    jwks_uri: Url,
    fetched_at: Duration,
    fresh_for: Duration,
}

/// What has been tried; times are the clock's `elapsed`.
#[derive(Default)]
struct Attempts {
    running: bool,
    last: Option<Duration>,
    last_for_unknown_kid: Option<Duration>,
    /// Why the last fetch failed, if it did.
    failure: Option<Arc<FetchError>>,
}

impl Remote {
    fn new(fetcher: Fetcher, timing: Timing, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            fetcher,
            timing,
            clock,
            held: ArcSwapOption::empty(),
            attempts: Mutex::default(),
            finished: watch::Sender::new(0),
        })
    }

    /// The keys that are held if they are `enough`, else those after a fetch.
    async fn keys_if(
        self: &Arc<Self>,
        enough: impl FnOnce(&JwkSet) -> bool + Send,
    ) -> Result<Arc<JwkSet>, KeysUnavailable> {
        let now = self.clock.elapsed();
        let Some(held) = self.usable(now) else { return self.first_keys(now).await };
        let age = now.saturating_sub(held.fetched_at);
        if enough(&held.keys) {
            if age >= held.fresh_for {
                let cool_down = self.timing.cool_down;
                // The cool-down is for an issuer that failed; one that wants to be asked every few seconds is.
                drop(self.start_if(|attempts| attempts.failure.is_none() || has_passed(attempts.last, cool_down, now)));
            }
            return Ok(Arc::clone(&held.keys));
        }
        self.refresh_if(|attempts| {
            let due = has_passed(attempts.last_for_unknown_kid, self.timing.cool_down, now);
            if due {
                attempts.last_for_unknown_kid = Some(now);
            }
            due
        })
        .await;
        // A failed fetch leaves the old set in place: a token with an unknown kid takes nothing away from the others.
        Ok(self.usable(now).map_or_else(|| Arc::clone(&held.keys), |held| Arc::clone(&held.keys)))
    }

    /// The keys when there are none yet, or none that are young enough.
    async fn first_keys(self: &Arc<Self>, now: Duration) -> Result<Arc<JwkSet>, KeysUnavailable> {
        self.refresh_if(|attempts| has_passed(attempts.last, RETRY_AFTER_FIRST_FAILURE, now)).await;
        match self.usable(now) {
            Some(held) => Ok(Arc::clone(&held.keys)),
            None => Err(unavailable(self.lock().failure.clone())),
        }
    }

    /// The set held, unless it has been stale for too long.
    fn usable(&self, now: Duration) -> Option<Arc<Held>> {
        let max_stale = self.timing.max_stale;
        self.held
            .load_full()
            .filter(|held| now.saturating_sub(held.fetched_at) <= held.fresh_for.saturating_add(max_stale))
    }

    /// Waits for the fetch that is under way, or for one that is started if `due` says so; else returns at once.
    async fn refresh_if(self: &Arc<Self>, due: impl FnOnce(&mut Attempts) -> bool) {
        if let Some(mut finished) = self.start_if(due) {
            // It fails only when the sender is gone, and `self` holds it.
            let _ = finished.changed().await;
        }
    }

    /// Starts a fetch unless one is running or it is not due. Who subscribes under the lock cannot miss the end.
    fn start_if(self: &Arc<Self>, due: impl FnOnce(&mut Attempts) -> bool) -> Option<watch::Receiver<u64>> {
        let mut attempts = self.lock();
        let finished = self.finished.subscribe();
        if attempts.running {
            return Some(finished);
        }
        if !due(&mut attempts) {
            return None;
        }
        attempts.running = true;
        attempts.last = Some(self.clock.elapsed());
        drop(attempts);
        // A task of its own: a caller that hangs up must not end the fetch that others wait for.
        let running = Running { remote: Arc::clone(self), outcome: None };
        tokio::spawn(async move {
            let mut running = running;
            let known = running.remote.held.load().as_ref().map(|held| held.jwks_uri.clone());
            running.outcome = Some(running.remote.fetcher.fetch(known).await);
        });
        Some(finished)
    }

    fn lock(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch under way. Dropping it ends it, also when the task was cancelled with its runtime.
struct Running {
    remote: Arc<Remote>,
    outcome: Option<Result<fetch::Fetched, FetchError>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let remote = &self.remote;
        let failure = match self.outcome.take().unwrap_or(Err(FetchError::Cancelled)) {
            Ok(fetched) => {
                let held = Held {
                    fresh_for: fetched
                        .max_age
                        .unwrap_or(remote.timing.default_max_age)
                        .min(remote.timing.longest_max_age),
                    keys: Arc::new(fetched.keys),
                    jwks_uri: fetched.jwks_uri,
                    fetched_at: remote.clock.elapsed(),
                };
                remote.held.store(Some(Arc::new(held)));
                None
            }
            Err(failure) => {
                tracing::warn!(cause = %WithSources(&failure), "could not fetch a JWK Set");
                Some(Arc::new(failure))
            }
        };
        let mut attempts = remote.lock();
        attempts.running = false;
        attempts.failure = failure;
        remote.finished.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// An error with all that led to it, on one line: "could not be fetched" alone helps nobody.
struct WithSources<'a>(&'a dyn std::error::Error);

impl fmt::Display for WithSources<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut deeper = self.0.source();
        while let Some(source) = deeper {
            write!(formatter, ": {source}")?;
            deeper = source.source();
        }
        Ok(())
    }
}

fn has_passed(since: Option<Duration>, period: Duration, now: Duration) -> bool {
    since.is_none_or(|since| now.saturating_sub(since) >= period)
}

fn unavailable(failure: Option<Arc<FetchError>>) -> KeysUnavailable {
    match failure {
        Some(failure) => KeysUnavailable { cause: Box::new(failure) },
        None => KeysUnavailable { cause: Box::new(FetchError::Cancelled) },
    }
}
