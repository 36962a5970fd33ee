//! Which step of a request took how long? Noted for requests that are traced; for all others it costs nothing.

use std::time::{Duration, Instant};

/// A part of what a token request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepName {
    /// Who is the client? With the wait for a slow check, and for the keys that a client publishes.
    Authenticate,
    /// The note in the database that a client assertion was used.
    StoreAssertionUse,
    /// The signature of the token, with the wait for it.
    Sign,
}

impl StepName {
    /// The name as operators see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::StoreAssertionUse => "store assertion use",
            Self::Sign => "sign",
        }
    }
}

/// One step that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// When it began.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
}

/// The steps of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Steps {
    /// Nobody asks for them.
    #[default]
    Unnoted,
    /// In the order of their ends.
    Noted(Vec<Step>),
}

/// A step under way, if steps are noted.
#[derive(Clone, Copy, Debug)]
#[must_use = "its end is noted with Steps::end"]
pub struct Begun(Option<Instant>);

impl Steps {
    /// A step begins.
    pub fn begin(&self) -> Begun {
        Begun(matches!(self, Self::Noted(_)).then(Instant::now))
    }

    /// The step that `begun` tells of is over.
    pub fn end(&mut self, name: StepName, begun: Begun) {
        if let (Self::Noted(steps), Begun(Some(began))) = (self, begun) {
            steps.push(Step { name, began, took: began.elapsed() });
        }
    }

    /// Those that were noted.
    pub fn noted(&self) -> &[Step] {
        match self {
            Self::Unnoted => &[],
            Self::Noted(steps) => steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_noted_where_somebody_asks() {
        let mut asked = Steps::Noted(Vec::new());
        let mut unasked = Steps::default();
        for steps in [&mut asked, &mut unasked] {
            let begun = steps.begin();
            steps.end(StepName::Sign, begun);
        }
        assert_eq!(unasked.noted(), []);
        let [step] = asked.noted() else { panic!("one step: {asked:?}") };
        assert!(step.name == StepName::Sign && step.began + step.took <= Instant::now());
    }
}
