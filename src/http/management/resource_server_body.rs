//! What may be said of an API, and what does it change? Auth0's members, Tokenhouse's own, and others that are kept.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::Patch;
use super::resource_server_view::MEMBERS;
use crate::issuer::AdministrationError;
use crate::issuer::document::{ApiEntry, ScopeEntry};
use crate::keys::SigningAlg;
use crate::oauth::resource::{DefaultScope, ScopeFormat, ScopePolicy, TokenDialect};

/// The members of an API. All but `identifier` may be left out; in a change, `null` sets the default. Members that are
/// not listed are kept and shown as given, 16 KiB in all and at most 32 levels deep, and never acted upon.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ResourceServerBody {
    /// The audience of its tokens; cannot change.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identifier: Patch<String>,
    /// For people; by default the identifier.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Patch<String>,
    /// The scopes it defines, all of them: one that is left out leaves every grant.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ScopeBody>>)]
    scopes: Patch<Vec<ScopeBody>>,
    /// `RS256` (default), `PS256`, `ES256` or `EdDSA`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    signing_alg: Patch<String>,
    /// How long its tokens live, in seconds.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    token_lifetime: Patch<i64>,
    /// `rfc9068_profile`, `rfc9068_profile_authz`, `access_token`, `access_token_authz` or `identityserver`; by default
    /// that of the server.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    token_dialect: Patch<TokenDialect>,
    /// What a request without scope gets: `all` (default), `none` or `error`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    default_scope: Patch<DefaultScope>,
    /// What the scope parameter does: `exact` (default), `whole_grant` or `ignore`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    scope_policy: Patch<ScopePolicy>,
    /// How the claim `scope` is written: `string` or `array`; by default as the dialect has it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    scope_format: Patch<ScopeFormat>,
    /// For how many seconds the same request gets the same token again: 0 (default), for a new one each time, or less than
    /// `token_lifetime`.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    token_reuse_seconds: Patch<u32>,
    /// What else Auth0 documents.
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// A scope that the API defines.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object with value and description")]
pub(super) struct ScopeBody {
    /// What stands in `scope`.
    value: String,
    /// What it allows, for people.
    description: Option<String>,
}

impl ResourceServerBody {
    /// The entry of a new API.
    ///
    /// # Errors
    /// If it has no identifier, or a member cannot be used.
    pub(super) fn into_entry(self) -> Result<ApiEntry, AdministrationError> {
        let Patch::Value(identifier) = &self.identifier else {
            let message = "identifier is missing: say for which audience tokens of this API are issued";
            return Err(AdministrationError::Invalid(message.to_owned()));
        };
        let mut entry = ApiEntry::new(identifier.clone());
        self.apply_to(&mut entry)?;
        Ok(entry)
    }

    /// The algorithm that the body asks for.
    ///
    /// # Errors
    /// If there is no such algorithm here.
    pub(super) fn signing_alg(&self) -> Result<Option<SigningAlg>, AdministrationError> {
        let name = match &self.signing_alg {
            Patch::Absent => return Ok(None),
            Patch::Null => return Ok(Some(SigningAlg::Rs256)),
            Patch::Value(name) => name,
        };
        name.parse().map(Some).map_err(|_| {
            // Auth0's other two: a shared secret, and one that it alone signs with.
            let why = match name.as_str() {
                "HS256" => "HS256: a shared secret would let every API issue tokens; ",
                "RS512" => "RS512 is not offered; ",
                _ => "unknown algorithm; ",
            };
            AdministrationError::Invalid(format!("signing_alg: {why}use RS256, PS256, ES256 or EdDSA"))
        })
    }

    /// Changes `entry` where something is said.
    ///
    /// # Errors
    /// If a member cannot be used.
    pub(super) fn apply_to(self, entry: &mut ApiEntry) -> Result<(), AdministrationError> {
        entry.signing_alg = self.signing_alg()?.unwrap_or(entry.signing_alg);
        if let Patch::Value(identifier) = self.identifier {
            entry.identifier = identifier;
        }
        if self.name == Patch::Value(String::new()) {
            let message = "name is empty: leave it out, and the API is called by its identifier";
            return Err(AdministrationError::Invalid(message.to_owned()));
        }
        self.name.set_option(&mut entry.name);
        match self.scopes {
            Patch::Absent => {}
            Patch::Null => entry.scopes = Vec::new(),
            Patch::Value(scopes) => entry.scopes = scopes.into_iter().map(ScopeEntry::from).collect(),
        }
        self.token_lifetime.set_option(&mut entry.token_lifetime);
        self.token_dialect.set_option(&mut entry.token_dialect);
        self.default_scope.set(&mut entry.default_scope, || DefaultScope::All);
        self.scope_policy.set(&mut entry.scope_policy, || ScopePolicy::Exact);
        self.scope_format.set_option(&mut entry.scope_format);
        self.token_reuse_seconds.set(&mut entry.token_reuse_seconds, || 0);
        MEMBERS.keep(self.other, &mut entry.auth0_fields);
        Ok(())
    }
}

impl From<ScopeBody> for ScopeEntry {
    fn from(ScopeBody { value, description }: ScopeBody) -> Self {
        // An empty description is how some tools write none.
        Self { value, description: description.filter(|text| !text.is_empty()) }
    }
}
