//! To which addresses may a connection go, when a stranger gave the URL? (RFC 7523 §7, OWASP: server-side request forgery)

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

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

/// Resolves names, and lets only those through of which every address is allowed. The HTTP client connects to what comes
/// out here and asks nobody else, so there is no second look-up that could answer differently.
pub(super) struct CheckedResolver(AddressRule);

impl CheckedResolver {
    pub(super) const fn new(rule: AddressRule) -> Self {
        Self(rule)
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            // The port is put in by the HTTP client.
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            match addresses.iter().map(SocketAddr::ip).find(|address| !rule.allows(&host, *address)) {
                Some(address) => Err(AddressNotAllowed { host, address }.into()),
                None => Ok(Box::new(addresses.into_iter()) as Addrs),
            }
        })
    }
}
