//! Do our keys judge Wycheproof's signatures as they must? (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1)

use serde_json::{Value, json};
use tokenhouse_verifier::{JwkSet, VerificationKey};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use crate::issuer::b64;

fn key(jwk: &Value) -> Option<VerificationKey> {
    JwkSet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap().keys().first().cloned()
}

fn rsa_key(n: &[u8], e: &[u8], alg: &str) -> Option<VerificationKey> {
    let first = e.iter().position(|octet| *octet != 0).unwrap_or(0);
    key(&json!({"kty": "RSA", "kid": "k", "alg": alg, "n": b64(n), "e": b64(&e[first..])}))
}

/// Counts the vectors that were judged as they must be, and panics at one that was not.
fn judge(key: Option<&VerificationKey>, tests: impl Iterator<Item = (usize, Vec<u8>, Vec<u8>, TestResult)>) -> usize {
    tests
        .map(|(id, message, signature, result)| {
            let valid = key.is_some_and(|key| key.verify_signature(&message, &signature));
            match result {
                TestResult::Valid => assert!(valid || key.is_none(), "{id} must be valid"),
                TestResult::Invalid => assert!(!valid, "{id} must be invalid"),
                // The only acceptable ones leave out the NULL of the digest's identifier; RFC 8017 §8.2.2 compares all
                // octets.
                TestResult::Acceptable => assert!(!valid, "{id} is only acceptable"),
            }
        })
        .count()
}

#[test]
fn rs256() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let mut judged = 0;
    for name in [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa_key(&group.key.n, &group.key.e, "RS256");
            assert_eq!(key.is_some(), *group.key.e == [1, 0, 1], "keys with another exponent are passed over");
            let tests =
                group.tests.into_iter().map(|test| (test.tc_id, test.msg.to_vec(), test.sig.to_vec(), test.result));
            judged += judge(key.as_ref(), tests);
        }
    }
    assert!(judged > 700, "{judged}");
}

#[test]
fn rs256_with_other_digests_is_not_rs256() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    for name in [TestName::Rsa2048Sha224, TestName::Rsa2048Sha384, TestName::Rsa2048Sha512] {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(key) = rsa_key(&group.key.n, &group.key.e, "RS256") else { continue };
            assert!(
                group
                    .tests
                    .iter()
                    .filter(|test| !test.result.must_fail())
                    .all(|test| !key.verify_signature(&test.msg, &test.sig))
            );
        }
    }
}

#[test]
fn ps256() {
    use rsa_pss_verify::{TestName, TestSet};
    let mut judged = 0;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa_key(&group.key.n, &group.key.e, "PS256");
            assert_eq!(key.is_some(), *group.key.e == [1, 0, 1], "keys with another exponent are passed over");
            let tests =
                group.tests.into_iter().map(|test| (test.tc_id, test.msg.to_vec(), test.sig.to_vec(), test.result));
            judged += judge(key.as_ref(), tests);
        }
    }
    assert!(judged > 100, "{judged}");
    // RFC 7518 §3.5: the salt is as long as the digest, and MGF1 uses the same one.
    for name in [TestName::RsaPss2048Sha256Mgf1SaltLen0, TestName::RsaPss2048Sha256Mgf1Sha1_20] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa_key(&group.key.n, &group.key.e, "PS256").unwrap();
            assert!(
                group
                    .tests
                    .iter()
                    .filter(|test| !test.result.must_fail())
                    .all(|test| !key.verify_signature(&test.msg, &test.sig))
            );
        }
    }
}

#[test]
fn es256() {
    let mut judged = 0;
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap().test_groups {
        let point = group.key.key.to_vec();
        let key =
            key(&json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": b64(&point[1..33]), "y": b64(&point[33..])}));
        assert!(key.is_some());
        let tests = group.tests.into_iter().map(|test| (test.tc_id, test.msg.to_vec(), test.sig.to_vec(), test.result));
        judged += judge(key.as_ref(), tests);
    }
    assert!(judged > 200, "{judged}");
}

#[test]
fn ed25519() {
    let mut judged = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = key(&json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": b64(&*group.key.pk)}));
        assert!(key.is_some());
        let tests = group.tests.into_iter().map(|test| (test.tc_id, test.msg.to_vec(), test.sig.to_vec(), test.result));
        judged += judge(key.as_ref(), tests);
    }
    assert!(judged > 100, "{judged}");
}
