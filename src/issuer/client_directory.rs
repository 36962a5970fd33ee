//! Which clients are there? Found by what a request names, changed at a cost that does not grow with their number.
//!
//! The maps are persistent: a copy costs nothing, and a change to it copies a few nodes. Their hash is keyed, since callers
//! choose what is looked up.

use std::sync::Arc;

use rpds::HashTrieMapSync;
use uuid::Uuid;

use crate::oauth::client::{Client, ClientId};
use crate::secret::SecretWork;

/// The clients of a snapshot.
#[derive(Clone, Debug, Default)]
pub struct ClientDirectory {
    clients: HashTrieMapSync<ClientId, Arc<Client>>,
    client_ids: HashTrieMapSync<Uuid, ClientId>,
    /// How many secrets that a person brought there are, by the work that checking one takes.
    brought: HashTrieMapSync<SecretWork, usize>,
}

impl ClientDirectory {
    /// The client with the public identifier `client_id`, without what only people read.
    pub fn get(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id)
    }

    /// The client with our own id `id`, as [`Self::get`] has it.
    pub fn get_by_id(&self, id: Uuid) -> Option<&Arc<Client>> {
        self.clients.get(self.client_ids.get(&id)?)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.size()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Every kind of check that some brought secret needs, in no fixed order; none where no secret was brought.
    pub fn brought_work(&self) -> impl Iterator<Item = &SecretWork> {
        self.brought.keys()
    }

    /// Takes in `client`, in the place of the one with the same id, or that had the same public identifier.
    pub fn put(&mut self, mut client: Client) {
        forget_what_people_read(&mut client);
        self.remove(client.id);
        if let Some(former) = self.clients.get(&client.client_id).map(|former| former.id) {
            self.remove(former);
        }
        self.count_brought(&client, |count| count + 1);
        self.client_ids.insert_mut(client.id, client.client_id.clone());
        self.clients.insert_mut(client.client_id.clone(), Arc::new(client));
    }

    /// Takes out the client with our own id `id`, if it is there.
    pub fn remove(&mut self, id: Uuid) {
        let Some(client_id) = self.client_ids.get(&id).cloned() else { return };
        if let Some(client) = self.clients.get(&client_id).cloned() {
            self.count_brought(&client, |count| count.saturating_sub(1));
        }
        self.clients.remove_mut(&client_id);
        self.client_ids.remove_mut(&id);
    }

    fn count_brought(&mut self, client: &Client, change: impl Fn(usize) -> usize) {
        for secret in client.secrets.iter().filter(|secret| secret.hash.secret_id().is_none()) {
            let work = secret.hash.work();
            match change(self.brought.get(&work).copied().unwrap_or_default()) {
                0 => self.brought.remove_mut(&work),
                count => {
                    self.brought.insert_mut(work, count);
                    true
                }
            };
        }
    }
}

/// No decision reads names, labels and what is only kept, and at a million clients they would be most of the memory.
fn forget_what_people_read(client: &mut Client) {
    client.name = String::new();
    client.auth0_fields = serde_json::Map::new();
    for secret in &mut client.secrets {
        secret.label = None;
        secret.imported_hash = None;
    }
    for key in &mut client.keys {
        key.name = None;
    }
    for grant in &mut client.grants {
        grant.auth0_fields = serde_json::Map::new();
    }
    client.secrets.shrink_to_fit();
    client.keys.shrink_to_fit();
    client.grants.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::secret::{SecretHash, StoredSecret};

    const BROUGHT: &str = "9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=";

    fn client(id: u128, client_id: &str, brought: usize) -> Client {
        let secret = |number: usize| StoredSecret {
            id: Uuid::from_u128(number as u128),
            hash: SecretHash::parse(BROUGHT).unwrap(),
            imported_hash: Some(Box::new(SecretHash::parse(BROUGHT).unwrap())),
            label: Some("for people".to_owned()),
            created_at: UnixMillis(0),
            expires_at: None,
            last_used_at: None,
        };
        let client = Client::new(Uuid::from_u128(id), client_id.parse().unwrap(), UnixMillis(0));
        Client { secrets: (0..brought).map(secret).collect(), ..client }
    }

    fn works(directory: &ClientDirectory) -> usize {
        directory.brought_work().count()
    }

    #[test]
    fn a_copy_does_not_see_what_changes_after_it() {
        let mut directory = ClientDirectory::default();
        directory.put(client(1, "a", 1));
        let before = directory.clone();
        directory.remove(Uuid::from_u128(1));
        assert!(directory.is_empty() && directory.get("a").is_none());
        assert_eq!((works(&directory), works(&before), before.len()), (0, 1, 1));
        assert!(before.get("a").is_some());
    }

    #[test]
    fn a_public_identifier_that_passed_to_another_client_stays_with_it_in_either_order() {
        for removed_first in [true, false] {
            let mut directory = ClientDirectory::default();
            directory.put(client(1, "a", 2));
            if removed_first {
                directory.remove(Uuid::from_u128(1));
            }
            directory.put(client(2, "a", 0));
            directory.remove(Uuid::from_u128(1));
            assert_eq!(directory.get("a").map(|client| client.id), Some(Uuid::from_u128(2)));
            assert_eq!((directory.len(), works(&directory)), (1, 0));
        }
    }

    #[test]
    fn brought_secrets_are_counted_however_often_a_client_changes() {
        let mut directory = ClientDirectory::default();
        for brought in [0, 2, 1, 3, 1] {
            directory.put(client(1, "a", brought));
            assert_eq!(works(&directory), usize::from(brought > 0));
        }
        directory.put(client(2, "b", 1));
        directory.put(client(1, "a", 0));
        assert_eq!(works(&directory), 1);
        directory.remove(Uuid::from_u128(2));
        assert_eq!(works(&directory), 0);
    }

    #[test]
    fn what_only_people_read_is_not_kept() {
        let mut directory = ClientDirectory::default();
        directory.put(client(1, "a", 3));
        let kept = directory.get("a").unwrap();
        assert!(kept.name.is_empty());
        assert!(kept.secrets.iter().all(|secret| secret.label.is_none() && secret.imported_hash.is_none()));
        assert_eq!((kept.secrets.len(), kept.secrets.capacity()), (3, 3));
    }
}
