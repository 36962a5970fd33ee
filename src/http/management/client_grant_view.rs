//! How is a grant shown, and how is its id written?

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::kept_members::KeptMembers;
use crate::issuer::AdministrationError;
use crate::issuer::document::entries::to_timestamp;
use crate::store::OwnedGrant;

/// To whom tokens are issued.
pub(super) const SUBJECT_TYPE: &str = "client";
/// Kept like other members, and one that lists are filtered by.
pub(super) const ANY_ORGANIZATION: &str = "allow_any_organization";

pub(super) const MEMBERS: KeptMembers =
    KeptMembers { read_only: &["id", "created_at", "updated_at"], defaults: &[(ANY_ORGANIZATION, "false")] };

/// What ids begin with, as with Auth0.
const ID_PREFIX: &str = "cgr_";

/// The grant as it is shown.
pub(super) fn client_grant_view(owned: &OwnedGrant) -> Map<String, Value> {
    let grant = &owned.grant;
    let scope: Vec<&str> = grant.scope.iter().map(|value| value.as_str()).collect();
    let mut view = MEMBERS.shown(&grant.auth0_fields);
    view.extend([
        ("id".to_owned(), format!("{ID_PREFIX}{}", grant.id.simple()).into()),
        ("client_id".to_owned(), owned.client_id.as_str().into()),
        ("audience".to_owned(), owned.audience.as_str().into()),
        ("scope".to_owned(), json!(scope)),
        ("subject_type".to_owned(), SUBJECT_TYPE.into()),
    ]);
    for (name, at) in [("created_at", grant.created_at), ("updated_at", grant.updated_at)] {
        view.insert(name.to_owned(), to_timestamp(at).map(|at| at.to_string()).into());
    }
    view
}

/// Our own id, of the `id` that is shown.
///
/// # Errors
/// If it is none that could ever be shown: there is no such grant.
pub(super) fn parse_grant_id(id: &str) -> Result<Uuid, AdministrationError> {
    let parsed = id.strip_prefix(ID_PREFIX).and_then(|hex| Uuid::try_parse(hex).ok());
    let shown = parsed.filter(|parsed| id == format!("{ID_PREFIX}{}", parsed.simple()));
    shown.ok_or_else(|| AdministrationError::not_found("grant", id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = Uuid::from_u128(0x0190_a5d0_1234_7abc_8def_0123_4567_89ab);
        let shown = "cgr_0190a5d012347abc8def0123456789ab";
        assert_eq!(parse_grant_id(shown).unwrap(), id);
        for other in [&shown[4..], &shown.to_uppercase(), &format!("cgr_{id}"), "cgr_", "", "cgr_é"] {
            assert!(parse_grant_id(other).is_err(), "{other}");
        }
    }
}
