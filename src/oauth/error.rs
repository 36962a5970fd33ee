//! What goes wrong at the token endpoint, and which status, code and words tell it? (RFC 6749 §5.2, RFC 8707 §2)

use std::borrow::Cow;

use super::client::ClientId;
use super::client_assertion::CLIENT_ASSERTION_TYPE;
use super::form::MalformedBody;
use super::resource::{Audience, Compat};
use super::scope::ScopeSet;

/// Why a token request is refused. The words are ours and quote only values that passed their grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// The request breaks the rules of its form.
    Malformed(MalformedRequest),
    /// The body is longer than `limit` bytes.
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Unknown client, wrong or expired secret, disabled client: one and the same.
    InvalidClient,
    /// Nothing to authenticate with.
    NoCredentials,
    /// An `Authorization` header of another scheme than Basic.
    UnsupportedAuthorizationScheme,
    /// A client assertion of another type than JWT.
    UnsupportedAssertionType,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// No `grant_type`.
    MissingGrantType,
    /// Another `grant_type`; its value where it may be quoted.
    UnsupportedGrantType(Option<String>),
    /// No API with that identifier; the identifier where it is one.
    UnknownApi(Option<Audience>),
    /// The client has no grant for the API.
    NoGrant {
        /// The client, where its id may be quoted.
        client_id: Option<ClientId>,
        /// The API.
        audience: Audience,
    },
    /// No API named, and none follows from the client's grants.
    NoAudience,
    /// Different APIs in one request.
    SeveralAudiences,
    /// No API named, and the scopes asked for belong to these APIs: no single one defines them all.
    ScopeAcrossApis(Vec<Audience>),
    /// The scope breaks its grammar.
    MalformedScope,
    /// The API wants a scope to be named.
    MissingScope,
    /// These values are not granted.
    ScopeNotGranted(ScopeSet),
    /// The client has had its tokens for this hour or day.
    TooManyRequests {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// The client asks more often than one client may.
    TooOften {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// So many attempts to authenticate as this client have failed from this network that the next must wait.
    TooManyFailures {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// More signatures are asked for than the server can make now.
    Overloaded {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// Too many secrets are being checked, or the store is needed and away.
    TemporarilyUnavailable {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// A fault of ours. Its cause is in the log under the request id.
    ServerError,
}

/// How a request breaks the rules of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRequest {
    /// Neither form nor JSON.
    #[error("send the parameters as application/x-www-form-urlencoded or application/json and set Content-Type")]
    ContentType,
    /// The body cannot be read.
    #[error("{0}")]
    Body(MalformedBody),
    /// More than one way to authenticate.
    #[error("use one way to authenticate per request: the Authorization header, client_secret or client_assertion")]
    TwoMethods,
    /// An assertion without its type.
    #[error("client_assertion needs client_assertion_type={CLIENT_ASSERTION_TYPE} beside it")]
    AssertionTypeMissing,
    /// More than one `Authorization` header.
    #[error("send one Authorization header, not several")]
    TwoAuthorizationHeaders,
    /// Basic credentials that cannot be read.
    #[error("the Authorization header is not Basic followed by the base64 of client_id:client_secret")]
    MalformedBasic,
    /// Another client id in the body than in the header.
    #[error("the client_id in the body differs from the one in the Authorization header")]
    ClientIdsDiffer,
    /// `organization`, which has no meaning here.
    #[error("organizations are not supported; leave out the parameter organization")]
    OrganizationNotSupported,
    /// The body did not arrive in time.
    #[error("the body did not arrive in time; send it at once")]
    BodyTooSlow,
    /// The body broke off.
    #[error("the body broke off or its transfer coding is wrong")]
    BodyIncomplete,
}

impl From<MalformedRequest> for TokenError {
    fn from(problem: MalformedRequest) -> Self {
        Self::Malformed(problem)
    }
}

/// Nothing in it depends on whether there is such a client.
const MANY_FAILED: &str = "client authentication has failed too often from this network: correct the client id and its secret or key, \
                                 and try again after the seconds in Retry-After";

const QUOTA_USED_UP: &str =
    "this client has used up its quota of tokens: keep a token until it expires, and try again later";

const TOO_OFTEN: &str = "this client asks more often than one client may here: keep a token until it expires, and try again after the seconds \
                         in Retry-After";

/// A refusal as it goes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedError {
    /// The HTTP status.
    pub status: u16,
    /// The member `error`.
    pub error: &'static str,
    /// The member `error_description`, within RFC 6749's characters (but for Auth0's quotes).
    pub description: Cow<'static, str>,
    /// The header `Retry-After` in seconds.
    pub retry_after: Option<u32>,
}

impl TokenError {
    /// This error as the caller sees it under `compat`.
    pub fn render(&self, compat: Compat) -> RenderedError {
        match compat {
            Compat::Auth0 => self.render_auth0().unwrap_or_else(|| self.render_standard()),
            Compat::Standard | Compat::IdentityServer => self.render_standard(),
        }
    }

    fn render_standard(&self) -> RenderedError {
        match self {
            Self::Malformed(problem) => answer(400, "invalid_request", problem.to_string()),
            Self::BodyTooLarge { limit } => {
                answer(413, "invalid_request", format!("the body is longer than {limit} bytes"))
            }
            Self::InvalidClient => answer(
                401,
                "invalid_client",
                "client authentication failed: check the client id and its secret or key, and that none is expired or disabled",
            ),
            Self::NoCredentials => answer(
                401,
                "invalid_client",
                "no client credentials: send client_id and client_secret by HTTP Basic or in the body, or client_assertion",
            ),
            Self::UnsupportedAuthorizationScheme => {
                answer(401, "invalid_client", "use the scheme Basic in the Authorization header")
            }
            Self::UnsupportedAssertionType => answer(
                401,
                "invalid_client",
                format!("client assertions are JWTs here: send client_assertion_type={CLIENT_ASSERTION_TYPE}"),
            ),
            Self::UnauthorizedClient => answer(
                400,
                "unauthorized_client",
                "this client may not use the grant type client_credentials: allow it for the client",
            ),
            Self::MissingGrantType => {
                answer(400, "invalid_request", "the parameter grant_type is missing: send client_credentials")
            }
            Self::UnsupportedGrantType(value) => answer(
                400,
                "unsupported_grant_type",
                format!(
                    "the grant type {} is not supported: send client_credentials",
                    value.as_deref().unwrap_or("asked for")
                ),
            ),
            Self::UnknownApi(Some(audience)) => {
                answer(400, "invalid_target", format!("no API {audience} is registered here: check audience"))
            }
            Self::UnknownApi(None) => {
                answer(400, "invalid_target", "the audience is no API identifier: check its characters and length")
            }
            Self::NoGrant { client_id, audience } => {
                let client = client_id.as_ref().map_or("this client", ClientId::as_str);
                answer(
                    400,
                    "invalid_target",
                    format!("{client} has no grant for {audience}: ask its operator to create one"),
                )
            }
            Self::NoAudience => answer(
                400,
                "invalid_target",
                "no API named and none follows from the grants of the client: send audience",
            ),
            Self::SeveralAudiences => answer(
                400,
                "invalid_target",
                "a token is for one API: audience and resource name different ones, so send one request for each",
            ),
            Self::ScopeAcrossApis(apis) => answer(400, "invalid_target", scope_across(apis)),
            Self::MalformedScope => answer(
                400,
                "invalid_scope",
                "scope must be values of printable ASCII characters without quotes or backslashes, separated by spaces",
            ),
            Self::MissingScope => answer(400, "invalid_scope", "this API wants the scope to be named: send scope"),
            Self::ScopeNotGranted(missing) => {
                answer(400, "invalid_scope", format!("not granted to this client: {}", shortened(missing, " ")))
            }
            Self::TooManyRequests { retry_after } => too_many("temporarily_unavailable", *retry_after, QUOTA_USED_UP),
            Self::TooOften { retry_after } => too_many("temporarily_unavailable", *retry_after, TOO_OFTEN),
            Self::TooManyFailures { retry_after } => too_many("temporarily_unavailable", *retry_after, MANY_FAILED),
            Self::Overloaded { retry_after } | Self::TemporarilyUnavailable { retry_after } => RenderedError {
                retry_after: Some(*retry_after),
                ..answer(503, "temporarily_unavailable", "the server is busy: try again later")
            },
            Self::ServerError => answer(
                500,
                "server_error",
                "the server failed; its operator finds the cause in the log under the request id of this answer",
            ),
        }
    }

    /// Auth0's status, code and words, where they differ.
    fn render_auth0(&self) -> Option<RenderedError> {
        let denied = |description: String| Some(answer(403, "access_denied", description));
        match self {
            Self::InvalidClient
            | Self::NoCredentials
            | Self::UnsupportedAuthorizationScheme
            | Self::UnsupportedAssertionType => Some(answer(401, "access_denied", "Unauthorized")),
            Self::UnauthorizedClient => {
                Some(answer(403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client."))
            }
            Self::UnsupportedGrantType(value) => Some(answer(
                403,
                "unsupported_grant_type",
                format!("Unsupported grant type: {}", value.as_deref().unwrap_or("(not printable)")),
            )),
            Self::UnknownApi(audience) => denied(match audience {
                Some(audience) => format!("Service not found: {audience}"),
                None => "Service not found: the audience is no API identifier".to_owned(),
            }),
            Self::NoGrant { audience, .. } => denied(format!(
                "Client is not authorized to access \"{audience}\". You need to create a \"client-grant\" for this API."
            )),
            Self::TooManyRequests { retry_after } => Some(too_many("too_many_requests", *retry_after, QUOTA_USED_UP)),
            Self::TooOften { retry_after } => Some(too_many("too_many_requests", *retry_after, TOO_OFTEN)),
            Self::TooManyFailures { retry_after } => Some(too_many("too_many_requests", *retry_after, MANY_FAILED)),
            Self::NoAudience => denied("No audience was given, and no default audience is configured.".to_owned()),
            Self::ScopeAcrossApis(apis) => denied(scope_across(apis)),
            Self::MissingScope => denied("This API wants the scope to be named: send scope.".to_owned()),
            Self::MalformedScope => denied("The scope holds characters that no scope may have.".to_owned()),
            Self::ScopeNotGranted(missing) => {
                denied(format!("Client has not been granted scopes: {}", shortened(missing, ", ")))
            }
            Self::Malformed(_)
            | Self::BodyTooLarge { .. }
            | Self::MissingGrantType
            | Self::SeveralAudiences
            | Self::Overloaded { .. }
            | Self::TemporarilyUnavailable { .. }
            | Self::ServerError => None,
        }
    }
}

pub(super) fn answer(status: u16, error: &'static str, description: impl Into<Cow<'static, str>>) -> RenderedError {
    RenderedError { status, error, description: description.into(), retry_after: None }
}

fn too_many(error: &'static str, retry_after: u32, description: &'static str) -> RenderedError {
    RenderedError { retry_after: Some(retry_after), ..answer(429, error, description) }
}

/// IdentityServer issued one token for scopes of several APIs; who comes from there must read which requests to send instead.
fn scope_across(apis: &[Audience]) -> String {
    let named: Vec<_> = apis.iter().take(SHOWN).map(Audience::as_str).collect();
    let tail = if apis.len() > SHOWN { " and others" } else { "" };
    format!("a token is for one API, and scope asks for {}{tail}: send one request for each", named.join(" and "))
}

/// How many values an error names at most.
const SHOWN: usize = 5;

/// The first few values, so that an answer cannot be made as long as the request.
fn shortened(values: &ScopeSet, separator: &str) -> String {
    let shown: Vec<_> = values.iter().take(SHOWN).map(|value| value.as_str()).collect();
    let more = values.iter().count().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(separator))
}

#[cfg(test)]
mod tests;
