//! Which bytes does a request have? They are made once and sent again and again.

use std::fmt::Write as _;

use url::form_urlencoded::Serializer;

/// `GET path`, with a bearer token where one is given.
pub(crate) fn get(path: &str, bearer: Option<&str>) -> Vec<u8> {
    let authorization = bearer.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n").into_bytes()
}

/// `POST path` with a form.
pub(crate) fn post_form(path: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
    let body = Serializer::new(String::new()).extend_pairs(parameters).finish();
    post(path, "application/x-www-form-urlencoded", &body)
}

/// `POST path` with a body as it is.
pub(crate) fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n");
    // Writing to a string cannot fail.
    let _ = write!(request, "content-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    request.into_bytes()
}
