//! What has a program logged so far, and is there anything in it that no log may hold?

use std::path::Path;
use std::time::Duration;

/// The log in `file`, once nothing more has come for a while. It writes its lines many at a time, some milliseconds after the answers.
pub fn settled(file: &Path) -> String {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    let mut before = read();
    loop {
        std::thread::sleep(Duration::from_millis(150));
        let now = read();
        if now == before {
            return now;
        }
        before = now;
    }
}

/// The first thing in `log` that has the form of a secret: a generated secret, a signed token or a private key.
pub fn find_secret(log: &str) -> Option<&str> {
    let generated = log.match_indices("ths_").filter_map(|(at, _)| {
        let word = word_at(log, at, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        (word.len() >= 40).then_some(word)
    });
    let signed = log.match_indices("eyJ").filter_map(|(at, _)| {
        let word = word_at(log, at, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        (word.len() >= 80 && word.matches('.').count() == 2).then_some(word)
    });
    let keys = log.match_indices("PRIVATE KEY").map(|(_, found)| found);
    generated.chain(signed).chain(keys).next()
}

fn word_at(text: &str, at: usize, belongs: impl Fn(char) -> bool) -> &str {
    let rest = &text[at..];
    &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())]
}

/// Every server's log of the whole test run passes this at its end.
pub fn check(file: &Path) {
    // Of a test that has failed already, that is what matters.
    if !std::thread::panicking() {
        let log = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(secret) = find_secret(&log) {
            panic!("{secret} is in the log: {log}");
        }
    }
}

#[test]
fn what_has_the_form_of_a_secret_is_found() {
    let token = format!("eyJ{}.{}.{}", "a".repeat(30), "b".repeat(60), "c".repeat(80));
    let secret = format!("ths_{}", "A".repeat(60));
    for found in [&token, &secret, "PRIVATE KEY"] {
        assert_eq!(find_secret(&format!("{{\"a\":\"{found}\"}}")), Some(found));
    }
    for harmless in ["the prefix ths_ alone", "eyJhbGciOiJub25lIn0", "a private key", &token[..70]] {
        assert_eq!(find_secret(harmless), None, "{harmless}");
    }
}
