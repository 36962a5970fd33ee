//! The configuration document, YAML or JSON, and the hashes that stand in it.

use super::on_one_line;
use super::world::World;
use crate::issuer::document::Document;
use crate::issuer::document::apply::Origin;
use crate::secret::SecretHash;

/// A document is the same when it is written and read again, can be stored or is refused with a reason; so is a hash.
pub fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match SecretHash::parse(text.trim_end()) {
        Ok(hash) => assert_eq!(hash.text(), text.trim_end()),
        Err(error) => on_one_line(&error.to_string()),
    }
    match Document::parse(text) {
        Ok(document) => {
            let document = without_values(document);
            survives_yaml(&document);
            World::get().would_apply(&document, Origin::Document);
        }
        Err(error) => on_one_line(&error.to_string()),
    }
}

/// Secrets by their value are never written, and take long to hash: what they do is tested elsewhere.
pub(super) fn without_values(mut document: Document) -> Document {
    for client in &mut document.clients {
        client.secrets.retain(|secret| secret.hash.is_some() && secret.value.is_none());
    }
    document
}

/// What `export` or `import` writes is what `apply` reads.
pub(crate) fn survives_yaml(document: &Document) {
    let yaml = serde_saphyr::to_string(document).expect("a document can be written");
    let again = Document::parse(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    assert_eq!(again, *document, "{yaml}");
}
