//! When and where is a token signed? On the worker that took the request, between two looks at its sockets.
//!
//! Handing each signature to another thread and its result back was measured at a tenth of the signature (decision 0010). So
//! each worker has a desk: a queue, and one task that signs. Between slices of signatures the worker looks at its sockets, so whatever
//! needs no signature is answered within about a millisecond, or one signature where that takes longer. A worker with nothing to do helps
//! another whose desk has jobs waiting.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thread_local::ThreadLocal;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::work_pool::{Busy, QueueLoad};

/// How long a desk signs before the worker looks at its sockets again, if so much waits. After a signature the caches hold little
/// of what HTTP needs: answered one by one, RSA-2048 tokens were measured to cost a tenth more than several at a time.
const SLICE: Duration = Duration::from_millis(6);

/// How long it signs at most, unless one signature takes longer.
const LONGEST_SLICE: Duration = Duration::from_millis(15);

/// Once all else takes so long between two slices, many requests are there, most of which will be refused: then each slice is
/// as long as that, so that neither starves the other, and refusals are not kept waiting.
const BUSY: Duration = Duration::from_millis(1);

/// Who would wait longer than this part of the longest time, in tenths, is refused: the pace is an estimate, and who is let in
/// should not wait in vain.
const ADMITTED_TENTHS: u32 = 8;

/// How much a new observation of the pace counts: one part in so many.
const PACE_WEIGHT: u64 = 16;

/// How much may wait for a signature.
#[derive(Clone, Copy, Debug)]
pub struct SigningQueueSettings {
    /// How many requests may wait, over all workers.
    pub longest: usize,
    /// How long a request may wait: one that would have to wait longer is refused when it comes.
    pub max_wait: Duration,
}

/// The desks of all workers.
#[derive(Debug)]
pub struct SigningQueue(Arc<Desks>);

#[derive(Debug)]
struct Desks {
    settings: SigningQueueSettings,
    waiting: AtomicUsize,
    /// How many requests got no signature, at once or after waiting.
    refused: AtomicU64,
    of_threads: ThreadLocal<Arc<Desk>>,
}

/// What waits at one worker.
struct Desk {
    jobs: Mutex<VecDeque<Job>>,
    /// Is there a task that signs here?
    attended: AtomicBool,
    /// The worker's runtime, for others that want its help. It may have ended, and another worker have got the desk.
    runtime: Handle,
    /// How long one job takes here of late, with all that the worker does between, in nanoseconds; 0 while unknown.
    pace: AtomicU64,
}

struct Job {
    arrived: Instant,
    run: Box<dyn FnOnce() + Send>,
}

impl SigningQueue {
    /// No desk yet: each worker gets its own with its first request.
    pub fn new(settings: SigningQueueSettings) -> Self {
        Self(Arc::new(Desks {
            settings,
            waiting: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            of_threads: ThreadLocal::new(),
        }))
    }

    /// How many requests wait, and how many were refused since the start.
    pub fn load(&self) -> QueueLoad {
        QueueLoad { waiting: self.0.waiting.load(Ordering::Relaxed), refused: self.0.refused.load(Ordering::Relaxed) }
    }

    /// Whether a request that came now would be refused.
    ///
    /// # Errors
    /// [`Busy`] if so.
    pub fn admit(&self) -> Result<(), Busy> {
        let fits = self.0.waiting.load(Ordering::Relaxed) < self.0.settings.longest
            && self
                .0
                .of_threads
                .get()
                .is_none_or(|desk| desk.wait() <= self.0.settings.max_wait * ADMITTED_TENTHS / 10);
        if fits { Ok(()) } else { Err(self.refuse()) }
    }

    fn refuse(&self) -> Busy {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        Busy
    }

    /// Runs `work` when its turn has come, and waits for its result.
    ///
    /// # Errors
    /// [`Busy`] at once when too much is waiting; later, when it waited too long after all or panicked.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        self.admit()?;
        let (answer, result) = oneshot::channel();
        let run = Box::new(move || {
            if !answer.is_closed() {
                // The caller may leave while the work runs; then nobody reads the result.
                let _ = answer.send(work());
            }
        });
        self.0.add(Job { arrived: Instant::now(), run });
        result.await.map_err(|_| Busy)
    }
}

impl Desks {
    fn add(self: &Arc<Self>, job: Job) {
        let desk = self.of_threads.get_or(|| Arc::new(Desk::here()));
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = {
            let mut jobs = desk.jobs();
            jobs.push_back(job);
            jobs.len()
        };
        if desk.begin_to_attend() {
            tokio::spawn(Attendant::new(self, desk).work());
        } else if waiting > 1
            && let Some(idle) = self.of_threads.iter().find(|other| other.begin_to_attend())
        {
            idle.runtime.spawn(Attendant::new(self, idle).work());
        }
    }

    /// The next job at `desk`, or else one that waits at another.
    fn take(&self, desk: &Desk) -> Option<Job> {
        let own = desk.jobs().pop_front();
        let job = own.or_else(|| self.of_threads.iter().find_map(|other| other.jobs().pop_front()))?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(job)
    }
}

impl Desk {
    fn here() -> Self {
        Self {
            jobs: Mutex::default(),
            attended: AtomicBool::new(false),
            runtime: Handle::current(),
            pace: AtomicU64::new(0),
        }
    }

    fn jobs(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody attended until now.
    fn begin_to_attend(&self) -> bool {
        !self.attended.swap(true, Ordering::SeqCst)
    }

    /// How long a job that came now would wait.
    fn wait(&self) -> Duration {
        let before = u64::try_from(self.jobs().len()).unwrap_or(u64::MAX);
        Duration::from_nanos(before.saturating_mul(self.pace.load(Ordering::Relaxed)))
    }

    /// Learns that `jobs` jobs took `time`.
    fn observe(&self, jobs: u32, time: Duration) {
        let observed = u64::try_from((time / jobs.max(1)).as_nanos()).unwrap_or(u64::MAX);
        let known = self.pace.load(Ordering::Relaxed);
        let next = if known == 0 { observed } else { known - known / PACE_WEIGHT + observed / PACE_WEIGHT };
        self.pace.store(next, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").field("waiting", &self.jobs().len()).finish_non_exhaustive()
    }
}

/// Who signs at a desk, as long as there is something to sign.
struct Attendant {
    desks: Arc<Desks>,
    desk: Arc<Desk>,
    /// Has it left the desk to others?
    has_left: bool,
}

impl Attendant {
    /// For a desk that nobody else attends. Should the runtime end before or while it works, dropping it says so.
    fn new(desks: &Arc<Desks>, desk: &Arc<Desk>) -> Self {
        Self { desks: desks.clone(), desk: desk.clone(), has_left: false }
    }

    async fn work(mut self) {
        let mut slice = SLICE;
        loop {
            let began = Instant::now();
            let done = self.sign_for(slice);
            let ended = Instant::now();
            if self.leave() {
                return;
            }
            // After this the worker has looked at its sockets, and polled what they woke.
            tokio::task::yield_now().await;
            let elsewhere = ended.elapsed();
            self.desk.observe(done, ended - began + elsewhere);
            slice = if elsewhere < BUSY { SLICE } else { elsewhere.min(LONGEST_SLICE) };
        }
    }

    /// Works for `slice`, and at least on one job if there is one: on how many?
    fn sign_for(&self, slice: Duration) -> u32 {
        let began = Instant::now();
        let mut now = began;
        let mut done = 0;
        while now - began < slice
            && let Some(job) = self.desks.take(&self.desk)
        {
            // What has waited too long is dropped unstarted: its caller gets an error, and may have left.
            if now.saturating_duration_since(job.arrived) <= self.desks.settings.max_wait {
                // A panic is in the log already; the job's caller gets an error, and the others are not touched.
                let _ = catch_unwind(AssertUnwindSafe(job.run));
            } else {
                self.desks.refused.fetch_add(1, Ordering::Relaxed);
            }
            done += 1;
            now = Instant::now();
        }
        done
    }

    /// Leaves, unless something waits at this desk.
    fn leave(&mut self) -> bool {
        if !self.desk.jobs().is_empty() {
            return false;
        }
        self.desk.attended.store(false, Ordering::SeqCst);
        // Did somebody add a job in between, and see that the desk was attended?
        self.has_left = self.desk.jobs().is_empty() || !self.desk.begin_to_attend();
        self.has_left
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        if !self.has_left {
            self.desk.attended.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::thread;

    use super::*;

    fn queue(longest: usize, max_wait: Duration) -> SigningQueue {
        SigningQueue::new(SigningQueueSettings { longest, max_wait })
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn work_is_done_and_answered() {
        let queue = queue(2, LONG);
        for number in 1..=3 {
            assert_eq!(queue.run(move || number * 2).await, Ok(number * 2));
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let queue = queue(2, LONG);
        let (first, second, third) = tokio::join!(queue.run(|| 1), queue.run(|| 2), queue.run(|| 3));
        assert_eq!((first, second, third), (Ok(1), Ok(2), Err(Busy)));
        assert_eq!(queue.load(), QueueLoad { waiting: 0, refused: 1 });
        assert_eq!(queue.run(|| 4).await, Ok(4), "there is room again");
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_refused_at_once_and_who_did_is_not_started() {
        let queue = queue(100, Duration::from_millis(30));
        let job = || thread::sleep(Duration::from_millis(10));
        // The pace is not known yet, so all are let in; those whose time has passed are dropped.
        let answers = futures_util::future::join_all((0..10).map(|_| queue.run(job))).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!((1..=4).contains(&done), "{answers:?}");
        assert_eq!(usize::try_from(queue.load().refused), Ok(10 - done), "and told");
        // Now it is known that each takes 10 ms.
        let answers = futures_util::future::join_all((0..10).map(|_| queue.run(job))).await;
        let first_refused = answers.iter().position(Result::is_err).unwrap();
        assert!((1..=4).contains(&first_refused), "{answers:?}");
        assert!(answers.iter().skip(first_refused).all(Result::is_err), "{answers:?}");
    }

    /// What needs no signature does not wait for those that do.
    #[tokio::test]
    async fn between_signatures_others_have_their_turn() {
        let queue = queue(100, LONG);
        let turns = Rc::new(Cell::new(0));
        let counted = turns.clone();
        let local = tokio::task::LocalSet::new();
        local.spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                // A timer, so that it takes a look at the driver each time.
                tokio::time::sleep(Duration::from_micros(1)).await;
            }
        });
        let job = || thread::sleep(LONGEST_SLICE);
        local.run_until(futures_util::future::join_all((0..20).map(|_| queue.run(job)))).await;
        assert!(turns.get() >= 15, "{}", turns.get());
    }

    #[test]
    fn an_idle_worker_helps_another() {
        let queue = queue(100, LONG);
        let worker = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread::scope(|threads| {
            let (ready, is_ready) = std::sync::mpsc::channel();
            let (stop, stopped) = oneshot::channel::<()>();
            let queue = &queue;
            let idle = threads.spawn(move || {
                worker().block_on(async {
                    queue.run(|| ()).await.unwrap();
                    ready.send(()).unwrap();
                    let _ = stopped.await;
                });
                thread::current().id()
            });
            is_ready.recv().unwrap();
            let who = || {
                thread::sleep(Duration::from_millis(20));
                thread::current().id()
            };
            let by = worker().block_on(futures_util::future::join_all((0..10).map(|_| queue.run(who))));
            stop.send(()).unwrap();
            let helper = idle.join().unwrap();
            assert!(by.contains(&Ok(helper)) && by.contains(&Ok(thread::current().id())), "{by:?}");
        });
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_others_are_answered() {
        let queue = queue(100, LONG);
        let (first, second) = tokio::join!(queue.run(|| panic!("expected by this test")), queue.run(|| 7));
        assert_eq!((first, second), (Err::<(), _>(Busy), Ok(7)));
    }

    #[test]
    fn a_worker_that_ended_leaves_nothing_behind() {
        let queue = queue(100, LONG);
        for round in 0..3 {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            assert_eq!(runtime.block_on(queue.run(move || round)), Ok(round));
            // Its desk has a job when it ends.
            let mut waiting = Box::pin(queue.run(|| ()));
            runtime.block_on(async {
                let _ = futures_util::poll!(&mut waiting);
            });
        }
    }
}
