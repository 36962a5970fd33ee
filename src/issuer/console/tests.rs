//! Who gets in, for how long, and what ends it?

mod links;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::clock::{Clock as _, ManualClock};
use crate::entropy::SystemEntropy;
use crate::issuer::administration::{AdministrationError, AdministrationPolicy, Change};
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::client_keys::{KeyMaterial, NewClientKey};
use crate::issuer::clients::IdRule;
use crate::issuer::document::ClientEntry;
use crate::issuer::freshness::FreshnessBounds;
use crate::issuer::secrets::SecretTerms;
use crate::issuer::signing_keys::TestKeys;
use crate::issuer::snapshot::SnapshotContext;
use crate::keys::lifecycle::KeyState;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{MasterKey, PublicJwk};
use crate::oauth::metadata::Issuer;
use crate::store::{AuditEvent, AuditFilter, Database, Migrate, Page, Store, StoreSettings};

const START: UnixMillis = UnixMillis(1_000_000_000);

/// A server whose store may be silent for two seconds, and two clients: `partner` with a secret, `manager` with one too.
struct Setting {
    clock: Arc<ManualClock>,
    administration: Arc<Administration>,
    served: Arc<Served>,
    console: ConsoleSessions,
    /// Our own id of the partner's secret.
    secret: Uuid,
}

fn setting() -> Setting {
    let clock = Arc::new(ManualClock::new(START));
    let settings = StoreSettings { database: Database::InMemory, pool_size: 2 };
    let store = Store::open(&settings, Migrate::Always).unwrap();
    let issuer = Issuer::new("http://localhost/");
    let master_keys = Arc::new(MasterKey::generate(&SystemEntropy).into());
    let policy = AdministrationPolicy { max_live_secrets: 2, ..AdministrationPolicy::of_dev(issuer) };
    let administration = Administration::new(store, master_keys, clock.clone(), Arc::new(SystemEntropy), policy);
    let administration = Arc::new(administration);
    // Making a key takes a second.
    let install = |change: &mut Change<'_>| change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active);
    administration.change(&Caller::system(), install).unwrap();
    administration.bootstrap(ManagementApi::BringUpToDate).unwrap();
    let secret = administration.change(&Caller::system(), |change| {
        for client_id in ["partner", "manager"] {
            let entry = ClientEntry::new(Some(client_id.to_owned()), Some(format!("The {client_id}")));
            change.create_client(&entry, IdRule::Chosen)?;
        }
        change.add_secret("manager", SecretTerms::default())?;
        change.grant_management("manager")?;
        change.add_secret("partner", SecretTerms::default())
    });
    let secret = secret.unwrap().stored.id;
    let served = another_server(&administration, &clock);
    let console = ConsoleSessions::new(served.clone(), administration.clone());
    Setting { clock, administration, served, console, secret }
}

/// One more server on the same store, which has read it.
fn another_server(administration: &Administration, clock: &Arc<ManualClock>) -> Arc<Served> {
    let served = starting_server(administration, clock);
    served.follow().unwrap();
    Arc::new(served)
}

/// One that has read nothing yet.
fn starting_server(administration: &Administration, clock: &Arc<ManualClock>) -> Served {
    let context = SnapshotContext {
        issuer: administration.policy().issuer.clone(),
        master_keys: administration.master_keys.clone(),
        test_keys: TestKeys::Allowed,
    };
    let bounds = FreshnessBounds { silent_after: Duration::from_secs(2), stale_after: Duration::from_mins(1) };
    Served::new(administration.store().clone(), clock.clone(), context).bounded(bounds)
}

impl Setting {
    /// Makes a change, and serves it.
    fn change<T>(&self, steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>) -> T {
        let changed = self.administration.change(&Caller::system(), steps).unwrap();
        self.served.follow().unwrap();
        changed
    }

    fn edit(&self, client_id: &str, edit: impl FnOnce(&mut ClientEntry)) {
        self.change(|change| {
            change.update_client(client_id, |entry| {
                edit(entry);
                Ok(())
            })
        });
    }

    /// Registers a key of the partner; returns our own id of it.
    fn add_key(&self) -> Uuid {
        let jwk = PublicJwk::from_private_key(&PublicTestKey::Rs256Next.load(), START).unwrap();
        let material = KeyMaterial::Jwk(serde_json::to_string(&jwk.parameters).unwrap());
        self.change(|change| change.add_client_key("partner", &NewClientKey::new(material))).id
    }

    fn client(&self, client_id: &str) -> Arc<Client> {
        self.served.snapshot().client(client_id).unwrap().clone()
    }

    /// A session of the partner, by its secret.
    fn begin(&self) -> SessionId {
        self.begin_with(Proof::Credential(self.secret))
    }

    fn begin_with(&self, proof: Proof) -> SessionId {
        self.console.begin(&self.client("partner"), proof, Some("request".to_owned())).unwrap()
    }

    fn find(&self, id: &SessionId) -> Option<Session> {
        self.console.find(id, Occasion::Use).unwrap()
    }

    /// Lets time pass while the store answers.
    fn pass(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.served.follow().unwrap();
    }

    /// Lets time pass while the store is silent.
    fn be_silent(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.served.judge_freshness();
    }

    /// The newest audit event.
    fn last_event(&self) -> AuditEvent {
        let page = Page { limit: 1, ..Page::ALL };
        let events = self.administration.store().read(|reader| reader.list_audit_events(&AuditFilter::default(), page));
        events.unwrap().remove(0)
    }
}
