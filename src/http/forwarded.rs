//! Which addresses does a header name as those that a request came through? From the nearest to the farthest.
//! (RFC 7239 §4, §6; `X-Forwarded-For`)
//!
//! Each proxy appends at the end, and whatever stands before what a trusted proxy appended may be a lie. So the lists
//! are read from the end, and nothing at the beginning, such as an open quote, changes what is found there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The elements of a list, the last one first. Commas in quotes do not separate.
fn from_the_end(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let comma = text.bytes().rposition(|byte| {
            quoted ^= byte == b'"';
            byte == b',' && !quoted
        });
        let (before, element) = match comma.and_then(|at| text.split_at_checked(at)) {
            Some((before, element)) => (Some(before), element.get(1..).unwrap_or_default()),
            None => (None, text),
        };
        rest = before;
        Some(element.trim_matches([' ', '\t']))
    })
}

/// The addresses of `X-Forwarded-For`; none for an element that is no address.
pub(super) fn x_forwarded_for(list: &str) -> impl Iterator<Item = Option<IpAddr>> {
    list.rsplit(',').map(|element| {
        let element = element.trim_matches([' ', '\t']);
        // Some load balancers append the port.
        element.parse::<IpAddr>().ok().or_else(|| with_port(element)).map(|address| address.to_canonical())
    })
}

/// The addresses of the parameter `for` of `Forwarded`; none for an element without, or with one that is no address
/// (`unknown` and obfuscated names).
pub(super) fn forwarded(list: &str) -> impl Iterator<Item = Option<IpAddr>> {
    from_the_end(list).map(|element| {
        let pairs: Option<Vec<(&str, &str)>> = element.split(';').map(|pair| pair.trim().split_once('=')).collect();
        let pairs = pairs?;
        let mut named = pairs.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("for"));
        match (named.next(), named.next()) {
            (Some((_, node)), None) => parse_node(node),
            _ => None,
        }
    })
}

/// RFC 7239 §6: an IPv6 address is in brackets, and what holds a colon is in quotes.
fn parse_node(node: &str) -> Option<IpAddr> {
    let quoted = node.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let address = match quoted {
        None => IpAddr::V4(node.parse::<Ipv4Addr>().ok()?),
        Some(node) => match node.parse::<Ipv4Addr>() {
            Ok(address) => IpAddr::V4(address),
            Err(_) => with_port(node).or_else(|| bracketed(node))?,
        },
    };
    Some(address.to_canonical())
}

fn with_port(text: &str) -> Option<IpAddr> {
    text.parse::<SocketAddr>().ok().map(|address| address.ip())
}

fn bracketed(text: &str) -> Option<IpAddr> {
    text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn shown(addresses: impl Iterator<Item = Option<IpAddr>>) -> String {
        let shown: Vec<String> =
            addresses.map(|address| address.map_or("-".to_owned(), |address| address.to_string())).collect();
        shown.join(" ")
    }

    #[rstest]
    #[case("192.0.2.1", "192.0.2.1")]
    #[case("192.0.2.1, 10.0.0.1", "10.0.0.1 192.0.2.1")]
    #[case("2001:db8::1,\t10.0.0.1:4711", "10.0.0.1 2001:db8::1")]
    #[case("[2001:db8::1]:80", "2001:db8::1")]
    #[case("::ffff:192.0.2.1", "192.0.2.1")]
    #[case("evil\", 10.0.0.1", "10.0.0.1 -")]
    #[case("unknown, 10.0.0.1", "10.0.0.1 -")]
    #[case("", "-")]
    #[case(",,", "- - -")]
    #[case("010.0.0.1", "-")]
    #[case("1.2.3", "-")]
    #[case("1.2.3.4 5.6.7.8", "-")]
    #[case("1.2.3.4/8", "-")]
    #[case("localhost", "-")]
    fn x_forwarded_for_is_read_from_the_end(#[case] list: &str, #[case] expected: &str) {
        assert_eq!(shown(x_forwarded_for(list)), expected);
    }

    // The first are those of RFC 7239 §4 and §6.
    #[rstest]
    #[case("for=\"_gazonk\"", "-")]
    #[case("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17")]
    #[case("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60")]
    #[case("for=192.0.2.43, for=198.51.100.17", "198.51.100.17 192.0.2.43")]
    #[case("for=\"192.0.2.43:47011\"", "192.0.2.43")]
    #[case("for=192.0.2.43, for=\"[2001:db8:cafe::17]\", for=unknown", "- 2001:db8:cafe::17 192.0.2.43")]
    #[case("host=\"a,b\";for=192.0.2.1, for=10.0.0.1", "10.0.0.1 192.0.2.1")]
    // Lies at the beginning, and what a trusted proxy appended.
    #[case("for=\"x, for=192.0.2.1", "192.0.2.1 -")]
    #[case("for=\"x\\\", for=192.0.2.1", "192.0.2.1 -")]
    #[case("for=1.1.1.1;for=2.2.2.2", "-")]
    #[case("for=192.0.2.1:80", "-")]
    #[case("for=2001:db8::1", "-")]
    #[case("for=\"2001:db8::1\"", "-")]
    #[case("for=[::1]", "-")]
    #[case("for=192.0.2.1;x", "-")]
    #[case("proto=https", "-")]
    #[case("", "-")]
    fn forwarded_is_read_from_the_end(#[case] list: &str, #[case] expected: &str) {
        assert_eq!(shown(forwarded(list)), expected);
    }
}
