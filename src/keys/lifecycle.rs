//! When does a key sign, and how long is it published? Pure rules over the recorded times.
//!
//! A verifier may go on using a JWK Set that it fetched just before a change, for as long as `max-age` allows. So the
//! next key stands in the set before it signs, and the last one stays until no token that it signed can be alive.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::alg::SigningAlg;
use super::jwk::PublicJwk;
use crate::clock::UnixMillis;

/// How far the clocks of issuer and verifiers may differ, in seconds; added before a retired key leaves the JWK Set.
pub const CLOCK_SKEW_SECONDS: i64 = 60;

/// How many keys the JWK Set may have for one more to be rotated in: verifiers refuse long ones, ours beyond 64. The rest is for keys
/// that must be replaced.
pub const MOST_PUBLISHED_KEYS: usize = 60;

/// Where a key stands. For each algorithm at most one key is `Active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Signs.
    Active,
    /// Published, does not sign yet.
    Next,
    /// Published, signs no more.
    Retired,
    /// Neither published nor kept: its private half is gone.
    Removed,
}

impl KeyState {
    const ALL: [Self; 4] = [Self::Active, Self::Next, Self::Retired, Self::Removed];

    /// The word in the database and in the Management API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Next => "next",
            Self::Retired => "retired",
            Self::Removed => "removed",
        }
    }

    /// Whether a key may go from this state to `to`. A key never signs again once it has stopped; one that is revoked
    /// goes from any state straight to `Removed`.
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Next, Self::Active)
                | (Self::Active, Self::Retired)
                | (Self::Next | Self::Active | Self::Retired, Self::Removed)
        )
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A word that is no [`KeyState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown key state: expected active, next, retired or removed")]
pub struct UnknownKeyState;

impl FromStr for KeyState {
    type Err = UnknownKeyState;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or(UnknownKeyState)
    }
}

/// A signing key as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The one algorithm that it signs with.
    pub alg: SigningAlg,
    /// Where it stands.
    pub state: KeyState,
    /// What the JWK Set shows.
    pub public_jwk: PublicJwk,
    /// The private half under the master key; `None` once removed.
    pub sealed_private_key: Option<String>,
    /// When it was made or imported.
    pub created_at: UnixMillis,
    /// Since when it stands in the JWK Set.
    pub announced_at: Option<UnixMillis>,
    /// Since when it signs or signed.
    pub activated_at: Option<UnixMillis>,
    /// When it stopped signing.
    pub retired_at: Option<UnixMillis>,
    /// From when on no token that it signed can be alive.
    pub remove_after: Option<UnixMillis>,
    /// When it was withdrawn before its time.
    pub revoked_at: Option<UnixMillis>,
}

impl SigningKeyRecord {
    /// Whether the JWK Set shows it at `now`.
    ///
    /// The time matters only for leaving: a replica whose clock is behind must not hide a key that others announced.
    pub fn is_published(&self, now: UnixMillis) -> bool {
        match self.state {
            KeyState::Active => true,
            KeyState::Next => self.announced_at.is_some(),
            KeyState::Retired => self.remove_after.is_none_or(|remove_after| now < remove_after),
            KeyState::Removed => false,
        }
    }

    /// Whether it is kept although no token that it signed can be alive at `now`.
    pub fn is_dead(&self, now: UnixMillis) -> bool {
        self.state == KeyState::Retired && !self.is_published(now)
    }
}

/// The keys that the JWK Set shows at `now`, in one order on every replica: those that sign first, because some
/// verifiers take the first key, then the next, then the retired.
pub fn published_keys(records: &[SigningKeyRecord], now: UnixMillis) -> Vec<&SigningKeyRecord> {
    let mut published: Vec<_> = records.iter().filter(|record| record.is_published(now)).collect();
    published.sort_by(|one, other| {
        (one.state, one.alg, one.created_at, &one.kid).cmp(&(other.state, other.alg, other.created_at, &other.kid))
    });
    published
}

/// How long a key is announced before it signs. In `dev` both are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnouncementPeriod {
    /// How long caches may hold the JWK Set, in seconds.
    pub max_age_seconds: u32,
    /// How long a change takes to reach every replica, in seconds.
    pub propagation_seconds: u32,
}

impl AnnouncementPeriod {
    /// The sum, in seconds.
    pub const fn seconds(self) -> i64 {
        self.max_age_seconds as i64 + self.propagation_seconds as i64
    }
}

/// Whether a rotation waits for the announcement period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationUrgency {
    /// Not before every cache knows the next key.
    WhenAnnounced,
    /// At once (`--now`, `{"force":true}`): some verifiers may refuse tokens until they fetch the JWK Set again.
    Forced,
}

/// The next key has not been announced for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the next key is announced too short a time")]
pub struct TooEarly {
    /// When it will have been.
    pub earliest: UnixMillis,
}

/// From when on a key announced at `announced_at` may sign.
#[must_use]
pub const fn earliest_rotation(announced_at: UnixMillis, period: AnnouncementPeriod) -> UnixMillis {
    announced_at.plus_seconds(period.seconds())
}

/// Whether a next key announced at `announced_at` (`None`: not yet) may become the active one at `now`.
pub fn may_rotate(
    now: UnixMillis,
    announced_at: Option<UnixMillis>,
    period: AnnouncementPeriod,
    urgency: RotationUrgency,
) -> Result<(), TooEarly> {
    let earliest = earliest_rotation(announced_at.unwrap_or(now), period);
    match urgency {
        RotationUrgency::Forced => Ok(()),
        RotationUrgency::WhenAnnounced if now >= earliest => Ok(()),
        RotationUrgency::WhenAnnounced => Err(TooEarly { earliest }),
    }
}

/// From when on the active `key` has signed for `seconds`.
#[must_use]
pub fn has_signed_at(key: &SigningKeyRecord, seconds: u32) -> UnixMillis {
    key.activated_at.unwrap_or(key.created_at).plus_seconds(seconds.into())
}

/// Whether the active `key` has signed for `seconds` or longer.
#[must_use]
pub fn has_signed_for(key: &SigningKeyRecord, seconds: u32, now: UnixMillis) -> bool {
    has_signed_at(key, seconds) <= now
}

/// From when on no token signed before `retired_at` can be alive, for a verifier whose clock is
/// [`CLOCK_SKEW_SECONDS`] behind.
#[must_use]
pub const fn remove_after(retired_at: UnixMillis, longest_token_lifetime_seconds: u32) -> UnixMillis {
    retired_at.plus_seconds(longest_token_lifetime_seconds as i64 + CLOCK_SKEW_SECONDS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::keys::public_test_keys::PublicTestKey;

    const PERIOD: AnnouncementPeriod = AnnouncementPeriod { max_age_seconds: 300, propagation_seconds: 60 };

    fn record(kid: &str, state: KeyState) -> SigningKeyRecord {
        let key = PublicTestKey::Rs256Active.load();
        SigningKeyRecord {
            kid: kid.to_owned(),
            alg: key.alg(),
            state,
            public_jwk: PublicJwk::from_private_key(&key, UnixMillis(0)).unwrap(),
            sealed_private_key: None,
            created_at: UnixMillis(0),
            announced_at: None,
            activated_at: None,
            retired_at: None,
            remove_after: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_rotation_waits_until_every_cache_knows_the_next_key() {
        let announced = Some(UnixMillis(1_000));
        let earliest = UnixMillis(361_000);
        let may = |now, announced| may_rotate(UnixMillis(now), announced, PERIOD, RotationUrgency::WhenAnnounced);
        assert_eq!(may(360_999, announced), Err(TooEarly { earliest }));
        assert_eq!(may(361_000, announced), Ok(()));
        assert_eq!(may(1_000, None), Err(TooEarly { earliest }), "as if announced now");
        assert_eq!(may_rotate(UnixMillis(1_000), announced, PERIOD, RotationUrgency::Forced), Ok(()));
        let none = AnnouncementPeriod { max_age_seconds: 0, propagation_seconds: 0 };
        assert_eq!(may_rotate(UnixMillis(1_000), announced, none, RotationUrgency::WhenAnnounced), Ok(()));
        assert_eq!(may_rotate(UnixMillis(1_000), None, none, RotationUrgency::WhenAnnounced), Ok(()));
    }

    #[test]
    fn a_retired_key_is_published_until_its_last_token_is_dead() {
        assert_eq!(remove_after(UnixMillis(5_000), 3_600), UnixMillis(5_000 + 3_660_000));
        let mut retired = record("kid", KeyState::Retired);
        assert!(retired.is_published(UnixMillis(i64::MAX)), "without a time it stays");
        retired.remove_after = Some(UnixMillis(10_000));
        assert!(retired.is_published(UnixMillis(9_999)));
        assert!(!retired.is_published(UnixMillis(10_000)));
    }

    #[test]
    fn only_a_retired_key_dies_and_not_while_it_is_published() {
        let mut retired = record("kid", KeyState::Retired);
        retired.remove_after = Some(UnixMillis(10_000));
        assert!(!retired.is_dead(UnixMillis(9_999)));
        assert!(retired.is_dead(UnixMillis(10_000)));
        for state in [KeyState::Next, KeyState::Active, KeyState::Removed] {
            assert!(!record("kid", state).is_dead(UnixMillis(i64::MAX)), "{state}");
        }
    }

    #[test]
    fn a_key_has_signed_since_it_became_active() {
        let mut active = record("kid", KeyState::Active);
        assert!(has_signed_for(&active, 10, UnixMillis(10_000)), "without a time, since it was made");
        active.activated_at = Some(UnixMillis(5_000));
        assert!(!has_signed_for(&active, 10, UnixMillis(14_999)) && has_signed_for(&active, 10, UnixMillis(15_000)));
        assert!(!has_signed_for(&active, u32::MAX, UnixMillis(4_000)), "a clock that was put back rotates nothing");
    }

    #[test]
    fn the_other_states_do_not_depend_on_the_time() {
        let mut next = record("kid", KeyState::Next);
        assert!(!next.is_published(UnixMillis(0)));
        next.announced_at = Some(UnixMillis(5_000));
        assert!(next.is_published(UnixMillis(0)), "a clock that is behind hides nothing");
        assert!(record("kid", KeyState::Active).is_published(UnixMillis(0)));
        assert!(!record("kid", KeyState::Removed).is_published(UnixMillis(0)));
    }

    #[test]
    fn the_signing_key_comes_first_in_the_set() {
        let mut records = vec![
            record("retired", KeyState::Retired),
            record("removed", KeyState::Removed),
            record("next-b", KeyState::Next),
            record("next-a", KeyState::Next),
            record("active", KeyState::Active),
        ];
        for record in &mut records {
            record.announced_at = Some(UnixMillis(0));
        }
        let kids = |records: &[SigningKeyRecord]| -> Vec<String> {
            published_keys(records, UnixMillis(0)).into_iter().map(|record| record.kid.clone()).collect()
        };
        assert_eq!(kids(&records), ["active", "next-a", "next-b", "retired"]);
        records.reverse();
        assert_eq!(kids(&records), ["active", "next-a", "next-b", "retired"]);
    }

    #[rstest]
    #[case(KeyState::Next, &[KeyState::Active, KeyState::Removed])]
    #[case(KeyState::Active, &[KeyState::Retired, KeyState::Removed])]
    #[case(KeyState::Retired, &[KeyState::Removed])]
    #[case(KeyState::Removed, &[])]
    fn a_key_never_signs_again(#[case] from: KeyState, #[case] allowed: &[KeyState]) {
        for to in KeyState::ALL {
            assert_eq!(from.may_become(to), allowed.contains(&to), "{from} to {to}");
        }
        assert_eq!(from.to_string().parse(), Ok(from));
    }

    proptest! {
        /// In no schedule of rotations does a verifier with a cached set meet an unknown key.
        #[test]
        fn no_cached_set_lacks_a_key_that_signs(
            announced in 0..1_000_000_i64,
            waited in 0..10_000_i64,
            fetched_before in 0..300_i64,
        ) {
            let announced = UnixMillis(announced);
            let rotated = earliest_rotation(announced, PERIOD).plus_seconds(waited);
            prop_assert_eq!(may_rotate(rotated, Some(announced), PERIOD, RotationUrgency::WhenAnnounced), Ok(()));
            let fetched = rotated.plus_seconds(-fetched_before);
            prop_assert!(fetched >= announced.plus_seconds(PERIOD.propagation_seconds.into()));
        }

        #[test]
        fn extreme_times_do_not_overflow(now in any::<i64>(), announced in any::<i64>(), seconds in any::<u32>()) {
            let period = AnnouncementPeriod { max_age_seconds: seconds, propagation_seconds: seconds };
            let _ = may_rotate(UnixMillis(now), Some(UnixMillis(announced)), period, RotationUrgency::WhenAnnounced);
            let _ = remove_after(UnixMillis(now), seconds);
        }
    }
}
