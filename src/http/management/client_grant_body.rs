//! What may be said of a grant, and what does it change? Auth0's members, and others that are kept.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::Patch;
use super::client_grant_view::{MEMBERS, SUBJECT_TYPE};
use crate::issuer::AdministrationError;
use crate::issuer::administration::Change;
use crate::issuer::document::GrantEntry;
use crate::store::OwnedGrant;

/// The members of a grant. `client_id` and `audience` are needed for a new one and cannot change. Members that are not
/// listed are kept and shown as given, 16 KiB in all and at most 32 levels deep, and never acted upon.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ClientGrantBody {
    /// The client.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    client_id: Patch<String>,
    /// The identifier of the API.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    audience: Patch<String>,
    /// The scopes, all of them; `null` is none.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    scope: Patch<Vec<String>>,
    /// Instead of `scope`: every scope that the API defines at this moment. Those it gets later are not granted by it.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    allow_all_scopes: Patch<bool>,
    /// `client`: tokens are issued to clients only.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    subject_type: Patch<String>,
    /// What else Auth0 documents.
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl ClientGrantBody {
    /// The client and the entry of a new grant.
    ///
    /// # Errors
    /// If it names no client or API, a member cannot be used, or there is no such API.
    pub(super) fn into_entry(self, change: &mut Change<'_>) -> Result<(String, GrantEntry), AdministrationError> {
        let missing = |what: &str| AdministrationError::Invalid(format!("{what} is missing"));
        let client_id = self.client_id.clone().value().ok_or_else(|| missing("client_id"))?;
        let audience = self.audience.clone().value().ok_or_else(|| missing("audience"))?;
        let scope = self.scope(change, &audience)?;
        let mut entry = GrantEntry::new(audience, scope.unwrap_or_default());
        MEMBERS.keep(self.other, &mut entry.auth0_fields);
        Ok((client_id, entry))
    }

    /// Changes the grant `owned` where something is said.
    ///
    /// # Errors
    /// If client or API would change, or a member cannot be used.
    pub(super) fn apply(self, change: &mut Change<'_>, owned: &OwnedGrant) -> Result<(), AdministrationError> {
        if matches!(&self.client_id, Patch::Value(client_id) if *client_id != owned.client_id.as_str()) {
            let message = "the client of a grant cannot change: make another grant";
            return Err(AdministrationError::Refused(message.to_owned()));
        }
        let audience = owned.audience.as_str();
        let scope = self.scope(change, audience)?;
        let updated = change.update_grant(owned.client_id.as_str(), audience, |entry| {
            if let Patch::Value(audience) = self.audience {
                entry.audience = audience;
            }
            entry.scope = scope.unwrap_or_else(|| std::mem::take(&mut entry.scope));
            MEMBERS.keep(self.other, &mut entry.auth0_fields);
            Ok(())
        });
        updated.map(drop)
    }

    /// The scopes that are asked for, if any are.
    fn scope(&self, change: &mut Change<'_>, audience: &str) -> Result<Option<Vec<String>>, AdministrationError> {
        if matches!(&self.subject_type, Patch::Value(kind) if kind != SUBJECT_TYPE) {
            let message = "subject_type: tokens are issued to clients only; use client, or leave it out";
            return Err(AdministrationError::Invalid(message.to_owned()));
        }
        let named = match &self.scope {
            Patch::Absent => None,
            Patch::Null => Some(Vec::new()),
            Patch::Value(scope) => Some(scope.clone()),
        };
        if self.allow_all_scopes != Patch::Value(true) {
            return Ok(named);
        }
        if named.is_some_and(|scope| !scope.is_empty()) {
            let message = "scope and allow_all_scopes: give one of the two";
            return Err(AdministrationError::Invalid(message.to_owned()));
        }
        let api = change.existing_api(audience)?;
        Ok(Some(api.scopes.iter().map(|scope| scope.value.to_string()).collect()))
    }
}
