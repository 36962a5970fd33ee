//! Who chooses the algorithm: the key, or whoever wrote the token? (RFC 8725 §2.1, §3.1)

use serde_json::{Value, json};

use crate::keys::SigningAlg;
use crate::specimen::case::{Case, NotSent, Presentation};
use crate::specimen::draft::b64;
use crate::specimen::forge::Forge;

const NONE: &str = "RFC 8725 §3.2, CVE-2022-23540";
const ANYBODY: &str = "anybody can write a token for any client";
const CONFUSION: &str = "RFC 8725 §2.1, CVE-2015-9235, CVE-2016-10555, CVE-2022-29217, CVE-2023-48223";
const PUBLIC: &str = "the public key is known to all; who takes it as a shared secret accepts what anybody signs";
const PINNED: &str = "RFC 8725 §3.1, RFC 7517 §4.4";
const ONE_ALGORITHM: &str =
    "a key is for one algorithm; what lets the token choose is where algorithm confusion begins";
const TEXT: &str = "RFC 7515 §4.1.1";
const NO_NAME: &str = "what is no registered name must never lead to a default";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = none();
    cases.extend(malformed());
    cases.extend(public_key_as_secret());
    cases.extend(other_algorithm());
    cases
}

fn unsigned(forge: &Forge<'_>, alg: &str) -> Presentation {
    Presentation::bearer(forge.unsigned(json!({ "alg": alg })))
}

fn none() -> Vec<Case> {
    vec![
        Case::refuse("alg_none", "alg none, no signature", NONE, ANYBODY, |forge| Ok(unsigned(forge, "none"))),
        Case::refuse("alg_none_capital", "alg None, no signature", NONE, ANYBODY, |forge| Ok(unsigned(forge, "None"))),
        Case::refuse("alg_none_upper", "alg NONE, no signature", NONE, ANYBODY, |forge| Ok(unsigned(forge, "NONE"))),
        Case::refuse("alg_none_mixed", "alg nOnE, no signature", NONE, ANYBODY, |forge| Ok(unsigned(forge, "nOnE"))),
        Case::refuse("alg_none_no_kid", "alg none, no kid, no signature", NONE, ANYBODY, |forge| {
            Ok(Presentation::bearer(forge.unsigned(json!({ "alg": "none", "kid": null }))))
        }),
        Case::refuse("alg_none_signed", "alg none over a signature of an attacker", NONE, ANYBODY, |forge| {
            forge.forged(json!({ "alg": "none" }), json!({})).map(Presentation::bearer)
        }),
        Case::refuse("alg_empty", "alg is the empty string, no signature", TEXT, ANYBODY, |forge| {
            Ok(unsigned(forge, ""))
        }),
    ]
}

fn malformed() -> Vec<Case> {
    fn odd(forge: &Forge<'_>, alg: &Value) -> Result<Presentation, NotSent> {
        forge.header_text("alg", &alg.to_string()).map(Presentation::bearer)
    }
    vec![
        Case::refuse("alg_missing", "no alg, a right signature", TEXT, NO_NAME, |forge| {
            forge.token(json!({ "alg": null }), json!({})).map(Presentation::bearer)
        }),
        Case::refuse("alg_null", "alg is null, a right signature", TEXT, NO_NAME, |forge| odd(forge, &Value::Null)),
        Case::refuse("alg_array", "alg is an array, a right signature", TEXT, NO_NAME, |forge| {
            odd(forge, &json!([forge.keys.genuine.alg()]))
        }),
        Case::refuse("alg_number", "alg is a number, a right signature", TEXT, NO_NAME, |forge| {
            odd(forge, &json!(256))
        }),
        Case::refuse("alg_lower_case", "alg in small letters, a right signature", TEXT, NO_NAME, |forge| {
            let alg = forge.keys.genuine.alg().as_str().to_ascii_lowercase();
            odd(forge, &json!(alg))
        }),
    ]
}

fn public_key_as_secret() -> Vec<Case> {
    fn maced(forge: &Forge<'_>, alg: &str, secret: impl AsRef<[u8]>) -> Presentation {
        Presentation::bearer(forge.maced(alg, json!({}), secret))
    }
    vec![
        Case::refuse("hs256_with_public_key", "HS256 with the public key as PEM", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS256", forge.keys.genuine.spki_pem()))
        }),
        Case::refuse("hs384_with_public_key", "HS384 with the public key as PEM", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS384", forge.keys.genuine.spki_pem()))
        }),
        Case::refuse("hs512_with_public_key", "HS512 with the public key as PEM", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS512", forge.keys.genuine.spki_pem()))
        }),
        Case::refuse(
            "hs256_with_pem_without_end",
            "the same PEM without its last line end",
            CONFUSION,
            PUBLIC,
            |forge| Ok(maced(forge, "HS256", forge.keys.genuine.spki_pem().trim_end())),
        ),
        Case::refuse("hs256_with_pkcs1", "HS256 with the public key as PKCS#1 PEM", CONFUSION, PUBLIC, |forge| {
            if !forge.keys.genuine.alg().is_rsa() {
                return Err(NotSent::DoesNotApply("the key is no RSA key"));
            }
            Ok(maced(forge, "HS256", forge.keys.genuine.raw_pem()))
        }),
        Case::refuse("hs256_with_der", "HS256 with the public key as DER", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS256", forge.keys.genuine.spki_der()))
        }),
        Case::refuse("hs256_with_raw_der", "HS256 with the bare public key as DER", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS256", forge.keys.genuine.raw_der()))
        }),
        Case::refuse("hs256_with_jwk", "HS256 with the text of the JWK", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS256", forge.keys.genuine.jwk().to_string()))
        }),
        Case::refuse("hs256_with_modulus", "HS256 with the JWK's n (or x)", CONFUSION, PUBLIC, |forge| {
            let jwk = forge.keys.genuine.jwk();
            let member = jwk.get("n").or_else(|| jwk.get("x")).and_then(Value::as_str).unwrap_or_default();
            Ok(maced(forge, "HS256", member))
        }),
        Case::refuse("hs256_with_certificate", "HS256 with the JWK's certificate as PEM", CONFUSION, PUBLIC, |forge| {
            Ok(maced(forge, "HS256", forge.keys.genuine.certificate_pem()))
        }),
        Case::refuse("hs256_with_nothing", "HS256 with an empty secret", "RFC 7518 §3.2", ANYBODY, |forge| {
            Ok(maced(forge, "HS256", ""))
        }),
        Case::refuse("hs256_with_kid", "HS256 with the kid as secret", "RFC 8725 §2.1", ANYBODY, |forge| {
            Ok(maced(forge, "HS256", forge.keys.genuine.kid()))
        }),
    ]
}

/// Rightly signed by the published key, with an algorithm that is not the key's.
fn other_algorithm() -> Vec<Case> {
    fn other(forge: &Forge<'_>, alg: &str) -> Result<Presentation, NotSent> {
        if forge.keys.genuine.alg().as_str() == alg {
            return Err(NotSent::DoesNotApply("it is the algorithm of the key"));
        }
        forge.of_algorithm(alg).map(Presentation::bearer)
    }
    fn zeros(forge: &Forge<'_>, octets: &[u8]) -> Presentation {
        let token = forge.unsigned(json!({ "alg": "ES256" }));
        Presentation::bearer(format!("{token}{}", b64(octets)))
    }
    const ZERO: &str = "CVE-2022-21449";
    const PSYCHIC: &str = "a signature of zeros is right for every key where nobody checks that r and s are not zero";
    vec![
        Case::refuse("wrong_algorithm", "RS384 by a key for another algorithm", PINNED, ONE_ALGORITHM, |forge| {
            other(forge, "RS384")
        }),
        Case::refuse("wrong_algorithm_rs512", "RS512 by a key for another algorithm", PINNED, ONE_ALGORITHM, |forge| {
            other(forge, "RS512")
        }),
        Case::refuse("wrong_algorithm_ps256", "PS256 by a key for another algorithm", PINNED, ONE_ALGORITHM, |forge| {
            other(forge, "PS256")
        }),
        Case::refuse("wrong_algorithm_rs256", "RS256 by a key for another algorithm", PINNED, ONE_ALGORITHM, |forge| {
            other(forge, "RS256")
        }),
        Case::refuse(
            "wrong_algorithm_label",
            "a right signature under the name of another",
            PINNED,
            ONE_ALGORITHM,
            |forge| {
                let alg = if forge.keys.genuine.alg() == SigningAlg::Rs256 { "PS256" } else { "RS256" };
                forge.token(json!({ "alg": alg }), json!({})).map(Presentation::bearer)
            },
        ),
        Case::refuse("es256_zero_signature", "ES256 with r = s = 0", ZERO, PSYCHIC, |forge| Ok(zeros(forge, &[0; 64]))),
        Case::refuse("es256_zero_signature_der", "the same in DER", ZERO, PSYCHIC, |forge| {
            Ok(zeros(forge, &[0x30, 6, 2, 1, 0, 2, 1, 0]))
        }),
    ]
}
