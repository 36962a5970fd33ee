//! Which clients are there: created, changed and deleted.

use super::administration::{AdministrationError, Change, audited, validated_auth0_fields, validated_claims};
use super::apis::validated_text;
use super::document::ClientEntry;
use super::document::entries::without_repeats;
use crate::oauth::client::{AuthenticationMethod, Client, ClientId};
use crate::store::{AuditAction, ObjectKind, Revision};

/// How client ids are made: Auth0's form, 32 alphanumeric characters.
const GENERATED_ID_LENGTH: usize = 32;

/// May an id be one that only an import may hold?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdRule {
    /// The strict grammar of ids that are chosen here.
    Chosen,
    /// Any id that can be stored.
    Imported,
}

impl Change<'_> {
    /// Creates a client, without secrets, registered keys and grants.
    ///
    /// # Errors
    /// If one with that id exists, or the entry is wrong.
    pub fn create_client(&mut self, entry: &ClientEntry, rule: IdRule) -> Result<Client, AdministrationError> {
        let client = self.new_client(entry, rule)?;
        if self.transaction.find_client(&client.client_id)?.is_some() {
            return Err(AdministrationError::Conflict(format!("the client {} exists already", client.client_id)));
        }
        self.transaction.insert_client(&client)?;
        self.record_new_client(&client)?;
        Ok(client)
    }

    /// The client to store, without secrets and grants.
    pub(super) fn new_client(&mut self, entry: &ClientEntry, rule: IdRule) -> Result<Client, AdministrationError> {
        let client_id = match (&entry.client_id, rule) {
            (Some(id), IdRule::Chosen) => ClientId::parse_chosen(id).map_err(AdministrationError::invalid)?,
            (Some(id), IdRule::Imported) => id.parse().map_err(AdministrationError::invalid)?,
            (None, _) => self.generated_client_id()?,
        };
        Ok(Client { id: self.new_id(), created_at: self.now, ..self.validated_client(entry, client_id)? })
    }

    pub(super) fn record_new_client(&mut self, client: &Client) -> Result<(), AdministrationError> {
        let after = audited(&ClientEntry::without_secrets_and_grants(client));
        self.record(AuditAction::Create, ObjectKind::Client, client.client_id.as_str(), None, after)
    }

    /// Changes the client `client_id` as `edit` does; its secrets, keys and grants have changes of their own.
    ///
    /// # Errors
    /// If there is none, or what comes out is wrong.
    pub fn update_client(
        &mut self,
        client_id: &str,
        edit: impl FnOnce(&mut ClientEntry) -> Result<(), AdministrationError>,
    ) -> Result<Client, AdministrationError> {
        let current = self.existing_client(client_id)?;
        let before = ClientEntry::without_secrets_and_grants(&current);
        let mut entry = before.clone();
        edit(&mut entry)?;
        entry.authentication_methods = without_repeats(&entry.authentication_methods);
        if entry == before {
            return Ok(current);
        }
        // Whoever says where the keys of a client are has the client; and one that was put out of use, perhaps because its
        // secret is known, is not put back into use by anybody.
        let revived = (entry.enabled && !before.enabled)
            || (entry.client_credentials_allowed && !before.client_credentials_allowed);
        if (before.enabled && !entry.enabled)
            || (before.client_credentials_allowed && !entry.client_credentials_allowed)
        {
            self.must_not_be_caller(&current, "put it out of use")?;
        }
        let authenticates_otherwise =
            entry.authentication_methods != before.authentication_methods || entry.jwks_uri != before.jwks_uri;
        if revived || authenticates_otherwise {
            self.may_touch_credentials(&current)?;
        }
        let Client { id, created_at, secrets, keys, grants, .. } = current;
        let validated = self.validated_client(&entry, current.client_id)?;
        let client = Client { id, secrets, keys, grants, created_at, ..validated };
        self.transaction.update_client(&client)?;
        if before.enabled && !entry.enabled {
            self.close_console_to(&client)?;
        }
        let after = audited(&ClientEntry::without_secrets_and_grants(&client));
        self.record(AuditAction::Update, ObjectKind::Client, client_id, audited(&before), after)?;
        Ok(client)
    }

    /// Deletes the client `client_id` with its secrets, keys and grants.
    ///
    /// # Errors
    /// If there is none.
    pub fn delete_client(&mut self, client_id: &str) -> Result<(), AdministrationError> {
        let client = self.existing_client(client_id)?;
        self.must_not_be_caller(&client, "delete it")?;
        self.transaction.delete_client(client.id)?;
        let before = audited(&ClientEntry::without_secrets_and_grants(&client));
        self.record(AuditAction::Delete, ObjectKind::Client, client_id, before, None)
    }

    /// Makes sure that the client is still as it was at one of these revisions.
    ///
    /// # Errors
    /// If it is not, or there is none.
    pub fn expect_revision(&mut self, client_id: &str, seen: &[Revision]) -> Result<(), AdministrationError> {
        let client = self.existing_client(client_id)?;
        let current = self.transaction.client_revision(client.id)?;
        if current.is_some_and(|current| seen.contains(&current)) { Ok(()) } else { Err(AdministrationError::Outdated) }
    }

    /// The revision of the last change to `client`, this one included.
    ///
    /// # Errors
    /// If the store fails.
    pub fn revision_of(&mut self, client: &Client) -> Result<Revision, AdministrationError> {
        Ok(self.transaction.client_revision(client.id)?.unwrap_or_default())
    }

    /// The client `client_id`.
    ///
    /// # Errors
    /// If there is none.
    pub fn existing_client(&mut self, client_id: &str) -> Result<Client, AdministrationError> {
        let missing = || AdministrationError::not_found("client", client_id);
        let id: ClientId = client_id.parse().map_err(|_| missing())?;
        self.transaction.find_client(&id)?.ok_or_else(missing)
    }

    fn generated_client_id(&self) -> Result<ClientId, AdministrationError> {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut random = [0_u8; GENERATED_ID_LENGTH];
        self.admin.entropy.fill(&mut random);
        // 32 letters: five bits of each byte, so every letter is equally likely.
        let letters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)));
        let id: String = letters.map(|letter| char::from(*letter)).collect();
        ClientId::parse_chosen(&id).map_err(AdministrationError::invalid)
    }

    /// The client that `entry` describes, with a nil id and without secrets, registered keys and grants.
    fn validated_client(&mut self, entry: &ClientEntry, client_id: ClientId) -> Result<Client, AdministrationError> {
        // Found here, a typing error is not found at the first refused request.
        let default_api = entry.default_audience.as_deref().map(|audience| self.existing_api(audience)).transpose()?;
        let name = validated_text("name", entry.name.as_deref().unwrap_or(client_id.as_str()))?;
        Ok(Client {
            name,
            enabled: entry.enabled,
            client_credentials_allowed: entry.client_credentials_allowed,
            default_audience: default_api.map(|api| api.identifier),
            authentication_methods: validated_methods(&entry.authentication_methods)?,
            jwks_uri: entry
                .jwks_uri
                .as_deref()
                .map(|uri| uri.parse().map_err(AdministrationError::invalid))
                .transpose()?,
            quota: entry.quota,
            claims: validated_claims(&entry.claims)?,
            auth0_fields: validated_auth0_fields(&entry.auth0_fields)?,
            ..Client::new(uuid::Uuid::nil(), client_id, self.now)
        })
    }
}

/// A client that is set to its keys cannot use a secret, so `private_key_jwt` stands alone.
///
/// # Errors
/// If it does not.
pub fn validated_methods(methods: &[AuthenticationMethod]) -> Result<Vec<AuthenticationMethod>, AdministrationError> {
    let methods = without_repeats(methods);
    if methods.len() > 1 && methods.contains(&AuthenticationMethod::PrivateKeyJwt) {
        return Err(AdministrationError::Invalid(
            "private_key_jwt stands alone, since a client that is set to it cannot use a secret: leave \
             authentication_methods empty to let it use both for a while"
                .to_owned(),
        ));
    }
    Ok(methods)
}
