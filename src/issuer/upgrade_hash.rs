//! How does an imported hash become Argon2id? After its first success, off the token path, by compare-and-set.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::secret::{HashMemory, SecretHash, WeakSecrets, hash_brought};
use crate::store::{Actor, AuditAction, AuditEntry, ChangeContext, ObjectKind, Store, StoreError};

/// How many upgrades may wait; more are lost, and queued again at the next use of the secret.
const QUEUE: usize = 64;

struct Upgrade {
    secret_id: Uuid,
    outdated: SecretHash,
    readings: Vec<Zeroizing<String>>,
    share_salt_with: Option<SecretHash>,
}

/// The queue of upgrades and the one thread that does them.
pub struct HashUpgrades {
    queue: Sender<Upgrade>,
}

impl std::fmt::Debug for HashUpgrades {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HashUpgrades").field("waiting", &self.queue.len()).finish()
    }
}

impl HashUpgrades {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(store: Store, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> std::io::Result<Self> {
        let (queue, waiting) = bounded(QUEUE);
        std::thread::Builder::new()
            .name("hash-upgrade".to_owned())
            .spawn(move || work(&waiting, &store, clock.as_ref(), entropy.as_ref()))?;
        Ok(Self { queue })
    }

    /// Queues the upgrade of the secret `secret_id`, whose hash is `outdated` and which reads as one of `readings`.
    ///
    /// `share_salt_with` is another brought secret of the same client, if it has one.
    pub fn queue(
        &self,
        secret_id: Uuid,
        outdated: SecretHash,
        readings: Vec<Zeroizing<String>>,
        share_salt_with: Option<SecretHash>,
    ) {
        // Full: the upgrade is lost now and comes again with the next use.
        let _ = self.queue.try_send(Upgrade { secret_id, outdated, readings, share_salt_with });
    }
}

fn work(waiting: &Receiver<Upgrade>, store: &Store, clock: &dyn Clock, entropy: &dyn Entropy) {
    let mut memory = HashMemory::default();
    while let Ok(upgrade) = waiting.recv() {
        let Some(secret) =
            upgrade.readings.iter().find(|reading| upgrade.outdated.verify(reading.as_bytes(), &mut memory))
        else {
            continue;
        };
        let Ok(better) =
            hash_brought(secret, WeakSecrets::Allow, upgrade.share_salt_with.as_ref(), entropy, &mut memory)
        else {
            continue;
        };
        let context = ChangeContext { actor: Actor::System, at: clock.now(), request_id: None };
        let written = store.write(&context, |transaction| -> Result<(), StoreError> {
            if transaction.replace_secret_hash(upgrade.secret_id, &upgrade.outdated, &better)? {
                transaction.record(AuditEntry {
                    action: AuditAction::Rehash,
                    object_kind: ObjectKind::ClientSecret,
                    object_id: upgrade.secret_id.to_string(),
                    before: None,
                    after: None,
                })?;
            }
            Ok(())
        });
        if let Err(cause) = written {
            tracing::warn!(%cause, "could not upgrade the hash of a secret; it is tried again at its next use");
        }
    }
}
