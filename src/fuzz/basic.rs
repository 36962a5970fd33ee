//! The `Authorization` header of a token request (RFC 6749 §2.3.1, RFC 7617).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use url::form_urlencoded;

use super::told::within_rfc_6749;
use crate::oauth::client_auth::{Mechanism, PresentedCredentials, parse_credentials, uses_basic};
use crate::oauth::form::TokenParameters;
use crate::oauth::resource::Compat;

/// Each line is the value of one such header, and `client_id=` begins the one of the body. The whole is also taken for `id:secret`, which
/// the fuzzer could hardly change in its base64.
///
/// Every reading of it is the text itself, or the text decoded as a form; nothing that is accepted holds a control character as it came;
/// at most one header is accepted.
pub fn basic(data: &[u8]) {
    let mut client_id = None;
    let mut headers = Vec::new();
    for line in data.split(|byte| *byte == b'\n').take(4) {
        match line.strip_prefix(b"client_id=") {
            Some(id) => client_id = std::str::from_utf8(id).ok().filter(|id| !id.is_empty()).map(str::to_owned),
            None => headers.push(line),
        }
    }
    judge(&headers, client_id.clone());

    let encoded = format!("Basic {}", BASE64_STANDARD.encode(data));
    let Some(readings) = judge(&[encoded.as_bytes()], None) else { return };
    let text = std::str::from_utf8(data).expect("what is accepted is UTF-8");
    let (id, secret) = text.split_once(':').expect("what is accepted has a colon");
    assert!(!text.bytes().any(|byte| byte.is_ascii_control()), "{text:?}");
    let raw = (id.to_owned(), secret.to_owned());
    assert_eq!(readings.last(), Some(&raw));
    if let [decoded, _] = readings.as_slice() {
        assert_eq!(*decoded, (decoded_by_url(id), decoded_by_url(secret)));
        assert_ne!(*decoded, raw, "one reading would do");
    }
    // What is sent as the RFC says is read as it was meant, first.
    let encoded: String = format!("{}:{}", form_encoded(id), form_encoded(secret));
    let encoded = format!("basic  {}", BASE64_STANDARD.encode(encoded));
    assert_eq!(
        judge(&[encoded.as_bytes()], Some(id.to_owned()).filter(|id| !id.is_empty())).unwrap_or_default().first(),
        Some(&raw)
    );
}

/// The readings, if these headers are accepted.
fn judge(headers: &[&[u8]], client_id: Option<String>) -> Option<Vec<(String, String)>> {
    let mut parameters = TokenParameters { client_id: client_id.clone(), ..TokenParameters::default() };
    match parse_credentials(headers, &mut parameters) {
        Ok(PresentedCredentials::Secret(secret)) => {
            assert_eq!((headers.len(), secret.mechanism), (1, Mechanism::ClientSecretBasic));
            assert!(uses_basic(headers) && (1..=2).contains(&secret.candidates.len()));
            let readings: Vec<_> =
                secret.candidates.into_iter().map(|one| (one.client_id, one.secret.to_string())).collect();
            assert!(readings.iter().any(|(id, secret)| !id.is_empty() && !secret.is_empty()));
            assert!(client_id.is_none_or(|named| readings.iter().all(|(id, _)| *id == named)));
            Some(readings)
        }
        Ok(PresentedCredentials::Assertion(_)) => panic!("there was none"),
        Err(error) => {
            for compat in [Compat::Standard, Compat::Auth0] {
                within_rfc_6749(&error.render(compat), compat);
            }
            None
        }
    }
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `&` and `=` mean something between parameters, but nothing within one.
fn decoded_by_url(text: &str) -> String {
    let one = format!("x={}", text.replace('&', "%26").replace('=', "%3D"));
    form_urlencoded::parse(one.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
