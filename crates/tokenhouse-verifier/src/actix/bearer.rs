//! Which one Bearer token does the request's `Authorization` field carry? (RFC 6750 §2.1, RFC 9110 §11.6.2)

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use memchr::memchr;

use super::refusal::Reason;

const SCHEME: &str = "Bearer";

/// The token in the request, as it came. Tokens in the query are not looked for (RFC 9700 §4.3.2).
pub(super) fn presented_token(headers: &HeaderMap) -> Result<&str, Reason> {
    let mut fields = headers.get_all(AUTHORIZATION);
    let field = fields.next().ok_or(Reason::NoToken)?;
    // RFC 6750 §2: one method and one token per request; and two parties must not read different fields of the same
    // request.
    if fields.next().is_some() {
        return Err(Reason::InvalidRequest("There is more than one Authorization header field"));
    }
    let not_ascii = || Reason::InvalidRequest("The Authorization header field is not ASCII");
    let field = str::from_utf8(field.as_bytes()).map_err(|_| not_ascii())?;
    if !field.is_ascii() {
        return Err(not_ascii());
    }
    let (scheme, mut token) = field.split_at_checked(SCHEME.len()).unwrap_or((field, ""));
    // RFC 9110 §11.1: the scheme is compared without regard to case. Another scheme brings no token for us.
    if !scheme.eq_ignore_ascii_case(SCHEME) || !token.starts_with(' ') {
        return Err(Reason::NoToken);
    }
    while let Some(rest) = token.strip_prefix(' ').or_else(|| token.strip_suffix(' ')) {
        token = rest;
    }
    // RFC 9110 §5.3: a proxy may have joined two fields with a comma, which no token contains (RFC 6750 §2.1).
    if memchr(b',', token.as_bytes()).is_some() {
        return Err(Reason::InvalidRequest("There is more than one access token"));
    }
    if token.is_empty() { Err(Reason::NoToken) } else { Ok(token) }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn presented(fields: &[&str]) -> Result<String, Reason> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(field.as_bytes()).unwrap());
        }
        presented_token(&headers).map(str::to_owned)
    }

    #[test]
    fn the_scheme_has_no_case_and_the_token_has() {
        for field in ["Bearer aB.c", "bearer aB.c", "BEARER   aB.c", "Bearer aB.c  "] {
            assert_eq!(presented(&[field]).unwrap(), "aB.c");
        }
    }

    #[test]
    fn no_bearer_token_is_no_token() {
        for fields in [
            &[][..],
            &["Bear"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer\tx"],
            &["Basic YTpi"],
            &["DPoP x"],
            &["Bearerx"],
            &["x Bearer"],
            &[""],
        ] {
            assert!(matches!(presented(fields), Err(Reason::NoToken)), "{fields:?}");
        }
    }

    #[test]
    fn two_tokens_are_one_too_many() {
        for fields in
            [&["Bearer a", "Bearer a"][..], &["Basic YTpi", "Bearer a"], &["Bearer a, Bearer b"], &["Bearer \u{e9}"]]
        {
            assert!(matches!(presented(fields), Err(Reason::InvalidRequest(_))), "{fields:?}");
        }
    }
}
