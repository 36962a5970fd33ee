//! How are clients judged that authenticate with a key? Section `client_assertions`.

use std::path::PathBuf;
use std::time::Duration;

use url::Host;

use super::network::Network;
use super::reader::{Read, Reader};

/// Section `client_assertions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertionSettings {
    /// Only what rfc7523bis allows?
    pub strict: bool,
    /// How long an assertion may live.
    pub max_lifetime: Duration,
    /// By how much clocks may differ.
    pub clock_tolerance: Duration,
    /// Where a `jwks_uri` may lead beside the public internet.
    pub jwks_uri_hosts: KnownHosts,
    /// Certificates that may vouch for those hosts, in place of the system's.
    pub jwks_uri_ca_file: Option<PathBuf>,
}

/// Hosts by name and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHosts {
    /// Names, in small letters.
    pub names: Vec<String>,
    /// Networks, among them single addresses.
    pub networks: Vec<Network>,
}

impl ClientAssertionSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let strict = from.boolean("client_assertions.strict");
        let max_lifetime = from.seconds("client_assertions.max_lifetime_seconds");
        let clock_tolerance = from.seconds("client_assertions.clock_tolerance_seconds");
        let jwks_uri_hosts = from.optional("client_assertions.jwks_uri_hosts", KnownHosts::parse);
        let jwks_uri_ca_file = from.optional_path("client_assertions.jwks_uri_ca_file");
        Ok(Self {
            strict: strict?,
            max_lifetime: max_lifetime?,
            clock_tolerance: clock_tolerance?,
            jwks_uri_hosts: jwks_uri_hosts?.unwrap_or_default(),
            jwks_uri_ca_file: jwks_uri_ca_file?,
        })
    }
}

impl KnownHosts {
    fn parse(text: &str) -> Result<Self, String> {
        const WRONG: &str = "is not a list, with commas between, of host names and networks such as 10.20.0.0/16";
        let mut known = Self::default();
        for entry in text.split(',').map(str::trim) {
            match (entry.parse::<Network>(), Host::parse(entry)) {
                (Ok(network), _) => known.networks.push(network),
                (Err(_), Ok(Host::Domain(name))) => known.names.push(name),
                (Err(_), _) => return Err(WRONG.to_owned()),
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_networks_may_stand_side_by_side() {
        let known = KnownHosts::parse("Keys.Internal, 10.20.0.0/16,::1,127.0.0.1").unwrap();
        assert_eq!(known.names, ["keys.internal"]);
        let networks: Vec<Network> =
            ["10.20.0.0/16", "::1", "127.0.0.1"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(known.networks, networks);
        for wrong in ["", "a,,b", "10.0.0.0/33", "https://keys.internal/", "a b", "keys.internal:8443", "a/8"] {
            assert!(KnownHosts::parse(wrong).is_err(), "{wrong}");
        }
    }
}
