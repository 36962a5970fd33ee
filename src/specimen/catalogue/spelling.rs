//! Has a token one spelling, and is everything else refused without harm? (RFC 7515 §2, §3.1, §7.1)

use serde_json::json;

use crate::specimen::case::{Also, Case, Level, NotSent, Presentation};
use crate::specimen::draft::{b64, from_b64};
use crate::specimen::forge::Forge;

const COMPACT: &str = "RFC 7515 §3.1, §7.1";
const NOT_A_JWS: &str = "what is no compact JWS must not be guessed at";
const ONE_SPELLING: &str = "two spellings of one token: lists of revoked or used tokens are passed by";
const BASE64URL: &str = "RFC 7515 §2, RFC 4648 §3.5";
const MEMORY: &str = "who splits or decodes before looking at the length spends memory as a stranger wishes";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = parts();
    cases.extend(base64());
    cases.extend(sizes());
    cases
}

fn parts() -> Vec<Case> {
    vec![
        Case::refuse("garbage", "no token at all", "RFC 6750 §3.1", NOT_A_JWS, |_| {
            Ok(Presentation::bearer("conform"))
        }),
        Case::refuse("only_dots", "two dots and nothing else", COMPACT, NOT_A_JWS, |_| Ok(Presentation::bearer(".."))),
        Case::refuse("four_parts", "a fourth part after a valid token", COMPACT, NOT_A_JWS, |forge| {
            Ok(Presentation::bearer(format!("{}.e30", forge.valid()?)))
        }),
        Case::refuse("closing_dot", "a dot after a valid token", COMPACT, NOT_A_JWS, |forge| {
            Ok(Presentation::bearer(format!("{}.", forge.valid()?)))
        }),
        Case::refuse("leading_part", "an empty part before a valid token", COMPACT, NOT_A_JWS, |forge| {
            Ok(Presentation::bearer(format!(".{}", forge.valid()?)))
        }),
        Case::refuse(
            "jwe_five_parts",
            "five parts: a JWE that nobody signed",
            "RFC 7516 §3.1, CVE-2026-29000",
            "anybody can encrypt for a public key; a JWE without a signature inside proves nothing",
            |forge| {
                let header =
                    json!({ "alg": "RSA-OAEP", "enc": "A256GCM", "typ": "JWT", "kid": forge.keys.genuine.kid() });
                let parts = [
                    b64(header.to_string()),
                    b64([1; 256]),
                    b64([2; 12]),
                    b64(forge.claims().to_string()),
                    b64([3; 16]),
                ];
                Ok(Presentation::bearer(parts.join(".")))
            },
        ),
        Case::refuse(
            "jwe_many_rounds",
            "a JWE that asks for a thousand million rounds",
            "CVE-2023-50658",
            MEMORY,
            |_| {
                let header = json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 1_000_000_000, "p2s": "AAAAAAAAAAA" });
                let parts = [b64(header.to_string()), b64([1; 24]), b64([2; 12]), b64([3; 64]), b64([4; 16])];
                Ok(Presentation::bearer(parts.join(".")))
            },
        ),
        Case::refuse(
            "json_serialization",
            "a valid token in the JSON serialization",
            "RFC 7519 §1, RFC 7515 §7.2, CVE-2022-39227",
            "a JWT is compact; where two parsers read two serializations, one signature covers other claims",
            |forge| {
                let [protected, payload, signature] = forge.parts()?;
                let flattened = json!({ "protected": protected, "payload": payload, "signature": signature });
                Ok(Presentation::bearer(flattened.to_string()))
            },
        )
        .or(Also::BadRequest),
        Case::refuse("many_dots", "six thousand dots", "CVE-2025-27144, CVE-2025-30204", MEMORY, |_| {
            Ok(Presentation::bearer(".".repeat(6000)))
        })
        .or(Also::Limit),
    ]
}

fn base64() -> Vec<Case> {
    /// A valid token, its signature written in another way.
    fn respelled(forge: &Forge<'_>, change: impl Fn(String) -> String) -> Result<Presentation, NotSent> {
        let [header, payload, signature] = forge.parts()?;
        Ok(Presentation::bearer(format!("{header}.{payload}.{}", change(signature))))
    }
    vec![
        Case::refuse("base64_padded", "a valid token with =", BASE64URL, ONE_SPELLING, |forge| {
            respelled(forge, |signature| signature + "==")
        })
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "base64_trailing_bits",
            "a valid token whose last character has other unused bits",
            BASE64URL,
            ONE_SPELLING,
            |forge| {
                respelled(forge, |signature| {
                    // Of the last character only the first two or four bits mean anything: another one decodes to the same.
                    let octets = from_b64(&signature);
                    let lenient = base64::engine::GeneralPurpose::new(
                        &base64::alphabet::URL_SAFE,
                        base64::engine::GeneralPurposeConfig::new()
                            .with_decode_allow_trailing_bits(true)
                            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
                    );
                    let stem = signature.get(..signature.len().saturating_sub(1)).unwrap_or_default();
                    let other = ('A'..='Z').chain('a'..='z').map(|last| format!("{stem}{last}")).find(|other| {
                        use base64::Engine as _;
                        *other != signature && lenient.decode(other).is_ok_and(|decoded| decoded == octets)
                    });
                    other.unwrap_or(signature)
                })
            },
        )
        .at(Level::Should),
        Case::refuse(
            "base64_standard",
            "a valid token in the alphabet with + and /",
            BASE64URL,
            ONE_SPELLING,
            |forge| {
                // Not every signature has one of the two letters, but nearly every one: of 342 characters each is one of 64.
                respelled(forge, |signature| signature.replace('-', "+").replace('_', "/"))
            },
        )
        .at(Level::Should),
        Case::refuse("inner_space", "a space inside a valid token", COMPACT, ONE_SPELLING, |forge| {
            let [header, payload, signature] = forge.parts()?;
            Ok(Presentation::bearer(format!("{header}. {payload}.{signature}")))
        })
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse("quoted", "a valid token in quotes", "RFC 6750 §2.1 (b64token)", ONE_SPELLING, |forge| {
            Ok(Presentation::bearer(format!("\"{}\"", forge.valid()?)))
        })
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse("not_ascii", "octets that are no text", "RFC 6750 §2.1 (b64token)", NOT_A_JWS, |_| {
            Ok(Presentation::header(*b"Bearer \xE9\xFF.\xE9.\xE9"))
        })
        .or(Also::BadRequest),
    ]
}

fn sizes() -> Vec<Case> {
    vec![
        Case::refuse("huge_8k_forged", "8 KiB, by an attacker's key", "RFC 7515 §5.2, CWE-770", MEMORY, |forge| {
            forge.forged(json!({}), json!({ "padding": "x".repeat(5400) })).map(Presentation::bearer)
        })
        .or(Also::Limit),
        Case::refuse("huge_64k_forged", "64 KiB, by an attacker's key", "RFC 7515 §5.2, CWE-770", MEMORY, |forge| {
            forge.forged(json!({}), json!({ "padding": "x".repeat(48_000) })).map(Presentation::bearer)
        })
        .or(Also::Limit),
        Case::refuse("huge", "more than 8 KiB, valid", "CWE-770", MEMORY, |forge| {
            forge.token(json!({}), json!({ "padding": "x".repeat(9000) })).map(Presentation::bearer)
        })
        .at(Level::Should)
        .or(Also::Limit),
        Case::refuse("huge_64k", "64 KiB, valid", "CWE-770", MEMORY, |forge| {
            forge.token(json!({}), json!({ "padding": "x".repeat(48_000) })).map(Presentation::bearer)
        })
        .at(Level::Should)
        .or(Also::Limit),
    ]
}
