//! What a case begins with, what its caller knows, and as whom it can therefore act.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::{MANAGEMENT, Mask, RIGHTS};
use crate::clock::{Clock as _, SystemClock};
use crate::entropy::SystemEntropy;
use crate::issuer::administration::{Administration, AdministrationError, AdministrationPolicy, Change, OverlapPolicy};
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::client_keys::{KeyMaterial, NewClientKey};
use crate::issuer::clients::IdRule;
use crate::issuer::document::{ClientEntry, GrantEntry, KeySetEntry};
use crate::issuer::rights::{Caller, Rights};
use crate::issuer::secrets::SecretTerms;
use crate::keys::MasterKey;
use crate::keys::lifecycle::KeyState;
use crate::keys::public_test_keys::PublicTestKey;
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::oauth::metadata::Issuer;
use crate::oauth::scope::ScopeSet;
use crate::secret::{HashMemory, StoredSecret, verify_any};
use crate::store::{Actor, Database, Migrate, Page, Reader, Store, StoreError, StoreSettings};

const LEAKS: [Leak; 8] = [
    Leak::Nothing,
    Leak::ExpiredSecret,
    Leak::SecretOfDisabled,
    Leak::SecretOfOtherKind,
    Leak::SecretOfKeyClient,
    Leak::ExpiredKey,
    Leak::UnusedKey,
    Leak::KeyOfSecretClient,
];
/// The `kid` of every key that the caller registers; it knows the private half.
pub(super) const CALLERS_KID: &str = "of-the-caller";
/// A place where the caller publishes keys.
pub(super) const CALLERS_JWKS_URI: &str = "https://caller.example/jwks.json";
const CALLERS_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const OWNERS_JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;

/// What a case begins with.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// The rights of the clients that are there; the caller is the first.
    granted: Vec<Mask>,
    /// The caller's token names only these of its client's rights.
    token: Mask,
    /// Does the caller know its client's secret, or has it only come by the token?
    knows_secret: bool,
    /// What it knows of the other clients, in their order.
    leaks: Vec<Leak>,
}

/// A credential that the caller knows and that does not work any more; it must not work again by the caller's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leak {
    Nothing,
    ExpiredSecret,
    SecretOfDisabled,
    SecretOfOtherKind,
    SecretOfKeyClient,
    ExpiredKey,
    UnusedKey,
    KeyOfSecretClient,
}

/// The server, and what the caller knows.
pub(super) struct World {
    pub(super) administration: Administration,
    start: Start,
    /// Known secrets by client id.
    pub(super) known: HashMap<String, Vec<String>>,
    /// Secrets that were known and did not work at the start, by client id.
    leaked: HashMap<String, String>,
    /// Which secret proved right for which stored one: checking one that was brought takes long.
    proved: RefCell<HashMap<(Uuid, String), bool>>,
}

pub(super) fn starts() -> impl Strategy<Value = Start> {
    let masks = || 0..(1_u8 << RIGHTS.len());
    let leaks = prop::collection::vec(prop::sample::select(LEAKS.to_vec()), 4);
    let parts = (prop::collection::vec(masks(), 2..5), masks(), any::<bool>(), leaks);
    parts.prop_map(|(granted, token, knows_secret, leaks)| Start { granted, token, knows_secret, leaks })
}

pub(super) fn names(mask: Mask) -> Vec<String> {
    let named = RIGHTS.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
    named.map(|(_, name)| (*name).to_owned()).collect()
}

pub(super) fn mask_of(rights: &Rights) -> Mask {
    let Rights::Scopes(held) = rights else { panic!("{rights:?} is no caller of the Management API") };
    // A right beyond those that are counted would be gained, too.
    held.iter().map(|value| 1 << RIGHTS.iter().position(|name| *name == value.as_str()).expect("a right")).sum()
}

fn caller(client_id: &str, rights: ScopeSet) -> Caller {
    let actor = Actor::Client { client_id: client_id.to_owned() };
    Caller { actor, request_id: None, rights: Rights::Scopes(rights) }
}

impl World {
    pub(super) fn new(start: Start) -> Self {
        let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
        let policy = AdministrationPolicy {
            max_token_lifetime: 3600,
            max_live_secrets: 5,
            overlap: OverlapPolicy { default: 0, longest: 0 },
            ..AdministrationPolicy::of_dev(Issuer::new("http://localhost/"))
        };
        let administration = Administration::new(
            Store::open(&settings, Migrate::Always).unwrap(),
            Arc::new(MasterKey::generate(&SystemEntropy).into()),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            policy,
        );
        let (mut known, mut leaked) = (HashMap::new(), HashMap::new());
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
                let secret = added.secret.expose().to_owned();
                if index > 0 {
                    let leak = start.leaks.get(index - 1).copied().unwrap_or(Leak::Nothing);
                    if leak.happens_to(&id, change)? {
                        leaked.insert(id.clone(), secret);
                    }
                } else if start.knows_secret {
                    known.insert(id.clone(), vec![secret]);
                }
                change.create_grant(&id, &GrantEntry::new(MANAGEMENT, names(*mask)))?;
            }
            Ok(())
        });
        filled.unwrap();
        Self { administration, start, known, leaked, proved: RefCell::default() }
    }

    /// The rights that the caller begins with: those of its token, or of its client if it can get other tokens.
    pub(super) fn begins_with(&self) -> Mask {
        let of_client = self.start.granted[0];
        if self.start.knows_secret { of_client } else { of_client & self.start.token }
    }

    /// As whom the caller can act now, and with which rights.
    pub(super) fn within_reach(&self) -> Vec<Caller> {
        let (clients, rights_of) = self.administration.store().read(clients_and_rights).unwrap();
        let token: ScopeSet = names(self.start.token).iter().map(|name| name.parse().unwrap()).collect();
        let own = rights_of.get("client-0").cloned().unwrap_or_default();
        // As `ManagementAccess` has it: what the token names and the client still holds.
        let mut callers = vec![caller("client-0", own.divided_by(token.iter()).0)];
        for client in clients {
            let id = client.client_id.as_str();
            if self.is_in_hand(&client) || self.is_in_hand_by_a_leak(&client) {
                callers.push(caller(id, rights_of.get(id).cloned().unwrap_or_default()));
            }
        }
        callers
    }

    /// Has the caller a credential of its own making for `client`? Also one that is out of use counts, and a client that is
    /// disabled: who reaches it may enable it.
    fn is_in_hand(&self, client: &Client) -> bool {
        let id = client.client_id.as_str();
        let works = |secret: &String| client.secrets.iter().any(|stored| self.proves(stored, secret));
        self.known.get(id).is_some_and(|secrets| secrets.iter().any(works))
            || client.jwks_uri.as_ref().is_some_and(|uri| uri.as_str() == CALLERS_JWKS_URI)
            || !self.leaks_key_of(id) && client.keys.iter().any(|key| key.kid.as_str() == CALLERS_KID)
    }

    /// Does a credential that was of no use at the start get the caller a token now?
    fn is_in_hand_by_a_leak(&self, client: &Client) -> bool {
        let (id, now) = (client.client_id.as_str(), SystemClock.now());
        let proves = |secret: &String| {
            let mut live = client.secrets.iter().filter(|stored| stored.is_live(now));
            client.accepts_secrets() && live.any(|stored| self.proves(stored, secret))
        };
        let mut callers_keys = client.keys.iter().filter(|key| key.kid.as_str() == CALLERS_KID && key.is_live(now));
        let by_key = client.accepts_assertions() && callers_keys.next().is_some();
        client.enabled && client.client_credentials_allowed && (by_key || self.leaked.get(id).is_some_and(proves))
    }

    fn leaks_key_of(&self, client_id: &str) -> bool {
        let place = client_id.strip_prefix("client-").and_then(|place| place.parse::<usize>().ok());
        let leak = place.and_then(|place| self.start.leaks.get(place.checked_sub(1)?));
        matches!(leak, Some(Leak::ExpiredKey | Leak::UnusedKey | Leak::KeyOfSecretClient))
    }

    fn proves(&self, stored: &StoredSecret, secret: &str) -> bool {
        let mut proved = self.proved.borrow_mut();
        let check = || verify_any([&stored.hash].into_iter(), secret.as_bytes(), &mut HashMemory::default()).is_some();
        *proved.entry((stored.id, secret.to_owned())).or_insert_with(check)
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

impl Leak {
    /// Puts the client `id` into the state in which what the caller knows is of no use. Is that its secret?
    fn happens_to(self, id: &str, change: &mut Change<'_>) -> Result<bool, AdministrationError> {
        change.add_client_key(id, &key(OWNERS_JWK, "of-its-owner"))?;
        match self {
            Self::Nothing => {}
            Self::ExpiredSecret => {
                let secret = change.existing_client(id)?.secrets[0].id.to_string();
                change.update_secret(id, &secret, |terms| terms.expires_at = Some(Timestamp::UNIX_EPOCH))?;
            }
            Self::SecretOfDisabled => edit(change, id, |entry| entry.enabled = false)?,
            Self::SecretOfOtherKind => edit(change, id, |entry| entry.client_credentials_allowed = false)?,
            Self::SecretOfKeyClient => set_methods(change, id, AuthenticationMethod::PrivateKeyJwt)?,
            Self::ExpiredKey => {
                change.add_client_key(id, &callers_key(true))?;
                change.update_client_key(id, CALLERS_KID, Some(Timestamp::UNIX_EPOCH))?;
            }
            Self::UnusedKey => drop(change.add_client_key(id, &callers_key(false))?),
            Self::KeyOfSecretClient => {
                change.add_client_key(id, &callers_key(true))?;
                set_methods(change, id, AuthenticationMethod::ClientSecretBasic)?;
            }
        }
        let secrets = [Self::ExpiredSecret, Self::SecretOfDisabled, Self::SecretOfOtherKind, Self::SecretOfKeyClient];
        Ok(secrets.contains(&self))
    }
}

fn edit(change: &mut Change<'_>, id: &str, edit: impl FnOnce(&mut ClientEntry)) -> Result<(), AdministrationError> {
    let updated = change.update_client(id, |entry| {
        edit(entry);
        Ok(())
    });
    updated.map(drop)
}

fn set_methods(change: &mut Change<'_>, id: &str, method: AuthenticationMethod) -> Result<(), AdministrationError> {
    edit(change, id, |entry| entry.authentication_methods = vec![method])
}

/// A key of which the caller knows the private half.
pub(super) fn callers_key(enabled: bool) -> NewClientKey {
    NewClientKey { enabled, ..key(CALLERS_JWK, CALLERS_KID) }
}

/// The same key as a document has it.
pub(super) fn callers_keys() -> KeySetEntry {
    let with_kid = CALLERS_JWK.replacen('{', &format!("{{\"kid\":\"{CALLERS_KID}\","), 1);
    serde_json::from_str(&format!("{{\"keys\":[{with_kid}]}}")).expect("a set")
}

fn key(jwk: &str, kid: &str) -> NewClientKey {
    NewClientKey { kid: Some(kid.to_owned()), ..NewClientKey::new(KeyMaterial::Jwk(jwk.to_owned())) }
}
