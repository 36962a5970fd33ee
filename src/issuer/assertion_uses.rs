//! Was this assertion used before? One thread notes all uses that wait in one transaction: on a disk that takes a few
//! milliseconds for each, one by one they would be slower than the signatures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

use super::work_pool::{Busy, QueueLoad};
use crate::store::{AssertionUse, Store, StoreError};

/// Uses that may wait; further ones are refused at once.
const QUEUE: usize = 1024;

/// Uses that one transaction notes.
const AT_ONCE: usize = 64;

/// How long a use may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// How long the store may then take to answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(3);

type Outcome = Result<bool, StoreError>;

struct Job {
    arrived: Instant,
    one: AssertionUse,
    answer: oneshot::Sender<Outcome>,
}

/// The queue of uses and the one thread that notes them.
pub struct AssertionUses {
    queue: Sender<Job>,
    refused: Arc<AtomicU64>,
}

impl std::fmt::Debug for AssertionUses {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AssertionUses").field("load", &self.load()).finish_non_exhaustive()
    }
}

impl AssertionUses {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the operating system gives none.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let (queue, waiting) = bounded(QUEUE);
        let refused = Arc::new(AtomicU64::new(0));
        let counted = refused.clone();
        std::thread::Builder::new()
            .name("assertion-uses".to_owned())
            .spawn(move || work(&store, &waiting, &counted))?;
        Ok(Self { queue, refused })
    }

    /// How many uses wait, and how many were refused since the start.
    pub fn load(&self) -> QueueLoad {
        QueueLoad { waiting: self.queue.len(), refused: self.refused.load(Ordering::Relaxed) }
    }

    /// Notes a use, and tells whether it is the first; what the store refuses is the inner error.
    ///
    /// # Errors
    /// [`Busy`] when too many wait, this one waited too long, the store does not answer, or the attempt panicked.
    pub async fn note(&self, one: AssertionUse) -> Result<Outcome, Busy> {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send(Job { arrived: Instant::now(), one, answer }).map_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Busy
        })?;
        // Whoever gives up here gets no token, whether or not its assertion will have been noted.
        let outcome = tokio::time::timeout(LONGEST_WAIT + LONGEST_ANSWER, outcome).await;
        outcome.ok().and_then(Result::ok).ok_or(Busy)
    }
}

fn work(store: &Store, waiting: &Receiver<Job>, refused: &AtomicU64) {
    while let Ok(first) = waiting.recv() {
        let batch = std::iter::once(first).chain(waiting.try_iter().take(AT_ONCE - 1));
        // Whose caller has gone, or has waited too long, is dropped: it gets no token, and the assertion stays unused.
        let (uses, answers): (Vec<_>, Vec<_>) = batch
            .filter(|job| !job.answer.is_closed())
            .filter(|job| {
                let in_time = job.arrived.elapsed() <= LONGEST_WAIT;
                refused.fetch_add(u64::from(!in_time), Ordering::Relaxed);
                in_time
            })
            .map(|job| (job.one, job.answer))
            .unzip();
        if uses.is_empty() {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(|| store.use_client_assertions(&uses))) {
            Ok(Ok(firsts)) => answers.into_iter().zip(firsts).for_each(|(answer, first)| drop(answer.send(Ok(first)))),
            Ok(Err(error)) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
            // Told by the dropped answers; the panic itself is in the log already.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::clock::UnixMillis;
    use crate::store::{Database, Migrate, StoreSettings};

    #[tokio::test]
    async fn of_many_that_wait_each_first_use_is_told_once() {
        let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let uses = AssertionUses::start(Store::open(&settings, Migrate::Always).unwrap()).unwrap();
        let one = |number: u32| AssertionUse { digest: (number / 2).to_string(), expires_at: UnixMillis(1) };
        let outcomes = join_all((0..400).map(|number| uses.note(one(number)))).await;
        let firsts: Vec<bool> = outcomes.into_iter().map(|outcome| outcome.unwrap().unwrap()).collect();
        assert!(firsts.chunks(2).all(|pair| pair == [true, false]), "in their order");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let settings = StoreSettings { database: Database::InMemory, pool_size: 1 };
        let uses = AssertionUses::start(Store::open(&settings, Migrate::Always).unwrap()).unwrap();
        let one = |number: usize| AssertionUse { digest: number.to_string(), expires_at: UnixMillis(1) };
        // One poll each queues them all before the thread can have taken many.
        let outcomes = join_all((0..QUEUE * 8).map(|number| uses.note(one(number)))).await;
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert!(refused > 0 && refused < outcomes.len(), "{refused} of {}", outcomes.len());
        assert_eq!(usize::try_from(uses.load().refused), Ok(refused));
    }
}
