//! How does a server hear of a change at once? On a connection of its own to a store that tells of them, which only PostgreSQL does.
//!
//! Nothing depends on it but the time: whatever is missed here is found by the next poll.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::served::Served;
use crate::store::{Listener, StoreError, is_leaving};

/// How often is looked whether something has arrived. That asks nobody but this machine, and costs a system call.
const INTERVAL: Duration = Duration::from_millis(20);

/// How long is waited before a lost connection is made anew: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// What a store tells of by itself.
#[derive(Debug, Default)]
pub struct Hearing {
    is_listening: AtomicBool,
    news: Notify,
}

impl Hearing {
    /// Is the store listened to, so that it tells of a change at once?
    pub fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Relaxed)
    }

    /// Waits until there may be a change; if that was told before anybody waited, it returns at once.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    fn set_listening(&self, listening: bool) {
        self.is_listening.store(listening, Ordering::Relaxed);
    }

    fn tell(&self) {
        self.news.notify_one();
    }
}

/// Listens to the store of `served` on a thread, as long as somebody holds `served`, if the store tells of changes.
///
/// # Errors
/// If the operating system gives no thread.
pub fn start(served: &Arc<Served>) -> std::io::Result<()> {
    if served.store().tells_of_changes() {
        let served = Arc::downgrade(served);
        std::thread::Builder::new().name("listen".to_owned()).spawn(move || listen(&served))?;
    }
    Ok(())
}

fn listen(served: &Weak<Served>) {
    let mut pause = PAUSES.0;
    let mut is_told = false;
    while let Some(listener) = served.upgrade().filter(|_| !is_leaving()).map(|served| served.store().listen()) {
        let ended = match listener {
            Ok(listener) => {
                if is_told {
                    tracing::info!("the database is listened to again: changes are served at once");
                }
                (pause, is_told) = (PAUSES.0, false);
                hear(served, listener)
            }
            Err(cause) => Err(cause),
        };
        if let Err(cause) = ended
            && !is_told
        {
            is_told = true;
            tracing::warn!(%cause, "the database cannot be listened to; changes are found by polling, and it is tried again");
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Hears what arrives until the connection is lost, or nobody serves any more.
fn hear(served: &Weak<Served>, mut listener: Listener) -> Result<(), StoreError> {
    if let Some(served) = served.upgrade() {
        served.hearing().set_listening(true);
        // What was told while nobody listened.
        served.hearing().tell();
    }
    loop {
        let news = listener.news();
        let Some(served) = served.upgrade().filter(|_| !is_leaving()) else { return Ok(()) };
        match news {
            Ok(Some(revision)) if revision != served.snapshot().revision => served.hearing().tell(),
            Ok(_) => {}
            Err(cause) => {
                served.hearing().set_listening(false);
                return Err(cause);
            }
        }
        drop(served);
        std::thread::sleep(INTERVAL);
    }
}
