//! How does a handler read and change what is stored? Off the workers, a bounded number at a time.

use std::fmt::Display;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::IssuerEndpoints;
use crate::issuer::administration::{Administration, AdministrationError};
use crate::issuer::rights::Caller;

/// Reads at one time: each holds a thread and a database connection.
const CONCURRENT_READS: usize = 8;

/// Changes at one time. They are made one after the other anyway; those waiting hold no thread.
const CONCURRENT_CHANGES: usize = 2;

/// Why a handler hears nothing of its work.
#[derive(Debug)]
pub(super) enum Unheard {
    /// The store has stopped answering meanwhile.
    StoreFellSilent,
    /// A fault of ours.
    Fault(String),
}

/// Whose turn is it to use the store? Shared by the Management API and the console.
#[derive(Debug)]
pub(super) struct StoreTurns {
    reads: Arc<Semaphore>,
    changes: Arc<Semaphore>,
}

impl Default for StoreTurns {
    fn default() -> Self {
        Self {
            reads: Arc::new(Semaphore::new(CONCURRENT_READS)),
            changes: Arc::new(Semaphore::new(CONCURRENT_CHANGES)),
        }
    }
}

impl IssuerEndpoints {
    /// Does one piece of work that only reads.
    pub(super) async fn reading<T, E>(&self, work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unheard> + Send + 'static,
    {
        self.in_turn(&self.management.turns.reads, work).await
    }

    /// Does one piece of work that changes something for `caller`, and returns once this server serves it.
    pub(super) async fn administering<T, E>(
        &self,
        caller: Caller,
        work: impl FnOnce(&Administration, &Caller) -> Result<T, AdministrationError> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unheard> + From<AdministrationError> + Send + 'static,
    {
        let administration = Arc::clone(&self.administration);
        let issuer = Arc::clone(&self.issuer);
        let change = move || {
            let outcome = work(&administration, &caller);
            // What was changed is changed: whatever comes now, the caller must not be told that it failed, or would
            // repeat it.
            if let Err(cause) = issuer.served().follow() {
                tracing::error!(%cause, "a change was made but is not served yet; it will be with the next poll");
            }
            Ok(outcome?)
        };
        self.in_turn(&self.management.turns.changes, change).await
    }

    /// Does `work` in its turn, unless the store falls silent meanwhile: a thread that waits for it may wait for long.
    async fn in_turn<T, E>(
        &self,
        turns: &Arc<Semaphore>,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unheard> + Send + 'static,
    {
        let done = async {
            let turn = turns.clone().acquire_owned().await;
            off_the_workers(turn.map_err(|error| fault(&error))?, work).await
        };
        tokio::select! {
            biased;
            done = done => done,
            () = self.issuer.served().silence() => Err(Unheard::StoreFellSilent.into()),
        }
    }
}

/// The thread keeps its `turn` until it ends, also when nobody waits for it any more.
async fn off_the_workers<T, E>(
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Unheard> + Send + 'static,
{
    let span = tracing::Span::current();
    let work = move || {
        let done = span.in_scope(work);
        drop(turn);
        done
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| fault(&error))?
}

fn fault(cause: &dyn Display) -> Unheard {
    Unheard::Fault(cause.to_string())
}
