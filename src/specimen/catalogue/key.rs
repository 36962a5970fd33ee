//! Who names the key: the issuer's JWK Set, or whoever wrote the token? (RFC 8725 §3.8, §3.10)

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::specimen::case::{Case, NotSent, Presentation};
use crate::specimen::draft::changed;
use crate::specimen::forge::Forge;

const OWN_KEY: &str = "whoever brings his own key can write any token";
const FETCHES: &str =
    "whoever brings his own key can write any token; and the API connects to wherever a stranger says (SSRF)";
const KID: &str = "RFC 7515 §4.1.4, RFC 8725 §3.10";
const LOOKUP: &str = "kid is untrusted text: it names a key of the set, never a file, a row, a URL or a property";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = unknown();
    cases.extend(brought_along());
    cases.extend(odd_kids());
    cases
}

fn forged(forge: &Forge<'_>, header: Value) -> Result<Presentation, NotSent> {
    forge.forged(header, json!({})).map(Presentation::bearer)
}

fn unknown() -> Vec<Case> {
    vec![
        Case::refuse(
            "forged_key",
            "another key under the known kid",
            "RFC 7515 §5.2",
            "the signature is not checked",
            |forge| forged(forge, json!({})),
        ),
        Case::refuse("unknown_kid", "another key under its own kid", "RFC 7515 §5.2, RFC 9068 §4", OWN_KEY, |forge| {
            forged(forge, json!({ "kid": forge.keys.attacker.kid() }))
        }),
        Case::refuse("missing_kid", "another key, and no kid", "RFC 7515 §5.2", OWN_KEY, |forge| {
            forged(forge, json!({ "kid": null }))
        }),
    ]
}

fn brought_along() -> Vec<Case> {
    fn with_jwk(forge: &Forge<'_>, kid: &Value) -> Result<Presentation, NotSent> {
        // Without the private half, of course: just as it would stand in a JWK Set.
        forged(forge, changed(json!({ "jwk": forge.keys.attacker.jwk() }), json!({ "kid": kid })))
    }
    fn certificate(forge: &Forge<'_>) -> Vec<String> {
        forge.keys.attacker.public_jwk().x5c.to_vec()
    }
    const EMBEDDED: &str = "RFC 8725 §3.8, RFC 7515 §4.1.3, CVE-2018-0114, CVE-2026-27962";
    const URL: &str = "RFC 8725 §3.10, RFC 7515 §4.1.2, CWE-918";
    vec![
        Case::refuse("embedded_key", "jwk: the attacker's key in the header", EMBEDDED, OWN_KEY, |forge| {
            with_jwk(forge, &Value::Null)
        }),
        Case::refuse("embedded_key_own_kid", "the same, with its kid", EMBEDDED, OWN_KEY, |forge| {
            with_jwk(forge, &json!(forge.keys.attacker.kid()))
        }),
        Case::refuse("embedded_key_known_kid", "the same, under the known kid", EMBEDDED, OWN_KEY, |forge| {
            with_jwk(forge, &json!(forge.keys.genuine.kid()))
        }),
        Case::refuse("jku_header", "jku: a JWK Set of the attacker", URL, FETCHES, |forge| {
            let jku = format!("{}/jwks.json", forge.subject.trap);
            forged(forge, json!({ "jku": jku, "kid": forge.keys.attacker.kid() }))
        }),
        Case::refuse("jku_header_known_kid", "the same, under the known kid", URL, FETCHES, |forge| {
            forged(forge, json!({ "jku": format!("{}/jwks.json", forge.subject.trap) }))
        }),
        Case::refuse(
            "x5u_header",
            "x5u: a certificate of the attacker",
            "RFC 8725 §3.10, RFC 7515 §4.1.5, CWE-918",
            FETCHES,
            |forge| {
                let x5u = format!("{}/certificate.pem", forge.subject.trap);
                forged(forge, json!({ "x5u": x5u, "kid": forge.keys.attacker.kid() }))
            },
        ),
        Case::refuse(
            "x5c_header",
            "x5c: a certificate of the attacker in the header",
            "RFC 8725 §3.8, RFC 7515 §4.1.6",
            OWN_KEY,
            |forge| forged(forge, json!({ "x5c": certificate(forge), "kid": null })),
        ),
        Case::refuse(
            "x5c_header_known_kid",
            "the same, under the known kid",
            "RFC 8725 §3.8, RFC 7515 §4.1.6",
            OWN_KEY,
            |forge| forged(forge, json!({ "x5c": certificate(forge) })),
        ),
        Case::refuse(
            "issuer_with_own_keys",
            "iss: an issuer of the attacker, which publishes metadata and keys",
            "RFC 8725 §3.8, RFC 9068 §4, CWE-918",
            FETCHES,
            |forge| {
                let header = json!({ "kid": forge.keys.attacker.kid() });
                let claims = json!({ "iss": format!("{}/", forge.subject.trap) });
                forge.forged(header, claims).map(Presentation::bearer)
            },
        ),
    ]
}

fn odd_kids() -> Vec<Case> {
    vec![
        Case::refuse("kid_path", "kid is a path to an empty file, HS256 with nothing", KID, LOOKUP, |forge| {
            Ok(Presentation::bearer(forge.maced("HS256", json!({ "kid": "../../../../../../dev/null" }), "")))
        }),
        Case::refuse("kid_sql", "kid is SQL that selects a secret", KID, LOOKUP, |forge| {
            let kid = "x' UNION SELECT 'conform' -- ";
            Ok(Presentation::bearer(forge.maced("HS256", json!({ "kid": kid }), "conform")))
        }),
        Case::refuse("kid_url", "kid is a URL of the attacker", KID, FETCHES, |forge| {
            forged(forge, json!({ "kid": format!("{}/jwks.json", forge.subject.trap) }))
        }),
        Case::refuse("kid_property", "kid is __proto__", KID, LOOKUP, |forge| {
            forged(forge, json!({ "kid": "__proto__" }))
        }),
        Case::refuse("kid_number", "kid is a number", KID, LOOKUP, |forge| forged(forge, json!({ "kid": 0 }))),
        Case::refuse("kid_array", "kid is an array with the known kid", KID, LOOKUP, |forge| {
            forged(forge, json!({ "kid": [forge.keys.genuine.kid()] }))
        }),
        Case::refuse("kid_nul", "kid is the known one and a NUL", KID, LOOKUP, |forge| {
            forged(forge, json!({ "kid": format!("{}\u{0}", forge.keys.genuine.kid()) }))
        }),
        Case::refuse("kid_long", "kid has 4000 characters", KID, LOOKUP, |forge| {
            forged(forge, json!({ "kid": "k".repeat(4000) }))
        })
        .or(crate::specimen::case::Also::Limit),
        Case::refuse("kid_base64", "kid in another base64", KID, LOOKUP, |forge| {
            forged(forge, json!({ "kid": BASE64_STANDARD.encode(forge.keys.genuine.kid()) }))
        }),
    ]
}
