//! Where does a signing key stand, and what happens next by itself? As `tend_keys` will do it.

use super::super::frame::Tone;
use super::super::plot::KeyLife;
use crate::clock::UnixMillis;
use crate::issuer::administration::AdministrationPolicy;
use crate::keys::SigningAlg;
use crate::keys::lifecycle::{KeyState, SigningKeyRecord, earliest_rotation, has_signed_at};

/// Where the keys of one algorithm stand.
#[derive(Clone, Debug)]
pub(in crate::http::console) struct Outlook<'k> {
    /// The algorithm.
    pub(in crate::http::console) alg: SigningAlg,
    /// The key that signs.
    pub(in crate::http::console) active: &'k SigningKeyRecord,
    /// The one that is announced.
    pub(in crate::http::console) next: Option<&'k SigningKeyRecord>,
    /// From when on the next one may sign without force.
    pub(in crate::http::console) ready: Option<UnixMillis>,
    /// When the next one takes over by itself; none: only if somebody rotates.
    pub(in crate::http::console) by_itself: Option<UnixMillis>,
}

impl<'k> Outlook<'k> {
    /// Of the keys of `alg`, if one signs.
    pub(in crate::http::console) fn of(
        keys: &'k [SigningKeyRecord],
        alg: SigningAlg,
        policy: &AdministrationPolicy,
    ) -> Option<Self> {
        let of_state = |state| keys.iter().find(|key| key.alg == alg && key.state == state);
        let active = of_state(KeyState::Active)?;
        let next = of_state(KeyState::Next);
        let announced = next.and_then(|next| next.announced_at);
        let ready = announced.map(|at| earliest_rotation(at, policy.announcement));
        let due = policy.rotation_seconds.map(|period| has_signed_at(active, period));
        let by_itself = due.map(|due| ready.map_or(due, |ready| ready.max(due)));
        Some(Self { alg, active, next, ready, by_itself })
    }

    /// Those of every algorithm that signs.
    pub(in crate::http::console) fn all(keys: &'k [SigningKeyRecord], policy: &AdministrationPolicy) -> Vec<Self> {
        SigningAlg::ALL.into_iter().filter_map(|alg| Self::of(keys, alg, policy)).collect()
    }
}

/// Where a key stands, in words and as a tone.
pub(super) fn standing(key: &SigningKeyRecord) -> (Tone, &'static str) {
    match key.state {
        KeyState::Active => (Tone::Good, "Signs"),
        KeyState::Next => (Tone::Info, "Signs next"),
        KeyState::Retired => (Tone::Quiet, "Still verifies"),
        KeyState::Removed if key.revoked_at.is_some() => (Tone::Bad, "Revoked"),
        KeyState::Removed => (Tone::Quiet, "Removed"),
    }
}

/// Is the key one of those that people care about: published, or revoked since the oldest of those was announced?
pub(super) fn is_of_now(key: &SigningKeyRecord, keys: &[SigningKeyRecord]) -> bool {
    let oldest = keys.iter().filter(|key| key.state != KeyState::Removed).map(begins).min();
    match key.revoked_at {
        _ if key.state != KeyState::Removed => true,
        Some(revoked) => oldest.is_none_or(|oldest| revoked >= oldest),
        None => false,
    }
}

/// The life of `key`, with what will happen to it by itself.
pub(super) fn life(key: &SigningKeyRecord, outlook: Option<&Outlook<'_>>) -> KeyLife {
    let hand_over = outlook.and_then(|outlook| outlook.by_itself);
    let (active, retired) = match key.state {
        KeyState::Next => (hand_over, None),
        KeyState::Active => (key.activated_at, hand_over),
        KeyState::Retired | KeyState::Removed => (key.activated_at, key.retired_at),
    };
    KeyLife {
        kid: key.kid.clone(),
        state: standing(key).1.to_owned(),
        announced: begins(key),
        active,
        retired,
        removed: key.revoked_at.or(key.remove_after),
    }
}

fn begins(key: &SigningKeyRecord) -> UnixMillis {
    key.announced_at.unwrap_or(key.created_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PublicJwk;
    use crate::keys::lifecycle::AnnouncementPeriod;
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::oauth::metadata::Issuer;

    const ALG: SigningAlg = SigningAlg::Rs256;

    fn key(state: KeyState, announced: i64) -> SigningKeyRecord {
        let key = PublicTestKey::Rs256Active.load();
        SigningKeyRecord {
            kid: state.to_string(),
            alg: ALG,
            state,
            public_jwk: PublicJwk::from_private_key(&key, UnixMillis(0)).unwrap(),
            sealed_private_key: None,
            created_at: UnixMillis(announced),
            announced_at: Some(UnixMillis(announced)),
            activated_at: (state != KeyState::Next).then_some(UnixMillis(announced)),
            retired_at: None,
            remove_after: None,
            revoked_at: None,
        }
    }

    fn policy(rotation_seconds: Option<u32>) -> AdministrationPolicy {
        AdministrationPolicy {
            rotation_seconds,
            announcement: AnnouncementPeriod { max_age_seconds: 300, propagation_seconds: 60 },
            ..AdministrationPolicy::of_dev(Issuer::new("http://localhost/"))
        }
    }

    #[test]
    fn the_next_key_takes_over_when_the_active_one_has_signed_for_long_enough_and_it_is_announced() {
        let by_itself = |announced, rotation| {
            let keys = [key(KeyState::Active, 0), key(KeyState::Next, announced)];
            Outlook::of(&keys, ALG, &policy(rotation)).unwrap().by_itself.map(|at| at.0)
        };
        assert_eq!(by_itself(0, Some(1_000)), Some(1_000_000));
        assert_eq!(by_itself(900_000, Some(1_000)), Some(1_260_000), "not before every verifier knows it");
        assert_eq!(by_itself(0, None), None, "by hand");
        let alone = [key(KeyState::Active, 0)];
        let outlook = Outlook::of(&alone, ALG, &policy(Some(1_000))).unwrap();
        assert_eq!((outlook.ready, outlook.by_itself), (None, Some(UnixMillis(1_000_000))));
        assert!(Outlook::of(&alone, SigningAlg::Es256, &policy(None)).is_none());
        assert_eq!(Outlook::all(&alone, &policy(None)).len(), 1);
    }

    #[test]
    fn a_life_tells_what_was_and_what_will_be() {
        let keys = [key(KeyState::Active, 0), key(KeyState::Next, 0)];
        let outlook = Outlook::of(&keys, ALG, &policy(Some(1_000)));
        let due = Some(UnixMillis(1_000_000));
        let lives = keys.each_ref().map(|key| life(key, outlook.as_ref()));
        assert_eq!((lives[0].active, lives[0].retired), (Some(UnixMillis(0)), due));
        assert_eq!((lives[1].active, lives[1].retired), (due, None));
        let revoked = SigningKeyRecord { revoked_at: Some(UnixMillis(5)), ..key(KeyState::Removed, 0) };
        assert_eq!((life(&revoked, None).removed, standing(&revoked)), (Some(UnixMillis(5)), (Tone::Bad, "Revoked")));
    }

    #[test]
    fn what_was_removed_long_ago_is_not_shown() {
        let removed = |revoked_at: Option<i64>| SigningKeyRecord {
            revoked_at: revoked_at.map(UnixMillis),
            ..key(KeyState::Removed, 0)
        };
        let keys = [key(KeyState::Active, 100), removed(None), removed(Some(99)), removed(Some(100))];
        assert_eq!(keys.each_ref().map(|key| is_of_now(key, &keys)), [true, false, false, true]);
    }
}
