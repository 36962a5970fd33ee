//! Exports of other products: Auth0, IdentityServer, Hydra, Keycloak.

use super::document::{survives_yaml, without_values};
use super::on_one_line;
use super::world::World;
use crate::issuer::document::apply::Origin;
use crate::issuer::import::{
    Auth0Export, KeywordMappings, SourceFile, import_auth0, import_hydra, import_identityserver, import_keycloak,
};

/// The first line names the product, and perhaps an audience; the rest is its export.
///
/// It becomes a document that is the same when it is written and read again, and can be stored; or the fault is named, in the file.
pub fn importers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((command, export)) = text.split_once('\n') else { return };
    let (product, audience) = command.split_once(' ').map_or((command, None), |(product, rest)| (product, Some(rest)));
    let file = SourceFile::new("export", export.to_owned());
    let imported = match product {
        "auth0" => import_auth0(&Auth0Export::Tenant(file), &mappings(audience)),
        "identityserver" => import_identityserver(&[file], audience),
        "hydra" => import_hydra(&file, audience),
        "keycloak" => import_keycloak(&file, audience),
        _ => return,
    };
    match imported {
        Ok(imported) => {
            let report = imported.report.to_string();
            assert!(!report.chars().any(|character| character.is_control() && character != '\n'), "{report:?}");
            serde_json::to_string(&imported.report).expect("a report is JSON");
            assert_eq!(imported.report.taken.clients, imported.document.clients.len());
            let document = without_values(imported.document);
            survives_yaml(&document);
            World::get().would_apply(&document, Origin::Import);
        }
        Err(error) => on_one_line(&error.to_string()),
    }
}

/// Auth0's keywords stand in the place of the audience.
fn mappings(text: Option<&str>) -> KeywordMappings {
    let file = SourceFile::new("mappings", text.unwrap_or("{}").to_owned());
    KeywordMappings::read(&file).unwrap_or_default()
}
