//! Is this text one JSON object in which no member is given twice at any level? (RFC 7515 §4, RFC 7519 §4 and §7.2)

use serde_json::{Map, Value};
use thiserror::Error;

use crate::json_scan::ScannedObject;

/// The members of a JSON object.
pub type JsonObject = Map<String, Value>;

/// Why a text is not an acceptable JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JsonObjectError {
    /// Not JSON in UTF-8: a syntax error, a byte order mark, data after the end, a number out of range, or nested too
    /// deep.
    #[error("is not JSON in UTF-8 with nothing before or after it")]
    NotJson,
    /// JSON, but a string, number, array, `true`, `false` or `null`.
    #[error("is JSON, but not an object")]
    NotAnObject,
    /// A member name stands twice in one object, at whatever depth.
    #[error("gives the same member twice")]
    DuplicateMember,
}

/// Parses one JSON object.
///
/// Parsers differ in which of two equal members they take, so that what one checks another does not see. RFC 7515 §4
/// and RFC 7519 §4 leave the choice between refusing and taking the last: here they are refused.
pub fn parse_json_object(text: &[u8]) -> Result<JsonObject, JsonObjectError> {
    let text = str::from_utf8(text).map_err(|_| JsonObjectError::NotJson)?;
    ScannedObject::scan(text)?;
    build_json_object(text)
}

/// Builds an object that has been scanned, so that no member stands in it twice.
pub(crate) fn build_json_object(scanned: &str) -> Result<JsonObject, JsonObjectError> {
    serde_json::from_str(scanned).map_err(|_| JsonObjectError::NotJson)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: impl AsRef<[u8]>) -> JsonObjectError {
        parse_json_object(text.as_ref()).unwrap_err()
    }

    #[test]
    fn an_object_keeps_its_members() {
        let object = parse_json_object(br#" {"a":1,"b":{"a":[null,true,-1,1.5,"x"]}} "#).unwrap();
        assert_eq!(Value::Object(object), serde_json::json!({"a":1,"b":{"a":[null,true,-1,1.5,"x"]}}));
    }

    #[test]
    fn duplicates_are_refused_at_every_level() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[{"a":1,"a":2}]}"#, r#"{"a":1,"\u0061":2}"#]
        {
            assert_eq!(refusal(text), JsonObjectError::DuplicateMember, "{text}");
        }
    }

    #[test]
    fn one_object_and_nothing_else() {
        for text in ["\u{feff}{}", "{}{}", "{} x", "", "{", r#"{"a":1e400}"#, r#"{"a":"\ud800"}"#, r#"{"a":01}"#] {
            assert_eq!(refusal(text), JsonObjectError::NotJson, "{text}");
        }
        assert_eq!(refusal(b"{\"a\":\"\xff\"}"), JsonObjectError::NotJson);
        for text in ["[]", "null", "1", "\"{}\"", "true"] {
            assert_eq!(refusal(text), JsonObjectError::NotAnObject, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_recursed_into() {
        assert_eq!(refusal(format!("{{\"a\":{}", "[".repeat(100_000))), JsonObjectError::NotJson);
    }
}
