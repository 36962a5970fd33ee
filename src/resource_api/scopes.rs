//! Which scopes does the API know? (RFC 6749 §3.3)

use tokenhouse_verifier::{RequiredScope as _, scope};

scope!(
    /// May read the client's users.
    pub(super) ListUsers = "list:users"
);
scope!(
    /// May add users.
    pub(super) CreateUsers = "create:users"
);
scope!(
    /// May change users.
    pub(super) UpdateUsers = "update:users"
);
scope!(
    /// May delete users.
    pub(super) DeleteUsers = "delete:users"
);

/// All of them, for the metadata.
pub(super) const ALL: [&str; 4] = [ListUsers::SCOPE, CreateUsers::SCOPE, UpdateUsers::SCOPE, DeleteUsers::SCOPE];
