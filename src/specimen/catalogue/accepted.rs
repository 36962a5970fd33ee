//! Which tokens must be accepted? Whoever refuses these shuts out clients that keep to the rules.

use serde_json::json;

use crate::specimen::case::{Case, Level, NotSent, Presentation};
use crate::specimen::subject::Profile;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::accept("valid", "a valid token", "RFC 6750 §2.1", "every client", |forge| {
            forge.valid().map(Presentation::bearer)
        }),
        Case::accept(
            "scheme_lower_case",
            "the scheme written bearer",
            "RFC 9110 §11.1",
            "scheme names have no case, and some clients and proxies write them small",
            |forge| Ok(Presentation::header(format!("bearer {}", forge.valid()?))),
        ),
        Case::accept(
            "scheme_upper_case",
            "the scheme written BEARER",
            "RFC 9110 §11.1",
            "scheme names have no case",
            |forge| Ok(Presentation::header(format!("BEARER {}", forge.valid()?))),
        ),
        Case::accept(
            "scheme_two_spaces",
            "two spaces after the scheme",
            "RFC 6750 §2.1 (1*SP)",
            "the grammar allows more than one space",
            |forge| Ok(Presentation::header(format!("Bearer  {}", forge.valid()?))),
        )
        .at(Level::Should),
        Case::accept(
            "audience_array",
            "aud is an array, and this API is in it",
            "RFC 7519 §4.1.3",
            "aud may be an array of any length; an issuer may switch to it at any time",
            |forge| {
                let aud = json!(["https://other.example/", forge.subject.audience]);
                forge.token(json!({}), json!({ "aud": aud })).map(Presentation::bearer)
            },
        ),
        Case::accept(
            "audience_array_of_one",
            "aud is an array with this API alone",
            "RFC 7519 §4.1.3",
            "a string and an array of one mean the same",
            |forge| forge.token(json!({}), json!({ "aud": [forge.subject.audience] })).map(Presentation::bearer),
        ),
        Case::accept(
            "unknown_claims",
            "claims that nobody has heard of",
            "RFC 7519 §4",
            "claims that are not understood are ignored; otherwise an issuer can never add one",
            |forge| {
                let unknown = json!({ "https://claims.example/x": { "a": [1, null, "é"] }, "nobody": true });
                forge.token(json!({}), unknown).map(Presentation::bearer)
            },
        ),
        Case::accept(
            "unknown_header",
            "a header parameter that nobody has heard of, not critical",
            "RFC 7515 §4",
            "parameters that are not understood are ignored unless crit names them",
            |forge| forge.token(json!({ "x-nobody": { "a": 1 } }), json!({})).map(Presentation::bearer),
        ),
        Case::accept(
            "typ_with_application",
            "typ application/at+jwt",
            "RFC 9068 §4",
            "both spellings of the type are valid",
            |forge| match forge.subject.profile {
                Profile::Rfc9068 => {
                    let typ = format!("application/{}", forge.subject.typ);
                    forge.token(json!({ "typ": typ }), json!({})).map(Presentation::bearer)
                }
                Profile::Jwt => Err(NotSent::DoesNotApply("only RFC 9068 has this type")),
            },
        )
        .at(Level::MustInRfc9068),
        Case::accept(
            "typ_other_case",
            "typ in capitals",
            "RFC 7515 §4.1.9, RFC 2045 §5.1",
            "media types have no case",
            |forge| {
                let typ = forge.subject.typ.to_ascii_uppercase();
                if typ == forge.subject.typ {
                    return Err(NotSent::DoesNotApply("this type has no small letters"));
                }
                forge.token(json!({ "typ": typ }), json!({})).map(Presentation::bearer)
            },
        )
        .at(Level::Should),
        Case::accept(
            "nbf_now",
            "nbf is now",
            "RFC 7519 §4.1.5",
            "the token is valid from this moment on; a verifier may be lenient, never early",
            |forge| forge.token(json!({}), json!({ "nbf": forge.now })).map(Presentation::bearer),
        ),
        Case::accept(
            "scope_among_others",
            "the scope between two others",
            "RFC 6749 §3.3",
            "the order of scopes means nothing",
            |forge| {
                let scopes = forge.scopes(&["conform:a", forge.scope()?, "conform:b"]);
                forge.token(json!({}), scopes).map(Presentation::bearer)
            },
        ),
        Case::accept(
            "long",
            "a token of about 4 KiB",
            "RFC 9110 §5.4 (no limit is given)",
            "tokens with many scopes or permissions get long",
            |forge| forge.token(json!({}), json!({ "padding": "x".repeat(2600) })).map(Presentation::bearer),
        )
        .at(Level::Should),
    ]
}
