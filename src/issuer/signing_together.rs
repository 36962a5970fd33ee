//! When is a quick signature made? Together with those of the other requests at hand.
//!
//! An ES256 or EdDSA signature costs less than its way through any queue, but goes through more memory than the nearest cache has: after
//! it, what HTTP needs has to be fetched again. So requests that are there at the same time are first all read, then all signed, then all
//! answered. That was measured at a tenth of a token with 16 connections. A request that comes alone waits for nobody.

use std::cell::Cell;

use tokio::task::yield_now;

/// Among requests that come one at a time, so many are signed at once before it is looked again whether others have come.
const ALONE: u32 = 16;

thread_local! {
    static WORKER: Worker = const { Worker { gathered: Cell::new(0), latest: Cell::new(0), alone: Cell::new(0) } };
}

/// The requests of one worker.
struct Worker {
    /// How many wait for the others.
    gathered: Cell<u32>,
    /// How many were signed together last.
    latest: Cell<u32>,
    /// How many have been signed since without waiting.
    alone: Cell<u32>,
}

impl Worker {
    /// Whether others are there, or likely to be.
    fn expects_others(&self) -> bool {
        if self.latest.get() > 1 || self.gathered.get() > 0 || self.alone.get() >= ALONE {
            self.alone.set(0);
            true
        } else {
            self.alone.set(self.alone.get() + 1);
            false
        }
    }

    fn join(&self) {
        self.gathered.set(self.gathered.get() + 1);
    }

    /// The first that goes on finds out how many they are.
    fn go_on(&self) -> bool {
        match self.gathered.take() {
            0 => {}
            gathered => self.latest.set(gathered),
        }
        self.latest.get() > 1
    }
}

/// Runs `sign` when the other requests of this worker have come as far, and returns when they have been signed too.
pub(super) async fn signed_together<T>(sign: impl FnOnce() -> T) -> T {
    if !WORKER.with(Worker::expects_others) {
        return sign();
    }
    WORKER.with(Worker::join);
    // What is ready now is polled before this goes on.
    yield_now().await;
    let has_others = WORKER.with(Worker::go_on);
    let signed = sign();
    if has_others {
        yield_now().await;
    }
    signed
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use futures_util::FutureExt as _;
    use tokio::task::LocalSet;

    use super::*;

    type Steps = Rc<RefCell<Vec<&'static str>>>;

    async fn request(steps: Steps) {
        steps.borrow_mut().push("read");
        signed_together(|| steps.borrow_mut().push("signed")).await;
        steps.borrow_mut().push("answered");
    }

    async fn requests(count: usize) -> Vec<&'static str> {
        let steps = Steps::default();
        let local = LocalSet::new();
        for _ in 0..count {
            local.spawn_local(request(steps.clone()));
        }
        local.await;
        steps.take()
    }

    fn usual() -> usize {
        usize::try_from(ALONE).unwrap()
    }

    #[tokio::test]
    async fn requests_at_hand_are_read_signed_and_answered_together() {
        // The first are taken one by one, until one looks whether others are there.
        requests(usual() + 2).await;
        assert_eq!(requests(3).await, [["read"; 3], ["signed"; 3], ["answered"; 3]].concat());
    }

    #[tokio::test]
    async fn a_request_that_comes_alone_waits_for_nobody() {
        requests(usual() + 2).await;
        // This one still expects others, and learns that there are none.
        requests(1).await;
        for _ in 0..ALONE {
            assert!(signed_together(|| ()).now_or_never().is_some());
        }
        assert!(signed_together(|| ()).now_or_never().is_none(), "now and then it is looked");
    }

    #[tokio::test]
    async fn who_leaves_while_it_waits_holds_up_nobody() {
        requests(usual() + 2).await;
        assert!(signed_together(|| ()).now_or_never().is_none());
        assert_eq!(requests(2).await.len(), 6);
        requests(1).await;
        assert_eq!(requests(1).await, ["read", "signed", "answered"]);
        assert!(signed_together(|| ()).now_or_never().is_some());
    }
}
