//! How long may a fetched key set be used without asking again? (RFC 9111 §5.2.2)

use std::time::Duration;

/// What counts for an issuer that lets nobody keep its set: otherwise verifiers would ask at each request. One that names a time,
/// however short, is taken at its word: it may rotate keys as quickly.
const SHORTEST: Duration = Duration::from_secs(30);
/// Beyond, a withdrawn key would live on.
const LONGEST: Duration = Duration::from_hours(24);

/// What the `Cache-Control` fields say, within the bounds; `None` if they say nothing about it.
pub(super) fn max_age<'a>(fields: impl Iterator<Item = &'a str>) -> Option<Duration> {
    let mut max_age = None;
    for directive in fields.flat_map(|field| field.split(',')) {
        let (name, value) = directive.split_once('=').map_or((directive, ""), |(name, value)| (name, value));
        let name = name.trim();
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(SHORTEST);
        }
        if name.eq_ignore_ascii_case("max-age") && max_age.is_none() {
            // RFC 9111 §1.2.2: a number too large to represent counts as the largest; one that cannot be read, as
            // stale.
            let digits = value.trim().trim_matches('"');
            let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let seconds = if all_digits { digits.parse().unwrap_or(u64::MAX) } else { 0 };
            max_age = Some(if seconds == 0 { SHORTEST } else { Duration::from_secs(seconds).min(LONGEST) });
        }
    }
    max_age
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_heard_within_bounds() {
        for (field, seconds) in [
            ("max-age=600", Some(600)),
            ("public, Max-Age=\"600\", stale-if-error=86400", Some(600)),
            ("max-age=5", Some(5)),
            ("max-age=0", Some(30)),
            ("max-age=99999999999999999999999", Some(86_400)),
            ("max-age=-1", Some(30)),
            ("max-age=", Some(30)),
            ("max-age=600, no-store", Some(30)),
            ("no-cache", Some(30)),
            ("s-maxage=600", None),
            ("public", None),
            ("", None),
        ] {
            assert_eq!(max_age([field].into_iter()), seconds.map(Duration::from_secs), "{field}");
        }
        assert_eq!(max_age(["public", "max-age=60"].into_iter()), Some(Duration::from_mins(1)));
    }
}
