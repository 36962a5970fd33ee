//! How does somebody get in who has no secret yet? By a link that is good once, for minutes: to sign in, or to pick up a secret.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::token::{LinkToken, SessionId};
use super::{ConsoleSessions, LinkPurpose, Proof, itself};
use crate::clock::UnixMillis;
use crate::issuer::administration::{AdministrationError, Change, audited};
use crate::issuer::apis::validated_text;
use crate::issuer::document::entries::to_timestamp;
use crate::issuer::rights::Rights;
use crate::issuer::secrets::{AddedSecret, SecretTerms};
use crate::oauth::client::{Client, ClientId};
use crate::store::{AuditAction, ObjectKind, StoreError, StoredLink};

/// What a secret is called that was picked up by a link without a label.
const CLAIMED: &str = "claimed";

/// What a link is called where there is none.
const KIND: &str = "one-time link";

/// A link that was just made: the one time its token is known.
#[derive(Debug)]
pub struct MadeLink {
    /// What stands in the link.
    pub token: LinkToken,
    /// When it stops working.
    pub expires_at: UnixMillis,
}

/// A link that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// For which client.
    pub client_id: ClientId,
    /// What people call that.
    pub client_name: String,
    /// When it stops working.
    pub expires_at: UnixMillis,
}

/// A secret that was picked up. Not `Debug`.
pub struct Claimed {
    /// Whose it is, with its name.
    pub client: Arc<Client>,
    /// The secret.
    pub secret: AddedSecret,
    /// A session that was begun with it.
    pub session: SessionId,
}

/// A link as the audit trail shows it.
#[derive(Serialize)]
struct LinkSummary<'a> {
    purpose: LinkPurpose,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    expires_at: Option<Timestamp>,
}

impl<'a> From<&'a StoredLink> for LinkSummary<'a> {
    fn from(link: &'a StoredLink) -> Self {
        let StoredLink { purpose, label, expires_at, .. } = link;
        Self { purpose: *purpose, label: label.as_deref(), expires_at: to_timestamp(*expires_at) }
    }
}

impl LinkPurpose {
    /// For how many minutes such a link works unless its maker says.
    pub const fn default_minutes(self) -> u32 {
        match self {
            Self::SignIn => 10,
            Self::ClaimSecret => 60,
        }
    }

    /// For how many minutes such a link may work at most.
    pub const fn longest_minutes(self) -> u32 {
        match self {
            Self::SignIn => 60,
            Self::ClaimSecret => 1440,
        }
    }

    /// May `client` be let in, or given a secret?
    fn suits(self, client: &Client, now: UnixMillis) -> bool {
        client.is_usable(now) && (self == Self::SignIn || client.accepts_secrets())
    }
}

impl Change<'_> {
    /// Makes a link for the client `client_id`, which works once and for `minutes`. The secret to pick up gets the `label`.
    ///
    /// # Errors
    /// If there is no such client, it is disabled or has no use for the link, the caller may not make it, or it would work for
    /// too long.
    pub fn make_link(
        &mut self,
        client_id: &str,
        purpose: LinkPurpose,
        minutes: u32,
        label: Option<String>,
    ) -> Result<MadeLink, AdministrationError> {
        let client = self.existing_client(client_id)?;
        self.may_make_link(&client, purpose)?;
        let longest = purpose.longest_minutes();
        if !(1..=longest).contains(&minutes) {
            return Err(AdministrationError::Invalid(format!("minutes: such a link works for 1 to {longest}")));
        }
        if !client.is_usable(self.now) {
            return Err(AdministrationError::Refused(format!("the client {client_id} is disabled: enable it first")));
        }
        if purpose == LinkPurpose::ClaimSecret {
            if !client.accepts_secrets() {
                return Err(AdministrationError::Refused(format!(
                    "the client {client_id} is set to authenticate with a key: a secret would not work"
                )));
            }
            self.room_for_live_secret(&client)?;
        }
        let token = LinkToken::generate(self.admin.entropy.as_ref());
        let link = StoredLink {
            token_hash: token.hash(),
            purpose,
            client_row_id: client.id,
            label: label.map(|label| validated_text("label", &label)).transpose()?,
            created_at: self.now,
            expires_at: self.now.plus_seconds(i64::from(minutes) * 60),
        };
        self.transaction.insert_link(&link)?;
        let after = audited(&LinkSummary::from(&link));
        self.record(AuditAction::Create, ObjectKind::OneTimeLink, &object_id(&client, purpose), None, after)?;
        Ok(MadeLink { token, expires_at: link.expires_at })
    }

    /// Takes back the links of the client `client_id` that nobody has used; returns how many there were.
    ///
    /// # Errors
    /// If there is no such client, or the caller may not touch its credentials.
    pub fn withdraw_links(&mut self, client_id: &str) -> Result<usize, AdministrationError> {
        let client = self.existing_client(client_id)?;
        self.may_touch_credentials(&client)?;
        self.withdraw_links_of(&client)
    }

    /// Also where `client` gains rights: whoever made a link for it before may not hold those.
    pub(in crate::issuer) fn withdraw_links_of(&mut self, client: &Client) -> Result<usize, AdministrationError> {
        let links = self.transaction.open_links(client.id, self.now)?;
        for link in &links {
            self.transaction.delete_link(&link.token_hash)?;
            let before = audited(&LinkSummary::from(link));
            self.record(AuditAction::Delete, ObjectKind::OneTimeLink, &object_id(client, link.purpose), before, None)?;
        }
        Ok(links.len())
    }

    /// Whoever opens a link acts as its client.
    fn may_make_link(&mut self, client: &Client, purpose: LinkPurpose) -> Result<(), AdministrationError> {
        match (purpose, &self.caller.rights) {
            (LinkPurpose::SignIn, Rights::Scopes(_)) => Err(AdministrationError::Refused(
                "a link to sign in with is made on the host, or by the client itself".to_owned(),
            )),
            _ => self.may_touch_credentials(client),
        }
    }

    /// Uses `link` up; returns its client.
    fn use_link(&mut self, link: &StoredLink) -> Result<Client, AdministrationError> {
        // Looked at once more: what was believed a moment ago may be deleted or disabled by now.
        let client = self.transaction.find_client_by_id(link.client_row_id)?;
        let client = client.filter(|client| link.purpose.suits(client, self.now)).ok_or_else(no_such_link)?;
        match self.transaction.delete_link(&link.token_hash) {
            Err(StoreError::NotFound { .. }) => return Err(no_such_link()),
            outcome => outcome?,
        }
        let before = audited(&LinkSummary::from(link));
        self.record(AuditAction::Delete, ObjectKind::OneTimeLink, &object_id(&client, link.purpose), before, None)?;
        Ok(client)
    }
}

impl ConsoleSessions {
    /// What the link with this token is for; changes nothing. None if there is no such link, or not any more.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn look_at_link(&self, token: &LinkToken) -> Result<Option<OpenLink>, StoreError> {
        let found = self.find_link(token)?;
        Ok(found.map(|(link, client)| OpenLink {
            purpose: link.purpose,
            client_id: client.client_id,
            client_name: client.name,
            expires_at: link.expires_at,
        }))
    }

    /// Signs in by a link, once. None if there is no such link, or not any more.
    ///
    /// # Errors
    /// If the store does not take it.
    pub fn redeem_sign_in(
        &self,
        token: &LinkToken,
        request_id: Option<String>,
    ) -> Result<Option<SessionId>, AdministrationError> {
        let Some((link, client)) = self.find_link(token)?.filter(|(link, _)| link.purpose == LinkPurpose::SignIn)
        else {
            return Ok(None);
        };
        none_if_used(self.administration.change(&itself(&client, request_id), |change| {
            let client = change.use_link(&link)?;
            change.begin_session(&client, Proof::Link, "link")
        }))
    }

    /// Picks up a new secret by a link, once, which works at once; and begins a session with it. None if there is no such link,
    /// or not any more.
    ///
    /// # Errors
    /// If the client has as many live secrets as it may by now, or the store does not take it: then the link can be used on.
    pub fn redeem_claim(
        &self,
        token: &LinkToken,
        request_id: Option<String>,
    ) -> Result<Option<Claimed>, AdministrationError> {
        let Some((link, client)) = self.find_link(token)?.filter(|(link, _)| link.purpose == LinkPurpose::ClaimSecret)
        else {
            return Ok(None);
        };
        let claimed = none_if_used(self.administration.change(&itself(&client, request_id), |change| {
            let client = change.use_link(&link)?;
            let label = link.label.clone().unwrap_or_else(|| CLAIMED.to_owned());
            let terms = SecretTerms { label: Some(label), expires_at: None };
            let secret = change.add_secret(client.client_id.as_str(), terms)?;
            let session = change.begin_session(&client, Proof::Credential(secret.stored.id), "link")?;
            Ok(Claimed { client: Arc::new(client), secret, session })
        }))?;
        if claimed.is_some()
            && let Err(cause) = self.served.follow()
        {
            // It is stored, and this answer is the only time it is known: better early than never.
            tracing::error!(%cause, "a new secret is stored but not served yet; the store does not answer");
        }
        Ok(claimed)
    }

    /// The link with this token, if it can be used, and its client.
    fn find_link(&self, token: &LinkToken) -> Result<Option<(StoredLink, Client)>, StoreError> {
        let now = self.administration.now();
        let found = self.served.store().read(|reader| {
            let Some(link) = reader.find_link(&token.hash())? else { return Ok::<_, StoreError>(None) };
            let client = reader.find_client_by_id(link.client_row_id)?;
            Ok(client.map(|client| (link, client)))
        })?;
        Ok(found.filter(|(link, client)| now < link.expires_at && link.purpose.suits(client, now)))
    }
}

fn object_id(client: &Client, purpose: LinkPurpose) -> String {
    format!("{purpose} of {}", client.client_id)
}

fn no_such_link() -> AdministrationError {
    AdministrationError::not_found(KIND, "with this token")
}

/// What came of using a link; none if somebody else was quicker.
fn none_if_used<T>(outcome: Result<T, AdministrationError>) -> Result<Option<T>, AdministrationError> {
    match outcome {
        Err(AdministrationError::NotFound { kind: KIND, .. }) => Ok(None),
        outcome => outcome.map(Some),
    }
}
