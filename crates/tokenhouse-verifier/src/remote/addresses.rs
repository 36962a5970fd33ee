//! To which addresses may a connection go, when a stranger gave the URL? (RFC 7523 §7, OWASP: server-side request forgery)

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::{fmt, io};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A host leads somewhere that is not allowed. It says which address, for the log.
#[derive(Debug, Error)]
#[error("the host {host:?} has the address {address}, which is not allowed")]
pub(super) struct AddressNotAllowed {
    host: String,
    address: IpAddr,
}

type Allowed = dyn Fn(&str, IpAddr) -> bool + Send + Sync;

/// Says of a host and one of its addresses whether it may be connected to.
#[derive(Clone)]
pub(super) struct AddressRule(Arc<Allowed>);

impl AddressRule {
    pub(super) fn new(allowed: impl Fn(&str, IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allowed))
    }

    pub(super) fn allows(&self, host: &str, address: IpAddr) -> bool {
        (self.0)(host, address)
    }
}

impl fmt::Debug for AddressRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AddressRule")
    }
}

/// The look-up before has not ended, although the fetch that it was for was given up.
#[derive(Debug, Error)]
#[error("the look-up of the host {host:?} has not ended since the last attempt: its name servers do not answer")]
pub(super) struct LookupUnderWay {
    host: String,
}

/// Resolves names, and lets only those through of which every address is allowed. The HTTP client connects to what comes
/// out here and asks nobody else, so there is no second look-up that could answer differently.
///
/// The system's resolver blocks a thread until it gives up, long after the fetch did, and nothing can stop it. So there is
/// one look-up at a time: else a name whose servers are silent would take all threads for itself.
pub(super) struct CheckedResolver {
    rule: AddressRule,
    turn: Arc<Semaphore>,
}

impl CheckedResolver {
    pub(super) fn new(rule: AddressRule) -> Self {
        Self { rule, turn: Arc::new(Semaphore::new(1)) }
    }
}

/// Looks `host` up on a thread that blocks, which keeps `turn` until it is done, whoever still waits.
async fn look_up(host: String, turn: OwnedSemaphorePermit) -> io::Result<Vec<SocketAddr>> {
    let looking = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        // The port is put in by the HTTP client.
        (host.as_str(), 0).to_socket_addrs().map(Iterator::collect)
    });
    looking.await.map_err(io::Error::other)?
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (rule, turn) = (self.rule.clone(), Arc::clone(&self.turn));
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let Ok(turn) = turn.try_acquire_owned() else { return Err(LookupUnderWay { host }.into()) };
            let addresses = look_up(host.clone(), turn).await?;
            match addresses.iter().map(SocketAddr::ip).find(|address| !rule.allows(&host, *address)) {
                Some(address) => Err(AddressNotAllowed { host, address }.into()),
                None => Ok(Box::new(addresses.into_iter()) as Addrs),
            }
        })
    }
}
