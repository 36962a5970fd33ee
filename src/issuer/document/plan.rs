//! What does applying a document do: which steps, in which order?

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// What happens.
    pub action: PlanAction,
    /// To what kind of object.
    pub kind: &'static str,
    /// To which.
    pub id: String,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PlanAction {
    Create,
    Update,
    Delete,
}

/// What is done, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<PlanStep>,
    /// The ids that were made up for what the document does not name: the next plan makes up others.
    #[serde(skip)]
    made_up: HashSet<String>,
}

/// By what a plan is told from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanDigest([u8; 32]);

/// What is no digest of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the digest of a plan")]
pub struct NoPlanDigest;

impl Plan {
    pub(super) fn note(&mut self, action: PlanAction, kind: &'static str, id: impl Into<String>) {
        self.steps.push(PlanStep { action, kind, id: id.into() });
    }

    /// `id` was made up for something new.
    pub(super) fn make_up(&mut self, id: &impl ToString) {
        self.made_up.insert(id.to_string());
    }

    /// How many steps are of this kind.
    pub fn count(&self, action: PlanAction) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// The same for two plans of the same steps, whatever ids are made up in them.
    pub fn digest(&self) -> PlanDigest {
        let mut context = Context::new(&SHA256);
        for step in &self.steps {
            context.update(format!("{:?}\0{}\0", step.action, step.kind).as_bytes());
            // No id that is made up holds a space.
            for word in step.id.split(' ') {
                context.update(if self.made_up.contains(word) { b"\x01" } else { word.as_bytes() });
                context.update(b" ");
            }
            context.update(b"\0");
        }
        let mut digest = [0; 32];
        // SHA-256 is that long.
        context.finish().as_ref().iter().zip(&mut digest).for_each(|(from, to)| *to = *from);
        PlanDigest(digest)
    }
}

impl Display for PlanDigest {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for PlanDigest {
    type Err = NoPlanDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NoPlanDigest)?;
        bytes.try_into().map(Self).map_err(|_| NoPlanDigest)
    }
}

impl Display for Plan {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return formatter.write_str("nothing to change");
        }
        for (index, step) in self.steps.iter().enumerate() {
            let sign = match step.action {
                PlanAction::Create => '+',
                PlanAction::Update => '~',
                PlanAction::Delete => '-',
            };
            let end = if index + 1 == self.steps.len() { "" } else { "\n" };
            write!(formatter, "{sign} {} {}{end}", step.kind, step.id)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(steps: &[(PlanAction, &str)], made_up: &[&str]) -> Plan {
        let mut plan = Plan::default();
        for (action, id) in steps {
            plan.note(*action, "client_secret", *id);
        }
        for id in made_up {
            plan.make_up(id);
        }
        plan
    }

    #[test]
    fn a_digest_tells_plans_apart_but_not_the_ids_that_are_made_up() {
        let one = plan(&[(PlanAction::Create, "5f of a")], &["5f"]).digest();
        assert_eq!(plan(&[(PlanAction::Create, "77 of a")], &["77"]).digest(), one);
        for other in [
            plan(&[(PlanAction::Create, "77 of b")], &["77"]),
            plan(&[(PlanAction::Create, "77 of a")], &[]),
            plan(&[(PlanAction::Delete, "77 of a")], &["77"]),
            plan(&[(PlanAction::Create, "77 of a"), (PlanAction::Create, "78 of a")], &["77", "78"]),
            Plan::default(),
        ] {
            assert_ne!(other.digest(), one, "{other}");
        }
        assert_eq!(one.to_string().parse(), Ok(one));
        for wrong in ["", "x", "AAAA", "a b"] {
            assert_eq!(wrong.parse::<PlanDigest>(), Err(NoPlanDigest));
        }
    }
}
