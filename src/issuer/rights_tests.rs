//! Can anybody raise its own rights? Random callers make random sequences of changes, and after each the rights within
//! their reach are counted.
//!
//! Within reach is what a caller can act with: the token that it began with, and every client of which it knows a credential
//! that works, be it that it made the client, made or set the secret, registered the key, or was told at the start; one that
//! it was told but that does not work (any more) counts from when it does. The endpoints ask for a
//! scope before they make a change; here nobody is asked, so what holds here holds whichever scopes open which endpoint.

mod world;

use std::cell::Cell;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::world::{CALLERS_JWKS_URI, CALLERS_KID, World, callers_key, mask_of, names, starts};
use super::administration::{AdministrationError, Change};
use super::clients::IdRule;
use super::document::apply::ApplyOptions;
use super::document::progress::Silent;
use super::document::{ApiEntry, ClientEntry, Document, GrantEntry, ScopeEntry};
use super::rights::Caller;
use super::secrets::SecretTerms;
use crate::entropy::SystemEntropy;
use crate::oauth::client::AuthenticationMethod;
use crate::secret::GeneratedSecret;
use crate::store::Page;

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
    PatchClient { client: usize, enabled: bool, allowed: bool, method: bool },
    DeleteClient { client: usize },
    AddSecret { client: usize },
    RotateSecret { client: usize, overlap: u32 },
    SetSecret { client: usize },
    RetireSecret { client: usize },
    UpdateSecret { client: usize, works: bool },
    AddKey { client: usize, enabled: bool },
    UpdateKey { client: usize, works: bool },
    DeleteKey { client: usize, in_use: bool },
    SetMethods { client: usize, method: Option<AuthenticationMethod>, in_use: Option<bool> },
    SetJwksUri { client: usize, own: bool },
    CreateGrant { client: usize, management: bool, scope: Mask },
    UpdateGrant { client: usize, management: bool, scope: Mask },
    DeleteGrant { client: usize, management: bool },
    CreateApi { management: bool },
    PatchApi { management: bool, scopes: Mask },
    DeleteApi { management: bool },
    ApplyDocument { client: Option<usize>, change: Written, scope: Mask, prune: bool },
}

/// What a document says of a client.
#[derive(Clone, Copy, Debug)]
enum Written {
    Nothing,
    Disabled,
    Secret,
    SecretMethod,
    Key,
    JwksUri,
}

const WRITTEN: [Written; 6] =
    [Written::Nothing, Written::Disabled, Written::Secret, Written::SecretMethod, Written::Key, Written::JwksUri];

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

fn methods() -> impl Strategy<Value = Option<AuthenticationMethod>> {
    let one = prop::sample::select(vec![AuthenticationMethod::ClientSecretBasic, AuthenticationMethod::PrivateKeyJwt]);
    prop::option::of(one)
}

fn steps() -> impl Strategy<Value = Step> {
    let client = || any::<usize>();
    // Mostly where there is something to gain.
    let management = || prop::bool::weighted(0.8);
    let mask = || 0..(1_u8 << RIGHTS.len());
    prop_oneof![
        2 => Just(Step::CreateClient),
        2 => (client(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(client, enabled, allowed, method)| Step::PatchClient { client, enabled, allowed, method }),
        1 => client().prop_map(|client| Step::DeleteClient { client }),
        3 => client().prop_map(|client| Step::AddSecret { client }),
        2 => (client(), 0..2_u32).prop_map(|(client, overlap)| Step::RotateSecret { client, overlap: overlap * 60 }),
        1 => client().prop_map(|client| Step::SetSecret { client }),
        1 => client().prop_map(|client| Step::RetireSecret { client }),
        1 => (client(), any::<bool>()).prop_map(|(client, works)| Step::UpdateSecret { client, works }),
        2 => (client(), any::<bool>()).prop_map(|(client, enabled)| Step::AddKey { client, enabled }),
        1 => (client(), any::<bool>()).prop_map(|(client, works)| Step::UpdateKey { client, works }),
        1 => (client(), any::<bool>()).prop_map(|(client, in_use)| Step::DeleteKey { client, in_use }),
        3 => (client(), methods(), any::<Option<bool>>())
            .prop_map(|(client, method, in_use)| Step::SetMethods { client, method, in_use }),
        1 => (client(), any::<bool>()).prop_map(|(client, own)| Step::SetJwksUri { client, own }),
        4 => (client(), management(), mask())
            .prop_map(|(client, management, scope)| Step::CreateGrant { client, management, scope }),
        4 => (client(), management(), mask())
            .prop_map(|(client, management, scope)| Step::UpdateGrant { client, management, scope }),
        1 => (client(), management()).prop_map(|(client, management)| Step::DeleteGrant { client, management }),
        1 => management().prop_map(|management| Step::CreateApi { management }),
        2 => (management(), mask()).prop_map(|(management, scopes)| Step::PatchApi { management, scopes }),
        1 => management().prop_map(|management| Step::DeleteApi { management }),
        8 => (prop::option::weighted(0.8, client()), prop::sample::select(WRITTEN.to_vec()), mask(), prop::bool::weighted(0.2))
            .prop_map(|(client, change, scope, prune)| Step::ApplyDocument { client, change, scope, prune }),
    ]
}

impl World {
    /// Makes one change, and remembers the secret that it tells.
    fn take(&mut self, caller: &Caller, step: &Step) -> Result<(), AdministrationError> {
        let clients = self.administration.store().read(|reader| reader.list_clients(Page::ALL)).unwrap();
        let ids: Vec<String> = clients.iter().map(|client| client.client_id.to_string()).collect();
        if let Step::ApplyDocument { client, change, scope, prune } = step {
            return self.apply(caller, client.map(|client| ids[client % ids.len()].clone()), *change, *scope, *prune);
        }
        let told = self.administration.change(caller, |change| make(change, step, &ids))?;
        if let Some((client_id, secret)) = told {
            self.known.entry(client_id).or_default().push(secret);
        }
        Ok(())
    }

    /// Applies a document about one client, an existing or a new one.
    fn apply(
        &mut self,
        caller: &Caller,
        client_id: Option<String>,
        change: Written,
        scope: Mask,
        prune: bool,
    ) -> Result<(), AdministrationError> {
        let client_id = client_id.unwrap_or_else(|| "of-a-document".to_owned());
        let mut entry = ClientEntry::new(Some(client_id.clone()), None);
        if scope != 0 {
            entry.grants.push(GrantEntry::new(MANAGEMENT, names(scope)));
        }
        let secret = GeneratedSecret::generate(&SystemEntropy).expose().to_owned();
        match change {
            Written::Nothing => {}
            Written::Disabled => entry.enabled = false,
            Written::Secret => {
                let wanted = format!("value: {secret}");
                entry.secrets.push(serde_saphyr::from_str(&wanted).expect("a secret"));
            }
            Written::SecretMethod => entry.authentication_methods = vec![AuthenticationMethod::ClientSecretBasic],
            Written::Key => entry.jwks = Some(world::callers_keys()),
            Written::JwksUri => entry.jwks_uri = Some(CALLERS_JWKS_URI.to_owned()),
        }
        let document = Document { apis: Vec::new(), clients: vec![entry] };
        let options = ApplyOptions { prune, ..ApplyOptions::default() };
        self.administration.take_steps(caller, &document, options, &Silent)?;
        if matches!(change, Written::Secret) {
            self.known.entry(client_id).or_default().push(secret);
        }
        Ok(())
    }
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
        Step::PatchClient { client, enabled, allowed, method } => {
            change.update_client(&id(client), |entry| {
                entry.enabled = *enabled;
                entry.client_credentials_allowed = *allowed;
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
        Step::UpdateSecret { client, works } => {
            let first = change.existing_client(&id(client))?.secrets.first().map(|secret| secret.id.to_string());
            change.update_secret(&id(client), &first.unwrap_or_default(), |terms| terms.expires_at = end(*works))?;
        }
        Step::AddKey { client, enabled } => drop(change.add_client_key(&id(client), &callers_key(*enabled))?),
        Step::UpdateKey { client, works } => drop(change.update_client_key(&id(client), CALLERS_KID, end(*works))?),
        Step::DeleteKey { client, in_use: true } => change.retire_client_key(&id(client), CALLERS_KID)?,
        Step::DeleteKey { client, in_use: false } => change.delete_client_key(&id(client), CALLERS_KID)?,
        Step::SetMethods { client, method, in_use } => {
            let keys: Vec<_> = change.existing_client(&id(client))?.keys.iter().map(|key| key.id).collect();
            let used = in_use.map(|in_use| if in_use { keys.as_slice() } else { &[] });
            change.set_authentication_methods(&id(client), method.as_slice(), used)?;
        }
        Step::SetJwksUri { client, own } => {
            change.update_client(&id(client), |entry| {
                entry.jwks_uri = own.then(|| CALLERS_JWKS_URI.to_owned());
                Ok(())
            })?;
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
        // Not a change of one thing: `World::apply` makes it.
        Step::ApplyDocument { .. } => {}
    }
    Ok(None)
}

fn scopes(mask: Mask) -> Vec<ScopeEntry> {
    names(mask).into_iter().map(|value| ScopeEntry { value, description: None }).collect()
}

/// The end of a credential that works, or does not.
fn end(works: bool) -> Option<Timestamp> {
    (!works).then_some(Timestamp::UNIX_EPOCH)
}
