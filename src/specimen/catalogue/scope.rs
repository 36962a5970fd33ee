//! Does the token allow this endpoint? (RFC 6749 §3.3, RFC 6750 §3.1, RFC 9068 §2.2.3)

use serde_json::{Value, json};

use crate::specimen::case::{Also, Case, Level, NotSent, Presentation, Wanted};
use crate::specimen::forge::Forge;
use crate::specimen::subject::ScopeFormat;

const SCOPE: &str = "RFC 6750 §3.1, RFC 9068 §4";
const TOO_MUCH: &str = "clients can do what they were never granted";
const EXACT: &str = "RFC 6749 §3.3";
const PART: &str = "scopes are whole words with case; who looks for a part of one grants too much";

pub(super) fn cases() -> Vec<Case> {
    fn scopes(forge: &Forge<'_>, scopes: &[&str]) -> Result<Presentation, NotSent> {
        forge.scope()?;
        forge.token(json!({}), forge.scopes(scopes)).map(Presentation::bearer)
    }
    fn value(forge: &Forge<'_>, value: Value) -> Result<Presentation, NotSent> {
        forge.scope()?;
        let mut changes = serde_json::Map::new();
        changes.insert(forge.subject.scope_claim.clone(), value);
        forge.token(json!({}), Value::Object(changes)).map(Presentation::bearer)
    }
    let lacks = |case: Case| case.wanting(Wanted::InsufficientScope);
    vec![
        lacks(Case::refuse("scope_missing", "no scope claim", SCOPE, TOO_MUCH, |forge| value(forge, Value::Null))),
        lacks(Case::refuse("scope_empty", "an empty scope", SCOPE, TOO_MUCH, |forge| {
            value(forge, forge.subject.scope_format.write(&[]))
        })),
        lacks(Case::refuse("wrong_scope", "another scope", SCOPE, TOO_MUCH, |forge| scopes(forge, &["conform:other"]))),
        lacks(Case::refuse("scope_longer", "a scope that begins with the right one", EXACT, PART, |forge| {
            scopes(forge, &[&format!("{}x", forge.scope()?)])
        })),
        lacks(Case::refuse("scope_shorter", "the right scope without its last character", EXACT, PART, |forge| {
            let scope = forge.scope()?;
            let shorter = scope.char_indices().last().and_then(|(at, _)| scope.get(..at)).unwrap_or_default();
            scopes(forge, &[shorter])
        })),
        lacks(Case::refuse("scope_inside", "a scope that ends with the right one", EXACT, PART, |forge| {
            scopes(forge, &[&format!("x{}", forge.scope()?)])
        })),
        lacks(Case::refuse("scope_case", "the right scope in capitals", EXACT, PART, |forge| {
            let scope = forge.scope()?;
            let upper = scope.to_ascii_uppercase();
            if upper == scope {
                return Err(NotSent::DoesNotApply("the scope has no small letters"));
            }
            scopes(forge, &[&upper])
        })),
        lacks(Case::refuse("scope_wildcard", "the scope *", EXACT, TOO_MUCH, |forge| scopes(forge, &["*"]))),
        lacks(Case::refuse(
            "scope_object",
            "an object with the right scope as a name",
            "RFC 9068 §2.2.3",
            TOO_MUCH,
            |forge| {
                let mut scope = serde_json::Map::new();
                scope.insert(forge.scope()?.to_owned(), Value::Bool(true));
                value(forge, Value::Object(scope))
            },
        ))
        .or(Also::InvalidToken),
        lacks(Case::refuse("scope_true", "scope is true", "RFC 9068 §2.2.3", TOO_MUCH, |forge| {
            value(forge, json!(true))
        }))
        .or(Also::InvalidToken),
        lacks(Case::refuse("scope_commas", "two scopes with a comma between", EXACT, PART, |forge| {
            if forge.subject.scope_format == ScopeFormat::Array {
                return Err(NotSent::DoesNotApply("the scope is an array"));
            }
            scopes(forge, &[&format!("conform:other,{}", forge.scope()?)])
        }))
        .at(Level::Should),
        Case::refuse(
            "challenge_scope",
            "another scope: does the challenge say insufficient_scope?",
            "RFC 6750 §3.1",
            "a client cannot tell what it lacks",
            |forge| scopes(forge, &["conform:other"]),
        )
        .wanting(Wanted::ChallengedInsufficientScope)
        .at(Level::Should),
    ]
}
