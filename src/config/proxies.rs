//! Which proxies are believed about where a request came from? A part of section `server`.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::reader::{Choice, Read, Reader};

/// Who is believed about the client's address, and in which header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySettings {
    /// The proxies' addresses; IPv4 is never written as IPv6.
    pub trusted: Vec<IpNet>,
    /// The one header that they set. A proxy that sets one passes the other on as the client sent it.
    pub header: ForwardedHeader,
}

/// A header that tells the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Choice for ForwardedHeader {
    const CHOICES: &'static [Self] = &[Self::XForwardedFor, Self::Forwarded];

    fn word(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl ProxySettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let trusted = from.list("server.trusted_proxies", parse_network);
        let header = from.choice("server.forwarded_header");
        Ok(Self { trusted: trusted?, header: header? })
    }
}

/// A network such as `10.0.0.0/8`, or an address, which is a network of one.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| {
            "is neither an IP address nor a network such as 10.0.0.0/8 or fd00::/8; names are not looked up".to_owned()
        })?,
    };
    if network != network.trunc() {
        return Err(format!("has bits beyond its prefix; write {}", network.trunc()));
    }
    canonical(network)
}

/// `::ffff:10.0.0.0/104` is 10.0.0.0/8: connections are compared by their IPv4 address.
fn canonical(network: IpNet) -> Result<IpNet, String> {
    const MAPPED_PREFIX: u8 = 96;
    let IpAddr::V4(address) = network.addr().to_canonical() else { return Ok(network) };
    if network.addr().is_ipv4() {
        return Ok(network);
    }
    let prefix = network.prefix_len().checked_sub(MAPPED_PREFIX);
    let mapped = prefix.and_then(|prefix| Ipv4Net::new(address, prefix).ok());
    mapped.map(IpNet::V4).ok_or_else(|| "mixes IPv4 and IPv6; write them as two networks".to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.0.0.0/8", "10.0.0.0/8")]
    #[case("127.0.0.1", "127.0.0.1/32")]
    #[case("::1", "::1/128")]
    #[case("fd00::/8", "fd00::/8")]
    #[case("0.0.0.0/0", "0.0.0.0/0")]
    #[case("::/0", "::/0")]
    #[case("::ffff:10.0.0.0/104", "10.0.0.0/8")]
    #[case("::ffff:10.0.0.1", "10.0.0.1/32")]
    #[case("::ffff:0:0/96", "0.0.0.0/0")]
    fn a_network_is_read(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse_network(text).unwrap().to_string(), expected);
    }

    #[rstest]
    #[case("10.0.0.1/8", "write 10.0.0.0/8")]
    #[case("10.0.0.0/33", "neither")]
    #[case("010.0.0.1", "neither")]
    #[case("10.1", "neither")]
    #[case("proxy.example.com", "names are not looked up")]
    #[case("", "neither")]
    #[case("::1/64", "write ::/64")]
    #[case("fe80::1%eth0", "neither")]
    fn anything_else_is_refused(#[case] text: &str, #[case] reason: &str) {
        let refused = parse_network(text).unwrap_err();
        assert!(refused.contains(reason), "{text}: {refused}");
    }
}
