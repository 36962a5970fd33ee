//! What does applying a document do: which steps, in which order?

use std::fmt::{self, Display, Formatter};

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
}

impl Plan {
    pub(super) fn note(&mut self, action: PlanAction, kind: &'static str, id: impl Into<String>) {
        self.steps.push(PlanStep { action, kind, id: id.into() });
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
