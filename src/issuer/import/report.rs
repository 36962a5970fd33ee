//! What did an import take, what did it leave, and why?

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

use super::reading::shown;
use crate::issuer::document::Document;
use crate::oauth::named_enum::named_enum;
use crate::secret::{MIN_SECRET_CHARACTERS, is_machine_made};

/// How many objects a note names where people read it.
const SHOWN: usize = 8;

named_enum! {
    /// Why something is not as it was. The names are stable: scripts may rely on them.
    #[derive(PartialOrd, Ord)]
    NoteKind {
        /// A client without a secret or key that was moved.
        ClientWithoutCredential = "client_without_credential",
        /// A secret that can be guessed.
        WeakSecret = "weak_secret",
        /// A secret that is not in the export in a form that can be checked.
        SecretLeftOut = "secret_left_out",
        /// A key of a client: those are no secrets.
        CredentialLeftOut = "credential_left_out",
        /// A client of another kind.
        ClientRefused = "client_refused",
        /// A client that is not imported.
        ClientLeftOut = "client_left_out",
        /// An API that is not imported.
        ApiLeftOut = "api_left_out",
        /// A grant that is not imported.
        GrantLeftOut = "grant_left_out",
        /// A scope that is not imported.
        ScopeLeftOut = "scope_left_out",
        /// A scope that was granted and not defined.
        ScopeDefined = "scope_defined",
        /// An API that the product does not have as such.
        ApiMade = "api_made",
        /// An API whose tokens live otherwise than this client's did.
        LifetimeDiffers = "lifetime_differs",
        /// Tokens that are signed otherwise.
        SigningDiffers = "signing_differs",
        /// Tokens that look otherwise.
        TokenDiffers = "token_differs",
        /// A client that must say which API it means.
        SeveralApis = "several_apis",
        /// A text for people that was changed.
        TextChanged = "text_changed",
        /// Members of objects.
        MembersLeftOut = "members_left_out",
        /// Whole kinds of objects.
        SectionLeftOut = "section_left_out",
    }
}

impl NoteKind {
    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ClientWithoutCredential => {
                "no secret or key in the export: the client gets no token until it has one (`tokenhouse client secret add`)"
            }
            Self::WeakSecret => "a secret of fewer than 16 characters: it works, and it should be rotated",
            Self::SecretLeftOut => "a secret that cannot be used",
            Self::CredentialLeftOut => "a key or certificate of the client that is not imported: register it again",
            Self::ClientRefused => {
                "no client credentials: the client is stored, and a token request is refused with unauthorized_client"
            }
            Self::ClientLeftOut => "a client that is not imported",
            Self::ApiLeftOut => "an API that is not imported",
            Self::GrantLeftOut => "a grant that is not imported",
            Self::ScopeLeftOut => "a scope that is not imported",
            Self::ScopeDefined => "a scope that was granted but not defined: it is defined now",
            Self::ApiMade => "an API that was made, because the product ties scopes to no API",
            Self::LifetimeDiffers => "tokens live as long as the API says, which is not what this client had",
            Self::SigningDiffers => "tokens are signed with another algorithm: tell the resource server",
            Self::TokenDiffers => "tokens look different",
            Self::SeveralApis => {
                "one token is for one API: the client must name the audience, or scopes of only one API"
            }
            Self::TextChanged => "a name or description that was cut or had control characters",
            Self::MembersLeftOut => "members that are not imported",
            Self::SectionLeftOut => "parts of the export that are not imported",
        }
    }
}

/// What an import took and left.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The product.
    pub product: &'static str,
    /// How much was taken.
    pub taken: Taken,
    /// What is to be said of objects, by kind.
    #[serde(serialize_with = "as_list")]
    notes: BTreeMap<NoteKind, Vec<Noted>>,
}

/// How much was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// APIs.
    pub apis: usize,
    /// Scopes of APIs.
    pub scopes: usize,
    /// Clients.
    pub clients: usize,
    /// Clients that may use the client credentials grant.
    pub clients_with_client_credentials: usize,
    /// Grants.
    pub grants: usize,
    /// Secrets.
    pub secrets: usize,
    /// Of these, secrets of which only the hash is known.
    pub hashed_secrets: usize,
    /// Of these, secrets that a machine made, for which a small hash does.
    pub machine_made_secrets: usize,
    /// Of these, secrets of fewer than 16 characters.
    pub weak_secrets: usize,
}

/// An object, and what there is to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// Its name.
    pub id: String,
    /// More, where the kind does not say everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Serialize)]
struct NoteGroup<'r> {
    kind: NoteKind,
    meaning: &'static str,
    count: usize,
    objects: &'r [Noted],
}

fn as_list<S: Serializer>(notes: &BTreeMap<NoteKind, Vec<Noted>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(|(kind, objects)| NoteGroup {
        kind: *kind,
        meaning: kind.meaning(),
        count: objects.len(),
        objects,
    }))
}

impl Report {
    pub(super) fn new(product: &'static str) -> Self {
        Self { product, taken: Taken::default(), notes: BTreeMap::new() }
    }

    /// What was noted of one kind.
    pub fn notes(&self, kind: NoteKind) -> &[Noted] {
        self.notes.get(&kind).map_or(&[], Vec::as_slice)
    }

    pub(super) fn note(&mut self, kind: NoteKind, id: &str) {
        self.put(kind, Noted { id: shown(id), detail: None });
    }

    pub(super) fn note_because(&mut self, kind: NoteKind, id: &str, detail: impl Into<String>) {
        self.put(kind, Noted { id: shown(id), detail: Some(detail.into()) });
    }

    fn put(&mut self, kind: NoteKind, noted: Noted) {
        self.notes.entry(kind).or_default().push(noted);
    }

    /// Counts what is in `document`, and notes its weak secrets and clients without any.
    pub(super) fn count(&mut self, document: &Document) {
        let mut taken = Taken { apis: document.apis.len(), clients: document.clients.len(), ..Taken::default() };
        taken.scopes = document.apis.iter().map(|api| api.scopes.len()).sum();
        for client in &document.clients {
            let id = client.client_id.as_ref().or(client.name.as_ref()).map_or("", |id| id);
            taken.grants += client.grants.len();
            taken.clients_with_client_credentials += usize::from(client.client_credentials_allowed);
            let has_key = client.jwks.is_some() || client.jwks_uri.is_some();
            if client.client_credentials_allowed && client.secrets.is_empty() && !has_key {
                self.note(NoteKind::ClientWithoutCredential, id);
            }
            for secret in &client.secrets {
                taken.secrets += 1;
                let Some(value) = &secret.value else {
                    taken.hashed_secrets += 1;
                    continue;
                };
                taken.machine_made_secrets += usize::from(is_machine_made(value));
                if value.chars().count() < MIN_SECRET_CHARACTERS {
                    taken.weak_secrets += 1;
                    self.note(NoteKind::WeakSecret, id);
                }
            }
        }
        self.taken = taken;
    }
}

/// Counts, and then every kind of note with its first objects.
impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let taken = &self.taken;
        write!(
            formatter,
            "{}: APIs {}, scopes {}, clients {} (with client credentials {}), secrets {} (as hashes {}), grants {}",
            self.product,
            taken.apis,
            taken.scopes,
            taken.clients,
            taken.clients_with_client_credentials,
            taken.secrets,
            taken.hashed_secrets,
            taken.grants,
        )?;
        for (kind, objects) in &self.notes {
            write!(formatter, "\n\n{} ({}): {}", kind.as_str(), objects.len(), kind.meaning())?;
            for noted in objects.iter().take(SHOWN) {
                write!(formatter, "\n  {}", noted.id)?;
                if let Some(detail) = &noted.detail {
                    write!(formatter, ": {detail}")?;
                }
            }
            if objects.len() > SHOWN {
                write!(formatter, "\n  and {} more; --output json names them all", objects.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}
