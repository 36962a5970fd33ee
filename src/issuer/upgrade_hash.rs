//! How does an imported hash become Argon2id? After its first success, off the token path, by compare-and-set.
//!
//! All slow hashes of a client share one computation, so that a check costs one, whoever asks. An upgrade keeps that:
//! it takes the salt of the client's other secrets, as they are stored at that moment, or does not take place.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::fail_point;
use crate::oauth::client::Client;
use crate::secret::{HashMemory, SecretHash, WeakSecrets, hash_brought};
use crate::store::{Actor, AuditAction, AuditEntry, ChangeContext, ObjectKind, Reader, Store, StoreError};

/// How many upgrades may wait; more are lost, and queued again at the next use of the secret.
const QUEUE: usize = 64;

/// How often a secret is hashed anew because the client's other secrets have changed meanwhile.
const ATTEMPTS: usize = 3;

struct Upgrade {
    secret_id: Uuid,
    outdated: SecretHash,
    readings: Vec<Zeroizing<String>>,
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
        let mut worker = Worker { store, clock, entropy, memory: HashMemory::default() };
        std::thread::Builder::new().name("hash-upgrade".to_owned()).spawn(move || worker.work(&waiting))?;
        Ok(Self { queue })
    }

    /// Queues the upgrade of the secret `secret_id` of `client`, whose hash is `outdated` and which reads as one of
    /// `readings`.
    pub fn queue(&self, client: &Client, secret_id: Uuid, outdated: SecretHash, readings: Vec<Zeroizing<String>>) {
        // Told from memory, since it may stay so for as long as the other secret is there, at every use of this one.
        if salt_beside(client, secret_id) == NewSalt::Blocked {
            return;
        }
        // Full: the upgrade is lost now and comes again with the next use.
        let _ = self.queue.try_send(Upgrade { secret_id, outdated, readings });
    }
}

/// Which salt may a new hash of a secret have?
#[derive(Debug, PartialEq, Eq)]
enum NewSalt<'c> {
    /// Any: no other secret of the client is hashed slowly.
    Any,
    /// That of this hash of another secret.
    Of(&'c SecretHash),
    /// No salt will do: another secret waits for its own upgrade, and would cost a second computation until then.
    Blocked,
}

fn salt_beside(client: &Client, secret_id: Uuid) -> NewSalt<'_> {
    let mut others = slow_beside(client, secret_id);
    match others.next() {
        None => NewSalt::Any,
        Some(one) if !one.needs_upgrade() && others.all(|other| other.shares_computation_with(one)) => NewSalt::Of(one),
        Some(_) => NewSalt::Blocked,
    }
}

/// The slow hashes of the client's other secrets. Those that have expired count: they are checked like the others.
fn slow_beside(client: &Client, secret_id: Uuid) -> impl Iterator<Item = &SecretHash> {
    let others = client.secrets.iter().filter(move |stored| stored.id != secret_id);
    others.map(|stored| &stored.hash).filter(|hash| hash.is_slow())
}

/// What became of a new hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It stands in the place of the old one, or the old one has gone.
    Settled,
    /// The client has got a secret of another salt meanwhile.
    OtherSalt,
}

struct Worker {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    memory: HashMemory,
}

impl Worker {
    fn work(&mut self, waiting: &Receiver<Upgrade>) {
        while let Ok(upgrade) = waiting.recv() {
            if let Err(cause) = self.carry_out(&upgrade) {
                tracing::warn!(%cause, "could not upgrade the hash of a secret; it is tried again at its next use");
            }
        }
    }

    fn carry_out(&mut self, upgrade: &Upgrade) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            // Hashed outside the transaction, which would hold up every other change for as long.
            let Some(client) = self.store.read(|reader| owner(reader, upgrade))? else { return Ok(()) };
            let Some(better) = self.better_hash(upgrade, &client) else { return Ok(()) };
            let Some(imported) = self.hash_anew(&upgrade.outdated.text(), None) else { return Ok(()) };
            if self.replace(upgrade, &better, &imported)? == Outcome::Settled {
                return Ok(());
            }
        }
        Ok(())
    }

    fn better_hash(&mut self, upgrade: &Upgrade, client: &Client) -> Option<SecretHash> {
        let share_salt_with = match salt_beside(client, upgrade.secret_id) {
            NewSalt::Any => None,
            NewSalt::Of(other) => Some(other),
            NewSalt::Blocked => return None,
        };
        let memory = &mut self.memory;
        let secret = upgrade.readings.iter().find(|reading| upgrade.outdated.verify(reading.as_bytes(), memory))?;
        self.hash_anew(secret, share_salt_with)
    }

    fn hash_anew(&mut self, text: &str, share_salt_with: Option<&SecretHash>) -> Option<SecretHash> {
        hash_brought(text, WeakSecrets::Allow, share_salt_with, self.entropy.as_ref(), &mut self.memory).ok()
    }

    fn replace(&self, upgrade: &Upgrade, better: &SecretHash, imported: &SecretHash) -> Result<Outcome, StoreError> {
        let context = ChangeContext { actor: Actor::System, at: self.clock.now(), request_id: None };
        let written = self.store.write(&context, |transaction| {
            let Some(client) = owner(transaction, upgrade)? else { return Ok(Outcome::Settled) };
            let mut others = slow_beside(&client, upgrade.secret_id);
            if better.is_slow() && !others.all(|other| other.shares_computation_with(better)) {
                return Ok(Outcome::OtherSalt);
            }
            fail_point::reach("hash_upgrade.begun");
            if transaction.replace_secret_hash(upgrade.secret_id, &upgrade.outdated, better, imported)? {
                transaction.record(AuditEntry {
                    action: AuditAction::Rehash,
                    object_kind: ObjectKind::ClientSecret,
                    object_id: upgrade.secret_id.to_string(),
                    before: None,
                    after: None,
                })?;
            }
            Ok::<_, StoreError>(Outcome::Settled)
        });
        fail_point::reach("hash_upgrade.ended");
        written.map(|written| written.value)
    }
}

/// The client whose secret it is, if that still has the outdated hash.
fn owner(reader: &mut Reader, upgrade: &Upgrade) -> Result<Option<Client>, StoreError> {
    match reader.find_secret(upgrade.secret_id)? {
        Some(owned) if owned.secret.hash == upgrade.outdated => reader.find_client_by_id(owned.client_row_id),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, UnixMillis};
    use crate::entropy::{SystemEntropy, new_uuid};
    use crate::secret::StoredSecret;
    use crate::store::{Database, Migrate, StoreSettings};

    const SECRET: &str = "an imported legacy secret";
    const SHA256: &str = "9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=";
    const PBKDF2: &str =
        "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$YzIq1fW35BtiQ1sT09U67IbCjZ2tgB/yvgo6mz933f8";

    fn secret(hash: SecretHash, created_at: i64) -> StoredSecret {
        StoredSecret {
            id: new_uuid(UnixMillis(0), &SystemEntropy),
            hash,
            imported_hash: None,
            label: None,
            created_at: UnixMillis(created_at),
            expires_at: None,
            last_used_at: None,
        }
    }

    fn parsed(hash: &str) -> SecretHash {
        SecretHash::parse(hash).unwrap()
    }

    fn brought(value: &str, share_salt_with: Option<&SecretHash>) -> SecretHash {
        hash_brought(value, WeakSecrets::Allow, share_salt_with, &SystemEntropy, &mut HashMemory::default()).unwrap()
    }

    fn client(hashes: &[SecretHash]) -> Client {
        let id = new_uuid(UnixMillis(0), &SystemEntropy);
        let secrets = (0..).zip(hashes).map(|(number, hash)| secret(hash.clone(), number)).collect();
        Client { secrets, ..Client::new(id, "c".parse().unwrap(), UnixMillis(0)) }
    }

    fn change(store: &Store, change: impl FnOnce(&mut crate::store::Transaction) -> Result<(), StoreError>) {
        let context = ChangeContext { actor: Actor::System, at: UnixMillis(1), request_id: None };
        let entry = AuditEntry {
            action: AuditAction::Update,
            object_kind: ObjectKind::Client,
            object_id: "c".to_owned(),
            before: None,
            after: None,
        };
        let written = store.write(&context, |transaction| {
            change(transaction)?;
            transaction.record(entry)
        });
        written.unwrap();
    }

    /// A worker on a store with a client of these hashes.
    fn worker(hashes: &[SecretHash]) -> (Worker, Client) {
        let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let store = Store::open(&settings, Migrate::Always).unwrap();
        let client = client(hashes);
        change(&store, |transaction| transaction.insert_client(&client));
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        (Worker { store, clock, entropy, memory: HashMemory::default() }, client)
    }

    fn upgrade(stored: &StoredSecret) -> Upgrade {
        let readings = vec![Zeroizing::new("another reading".to_owned()), Zeroizing::new(SECRET.to_owned())];
        Upgrade { secret_id: stored.id, outdated: stored.hash.clone(), readings }
    }

    fn stored(worker: &Worker) -> Vec<StoredSecret> {
        worker.store.load_all().unwrap().clients.remove(0).secrets
    }

    #[test]
    fn upgrades_that_follow_each_other_share_a_salt() {
        let (mut worker, client) = worker(&[parsed(SHA256), parsed(SHA256)]);
        for outdated in &client.secrets {
            worker.carry_out(&upgrade(outdated)).unwrap();
        }
        let stored = stored(&worker);
        assert!(stored.iter().all(|one| !one.hash.needs_upgrade() && one.imported_hash.is_some()), "{stored:?}");
        assert!(stored[0].hash.shares_computation_with(&stored[1].hash));
    }

    #[test]
    fn a_hash_of_another_salt_is_never_put_beside_a_slow_one() {
        let (mut worker, client) = worker(&[parsed(SHA256)]);
        let upgrade = upgrade(&client.secrets[0]);
        let too_late = brought(SECRET, None);
        let sibling = secret(brought("one that came meanwhile", None), 1);
        change(&worker.store, |transaction| transaction.insert_secret(client.id, &sibling));
        assert_eq!(worker.replace(&upgrade, &too_late, &too_late).unwrap(), Outcome::OtherSalt);
        assert!(stored(&worker).iter().any(|one| one.hash == client.secrets[0].hash), "nothing is changed");

        worker.carry_out(&upgrade).unwrap();
        let stored = stored(&worker);
        assert!(stored.iter().all(|one| one.hash.shares_computation_with(&sibling.hash)), "{stored:?}");
        assert_eq!(worker.replace(&upgrade, &too_late, &too_late).unwrap(), Outcome::Settled, "it has gone");
    }

    #[test]
    fn no_upgrade_while_another_secret_waits_for_its_own() {
        let other = parsed(&PBKDF2.replace("YzIq", "YzIr"));
        let (mut worker, client) = worker(&[parsed(PBKDF2), other]);
        assert_eq!(salt_beside(&client, client.secrets[0].id), NewSalt::Blocked);
        worker.carry_out(&upgrade(&client.secrets[0])).unwrap();
        assert_eq!(stored(&worker), client.secrets);
        change(&worker.store, |transaction| transaction.delete_secret(client.secrets[1].id));
        worker.carry_out(&upgrade(&client.secrets[0])).unwrap();
        assert!(!stored(&worker)[0].hash.needs_upgrade());
    }

    #[test]
    fn a_fast_hash_beside_is_no_hindrance() {
        let client = client(&[parsed(PBKDF2), parsed(SHA256), brought("brought", None)]);
        assert_eq!(salt_beside(&client, client.secrets[2].id), NewSalt::Blocked);
        assert_eq!(salt_beside(&client, client.secrets[0].id), NewSalt::Of(&client.secrets[2].hash));
        let other = super::tests::client(&[parsed(SHA256), parsed(SHA256)]);
        assert_eq!(salt_beside(&other, other.secrets[0].id), NewSalt::Any);
    }
}
