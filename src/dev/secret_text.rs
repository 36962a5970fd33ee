//! Does a name stand for a secret, or does a text hold one? Rather once too often: a log that hides a value too many does no harm.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// What stands in place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// Letters by which a name is that of a secret, wherever they stand in it.
const SECRET_PARTS: [&str; 9] =
    ["secret", "password", "passphrase", "assertion", "token", "apikey", "privatekey", "authorization", "cookie"];

/// The letters of further such names.
const SECRET_NAMES: [&str; 4] = ["code", "codeverifier", "hash", "link"];

/// The letters of names that only sound like it.
const PLAIN_NAMES: [&str; 11] = [
    "assertiontype",
    "clientassertiontype",
    "requestedtokentype",
    "subjecttokentype",
    "tokendialect",
    "tokenendpoint",
    "tokenendpointauthmethod",
    "tokenendpointauthmethodssupported",
    "tokenendpointauthsigningalg",
    "tokenlifetime",
    "tokentype",
];

/// What stands before a secret in a text, without quotes, blanks and backslashes, in lower case.
const SECRET_MARKS: [&str; 7] = ["secret=", "password=", "assertion=", "token=", "apikey=", "api_key=", "privatekey"];

/// The same in JSON, with the quote that ends a name.
const SECRET_MEMBERS: [&str; 5] = ["secret\":", "password\":", "assertion\":", "token\":", "client_secret\""];

/// How many letters and digits follow `ths_` at least in what is taken for a secret.
const SECRET_LENGTH: usize = 16;

/// Its ASCII letters in lower case: `client-secret`, `clientSecret` and `client_secret[]` are one name.
pub(super) fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Is what is called `name` a secret?
pub(super) fn names_secret(name: &str) -> bool {
    let letters = letters(name);
    if PLAIN_NAMES.contains(&letters.as_str()) {
        return false;
    }
    SECRET_NAMES.contains(&letters.as_str()) || SECRET_PARTS.iter().any(|part| letters.contains(part))
}

/// `text`, or what stands in its place if there is a secret in it.
pub(super) fn shown(text: &str) -> String {
    if holds_secret(text) { REDACTED.to_owned() } else { text.to_owned() }
}

/// Is there a secret in `text`, as it is or percent-encoded?
pub(super) fn holds_secret(text: &str) -> bool {
    if is_suspect(text) {
        return true;
    }
    text.contains('%') && is_suspect(&percent_decoded(text))
}

/// `text` with its percent-encoding undone once.
pub(super) fn percent_decoded(text: &str) -> String {
    let value = format!("x={}", text.replace('&', "%26").replace('+', "%2B"));
    url::form_urlencoded::parse(value.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

fn is_suspect(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let bare: String = lower.chars().filter(|letter| !letter.is_whitespace() && *letter != '\\').collect();
    let unquoted: String = bare.chars().filter(|letter| !matches!(letter, '"' | '\'')).collect();
    SECRET_MARKS.iter().any(|mark| unquoted.contains(mark))
        || SECRET_MEMBERS.iter().any(|member| bare.contains(member))
        || holds_generated_secret(text)
        || holds_jwt(text)
}

fn holds_generated_secret(text: &str) -> bool {
    let is_long = |rest: &str| rest.bytes().take_while(u8::is_ascii_alphanumeric).count() >= SECRET_LENGTH;
    text.split("ths_").skip(1).any(is_long)
}

/// Three parts, of which the first is a header (RFC 7515 §3.1); five are one too (RFC 7516 §3.1).
fn holds_jwt(text: &str) -> bool {
    let pieces = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-' | '.'));
    pieces.filter(|piece| piece.contains('.')).any(|piece| {
        let parts: Vec<&str> = piece.split('.').collect();
        parts.windows(3).any(|three| three.first().is_some_and(|header| is_header(header)))
    })
}

fn is_header(part: &str) -> bool {
    let is_object = |bytes: Vec<u8>| serde_json::from_slice::<Map<String, Value>>(&bytes).is_ok();
    part.contains("eyJ") || BASE64_URL_SAFE_NO_PAD.decode(part).is_ok_and(is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_by_its_letters() {
        for name in [
            "client_secret",
            "client_secret[]",
            "client-secret",
            "clientSecret",
            "client_secret ",
            "api_key",
            "X-API-Key",
            "Proxy-Authorization",
            "access_token",
            "secrets",
            "password2",
            "client%5Fsecret",
            "private_key",
            "code",
            "Set-Cookie",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in [
            "token_type",
            "token_lifetime",
            "token_dialect",
            "token_endpoint_auth_method",
            "token_endpoint",
            "subject_token_type",
            "client_assertion_type",
            "client_id",
            "scope",
            "error_code",
            "grant_type",
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn a_text_is_hidden_for_what_it_holds() {
        for text in [
            "a;client_secret=X",
            "a&client_secret=X",
            "a%26client_secret%3DX",
            "{\"client_secret\": \"X\"}",
            "{\\\"client_secret\\\":1}",
            "?access_token=X",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----",
            "ths_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "x=eyJhbGciOiJub25lIn0.e30.",
            "e30.e30.x",
            "see eyJhbGciOiJub25lIn0.e30.x!",
        ] {
            assert!(holds_secret(text), "{text}");
        }
        for text in
            ["https://api.example.com/", "read:token list:secrets", "partner-a", "months_of_sun", "1.2.3", "a%20b"]
        {
            assert!(!holds_secret(text), "{text}");
        }
    }
}
