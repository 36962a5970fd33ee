//! Which APIs are there: created, changed and deleted.

use std::collections::HashSet;

use uuid::Uuid;

use super::administration::{AdministrationError, AdministrationPolicy, Change, audited, validated_auth0_fields};
use super::document::{ApiEntry, ScopeEntry};
use crate::oauth::resource::{Api, Audience, Lifetime, ScopeDefinition};
use crate::oauth::scope::ScopeValue;
use crate::store::{AuditAction, ObjectKind, Reader, Revision};

/// Longest name or description in characters.
pub(super) const MAX_TEXT_LENGTH: usize = 1000;

impl Change<'_> {
    /// Creates an API.
    ///
    /// # Errors
    /// If one with that identifier exists, or the entry is wrong.
    pub fn create_api(&mut self, entry: &ApiEntry) -> Result<Api, AdministrationError> {
        if let Ok(identifier) = entry.identifier.parse()
            && self.transaction.find_api_by_identifier(&identifier)?.is_some()
        {
            return Err(AdministrationError::Conflict(format!("the API {identifier} exists already")));
        }
        let api = Api { id: self.new_id(), created_at: self.now, ..self.validated_api(entry)? };
        self.ensure_active_key(api.signing_alg)?;
        self.ensure_next_key(api.signing_alg)?;
        self.transaction.insert_api(&api)?;
        self.record(AuditAction::Create, ObjectKind::Api, &entry.identifier, None, audited(&ApiEntry::from(&api)))?;
        Ok(api)
    }

    /// Changes the API `identifier` as `edit` does.
    ///
    /// # Errors
    /// If there is none, or what comes out is wrong.
    pub fn update_api(
        &mut self,
        identifier: &str,
        edit: impl FnOnce(&mut ApiEntry) -> Result<(), AdministrationError>,
    ) -> Result<Api, AdministrationError> {
        let current = self.existing_api(identifier)?;
        let before = ApiEntry::from(&current);
        let mut entry = before.clone();
        edit(&mut entry)?;
        if entry.identifier != before.identifier {
            return Err(AdministrationError::Refused("the identifier of an API cannot change".to_owned()));
        }
        if entry == before {
            return Ok(current);
        }
        if current.is_system && entry.scopes != before.scopes {
            return Err(AdministrationError::Refused("the scopes of the Management API cannot change".to_owned()));
        }
        let Api { id, created_at, is_system, .. } = current;
        let api = Api { id, is_system, created_at, ..self.validated_api(&entry)? };
        if api.signing_alg != before.signing_alg {
            self.ensure_active_key(api.signing_alg)?;
            self.ensure_next_key(api.signing_alg)?;
        }
        self.transaction.update_api(&api)?;
        self.record(
            AuditAction::Update,
            ObjectKind::Api,
            identifier,
            audited(&before),
            audited(&ApiEntry::from(&api)),
        )?;
        Ok(api)
    }

    /// Deletes the API `identifier` with its grants.
    ///
    /// # Errors
    /// If there is none, or it is the Management API.
    pub fn delete_api(&mut self, identifier: &str) -> Result<(), AdministrationError> {
        let api = self.existing_api(identifier)?;
        if api.is_system {
            return Err(AdministrationError::Refused("the Management API cannot be deleted".to_owned()));
        }
        self.transaction.delete_api(api.id)?;
        self.record(AuditAction::Delete, ObjectKind::Api, identifier, audited(&ApiEntry::from(&api)), None)
    }

    /// Makes sure that the API `identifier` is still as it was at the revision `seen`.
    ///
    /// # Errors
    /// If it is not, or there is none.
    pub fn expect_api_revision(&mut self, identifier: &str, seen: Revision) -> Result<(), AdministrationError> {
        let api = self.existing_api(identifier)?;
        if self.transaction.api_revision(api.id)? == Some(seen) { Ok(()) } else { Err(AdministrationError::Outdated) }
    }

    /// The API that `name` names, as [`api_named`].
    ///
    /// # Errors
    /// If there is none.
    pub fn api_named(&mut self, name: &str) -> Result<Api, AdministrationError> {
        api_named(self.transaction, name)
    }

    /// The API `identifier`.
    ///
    /// # Errors
    /// If there is none.
    pub fn existing_api(&mut self, identifier: &str) -> Result<Api, AdministrationError> {
        let missing = || AdministrationError::not_found("API", identifier);
        let audience: Audience = identifier.parse().map_err(|_| missing())?;
        self.transaction.find_api_by_identifier(&audience)?.ok_or_else(missing)
    }

    /// The API that `entry` describes, with a nil id.
    pub(super) fn validated_api(&self, entry: &ApiEntry) -> Result<Api, AdministrationError> {
        let identifier: Audience = entry.identifier.parse().map_err(AdministrationError::invalid)?;
        let token_lifetime = self.admin.policy.validated_lifetime(entry.token_lifetime)?;
        validate_token_reuse(entry.token_reuse_seconds, token_lifetime)?;
        Ok(Api {
            name: validated_text("name", entry.name.as_deref().unwrap_or(&entry.identifier))?,
            scopes: validated_scopes(&entry.scopes)?,
            signing_alg: entry.signing_alg,
            token_dialect: entry.token_dialect,
            default_scope: entry.default_scope,
            scope_policy: entry.scope_policy,
            scope_format: entry.scope_format,
            token_reuse_seconds: entry.token_reuse_seconds,
            auth0_fields: validated_auth0_fields(&entry.auth0_fields)?,
            ..Api::new(Uuid::nil(), identifier, token_lifetime, self.now)
        })
    }
}

impl AdministrationPolicy {
    /// How long the tokens of an API live: `seconds`, or the default.
    ///
    /// # Errors
    /// If that is no lifetime, or above the longest.
    pub fn validated_lifetime(&self, seconds: Option<i64>) -> Result<Lifetime, AdministrationError> {
        let seconds = seconds.unwrap_or_else(|| i64::from(self.default_token_lifetime));
        let lifetime = Lifetime::try_from(seconds).map_err(AdministrationError::invalid)?;
        if lifetime.seconds() > self.max_token_lifetime {
            return Err(AdministrationError::Invalid(format!(
                "token_lifetime {seconds} is above token.max_lifetime_seconds, {}",
                self.max_token_lifetime
            )));
        }
        Ok(lifetime)
    }
}

/// Makes sure that a token is handed out again for `seconds` only while it lives.
///
/// # Errors
/// If that is not below its lifetime.
pub fn validate_token_reuse(seconds: u32, lifetime: Lifetime) -> Result<(), AdministrationError> {
    let lifetime = lifetime.seconds();
    if seconds < lifetime {
        return Ok(());
    }
    Err(AdministrationError::Invalid(format!(
        "token_reuse_seconds {seconds} is not below token_lifetime, {lifetime}: use 0 to {}, where 0 issues a new token each \
         time",
        lifetime.saturating_sub(1)
    )))
}

/// The API that `name` names: by our own id in hexadecimal, else by its identifier.
///
/// The id goes first: nobody chooses it, while an identifier could be chosen to look like the id of another API, and
/// would take its place in the calls that mean that one.
///
/// # Errors
/// If there is none.
pub fn api_named(reader: &mut Reader, name: &str) -> Result<Api, AdministrationError> {
    if let Some(id) = Uuid::try_parse(name).ok().filter(|id| id.simple().to_string() == name)
        && let Some(api) = reader.find_api_by_id(id)?
    {
        return Ok(api);
    }
    let missing = || AdministrationError::not_found("API", name);
    let identifier: Audience = name.parse().map_err(|_| missing())?;
    reader.find_api_by_identifier(&identifier)?.ok_or_else(missing)
}

fn validated_scopes(entries: &[ScopeEntry]) -> Result<Vec<ScopeDefinition>, AdministrationError> {
    let mut scopes: Vec<ScopeDefinition> = Vec::with_capacity(entries.len());
    let mut defined = HashSet::with_capacity(entries.len());
    for entry in entries {
        let value: ScopeValue = entry.value.parse().map_err(|error| {
            AdministrationError::Invalid(format!("the scope {} is not valid: {error}", entry.value.escape_debug()))
        })?;
        if !defined.insert(value.clone()) {
            return Err(AdministrationError::Invalid(format!("the scope {value} is defined twice")));
        }
        let description = entry.description.as_deref().map(|text| validated_text("description", text)).transpose()?;
        scopes.push(ScopeDefinition { value, description });
    }
    Ok(scopes)
}

/// A text for people: bounded, and without characters that could forge a line somewhere, or show another text than stands there.
///
/// # Errors
/// If it is too long or has one.
pub fn validated_text(what: &str, text: &str) -> Result<String, AdministrationError> {
    if text.chars().count() > MAX_TEXT_LENGTH || text.chars().any(char::is_control) {
        return Err(AdministrationError::Invalid(format!(
            "{what}: use at most {MAX_TEXT_LENGTH} characters and no control characters"
        )));
    }
    if let Some(turns) = text.chars().find(|character| turns_text(*character)) {
        return Err(AdministrationError::Invalid(format!(
            "{what}: leave out the invisible character U+{:04X}, which changes the order in which a text is shown",
            u32::from(turns)
        )));
    }
    Ok(text.to_owned())
}

/// Does it embed, override or isolate a direction of writing, and so show people another text than a program compares?
pub(super) const fn turns_text(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_people_is_what_it_looks_like() {
        let longest = "ü".repeat(MAX_TEXT_LENGTH);
        for text in ["", "Käse & Söhne", "שלום עולם", "مرحبا 123", "👩\u{200d}🔬", &longest] {
            assert_eq!(validated_text("name", text).unwrap(), text);
        }
        let refused = |text: &str| validated_text("label", text).unwrap_err().to_string();
        for wrong in ["two\nlines", "\u{1b}[2J", "\u{85}", &format!("{longest}x")] {
            assert!(refused(wrong).contains("at most 1000 characters and no control characters"), "{wrong:?}");
        }
        for turns in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            let text = refused(&format!("Acme {turns}gpj.exe"));
            assert!(
                text.starts_with(&format!("label: leave out the invisible character U+{:04X}", u32::from(turns))),
                "{text}"
            );
            assert!(!text.contains(turns), "{text}");
        }
    }
}
