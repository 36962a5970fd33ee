//! Which scopes does the API have? (RFC 6749 §3.3)

use tokenhouse_verifier::{RequiredScope as _, scope};

scope!(
    /// May list users and read each.
    pub(super) ListUsers = "list:users"
);
scope!(
    /// May create users.
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

/// All of them, as the API's metadata tell them (RFC 9728 §2 `scopes_supported`).
pub(super) const SCOPES_SUPPORTED: [&str; 4] =
    [ListUsers::SCOPE, CreateUsers::SCOPE, UpdateUsers::SCOPE, DeleteUsers::SCOPE];
