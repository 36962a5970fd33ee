//! What does Auth0's deploy CLI export of a client?

use super::auth0::auth0_fields;
use super::draft::Draft;
use super::reading::Object;
use super::report::NoteKind;
use super::source::ImportError;
use crate::issuer::document::ClientEntry;
use crate::oauth::client::{AuthenticationMethod, Quota};

/// What the deploy CLI writes in the place of a value that it does not show.
const NOT_SHOWN: &str = "_VALUE_NOT_SHOWN_";

/// The members with a meaning here, and those that only Auth0 can fill.
const READ: &[&str] =
    &["client_id", "client_secret", "client_secrets", "global", "name", "signing_keys", "tenant", "token_quota"];

/// The client, unless it is Auth0's own.
pub(super) fn read_client(object: &Object<'_>, draft: &mut Draft) -> Result<Option<ClientEntry>, ImportError> {
    if object.flag("global")? == Some(true) {
        return Ok(None);
    }
    let name = object.required("name")?;
    let client_id = object.filled("client_id")?;
    let id = client_id.unwrap_or(name);
    if client_id.is_some_and(|id| !draft.takes_client(id)) {
        return Ok(None);
    }
    let mut client = ClientEntry::new(client_id.map(str::to_owned), Some(name.to_owned()));
    let method = object.filled("token_endpoint_auth_method")?;
    client.authentication_methods =
        method.and_then(|method| method.parse::<AuthenticationMethod>().ok()).into_iter().collect();
    client.client_credentials_allowed = may_use_client_credentials(object, method)?;
    if !client.client_credentials_allowed {
        draft.report.note(NoteKind::ClientRefused, id);
    }
    if object.value("client_authentication_methods").is_some() {
        client.authentication_methods = vec![AuthenticationMethod::PrivateKeyJwt];
        draft.report.note_because(
            NoteKind::CredentialLeftOut,
            id,
            "client_authentication_methods: Auth0's export names the keys and does not hold them",
        );
    }
    if let Some(secret) = object.filled("client_secret")?.filter(|secret| *secret != NOT_SHOWN) {
        client.secrets.extend(draft.plain_secret(id, secret));
    }
    client.quota = read_quota(object)?;
    client.auth0_fields = auth0_fields(object, READ, id, draft);
    Ok(Some(client))
}

/// Where the export does not say, what Auth0 gives to a new client of that type.
fn may_use_client_credentials(object: &Object<'_>, method: Option<&str>) -> Result<bool, ImportError> {
    let app_type = object.filled("app_type")?;
    if method == Some("none") {
        return Ok(false);
    }
    if object.value("grant_types").is_none() {
        return Ok(matches!(app_type, None | Some("non_interactive" | "regular_web" | "resource_server")));
    }
    Ok(object.texts("grant_types")?.contains(&"client_credentials"))
}

fn read_quota(object: &Object<'_>) -> Result<Option<Quota>, ImportError> {
    let Some(quota) =
        object.object("token_quota")?.map(|quota| quota.object("client_credentials")).transpose()?.flatten()
    else {
        return Ok(None);
    };
    let limit = |name: &'static str| {
        let number = quota.integer(name)?;
        number.map(|limit| u32::try_from(limit).map_err(|_| quota.wrong(name, "a number of tokens"))).transpose()
    };
    Ok(Some(Quota {
        per_hour: limit("per_hour")?,
        per_day: limit("per_day")?,
        enforce: quota.flag("enforce")?.unwrap_or(true),
    }))
}
