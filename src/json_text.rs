//! How is a JSON object written where serialising it in general would cost more than all else? (RFC 8259)
//!
//! For the claims and the answer of a token, and for the lines of the log: flat objects, straight into their text.

use std::fmt::{self, Display, Write};

/// A JSON object that grows member by member, in the order given. Names are the program's own and need no escaping.
#[derive(Clone, Debug)]
pub struct ObjectText(String);

impl ObjectText {
    /// An object without members, with room for `capacity` bytes of text.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        text.push('{');
        Self(text)
    }

    /// Adds a string.
    pub fn string(&mut self, name: &'static str, value: &str) {
        self.name(name);
        push_string(&mut self.0, value);
    }

    /// Adds a string that needs no escaping: base64url, a scope.
    pub fn plain_string(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        // Writing into a String cannot fail.
        let _ = write!(self.0, "\"{value}\"");
    }

    /// Adds an array of strings.
    pub fn strings<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a str>) {
        self.name(name);
        self.0.push('[');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            push_string(&mut self.0, value);
        }
        self.0.push(']');
    }

    /// Adds a whole number.
    pub fn number(&mut self, name: &'static str, value: i64) {
        self.name(name);
        let _ = write!(self.0, "{value}");
    }

    /// Adds any value under any name.
    pub fn value(&mut self, name: &str, value: &serde_json::Value) {
        self.separate();
        push_string(&mut self.0, name);
        let _ = write!(self.0, ":{value}");
    }

    /// The text.
    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &'static str) {
        self.separate();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }
}

/// Writes through to another writer what may stand between the quotes of a JSON string.
#[derive(Debug)]
pub struct Escaping<'a, W: ?Sized>(pub &'a mut W);

impl<W: Write + ?Sized> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((plain, byte, after)) = split_at_special(rest) {
            self.0.write_str(plain)?;
            match byte {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                b'\r' => self.0.write_str("\\r")?,
                b'\t' => self.0.write_str("\\t")?,
                control => write!(self.0, "\\u{control:04x}")?,
            }
            rest = after;
        }
        self.0.write_str(rest)
    }
}

fn push_string(out: &mut String, value: &str) {
    out.push('"');
    let _ = Escaping(out).write_str(value);
    out.push('"');
}

/// What stands before the first character that must be escaped (RFC 8259 §7), that character, and what follows it.
fn split_at_special(text: &str) -> Option<(&str, u8, &str)> {
    let is_special = |byte: &u8| (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\');
    // Without a way out in between, the compiler looks at all bytes of a piece at once; nearly all pieces are plain.
    let has_special = |piece: &[u8]| piece.iter().fold(false, |found, byte| found | is_special(byte));
    let plain_pieces = text.as_bytes().chunks(16).take_while(|piece| !has_special(piece)).count();
    let within = text.as_bytes().get(plain_pieces * 16..)?.iter().position(is_special)?;
    let (plain, rest) = text.split_at_checked(plain_pieces * 16 + within)?;
    let byte = *rest.as_bytes().first()?;
    Some((plain, byte, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn members_stand_in_the_order_given() {
        let mut object = ObjectText::with_capacity(0);
        object.string("text", "a\"b\\c\u{1}\n");
        object.number("number", -7);
        object.strings("list", ["x", "y\""].into_iter());
        object.strings("none", std::iter::empty());
        object.plain_string("plain", "list:users");
        object.value("odd\"name", &json!({"a": [1, null]}));
        assert_eq!(
            object.finish(),
            r#"{"text":"a\"b\\c\u0001\n","number":-7,"list":["x","y\""],"none":[],"plain":"list:users","odd\"name":{"a":[1,null]}}"#
        );
        assert_eq!(ObjectText::with_capacity(0).finish(), "{}");
    }

    proptest! {
        #[test]
        fn serde_reads_back_every_text(text in any::<String>()) {
            let mut object = ObjectText::with_capacity(16);
            object.string("text", &text);
            prop_assert_eq!(serde_json::from_str::<Value>(&object.finish()).unwrap(), json!({"text": text}));
        }
    }
}
