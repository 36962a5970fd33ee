//! Who asks for a change, and what may be changed by whom? No change gives its caller a right that it does not hold.

use uuid::Uuid;

use super::administration::{AdministrationError, Change};
use crate::oauth::client::{Client, ClientId};
use crate::oauth::resource::Api;
use crate::oauth::scope::{ScopeSet, ScopeValue};
use crate::store::{Actor, Reader};

/// Who asks, on which request, and with which rights.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The HTTP request, by its `X-Request-Id`.
    pub request_id: Option<String>,
    /// What it may do.
    pub rights: Rights,
}

/// The rights of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// All: it acts on the host, where the database and its keys lie open to it anyway.
    Host,
    /// These scopes of the Management API.
    Scopes(ScopeSet),
    /// Those of the client with this id of ours over its own credentials, and no others.
    Itself(Uuid),
}

impl Caller {
    /// A person or a program on the host.
    pub const fn on_host(actor: Actor) -> Self {
        Self { actor, request_id: None, rights: Rights::Host }
    }

    /// Tokenhouse itself.
    pub const fn system() -> Self {
        Self::on_host(Actor::System)
    }

    /// Is the client `client_id` the caller itself?
    fn is_client(&self, client_id: &ClientId) -> bool {
        matches!(&self.actor, Actor::Client { client_id: own } if own == client_id.as_str())
    }
}

impl Rights {
    /// Which of `scope` are not among them?
    pub fn lacking<'s>(&self, scope: &'s ScopeSet) -> Vec<&'s ScopeValue> {
        match self {
            Self::Host => Vec::new(),
            Self::Itself(_) => scope.iter().collect(),
            Self::Scopes(held) => scope.iter().filter(|value| !held.contains(value)).collect(),
        }
    }

    /// Whoever knows or sets a client's credentials can act as that client: they are seen and touched only by those that
    /// hold all of its rights on the Management API.
    ///
    /// # Errors
    /// If one is lacking.
    pub fn may_touch_credentials(&self, client: &Client, reader: &mut Reader) -> Result<(), AdministrationError> {
        match self {
            Self::Host => return Ok(()),
            Self::Itself(id) if *id == client.id => return Ok(()),
            Self::Itself(_) => {
                return Err(AdministrationError::Refused("a client changes its own secret only".to_owned()));
            }
            Self::Scopes(_) if client.grants.is_empty() => return Ok(()),
            Self::Scopes(_) => {}
        }
        let management = reader.list_apis()?.into_iter().find(|api| api.is_system);
        let granted = management.and_then(|api| client.grant_for(api.id));
        granted.map_or(Ok(()), |grant| self.must_hold(&grant.scope))
    }

    /// # Errors
    /// If one of `scope` is lacking.
    pub(super) fn must_hold(&self, scope: &ScopeSet) -> Result<(), AdministrationError> {
        let lacking = self.lacking(scope);
        if lacking.is_empty() {
            return Ok(());
        }
        Err(AdministrationError::InsufficientScope(lacking.into_iter().map(ToString::to_string).collect()))
    }
}

impl Change<'_> {
    /// Nobody locks itself out by a slip: a client does not take its own way to the Management API.
    pub(super) fn must_not_be_caller(&self, client: &Client, doing: &str) -> Result<(), AdministrationError> {
        if !self.caller.is_client(&client.client_id) {
            return Ok(());
        }
        Err(AdministrationError::Refused(format!(
            "the client {} is the one that calls: {doing} by another client or on the host",
            client.client_id
        )))
    }

    /// Whoever can hand out a right can use it: scopes of the Management API are granted only by those that hold them.
    pub(super) fn may_grant(&self, api: &Api, scope: &ScopeSet) -> Result<(), AdministrationError> {
        if api.is_system { self.caller.rights.must_hold(scope) } else { Ok(()) }
    }

    /// As [`Rights::may_touch_credentials`], of this change's caller.
    pub(super) fn may_touch_credentials(&mut self, client: &Client) -> Result<(), AdministrationError> {
        self.caller.rights.may_touch_credentials(client, self.transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixMillis;
    use crate::store::{Database, Migrate, Store, StoreSettings};

    #[test]
    fn a_client_that_acts_for_itself_touches_its_own_credentials_only() {
        let settings = StoreSettings { database: Database::InMemory, pool_size: 1 };
        let store = Store::open(&settings, Migrate::Always).unwrap();
        let touch = |rights: &Rights, number: u128| {
            let client = Client::new(Uuid::from_u128(number), "c".parse().unwrap(), UnixMillis(0));
            store.read(|reader| rights.may_touch_credentials(&client, reader))
        };
        let itself = Rights::Itself(Uuid::from_u128(1));
        assert!(touch(&itself, 1).is_ok() && touch(&Rights::Host, 2).is_ok());
        assert!(matches!(touch(&itself, 2).unwrap_err(), AdministrationError::Refused(_)));
    }
}
