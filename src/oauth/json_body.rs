//! Which parameters does a JSON body hold? As Auth0's clients send them: members for parameters, `null` for none.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::form::{Collector, Endpoint, Known, MalformedBody, TokenParameters};

/// Parses an `application/json` body with at most `limit` members.
pub fn parse_json(body: &[u8], limit: usize, endpoint: Endpoint) -> Result<TokenParameters, MalformedBody> {
    let text = std::str::from_utf8(body).map_err(|_| MalformedBody::NotUtf8)?;
    let mut problem = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parsed = deserializer.deserialize_map(ObjectVisitor { limit, endpoint, problem: &mut problem });
    match parsed.and_then(|parameters| deserializer.end().map(|()| parameters)) {
        Ok(parameters) => Ok(parameters),
        // Broken JSON is told as such, also where it breaks inside a member.
        Err(error) if error.is_data() => Err(problem.unwrap_or(MalformedBody::NotJsonObject)),
        Err(_) => Err(MalformedBody::NotJsonObject),
    }
}

/// Reads the members of one JSON object, strictly; the first problem is left in `problem`.
struct ObjectVisitor<'p> {
    limit: usize,
    endpoint: Endpoint,
    problem: &'p mut Option<MalformedBody>,
}

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = TokenParameters;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut collector = Collector::default();
        let mut count = 0;
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            count += 1;
            if count > self.limit {
                *self.problem = Some(MalformedBody::TooMany(self.limit));
                return Err(A::Error::custom("too many members"));
            }
            let Some((name, known)) = Known::named(&name, self.endpoint) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Err(problem) = collector.note_once(name, known) {
                *self.problem = Some(problem);
                return Err(A::Error::custom("repeated member"));
            }
            let forms = JsonForms::of(known);
            let values = members.next_value_seed(forms).inspect_err(|_| *self.problem = Some(forms.problem(name)))?;
            for value in values {
                collector.store(known, value);
            }
        }
        Ok(collector.parameters)
    }
}

/// What a JSON member may be: a string, or `null` for none, and more for some.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JsonForms {
    String,
    /// A list of strings is JSON's way to repeat a parameter.
    StringOrList,
    StringOrNumber,
}

impl JsonForms {
    const fn of(parameter: Known) -> Self {
        match parameter {
            Known::Resource => Self::StringOrList,
            Known::OverlapSeconds => Self::StringOrNumber,
            _ => Self::String,
        }
    }

    const fn problem(self, name: &'static str) -> MalformedBody {
        match self {
            Self::String | Self::StringOrList => MalformedBody::NotAString(name),
            Self::StringOrNumber => MalformedBody::NotANumber(name),
        }
    }

    fn number<E: serde::de::Error>(self, number: &dyn fmt::Display) -> Result<Vec<String>, E> {
        if self != Self::StringOrNumber {
            return Err(E::custom("a number is not allowed here"));
        }
        Ok(vec![number.to_string()])
    }
}

impl<'de> DeserializeSeed<'de> for JsonForms {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonForms {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![text.to_owned()])
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        self.number(&number)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        self.number(&number)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        self.number(&number)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        if self != Self::StringOrList {
            return Err(A::Error::custom("a list is not allowed here"));
        }
        let mut values = Vec::new();
        while let Some(value) = items.next_element::<String>()? {
            values.push(value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn json(body: &str) -> Result<TokenParameters, MalformedBody> {
        parse_json(body.as_bytes(), 64, Endpoint::Token)
    }

    #[test]
    fn a_list_repeats_a_resource() {
        assert_eq!(json(r#"{"resource":["a","b"]}"#).ok().unwrap().resource, ["a", "b"]);
    }

    #[test]
    fn too_many_members_are_refused() {
        let object = |count| {
            let members: Vec<_> = (0..count).map(|index| format!("\"x{index}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(json(&object(64)).is_ok());
        assert_eq!(json(&object(65)).err(), Some(MalformedBody::TooMany(64)));
    }

    #[test]
    fn json_null_is_absent_and_other_members_may_be_anything() {
        let parameters = json(r#"{"scope":null,"audience":"a","foo":{"deep":[1,{}]}}"#).ok().unwrap();
        assert_eq!((parameters.scope, parameters.audience.as_deref()), (None, Some("a")));
    }

    #[rstest]
    #[case("{", MalformedBody::NotJsonObject)]
    #[case(r#"{"client_id":"abc"#, MalformedBody::NotJsonObject)]
    #[case("[]", MalformedBody::NotJsonObject)]
    #[case("{} {}", MalformedBody::NotJsonObject)]
    #[case("\u{feff}{}", MalformedBody::NotJsonObject)]
    #[case(r#"{"scope":"a","scope":"b"}"#, MalformedBody::Repeated("scope"))]
    #[case(r#"{"resource":["a"],"resource":["b"]}"#, MalformedBody::Repeated("resource"))]
    #[case(r#"{"grant_type":1}"#, MalformedBody::NotAString("grant_type"))]
    #[case(r#"{"scope":["a"]}"#, MalformedBody::NotAString("scope"))]
    #[case(r#"{"resource":[1]}"#, MalformedBody::NotAString("resource"))]
    fn malformed_json_says_what_is_wrong(#[case] body: &str, #[case] expected: MalformedBody) {
        assert_eq!(json(body).err(), Some(expected));
    }

    #[test]
    fn a_number_may_stand_where_a_number_is_meant() {
        let secret = |body: &str| parse_json(body.as_bytes(), 64, Endpoint::Secret);
        for (body, expected) in [
            (r#"{"overlap_seconds":5}"#, "5"),
            (r#"{"overlap_seconds":"5"}"#, "5"),
            (r#"{"overlap_seconds":-5}"#, "-5"),
            (r#"{"overlap_seconds":-1.5}"#, "-1.5"),
        ] {
            assert_eq!(secret(body).ok().unwrap().overlap_seconds.as_deref(), Some(expected));
        }
        assert_eq!(secret(r#"{"overlap_seconds":true}"#).err(), Some(MalformedBody::NotANumber("overlap_seconds")));
        assert_eq!(secret(r#"{"label":5}"#).err(), Some(MalformedBody::NotAString("label")));
    }

    #[test]
    fn deep_json_overflows_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(json(&format!(r#"{{"foo":{deep}}}"#)).is_ok(), "unknown members are skipped");
        assert_eq!(json(&format!(r#"{{"scope":{deep}}}"#)).err(), Some(MalformedBody::NotAString("scope")));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for endpoint in [Endpoint::Token, Endpoint::Secret] {
                let _ = parse_json(&body, 64, endpoint);
            }
        }
    }
}
