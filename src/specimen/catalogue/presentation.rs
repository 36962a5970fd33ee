//! How does the token come with the request, and what does a refusal say? (RFC 6750 §2, §3, RFC 9110 §11)

use serde_json::json;

use crate::specimen::case::{Also, Case, Level, Presentation, Wanted};

const ONE_WAY: &str = "RFC 6750 §2, §3.1";
const TWO_READERS: &str = "a gateway may look at one token and the API at the other";
const SCHEME: &str = "RFC 6750 §2.1, RFC 9110 §11.4";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = missing();
    cases.extend(elsewhere());
    cases.extend(schemes());
    // Last of all: does the API still work?
    cases.push(Case::accept(
        "valid_at_the_end",
        "a valid token, after all this",
        "RFC 6750 §2.1",
        "the API was put out of order by a token",
        |forge| forge.valid().map(Presentation::bearer),
    ));
    cases
}

fn missing() -> Vec<Case> {
    vec![
        Case::refuse("no_token", "no token", "RFC 6750 §3.1, RFC 9110 §15.5.2", "everybody gets in", |_| {
            Ok(Presentation::default())
        }),
        Case::refuse("empty_token", "the scheme, and no token", "RFC 6750 §2.1", "everybody gets in", |_| {
            Ok(Presentation::header("Bearer"))
        })
        .or(Also::BadRequest),
        Case::refuse(
            "challenge_no_token",
            "no token: is there a challenge, without an error?",
            "RFC 9110 §15.5.2, RFC 6750 §3, §3.1",
            "a client cannot tell what it should bring",
            |_| Ok(Presentation::default()),
        )
        .wanting(Wanted::Challenged)
        .at(Level::Should),
        Case::refuse(
            "challenge_invalid_token",
            "a forged token: does the challenge say invalid_token?",
            "RFC 6750 §3.1",
            "a client cannot tell that it needs a new token",
            |forge| forge.forged(json!({}), json!({})).map(Presentation::bearer),
        )
        .wanting(Wanted::ChallengedInvalidToken)
        .at(Level::Should),
    ]
}

fn elsewhere() -> Vec<Case> {
    vec![
        Case::refuse(
            "query_token",
            "a valid token in the query alone",
            "RFC 9700 §4.3.2, RFC 6750 §2.3, §5.3",
            "URLs are logged, cached and passed on",
            |forge| Ok(Presentation { query_token: Some(forge.valid()?), ..Presentation::default() }),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "form_token",
            "a valid token in a form body alone",
            "RFC 6750 §2.2",
            "a page of another site can send forms",
            |forge| Ok(Presentation { form_token: Some(forge.valid()?), ..Presentation::default() }),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "header_and_query",
            "a forged token in the header, a valid one in the query",
            ONE_WAY,
            TWO_READERS,
            |forge| {
                let forged = forge.forged(json!({}), json!({}))?;
                Ok(Presentation { query_token: Some(forge.valid()?), ..Presentation::bearer(forged) })
            },
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse("two_headers", "two Authorization headers, the first one valid", ONE_WAY, TWO_READERS, |forge| {
            let authorization = vec![format!("Bearer {}", forge.valid()?).into_bytes(), b"Bearer conform".to_vec()];
            Ok(Presentation { authorization, ..Presentation::default() })
        })
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "two_headers_last_valid",
            "two Authorization headers, the last one valid",
            ONE_WAY,
            TWO_READERS,
            |forge| {
                let authorization = vec![b"Bearer conform".to_vec(), format!("Bearer {}", forge.valid()?).into_bytes()];
                Ok(Presentation { authorization, ..Presentation::default() })
            },
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "two_in_one_header",
            "two tokens in one header, the first one valid",
            ONE_WAY,
            TWO_READERS,
            |forge| Ok(Presentation::header(format!("Bearer {}, Bearer conform", forge.valid()?))),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
    ]
}

fn schemes() -> Vec<Case> {
    vec![
        Case::refuse(
            "scheme_basic",
            "a valid token as Basic",
            SCHEME,
            "what is no bearer token is taken for one",
            |forge| Ok(Presentation::header(format!("Basic {}", forge.valid()?))),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "scheme_missing",
            "a valid token without a scheme",
            SCHEME,
            "what is no bearer token is taken for one",
            |forge| Ok(Presentation::header(forge.valid()?)),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "scheme_longer",
            "a valid token after Bearerx",
            SCHEME,
            "what is no bearer token is taken for one",
            |forge| Ok(Presentation::header(format!("Bearerx {}", forge.valid()?))),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "scheme_dpop",
            "a valid token as DPoP, without a proof",
            "RFC 9449 §4.3, §7.1",
            "a proof that is not there was not checked",
            |forge| Ok(Presentation::header(format!("DPoP {}", forge.valid()?))),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
        Case::refuse(
            "after_token",
            "a word after a valid token",
            "RFC 6750 §2.1",
            "what is no bearer token is taken for one",
            |forge| Ok(Presentation::header(format!("Bearer {} conform", forge.valid()?))),
        )
        .at(Level::Should)
        .or(Also::BadRequest),
    ]
}
