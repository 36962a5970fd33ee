//! Where does a request come from? From the peer of the connection, or from where trusted proxies say.
//!
//! Only that: `X-Forwarded-Proto`, `X-Forwarded-Host` and their like are never read, and neither is `Host` (RFC 9207
//! §2.4, RFC 8414 §3.3: the issuer is what the operator configured).

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

use super::forwarded::{forwarded, x_forwarded_for};
use crate::config::{ForwardedHeader, ProxySettings};

/// The address that a request came from, as far as it is known; IPv4 is never written as IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address that the middleware found for `request`.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().copied()
    }
}

/// Whose connections are served, and who is believed.
#[derive(Clone, Debug)]
pub struct PeerRules {
    /// Who is believed about the client's address.
    pub proxies: Arc<ProxySettings>,
    /// What happens to requests that come from elsewhere.
    pub strangers: Strangers,
}

/// What happens to a request whose peer is no trusted proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// It is served; its headers are not believed.
    Served,
    /// It is refused unless it asks for one of these paths.
    Refused {
        /// The health checks, which come from wherever the platform runs them.
        except: Arc<[String]>,
    },
}

/// Nobody is believed and everybody is served.
impl Default for PeerRules {
    fn default() -> Self {
        let proxies = ProxySettings { trusted: Vec::new(), header: ForwardedHeader::XForwardedFor };
        Self { proxies: Arc::new(proxies), strangers: Strangers::Served }
    }
}

impl PeerRules {
    /// Where a request from `peer` comes from: the nearest address in the header that is no trusted proxy.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            return ClientAddress(nearest);
        }
        for address in self.named(headers) {
            // Beyond what cannot be read, nothing can be believed.
            let Some(address) = address else { break };
            nearest = address;
            if !self.trusts(address) {
                break;
            }
        }
        ClientAddress(nearest)
    }

    /// Whether a request from `peer` for `path` is served.
    pub fn serves(&self, peer: IpAddr, path: &str) -> bool {
        match &self.strangers {
            Strangers::Served => true,
            Strangers::Refused { except } => {
                self.trusts(peer.to_canonical()) || except.iter().any(|exempt| exempt == path)
            }
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.proxies.trusted.iter().any(|network| network.contains(&address))
    }

    /// The addresses in the header, the nearest first. Several headers are one list (RFC 9110 §5.3).
    fn named(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let lines = |name: HeaderName| -> Vec<String> {
            let lines = headers.get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
            lines.collect()
        };
        match self.proxies.header {
            ForwardedHeader::XForwardedFor => {
                lines(X_FORWARDED_FOR).iter().rev().flat_map(|line| x_forwarded_for(line)).collect()
            }
            ForwardedHeader::Forwarded => lines(FORWARDED).iter().rev().flat_map(|line| forwarded(line)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn rules(header: ForwardedHeader) -> PeerRules {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec();
        PeerRules { proxies: Arc::new(ProxySettings { trusted, header }), strangers: Strangers::Served }
    }

    fn found(header: ForwardedHeader, peer: &str, lines: &[(HeaderName, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        rules(header).client_address(peer.parse().unwrap(), &headers).0.to_string()
    }

    #[rstest]
    #[case::a_stranger_is_not_believed("192.0.2.9", &["1.1.1.1"], "192.0.2.9")]
    #[case::a_proxy_is("10.0.0.1", &["1.1.1.1"], "1.1.1.1")]
    #[case::also_mapped("::ffff:10.0.0.1", &["1.1.1.1"], "1.1.1.1")]
    #[case::the_rightmost_stranger("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1")]
    #[case::over_several_lines("10.0.0.1", &["6.6.6.6, 1.1.1.1", "10.0.0.2, fd00::1"], "1.1.1.1")]
    #[case::all_trusted("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
    #[case::no_header("10.0.0.1", &[], "10.0.0.1")]
    #[case::garbage_nearby("10.0.0.1", &["1.1.1.1, nonsense"], "10.0.0.1")]
    #[case::garbage_farther_away("10.0.0.1", &["1.1.1.1, nonsense, 10.0.0.2"], "10.0.0.2")]
    fn the_nearest_address_that_is_no_proxy(#[case] peer: &str, #[case] lines: &[&str], #[case] expected: &str) {
        let lines: Vec<_> = lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect();
        assert_eq!(found(ForwardedHeader::XForwardedFor, peer, &lines), expected);
    }

    #[test]
    fn of_very_many_hops_the_nearest_stranger_is_found() {
        let hops = format!("6.6.6.6, {}1.1.1.1{}", "7.7.7.7, ".repeat(2_000), ", 10.0.0.2".repeat(2_000));
        assert_eq!(found(ForwardedHeader::XForwardedFor, "10.0.0.1", &[(X_FORWARDED_FOR, &hops)]), "1.1.1.1");
        let hops = hops.replace("1.1.1.1", "for=\"[2001:db8::1]:1\"").replace("10.0.0.2", "for=10.0.0.2");
        assert_eq!(found(ForwardedHeader::Forwarded, "10.0.0.1", &[(FORWARDED, &hops)]), "2001:db8::1");
    }

    #[test]
    fn only_the_configured_header_is_read() {
        let both = [(X_FORWARDED_FOR, "1.1.1.1"), (FORWARDED, "for=2.2.2.2")];
        assert_eq!(found(ForwardedHeader::XForwardedFor, "10.0.0.1", &both), "1.1.1.1");
        assert_eq!(found(ForwardedHeader::Forwarded, "10.0.0.1", &both), "2.2.2.2");
    }

    #[test]
    fn strangers_may_be_refused_except_for_health_checks() {
        let except = ["/livez".to_owned()].into();
        let rules = PeerRules { strangers: Strangers::Refused { except }, ..rules(ForwardedHeader::XForwardedFor) };
        let (proxy, stranger) = ("::ffff:10.1.2.3".parse().unwrap(), "192.0.2.1".parse().unwrap());
        assert!(rules.serves(proxy, "/oauth/token") && rules.serves(stranger, "/livez"));
        for path in ["/oauth/token", "/livez/", "//livez", "/x/livez"] {
            assert!(!rules.serves(stranger, path), "{path}");
        }
    }
}
