//! How is a text written in the source of a program, so that it is that text and nothing else? In each language by its own rules.

use std::fmt::Write as _;

/// A string in a POSIX shell. Nothing means anything between single quotes but the next one.
pub(super) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A string in JavaScript, between single quotes, where `${` means nothing (ECMA-262 §12.9.4).
pub(super) fn javascript(text: &str) -> String {
    quoted('\'', text, |code| format!("\\u{{{code:x}}}"))
}

/// A string in Python, between double quotes.
pub(super) fn python(text: &str) -> String {
    quoted('"', text, |code| format!("\\U{code:08x}"))
}

/// An interpreted string in Go.
pub(super) fn go(text: &str) -> String {
    quoted('"', text, |code| format!("\\U{code:08x}"))
}

/// A string in Java. `\u` is read before anything else there, and `\u000a` would end the line: octal, which is not (JLS §3.10.7).
pub(super) fn java(text: &str) -> String {
    quoted('"', text, |code| match code {
        0..=0o377 => format!("\\{code:03o}"),
        _ => format!("\\u{code:04x}"),
    })
}

/// A regular string in C#.
pub(super) fn csharp(text: &str) -> String {
    quoted('"', text, |code| format!("\\U{code:08x}"))
}

/// A string in Rust.
pub(super) fn rust(text: &str) -> String {
    quoted('"', text, |code| format!("\\u{{{code:x}}}"))
}

/// `text` between two `quote`s; what no line of a program can show is written as a `number`.
fn quoted(quote: char, text: &str, number: impl Fn(u32) -> String) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push(quote);
    for character in text.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            _ if character == quote => {
                let _ = write!(written, "\\{quote}");
            }
            // Some of these end a line in one language or another, or turn the direction of writing.
            _ if character.is_control() || is_invisible(character) => written.push_str(&number(u32::from(character))),
            _ => written.push(character),
        }
    }
    written.push(quote);
    written
}

/// Does it end lines or change the order in which a text is shown?
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that any of the languages gives a meaning to within a string, and a line break.
    const HOSTILE: &str = "a'b\"c\\d$e`f${g}$(h)#{i}\\u0022%j\nk\u{2028}";

    #[test]
    fn a_shell_reads_nothing_between_single_quotes() {
        assert_eq!(shell("a'b\"$(x)`y`\\"), r#"'a'\''b"$(x)`y`\'"#);
        let said = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", shell(HOSTILE))).output();
        assert_eq!(said.unwrap().stdout, HOSTILE.as_bytes());
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_and_lines_do_not_end() {
        assert_eq!(javascript(HOSTILE), r#"'a\'b"c\\d$e`f${g}$(h)#{i}\\u0022%j\u{a}k\u{2028}'"#);
        assert_eq!(rust(HOSTILE), r#""a'b\"c\\d$e`f${g}$(h)#{i}\\u0022%j\u{a}k\u{2028}""#);
        for language in [python, go, csharp] {
            assert_eq!(language(HOSTILE), r#""a'b\"c\\d$e`f${g}$(h)#{i}\\u0022%j\U0000000ak\U00002028""#);
        }
        assert_eq!(java(HOSTILE), r#""a'b\"c\\d$e`f${g}$(h)#{i}\\u0022%j\012k\u2028""#);
    }

    #[test]
    fn a_plain_text_stays_as_it_is() {
        for language in [python, go, java, csharp, rust] {
            assert_eq!(language("list:users https://api/"), "\"list:users https://api/\"");
        }
        assert_eq!(javascript("ü"), "'ü'");
        assert_eq!(shell(""), "''");
    }
}
