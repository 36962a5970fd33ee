//! When is a quick signature made? Together with those of the other requests at hand.
//!
//! An ES256 or EdDSA signature costs less than its way through any queue, but goes through more memory than the nearest cache has: after
//! it, what HTTP needs has to be fetched again. So requests that are there at the same time are first all read, then all signed in one go
//! by the first of them that goes on, then all answered. A request that comes alone waits for nobody.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use tokio::task::yield_now;

/// Among requests that come one at a time, so many are signed at once before it is looked again whether others have come.
const ALONE: u32 = 16;

/// So many are signed in one go: a millisecond or two in which the worker does nothing else.
const AT_ONCE: usize = 64;

thread_local! {
    static WORKER: Worker = const {
        Worker {
            gathered: RefCell::new(VecDeque::new()),
            latest: Cell::new(0),
            is_rest: Cell::new(false),
            alone: Cell::new(0),
        }
    };
}

/// The requests of one worker.
struct Worker {
    /// Those that wait for the others.
    gathered: RefCell<VecDeque<Weak<dyn Sign>>>,
    /// How many were there together last.
    latest: Cell<usize>,
    /// Are those that wait the rest of them, which were too many for one go?
    is_rest: Cell<bool>,
    /// How many have been signed since without waiting.
    alone: Cell<u32>,
}

/// A request that waits for its signature.
trait Sign {
    /// Makes it, unless that was done.
    fn sign(&self);
}

struct Waiting<F, T> {
    sign: Cell<Option<F>>,
    signed: Cell<Option<T>>,
}

impl<F: FnOnce() -> T, T> Sign for Waiting<F, T> {
    fn sign(&self) {
        if let Some(sign) = self.sign.take() {
            self.signed.set(Some(sign()));
        }
    }
}

impl Worker {
    /// Whether others are there, or likely to be.
    fn expects_others(&self) -> bool {
        if self.latest.get() > 1 || !self.gathered.borrow().is_empty() || self.alone.get() >= ALONE {
            self.alone.set(0);
            true
        } else {
            self.alone.set(self.alone.get() + 1);
            false
        }
    }

    fn join(&self, waiting: Weak<dyn Sign>) {
        self.gathered.borrow_mut().push_back(waiting);
    }

    /// Signs what has been gathered. The first that goes on finds out how many they are.
    fn sign_gathered(&self) {
        let mut gathered = self.gathered.borrow_mut();
        let count = gathered.len();
        let was_rest = self.is_rest.replace(count > AT_ONCE);
        if count > 0 && !was_rest {
            self.latest.set(count);
        }
        // Whoever has left needs no signature.
        gathered.drain(..count.min(AT_ONCE)).filter_map(|waiting| waiting.upgrade()).for_each(|waiting| waiting.sign());
    }
}

/// Runs `sign` when the other requests of this worker have come as far, together with theirs. Nothing is returned only if it panicked in
/// the hands of another request.
pub(super) async fn signed_together<T: 'static>(sign: impl FnOnce() -> T + 'static) -> Option<T> {
    if !WORKER.with(Worker::expects_others) {
        return Some(sign());
    }
    let waiting = Rc::new(Waiting { sign: Cell::new(Some(sign)), signed: Cell::new(None) });
    let joining: Weak<dyn Sign> = Rc::<Waiting<_, _>>::downgrade(&waiting);
    WORKER.with(|worker| worker.join(joining));
    // What is ready now is polled before this goes on.
    yield_now().await;
    if let Some(signed) = waiting.signed.take() {
        return Some(signed);
    }
    WORKER.with(Worker::sign_gathered);
    waiting.sign();
    waiting.signed.take()
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
        let signed = steps.clone();
        signed_together(move || signed.borrow_mut().push("signed")).await;
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
    async fn of_very_many_each_is_signed_and_none_twice() {
        requests(usual() + 2).await;
        let steps = requests(2 * AT_ONCE + 1).await;
        let of = |name: &str| steps.iter().filter(|step| **step == name).count();
        assert_eq!((of("read"), of("signed"), of("answered")), (129, 129, 129));
        let first_answer = steps.iter().position(|step| *step == "answered");
        assert_eq!(first_answer, Some(2 * AT_ONCE + 1 + AT_ONCE), "some are answered before all are signed");
        assert!(
            signed_together(|| ()).now_or_never().is_none(),
            "the last of them does not make it look as if it had been alone"
        );
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
