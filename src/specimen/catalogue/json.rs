//! Do all readers of the token read the same? (RFC 7519 §4, RFC 8259 §4, RFC 8725 §3.7)

use serde_json::json;

use crate::specimen::case::{Case, Level, Presentation};
use crate::specimen::draft::signed;
use crate::specimen::forge::HOUR;

const TWICE: &str = "RFC 7519 §4, RFC 8259 §4";
const LAST_COUNTS: &str = "a parser must refuse duplicates or take the last; here the last is wrong, so both refuse";
const ANOTHER_READER: &str = "a gateway and the API behind it may read two different tokens; refusing is safest";
const ONE_OBJECT: &str = "RFC 7519 §7.2";
const NOT_CLAIMS: &str = "claims that are not there are not checked";
const DEPTH: &str = "who parses before the signature is checked must not run out of stack";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = duplicates();
    cases.extend(shapes());
    cases
}

fn duplicates() -> Vec<Case> {
    vec![
        Case::refuse("duplicate_expiry", "exp twice, the last one in the past", TWICE, LAST_COUNTS, |forge| {
            let (future, past) = (forge.now.saturating_add(HOUR), forge.now.saturating_sub(HOUR));
            forge.claim_twice("exp", &future.to_string(), &past.to_string()).map(Presentation::bearer)
        }),
        Case::refuse("duplicate_audience", "aud twice, the last one of another API", TWICE, LAST_COUNTS, |forge| {
            let audience = json!(forge.subject.audience).to_string();
            forge.claim_twice("aud", &audience, "\"https://other.example/\"").map(Presentation::bearer)
        }),
        Case::refuse("duplicate_issuer", "iss twice, the last one of another issuer", TWICE, LAST_COUNTS, |forge| {
            let issuer = json!(forge.subject.issuer).to_string();
            forge.claim_twice("iss", &issuer, "\"https://evil.example/\"").map(Presentation::bearer)
        }),
        Case::refuse("duplicate_escaped", "aud, then \\u0061ud of another API", TWICE, LAST_COUNTS, |forge| {
            let audience = json!(forge.subject.audience).to_string();
            let twice = format!("{audience},\"\\u0061ud\":\"https://other.example/\"");
            forge.claim_text("aud", &twice).map(Presentation::bearer)
        }),
        Case::refuse("duplicate_claims", "aud twice, the last one right", TWICE, ANOTHER_READER, |forge| {
            let audience = json!(forge.subject.audience).to_string();
            forge.claim_twice("aud", "\"https://other.example/\"", &audience).map(Presentation::bearer)
        })
        .at(Level::Should),
        Case::refuse(
            "duplicate_header",
            "alg twice in the header, the last one right",
            "RFC 7515 §4",
            ANOTHER_READER,
            |forge| {
                let alg = json!(forge.keys.genuine.alg()).to_string();
                forge.header_text("alg", &format!("\"none\",\"alg\":{alg}")).map(Presentation::bearer)
            },
        )
        .at(Level::Should),
        Case::refuse("duplicate_kid", "kid twice, the last one unknown", "RFC 7515 §4", LAST_COUNTS, |forge| {
            let kid = json!(forge.keys.genuine.kid()).to_string();
            forge.header_text("kid", &format!("{kid},\"kid\":\"unknown\"")).map(Presentation::bearer)
        })
        .at(Level::Should),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        Case::refuse("payload_array", "the payload is an array", ONE_OBJECT, NOT_CLAIMS, |forge| {
            forge.payload(format!("[{}]", forge.claims()).as_bytes()).map(Presentation::bearer)
        }),
        Case::refuse("payload_string", "the payload is a string", ONE_OBJECT, NOT_CLAIMS, |forge| {
            forge.payload(json!(forge.claims().to_string()).to_string().as_bytes()).map(Presentation::bearer)
        }),
        Case::refuse("payload_null", "the payload is null", ONE_OBJECT, NOT_CLAIMS, |forge| {
            forge.payload(b"null").map(Presentation::bearer)
        }),
        Case::refuse("payload_empty", "the payload is empty", ONE_OBJECT, NOT_CLAIMS, |forge| {
            forge.payload(b"").map(Presentation::bearer)
        }),
        Case::refuse(
            "payload_no_claims",
            "the payload is an object without members",
            ONE_OBJECT,
            NOT_CLAIMS,
            |forge| forge.payload(b"{}").map(Presentation::bearer),
        ),
        Case::refuse("payload_twice", "two objects one after the other", ONE_OBJECT, NOT_CLAIMS, |forge| {
            forge.payload(format!("{}{}", forge.claims(), forge.claims()).as_bytes()).map(Presentation::bearer)
        }),
        Case::refuse(
            "payload_not_utf8",
            "octets in the payload that are no UTF-8",
            "RFC 7519 §7.2, RFC 8725 §3.7",
            NOT_CLAIMS,
            |forge| {
                let mut claims = forge.claims().to_string().into_bytes();
                claims.splice(1..1, *b"\"x\":\"\xFF\",");
                forge.payload(&claims).map(Presentation::bearer)
            },
        )
        .at(Level::Should),
        Case::refuse("payload_bom", "a byte order mark before the payload", "RFC 8259 §8.1", NOT_CLAIMS, |forge| {
            forge.payload(format!("\u{feff}{}", forge.claims()).as_bytes()).map(Presentation::bearer)
        })
        .at(Level::Should),
        Case::refuse("header_array", "the header is an array", "RFC 7515 §5.2", NOT_CLAIMS, |forge| {
            forge.texts(&format!("[{}]", forge.header()), &forge.claims().to_string()).map(Presentation::bearer)
        }),
        Case::refuse(
            "deep_header",
            "a thousand arrays in each other in the header, by an attacker",
            "CWE-674",
            DEPTH,
            |forge| {
                let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
                let header = forge.header().to_string().replacen('{', &format!("{{\"x\":{nested},"), 1);
                signed(&forge.keys.attacker, header.as_bytes(), forge.claims().to_string().as_bytes())
                    .map(Presentation::bearer)
            },
        ),
        Case::refuse(
            "deep_payload",
            "a thousand arrays in each other in the payload, by an attacker",
            "CWE-674",
            DEPTH,
            |forge| {
                let nested = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
                let payload = forge.claims().to_string().replacen('{', &format!("{{\"x\":{nested},"), 1);
                signed(&forge.keys.attacker, forge.header().to_string().as_bytes(), payload.as_bytes())
                    .map(Presentation::bearer)
            },
        ),
    ]
}
