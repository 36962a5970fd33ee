//! Can anybody raise its own rights? Random callers make random sequences of changes, and after each the rights within
//! their reach are counted.
//!
//! Within reach is what a caller can act with: the token that it began with, and every client of which it knows a secret
//! that works, be it that it made the client, made or set the secret, or was told it at the start. The endpoints ask for a
//! scope before they make a change; here nobody is asked, so what holds here holds whichever scopes open which endpoint.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use super::administration::{Administration, AdministrationError, AdministrationPolicy, Change, OverlapPolicy};
use super::bootstrap::ManagementApi;
use super::clients::IdRule;
use super::document::{ApiEntry, ClientEntry, GrantEntry, ScopeEntry};
use super::rights::{Caller, Rights};
use super::secrets::SecretTerms;
use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::keys::lifecycle::{AnnouncementPeriod, KeyState};
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{MasterKey, RsaBits};
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::oauth::metadata::Issuer;
use crate::oauth::scope::ScopeSet;
use crate::secret::{HashMemory, StoredSecret, verify_any};
use crate::store::{Actor, Database, Migrate, Page, Reader, Store, StoreError, StoreSettings};

/// A few of the rights, so that random sets of them often overlap.
const RIGHTS: [&str; 5] =
    ["update:client_keys", "create:client_grants", "update:clients", "delete:clients", "update:signing_keys"];
const MANAGEMENT: &str = "http://localhost/api/v2/";
/// An API of its own, with scopes of the same names.
const OTHER: &str = "urn:other";
const BROUGHT: &str = "a-secret-that-somebody-brought-along-0123456789";

/// A set of rights: bit `n` is `RIGHTS[n]`.
type Mask = u8;

/// One change; clients are named by their place in the list of all, wrapped around.
#[derive(Clone, Debug)]
enum Step {
    CreateClient,
    PatchClient { client: usize, enabled: bool, method: bool },
    DeleteClient { client: usize },
    AddSecret { client: usize },
    RotateSecret { client: usize, overlap: u32 },
    SetSecret { client: usize },
    RetireSecret { client: usize },
    CreateGrant { client: usize, management: bool, scope: Mask },
    UpdateGrant { client: usize, management: bool, scope: Mask },
    DeleteGrant { client: usize, management: bool },
    CreateApi { management: bool },
    PatchApi { management: bool, scopes: Mask },
    DeleteApi { management: bool },
}

/// What a case begins with.
#[derive(Clone, Debug)]
struct Start {
    /// The rights of the clients that are there; the caller is the first.
    granted: Vec<Mask>,
    /// The caller's token names only these of its client's rights.
    token: Mask,
    /// Does the caller know its client's secret, or has it only come by the token?
    knows_secret: bool,
}

/// The server, and what the caller knows.
struct World {
    administration: Administration,
    start: Start,
    /// Known secrets by client id.
    known: HashMap<String, Vec<String>>,
    /// Which secret proved right for which stored one: checking one that was brought takes long.
    proved: RefCell<HashMap<(Uuid, String), bool>>,
}

#[test]
fn no_sequence_of_changes_raises_a_callers_rights() {
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let (made, refused) = (Cell::new(0), Cell::new(0));
    // Of each change: as whom the caller makes it, one of those within its reach, wrapped around.
    let outcome = runner.run(&(starts(), prop::collection::vec((any::<usize>(), steps()), 1..25)), |(start, moves)| {
        let mut world = World::new(start);
        let before = world.begins_with();
        for (index, (who, step)) in moves.iter().enumerate() {
            let callers = world.within_reach();
            match world.take(&callers[who % callers.len()], step) {
                Ok(()) => made.set(made.get() + 1),
                Err(AdministrationError::InsufficientScope(_)) => refused.set(refused.get() + 1),
                Err(AdministrationError::Store(error)) => panic!("{step:?}: {error}"),
                Err(_) => {}
            }
            let now = world.within_reach().iter().fold(0, |rights, caller| rights | mask_of(&caller.rights));
            prop_assert_eq!(now & !before, 0, "gained with step {} of {:?}", index, &moves);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    // Or nothing would have been tried.
    assert!(
        made.get() > 100 && refused.get() > 50,
        "{} made, {} refused for lack of rights",
        made.get(),
        refused.get()
    );
}

fn starts() -> impl Strategy<Value = Start> {
    let masks = || 0..(1_u8 << RIGHTS.len());
    let parts = (prop::collection::vec(masks(), 2..5), masks(), any::<bool>());
    parts.prop_map(|(granted, token, knows_secret)| Start { granted, token, knows_secret })
}

fn steps() -> impl Strategy<Value = Step> {
    let client = || any::<usize>();
    // Mostly where there is something to gain.
    let management = || prop::bool::weighted(0.8);
    let mask = || 0..(1_u8 << RIGHTS.len());
    prop_oneof![
        2 => Just(Step::CreateClient),
        1 => (client(), any::<bool>(), any::<bool>())
            .prop_map(|(client, enabled, method)| Step::PatchClient { client, enabled, method }),
        1 => client().prop_map(|client| Step::DeleteClient { client }),
        3 => client().prop_map(|client| Step::AddSecret { client }),
        2 => (client(), 0..2_u32).prop_map(|(client, overlap)| Step::RotateSecret { client, overlap: overlap * 60 }),
        1 => client().prop_map(|client| Step::SetSecret { client }),
        1 => client().prop_map(|client| Step::RetireSecret { client }),
        4 => (client(), management(), mask())
            .prop_map(|(client, management, scope)| Step::CreateGrant { client, management, scope }),
        4 => (client(), management(), mask())
            .prop_map(|(client, management, scope)| Step::UpdateGrant { client, management, scope }),
        1 => (client(), management()).prop_map(|(client, management)| Step::DeleteGrant { client, management }),
        1 => management().prop_map(|management| Step::CreateApi { management }),
        2 => (management(), mask()).prop_map(|(management, scopes)| Step::PatchApi { management, scopes }),
        1 => management().prop_map(|management| Step::DeleteApi { management }),
    ]
}

fn names(mask: Mask) -> Vec<String> {
    let named = RIGHTS.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
    named.map(|(_, name)| (*name).to_owned()).collect()
}

fn mask_of(rights: &Rights) -> Mask {
    let Rights::Scopes(held) = rights else { panic!("{rights:?} is no caller of the Management API") };
    // A right beyond those that are counted would be gained, too.
    held.iter().map(|value| 1 << RIGHTS.iter().position(|name| *name == value.as_str()).expect("a right")).sum()
}

fn caller(client_id: &str, rights: ScopeSet) -> Caller {
    let actor = Actor::Client { client_id: client_id.to_owned() };
    Caller { actor, request_id: None, rights: Rights::Scopes(rights) }
}

impl World {
    fn new(start: Start) -> Self {
        let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let policy = AdministrationPolicy {
            issuer: Issuer::new("http://localhost/"),
            default_token_lifetime: 3600,
            max_token_lifetime: 3600,
            max_live_secrets: 5,
            overlap: OverlapPolicy { default: 0, longest: 0 },
            quiet_days: 30,
            announcement: AnnouncementPeriod { max_age_seconds: 0, propagation_seconds: 0 },
            rsa_bits: RsaBits::Bits2048,
        };
        let administration = Administration::new(
            Store::open(&settings, Migrate::Always).unwrap(),
            Arc::new(MasterKey::generate(&SystemEntropy)),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            policy,
        );
        let mut known = HashMap::new();
        let filled = administration.change(&Caller::system(), |change| {
            change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)?;
            change.install_key(&PublicTestKey::Rs256Next.load(), KeyState::Next)
        });
        filled.unwrap();
        administration.bootstrap(ManagementApi::BringUpToDate).unwrap();
        let filled = administration.change(&Caller::system(), |change| {
            for (index, mask) in start.granted.iter().enumerate() {
                let id = format!("client-{index}");
                change.create_client(&ClientEntry::new(Some(id.clone()), None), IdRule::Chosen)?;
                let added = change.add_secret(&id, SecretTerms::default())?;
                if index == 0 && start.knows_secret {
                    known.insert(id.clone(), vec![added.secret.expose().to_owned()]);
                }
                change.create_grant(&id, &GrantEntry::new(MANAGEMENT, names(*mask)))?;
            }
            Ok(())
        });
        filled.unwrap();
        Self { administration, start, known, proved: RefCell::default() }
    }

    /// The rights that the caller begins with: those of its token, or of its client if it can get other tokens.
    fn begins_with(&self) -> Mask {
        let of_client = self.start.granted[0];
        if self.start.knows_secret { of_client } else { of_client & self.start.token }
    }

    /// As whom the caller can act now, and with which rights.
    fn within_reach(&self) -> Vec<Caller> {
        let (clients, rights_of) = self.administration.store().read(clients_and_rights).unwrap();
        let token: ScopeSet = names(self.start.token).iter().map(|name| name.parse().unwrap()).collect();
        let own = rights_of.get("client-0").cloned().unwrap_or_default();
        // As `ManagementAccess` has it: what the token names and the client still holds.
        let mut callers = vec![caller("client-0", own.filtered(|value| token.contains(value)))];
        for client in clients {
            let id = client.client_id.as_str();
            // A client that is disabled counts: who reaches it may enable it.
            let works = |secret: &String| client.secrets.iter().any(|stored| self.proves(stored, secret));
            if self.known.get(id).is_some_and(|secrets| secrets.iter().any(works)) {
                callers.push(caller(id, rights_of.get(id).cloned().unwrap_or_default()));
            }
        }
        callers
    }

    fn proves(&self, stored: &StoredSecret, secret: &str) -> bool {
        let mut proved = self.proved.borrow_mut();
        let check = || verify_any([&stored.hash].into_iter(), secret.as_bytes(), &mut HashMemory::default()).is_some();
        *proved.entry((stored.id, secret.to_owned())).or_insert_with(check)
    }

    /// Makes one change, and remembers the secret that it tells.
    fn take(&mut self, caller: &Caller, step: &Step) -> Result<(), AdministrationError> {
        let clients = self.administration.store().read(|reader| reader.list_clients(Page::ALL)).unwrap();
        let ids: Vec<String> = clients.iter().map(|client| client.client_id.to_string()).collect();
        let told = self.administration.change(caller, |change| make(change, step, &ids))?;
        if let Some((client_id, secret)) = told {
            self.known.entry(client_id).or_default().push(secret);
        }
        Ok(())
    }
}

/// Every client, and its rights on the Management API.
fn clients_and_rights(reader: &mut Reader) -> Result<(Vec<Client>, HashMap<String, ScopeSet>), StoreError> {
    let management = reader.list_apis()?.into_iter().find(|api| api.is_system).expect("it is never deleted");
    let clients = reader.list_clients(Page::ALL)?;
    let rights = clients.iter().filter_map(|client| {
        let grant = client.grant_for(management.id)?;
        Some((client.client_id.to_string(), grant.scope.clone()))
    });
    let rights = rights.collect();
    Ok((clients, rights))
}

/// Makes the change of `step`; returns the client and the secret that its caller knows from now on.
fn make(change: &mut Change<'_>, step: &Step, ids: &[String]) -> Result<Option<(String, String)>, AdministrationError> {
    let nobody = "nobody".to_owned();
    let id = |client: &usize| ids.get(client % ids.len().max(1)).unwrap_or(&nobody).clone();
    let audience = |management: &bool| if *management { MANAGEMENT } else { OTHER };
    match step {
        Step::CreateClient => {
            let id = change.create_client(&ClientEntry::new(None, None), IdRule::Chosen)?.client_id.to_string();
            let secret = change.add_secret(&id, SecretTerms::default())?.secret.expose().to_owned();
            return Ok(Some((id, secret)));
        }
        Step::PatchClient { client, enabled, method } => {
            change.update_client(&id(client), |entry| {
                entry.enabled = *enabled;
                if *method {
                    entry.authentication_methods = vec![AuthenticationMethod::ClientSecretBasic];
                }
                Ok(())
            })?;
        }
        Step::DeleteClient { client } => change.delete_client(&id(client))?,
        Step::AddSecret { client } => {
            let added = change.add_secret(&id(client), SecretTerms::default())?;
            return Ok(Some((id(client), added.secret.expose().to_owned())));
        }
        Step::RotateSecret { client, overlap } => {
            let added = change.rotate_secret(&id(client), *overlap, SecretTerms::default())?;
            return Ok(Some((id(client), added.secret.expose().to_owned())));
        }
        Step::SetSecret { client } => {
            change.set_secret(&id(client), BROUGHT)?;
            return Ok(Some((id(client), BROUGHT.to_owned())));
        }
        Step::RetireSecret { client } => {
            let first = change.existing_client(&id(client))?.secrets.first().map(|secret| secret.id.to_string());
            change.retire_secret(&id(client), &first.unwrap_or_default())?;
        }
        Step::CreateGrant { client, management, scope } => {
            change.create_grant(&id(client), &GrantEntry::new(audience(management), names(*scope)))?;
        }
        Step::UpdateGrant { client, management, scope } => {
            change.update_grant(&id(client), audience(management), |entry| {
                entry.scope = names(*scope);
                Ok(())
            })?;
        }
        Step::DeleteGrant { client, management } => change.delete_grant(&id(client), audience(management))?,
        Step::CreateApi { management } => {
            change.create_api(&ApiEntry { scopes: scopes(Mask::MAX), ..ApiEntry::new(audience(management)) })?;
        }
        Step::PatchApi { management, scopes: mask } => {
            change.update_api(audience(management), |entry| {
                entry.scopes = scopes(*mask);
                Ok(())
            })?;
        }
        Step::DeleteApi { management } => change.delete_api(audience(management))?,
    }
    Ok(None)
}

fn scopes(mask: Mask) -> Vec<ScopeEntry> {
    names(mask).into_iter().map(|value| ScopeEntry { value, description: None }).collect()
}
