//! How is a plan shown? Every step, with a word for what happens.

use super::super::counted::counted;
use super::super::frame::Tone;
use super::super::plot::grouped;
use crate::issuer::document::apply::{Plan, PlanAction};
use crate::issuer::import::{NoteKind, Report};

/// How many objects of one kind a report names.
const NAMED: usize = 20;

/// A plan as a page shows it.
pub(super) struct ShownPlan {
    /// How many steps there are of each kind, if any.
    pub(super) counts: Vec<(Tone, &'static str, String)>,
    pub(super) steps: Vec<ShownStep>,
    pub(super) deletes: bool,
}

pub(super) struct ShownStep {
    pub(super) tone: Tone,
    pub(super) action: &'static str,
    pub(super) kind: &'static str,
    pub(super) id: String,
}

/// What an import took and left.
pub(super) struct ShownReport {
    pub(super) taken: String,
    pub(super) notes: Vec<ShownNote>,
}

pub(super) struct ShownNote {
    pub(super) meaning: &'static str,
    pub(super) count: String,
    pub(super) objects: Vec<(String, String)>,
    /// How many are not named.
    pub(super) more: usize,
}

impl From<&Plan> for ShownPlan {
    fn from(plan: &Plan) -> Self {
        let all = [PlanAction::Create, PlanAction::Update, PlanAction::Delete];
        let counts = all.into_iter().filter_map(|action| {
            let count = plan.count(action);
            let (tone, word) = words(action);
            (count > 0).then(|| (tone, word, grouped(u64::try_from(count).unwrap_or(u64::MAX))))
        });
        let steps = plan.steps.iter().map(|step| {
            let (tone, action) = words(step.action);
            ShownStep { tone, action, kind: kind(step.kind), id: step.id.clone() }
        });
        Self { counts: counts.collect(), steps: steps.collect(), deletes: plan.count(PlanAction::Delete) > 0 }
    }
}

const fn words(action: PlanAction) -> (Tone, &'static str) {
    match action {
        PlanAction::Create => (Tone::Good, "Create"),
        PlanAction::Update => (Tone::Info, "Change"),
        PlanAction::Delete => (Tone::Bad, "Delete"),
    }
}

/// What a kind of object is called.
fn kind(kind: &'static str) -> &'static str {
    match kind {
        "api" => "API",
        "client_secret" => "secret",
        "client_key" => "key",
        other => other,
    }
}

impl From<&Report> for ShownReport {
    fn from(report: &Report) -> Self {
        let taken = report.taken;
        let notes = NoteKind::ALL.iter().filter_map(|kind| {
            let objects = report.notes(*kind);
            let named = objects.iter().take(NAMED);
            let named = named.map(|noted| (noted.id.clone(), noted.detail.clone().unwrap_or_default()));
            (!objects.is_empty()).then(|| ShownNote {
                meaning: kind.meaning(),
                count: objects.len().to_string(),
                objects: named.collect(),
                more: objects.len().saturating_sub(NAMED),
            })
        });
        Self {
            taken: format!(
                "{}: {} with {}, {} ({} of them for client_credentials), {}, {}",
                report.product,
                counted(taken.apis, "API"),
                counted(taken.scopes, "scope"),
                counted(taken.clients, "client"),
                taken.clients_with_client_credentials,
                counted(taken.grants, "grant"),
                counted(taken.secrets, "secret")
            ),
            notes: notes.collect(),
        }
    }
}
