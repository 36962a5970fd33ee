//! Which status means what? (`--expect`)

use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::specimen::Expectation;

/// One `--expect WHAT=STATUS,…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    what: What,
    statuses: Vec<RangeInclusive<u16>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Accepted,
    Refused,
    Scope,
}

impl Expect {
    /// The usual meanings, but for those that were given.
    pub fn all(given: &[Self]) -> Expectation {
        let mut expectation = Expectation::default();
        for one in given {
            match one.what {
                What::Accepted => expectation.accepted.clone_from(&one.statuses),
                What::Refused => expectation.refused.clone_from(&one.statuses),
                What::Scope => expectation.scope.clone_from(&one.statuses),
            }
        }
        expectation
    }
}

impl FromStr for Expect {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (what, statuses) = text.split_once('=').ok_or("expected accepted=, refused= or scope=")?;
        let what = match what {
            "accepted" => What::Accepted,
            "refused" => What::Refused,
            "scope" => What::Scope,
            _ => return Err("expected accepted=, refused= or scope="),
        };
        let statuses: Option<Vec<_>> = statuses.split(',').map(|status| range(status.trim())).collect();
        Ok(Self { what, statuses: statuses.ok_or("expected statuses like 401 or 2xx, with commas between")? })
    }
}

/// `401`, or `4xx`.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    if let Some(hundred) = text.strip_suffix("xx") {
        let hundred: u16 = hundred.parse().ok().filter(|hundred| (1..=5).contains(hundred))?;
        return Some(hundred * 100..=hundred * 100 + 99);
    }
    let status: u16 = text.parse().ok().filter(|status| (100..=599).contains(status))?;
    Some(status..=status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_or_a_hundred_of_them() {
        let given = ["refused=401,403", "accepted=200"].map(|text| text.parse().unwrap());
        let expectation = Expect::all(&given);
        assert_eq!(expectation.refused, [401..=401, 403..=403]);
        assert_eq!(expectation.accepted, [200..=200]);
        assert_eq!(expectation.scope, [403..=403]);
        assert_eq!("accepted=3xx".parse::<Expect>().unwrap().statuses, [300..=399]);
        for wrong in ["401", "good=200", "refused=", "refused=99", "refused=6xx", "refused=4x", "scope=-1"] {
            assert!(wrong.parse::<Expect>().is_err(), "{wrong}");
        }
    }
}
