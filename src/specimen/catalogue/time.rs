//! Is the token valid now, and is a time that is no time refused? (RFC 7519 §2, §4.1.4 to §4.1.6)

use serde_json::json;

use crate::specimen::case::{Case, Level, NotSent, Presentation};
use crate::specimen::forge::{Forge, HOUR};
use crate::specimen::subject::Profile;

const EXP: &str = "RFC 7519 §4.1.4, RFC 9068 §4";
const FOREVER: &str = "a token that leaked once is good for ever";
const NUMBER: &str = "RFC 7519 §2, §4.1.4, CVE-2026-25537";
const UNTYPED: &str = "a time of the wrong type that counts as no time, or as a late one, switches the check off";
const NBF: &str = "RFC 7519 §4.1.5";
const TOO_EARLY: &str = "the issuer said that it is not valid yet";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = expiry();
    cases.extend(beginning());
    cases
}

fn claim(forge: &Forge<'_>, name: &str, text: &str) -> Result<Presentation, NotSent> {
    forge.claim_text(name, text).map(Presentation::bearer)
}

fn past(forge: &Forge<'_>) -> i64 {
    forge.now.saturating_sub(HOUR)
}

fn expiry() -> Vec<Case> {
    vec![
        Case::refuse("expired", "expired an hour ago", EXP, FOREVER, |forge| {
            let iat = past(forge).saturating_sub(HOUR);
            forge.token(json!({}), json!({ "exp": past(forge), "iat": iat })).map(Presentation::bearer)
        }),
        Case::refuse(
            "expired_six_minutes",
            "expired six minutes ago",
            "RFC 7519 §4.1.4 (leeway: a few minutes)",
            FOREVER,
            |forge| {
                let exp = forge.now.saturating_sub(360);
                forge.token(json!({}), json!({ "exp": exp, "iat": exp.saturating_sub(600) })).map(Presentation::bearer)
            },
        ),
        Case::refuse("missing_expiry", "no exp", "RFC 9068 §2.2, GHSA-wxg7-w2v3-w38g", FOREVER, |forge| {
            forge.token(json!({}), json!({ "exp": null })).map(Presentation::bearer)
        })
        .at(Level::MustInRfc9068),
        Case::refuse("exp_null", "exp is null", NUMBER, UNTYPED, |forge| claim(forge, "exp", "null"))
            .at(Level::MustInRfc9068),
        Case::refuse("exp_zero", "exp is 0", EXP, UNTYPED, |forge| claim(forge, "exp", "0")),
        Case::refuse("exp_negative", "exp is -1", EXP, UNTYPED, |forge| claim(forge, "exp", "-1")),
        Case::refuse("exp_fraction", "an hour ago and half a second", EXP, UNTYPED, |forge| {
            claim(forge, "exp", &format!("{}.5", past(forge)))
        }),
        Case::refuse("exp_string_past", "an hour ago, as a string", NUMBER, UNTYPED, |forge| {
            claim(forge, "exp", &format!("\"{}\"", past(forge)))
        }),
        Case::refuse("exp_array_past", "an hour ago, in an array", NUMBER, UNTYPED, |forge| {
            claim(forge, "exp", &format!("[{}]", past(forge)))
        }),
        Case::refuse("exp_words", "exp is \"never\"", NUMBER, UNTYPED, |forge| claim(forge, "exp", "\"never\"")),
        Case::refuse("exp_object", "exp is an object", NUMBER, UNTYPED, |forge| claim(forge, "exp", "{}")),
        Case::refuse("exp_true", "exp is true", NUMBER, UNTYPED, |forge| claim(forge, "exp", "true")),
        Case::refuse("exp_string", "in an hour, as a string", NUMBER, UNTYPED, |forge| {
            claim(forge, "exp", &format!("\"{}\"", forge.now.saturating_add(HOUR)))
        })
        .at(Level::Should),
        Case::refuse("exp_huge", "exp is 1e400, which is no number to most", NUMBER, UNTYPED, |forge| {
            claim(forge, "exp", "1e400")
        })
        .at(Level::Should),
        Case::refuse("exp_overflow", "exp is 2^64", NUMBER, UNTYPED, |forge| {
            claim(forge, "exp", "18446744073709551616")
        })
        .at(Level::Should),
    ]
}

fn beginning() -> Vec<Case> {
    vec![
        Case::refuse("not_yet_valid", "nbf is in an hour", NBF, TOO_EARLY, |forge| {
            forge.token(json!({}), json!({ "nbf": forge.now.saturating_add(HOUR) })).map(Presentation::bearer)
        }),
        Case::refuse("nbf_huge", "nbf is in the year 318857", NBF, TOO_EARLY, |forge| {
            claim(forge, "nbf", "9999999999999")
        }),
        Case::refuse("nbf_string", "nbf is in an hour, as a string", NBF, UNTYPED, |forge| {
            claim(forge, "nbf", &format!("\"{}\"", forge.now.saturating_add(HOUR)))
        })
        .at(Level::Should),
        Case::refuse(
            "iat_future",
            "issued in an hour",
            "RFC 7519 §4.1.6",
            "the issuer's clock, or the API's, is wrong",
            |forge| {
                let iat = forge.now.saturating_add(HOUR);
                forge.token(json!({}), json!({ "iat": iat, "exp": iat.saturating_add(300) })).map(Presentation::bearer)
            },
        )
        .at(Level::Should),
        Case::refuse("iat_string", "iat is a string", "RFC 7519 §4.1.6", UNTYPED, |forge| {
            claim(forge, "iat", "\"now\"")
        })
        .at(Level::Should),
        Case::refuse("iat_missing", "no iat", "RFC 9068 §2.2", "the age of the token is unknown", |forge| match forge
            .subject
            .profile
        {
            Profile::Rfc9068 => forge.lacking("iat").map(Presentation::bearer),
            Profile::Jwt => Err(NotSent::DoesNotApply("only RFC 9068 requires it")),
        })
        .at(Level::Should),
    ]
}
