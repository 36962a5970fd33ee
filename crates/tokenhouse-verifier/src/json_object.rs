//! Is this text one JSON object in which no member is given twice at any level? (RFC 7515 §4, RFC 7519 §4 and §7.2)

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use thiserror::Error;

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
    let duplicate = Cell::new(false);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let parsed = UniqueMembers(&duplicate).deserialize(&mut deserializer).and_then(|value| {
        deserializer.end()?;
        Ok(value)
    });
    match parsed {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(JsonObjectError::NotAnObject),
        Err(_) if duplicate.get() => Err(JsonObjectError::DuplicateMember),
        Err(_) => Err(JsonObjectError::NotJson),
    }
}

/// Deserializes a `Value` and raises the flag when a member comes twice.
#[derive(Clone, Copy)]
struct UniqueMembers<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for UniqueMembers<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueMembers<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value without duplicate members")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = JsonObject::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if object.insert(name, value).is_some() {
                self.0.set(true);
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
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
