//! Is every hostile token refused, and for its own reason? (RFC 8725 §2 and §3, RFC 9068 §4)

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tokenhouse_verifier::{
    AccessTokenDialect, Algorithm, JsonObjectError, JwkSet, SubjectRule, TokenPart, Verifier, VerifyError,
};

use crate::issuer::{
    AUDIENCE, ISSUER, NOW, b64, changed, claims, header, key_set, rsa_der, rsa_jwk, sign, sign_texts, token, verifier,
};

fn refusal(token: &str) -> VerifyError {
    match verifier().verify(token, &key_set(), NOW) {
        Err(refusal) => refusal,
        Ok(_) => panic!("accepted {token}"),
    }
}

fn at(claim_changes: Value, now: u64) -> Result<(), VerifyError> {
    verifier().verify(&token(json!({}), claim_changes), &key_set(), now).map(drop)
}

#[test]
fn a_right_token_is_accepted_with_each_algorithm() {
    for (alg, kid) in [("RS256", "rs"), ("PS256", "ps"), ("ES256", "es"), ("EdDSA", "ed")] {
        let token = token(json!({"alg": alg, "kid": kid}), json!({"extra": {"n": [1]}}));
        let token = verifier().verify(&token, &key_set(), NOW).unwrap();
        assert_eq!((token.client(), token.issued_at(), token.expires_at()), ("partner", NOW, NOW + 600));
        assert_eq!((token.jti(), token.audience().collect::<Vec<_>>()), (Some("j-1"), vec![AUDIENCE]));
        assert!(token.has_scope("list:users") && !token.has_scope("list"));
        assert_eq!(token.scope().to_string(), "list:users create:users");
        assert_eq!(token.claims()["extra"], json!({"n": [1]}));
        assert_eq!(token.dialect(), AccessTokenDialect::Rfc9068);
    }
}

#[test]
fn alg_none_in_any_spelling_is_refused_with_and_without_a_signature() {
    for alg in ["none", "None", "NONE", "nOnE", "", "null"] {
        let header = changed(header(), json!({"alg": alg})).to_string();
        let signed = sign_texts("RS256", &header, claims().to_string());
        assert_eq!(refusal(&signed), VerifyError::AlgorithmNotSupported, "{alg}");
        let unsigned = format!("{}.{}.", b64(&header), b64(claims().to_string()));
        assert_eq!(refusal(&unsigned), VerifyError::NotBase64Url(TokenPart::Signature), "{alg}");
    }
    for alg in [json!(["RS256"]), json!(256), json!({"alg": "RS256"}), json!(true)] {
        assert_eq!(refusal(&token(json!({"alg": alg}), json!({}))), VerifyError::AlgorithmNotSupported);
    }
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let jwk = rsa_jwk("rs", "RS256");
    let spellings =
        [rsa_der(), b64(rsa_der()).into_bytes(), jwk.to_string().into_bytes(), jwk["n"].to_string().into_bytes()];
    for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        for secret in &spellings {
            let input =
                format!("{}.{}", b64(changed(header(), json!({"alg": alg})).to_string()), b64(claims().to_string()));
            let tag = hmac::sign(&hmac::Key::new(algorithm, secret), input.as_bytes());
            assert_eq!(refusal(&format!("{input}.{}", b64(tag))), VerifyError::AlgorithmNotSupported);
        }
    }
}

#[test]
fn a_key_serves_its_own_algorithm_only() {
    for (alg, kid, key) in [
        ("PS256", "rs", Algorithm::Rs256),
        ("RS256", "ps", Algorithm::Ps256),
        ("RS384", "rs", Algorithm::Rs256),
        ("ES256", "rs", Algorithm::Rs256),
        ("RS256", "es", Algorithm::Es256),
        ("RS256", "ed", Algorithm::EdDsa),
    ] {
        let expected = VerifyError::AlgorithmMismatch { token: Algorithm::from_name(alg).unwrap(), key };
        assert_eq!(refusal(&token(json!({"alg": alg, "kid": kid}), json!({}))), expected);
    }
    for alg in ["RS512", "ES384", "ES256K", "Ed25519", "rs256", "RS256\u{0}"] {
        assert_eq!(refusal(&token(json!({"alg": alg}), json!({}))), VerifyError::AlgorithmNotSupported);
    }
}

#[test]
fn kid_is_a_name_and_nothing_else() {
    for kid in ["../../../../dev/null", "' OR 1=1 --", "https://evil.example/key", "rs\u{0}", "RS", " rs"] {
        assert_eq!(refusal(&token(json!({"kid": kid}), json!({}))), VerifyError::UnknownKey { kid: kid.to_owned() });
    }
    for kid in [json!(1), json!(["rs"]), json!({}), json!(""), json!("k".repeat(129))] {
        assert_eq!(refusal(&token(json!({"kid": kid}), json!({}))), VerifyError::KidMalformed);
    }
    assert_eq!(refusal(&token(json!({"kid": null}), json!({}))), VerifyError::KidMissing);
    let huge = token(json!({"kid": "k".repeat(20_000)}), json!({}));
    assert_eq!(refusal(&huge), VerifyError::TokenTooLong { max_bytes: 8192 });
}

#[test]
fn a_token_does_not_bring_its_own_key() {
    for changes in [
        json!({"jwk": rsa_jwk("rs", "RS256")}),
        json!({"jku": "https://127.0.0.1:1/"}),
        json!({"x5u": "http://127.0.0.1:1/", "x5c": ["AA"]}),
    ] {
        assert!(verifier().verify(&token(changes.clone(), json!({})), &key_set(), NOW).is_ok(), "ignored");
        let unknown = token(changed(changes, json!({"kid": "mine"})), json!({}));
        assert_eq!(refusal(&unknown), VerifyError::UnknownKey { kid: "mine".to_owned() });
    }
}

#[test]
fn extensions_are_refused() {
    for crit in [json!([]), json!(["bork"]), json!(["alg"]), json!(["b64"]), json!("b64"), json!({}), json!(0)] {
        assert_eq!(refusal(&token(json!({"crit": crit}), json!({}))), VerifyError::CriticalHeader);
    }
    for b64 in [json!(true), json!(false)] {
        assert_eq!(refusal(&token(json!({"b64": b64}), json!({}))), VerifyError::UnencodedPayload);
    }
    for changes in [json!({"zip": "DEF"}), json!({"enc": "A256GCM"})] {
        assert_eq!(refusal(&token(changes, json!({}))), VerifyError::Encrypted);
    }
}

#[test]
fn duplicate_members_are_refused_wherever_they_stand() {
    let duplicate = |part| VerifyError::NotAJsonObject { part, reason: JsonObjectError::DuplicateMember };
    let good = claims().to_string();
    for member in [r#""alg":"RS256""#, r#""kid":"rs""#, r#""typ":"at+jwt""#, r#""x":{"a":1,"a":2}"#] {
        let header = header().to_string().replacen('{', &format!("{{{member},"), 1);
        if member.starts_with("\"x\"") || header.matches(member).count() == 2 {
            assert_eq!(refusal(&sign_texts("RS256", &header, &good)), duplicate(TokenPart::Header), "{header}");
        } else {
            panic!("no duplicate in {header}");
        }
    }
    for member in
        [r#""iss":"x""#, r#""exp":9"#, r#""scope":"delete:users""#, r#""x":[{"a":1,"a":1}]"#, r#""\u0061ud":"x""#]
    {
        let payload = good.replacen('{', &format!("{{{member},"), 1);
        assert_eq!(
            refusal(&sign_texts("RS256", header().to_string(), &payload)),
            duplicate(TokenPart::Payload),
            "{payload}"
        );
    }
}

#[test]
fn the_parts_are_one_json_object_each() {
    let good = claims().to_string();
    let not_json = |part| VerifyError::NotAJsonObject { part, reason: JsonObjectError::NotJson };
    let not_object = |part| VerifyError::NotAJsonObject { part, reason: JsonObjectError::NotAnObject };
    for payload in
        [format!("\u{feff}{good}"), format!("{good}{good}"), format!("{good}x"), good[1..].to_owned(), "[".repeat(4000)]
    {
        assert_eq!(refusal(&sign_texts("RS256", header().to_string(), payload)), not_json(TokenPart::Payload));
    }
    assert_eq!(
        refusal(&sign_texts("RS256", header().to_string(), b"{\"iss\":\"\xff\"}")),
        not_json(TokenPart::Payload)
    );
    for payload in ["[]", "null", "\"x\"", "1"] {
        assert_eq!(refusal(&sign_texts("RS256", header().to_string(), payload)), not_object(TokenPart::Payload));
        assert_eq!(refusal(&sign_texts("RS256", payload, &good)), not_object(TokenPart::Header));
    }
}

#[test]
fn a_token_has_one_spelling() {
    let good = token(json!({}), json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let spelled = |separator: &str, parts: &[&str]| parts.join(separator);
    for (spelling, reason) in [
        (spelled(".", &parts[..2]), VerifyError::NotThreeParts),
        (spelled(".", &parts[..1]), VerifyError::NotThreeParts),
        (format!("{good}."), VerifyError::NotThreeParts),
        (format!("{good}.AA"), VerifyError::NotThreeParts),
        (format!("{good}.AA.AA"), VerifyError::Encrypted),
        (format!("{good}=="), VerifyError::NotBase64Url(TokenPart::Signature)),
        (format!("{good} "), VerifyError::NotBase64Url(TokenPart::Signature)),
        (format!(" {good}"), VerifyError::NotBase64Url(TokenPart::Header)),
        (format!("{}.\n{}.{}", parts[0], parts[1], parts[2]), VerifyError::NotBase64Url(TokenPart::Payload)),
        (format!("{}..{}", parts[0], parts[2]), VerifyError::NotBase64Url(TokenPart::Payload)),
        (format!("{}.{}.", parts[0], parts[1]), VerifyError::NotBase64Url(TokenPart::Signature)),
        (
            json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]}).to_string(),
            VerifyError::NotThreeParts,
        ),
    ] {
        assert_eq!(refusal(&spelling), reason, "{spelling}");
    }
    // 256 octets leave four unused bits in the last character: only one of sixteen spellings is canonical.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let next = alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap();
    let trailing_bits = format!("{}{next}", &good[..good.len() - 1]);
    assert_eq!(refusal(&trailing_bits), VerifyError::NotBase64Url(TokenPart::Signature));
    let signature = parts[2].replace('-', "+").replace('_', "/");
    if signature != parts[2] {
        let standard_alphabet = format!("{}.{}.{signature}", parts[0], parts[1]);
        assert_eq!(refusal(&standard_alphabet), VerifyError::NotBase64Url(TokenPart::Signature));
    }
}

#[test]
fn size_is_capped() {
    let big = token(json!({}), json!({"padding": "x".repeat(20_000)}));
    assert_eq!(refusal(&big), VerifyError::TokenTooLong { max_bytes: 8192 });
    assert!(verifier().max_token_bytes(40_000).verify(&big, &key_set(), NOW).is_ok());
}

#[test]
fn a_signature_is_over_these_octets_by_this_key() {
    let good = token(json!({}), json!({}));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let other_claims = token(json!({}), json!({"client_id": "other", "sub": "other"}));
    let (other_input, _) = other_claims.rsplit_once('.').unwrap();
    for (input, signature) in [
        (other_input, signature.to_owned()),
        (input, b64([0; 256])),
        (input, b64([1; 255])),
        (input, b64(sign("PS256", input))),
        (input, b64(sign("RS256", &input[1..]))),
        (input, b64([0])),
    ] {
        assert_eq!(refusal(&format!("{input}.{signature}")), VerifyError::SignatureInvalid);
    }
}

#[test]
fn an_ecdsa_signature_of_zeros_is_none() {
    let good = token(json!({"alg": "ES256", "kid": "es"}), json!({}));
    let (input, _) = good.rsplit_once('.').unwrap();
    // CVE-2022-21449; and DER, which JWS does not use (RFC 7518 §3.4).
    for signature in [vec![0; 64], vec![0xFF; 64], vec![0; 63], vec![0x30, 6, 2, 1, 0, 2, 1, 0], vec![0]] {
        assert_eq!(refusal(&format!("{input}.{}", b64(signature))), VerifyError::SignatureInvalid);
    }
}

#[test]
fn other_kinds_of_token_are_told_by_typ() {
    for typ in [json!("JWT"), json!("dpop+jwt"), json!("client-authentication+jwt"), json!("id_token"), json!("")] {
        let found = typ.as_str().map(str::to_owned);
        assert_eq!(refusal(&token(json!({"typ": typ}), json!({}))), VerifyError::TypNotAccepted { typ: found });
    }
    for typ in [json!(null), json!(1), json!(["at+jwt"])] {
        assert_eq!(refusal(&token(json!({"typ": typ}), json!({}))), VerifyError::TypNotAccepted { typ: None });
    }
    assert!(verifier().verify(&token(json!({"typ": "application/AT+JWT"}), json!({})), &key_set(), NOW).is_ok());
}

#[test]
fn issuer_and_audience_match_exactly() {
    for iss in
        ["https://issuer.example", "https://issuer.example/x", "HTTPS://issuer.example/", "https://evil.example/"]
    {
        assert!(matches!(at(json!({"iss": iss}), NOW), Err(VerifyError::WrongIssuer { .. })), "{iss}");
    }
    for iss in [json!([ISSUER]), json!([ISSUER, "https://evil.example/"]), json!({}), json!(1), json!("")] {
        assert_eq!(at(json!({"iss": iss}), NOW), Err(VerifyError::ClaimMalformed("iss")));
    }
    for aud in [
        json!("https://api.example"),
        json!("https://api.example/x"),
        json!(["https://API.example/"]),
        json!("https://api"),
    ] {
        assert!(matches!(at(json!({"aud": aud}), NOW), Err(VerifyError::WrongAudience { .. })), "{aud}");
    }
    for aud in
        [json!({}), json!({"0": AUDIENCE}), json!([]), json!([AUDIENCE, 1]), json!([[AUDIENCE]]), json!(1), json!(true)]
    {
        assert_eq!(at(json!({"aud": aud}), NOW), Err(VerifyError::ClaimMalformed("aud")), "{aud}");
    }
    assert_eq!(at(json!({"aud": ["https://other.example/", AUDIENCE]}), NOW), Ok(()));
    for claim in ["iss", "aud", "exp", "iat", "sub", "client_id", "jti"] {
        assert!(matches!(at(json!({claim: null}), NOW), Err(VerifyError::ClaimMissing(missing)) if missing == claim));
    }
}

#[test]
fn time_is_whole_seconds_within_the_leeway() {
    for instant in [
        "1800000600.5",
        "1.8e9",
        "1e30",
        "-1",
        "\"1800000600\"",
        "[1800000600]",
        "{}",
        "null",
        "true",
        "9007199254740993",
    ] {
        for claim in ["exp", "iat", "nbf"] {
            let payload = changed(claims(), json!({claim: null})).to_string().replacen(
                '{',
                &format!("{{\"{claim}\":{instant},"),
                1,
            );
            let refusal = refusal(&sign_texts("RS256", header().to_string(), payload));
            assert!(
                matches!(refusal, VerifyError::ClaimMalformed(found) if found == claim),
                "{claim} {instant}: {refusal}"
            );
        }
    }
    assert_eq!(at(json!({}), NOW + 629), Ok(()));
    assert_eq!(at(json!({}), NOW + 630), Err(VerifyError::Expired { expired_at: NOW + 600, now: NOW + 630 }));
    assert_eq!(at(json!({"nbf": NOW + 30}), NOW), Ok(()));
    assert_eq!(at(json!({"nbf": NOW + 31}), NOW), Err(VerifyError::NotYetValid { valid_from: NOW + 31, now: NOW }));
    assert_eq!(at(json!({}), NOW - 30), Ok(()));
    assert_eq!(at(json!({}), NOW - 31), Err(VerifyError::IssuedInFuture { issued_at: NOW, now: NOW - 31 }));
}

#[test]
fn a_lifetime_can_be_capped() {
    let verifier = verifier().max_lifetime(std::time::Duration::from_mins(10));
    let judged = |exp| verifier.verify(&token(json!({}), json!({"exp": exp})), &key_set(), NOW).map(drop);
    assert_eq!(judged(NOW + 600), Ok(()));
    let refused = |expires_at| Err(VerifyError::LifetimeNotAllowed { issued_at: NOW, expires_at, max_seconds: 600 });
    assert_eq!(judged(NOW + 601), refused(NOW + 601));
    assert_eq!(judged(NOW - 1), refused(NOW - 1));
    assert_eq!(judged(1 << 53), refused(1 << 53));
}

#[test]
fn a_bound_token_is_no_bearer_token() {
    for cnf in [json!({"jkt": "x"}), json!({"x5t#S256": "x"}), json!({}), json!("x")] {
        assert_eq!(at(json!({"cnf": cnf}), NOW), Err(VerifyError::SenderConstrained));
    }
}

#[test]
fn the_names_of_the_client_agree() {
    for changes in [json!({"sub": "other"}), json!({"azp": "other"}), json!({"sub": "other@clients"})] {
        assert_eq!(at(changes, NOW), Err(VerifyError::ClientAmbiguous));
    }
    let users = verifier().subject_rule(SubjectRule::Any);
    let token = users.verify(&token(json!({}), json!({"sub": "user-7"})), &key_set(), NOW).unwrap();
    assert_eq!(token.client(), "partner");
}

#[test]
fn dialects_are_accepted_only_where_configured() {
    let auth0 = token(
        json!({"typ": "JWT"}),
        json!({"sub": "partner@clients", "azp": "partner", "gty": "client-credentials", "client_id": null, "jti": null}),
    );
    let identityserver = token(json!({}), json!({"sub": null, "nbf": NOW, "scope": ["list:users"]}));
    let accepting =
        |dialects: &[AccessTokenDialect]| Verifier::new(ISSUER, AUDIENCE).accept_dialects(dialects.iter().copied());
    for (token, dialect) in [(&auth0, AccessTokenDialect::Auth0), (&identityserver, AccessTokenDialect::IdentityServer)]
    {
        assert!(verifier().verify(token, &key_set(), NOW).is_err());
        for dialects in [&[dialect][..], &[AccessTokenDialect::Rfc9068, dialect]] {
            let token = accepting(dialects).verify(token, &key_set(), NOW).unwrap();
            assert_eq!((token.client(), token.dialect()), ("partner", dialect));
            assert!(token.has_scope("list:users"));
        }
    }
    assert_eq!(
        verifier().verify(&identityserver, &key_set(), NOW).unwrap_err(),
        VerifyError::ClaimMissing("sub"),
        "the reason is that of the dialect its typ belongs to"
    );
    assert!(accepting(&[]).verify(&token(json!({}), json!({})), &key_set(), NOW).is_err());
    // An ID token of the same issuer, for a client that is named like the API.
    let id_token = token(
        json!({"typ": "JWT"}),
        json!({"sub": "user", "azp": "partner", "nonce": "n", "client_id": null, "scope": null}),
    );
    assert!(
        accepting(&[AccessTokenDialect::Rfc9068, AccessTokenDialect::Auth0])
            .verify(&id_token, &key_set(), NOW)
            .is_err()
    );
}

#[test]
fn a_symmetric_key_in_the_set_is_not_used() {
    let keys: JwkSet =
        json!({"keys": [{"kty": "oct", "kid": "rs", "alg": "RS256", "k": b64("secret")}]}).to_string().parse().unwrap();
    let refused = verifier().verify(&token(json!({}), json!({})), &keys, NOW).unwrap_err();
    assert_eq!(refused, VerifyError::UnknownKey { kid: "rs".to_owned() });
}
