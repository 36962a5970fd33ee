//! What can a partner do with its users?

use std::sync::Arc;

use actix_web::web;
use thiserror::Error;

use super::page::Page;
use super::user::{NewUser, User, UserChanges};
use super::users_store::UsersStore;
use crate::clock::{Clock, UnixMillis};
use crate::entropy::{Entropy, new_uuid};

/// Why something could not be done with users.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum UsersError {
    /// This partner has no user of that id.
    #[error("there is no such user")]
    NoSuchUser,
    /// This partner has another user with that address.
    #[error("another user has this email address")]
    EmailTaken,
    /// No connection came free in time.
    #[error("the database of the users is busy")]
    Busy,
    /// The database failed.
    #[error("the database of the users failed: {detail}")]
    Fault {
        /// What it says; not for callers.
        detail: String,
    },
}

/// The users of all partners. Each method takes the client whose users it sees, and none sees those of another.
#[derive(Debug)]
pub(super) struct Users {
    store: UsersStore,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Users {
    pub(super) const fn new(store: UsersStore, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, clock, entropy }
    }

    /// A page of the client's users, oldest first, and how many there are in all.
    pub(super) async fn list(&self, client: &str, page: Page) -> Result<(Vec<User>, i64), UsersError> {
        let client = client.to_owned();
        self.blocking(move |store| store.list(&client, page)).await
    }

    pub(super) async fn get(&self, client: &str, id: &str) -> Result<User, UsersError> {
        let (client, id) = (client.to_owned(), id.to_owned());
        self.blocking(move |store| store.get(&client, &id)).await
    }

    pub(super) async fn create(&self, client: &str, new_user: NewUser) -> Result<User, UsersError> {
        let client = client.to_owned();
        let (id, created_at) = self.new_id();
        self.blocking(move |store| store.create(&client, &id, &new_user, created_at)).await
    }

    pub(super) async fn update(&self, client: &str, id: &str, changes: UserChanges) -> Result<User, UsersError> {
        let (client, id) = (client.to_owned(), id.to_owned());
        self.blocking(move |store| store.update(&client, &id, &changes)).await
    }

    pub(super) async fn delete(&self, client: &str, id: &str) -> Result<(), UsersError> {
        let (client, id) = (client.to_owned(), id.to_owned());
        self.blocking(move |store| store.delete(&client, &id)).await
    }

    /// Blocks, unlike the others: it runs before there are requests.
    pub(super) fn seed(&self, client: &str) -> Result<(), UsersError> {
        if self.store.list(client, Page::default())?.1 > 0 {
            return Ok(());
        }
        for (email, name) in [("ada@example.com", "Ada Lovelace"), ("grace@example.com", "Grace Hopper")] {
            let (id, created_at) = self.new_id();
            let new_user = NewUser { email: email.to_owned(), name: name.to_owned() };
            self.store.create(client, &id, &new_user, created_at)?;
        }
        Ok(())
    }

    fn new_id(&self) -> (String, UnixMillis) {
        let now = self.clock.now();
        (new_uuid(now, &*self.entropy).to_string(), now)
    }

    /// Runs `work` where it may block: SQLite waits for disks and locks.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&UsersStore) -> Result<T, UsersError> + Send + 'static,
    ) -> Result<T, UsersError> {
        let store = self.store.clone();
        match web::block(move || work(&store)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(UsersError::Fault { detail: "the blocking work was cancelled".to_owned() }),
        }
    }
}
