//! How is a JSON object written where serialising it in general would cost more than all else? (RFC 8259)
//!
//! For the claims and the answer of a token, and for the lines of the log: flat objects, straight into their text.

use std::fmt::{self, Write};

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

    /// A copy with room for `bytes` more.
    #[must_use]
    pub fn with_room(&self, bytes: usize) -> Self {
        let mut text = String::with_capacity(self.0.len() + bytes);
        text.push_str(&self.0);
        Self(text)
    }

    /// How many bytes of text there are.
    pub const fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Adds a string.
    pub fn string(&mut self, name: &'static str, value: &str) {
        self.name(name);
        push_string(&mut self.0, value);
    }

    /// Adds a string that needs no escaping: base64url, a scope.
    pub fn plain_string(&mut self, name: &'static str, value: &str) {
        self.name(name);
        self.0.push('"');
        self.0.push_str(value);
        self.0.push('"');
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
        // Writing into a String cannot fail.
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
    let bytes = text.as_bytes();
    // Nearly every text is plain, so it is looked at by the word.
    let (words, _) = bytes.as_chunks::<8>();
    let plain = 8 * words.iter().take_while(|word| !has_special(u64::from_le_bytes(**word))).count();
    let within = bytes.get(plain..)?.iter().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\'))?;
    let (plain, rest) = text.split_at_checked(plain + within)?;
    let byte = *rest.as_bytes().first()?;
    Some((plain, byte, rest.get(1..)?))
}

/// Is one of eight bytes below 0x20, a quotation mark or a backslash? The upper bit of each byte tells of it: subtracting sets
/// it where the byte was too small, unless it was set before.
const fn has_special(word: u64) -> bool {
    const EACH: u64 = u64::MAX / 0xff;
    let quotes = word ^ (EACH * b'"' as u64);
    let backslashes = word ^ (EACH * b'\\' as u64);
    let special = (word.wrapping_sub(EACH * 0x20) & !word)
        | (quotes.wrapping_sub(EACH) & !quotes)
        | (backslashes.wrapping_sub(EACH) & !backslashes);
    special & (EACH * 0x80) != 0
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

    #[test]
    fn every_byte_is_judged_alike_wherever_it_stands() {
        for byte in 0..=0x7f_u8 {
            for place in 0..20 {
                let mut text = vec![b'x'; 20];
                text[place] = byte;
                let mut object = ObjectText::with_capacity(0);
                object.string("text", std::str::from_utf8(&text).unwrap());
                let read: Value = serde_json::from_str(&object.finish()).unwrap();
                assert_eq!(read["text"].as_str().unwrap().as_bytes(), text, "{byte:#x} at {place}");
            }
        }
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
