//! What does a token say? Each part of it in words. Nothing of it is believed: that is judged elsewhere.

use serde_json::Value;
use tokenhouse_verifier::DEFAULT_MAX_TOKEN_BYTES;
use tokenhouse_verifier::jws::{CompactJws, JsonObject, parse_json_object};

use crate::clock::UnixMillis;
use crate::http::console::time::Instant;

/// A token, taken apart.
pub(super) struct Told {
    pub(super) header: Vec<Member>,
    pub(super) claims: Vec<Member>,
    audiences: Vec<String>,
}

/// One member of its header, or one claim.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) value: String,
    /// The moment that it stands for.
    pub(super) at: Option<Instant>,
    pub(super) meaning: &'static str,
}

impl Member {
    /// Does its name fit into one line of a narrow column?
    pub(super) fn is_short(&self) -> bool {
        self.name.len() <= 16
    }
}

impl Told {
    /// What `token` says, if it is a JWT at all.
    pub(super) fn of(token: &str, now: UnixMillis) -> Option<Self> {
        let jws = CompactJws::parse(token, DEFAULT_MAX_TOKEN_BYTES).ok()?;
        let (header, claims) = (parse_json_object(&jws.header).ok()?, parse_json_object(&jws.payload).ok()?);
        Some(Self {
            audiences: texts(claims.get("aud")),
            header: members(header, now, meaning_in_header),
            claims: members(claims, now, meaning_of_claim),
        })
    }

    /// Whom it says it is for.
    pub(super) fn audiences(&self) -> Vec<&str> {
        self.audiences.iter().map(String::as_str).collect()
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn members(object: JsonObject, now: UnixMillis, meaning: fn(&str) -> &'static str) -> Vec<Member> {
    let member = |(name, value): (String, Value)| Member {
        at: moment(&name, &value).map(|at| Instant::near(at, now)),
        value: match value {
            Value::String(text) => text,
            other => other.to_string(),
        },
        meaning: meaning(&name),
        name,
    };
    object.into_iter().map(member).collect()
}

/// The moment that a claim stands for (RFC 7519 §2, `NumericDate`).
fn moment(name: &str, value: &Value) -> Option<UnixMillis> {
    let seconds = value.as_i64().filter(|_| matches!(name, "exp" | "iat" | "nbf" | "auth_time"))?;
    seconds.checked_mul(1_000).map(UnixMillis)
}

fn meaning_in_header(name: &str) -> &'static str {
    match name {
        "alg" => "How it is signed.",
        "kid" => "With which key of the JWK Set it is signed.",
        "typ" => "What kind of JWT it is. Access tokens have at+jwt, or JWT in Auth0's form.",
        _ => "Not a member that tokens of this server have.",
    }
}

fn meaning_of_claim(name: &str) -> &'static str {
    match name {
        "iss" => "Who issued it. An API takes only tokens of the issuer that it trusts.",
        "sub" => "Who it is about: the client itself.",
        "aud" => "For which API it is. No other takes it.",
        "exp" => "When it expires.",
        "iat" => "When it was issued.",
        "nbf" => "From when it is good.",
        "jti" => "Its own id, which no other token has. The server's log names it.",
        "client_id" | "azp" => "To which client it was issued.",
        "gty" => "By which grant it was issued.",
        "scope" => "What it allows. An API looks here before it does something.",
        "permissions" => "The same as scope, as a list.",
        _ if name.starts_with("client_") => "A claim of your client, which whoever runs this server has set.",
        _ => "Not a claim that this server writes.",
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(header), part(claims), part("signature"))
    }

    #[test]
    fn every_member_is_told_with_its_value() {
        let token =
            token(r#"{"alg":"RS256","kid":"k"}"#, r#"{"aud":["a","b"],"exp":60,"scope":"<b>","client_tier":{"x":1}}"#);
        let told = Told::of(&token, UnixMillis(0)).unwrap();
        assert_eq!(told.audiences(), ["a", "b"]);
        let of = |name: &str| told.claims.iter().find(|member| member.name == name).unwrap();
        assert_eq!(of("exp").at.as_ref().unwrap().words, "in 1 minute");
        assert_eq!((of("scope").value.as_str(), of("client_tier").value.as_str()), ("<b>", r#"{"x":1}"#));
        assert!(of("client_tier").meaning.starts_with("A claim of your client"));
        assert_eq!(told.header.len(), 2);
    }

    #[test]
    fn what_is_no_jwt_tells_nothing_and_no_time_is_too_far() {
        for no_token in ["", "a.b.c", "ths_x", &token("[]", "{}"), &token("{}", r#"{"a":1,"a":2}"#)] {
            assert!(Told::of(no_token, UnixMillis(0)).is_none(), "{no_token}");
        }
        let far = token("{}", &format!(r#"{{"exp":{},"iat":"x"}}"#, i64::MAX));
        assert!(Told::of(&far, UnixMillis(0)).unwrap().claims.iter().all(|member| member.at.is_none()));
    }
}
