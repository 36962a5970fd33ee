//! Is what is told fit to be told: on one line, within RFC 6749's characters, not endless?

use crate::oauth::error::RenderedError;
use crate::oauth::resource::Compat;
use crate::oauth::scope::is_nqchar;

/// Longest text that any error may be.
const LONGEST: usize = 64 * 1024;

/// A text for a log or a terminal: nothing in it can forge another line or steer the terminal.
pub(crate) fn on_one_line(text: &str) {
    assert!(!text.is_empty() && text.len() <= LONGEST, "{} bytes: {text:?}", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// An error of the token endpoint under `compat` (RFC 6749 §5.2); Auth0's own words hold quotes.
pub(super) fn within_rfc_6749(rendered: &RenderedError, compat: Compat) {
    let RenderedError { status, error, description, .. } = rendered;
    assert!((400..600).contains(status), "{status}");
    assert!(!error.is_empty() && error.bytes().all(is_nqchar), "{error}");
    on_one_line(description);
    let allowed = |byte: u8| byte == b' ' || is_nqchar(byte) || (compat == Compat::Auth0 && byte == b'"');
    assert!(description.bytes().all(allowed), "{description}");
}
