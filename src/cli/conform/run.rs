//! How does one run go: what is sent, and what does each case come to?

use super::probe;
use super::report::CaseReport;
use super::send::Sender;
use super::site::Site;
use crate::clock::{Clock as _, SystemClock};
use crate::specimen::{Case, Expectation, Forge, Grade, KeyRing, NotSent, Outcome, Subject, judge};

/// One run against one API.
pub struct Run {
    /// Who sends.
    pub sender: Sender,
    /// The issuer, if we are it, and the traps.
    pub site: Site,
    /// Whom a valid token would satisfy.
    pub subject: Subject,
    /// What signs.
    pub keys: KeyRing,
    /// A name that no other run has.
    pub run_id: String,
    /// Which status means what.
    pub expectation: Expectation,
}

impl Run {
    /// Sends one case; a case that does not apply is not sent.
    pub async fn send(&self, case: &Case) -> Result<Outcome, NotSent> {
        let subject = Subject { trap: self.site.trap(case.id), ..self.subject.clone() };
        let jti = format!("{}-{}", self.run_id, case.id);
        let presentation = case.build(&Forge::new(&subject, &self.keys, now_seconds(), &jti))?;
        let mut outcome = self.sender.send(&presentation).await;
        if outcome.status.is_none() {
            outcome.alive_after = Some(probe::is_alive(self).await);
        }
        Ok(outcome)
    }

    /// What each case comes to, once all were sent: an API may fetch what a token names a little later.
    pub fn judged<'a>(&self, cases: &'a [Case], outcomes: Vec<Result<Outcome, NotSent>>) -> Vec<CaseReport<'a>> {
        let judged = cases.iter().zip(outcomes).map(|(case, outcome)| {
            let level = case.level(self.subject.profile);
            match outcome {
                Ok(mut outcome) => {
                    outcome.fetched = self.site.trapped(case.id);
                    let finding = judge(case.wanted, level, case.also, &self.expectation, &outcome);
                    CaseReport { case, level, grade: finding.grade, finding: finding.text, outcome: Some(outcome) }
                }
                Err(NotSent::DoesNotApply(why)) => {
                    CaseReport { case, level, grade: Grade::Skipped, finding: why.to_owned(), outcome: None }
                }
                Err(NotSent::SigningFailed) => {
                    let finding = "the token could not be signed".to_owned();
                    CaseReport { case, level, grade: Grade::Skipped, finding, outcome: None }
                }
            }
        });
        judged.collect()
    }

    /// What the API under test must be told.
    pub fn what_to_configure(&self) -> String {
        format!(
            "The API under test must trust:\n  issuer     {}\n  audience   {}\n  JWK Set    {}\n  algorithm  {}\n",
            self.subject.issuer,
            self.subject.audience,
            self.site.jwks_uri(),
            self.keys.genuine.alg()
        )
    }
}

/// The time, in Unix seconds.
pub fn now_seconds() -> i64 {
    SystemClock.now().floor_seconds()
}
