//! How is each error told, in every mode?

use rstest::rstest;

use super::*;

fn audience() -> Audience {
    "https://api.example.com/".parse().unwrap()
}

fn scope() -> ScopeSet {
    ScopeSet::parse("delete:users").unwrap()
}

/// What is wrong, then status and code in `standard` and in `auth0`.
#[rstest]
#[case(TokenError::InvalidClient, (401, "invalid_client"), (401, "access_denied"))]
#[case(TokenError::NoCredentials, (401, "invalid_client"), (401, "access_denied"))]
#[case(TokenError::UnsupportedAuthorizationScheme, (401, "invalid_client"), (401, "access_denied"))]
#[case(TokenError::UnsupportedAssertionType, (401, "invalid_client"), (401, "access_denied"))]
#[case(MalformedRequest::TwoMethods.into(), (400, "invalid_request"), (400, "invalid_request"))]
#[case(MalformedRequest::ContentType.into(), (400, "invalid_request"), (400, "invalid_request"))]
#[case(TokenError::BodyTooLarge { limit: 1 }, (413, "invalid_request"), (413, "invalid_request"))]
#[case(TokenError::UnauthorizedClient, (400, "unauthorized_client"), (403, "unauthorized_client"))]
#[case(TokenError::UnsupportedGrantType(None), (400, "unsupported_grant_type"), (403, "unsupported_grant_type"))]
#[case(TokenError::MissingGrantType, (400, "invalid_request"), (400, "invalid_request"))]
#[case(TokenError::UnknownApi(Some(audience())), (400, "invalid_target"), (403, "access_denied"))]
#[case(TokenError::UnknownApi(None), (400, "invalid_target"), (403, "access_denied"))]
#[case(TokenError::NoGrant { client_id: None, audience: audience() }, (400, "invalid_target"), (403, "access_denied"))]
#[case(TokenError::NoAudience, (400, "invalid_target"), (403, "access_denied"))]
#[case(TokenError::SeveralAudiences, (400, "invalid_target"), (400, "invalid_target"))]
#[case(TokenError::ScopeAcrossApis(vec![audience(), audience()]), (400, "invalid_target"), (403, "access_denied"))]
#[case(TokenError::ScopeNotGranted(scope()), (400, "invalid_scope"), (403, "access_denied"))]
#[case(TokenError::MalformedScope, (400, "invalid_scope"), (403, "access_denied"))]
#[case(TokenError::MissingScope, (400, "invalid_scope"), (403, "access_denied"))]
#[case(TokenError::TooManyRequests { retry_after: 1 }, (429, "temporarily_unavailable"), (429, "too_many_requests"))]
#[case(TokenError::TooOften { retry_after: 1 }, (429, "temporarily_unavailable"), (429, "too_many_requests"))]
#[case(TokenError::TooManyFailures { retry_after: 1 }, (429, "temporarily_unavailable"), (429, "too_many_requests"))]
#[case(TokenError::Overloaded { retry_after: 1 }, (503, "temporarily_unavailable"), (503, "temporarily_unavailable"))]
#[case(TokenError::TemporarilyUnavailable { retry_after: 1 }, (503, "temporarily_unavailable"), (503, "temporarily_unavailable"))]
#[case(TokenError::ServerError, (500, "server_error"), (500, "server_error"))]
fn each_error_has_its_status_and_code(
    #[case] error: TokenError,
    #[case] standard: (u16, &str),
    #[case] auth0: (u16, &str),
) {
    for (compat, expected) in [(Compat::Standard, standard), (Compat::IdentityServer, standard), (Compat::Auth0, auth0)]
    {
        let rendered = error.render(compat);
        assert_eq!((rendered.status, rendered.error), expected, "{compat}");
        // RFC 6749 §5.2: error_description is %x20-21 / %x23-5B / %x5D-7E; Auth0's own texts hold quotes.
        let allowed = |byte: u8| {
            byte == b' ' || crate::oauth::scope::is_nqchar(byte) || (compat == Compat::Auth0 && byte == b'"')
        };
        assert!(rendered.description.bytes().all(allowed), "{}", rendered.description);
        assert!(!rendered.description.is_empty());
    }
}

#[test]
fn auth0_words_are_auth0s() {
    let words = |error: TokenError| error.render(Compat::Auth0).description;
    assert_eq!(words(TokenError::InvalidClient), "Unauthorized");
    assert_eq!(words(TokenError::UnknownApi(Some(audience()))), "Service not found: https://api.example.com/");
    assert!(
        words(TokenError::NoGrant { client_id: None, audience: audience() })
            .starts_with("Client is not authorized to access \"https://api.example.com/\"")
    );
    assert_eq!(words(TokenError::ScopeNotGranted(scope())), "Client has not been granted scopes: delete:users");
}

#[test]
fn a_long_list_of_scopes_is_shortened() {
    let words = |scope| TokenError::ScopeNotGranted(ScopeSet::parse(scope).unwrap()).render(Compat::Standard);
    assert_eq!(words("a b c d e f g").description, "not granted to this client: a b c d e and 2 more");
    assert_eq!(words("a b c d e").description, "not granted to this client: a b c d e");
}

#[test]
fn the_apis_of_a_scope_are_named_up_to_five() {
    let words = |count: usize| {
        let apis = (1..=count).map(|number| format!("api-{number}").parse().unwrap()).collect();
        TokenError::ScopeAcrossApis(apis).render(Compat::Standard).description
    };
    assert_eq!(words(2), "a token is for one API, and scope asks for api-1 and api-2: send one request for each");
    assert!(words(5).contains("api-4 and api-5: send"));
    assert!(words(6).contains("api-4 and api-5 and others: send"));
}

#[test]
fn whoever_must_wait_is_told_for_how_long() {
    for error in [
        TokenError::TooManyRequests { retry_after: 7 },
        TokenError::TooManyFailures { retry_after: 7 },
        TokenError::Overloaded { retry_after: 7 },
        TokenError::TemporarilyUnavailable { retry_after: 7 },
    ] {
        for compat in Compat::ALL {
            assert_eq!(error.render(*compat).retry_after, Some(7), "{error:?} {compat}");
        }
    }
    assert_eq!(TokenError::InvalidClient.render(Compat::Standard).retry_after, None);
}
