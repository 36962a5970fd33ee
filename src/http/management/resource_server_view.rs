//! How is an API shown, and by which names is it found? As Auth0's resource server.

use serde_json::{Map, Value, json};

use super::kept_members::KeptMembers;
use crate::issuer::document::ApiEntry;
use crate::issuer::document::entries::to_timestamp;
use crate::oauth::resource::Api;

/// `signing_secret` signs Auth0's HS256 tokens; here it would only be a secret that lies about.
pub(super) const MEMBERS: KeptMembers = KeptMembers {
    read_only: &["id", "is_system", "created_at", "updated_at", "signing_secret"],
    defaults: &[("allow_offline_access", "false"), ("skip_consent_for_verifiable_first_party_clients", "true")],
};

/// The API as it is shown.
pub(super) fn resource_server_view(api: &Api) -> Map<String, Value> {
    let ApiEntry { scopes, .. } = ApiEntry::from(api);
    let mut view = MEMBERS.shown(&api.auth0_fields);
    view.extend([
        // Opaque: our own id without its dashes.
        ("id".to_owned(), api.id.simple().to_string().into()),
        ("name".to_owned(), api.name.as_str().into()),
        ("identifier".to_owned(), api.identifier.as_str().into()),
        ("scopes".to_owned(), json!(scopes)),
        ("signing_alg".to_owned(), api.signing_alg.as_str().into()),
        ("token_lifetime".to_owned(), api.token_lifetime.seconds().into()),
        ("default_scope".to_owned(), api.default_scope.as_str().into()),
        ("scope_policy".to_owned(), api.scope_policy.as_str().into()),
        ("token_reuse_seconds".to_owned(), api.token_reuse_seconds.into()),
        ("is_system".to_owned(), api.is_system.into()),
    ]);
    // Shown, the default would be sent back, and no longer follow the server's.
    view.extend(api.token_dialect.map(|dialect| ("token_dialect".to_owned(), dialect.as_str().into())));
    view.extend(api.scope_format.map(|format| ("scope_format".to_owned(), format.as_str().into())));
    for (name, at) in [("created_at", api.created_at), ("updated_at", api.updated_at)] {
        view.insert(name.to_owned(), to_timestamp(at).map(|at| at.to_string()).into());
    }
    view
}
