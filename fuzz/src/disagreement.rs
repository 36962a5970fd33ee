//! Why may our verifier and jwt-simple differ? Each reason must be seen in the token itself. `fuzz/README.md` says who is right.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use tokenhouse_verifier::{JsonObjectError, TokenPart, VerifyError};

use crate::{LEEWAY, NOW};

/// From here on, not every JSON parser reads the same integer (RFC 8259 §6).
const OUR_HORIZON: u64 = 1 << 53;

/// The token as a third reader sees it: the last of two members with one name, and nothing where it is no JSON.
#[derive(Debug)]
pub(crate) struct Reading {
    header: Option<Value>,
    payload: Option<Value>,
}

impl Reading {
    pub(crate) fn of(token: &str) -> Self {
        let mut parts = token.split('.').map(|part| {
            let octets = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice(&octets).ok()
        });
        Self { header: parts.next().flatten(), payload: parts.next().flatten() }
    }

    fn header(&self, name: &str) -> Option<&Value> {
        self.header.as_ref()?.get(name)
    }

    fn claim(&self, name: &str) -> Option<&Value> {
        self.payload.as_ref()?.get(name)
    }

    fn instants(&self) -> impl Iterator<Item = &Value> {
        ["exp", "iat", "nbf"].into_iter().filter_map(|name| self.claim(name))
    }
}

/// The rule that we keep and jwt-simple does not, if that is what `refusal` is about.
pub(crate) fn why_we_may_be_stricter(refusal: &VerifyError, reading: &Reading) -> Option<&'static str> {
    use VerifyError as R;
    let empty_or_null =
        |value: Option<&Value>| value.is_some_and(|value| value.is_null() || *value == Value::Array(Vec::new()));
    let is = |holds: bool, rule| holds.then_some(rule);
    match refusal {
        R::NotAJsonObject { reason: JsonObjectError::DuplicateMember, .. } => {
            Some("RFC 7515 §4, RFC 7519 §4: no member twice")
        }
        R::NotAJsonObject { part: TokenPart::Header, reason: JsonObjectError::NotAnObject } => {
            is(reading.header.as_ref().is_some_and(Value::is_array), "RFC 7515 §4: the header is an object")
        }
        R::NotAJsonObject { reason: JsonObjectError::NotJson, part } => {
            let seen = if *part == TokenPart::Header { &reading.header } else { &reading.payload };
            is(seen.is_none(), "RFC 8259: what is ignored must be JSON, too")
        }
        R::CriticalHeader => is(empty_or_null(reading.header("crit")), "RFC 7515 §4.1.11: crit is never empty"),
        R::UnencodedPayload => is(reading.header("b64").is_some(), "RFC 7797 §3: b64 changes what is signed"),
        R::Encrypted => {
            is(reading.header("enc").or(reading.header("zip")).is_some(), "RFC 7516 §4.1: enc and zip belong to a JWE")
        }
        R::AlgorithmNotSupported => is(
            reading.header("alg").is_some_and(|alg| alg == "Ed25519"),
            "RFC 8725 §3.1: a key has one alg, here EdDSA; Ed25519 (RFC 9864) is its new name",
        ),
        R::TypNotAccepted { typ } => is(typ.is_none() || !is_known_typ(typ.as_deref()), "RFC 9068 §4: typ is at+jwt"),
        R::ClaimMissing(name) => is(reading.claim(name).is_none(), "RFC 9068 §2.2: claims that must be there"),
        R::ClaimMalformed("exp" | "iat" | "nbf") => is(
            reading.instants().any(|at| at.as_u64().is_none_or(|at| at > OUR_HORIZON)),
            "RFC 7519 §2: instants are whole, and below 2^53",
        ),
        R::ClaimMalformed(_) => Some("RFC 9068 §2.2: claims of another type, or empty, say nothing"),
        R::ClaimUnexpected(name) => is(reading.claim(name).is_some(), "a user's token is not a client's"),
        R::SenderConstrained => is(reading.claim("cnf").is_some(), "RFC 7800 §3: a bound token is no Bearer token"),
        R::ClientAmbiguous => Some("client_id, azp and sub name one client"),
        R::Expired { expired_at, .. } => {
            is(expired_at + LEEWAY == NOW, "RFC 7519 §4.1.4: on or after the expiration time it is over")
        }
        _ => None,
    }
}

fn is_known_typ(typ: Option<&str>) -> bool {
    typ.is_some_and(|typ| ["at+jwt", "application/at+jwt", "jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known)))
}

/// The rule that jwt-simple keeps and we do not, if the token breaks it.
pub(crate) fn why_they_may_be_stricter(reading: &Reading) -> Option<&'static str> {
    let empty = Map::new();
    let header = reading.header.as_ref().and_then(Value::as_object).unwrap_or(&empty);
    let other_than_text = |name: &str| header.get(name).is_some_and(|value| !value.is_string() && !value.is_null());
    let ignored = ["cty", "jku", "jwk", "x5u", "x5t", "x5t#S256"].iter().any(|name| other_than_text(name));
    let chain = header.get("x5c").is_some_and(|chain| {
        !chain.is_null() && !chain.as_array().is_some_and(|chain| chain.iter().all(Value::is_string))
    });
    if ignored || chain {
        // RFC 8725 §3.10 has us not look at them; jwt-simple takes jwk for a text, which RFC 7515 §4.1.3 makes an object.
        return Some("header members that we ignore are of another type than jwt-simple gives them");
    }
    if header.contains_key("salt") {
        return Some("jwt-simple has a header member salt of its own");
    }
    let nonce = reading.claim("nonce").is_some_and(|nonce| !nonce.is_string() && !nonce.is_null());
    nonce.then_some("OpenID Connect's nonce, which access tokens do not have, is no text")
}
