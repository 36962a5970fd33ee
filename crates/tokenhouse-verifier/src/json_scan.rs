//! What does a JSON object say, without building all of it, and is no member given twice at any level?

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::json_object::JsonObjectError;

/// A value, as far as a claim is judged by it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scanned<'a> {
    /// A string, without a copy unless something in it is escaped.
    Text(Cow<'a, str>),
    /// A whole number that is not negative.
    Whole(u64),
    /// An array.
    List(Vec<Scanned<'a>>),
    /// Anything else: read, and thrown away.
    Other,
}

/// The members of one object in their order, each name once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ScannedObject<'a>(Vec<(Cow<'a, str>, Scanned<'a>)>);

impl<'a> ScannedObject<'a> {
    /// Reads one JSON object.
    pub(crate) fn scan(text: &'a str) -> Result<Self, JsonObjectError> {
        let reading = Reading { duplicate: Cell::new(false), members: Cell::default() };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let scanned = Scan { reading: &reading, is_outermost: true }.deserialize(&mut deserializer).and_then(|value| {
            deserializer.end()?;
            Ok(value)
        });
        match (scanned, reading.members.into_inner()) {
            (Ok(_), Some(members)) => Ok(Self(members)),
            (Ok(_), None) => Err(JsonObjectError::NotAnObject),
            (Err(_), _) if reading.duplicate.get() => Err(JsonObjectError::DuplicateMember),
            (Err(_), _) => Err(JsonObjectError::NotJson),
        }
    }

    /// The member called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Scanned<'a>> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| value)
    }
}

/// The members of the outermost object, once it has been read.
type Members<'a> = Option<Vec<(Cow<'a, str>, Scanned<'a>)>>;

struct Reading<'a> {
    duplicate: Cell<bool>,
    members: Cell<Members<'a>>,
}

#[derive(Clone, Copy)]
struct Scan<'r, 'a> {
    reading: &'r Reading<'a>,
    is_outermost: bool,
}

impl Scan<'_, '_> {
    const fn within(self) -> Self {
        Self { is_outermost: false, ..self }
    }
}

impl<'a> DeserializeSeed<'a> for Scan<'_, 'a> {
    type Value = Scanned<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Scanned<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Scan<'_, 'a> {
    type Value = Scanned<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value without duplicate members")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Whole(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Other)
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Scanned<'a>, E> {
        Ok(Scanned::Other)
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<Scanned<'a>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(self.within())? {
            list.push(element);
        }
        Ok(Scanned::List(list))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Scanned<'a>, A::Error> {
        let mut object = Vec::with_capacity(if self.is_outermost { USUAL_MEMBERS } else { 0 });
        let mut names = Names::default();
        while let Some(name) = members.next_key_seed(self.within())? {
            // A name in JSON is always a string.
            let Scanned::Text(name) = name else { return Err(A::Error::custom("a name that is no string")) };
            if !names.add(&name, &object) {
                self.reading.duplicate.set(true);
                return Err(A::Error::custom("duplicate member"));
            }
            let value = members.next_value_seed(self.within())?;
            object.push((name, value));
        }
        if self.is_outermost {
            self.reading.members.set(Some(object));
        }
        Ok(Scanned::Other)
    }
}

/// How many claims a token has.
const USUAL_MEMBERS: usize = 12;

/// Up to so many names are compared one by one; beyond, effort must not grow with the square of their number.
const FEW: usize = 24;

/// The names of an object, where there are many.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// Whether `name` is new beside those of `object`.
    fn add(&mut self, name: &str, object: &[(Cow<'_, str>, Scanned<'_>)]) -> bool {
        if object.len() < FEW {
            // Nearly all names differ in length or at the first letter.
            let may_be = |known: &str| known.len() == name.len() && known.as_bytes().first() == name.as_bytes().first();
            return !object.iter().any(|(known, _)| may_be(known) && known == name);
        }
        if self.0.is_empty() {
            self.0.extend(object.iter().map(|(known, _)| known.clone().into_owned()));
        }
        self.0.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::json_object::JsonObject;

    /// What [`Scanned`] keeps of a value.
    fn kept(value: &Value) -> Scanned<'static> {
        match value {
            Value::String(text) => Scanned::Text(Cow::Owned(text.clone())),
            Value::Number(number) => number.as_u64().map_or(Scanned::Other, Scanned::Whole),
            Value::Array(elements) => Scanned::List(elements.iter().map(kept).collect()),
            Value::Null | Value::Bool(_) | Value::Object(_) => Scanned::Other,
        }
    }

    /// What serde reads it as, if it is an object.
    fn object_by_serde(text: &str) -> Result<JsonObject, JsonObjectError> {
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(JsonObjectError::NotAnObject),
            Err(_) => Err(JsonObjectError::NotJson),
        }
    }

    /// It says the same as serde, unless a member stands twice, of which serde takes the last.
    fn assert_agrees(text: &str) {
        let scanned = ScannedObject::scan(text);
        if scanned == Err(JsonObjectError::DuplicateMember) {
            return;
        }
        match object_by_serde(text) {
            Ok(object) => {
                let scanned = scanned.unwrap();
                assert_eq!(scanned.0.len(), object.len(), "{text}");
                for (name, value) in &object {
                    assert_eq!(scanned.get(name), Some(&kept(value)), "{text}: {name}");
                }
            }
            Err(error) => assert_eq!(scanned, Err(error), "{text}"),
        }
    }

    #[test]
    fn a_member_given_twice_is_found_among_few_and_many_and_at_every_level() {
        let many = (0..100).map(|number| format!("\"n{number}\":{number},")).collect::<Vec<_>>().concat();
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"[{"a":1,"a":2}]"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert_eq!(ScannedObject::scan(text), Err(JsonObjectError::DuplicateMember), "{text}");
        }
        for number in 0..100 {
            let text = format!("{{{many}\"n{number}\":1}}");
            assert_eq!(ScannedObject::scan(&text), Err(JsonObjectError::DuplicateMember), "{text}");
        }
        assert!(ScannedObject::scan(&format!("{{{many}\"x\":1}}")).is_ok());
    }

    #[test]
    fn it_agrees_with_serde() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        for text in [
            r#" {"a":1,"b":{"a":[null,true,-1,1.5,-0,"x"]},"c":[[],{}],"d\n":"\u00e9\n","e":"plain"} "#,
            r#"[{"a":1}]"#,
            "\u{feff}{}",
            "{}",
            "{}{}",
            "{} x",
            "",
            "{",
            r#"{"a":1e400}"#,
            r#"{"a":18446744073709551616}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":01}"#,
            r#"{"a":1,}"#,
            "null",
            "1",
            "\"{}\"",
            &deep,
        ] {
            assert_agrees(text);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("[a-c\"\\\\]{0,2}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_alike(value in any_json()) {
            let text = value.to_string();
            prop_assert_ne!(ScannedObject::scan(&text), Err(JsonObjectError::DuplicateMember));
            assert_agrees(&text);
        }

        #[test]
        fn any_text_of_json_characters_is_read_alike(text in "[{}\\[\\]\":,ab1 \\\\-]{0,24}") {
            assert_agrees(&text);
        }
    }
}
