//! Which claims does the payload hold, and has each its specified type? (RFC 7519 §4.1, RFC 9068 §2.2)

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::error::{TokenPart, VerifyError};
use crate::json_object::{JsonObject, JsonObjectError, build_json_object};
use crate::json_scan::{Scanned, ScannedObject};
use crate::scope::{ScopeSet, normalized};

/// Largest instant accepted, in Unix seconds: beyond it not every JSON parser reads the same integer (RFC 8259 §6).
const MAX_INSTANT: u64 = 1 << 53;

/// The claims that are judged, typed. Present means well-formed.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    iss: Span,
    /// The one member of `aud` that nearly all have: a single string is a list of one (RFC 7519 §4.1.3).
    first_aud: Span,
    other_auds: Vec<Span>,
    pub(crate) exp: u64,
    pub(crate) iat: Option<u64>,
    pub(crate) nbf: Option<u64>,
    sub: Option<Span>,
    jti: Option<Span>,
    client_id: Option<Span>,
    azp: Option<Span>,
    gty: Option<Span>,
    scope: Option<Span>,
    /// Is `scope` written as a string, rather than as an array or not at all?
    pub(crate) scope_is_text: bool,
    /// The payload, and behind it the strings that are written with escapes there, without them. A resource server keeps this
    /// for each token it has seen of late, so it is one piece.
    texts: String,
    payload_bytes: usize,
    all: OnceLock<JsonObject>,
}

/// Where a string stands in the texts.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: usize,
    to: usize,
}

impl Span {
    /// Where `part`, which is a part of `whole`, stands in it.
    fn within(whole: &str, part: &str) -> Self {
        let from = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
        Self { from, to: from + part.len() }
    }
}

impl Claims {
    /// Reads the decoded payload of a token whose signature is valid.
    pub(crate) fn parse(payload: Vec<u8>) -> Result<Self, VerifyError> {
        let wrong = |reason| VerifyError::NotAJsonObject { part: TokenPart::Payload, reason };
        let mut texts = String::from_utf8(payload).map_err(|_| wrong(JsonObjectError::NotJson))?;
        let payload_bytes = texts.len();
        let claims = ScannedObject::scan(&texts).map_err(wrong)?;
        // RFC 7800 §3: a token with `cnf` is worth nothing without a proof, and a Bearer request brings none
        // (CVE-2024-49755).
        if claims.get("cnf").is_some() {
            return Err(VerifyError::SenderConstrained);
        }
        let mut unescaped = String::new();
        let mut place = |text: &Cow<'_, str>| match text {
            Cow::Borrowed(text) => Span::within(&texts, text),
            Cow::Owned(text) => {
                let from = payload_bytes + unescaped.len();
                unescaped.push_str(text);
                Span { from, to: from + text.len() }
            }
        };
        let iss = place(string(&claims, "iss")?.ok_or(VerifyError::ClaimMissing("iss"))?);
        let (first_aud, other_auds) = audience(&claims)?;
        let first_aud = place(text_of(first_aud, "aud")?);
        let other_auds = other_auds.iter().map(|aud| text_of(aud, "aud").map(&mut place)).collect::<Result<_, _>>()?;
        let exp = instant(&claims, "exp")?.ok_or(VerifyError::ClaimMissing("exp"))?;
        let (iat, nbf) = (instant(&claims, "iat")?, instant(&claims, "nbf")?);
        let mut optional = |name| string(&claims, name).map(|text| text.map(&mut place));
        let (sub, jti) = (optional("sub")?, optional("jti")?);
        let (client_id, azp, gty) = (optional("client_id")?, optional("azp")?, optional("gty")?);
        let scope = claims.get("scope");
        let scope_is_text = matches!(scope, Some(Scanned::Text(_)));
        let scope = scope.map(normalized).transpose()?.filter(|scope| !scope.is_empty()).map(|scope| place(&scope));
        // As long as it must be: it is kept.
        texts.reserve_exact(unescaped.len());
        texts.push_str(&unescaped);
        Ok(Self {
            iss,
            first_aud,
            other_auds,
            exp,
            iat,
            nbf,
            sub,
            jti,
            client_id,
            azp,
            gty,
            scope,
            scope_is_text,
            texts,
            payload_bytes,
            all: OnceLock::new(),
        })
    }

    /// Everyone the token is for.
    pub(crate) fn aud(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first_aud).chain(&self.other_auds).map(|at| self.text(*at))
    }

    /// The values of `scope`.
    pub(crate) fn scope(&self) -> ScopeSet<'_> {
        ScopeSet::of_normalized(self.scope.map(|at| self.text(at)).unwrap_or_default())
    }

    pub(crate) fn iss(&self) -> &str {
        self.text(self.iss)
    }

    pub(crate) fn sub(&self) -> Option<&str> {
        self.sub.map(|at| self.text(at))
    }

    pub(crate) fn jti(&self) -> Option<&str> {
        self.jti.map(|at| self.text(at))
    }

    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client_id.map(|at| self.text(at))
    }

    pub(crate) fn azp(&self) -> Option<&str> {
        self.azp.map(|at| self.text(at))
    }

    pub(crate) fn gty(&self) -> Option<&str> {
        self.gty.map(|at| self.text(at))
    }

    fn text(&self, at: Span) -> &str {
        // Spans are made together with the texts.
        self.texts.get(at.from..at.to).unwrap_or_default()
    }

    /// Every claim as it came: built when it is asked for, which most resource servers never do.
    pub(crate) fn all(&self) -> &JsonObject {
        // It was scanned before: there is nothing that could fail.
        let payload = self.texts.get(..self.payload_bytes).unwrap_or_default();
        self.all.get_or_init(|| build_json_object(payload).unwrap_or_default())
    }
}

/// A claim that must be a string with something in it, where it is present.
fn string<'c, 'p>(claims: &'c ScannedObject<'p>, name: &'static str) -> Result<Option<&'c Cow<'p, str>>, VerifyError> {
    claims.get(name).map(|value| text_of(value, name)).transpose()
}

/// The string with something in it that the claim called `name` has as its value, or as a part of it.
fn text_of<'c, 'p>(value: &'c Scanned<'p>, name: &'static str) -> Result<&'c Cow<'p, str>, VerifyError> {
    match value {
        Scanned::Text(text) if !text.is_empty() => Ok(text),
        _ => Err(VerifyError::ClaimMalformed(name)),
    }
}

/// A `NumericDate` (RFC 7519 §2), as every issuer of access tokens writes it: a whole number of seconds, no fraction or
/// exponent.
fn instant(claims: &ScannedObject<'_>, name: &'static str) -> Result<Option<u64>, VerifyError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Scanned::Whole(seconds)) if *seconds <= MAX_INSTANT => Ok(Some(*seconds)),
        Some(_) => Err(VerifyError::ClaimMalformed(name)),
    }
}

/// `aud`: a string, or an array of strings with at least one (RFC 7519 §4.1.3); the first, and the others.
fn audience<'c, 'p>(claims: &'c ScannedObject<'p>) -> Result<(&'c Scanned<'p>, &'c [Scanned<'p>]), VerifyError> {
    match claims.get("aud") {
        None => Err(VerifyError::ClaimMissing("aud")),
        Some(Scanned::List(members)) => members.split_first().ok_or(VerifyError::ClaimMalformed("aud")),
        Some(single) => Ok((single, &[])),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(name: &str, value: &str) -> Result<Claims, VerifyError> {
        let mut claims = json!({"iss": "i", "aud": "a", "exp": 10});
        let text = format!(r#"{{"{name}":{value}}}"#);
        let Value::Object(changed) = serde_json::from_str(&text).unwrap() else { unreachable!() };
        claims.as_object_mut().unwrap().extend(changed);
        Claims::parse(claims.to_string().into_bytes())
    }

    #[test]
    fn well_formed_claims_are_typed() {
        let claims = Claims::parse(
            br#"{"iss":"i","aud":["a","b"],"exp":10,"iat":1,"nbf":2,"sub":"s","jti":"j","client_id":"c","azp":"z","scope":"x y","n":{}}"#
                .to_vec(),
        )
        .unwrap();
        assert_eq!((claims.iss(), claims.exp, claims.iat, claims.nbf), ("i", 10, Some(1), Some(2)));
        assert_eq!(claims.aud().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((claims.sub(), claims.jti()), (Some("s"), Some("j")));
        assert_eq!((claims.client_id(), claims.azp()), (Some("c"), Some("z")));
        assert_eq!(claims.gty(), None);
        assert_eq!(claims.scope().as_str(), "x y");
        assert!(claims.all().contains_key("n"));
    }

    #[test]
    fn instants_are_whole_numbers_of_seconds_within_bounds() {
        for name in ["exp", "iat", "nbf"] {
            for value in
                ["1.5", "10.0", "1e3", "-1", "-0", "\"10\"", "null", "true", "[10]", "{}", "9007199254740993", "1e30"]
            {
                let refusal = with(name, value).unwrap_err();
                assert!(
                    matches!(refusal, VerifyError::ClaimMalformed(found) if found == name),
                    "{name} {value}: {refusal}"
                );
            }
            assert!(with(name, "9007199254740992").is_ok());
        }
        assert!(Claims::parse(br#"{"iss":"i","aud":"a","exp":1e400}"#.to_vec()).is_err());
        assert!(Claims::parse(br#"{"iss":"i","aud":"a","exp":18446744073709551616}"#.to_vec()).is_err());
    }

    #[test]
    fn what_is_written_with_escapes_is_read_without() {
        let payload = r#"{"iss":"i\u0069","aud":["a","\u0062\n"],"exp":10,"sub":"\u00e9","jti":"plain","client_id":"\"c","x":"\u0078"}"#;
        let claims = Claims::parse(payload.into()).unwrap();
        assert_eq!((claims.iss(), claims.sub(), claims.jti()), ("ii", Some("\u{e9}"), Some("plain")));
        assert_eq!((claims.client_id(), claims.azp()), (Some("\"c"), None));
        assert_eq!(claims.aud().collect::<Vec<_>>(), ["a", "b\n"]);
        let array = r#"{"iss":"i","aud":"a","exp":10,"azp":"\u007a","scope":["x","y","x"],"gty":"\u0067ty"}"#;
        let several = Claims::parse(array.into()).unwrap();
        assert_eq!((several.azp(), several.scope().as_str(), several.gty()), (Some("z"), "x y", Some("gty")));
        let text = r#"{"iss":"i","aud":"a","exp":10,"jti":"\u006a","scope":"x\u0079 z"}"#;
        let one = Claims::parse(text.into()).unwrap();
        assert_eq!((one.jti(), one.scope().as_str()), (Some("j"), "xy z"));
        assert_eq!(
            serde_json::Value::Object(claims.all().clone()),
            serde_json::from_str::<serde_json::Value>(payload).unwrap()
        );
    }

    #[test]
    fn a_payload_that_is_no_utf_8_is_no_json() {
        let wrong = Claims::parse(b"{\"iss\":\"i\",\"aud\":\"a\",\"exp\":1,\"x\":\"\xff\"}".to_vec()).unwrap_err();
        assert_eq!(wrong, VerifyError::NotAJsonObject { part: TokenPart::Payload, reason: JsonObjectError::NotJson });
    }

    #[test]
    fn an_audience_is_a_string_or_an_array_of_strings() {
        for value in
            ["1", "null", "{}", "[]", "[1]", r#"["a",1]"#, r#"["a",null]"#, r#"[["a"]]"#, r#""""#, r#"["a",""]"#]
        {
            assert_eq!(with("aud", value).unwrap_err(), VerifyError::ClaimMalformed("aud"), "{value}");
        }
    }

    #[test]
    fn names_are_strings_with_something_in_them() {
        for name in ["iss", "sub", "jti", "client_id", "azp", "gty"] {
            for value in [r#""""#, "1", "null", r#"["i","evil"]"#, "{}"] {
                assert!(matches!(with(name, value).unwrap_err(), VerifyError::ClaimMalformed(found) if found == name));
            }
        }
    }

    #[test]
    fn what_every_dialect_requires_is_required() {
        for (payload, missing) in
            [(r#"{"aud":"a","exp":1}"#, "iss"), (r#"{"iss":"i","exp":1}"#, "aud"), (r#"{"iss":"i","aud":"a"}"#, "exp")]
        {
            assert_eq!(Claims::parse(payload.into()).unwrap_err(), VerifyError::ClaimMissing(missing));
        }
        assert_eq!(with("cnf", r#"{"jkt":"x"}"#).unwrap_err(), VerifyError::SenderConstrained);
        assert_eq!(with("cnf", "null").unwrap_err(), VerifyError::SenderConstrained);
    }
}
