//! Which assertions are taken, and which hostile ones are not?

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::keys::{PublicKey, PublicParameters};

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://id.example.com/";

fn pair() -> Ed25519KeyPair {
    // RFC 8037 §A.1
    let seed = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

fn key() -> VerificationKey {
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair().public_key().as_ref());
    let parameters = PublicParameters::Okp { crv: "Ed25519".to_owned(), x };
    PublicKey::new(parameters, None).unwrap().verification_key("k").unwrap()
}

/// A JWS of these texts, signed with [`pair`] whatever they say.
fn jws(header: &str, payload: &str) -> String {
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let signature = encode(pair().sign(input.as_bytes()).as_ref());
    format!("{input}.{signature}")
}

/// `base` with the members of `changes`; `null` takes one away.
fn changed(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

#[expect(clippy::needless_pass_by_value, reason = "each is made for the one call")]
fn assertion(header: Value, claims: Value) -> String {
    let good_header = json!({"alg": "EdDSA", "kid": "k", "typ": "JWT"});
    let good_claims = json!({
        "iss": "partner-a", "sub": "partner-a", "aud": ISSUER, "jti": "one", "iat": NOW, "exp": NOW + 60
    });
    jws(&changed(good_header, &header).to_string(), &changed(good_claims, &claims).to_string())
}

fn rules(strict: bool) -> AssertionRules {
    AssertionRules::new(&Issuer::new(ISSUER), strict, 3600, 30)
}

fn judge_by(rules: &AssertionRules, text: &str) -> Result<AcceptedAssertion, AssertionRefusal> {
    let unverified = UnverifiedAssertion::parse(text)?;
    let verified = unverified.verify([&key()])?;
    verified.validate(rules, &"partner-a".parse().unwrap(), UnixMillis(NOW * 1000 + 999))
}

fn judge(text: &str) -> Result<AcceptedAssertion, AssertionRefusal> {
    judge_by(&rules(false), text)
}

#[test]
fn a_good_assertion_is_taken_and_remembered_beyond_its_end() {
    let text = assertion(json!({}), json!({}));
    let unverified = UnverifiedAssertion::parse(&text).ok().unwrap();
    assert_eq!((unverified.claimed_client_id(), unverified.kid()), ("partner-a", Some("k")));
    assert_eq!(unverified.algorithm(), Algorithm::EdDsa);
    let remember_until = UnixMillis((NOW + 60 + 30 + 60) * 1000);
    assert_eq!(judge(&text), Ok(AcceptedAssertion { jti: "one".to_owned(), remember_until }));
}

/// What the libraries of auth0-compatibility.md send, and what is within the tolerance.
#[rstest]
#[case::no_kid(json!({"kid": null}), json!({}))]
#[case::no_typ(json!({"typ": null}), json!({}))]
#[case::lower_case_typ(json!({"typ": "jwt"}), json!({}))]
#[case::explicit_typ(json!({"typ": "client-authentication+jwt"}), json!({}))]
#[case::full_typ(json!({"typ": "application/client-authentication+JWT"}), json!({}))]
#[case::issuer_without_slash(json!({}), json!({"aud": "https://id.example.com"}))]
#[case::token_endpoint(json!({}), json!({"aud": "https://id.example.com/oauth/token"}))]
#[case::alias(json!({}), json!({"aud": "https://id.example.com/connect/token"}))]
#[case::array_of_one(json!({}), json!({"aud": [ISSUER]}))]
#[case::authlib(json!({"kid": null}), json!({"aud": "https://id.example.com/oauth/token", "exp": NOW + 3600}))]
#[case::openid_client(json!({}), json!({"nbf": NOW}))]
#[case::no_iat(json!({}), json!({"iat": null, "exp": NOW + 3600}))]
#[case::no_iat_and_a_clock_ahead(json!({}), json!({"iat": null, "exp": NOW + 3630}))]
#[case::clock_ahead(json!({}), json!({"iat": NOW + 30, "nbf": NOW + 30}))]
#[case::longest_name(json!({}), json!({"jti": "x".repeat(256)}))]
#[case::long(json!({}), json!({"note": "x".repeat(5_500)}))]
#[case::clock_behind(json!({}), json!({"iat": NOW - 80, "exp": NOW - 29}))]
#[case::other_claims(json!({"jku": "https://evil.example/", "x5c": []}), json!({"foo": {"bar": []}, "cnf": {}}))]
fn what_libraries_send_is_taken(#[case] header: Value, #[case] claims: Value) {
    assert!(judge(&assertion(header.clone(), claims.clone())).is_ok(), "{header} {claims}");
}

#[rstest]
#[case::nobody(json!({"iss": "partner-b"}), AssertionRefusal::IssuerNotSubject)]
#[case::somebody_else(json!({"iss": "partner-b", "sub": "partner-b"}), AssertionRefusal::IssuerNotSubject)]
#[case::no_issuer(json!({"iss": null}), AssertionRefusal::ClaimMissing("iss"))]
#[case::issuer_list(json!({"iss": ["partner-a", "evil"]}), AssertionRefusal::ClaimMalformed("iss"))]
#[case::no_subject(json!({"sub": null}), AssertionRefusal::ClaimMissing("sub"))]
#[case::empty_subject(json!({"sub": ""}), AssertionRefusal::ClaimMalformed("sub"))]
#[case::subject_list(json!({"sub": ["partner-a"]}), AssertionRefusal::ClaimMalformed("sub"))]
#[case::no_audience(json!({"aud": null}), AssertionRefusal::ClaimMissing("aud"))]
#[case::other_audience(json!({"aud": "https://evil.example/"}), AssertionRefusal::WrongAudience)]
#[case::prefix(json!({"aud": "https://id.example.com/oauth"}), AssertionRefusal::WrongAudience)]
#[case::two_slashes(json!({"aud": "https://id.example.com//"}), AssertionRefusal::WrongAudience)]
#[case::other_case(json!({"aud": "https://ID.example.com/"}), AssertionRefusal::WrongAudience)]
#[case::two_audiences(json!({"aud": [ISSUER, "https://evil.example/"]}), AssertionRefusal::WrongAudience)]
#[case::twice_the_same(json!({"aud": [ISSUER, ISSUER]}), AssertionRefusal::WrongAudience)]
#[case::empty_list(json!({"aud": []}), AssertionRefusal::WrongAudience)]
#[case::nested_list(json!({"aud": [[ISSUER]]}), AssertionRefusal::WrongAudience)]
#[case::audience_object(json!({"aud": {"x": ISSUER}}), AssertionRefusal::WrongAudience)]
#[case::audience_number(json!({"aud": 1}), AssertionRefusal::WrongAudience)]
#[case::no_end(json!({"exp": null}), AssertionRefusal::ClaimMissing("exp"))]
#[case::over(json!({"exp": NOW - 30, "iat": NOW - 100}), AssertionRefusal::Expired(30))]
#[case::end_as_text(json!({"exp": "1700000060"}), AssertionRefusal::ClaimMalformed("exp"))]
#[case::end_as_fraction(json!({"exp": 1_700_000_060.5}), AssertionRefusal::ClaimMalformed("exp"))]
#[case::negative_end(json!({"exp": -1}), AssertionRefusal::ClaimMalformed("exp"))]
#[case::huge_end(json!({"exp": u64::MAX}), AssertionRefusal::ClaimMalformed("exp"))]
#[case::end_beyond_2_53(json!({"exp": 9_007_199_254_740_993_i64}), AssertionRefusal::ClaimMalformed("exp"))]
#[case::end_as_list(json!({"exp": [NOW + 60]}), AssertionRefusal::ClaimMalformed("exp"))]
#[case::far_end(json!({"exp": NOW + 3601}), AssertionRefusal::LivesTooLong)]
#[case::far_end_without_start(json!({"iat": null, "exp": NOW + 3631}), AssertionRefusal::LivesTooLong)]
#[case::old_start(json!({"iat": 1, "exp": NOW + 60}), AssertionRefusal::LivesTooLong)]
#[case::start_in_the_future(json!({"iat": NOW + 31}), AssertionRefusal::NotYetValid(31))]
#[case::not_before_the_future(json!({"nbf": NOW + 31}), AssertionRefusal::NotYetValid(31))]
#[case::start_as_text(json!({"iat": "now"}), AssertionRefusal::ClaimMalformed("iat"))]
#[case::not_before_as_bool(json!({"nbf": true}), AssertionRefusal::ClaimMalformed("nbf"))]
#[case::no_name(json!({"jti": null}), AssertionRefusal::ClaimMissing("jti"))]
#[case::empty_name(json!({"jti": ""}), AssertionRefusal::ClaimMalformed("jti"))]
#[case::name_as_number(json!({"jti": 1}), AssertionRefusal::ClaimMalformed("jti"))]
#[case::long_name(json!({"jti": "x".repeat(257)}), AssertionRefusal::ClaimMalformed("jti"))]
fn wrong_claims_are_refused(#[case] claims: Value, #[case] expected: AssertionRefusal) {
    assert_eq!(judge(&assertion(json!({}), claims)), Err(expected));
}

#[rstest]
#[case::none(json!({"alg": "none"}), AssertionRefusal::Unreadable(VerifyError::AlgorithmNotSupported))]
#[case::none_in_capitals(json!({"alg": "NONE"}), AssertionRefusal::Unreadable(VerifyError::AlgorithmNotSupported))]
#[case::empty_alg(json!({"alg": ""}), AssertionRefusal::Unreadable(VerifyError::AlgorithmNotSupported))]
#[case::no_alg(json!({"alg": null}), AssertionRefusal::Unreadable(VerifyError::AlgorithmNotSupported))]
#[case::alg_list(json!({"alg": ["EdDSA"]}), AssertionRefusal::Unreadable(VerifyError::AlgorithmNotSupported))]
#[case::hmac(json!({"alg": "HS256"}), AssertionRefusal::Unreadable(VerifyError::AlgorithmNotSupported))]
#[case::of_another_key(json!({"alg": "ES256"}), AssertionRefusal::WrongSignature)]
#[case::critical(json!({"crit": ["exp"]}), AssertionRefusal::Unreadable(VerifyError::CriticalHeader))]
#[case::empty_crit(json!({"crit": []}), AssertionRefusal::Unreadable(VerifyError::CriticalHeader))]
#[case::unencoded(json!({"b64": false}), AssertionRefusal::Unreadable(VerifyError::UnencodedPayload))]
#[case::zipped(json!({"zip": "DEF"}), AssertionRefusal::Unreadable(VerifyError::Encrypted))]
#[case::kid_number(json!({"kid": 1}), AssertionRefusal::Unreadable(VerifyError::KidMalformed))]
#[case::long_kid(json!({"kid": "k".repeat(129)}), AssertionRefusal::Unreadable(VerifyError::KidMalformed))]
#[case::access_token(json!({"typ": "at+jwt"}), AssertionRefusal::WrongType)]
#[case::proof(json!({"typ": "dpop+jwt"}), AssertionRefusal::WrongType)]
#[case::logout(json!({"typ": "logout+jwt"}), AssertionRefusal::WrongType)]
#[case::jose(json!({"typ": "JOSE"}), AssertionRefusal::WrongType)]
fn wrong_headers_are_refused(#[case] header: Value, #[case] expected: AssertionRefusal) {
    assert_eq!(judge(&assertion(header, json!({}))), Err(expected));
}

#[test]
fn members_given_twice_are_refused() {
    let claims = format!(
        r#"{{"iss":"partner-a","sub":"partner-a","aud":"{ISSUER}","jti":"one","exp":{},"sub":"partner-b"}}"#,
        NOW + 60
    );
    let twice = AssertionRefusal::Payload(JsonObjectError::DuplicateMember);
    assert_eq!(judge(&jws(r#"{"alg":"EdDSA"}"#, &claims)), Err(twice));
    let header = judge(&jws(r#"{"alg":"EdDSA","alg":"none"}"#, "{}"));
    assert!(matches!(header, Err(AssertionRefusal::Unreadable(VerifyError::NotAJsonObject { .. }))), "{header:?}");
    for payload in ["[]", "null", "\"x\"", "{} {}", "", "\u{feff}{}"] {
        assert!(judge(&jws(r#"{"alg":"EdDSA"}"#, payload)).is_err(), "{payload}");
    }
}

#[test]
fn no_other_spelling_of_a_signature_is_taken() {
    let text = assertion(json!({}), json!({}));
    let (input, signature) = text.rsplit_once('.').unwrap();
    let mut octets = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    octets[0] ^= 1;
    let flipped = BASE64_URL_SAFE_NO_PAD.encode(&octets);
    assert_eq!(judge(&format!("{input}.{flipped}")), Err(AssertionRefusal::WrongSignature));
    for wrong in [
        format!("{input}."),
        format!("{input}.{signature}="),
        format!("{input}.{signature}.{signature}"),
        format!(" {text}"),
        format!("{text}\n"),
        input.to_owned(),
        String::new(),
        "x".repeat(MAX_ASSERTION_BYTES + 1),
        ".".repeat(MAX_ASSERTION_BYTES),
    ] {
        assert!(matches!(judge(&wrong), Err(AssertionRefusal::Unreadable(_))), "{wrong}");
    }
}

#[test]
fn the_strict_rules_are_those_of_rfc7523bis() {
    let explicit = json!({"typ": "client-authentication+jwt"});
    let judge = |header: &Value, claims: Value| judge_by(&rules(true), &assertion(header.clone(), claims));
    assert!(judge(&explicit, json!({"exp": NOW + 300})).is_ok());
    assert_eq!(judge(&explicit, json!({"exp": NOW + 301})), Err(AssertionRefusal::LivesTooLong));
    for header in [json!({}), json!({"typ": null})] {
        assert_eq!(judge(&header, json!({})), Err(AssertionRefusal::WrongType));
    }
    for aud in [
        json!("https://id.example.com"),
        json!("https://id.example.com/oauth/token"),
        json!("https://id.example.com/connect/token"),
        json!([ISSUER]),
    ] {
        assert_eq!(judge(&explicit, json!({"aud": aud})), Err(AssertionRefusal::WrongAudience));
    }
}

#[test]
fn an_issuer_with_a_path_and_without_a_slash_has_both_spellings() {
    let rules = AssertionRules::new(&Issuer::new("https://example.com/auth"), false, 3600, 30);
    for aud in ["https://example.com/auth", "https://example.com/auth/", "https://example.com/auth/oauth/token"] {
        assert!(judge_by(&rules, &assertion(json!({}), json!({"aud": aud}))).is_ok(), "{aud}");
    }
    for aud in ["https://example.com/", "https://example.com/oauth/token", "https://example.com/auth//"] {
        let refused = judge_by(&rules, &assertion(json!({}), json!({"aud": aud})));
        assert_eq!(refused, Err(AssertionRefusal::WrongAudience), "{aud}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..7)) {
        let _ = judge(&text);
        let _ = judge(&parts.join("."));
    }

    #[test]
    fn no_signed_claims_panic(header in "\\PC{0,60}", payload in "\\PC{0,120}", exp in any::<i64>(), iat in any::<i64>()) {
        let _ = judge(&jws(&header, &payload));
        let _ = judge(&jws(r#"{"alg":"EdDSA"}"#, &payload));
        let _ = judge(&assertion(json!({}), json!({"exp": exp, "iat": iat, "nbf": exp})));
    }

    #[test]
    fn what_was_signed_cannot_be_changed(at in 0..200_usize, bit in 0..8_u8) {
        let mut text = assertion(json!({}), json!({})).into_bytes();
        let at = at % text.len();
        text[at] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(text) {
            prop_assert!(judge(&text).is_err());
        }
    }
}
