//! Which public keys of a client can be moved? Those that can authenticate it here (RFC 7523 §3).

use serde_json::{Map, Value};

use super::draft::Draft;
use super::reading::shown;
use super::report::NoteKind;
use crate::issuer::document::apply_keys::PUBLIC_MEMBERS;
use crate::issuer::document::{ClientEntry, KeyEntry, KeySetEntry};
use crate::keys::PublicKey;
use crate::oauth::client_key::{JwksUri, KeyId, MAX_CLIENT_KEYS};

impl Draft {
    /// Gives the client a key, which is a JWK (RFC 7517); notes one that cannot be used.
    pub(super) fn add_key(&mut self, id: &str, client: &mut ClientEntry, jwk: &Map<String, Value>) {
        let mut jwk = jwk.clone();
        // What else stands in it may be private.
        jwk.retain(|member, _| PUBLIC_MEMBERS.contains(&member.as_str()));
        match usable_kid(&jwk) {
            Ok(kid) => {
                let keys = &mut client.jwks.get_or_insert_with(KeySetEntry::default).keys;
                let same = |key: &KeyEntry| key.jwk.get("kid").and_then(Value::as_str) == Some(&kid);
                if keys.iter().any(same) || keys.len() >= MAX_CLIENT_KEYS {
                    let detail = format!("a key: {MAX_CLIENT_KEYS} with names of their own are taken at most");
                    self.report.note_because(NoteKind::CredentialLeftOut, id, detail);
                    return;
                }
                jwk.insert("kid".to_owned(), Value::String(kid));
                keys.push(KeyEntry { name: None, expires_at: None, enabled: true, jwk });
            }
            Err(why) => self.report.note_because(NoteKind::CredentialLeftOut, id, format!("a key: {why}")),
        }
    }

    /// Gives the client each key of a JWK Set.
    pub(super) fn add_key_set(&mut self, id: &str, client: &mut ClientEntry, set: &Value) {
        for key in set.get("keys").and_then(Value::as_array).into_iter().flatten() {
            match key.as_object() {
                Some(jwk) => self.add_key(id, client, jwk),
                None => self.report.note_because(NoteKind::CredentialLeftOut, id, "a key that is no JWK"),
            }
        }
    }

    /// Lets the client publish its keys at `uri`.
    pub(super) fn set_jwks_uri(&mut self, id: &str, client: &mut ClientEntry, uri: &str) {
        match uri.parse::<JwksUri>() {
            Ok(_) => client.jwks_uri = Some(uri.to_owned()),
            Err(error) => self.report.note_because(NoteKind::CredentialLeftOut, id, format!("{}: {error}", shown(uri))),
        }
    }
}

/// By which name the key is registered, if it can be.
fn usable_kid(jwk: &Map<String, Value>) -> Result<String, String> {
    let read = PublicKey::from_jwk_text(&Value::Object(jwk.clone()).to_string(), None);
    let read = read.map_err(|error| error.to_string())?;
    let kid = read.kid.unwrap_or_else(|| read.key.parameters().thumbprint());
    kid.parse::<KeyId>().map_err(|error| error.to_string())?;
    Ok(kid)
}
