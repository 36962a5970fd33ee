//! What does it take to make the store say what a document says? A plan, carried out whole or not at all.

use std::collections::{HashMap, HashSet};

use super::entries::{ApiEntry, Document, ScopeEntry};
use super::known::Known;
pub use super::plan::{Plan, PlanAction, PlanDigest, PlanStep};
use super::prepare_secrets::{Hashing, PreparedSecrets};
use super::progress::{Progress, Silent, Stage};
use crate::issuer::administration::{Administration, AdministrationError, Change};
use crate::issuer::rights::Caller;
use crate::secret::WeakSecrets;
use crate::store::AuditAction;

/// How a document is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Delete what the document lacks.
    pub prune: bool,
    /// Take secrets that are short enough to be guessed: for tests, or for what is in use elsewhere already.
    pub weak_secrets: bool,
    /// Where the document comes from.
    pub origin: Origin,
    /// The plan that somebody has agreed to: nothing is done if it would be another one by now.
    pub agreed: Option<PlanDigest>,
}

/// Where a document comes from, and so how much it says of the objects that it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Somebody wrote it: it is the whole truth about each object that it names.
    #[default]
    Document,
    /// Another product's export: of the objects that it names, the scopes of APIs and the grants that it lacks stay.
    /// Its secrets are in use, and many were made by a machine.
    Import,
}

/// What applying one document is about.
pub(super) struct Applying<'a> {
    pub(super) options: ApplyOptions,
    pub(super) hashing: Hashing<'a>,
    pub(super) prepared: PreparedSecrets,
    progress: &'a dyn Progress,
}

impl Administration {
    /// Applies `document`, whose secrets have been fetched: all of it or nothing.
    ///
    /// # Errors
    /// The first thing in it that cannot be stored, or that the caller has no right to;
    /// [`Outdated`](AdministrationError::Outdated) if another plan was agreed to.
    pub fn apply(
        &self,
        caller: &Caller,
        document: &Document,
        options: ApplyOptions,
    ) -> Result<Plan, AdministrationError> {
        self.apply_with_progress(caller, document, options, &Silent)
    }

    /// Applies `document` as [`Self::apply`] does, and tells `progress` how far it is.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_with_progress(
        &self,
        caller: &Caller,
        document: &Document,
        options: ApplyOptions,
        progress: &dyn Progress,
    ) -> Result<Plan, AdministrationError> {
        caller.rights.may_apply(options.prune)?;
        self.take_steps(caller, document, options, progress)
    }

    /// The same for a caller that nobody has asked which documents it may apply: each step asks for the rights that it takes.
    pub(in crate::issuer) fn take_steps(
        &self,
        caller: &Caller,
        document: &Document,
        options: ApplyOptions,
        progress: &dyn Progress,
    ) -> Result<Plan, AdministrationError> {
        let weak = if options.weak_secrets { WeakSecrets::Allow } else { WeakSecrets::Refuse };
        let hashing = Hashing { origin: options.origin, weak, entropy: self.entropy.as_ref() };
        let prepared = self.prepare_secrets(caller, document, hashing, progress)?;
        let applying = Applying { options, hashing, prepared, progress };
        let algs: Vec<_> = document.apis.iter().map(|api| api.signing_alg).collect();
        let keys = self.make_missing_keys(&algs)?;
        if options.dry_run {
            // The steps are taken, so the plan is exact; then they are taken back.
            self.rehearse(caller, keys, |change| change.apply(document, &applying))
        } else {
            self.change_with_keys(caller, keys, |change| change.apply(document, &applying))
        }
    }

    fn prepare_secrets(
        &self,
        caller: &Caller,
        document: &Document,
        hashing: Hashing<'_>,
        progress: &dyn Progress,
    ) -> Result<PreparedSecrets, AdministrationError> {
        if document.clients.iter().flat_map(|client| &client.secrets).next().is_none() {
            return Ok(PreparedSecrets::default());
        }
        let known = self.store.read(|reader| {
            let known = Known::load(reader, document)?;
            caller.rights.may_compare(document, &known, reader)?;
            Ok::<_, AdministrationError>(known)
        })?;
        Ok(PreparedSecrets::compute(document, Some(&known), hashing, progress))
    }
}

impl Change<'_> {
    pub(super) fn apply(&mut self, document: &Document, applying: &Applying<'_>) -> Result<Plan, AdministrationError> {
        if applying.options.origin == Origin::Import {
            self.creation = AuditAction::Import;
        }
        let mut plan = Plan::default();
        refuse_duplicates(document)?;
        for entry in &document.apis {
            self.apply_api(entry, applying.options.origin, &mut plan)?;
        }
        let known = Known::load(self.transaction, document)?;
        // Again: somebody may have been given more rights meanwhile.
        self.caller.rights.may_compare(document, &known, self.transaction)?;
        let mut named = HashSet::new();
        for (place, entry) in document.clients.iter().enumerate() {
            named.insert(self.apply_client(place, entry, &known, applying, &mut plan)?);
            applying.progress.advance(Stage::Storing, place + 1, document.clients.len());
        }
        if applying.options.prune {
            self.prune_clients(&named, &mut plan)?;
            self.prune_apis(document, &mut plan)?;
        }
        if applying.options.agreed.is_some_and(|agreed| agreed != plan.digest()) {
            return Err(AdministrationError::Outdated);
        }
        Ok(plan)
    }

    fn apply_api(&mut self, entry: &ApiEntry, origin: Origin, plan: &mut Plan) -> Result<(), AdministrationError> {
        let identifier = entry.identifier.parse().map_err(AdministrationError::invalid)?;
        let Some(current) = self.transaction.find_api_by_identifier(&identifier)? else {
            self.create_api(entry)?;
            plan.note(PlanAction::Create, "api", &entry.identifier);
            return Ok(());
        };
        let before = ApiEntry::from(&current);
        let mut wanted = ApiEntry {
            name: entry.name.clone().or_else(|| Some(entry.identifier.clone())),
            token_lifetime: entry.token_lifetime.or_else(|| Some(i64::from(self.admin.policy.default_token_lifetime))),
            ..entry.clone()
        };
        if origin == Origin::Import {
            wanted.scopes = merged_scopes(&before.scopes, &entry.scopes);
        }
        if wanted != before {
            self.update_api(&entry.identifier, |edited| {
                *edited = wanted;
                Ok(())
            })?;
            plan.note(PlanAction::Update, "api", &entry.identifier);
        }
        Ok(())
    }
}

/// The scopes in the order in which they stand, those that are imported as they are imported, and then the new ones.
fn merged_scopes(stored: &[ScopeEntry], imported: &[ScopeEntry]) -> Vec<ScopeEntry> {
    let newer: HashMap<_, _> = imported.iter().map(|scope| (scope.value.as_str(), scope)).collect();
    let older: HashSet<_> = stored.iter().map(|scope| scope.value.as_str()).collect();
    let kept = stored.iter().map(|scope| newer.get(scope.value.as_str()).copied().unwrap_or(scope));
    kept.chain(imported.iter().filter(|scope| !older.contains(scope.value.as_str()))).cloned().collect()
}

/// Is one object written down twice? A client is meant by its id, or else by its name.
fn refuse_duplicates(document: &Document) -> Result<(), AdministrationError> {
    let mut apis = HashSet::new();
    if let Some(twice) = document.apis.iter().find(|api| !apis.insert(api.identifier.as_str())) {
        return Err(AdministrationError::Invalid(format!(
            "the API {} stands twice in the document",
            twice.identifier.escape_debug()
        )));
    }
    let mut clients = HashSet::new();
    for client in &document.clients {
        let by_id = client.client_id.is_some();
        let meant = client.client_id.as_deref().or(client.name.as_deref()).unwrap_or_default();
        let is_new = clients.insert((by_id, meant));
        let meant = meant.escape_debug();
        if !is_new {
            return Err(AdministrationError::Invalid(format!("the client {meant} stands twice in the document")));
        }
        let mut audiences = HashSet::new();
        if let Some(twice) = client.grants.iter().find(|grant| !audiences.insert(grant.audience.as_str())) {
            return Err(AdministrationError::Invalid(format!(
                "the client {meant} has two grants for {}: write one with all its scopes",
                twice.audience.escape_debug()
            )));
        }
    }
    Ok(())
}
