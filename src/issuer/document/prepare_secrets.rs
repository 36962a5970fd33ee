//! Which hash does each secret of a document have? Computed on all cores, and before the transaction that would hold up
//! every other change for as long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::apply::Origin;
use super::apply_secrets::could_be;
use super::entries::{ClientEntry, Document};
use super::known::Known;
use super::progress::{Progress, Stage};
use crate::entropy::Entropy;
use crate::issuer::administration::AdministrationError;
use crate::secret::{
    HashMemory, SecretHash, StoredSecret, WeakSecret, WeakSecrets, hash_brought, hash_imported, verify_any,
};

/// How secrets that are given by their value are hashed.
#[derive(Clone, Copy)]
pub(super) struct Hashing<'e> {
    pub(super) origin: Origin,
    pub(super) weak: WeakSecrets,
    pub(super) entropy: &'e dyn Entropy,
}

/// What is known of the secrets of a document, by the place of the client and of its secret.
#[derive(Default)]
pub(super) struct PreparedSecrets(HashMap<(usize, usize), PreparedSecret>);

struct PreparedSecret {
    compared: Vec<SecretHash>,
    matched: Option<SecretHash>,
    fresh: Option<SecretHash>,
}

impl Hashing<'_> {
    /// Hashes `value` so that it can be stored beside `siblings`.
    pub(super) fn hash<'h>(
        &self,
        value: &str,
        mut siblings: impl Iterator<Item = &'h SecretHash>,
        memory: &mut HashMemory,
    ) -> Result<SecretHash, WeakSecret> {
        match self.origin {
            Origin::Import => hash_imported(value, siblings, self.entropy, memory),
            Origin::Document => {
                let slow = siblings.find(|other| other.is_slow());
                hash_brought(value, self.weak, slow, self.entropy, memory)
            }
        }
    }

    fn prepare(
        &self,
        entry: &ClientEntry,
        stored: &[StoredSecret],
        memory: &mut HashMemory,
    ) -> Vec<(usize, PreparedSecret)> {
        let mut siblings: Vec<_> = stored.iter().map(|secret| secret.hash.clone()).collect();
        let mut prepared = Vec::new();
        for (place, wanted) in entry.secrets.iter().enumerate() {
            let one = match (&wanted.hash, &wanted.value) {
                (Some(hash), _) => PreparedSecret::compare(replaced_hashes(stored, hash.trim()), hash.trim(), memory),
                (None, Some(value)) => {
                    let could_match = stored.iter().map(|secret| &secret.hash).filter(|hash| could_be(hash, value));
                    let mut one = PreparedSecret::compare(could_match.cloned().collect(), value, memory);
                    if one.matched.is_none() {
                        // Why a secret is refused is told when it is its turn.
                        one.fresh = self.hash(value, siblings.iter(), memory).ok();
                        siblings.extend(one.fresh.clone());
                    }
                    one
                }
                (None, None) => continue,
            };
            prepared.push((place, one));
        }
        prepared
    }
}

impl PreparedSecret {
    fn compare(compared: Vec<SecretHash>, text: &str, memory: &mut HashMemory) -> Self {
        let found = verify_any(compared.iter(), text.as_bytes(), memory);
        let matched = found.and_then(|index| compared.get(index).cloned());
        Self { compared, matched, fresh: None }
    }
}

/// What recognises hashes that better ones have replaced, unless one that is stored is `hash` itself.
fn replaced_hashes(stored: &[StoredSecret], hash: &str) -> Vec<SecretHash> {
    if stored.iter().any(|secret| secret.hash.text() == hash) {
        return Vec::new();
    }
    stored.iter().filter_map(|secret| secret.imported_hash.as_deref().cloned()).collect()
}

impl PreparedSecrets {
    /// Checks the secrets of `document` against those of the clients as they are in `known`, and hashes those that are given
    /// by their value and are new.
    pub(super) fn compute(
        document: &Document,
        known: Option<&Known>,
        hashing: Hashing<'_>,
        progress: &dyn Progress,
    ) -> Self {
        let work: Vec<_> = document.clients.iter().enumerate().filter(|(_, entry)| !entry.secrets.is_empty()).collect();
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let run = || {
            let mut memory = HashMemory::default();
            let mut prepared = Vec::new();
            while let Some((client, entry)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                let current = known.and_then(|known| known.find_client(entry).ok().flatten());
                let stored = current.map_or(&[][..], |client| &client.secrets);
                let of_client = hashing.prepare(entry, stored, &mut memory);
                prepared.extend(of_client.into_iter().map(|(secret, one)| ((*client, secret), one)));
                progress.advance(Stage::Hashing, done.fetch_add(1, Ordering::Relaxed) + 1, work.len());
            }
            prepared
        };
        let threads = cores.min(work.len());
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
            let mut all: HashMap<_, _> = run().into_iter().collect();
            // What a thread that panicked has not prepared is computed when it is its turn.
            others.into_iter().filter_map(|other| other.join().ok()).for_each(|prepared| all.extend(prepared));
            Self(all)
        })
    }

    /// Does the secret at `place` match `stored`? `None`: they were not compared.
    pub(super) fn verdict(&self, place: (usize, usize), stored: &SecretHash) -> Option<bool> {
        let prepared = self.0.get(&place)?;
        prepared.compared.contains(stored).then(|| prepared.matched.as_ref() == Some(stored))
    }

    /// The hash of the secret at `place`, if it may stand beside `siblings`.
    pub(super) fn fresh<'h>(
        &self,
        place: (usize, usize),
        mut siblings: impl Iterator<Item = &'h SecretHash>,
    ) -> Option<&SecretHash> {
        let fresh = self.0.get(&place)?.fresh.as_ref()?;
        let fits = |other: &SecretHash| {
            let rivals = fresh.is_slow() && other.is_slow() || fresh.is_small() && other.is_small();
            !rivals || fresh.shares_computation_with(other)
        };
        siblings.all(fits).then_some(fresh)
    }
}

impl Document {
    /// The document of an import with the hash of each secret in the place of its value: what may be written to a file.
    ///
    /// # Errors
    /// If a secret cannot be hashed.
    pub fn with_hashes(mut self, entropy: &dyn Entropy, progress: &dyn Progress) -> Result<Self, AdministrationError> {
        let hashing = Hashing { origin: Origin::Import, weak: WeakSecrets::Allow, entropy };
        let prepared = PreparedSecrets::compute(&self, None, hashing, progress);
        let mut memory = HashMemory::default();
        for (client, entry) in self.clients.iter_mut().enumerate() {
            for (place, secret) in entry.secrets.iter_mut().enumerate() {
                let Some(mut value) = secret.value.take() else { continue };
                let hash = match prepared.fresh((client, place), std::iter::empty()) {
                    Some(hash) => Ok(hash.clone()),
                    None => hashing.hash(&value, std::iter::empty(), &mut memory),
                };
                zeroize::Zeroize::zeroize(&mut value);
                let name = entry.client_id.as_ref().or(entry.name.as_ref()).map_or("", |name| name);
                let hash = hash.map_err(|error| AdministrationError::Invalid(format!("client {name}: {error}")))?;
                secret.hash = Some(hash.text().into_owned());
            }
        }
        Ok(self)
    }
}
