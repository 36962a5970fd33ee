use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Map;
use tokenhouse_verifier::{JwkSet, Verifier};

use super::*;
use crate::clock::UnixMillis;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::render_jwk_set;
use crate::specimen::{Forge, KeyRing, Level, NotSent, Profile, ScopeFormat, SpecimenKey, Subject, Wanted};

const NOW: i64 = 1_800_000_000;

fn keys() -> KeyRing {
    let specimen = |key: PublicTestKey| Arc::new(SpecimenKey::new(&key.load(), UnixMillis(0)).unwrap());
    KeyRing { genuine: specimen(PublicTestKey::Rs256Active), attacker: specimen(PublicTestKey::Rs256Next) }
}

fn subject(profile: Profile) -> Subject {
    Subject {
        issuer: "https://issuer.example/".to_owned(),
        audience: "https://api.example/".to_owned(),
        scope: Some("list:users".to_owned()),
        scope_claim: "scope".to_owned(),
        scope_format: ScopeFormat::String,
        client_id: "partner".to_owned(),
        profile,
        typ: profile.typ().to_owned(),
        claims: Map::new(),
        trap: "https://trap.example/x".to_owned(),
    }
}

#[test]
fn each_case_has_a_name_of_its_own_and_says_what_it_stands_for() {
    let cases = catalogue();
    assert!(cases.len() >= 150, "{}", cases.len());
    let ids: BTreeSet<_> = cases.iter().map(|case| case.id).collect();
    assert_eq!(ids.len(), cases.len());
    for case in &cases {
        let sources = ["RFC ", "CVE-", "GHSA-", "CWE-", "OpenID"];
        assert!(sources.iter().any(|source| case.clause.contains(source)), "{}: {}", case.id, case.clause);
        assert!(!case.what.is_empty() && !case.why.is_empty() && !case.group.is_empty(), "{}", case.id);
        assert!(case.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
    }
    // The defects that `dev --control` mints have the same names here.
    for defect in [
        "expired",
        "not_yet_valid",
        "wrong_issuer",
        "wrong_audience",
        "wrong_type",
        "wrong_algorithm",
        "unknown_kid",
        "missing_kid",
        "forged_key",
        "embedded_key",
        "alg_none",
        "hs256_with_public_key",
        "tampered_payload",
        "tampered_signature",
        "missing_signature",
        "unknown_crit",
        "missing_expiry",
        "duplicate_claims",
        "huge",
    ] {
        assert!(ids.contains(defect), "{defect}");
    }
}

/// Our verifier is the strictest resource server we know. What goes in a header alone is judged as it judges it.
#[test]
fn our_verifier_gets_every_token_right() {
    let keys = keys();
    let set: JwkSet = String::from_utf8(render_jwk_set([keys.genuine.public_jwk()])).unwrap().parse().unwrap();
    let verifier = Verifier::new("https://issuer.example/", "https://api.example/");
    let subject = subject(Profile::Rfc9068);
    let mut judged = 0;
    for case in catalogue().iter().filter(|case| case.group != "request") {
        let presentation = match case.build(&Forge::new(&subject, &keys, NOW, "j")) {
            Ok(presentation) => presentation,
            Err(NotSent::DoesNotApply(_)) => continue,
            Err(NotSent::SigningFailed) => panic!("{}", case.id),
        };
        let header = presentation.authorization.first().expect("a header");
        let accepted = std::str::from_utf8(header).ok().and_then(|header| {
            let token = header.get(7..)?.trim_start();
            verifier.verify(token, &set, u64::try_from(NOW).unwrap()).ok()
        });
        let right = match case.wanted {
            Wanted::Accepted => accepted.is_some_and(|token| token.has_scope("list:users")),
            Wanted::InsufficientScope | Wanted::ChallengedInsufficientScope => {
                accepted.is_none_or(|token| !token.has_scope("list:users"))
            }
            Wanted::Refused | Wanted::Challenged | Wanted::ChallengedInvalidToken => accepted.is_none(),
        };
        assert!(right, "{}: {}", case.id, String::from_utf8_lossy(header));
        judged += 1;
    }
    assert!(judged > 130, "{judged}");
}

#[test]
fn a_wrong_token_differs_from_a_right_one_in_one_thing() {
    let (keys, subject) = (keys(), subject(Profile::Rfc9068));
    let forge = Forge::new(&subject, &keys, NOW, "j");
    let right = forge.valid().unwrap();
    for (id, parts) in [
        ("wrong_audience", [true, false, false]),
        ("wrong_type", [false, true, false]),
        ("tampered_payload", [true, false, true]),
        ("tampered_signature", [true, true, false]),
        ("forged_key", [true, true, false]),
    ] {
        let cases = catalogue();
        let case = cases.iter().find(|case| case.id == id).unwrap();
        let presentation = case.build(&forge).unwrap();
        let header = String::from_utf8(presentation.authorization[0].clone()).unwrap();
        let wrong = header.strip_prefix("Bearer ").unwrap();
        let same: Vec<_> = right.split('.').zip(wrong.split('.')).map(|(right, wrong)| right == wrong).collect();
        assert_eq!(same, parts, "{id}");
    }
}

#[test]
fn without_a_scope_none_is_tested_and_without_rfc_9068_no_type_is_a_must() {
    let keys = keys();
    let subject = Subject { scope: None, ..subject(Profile::Jwt) };
    let forge = Forge::new(&subject, &keys, NOW, "j");
    for case in catalogue() {
        let built = case.build(&forge);
        let not_sent = matches!(built, Err(NotSent::DoesNotApply(_)));
        match case.id {
            "wrong_type" | "typ_missing" | "scope_among_others" => assert!(not_sent, "{}", case.id),
            _ if case.group == "scope" => assert!(not_sent, "{}", case.id),
            "typ_dpop" => assert_eq!((not_sent, case.level(Profile::Jwt)), (false, Level::Should)),
            _ => assert!(case.level(Profile::Rfc9068) != Level::MustInRfc9068),
        }
    }
}

#[test]
fn every_kind_of_key_makes_tokens() {
    use crate::entropy::SystemEntropy;
    use crate::keys::{RsaBits, SigningAlg, generate_private_key};

    for alg in [SigningAlg::Es256, SigningAlg::EdDsa] {
        let fresh = || {
            let key = generate_private_key(alg, RsaBits::Bits2048, &SystemEntropy).unwrap();
            Arc::new(SpecimenKey::new(&key, UnixMillis(0)).unwrap())
        };
        let keys = KeyRing { genuine: fresh(), attacker: fresh() };
        let set: JwkSet = String::from_utf8(render_jwk_set([keys.genuine.public_jwk()])).unwrap().parse().unwrap();
        let subject = subject(Profile::Rfc9068);
        let forge = Forge::new(&subject, &keys, NOW, "j");
        let verifier = Verifier::new("https://issuer.example/", "https://api.example/");
        assert!(verifier.verify(&forge.valid().unwrap(), &set, u64::try_from(NOW).unwrap()).is_ok(), "{alg}");
        let sent = catalogue().iter().filter(|case| case.build(&forge).is_ok()).count();
        assert!(sent > 140, "{alg}: {sent}");
    }
}
