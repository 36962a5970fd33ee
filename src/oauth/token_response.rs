//! What does a successful token request answer? (RFC 6749 §5.1)

use crate::json_text::ObjectText;

/// Room for the answer beside token and scope: names, numbers, punctuation.
const FIXED_BYTES: usize = 96;

/// Renders the JSON of a successful answer. No refresh token is ever issued (RFC 6749 §4.4.3).
pub fn render_token_response(access_token: &str, expires_in: u32, scope: &str) -> String {
    let mut response = ObjectText::with_capacity(access_token.len() + scope.len() + FIXED_BYTES);
    // Base64url and dots.
    response.plain_string("access_token", access_token);
    response.plain_string("token_type", "Bearer");
    response.number("expires_in", expires_in.into());
    if !scope.is_empty() {
        // No scope value holds a quote or a backslash (RFC 6749 §3.3).
        response.plain_string("scope", scope);
    }
    response.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_stated_unless_it_is_empty() {
        let render = |scope| render_token_response("t", 60, scope);
        assert_eq!(render("a b"), r#"{"access_token":"t","token_type":"Bearer","expires_in":60,"scope":"a b"}"#);
        assert_eq!(render(""), r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#);
    }
}
