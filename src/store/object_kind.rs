//! Which kinds of objects are changed, recorded and deleted?

use crate::oauth::named_enum::named_enum;

named_enum! {
    /// A kind of object, as audit events and tombstones name it.
    ObjectKind {
        /// An API.
        Api = "api",
        /// A client.
        Client = "client",
        /// A secret of a client.
        ClientSecret = "client_secret",
        /// A public key of a client.
        ClientKey = "client_key",
        /// A grant of a client for an API.
        Grant = "grant",
        /// A signing key.
        SigningKey = "signing_key",
        /// The server's configuration as a whole.
        Configuration = "configuration",
        /// The database itself.
        Database = "database",
    }
}
