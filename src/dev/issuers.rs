//! Which issuers are there in a process of `dev`? One at the root, and any number under names, each alone with itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use super::control_key::ControlKey;
use super::demo::Demo;
use super::drive_error::DriveError;
use super::driven_issuer::{DrivenIssuer, Origin};
use super::issuer_name::IssuerName;
use super::key_stock::FirstKeys;
use super::memory_issuer::{HashThreads, ManagementClient, StartError};
use super::path::PREFIX;
use super::ready_line::ReadyControl;
use crate::entropy::Entropy;
use crate::http::health::Stopping;
use crate::oauth::metadata::Issuer;
use crate::secret::GeneratedSecret;

/// How many issuers may have a name: each takes about two megabytes and four threads.
pub const MOST_NAMED: usize = 200;

/// How often usage is written.
const USAGE_INTERVAL: Duration = Duration::from_secs(10);

/// What becomes of a request to a name that no issuer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstUse {
    /// 404.
    #[default]
    Refuses,
    /// An issuer of that name is created, seeded as that of the process.
    Creates,
}

/// The issuers of a process.
pub struct Issuers {
    root: Arc<DrivenIssuer>,
    named: RwLock<BTreeMap<IssuerName, Arc<DrivenIssuer>>>,
    /// Held while one is created, so that none is created twice.
    creating: Mutex<()>,
    first_use: FirstUse,
    key: ControlKey,
    stopping: Stopping,
    entropy: Arc<dyn Entropy>,
}

impl Issuers {
    /// One issuer, begun as `origin` says; its control API is opened by `key`. Blocks.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(
        origin: Origin,
        key: ControlKey,
        first_use: FirstUse,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let control = ReadyControl { url: origin.issuer.endpoint("_control/"), key: key.expose().to_owned() };
        let origin = Origin { control: Some(control), ..origin };
        Ok(Self {
            root: Arc::new(DrivenIssuer::start(origin, entropy.clone())?),
            named: RwLock::default(),
            creating: Mutex::default(),
            first_use,
            key,
            stopping: Stopping::default(),
            entropy,
        })
    }

    /// The issuer at the root.
    pub const fn root(&self) -> &Arc<DrivenIssuer> {
        &self.root
    }

    /// What opens the control API.
    pub const fn key(&self) -> &ControlKey {
        &self.key
    }

    /// Has the process been told to stop?
    pub const fn stopping(&self) -> &Stopping {
        &self.stopping
    }

    /// Those that have a name, in the order of their names.
    pub fn named(&self) -> Vec<Arc<DrivenIssuer>> {
        self.named.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The one called `name`.
    pub fn find(&self, name: &str) -> Option<Arc<DrivenIssuer>> {
        let name: IssuerName = name.parse().ok()?;
        self.named.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }

    /// The one called `name`, created if that is allowed. Blocks.
    ///
    /// # Errors
    /// If there is none and none is created.
    pub(super) fn find_or_create(&self, name: &str) -> Result<Arc<DrivenIssuer>, DriveError> {
        if let Some(known) = self.find(name) {
            return Ok(known);
        }
        if name.is_empty() {
            let text = format!("the path names no issuer: put the name of one after {PREFIX}");
            return Err(DriveError::NotFound(text));
        }
        if self.first_use == FirstUse::Refuses {
            return Err(DriveError::NotFound(format!(
                "there is no issuer {}: create it with POST {}_control/issuers, or start with --issuers-on-first-use",
                name.escape_debug(),
                self.root.origin().issuer.endpoint("")
            )));
        }
        let name = name.parse().map_err(DriveError::invalid)?;
        match self.create(Some(name), None) {
            // Another request was quicker.
            Err(CreationRefused::Taken(_, known)) => Ok(known),
            other => other.map_err(DriveError::from),
        }
    }

    /// Creates the issuer called `name`, or by a name of ours, with what `demo` says, or with what that of the process began
    /// with. Blocks.
    ///
    /// # Errors
    /// If the name is taken, there are too many, or it cannot be started.
    pub fn create(&self, name: Option<IssuerName>, demo: Option<Demo>) -> Result<Arc<DrivenIssuer>, CreationRefused> {
        let _turn = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        let name = match name {
            Some(name) => name,
            None => self.fresh_name()?,
        };
        if let Some(known) = self.find(name.as_str()) {
            return Err(CreationRefused::Taken(name, known));
        }
        if self.named.read().unwrap_or_else(PoisonError::into_inner).len() >= MOST_NAMED {
            return Err(CreationRefused::TooMany);
        }
        let issuer = Arc::new(DrivenIssuer::start(self.origin_of(&name, demo), self.entropy.clone())?);
        self.named.write().unwrap_or_else(PoisonError::into_inner).insert(name, issuer.clone());
        Ok(issuer)
    }

    fn fresh_name(&self) -> Result<IssuerName, CreationRefused> {
        let mut bytes = [0_u8; 8];
        self.entropy.fill(&mut bytes);
        let digits = bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        digits.parse().map_err(|_| CreationRefused::TooMany)
    }

    fn origin_of(&self, name: &IssuerName, demo: Option<Demo>) -> Origin {
        let root = self.root.origin();
        let under = |base: &str| format!("{}{PREFIX}{name}/", base.trim_end_matches('/'));
        let issuer = Issuer::new(&under(root.issuer.as_str()));
        let (demo, management) = match demo {
            Some(demo) => {
                let management = ManagementClient::beside(&demo, self.entropy.as_ref());
                (demo, management)
            }
            None => {
                let ManagementClient { client_id, secret } = &root.management;
                // It has the form of a generated secret, having been generated.
                let secret = GeneratedSecret::parse(secret.expose());
                let secret = secret.unwrap_or_else(|| GeneratedSecret::generate(self.entropy.as_ref()));
                (root.demo.clone(), ManagementClient { client_id: client_id.clone(), secret })
            }
        };
        let control = ReadyControl { url: issuer.endpoint("_control/"), key: self.key.expose().to_owned() };
        Origin {
            name: Some(name.clone()),
            issuer,
            compat: root.compat,
            demo,
            management,
            first_keys: FirstKeys::Own,
            hash_threads: HashThreads::One,
            resource_api: root.resource_api.as_deref().map(under),
            ca: root.ca.clone(),
            control: Some(control),
        }
    }

    /// Ends the issuer called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn delete(&self, name: &str) -> Result<(), DriveError> {
        let known = name
            .parse()
            .ok()
            .and_then(|name: IssuerName| self.named.write().unwrap_or_else(PoisonError::into_inner).remove(&name));
        let missing = || DriveError::NotFound(format!("there is no issuer {}", name.escape_debug()));
        known.map(drop).ok_or_else(missing)
    }

    /// Writes usage, notes how requests ended, and forgets assertions, sessions and links that have expired, now and then, for as
    /// long as it is polled.
    pub async fn tend(self: Arc<Self>) {
        loop {
            tokio::time::sleep(USAGE_INTERVAL).await;
            let issuers = self.clone();
            let tended = tokio::task::spawn_blocking(move || {
                for issuer in issuers.named().iter().chain([issuers.root()]) {
                    let endpoints = issuer.endpoints();
                    let issuer = &endpoints.issuer;
                    issuer.note_rates();
                    let forgotten = issuer.served().store().forget_client_assertions(issuer.clock().now());
                    let forgotten = forgotten.and(endpoints.console.forget_expired());
                    if let Err(cause) = issuer.flush_usage().and(forgotten) {
                        tracing::warn!(%cause, "could not look after an issuer in memory; it is tried again");
                    }
                }
            });
            if let Err(cause) = tended.await {
                tracing::error!(%cause, "looking after the issuers panicked; it is tried again");
            }
        }
    }
}

/// Why no issuer is created.
#[derive(thiserror::Error)]
pub enum CreationRefused {
    /// One has that name.
    #[error("there is an issuer {0} already: take another name, or delete that one")]
    Taken(IssuerName, Arc<DrivenIssuer>),
    /// There are enough.
    #[error("{MOST_NAMED} issuers have names, which is the most: delete those that are not needed any more")]
    TooMany,
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl std::fmt::Debug for CreationRefused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "CreationRefused({self})")
    }
}

impl From<CreationRefused> for DriveError {
    fn from(refused: CreationRefused) -> Self {
        match refused {
            CreationRefused::Taken(..) | CreationRefused::TooMany => Self::Conflict(refused.to_string()),
            CreationRefused::Start(error) => error.into(),
        }
    }
}
