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
        /// A session of a client at the console.
        ConsoleSession = "console_session",
        /// A link that is good once.
        OneTimeLink = "one_time_link",
        /// The server's configuration as a whole.
        Configuration = "configuration",
        /// The database itself.
        Database = "database",
    }
}
