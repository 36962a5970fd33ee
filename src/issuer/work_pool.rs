//! Where does heavy work run, so that no I/O worker ever waits for it and no queue grows without bound?

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

use super::duration_histogram::{Distribution, DurationHistogram, LONG_WORK};

/// A few threads, each with its own state `S`, behind a bounded queue that stamps arrival.
///
/// Work that has waited longer than `max_wait`, or whose caller has gone, is dropped unstarted: under overload the
/// threads work only for callers who still want the answer.
#[derive(Debug)]
pub struct WorkPool<S> {
    queue: Sender<Job<S>>,
    record: Arc<Record>,
}

/// What a pool did since it started.
#[derive(Debug)]
struct Record {
    refused: AtomicU64,
    times: DurationHistogram,
}

/// How much waits in a queue, and how much it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLoad {
    /// How much waits now.
    pub waiting: usize,
    /// How much was refused since the start: at once, or because it waited too long.
    pub refused: u64,
}

/// How large a [`WorkPool`] is.
#[derive(Clone, Copy, Debug)]
pub struct PoolSize {
    /// How many threads work; 0 means one per core.
    pub threads: usize,
    /// How many jobs may wait.
    pub queue: usize,
    /// How long a job may wait.
    pub max_wait: Duration,
}

/// The queue is full or the work waited too long: the caller should try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much work is waiting")]
pub struct Busy;

type Work<S> = Box<dyn FnOnce(&mut S, Decision) + Send>;

struct Job<S> {
    arrived: Instant,
    run: Work<S>,
}

/// Told to a job when it is taken from the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Start,
    GiveUp,
}

impl<S: Default + 'static> WorkPool<S> {
    /// Starts the threads, which are named `name`.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(name: &str, size: PoolSize) -> std::io::Result<Self> {
        let threads = match size.threads {
            0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
            chosen => chosen,
        };
        let (queue, jobs) = bounded(size.queue.max(1));
        let record = Arc::new(Record { refused: AtomicU64::new(0), times: DurationHistogram::new(&LONG_WORK) });
        for _ in 0..threads {
            let (jobs, record) = (jobs.clone(), record.clone());
            let max_wait = size.max_wait;
            thread::Builder::new().name(name.to_owned()).spawn(move || work(&jobs, max_wait, &record))?;
        }
        Ok(Self { queue, record })
    }

    /// How much waits, and how much was refused since the start.
    pub fn load(&self) -> QueueLoad {
        QueueLoad { waiting: self.queue.len(), refused: self.record.refused.load(Ordering::Relaxed) }
    }

    /// How long the work took, without its wait.
    pub fn times(&self) -> Distribution {
        self.record.times.read()
    }

    /// Runs `work` on one of the threads and waits for its result.
    ///
    /// # Errors
    /// [`Busy`] at once when the queue is full, or when the work waited too long or panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut S) -> T + Send + 'static) -> Result<T, Busy> {
        let (answer, result) = oneshot::channel();
        let record = self.record.clone();
        let run = Box::new(move |state: &mut S, decision: Decision| {
            if decision == Decision::Start && !answer.is_closed() {
                let began = Instant::now();
                let done = work(state);
                record.times.observe(began.elapsed());
                // The caller may leave while the work runs; then nobody reads the result.
                let _ = answer.send(done);
            }
        });
        self.queue.try_send(Job { arrived: Instant::now(), run }).map_err(|_| {
            self.record.refused.fetch_add(1, Ordering::Relaxed);
            Busy
        })?;
        result.await.map_err(|_| Busy)
    }
}

fn work<S: Default>(jobs: &Receiver<Job<S>>, max_wait: Duration, record: &Record) {
    let mut state = S::default();
    while let Ok(job) = jobs.recv() {
        let decision = if job.arrived.elapsed() > max_wait { Decision::GiveUp } else { Decision::Start };
        if decision == Decision::GiveUp {
            record.refused.fetch_add(1, Ordering::Relaxed);
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut state, decision)));
        if outcome.is_err() {
            // A panic may have left the state half changed; the panic itself is in the log already.
            state = S::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: PoolSize = PoolSize { threads: 1, queue: 1, max_wait: Duration::from_secs(5) };

    #[tokio::test]
    async fn work_runs_with_the_state_of_its_thread() {
        let pool = WorkPool::<u32>::start("test", SIZE).unwrap();
        for expected in 1..=3 {
            let counted = pool.run(|count| {
                *count += 1;
                *count
            });
            assert_eq!(counted.await, Ok(expected));
        }
        assert_eq!(pool.times().count(), 3);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let pool = std::sync::Arc::new(WorkPool::<()>::start("test", SIZE).unwrap());
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let busy = pool.clone();
        let first = tokio::spawn(async move {
            busy.run(move |()| {
                started.send(()).unwrap();
                wait.recv().unwrap();
            })
            .await
        });
        running.await.unwrap();
        let waiting = pool.clone();
        let second = tokio::spawn(async move { waiting.run(|()| ()).await });
        while pool.queue.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|()| ()).await, Err(Busy));
        assert_eq!(pool.load(), QueueLoad { waiting: 1, refused: 1 });
        release.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(()), Ok(())));
    }

    #[tokio::test]
    async fn work_that_waited_too_long_is_not_started() {
        let size = PoolSize { max_wait: Duration::ZERO, ..SIZE };
        let pool = WorkPool::<()>::start("test", size).unwrap();
        assert_eq!(pool.run(|()| panic!("must not run")).await, Err(Busy));
        assert_eq!(pool.load(), QueueLoad { waiting: 0, refused: 1 });
        assert_eq!(pool.times().count(), 0);
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_thread_lives_on() {
        let pool = WorkPool::<()>::start("test", SIZE).unwrap();
        assert_eq!(pool.run(|()| panic!("expected by this test")).await, Err::<(), _>(Busy));
        assert_eq!(pool.run(|()| 7).await, Ok(7));
    }
}
