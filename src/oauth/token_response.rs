//! What does a successful token request answer? (RFC 6749 §5.1)

use serde::Serialize;

use super::scope::ScopeSet;

#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// Renders the JSON of a successful answer. No refresh token is ever issued (RFC 6749 §4.4.3).
///
/// # Errors
/// Only if the members cannot be written as JSON, which no value of theirs can cause.
pub fn render_token_response(
    access_token: &str,
    expires_in: u32,
    scope: &ScopeSet,
) -> Result<Vec<u8>, serde_json::Error> {
    let scope = scope.to_string();
    serde_json::to_vec(&TokenResponse { access_token, token_type: "Bearer", expires_in, scope: &scope })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_stated_unless_it_is_empty() {
        let render = |scope| {
            String::from_utf8(render_token_response("t", 60, &ScopeSet::parse(scope).unwrap()).unwrap()).unwrap()
        };
        assert_eq!(render("a b"), r#"{"access_token":"t","token_type":"Bearer","expires_in":60,"scope":"a b"}"#);
        assert_eq!(render(""), r#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#);
    }
}
