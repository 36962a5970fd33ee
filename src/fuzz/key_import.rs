//! Keys that an operator imports or a client registers: PEM (RFC 7468), DER, JWK (RFC 7517).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokenhouse_verifier::Algorithm;

use super::on_one_line;
use crate::keys::{MasterKey, PrivateKey, PublicKey, PublicKeyError, ReadKey, Signer, SigningAlg};

/// The kinds of PEM block that are known.
const LABELS: [&str; 6] =
    ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"];

/// A text as it is; or, where it begins as DER does, DER that is put into a PEM block of every kind.
///
/// What is accepted is the same key when it is written and read again; a private key can sign, and is never taken for a public one.
pub fn key_import(data: &[u8]) {
    if data.first() == Some(&0x30) {
        for label in LABELS {
            read(&pem(label, data));
        }
    } else if let Ok(text) = std::str::from_utf8(data) {
        read(text);
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn read(text: &str) {
    for alg in SigningAlg::ALL {
        private(alg, text);
    }
    let mut thumbprints = BTreeSet::new();
    for algorithm in [None].into_iter().chain(Algorithm::ALL.map(Some)) {
        for read in [PublicKey::from_pem(text, algorithm), PublicKey::from_jwk_text(text, algorithm)] {
            match read {
                Ok(read) => {
                    assert!(algorithm.is_none_or(|asked| asked == read.key.algorithm()));
                    thumbprints.insert(read.key.parameters().thumbprint());
                    public(&read);
                }
                Err(error) => on_one_line(&error.to_string()),
            }
        }
    }
    assert!(thumbprints.len() <= 1, "one text, two keys: {thumbprints:?}");
    if let Ok(master) = MasterKey::from_base64url(text) {
        assert_eq!(master.to_base64url().as_str(), text.trim());
    }
}

fn private(alg: SigningAlg, text: &str) {
    let key = match PrivateKey::from_pem(alg, text) {
        Ok(key) => key,
        Err(error) => return on_one_line(&error.to_string()),
    };
    assert_eq!(PublicKey::from_pem(text, None).err(), Some(PublicKeyError::Private));
    let exported = key.to_pem().expect("what was imported can be exported");
    let again = PrivateKey::from_pem(alg, &exported).expect("what was exported can be imported");
    assert_eq!((again.alg(), again.expose_pkcs8()), (alg, key.expose_pkcs8()));
    // What parses may still be two halves that do not fit; then it must not sign.
    let (signer, again) = (Signer::from_private_key(&key), Signer::from_private_key(&again));
    assert_eq!(signer.map(|signer| signer.kid().to_owned()).ok(), again.map(|signer| signer.kid().to_owned()).ok());
}

fn public(read: &ReadKey) {
    let kid = read.kid.as_deref().unwrap_or("kid");
    assert!((1..=128).contains(&kid.len()));
    let verifying = read.key.verification_key(kid).expect("what was accepted verifies");
    assert_eq!((verifying.kid(), verifying.algorithm()), (kid, read.key.algorithm()));
    let again = PublicKey::from_jwk(&read.key.to_jwk(kid), None).expect("what was accepted can be written");
    assert_eq!((&again.key, again.kid.as_deref()), (&read.key, Some(kid)));
    assert_eq!(read.key.parameters().thumbprint().len(), 43);
}
