//! Which access does the client credentials grant give this client? (RFC 6749 §4.4 and §3.3, RFC 8707 §2)

use uuid::Uuid;

use super::client::{Client, ClientGrant};
use super::error::TokenError;
use super::resource::{Api, Audience, DefaultScope, ScopePolicy};
use super::scope::ScopeSet;
use super::token_request::AccessRequest;

/// Where APIs are looked up.
pub trait ApiDirectory {
    /// The API whose identifier is `audience`.
    fn api_by_audience(&self, audience: &Audience) -> Option<&Api>;
    /// The API with our own id `id`.
    fn api_by_id(&self, id: Uuid) -> Option<&Api>;
}

/// The access that a token will carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The API the token is for.
    pub api: &'a Api,
    /// The scopes it carries; may be empty.
    pub scope: ScopeSet,
}

/// Decides which access `client` gets for `request`, by the audience it names or implies and by the API's scope rules.
///
/// # Errors
/// `unauthorized_client`, `invalid_target` or `invalid_scope`: why there is none.
pub fn authorize_client_credentials<'a>(
    request: &AccessRequest,
    client: &Client,
    apis: &'a impl ApiDirectory,
) -> Result<Authorization<'a>, TokenError> {
    if !client.client_credentials_allowed {
        return Err(TokenError::UnauthorizedClient);
    }
    let (api, grant) = select_api(request, client, apis)?;
    let granted = effective_scope(api, grant);
    let scope = select_scope(request, api, granted)?;
    Ok(Authorization { api, scope })
}

/// What the grant gives today: its scopes that the API still defines, in the grant's order.
pub fn effective_scope(api: &Api, grant: &ClientGrant) -> ScopeSet {
    grant.scope.divided_by(api.scopes.iter().map(|scope| &scope.value)).0
}

fn select_api<'a, 'c>(
    request: &AccessRequest,
    client: &'c Client,
    apis: &'a impl ApiDirectory,
) -> Result<(&'a Api, &'c ClientGrant), TokenError> {
    let audience = match requested_audience(request)? {
        Some(audience) => audience,
        None => match &client.default_audience {
            Some(audience) => audience.clone(),
            None => return infer_api(request, client, apis),
        },
    };
    let api = apis.api_by_audience(&audience).ok_or_else(|| TokenError::UnknownApi(Some(audience.clone())))?;
    match client.grant_for(api.id) {
        Some(grant) => Ok((api, grant)),
        None => Err(TokenError::NoGrant {
            client_id: Some(client.client_id.clone()).filter(super::client::ClientId::is_quotable),
            audience,
        }),
    }
}

/// The API named by `audience` or `resource`; equal values count once.
fn requested_audience(request: &AccessRequest) -> Result<Option<Audience>, TokenError> {
    let mut named = request.audience.iter().chain(&request.resource);
    let Some(first) = named.next() else { return Ok(None) };
    if named.any(|other| other != first) {
        return Err(TokenError::SeveralAudiences);
    }
    first.parse().map(Some).map_err(|_| TokenError::UnknownApi(None))
}

/// The API that follows from the client's grants: the only one, or the only one that defines every requested scope.
fn infer_api<'a, 'c>(
    request: &AccessRequest,
    client: &'c Client,
    apis: &'a impl ApiDirectory,
) -> Result<(&'a Api, &'c ClientGrant), TokenError> {
    let granted = || client.grants.iter().filter_map(|grant| apis.api_by_id(grant.api_id).map(|api| (api, grant)));
    if let Some(only) = exactly_one(granted()) {
        return Ok(only);
    }
    let requested = parse_scope(request)?.filter(|scope| !scope.is_empty()).ok_or(TokenError::NoAudience)?;
    exactly_one(granted().filter(|(api, _)| requested.iter().all(|value| api.defines(value))))
        .ok_or_else(|| no_single_api(&requested, &granted().map(|(api, _)| api)))
}

/// Why `requested` leads to no single API of those `granted`: it is said where its values belong to different ones.
fn no_single_api<'a>(requested: &ScopeSet, granted: &(impl Iterator<Item = &'a Api> + Clone)) -> TokenError {
    let mut across: Vec<Audience> = Vec::new();
    for value in requested {
        let mut defining = granted.clone().filter(|api| api.defines(value));
        let Some(only) = exactly_one(&mut defining) else { continue };
        if !across.contains(&only.identifier) {
            across.push(only.identifier.clone());
        }
    }
    if across.len() > 1 { TokenError::ScopeAcrossApis(across) } else { TokenError::NoAudience }
}

fn exactly_one<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

fn select_scope(request: &AccessRequest, api: &Api, granted: ScopeSet) -> Result<ScopeSet, TokenError> {
    let requested = match api.scope_policy {
        ScopePolicy::Ignore => None,
        ScopePolicy::Exact | ScopePolicy::WholeGrant => parse_scope(request)?.filter(|scope| !scope.is_empty()),
    };
    let Some(requested) = requested else {
        return match api.default_scope {
            DefaultScope::All => Ok(granted),
            DefaultScope::None => Ok(ScopeSet::default()),
            DefaultScope::Error => Err(TokenError::MissingScope),
        };
    };
    // Never a silent shrink: RFC 6749 §3.3 would allow it, but clients break on a scope they did not ask for.
    let (_, missing) = requested.divided_by(granted.iter());
    if !missing.is_empty() {
        return Err(TokenError::ScopeNotGranted(missing));
    }
    Ok(if api.scope_policy == ScopePolicy::WholeGrant { granted } else { requested })
}

fn parse_scope(request: &AccessRequest) -> Result<Option<ScopeSet>, TokenError> {
    request.scope.as_deref().map(ScopeSet::parse).transpose().map_err(|_| TokenError::MalformedScope)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::clock::UnixMillis;
    use crate::oauth::resource::{Lifetime, ScopeDefinition};

    struct Apis(Vec<Api>);

    impl ApiDirectory for Apis {
        fn api_by_audience(&self, audience: &Audience) -> Option<&Api> {
            self.0.iter().find(|api| api.identifier == *audience)
        }

        fn api_by_id(&self, id: Uuid) -> Option<&Api> {
            self.0.iter().find(|api| api.id == id)
        }
    }

    fn api(number: u128, identifier: &str, scopes: &str) -> Api {
        let defined = ScopeSet::parse(scopes).unwrap();
        let id = Uuid::from_u128(number);
        let lifetime = Lifetime::try_from(3600).unwrap();
        Api {
            scopes: defined.iter().map(|value| ScopeDefinition { value: value.clone(), description: None }).collect(),
            ..Api::new(id, identifier.parse().unwrap(), lifetime, UnixMillis(0))
        }
    }

    fn client(grants: &[(u128, &str)]) -> Client {
        let grants = grants.iter().map(|(api, scope)| ClientGrant {
            id: Uuid::from_u128(100 + api),
            api_id: Uuid::from_u128(*api),
            scope: ScopeSet::parse(scope).unwrap(),
            auth0_fields: serde_json::Map::new(),
            created_at: UnixMillis(0),
            updated_at: UnixMillis(0),
        });
        let id = Uuid::from_u128(50);
        Client { grants: grants.collect(), ..Client::new(id, "partner-a".parse().unwrap(), UnixMillis(0)) }
    }

    fn two_apis() -> Apis {
        Apis(vec![api(1, "https://one/", "read write"), api(2, "https://two/", "read send")])
    }

    fn ask(audience: Option<&str>, resource: &[&str], scope: Option<&str>) -> AccessRequest {
        AccessRequest {
            audience: audience.map(str::to_owned),
            resource: resource.iter().map(|text| (*text).to_owned()).collect(),
            scope: scope.map(str::to_owned),
        }
    }

    fn decide(request: &AccessRequest, client: &Client, apis: &Apis) -> Result<(String, String), TokenError> {
        authorize_client_credentials(request, client, apis)
            .map(|given| (given.api.identifier.to_string(), given.scope.to_string()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside the refusals")]
    fn given(api: &str, scope: &str) -> Result<(String, String), TokenError> {
        Ok((api.to_owned(), scope.to_owned()))
    }

    #[rstest]
    #[case::audience(ask(Some("https://two/"), &[], None), given("https://two/", "read send"))]
    #[case::resource(ask(None, &["https://two/"], None), given("https://two/", "read send"))]
    #[case::equal_values(ask(Some("https://one/"), &["https://one/", "https://one/"], Some("read")), given("https://one/", "read"))]
    #[case::different(ask(Some("https://one/"), &["https://two/"], None), Err(TokenError::SeveralAudiences))]
    #[case::inferred_from_scope(ask(None, &[], Some("send")), given("https://two/", "send"))]
    #[case::ambiguous(ask(None, &[], Some("read")), Err(TokenError::NoAudience))]
    #[case::across_two(ask(None, &[], Some("write send")), Err(TokenError::ScopeAcrossApis(vec!["https://one/".parse().unwrap(), "https://two/".parse().unwrap()])))]
    #[case::across_two_and_common(ask(None, &[], Some("send read write")), Err(TokenError::ScopeAcrossApis(vec!["https://two/".parse().unwrap(), "https://one/".parse().unwrap()])))]
    #[case::one_and_nobodys(ask(None, &[], Some("write nobodys")), Err(TokenError::NoAudience))]
    #[case::nothing_named(ask(None, &[], None), Err(TokenError::NoAudience))]
    #[case::unknown(ask(Some("https://no/"), &[], None), Err(TokenError::UnknownApi("https://no/".parse().ok())))]
    #[case::fragment(ask(Some("https://one/#x"), &[], None), Err(TokenError::UnknownApi(None)))]
    #[case::relative(ask(None, &["/one"], None), Err(TokenError::UnknownApi("/one".parse().ok())))]
    #[case::case_sensitive(ask(Some("https://ONE/"), &[], None), Err(TokenError::UnknownApi("https://ONE/".parse().ok())))]
    fn the_audience_is_found(#[case] request: AccessRequest, #[case] expected: Result<(String, String), TokenError>) {
        let client = client(&[(1, "read write"), (2, "read send")]);
        assert_eq!(decide(&request, &client, &two_apis()), expected);
    }

    #[test]
    fn the_default_audience_comes_before_inference_and_the_only_grant_after_it() {
        let mut both = client(&[(1, "read"), (2, "send")]);
        both.default_audience = "https://one/".parse().ok();
        assert_eq!(
            decide(&ask(None, &[], Some("send")), &both, &two_apis()),
            Err(TokenError::ScopeNotGranted(ScopeSet::parse("send").unwrap()))
        );
        assert_eq!(decide(&ask(None, &[], None), &both, &two_apis()), given("https://one/", "read"));
        assert_eq!(decide(&ask(None, &[], None), &client(&[(2, "send")]), &two_apis()), given("https://two/", "send"));
    }

    #[test]
    fn an_api_without_a_grant_is_refused() {
        let refused = decide(&ask(Some("https://two/"), &[], None), &client(&[(1, "read")]), &two_apis());
        assert!(matches!(refused, Err(TokenError::NoGrant { .. })));
    }

    #[test]
    fn a_client_without_the_grant_type_is_unauthorized() {
        let mut client = client(&[(1, "read")]);
        client.client_credentials_allowed = false;
        assert_eq!(decide(&ask(None, &[], None), &client, &two_apis()), Err(TokenError::UnauthorizedClient));
    }

    #[rstest]
    #[case(ScopePolicy::Exact, DefaultScope::All, None, Ok("read write"))]
    #[case(ScopePolicy::Exact, DefaultScope::None, None, Ok(""))]
    #[case(ScopePolicy::Exact, DefaultScope::Error, None, Err(TokenError::MissingScope))]
    #[case(ScopePolicy::Exact, DefaultScope::Error, Some("write"), Ok("write"))]
    #[case(ScopePolicy::Exact, DefaultScope::All, Some(" "), Ok("read write"))]
    #[case(ScopePolicy::WholeGrant, DefaultScope::All, Some("write"), Ok("read write"))]
    #[case(ScopePolicy::Ignore, DefaultScope::All, Some("openid \"junk"), Ok("read write"))]
    #[case(ScopePolicy::Exact, DefaultScope::All, Some("a\"b"), Err(TokenError::MalformedScope))]
    #[case(ScopePolicy::Exact, DefaultScope::All, Some("READ"), Err(TokenError::ScopeNotGranted(ScopeSet::parse("READ").unwrap())))]
    #[case(ScopePolicy::WholeGrant, DefaultScope::All, Some("read purge"), Err(TokenError::ScopeNotGranted(ScopeSet::parse("purge").unwrap())))]
    fn the_scope_follows_the_policy_and_never_leaves_the_grant(
        #[case] policy: ScopePolicy,
        #[case] default: DefaultScope,
        #[case] scope: Option<&str>,
        #[case] expected: Result<&str, TokenError>,
    ) {
        let mut apis = Apis(vec![api(1, "https://one/", "read write purge")]);
        apis.0[0].scope_policy = policy;
        apis.0[0].default_scope = default;
        let answer = decide(&ask(None, &[], scope), &client(&[(1, "read write")]), &apis);
        assert_eq!(answer.map(|(_, scope)| scope), expected.map(str::to_owned));
    }

    #[test]
    fn a_scope_that_the_api_no_longer_defines_is_not_issued() {
        let apis = Apis(vec![api(1, "https://one/", "read")]);
        assert_eq!(decide(&ask(None, &[], None), &client(&[(1, "read gone")]), &apis), given("https://one/", "read"));
    }
}
