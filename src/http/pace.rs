//! How long may a connection take from the answer to one request until the head of the next?
//!
//! actix bounds the first head of a connection, and the time in which nothing comes at all. It waits without end for a later head that comes
//! byte by byte, for the rest of a body that nobody asked for, and for a client that does not read its answer. So each connection has one more
//! deadline: while a request is being answered its endpoint bounds the time, and at all other times this does.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    /// That of the connection whose task runs.
    static CURRENT: Rc<Pace>;
}

/// How fast an answer must be read at least, in bytes per second, beyond the time that any answer has.
const LEAST_RATE: u64 = 16 * 1024;

/// How long the last answer may take to be sent while somebody already asks for another one.
const HANG_UP: Duration = Duration::from_secs(1);

/// The deadline of one connection.
#[derive(Debug)]
pub(super) struct Pace {
    /// How long the way to the next head may take, with an answer of no length before it.
    rest: Duration,
    /// None while a request is being answered.
    deadline: Cell<Option<Instant>>,
    /// Has its last request been answered?
    is_done: Cell<bool>,
    /// The deadline is earlier than it was.
    earlier: Notify,
}

impl Pace {
    fn new(first: Duration, rest: Duration) -> Self {
        let deadline = Cell::new(Some(Instant::now() + first));
        Self { rest, deadline, is_done: Cell::new(false), earlier: Notify::new() }
    }

    /// That of the connection that this is called for.
    pub(super) fn current() -> Option<Rc<Self>> {
        CURRENT.try_with(Rc::clone).ok()
    }

    /// A request has come, head and all. One that comes after the last is never answered (RFC 9112 §9.6), as actix would do where it was
    /// sent together with that: this does not return, and the connection ends.
    pub(super) async fn begin(&self) {
        if self.is_done.get() {
            self.deadline.set(Some(Instant::now() + HANG_UP));
            self.earlier.notify_one();
            std::future::pending::<()>().await;
        }
        self.deadline.set(None);
    }

    /// The request that was answered just now was the last on this connection.
    pub(super) fn done(&self) {
        self.is_done.set(true);
    }

    /// Its answer is ready, `bytes` long.
    pub(super) fn answered(&self, bytes: u64) {
        self.deadline.set(Some(Instant::now() + self.rest + Duration::from_secs(bytes / LEAST_RATE)));
    }

    /// Waits until the deadline has passed.
    async fn overdue(&self) {
        loop {
            match self.deadline.get() {
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => self.sleep_until(deadline).await,
                // A deadline that is set from now on is not before the end of this, unless that is told.
                None => self.sleep_until(Instant::now() + self.rest).await,
            }
        }
    }

    /// Returns earlier where a deadline is set that is earlier than the one before.
    async fn sleep_until(&self, end: Instant) {
        tokio::select! {
            () = sleep_until(end) => {}
            () = self.earlier.notified() => {}
        }
    }
}

/// Serves a connection until it ends; `None` if it has taken more than `first` until its first head is there, or more than `rest` between an
/// answer and a head.
pub(super) async fn paced<F: Future>(first: Duration, rest: Duration, connection: F) -> Option<F::Output> {
    let pace = Rc::new(Pace::new(first, rest));
    let connection = CURRENT.scope(pace.clone(), connection);
    tokio::select! {
        biased;
        ended = connection => Some(ended),
        () = pace.overdue() => {
            tracing::debug!("a connection was too slow between two requests; it is closed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const REST: Duration = Duration::from_millis(100);

    /// How long a connection lives that does this.
    async fn life(connection: impl AsyncFnOnce(Rc<Pace>)) -> Duration {
        let began = Instant::now();
        let ended = paced(REST, REST, async {
            connection(Pace::current().unwrap()).await;
            std::future::pending::<()>().await;
        });
        assert_eq!(ended.await, None);
        began.elapsed()
    }

    #[tokio::test]
    async fn a_connection_that_asks_for_nothing_ends() {
        assert!(life(async |_| {}).await >= REST);
    }

    #[tokio::test]
    async fn the_time_in_which_a_request_is_answered_does_not_count() {
        let lived = life(async |pace| {
            for _ in 0..2 {
                pace.begin().await;
                sleep(3 * REST).await;
                pace.answered(0);
            }
        });
        assert!(lived.await >= 7 * REST);
    }

    #[tokio::test]
    async fn a_long_answer_may_be_read_for_longer() {
        let lived = life(async |pace| pace.answered(LEAST_RATE * 2 - 1)).await;
        assert!(lived >= REST + Duration::from_secs(1));
    }

    #[tokio::test]
    async fn the_first_head_may_have_another_time_than_later_ones() {
        let began = Instant::now();
        let ended = paced(3 * REST, REST, std::future::pending::<()>());
        assert_eq!(ended.await, None);
        assert!(began.elapsed() >= 3 * REST);
    }

    #[tokio::test]
    async fn a_request_after_the_last_one_ends_the_connection() {
        let lived = life(async |pace| {
            pace.begin().await;
            pace.answered(LEAST_RATE * 3_600);
            pace.done();
            pace.begin().await;
            panic!("it goes on");
        });
        assert!(lived.await < Duration::from_mins(30), "not as long as the answer would have had");
    }

    #[tokio::test]
    async fn a_connection_that_ends_by_itself_is_not_waited_for() {
        assert_eq!(paced(REST, REST, async { 7 }).await, Some(7));
        assert!(Pace::current().is_none(), "there is none outside of a connection");
    }
}
