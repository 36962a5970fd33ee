//! How does a server come to read everything stored, also where the database is away when it starts?

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::exit::CliError;
use super::open::{KeyCheckError, Opened, Opening, refuse_another_master_key};
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::served::{FollowError, Served};
use crate::issuer::{Administration, AdministrationError};
use crate::keys::MasterKeys;
use crate::store::{OpenError, StoreError, is_leaving};

/// How long is waited before a database that is away is tried again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Puts in place what must be there from the start, and reads everything stored, while the server says that it is loading. A
/// database that several servers may share is waited for.
///
/// On a thread that nobody waits for: the server can be stopped meanwhile.
///
/// # Errors
/// If it helps nothing to try again.
pub async fn load(opened: &Opened, served: Arc<Served>, opening: Opening) -> Result<(), CliError> {
    let (answer, loaded) = oneshot::channel();
    let administration = opened.administration.clone();
    let loading = Loading { administration, master_keys: opened.master_keys.clone(), served, opening };
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || drop(answer.send(loading.until_done())))
        .map_err(|cause| anyhow::anyhow!("cannot start the thread that loads the configuration: {cause}"))?;
    loaded.await.unwrap_or_else(|_| Err(CliError::Failed(anyhow::anyhow!("loading the configuration panicked"))))
}

struct Loading {
    administration: Arc<Administration>,
    master_keys: Arc<MasterKeys>,
    served: Arc<Served>,
    opening: Opening,
}

impl Loading {
    fn until_done(mut self) -> Result<(), CliError> {
        let mut pause = PAUSES.0;
        // Whoever opened it has said that it is away.
        let mut is_told = self.opening != Opening::Done;
        loop {
            if is_told {
                self.served.await_store();
            }
            match self.attempt() {
                Ok(()) => return Ok(()),
                // Nobody waits for it any more.
                Err(failure) if is_leaving() => return Err(failure.into()),
                Err(failure) if self.served.store().tells_of_changes() && failure.is_temporary() => {
                    if !is_told {
                        is_told = true;
                        tracing::error!(cause = %failure, "the database is away; it is tried again until it is there");
                    }
                }
                Err(failure) => return Err(failure.into()),
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn attempt(&mut self) -> Result<(), LoadError> {
        if let Opening::Awaited(migrate) = self.opening {
            self.served.store().look_at_tables(migrate)?;
            refuse_another_master_key(self.served.store(), &self.master_keys)?;
            self.opening = Opening::Done;
        }
        self.administration.bootstrap(ManagementApi::BringUpToDate)?;
        Ok(self.served.follow()?)
    }
}

/// Why not everything could be read.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    MasterKey(#[from] KeyCheckError),
    #[error(transparent)]
    Bootstrap(#[from] AdministrationError),
    #[error("cannot load the configuration: {0}")]
    Follow(#[from] FollowError),
}

impl LoadError {
    /// What failed of the store, if it did.
    const fn store(&self) -> Option<&StoreError> {
        match self {
            Self::MasterKey(KeyCheckError::Store(cause))
            | Self::Bootstrap(AdministrationError::Store(cause))
            | Self::Follow(FollowError::Store(cause)) => Some(cause),
            Self::Open(_) | Self::MasterKey(_) | Self::Bootstrap(_) | Self::Follow(_) => None,
        }
    }

    /// May it help to try again?
    fn is_temporary(&self) -> bool {
        match self {
            Self::Open(error) => error.is_temporary(),
            other => other.store().is_some_and(StoreError::is_unavailable),
        }
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Bootstrap(error) => error.into(),
            other => Self::Failed(other.into()),
        }
    }
}
