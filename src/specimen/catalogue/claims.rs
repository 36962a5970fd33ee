//! Is the token of this issuer, and for this API? (RFC 7519 §4.1.1, §4.1.3, RFC 9068 §4)

use serde_json::{Value, json};

use crate::specimen::case::{Case, Level, NotSent, Presentation};
use crate::specimen::forge::Forge;
use crate::specimen::subject::Profile;

const ISS: &str = "RFC 9068 §4, RFC 7519 §4.1.1, RFC 8725 §3.8";
const ANOTHER_ISSUER: &str = "another issuer, perhaps a tenant of the same provider, writes tokens for this API";
const PARTIAL: &str = "RFC 9068 §4, CVE-2024-53861, CVE-2025-30144";
const AUD: &str = "RFC 9068 §4, RFC 7519 §4.1.3, RFC 8725 §3.9";
const ANOTHER_API: &str = "a token that another API was given can be used here: any API can act as its callers";
const REQUIRED: &str = "RFC 9068 §2.2";
const INCOMPLETE: &str = "the token lacks what RFC 9068 requires; what reads the claim later reads nothing";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = issuer();
    cases.extend(audience());
    cases.extend(others());
    cases
}

fn claims(forge: &Forge<'_>, claims: Value) -> Result<Presentation, NotSent> {
    forge.token(json!({}), claims).map(Presentation::bearer)
}

fn claim(forge: &Forge<'_>, name: &str, text: &str) -> Result<Presentation, NotSent> {
    forge.claim_text(name, text).map(Presentation::bearer)
}

/// Without what RFC 9068 alone requires.
fn lacking(forge: &Forge<'_>, name: &str) -> Result<Presentation, NotSent> {
    match forge.subject.profile {
        Profile::Rfc9068 => forge.lacking(name).map(Presentation::bearer),
        Profile::Jwt => Err(NotSent::DoesNotApply("only RFC 9068 requires it")),
    }
}

/// `url` with a closing slash where it has none, and without where it has one.
fn slash_changed(url: &str) -> String {
    url.strip_suffix('/').map_or_else(|| format!("{url}/"), str::to_owned)
}

/// `text` without its last character.
fn shortened(text: &str) -> &str {
    text.char_indices().last().and_then(|(at, _)| text.get(..at)).unwrap_or_default()
}

fn case_changed(text: &str) -> Result<String, NotSent> {
    let upper = text.to_ascii_uppercase();
    if upper == text { Err(NotSent::DoesNotApply("it has no small letters")) } else { Ok(upper) }
}

fn issuer() -> Vec<Case> {
    vec![
        Case::refuse("wrong_issuer", "iss of another issuer", ISS, ANOTHER_ISSUER, |forge| {
            claims(forge, json!({ "iss": "https://evil.example/" }))
        }),
        Case::refuse("issuer_missing", "no iss", ISS, ANOTHER_ISSUER, |forge| claims(forge, json!({ "iss": null }))),
        Case::refuse("issuer_null", "iss is null", ISS, ANOTHER_ISSUER, |forge| claim(forge, "iss", "null")),
        Case::refuse("issuer_empty", "iss is the empty string", PARTIAL, ANOTHER_ISSUER, |forge| {
            claims(forge, json!({ "iss": "" }))
        }),
        Case::refuse(
            "issuer_array",
            "iss is an array with this issuer and another",
            PARTIAL,
            ANOTHER_ISSUER,
            |forge| claims(forge, json!({ "iss": [forge.subject.issuer, "https://evil.example/"] })),
        ),
        Case::refuse("issuer_prefix", "iss lacks the last two characters", PARTIAL, ANOTHER_ISSUER, |forge| {
            claims(forge, json!({ "iss": shortened(shortened(&forge.subject.issuer)) }))
        }),
        Case::refuse("issuer_suffix", "iss goes on", PARTIAL, ANOTHER_ISSUER, |forge| {
            claims(forge, json!({ "iss": format!("{}x", forge.subject.issuer) }))
        }),
        Case::refuse(
            "issuer_host_suffix",
            "iss is a host whose name begins like this one",
            PARTIAL,
            ANOTHER_ISSUER,
            |forge| {
                let host = forge.subject.issuer.trim_end_matches('/');
                claims(forge, json!({ "iss": format!("{host}.evil.example/") }))
            },
        ),
        Case::refuse(
            "issuer_slash",
            "iss with, or without, the closing slash",
            "RFC 9068 §4, RFC 8414 §3.3, RFC 7519 §4.1.1",
            ANOTHER_ISSUER,
            |forge| claims(forge, json!({ "iss": slash_changed(&forge.subject.issuer) })),
        ),
        Case::refuse("issuer_case", "iss in capitals", "RFC 7519 §4.1.1", ANOTHER_ISSUER, |forge| {
            claims(forge, json!({ "iss": case_changed(&forge.subject.issuer)? }))
        }),
        Case::refuse("issuer_nul", "iss and a NUL", ISS, ANOTHER_ISSUER, |forge| {
            claims(forge, json!({ "iss": format!("{}\u{0}", forge.subject.issuer) }))
        }),
    ]
}

fn audience() -> Vec<Case> {
    vec![
        Case::refuse("wrong_audience", "aud of another API", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": "https://other.example/" }))
        }),
        Case::refuse("audience_missing", "no aud", AUD, ANOTHER_API, |forge| claims(forge, json!({ "aud": null }))),
        Case::refuse("audience_null", "aud is null", AUD, ANOTHER_API, |forge| claim(forge, "aud", "null")),
        Case::refuse("audience_empty", "aud is the empty string", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": "" }))
        }),
        Case::refuse("audience_empty_array", "aud is an empty array", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": [] }))
        }),
        Case::refuse("audience_array_without", "aud is an array of other APIs", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": ["https://other.example/", "https://third.example/"] }))
        }),
        Case::refuse("audience_prefix", "aud lacks the last two characters", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": shortened(shortened(&forge.subject.audience)) }))
        }),
        Case::refuse("audience_suffix", "aud goes on", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": format!("{}x", forge.subject.audience) }))
        }),
        Case::refuse("audience_slash", "aud with, or without, a closing slash", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": slash_changed(&forge.subject.audience) }))
        }),
        Case::refuse("audience_case", "aud in capitals", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": case_changed(&forge.subject.audience)? }))
        }),
        Case::refuse("audience_object", "aud is an object with this API as a name", AUD, ANOTHER_API, |forge| {
            let mut aud = serde_json::Map::new();
            aud.insert(forge.subject.audience.clone(), Value::Bool(true));
            claims(forge, json!({ "aud": aud }))
        }),
        Case::refuse("audience_number", "aud is a number", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": 0 }))
        }),
        Case::refuse("audience_nested", "aud is an array in an array", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": [[forge.subject.audience]] }))
        }),
        Case::refuse("audience_list", "aud names two APIs, with a space between", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": format!("https://other.example/ {}", forge.subject.audience) }))
        }),
        Case::refuse("audience_nul", "aud and a NUL", AUD, ANOTHER_API, |forge| {
            claims(forge, json!({ "aud": format!("{}\u{0}", forge.subject.audience) }))
        }),
    ]
}

fn others() -> Vec<Case> {
    vec![
        Case::refuse("sub_missing", "no sub", REQUIRED, INCOMPLETE, |forge| lacking(forge, "sub")).at(Level::Should),
        Case::refuse("sub_number", "sub is a number", "RFC 7519 §4.1.2", INCOMPLETE, |forge| {
            claims(forge, json!({ "sub": 1 }))
        })
        .at(Level::Should),
        Case::refuse("client_id_missing", "no client_id", REQUIRED, INCOMPLETE, |forge| lacking(forge, "client_id"))
            .at(Level::Should),
        Case::refuse("jti_missing", "no jti", REQUIRED, INCOMPLETE, |forge| lacking(forge, "jti")).at(Level::Should),
        Case::refuse(
            "cnf_dpop",
            "bound to a DPoP key, sent as a plain Bearer token",
            "RFC 9449 §7.2, RFC 7800 §3, CVE-2024-49755",
            "who stole the token, but not the key, can use it after all",
            |forge| claims(forge, json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } })),
        )
        .at(Level::Should),
        Case::refuse(
            "cnf_certificate",
            "bound to a client certificate, sent without it",
            "RFC 8705 §3, RFC 7800 §3",
            "who stole the token, but not the key, can use it after all",
            |forge| claims(forge, json!({ "cnf": { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" } })),
        )
        .at(Level::Should),
    ]
}
