//! Why may our verifier and jwt-simple differ? Each reason must be seen in the token itself. `fuzz/README.md` says who is right.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use tokenhouse_verifier::{JsonObjectError, TokenPart, VerifyError};

use crate::{LEEWAY, NOW};

/// From here on, not every JSON parser reads the same integer (RFC 8259 §6).
const OUR_HORIZON: u64 = 1 << 53;

/// Why one of the two accepts what the other refuses. Each is a row of the table in `fuzz/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    MemberTwice,
    HeaderIsAnArray,
    IgnoredMemberIsNoJson,
    EmptyCrit,
    UnencodedPayload,
    EncryptionMembers,
    NewNameOfEdDsa,
    Typ,
    ClaimMissing,
    ClaimMalformed,
    InstantNotWhole,
    BoundToAKey,
    TwoClients,
    ExpiresNow,
    /// From here on, it is jwt-simple that refuses.
    IgnoredHeaderMember,
    Nonce,
}

impl Reason {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 16] = [
        Self::MemberTwice,
        Self::HeaderIsAnArray,
        Self::IgnoredMemberIsNoJson,
        Self::EmptyCrit,
        Self::UnencodedPayload,
        Self::EncryptionMembers,
        Self::NewNameOfEdDsa,
        Self::Typ,
        Self::ClaimMissing,
        Self::ClaimMalformed,
        Self::InstantNotWhole,
        Self::BoundToAKey,
        Self::TwoClients,
        Self::ExpiresNow,
        Self::IgnoredHeaderMember,
        Self::Nonce,
    ];
}

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
}

/// The rule that we keep and jwt-simple does not, if that is what `refusal` is about.
pub(crate) fn why_we_may_be_stricter(refusal: &VerifyError, reading: &Reading) -> Option<Reason> {
    use VerifyError as R;
    let is = |holds: bool, reason| holds.then_some(reason);
    match refusal {
        R::NotAJsonObject { reason: JsonObjectError::DuplicateMember, .. } => Some(Reason::MemberTwice),
        R::NotAJsonObject { part: TokenPart::Header, reason: JsonObjectError::NotAnObject } => {
            is(reading.header.as_ref().is_some_and(Value::is_array), Reason::HeaderIsAnArray)
        }
        R::NotAJsonObject { reason: JsonObjectError::NotJson, part } => {
            let seen = if *part == TokenPart::Header { &reading.header } else { &reading.payload };
            is(seen.is_none(), Reason::IgnoredMemberIsNoJson)
        }
        R::CriticalHeader => {
            let empty = |crit: &Value| crit.is_null() || crit.as_array().is_some_and(Vec::is_empty);
            is(reading.header("crit").is_some_and(empty), Reason::EmptyCrit)
        }
        R::UnencodedPayload => is(reading.header("b64").is_some(), Reason::UnencodedPayload),
        R::Encrypted => is(reading.header("enc").or(reading.header("zip")).is_some(), Reason::EncryptionMembers),
        R::AlgorithmNotSupported => {
            is(reading.header("alg").is_some_and(|alg| alg == "Ed25519"), Reason::NewNameOfEdDsa)
        }
        R::TypNotAccepted { typ } => is(!is_known_typ(typ.as_deref()), Reason::Typ),
        R::ClaimMissing(name) => is(reading.claim(name).is_none(), Reason::ClaimMissing),
        R::ClaimMalformed(name @ ("exp" | "iat" | "nbf")) => {
            let whole = |at: &Value| at.as_u64().is_some_and(|at| at <= OUR_HORIZON);
            is(reading.claim(name).is_some_and(|at| !whole(at)), Reason::InstantNotWhole)
        }
        R::ClaimMalformed(name) => is(reading.claim(name).is_some(), Reason::ClaimMalformed),
        R::SenderConstrained => is(reading.claim("cnf").is_some(), Reason::BoundToAKey),
        R::ClientAmbiguous => Some(Reason::TwoClients),
        R::Expired { expired_at, .. } => is(expired_at + LEEWAY == NOW, Reason::ExpiresNow),
        _ => None,
    }
}

fn is_known_typ(typ: Option<&str>) -> bool {
    typ.is_some_and(|typ| ["at+jwt", "application/at+jwt", "jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known)))
}

/// The rule that jwt-simple keeps and we do not, if the token breaks it.
pub(crate) fn why_they_may_be_stricter(reading: &Reading) -> Option<Reason> {
    let empty = Map::new();
    let header = reading.header.as_ref().and_then(Value::as_object).unwrap_or(&empty);
    let other_than_text = |value: &Value| !value.is_string() && !value.is_null();
    let texts = ["cty", "jku", "jwk", "x5u", "x5t", "x5t#S256"];
    let no_text = texts.iter().any(|name| header.get(*name).is_some_and(other_than_text));
    let no_list = header.get("x5c").is_some_and(|chain| {
        !chain.is_null() && !chain.as_array().is_some_and(|chain| chain.iter().all(Value::is_string))
    });
    // Its own, and to be base64.
    if no_text || no_list || header.contains_key("salt") {
        return Some(Reason::IgnoredHeaderMember);
    }
    reading.claim("nonce").is_some_and(other_than_text).then_some(Reason::Nonce)
}
