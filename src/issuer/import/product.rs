//! Which products are there to come from, and what does each need to be told besides its export?

use super::{
    Auth0Export, ImportError, Imported, KeywordMappings, SourceFile, import_auth0, import_hydra, import_identityserver,
    import_keycloak,
};
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// A product whose export is read.
    Product {
        /// Auth0: an export of its deploy CLI.
        Auth0 = "auth0",
        /// IdentityServer 4 or Duende's.
        IdentityServer = "identityserver",
        /// Ory Hydra.
        Hydra = "hydra",
        /// Keycloak.
        Keycloak = "keycloak",
    }
}

impl Product {
    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Auth0 => "Auth0",
            Self::IdentityServer => "IdentityServer",
            Self::Hydra => "Ory Hydra",
            Self::Keycloak => "Keycloak",
        }
    }

    /// Which of its files is read, where it is one text.
    pub const fn export(self) -> &'static str {
        match self {
            Self::Auth0 => "tenant.yaml of its deploy CLI",
            Self::IdentityServer => "appsettings.json, or a table of its Entity Framework store as JSON",
            Self::Hydra => "the clients as JSON, as its API or its command line lists them",
            Self::Keycloak => "the export of a realm, as JSON",
        }
    }

    /// Reads the export `text`. `audience` is the API of scopes that belong to none; `keywords` are the values of Auth0's.
    ///
    /// # Errors
    /// If it is no export of this product, or something is missing.
    pub fn import(
        self,
        text: SourceFile,
        audience: Option<&str>,
        keywords: &KeywordMappings,
    ) -> Result<Imported, ImportError> {
        match self {
            Self::Auth0 => import_auth0(&Auth0Export::Tenant(text), keywords),
            Self::IdentityServer => import_identityserver(&[text], audience),
            Self::Hydra => import_hydra(&text, audience),
            Self::Keycloak => import_keycloak(&text, audience),
        }
    }
}
