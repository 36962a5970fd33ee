//! How does text of others stay on one line, with nothing that a terminal would obey?

/// `text` with its control characters written as Rust writes them: a name from outside must not forge further lines.
pub fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printed_is_escaped_and_the_rest_stays() {
        assert_eq!(on_one_line("Käse \"x\""), "Käse \"x\"");
        assert_eq!(on_one_line("a\nb\u{1b}[1m\u{85}"), "a\\nb\\u{1b}[1m\\u{85}");
    }
}
