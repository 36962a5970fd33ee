//! What must hold for any query and any body of the Management API? For `crate::fuzz`, which cannot see into this module.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this is a test: what does not hold must end it"
)]

use actix_web::ResponseError as _;
use actix_web::body::MessageBody as _;
use actix_web::web::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;
use uuid::Uuid;

use super::body::{Patch, parse};
use super::client_body::ClientBody;
use super::client_grant_body::ClientGrantBody;
use super::client_grant_view::client_grant_view;
use super::client_secrets::SecretBody;
use super::client_view::client_view;
use super::credentials::{CredentialBody, CredentialChange};
use super::error::ManagementError;
use super::listing::{Listing, checkpoint, usize_from};
use super::query::Query;
use super::resource_server_body::ResourceServerBody;
use super::resource_server_view::resource_server_view;
use super::signing_keys::KeyBody;
use crate::fuzz::{World, is_the_callers_fault, on_one_line, survives_yaml};
use crate::issuer::AdministrationError;
use crate::issuer::administration::Change;
use crate::issuer::clients::IdRule;
use crate::issuer::document::export::client_entry;
use crate::issuer::document::{ApiEntry, ClientEntry, Document, GrantEntry};
use crate::oauth::client::Client;
use crate::oauth::resource::Api;
use crate::store::Page;

/// Objects in the list that is paged through.
const OBJECTS: u32 = 230;

/// The query of a list: what is accepted stays within bounds, and a `from` is a place that we name; the pages from there hold each
/// object once, in order, to the end.
pub fn paging(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let query = query(text);
    let listing = match Listing::of(&query) {
        Ok(listing) => listing,
        Err(error) => return refused_for_the_query(&error),
    };
    let page = listing.to_read();
    assert!((1..=101).contains(&page.limit), "{page:?}");
    let from = query.text("from").ok().flatten();
    assert_eq!(page.after.map(checkpoint).as_deref(), from, "a place that we do not name");

    let all: Vec<Uuid> = (0..OBJECTS).map(|number| Uuid::from_u128(u128::from(number) << 96)).collect();
    let cut = listing.cut(all.clone(), |id| *id);
    let follows = all.iter().filter(|id| page.after.is_none_or(|after| **id > after)).skip(usize_from(page.offset));
    assert_eq!(cut, follows.take(usize_from(page.limit)).copied().collect::<Vec<_>>());
    let read = |part: Page| {
        let follows = all.iter().filter(|id| part.after.is_none_or(|after| **id > after));
        Ok::<_, ()>(follows.take(usize_from(part.limit)).copied().collect::<Vec<_>>())
    };
    let sifted = listing.sift(read, |_| true, |id| *id).expect("a list");
    assert_eq!(sifted.1, cut);
    walk(&listing, &all);
}

/// Goes on from page to page as a caller does.
fn walk(listing: &Listing, all: &[Uuid]) {
    let objects =
        |ids: Vec<Uuid>| ids.into_iter().map(|id| (id, Map::from_iter([("id".to_owned(), id.to_string().into())])));
    let mut listing = listing.clone();
    let Page { after: begin, offset, .. } = listing.page;
    let mut expected = all.iter().filter(|id| begin.is_none_or(|begin| **id > begin)).skip(usize_from(offset));
    for _ in 0..3 {
        let cut = listing.cut(all.to_vec(), |id| *id);
        let shown = cut.len().min(usize_from(listing.page.limit));
        assert!(cut.iter().take(shown).eq(expected.by_ref().take(shown)));
        let body = body_of(listing.respond("objects", OBJECTS.into(), objects(cut).collect()));
        let Some(next) = body.get("next") else { return };
        let next = format!("take={}&from={}", listing.page.limit, next.as_str().expect("a text"));
        listing = Listing::of(&query(&next)).unwrap_or_else(|error| panic!("{next}: {error}"));
    }
}

fn query(text: &str) -> Query {
    Query(
        form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
    )
}

/// The first line names what the body is for; the rest is the body. It is tried on a store, and taken back.
///
/// What is accepted is shown, and sent back as it was shown changes nothing; written as a configuration document it is read as the same.
/// What is refused is the caller's fault, and told on one line.
pub fn management_bodies(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (kind, body) = data.split_at_checked(end).unwrap_or_default();
    let body = body.get(1..).unwrap_or_default();
    match kind {
        b"POST clients" => with(body, create_client),
        b"PATCH clients" => with(body, update_client),
        b"POST resource-servers" => with(body, create_api),
        b"PATCH resource-servers" => with(body, update_api),
        b"POST client-grants" => with(body, create_grant),
        b"PATCH client-grants" => with(body, update_grant),
        b"POST credentials" => with(body, add_key),
        b"PATCH credentials" => with(body, |_: CredentialChange, _| Ok(())),
        b"secrets" => with(body, |_: SecretBody, _| Ok(())),
        b"keys" => with(body, |_: KeyBody, _| Ok(())),
        _ => {}
    }
}

fn with<T: DeserializeOwned>(body: &[u8], steps: impl FnOnce(T, &mut Change<'_>) -> Result<(), AdministrationError>) {
    let parsed = match parse(body) {
        Ok(parsed) => parsed,
        Err(error) => return refused_for_the_body(&error),
    };
    let outcome = World::get().try_out(|change| steps(parsed, change));
    if let Err(error) = outcome {
        is_the_callers_fault(&error);
        refused_for_the_body(&error.into());
    }
}

fn refused_for_the_query(error: &ManagementError) {
    assert_eq!(error.status_code(), 400);
    on_one_line(&error.to_string());
    body_of(error.error_response());
}

fn refused_for_the_body(error: &ManagementError) {
    assert!(error.status_code().is_client_error(), "{error:?}");
    on_one_line(&error.to_string());
    body_of(error.error_response());
}

fn body_of(response: actix_web::HttpResponse) -> Value {
    let bytes: Bytes = response.into_body().try_into_bytes().expect("a body in memory");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// What is shown, as a body that is sent back.
fn sent_back<T: DeserializeOwned>(view: &Map<String, Value>) -> T {
    let text = serde_json::to_vec(view).expect("JSON");
    parse(&text).unwrap_or_else(|error| panic!("{error}: {view:?}"))
}

fn create_client(body: ClientBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    if body.brings_a_secret() {
        return Ok(());
    }
    let (client, secret) = body.create(change)?;
    assert!(secret.is_none_or(|secret| secret.starts_with("ths_")));
    client_is_sound(&client, change);
    Ok(())
}

fn update_client(body: ClientBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    if body.brings_a_secret() {
        return Ok(());
    }
    let client = body.update(World::CLIENT, change)?;
    client_is_sound(&client, change);
    Ok(())
}

fn client_is_sound(client: &Client, change: &mut Change<'_>) {
    let id = client.client_id.as_str();
    let stored = change.existing_client(id).expect("it was stored");
    assert_eq!(stored.auth0_fields, client.auth0_fields);
    let again: ClientBody = sent_back(&client_view(&stored, None));
    let again = again.update(id, change).expect("what is shown can be sent back");
    assert_eq!(client_view(&again, None), client_view(&stored, None));
    let api = change.existing_api(World::API).expect("it is there");
    survives_yaml(&Document { apis: Vec::new(), clients: vec![client_entry(&stored, &[api])] });
}

fn create_api(body: ResourceServerBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    let api = change.create_api(&body.into_entry()?)?;
    api_is_sound(&api, change);
    Ok(())
}

fn update_api(body: ResourceServerBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    let api = change.update_api(World::API, |entry| body.apply_to(entry))?;
    api_is_sound(&api, change);
    Ok(())
}

fn api_is_sound(api: &Api, change: &mut Change<'_>) {
    let identifier = api.identifier.as_str();
    let stored = change.existing_api(identifier).expect("it was stored");
    assert_eq!(stored.auth0_fields, api.auth0_fields);
    let again: ResourceServerBody = sent_back(&resource_server_view(&stored));
    let again = change.update_api(identifier, |entry| again.apply_to(entry)).expect("what is shown can be sent back");
    assert_eq!(ApiEntry::from(&again), ApiEntry::from(&stored));
    survives_yaml(&Document { apis: vec![ApiEntry::from(&stored)], clients: Vec::new() });
}

fn create_grant(body: ClientGrantBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    change.create_client(&ClientEntry::new(Some("other".to_owned()), None), IdRule::Chosen)?;
    let (client_id, entry) = body.into_entry(change)?;
    let grant = change.create_grant(&client_id, &entry)?;
    grant_is_sound(grant.id, change);
    Ok(())
}

fn update_grant(body: ClientGrantBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    let client = change.existing_client(World::CLIENT)?;
    let id = client.grants.first().expect("its grant").id;
    let owned = change.grant_by_id(id)?;
    body.apply(change, &owned)?;
    grant_is_sound(id, change);
    Ok(())
}

fn grant_is_sound(id: Uuid, change: &mut Change<'_>) {
    let stored = change.grant_by_id(id).expect("it was stored");
    let again: ClientGrantBody = sent_back(&client_grant_view(&stored));
    again.apply(change, &stored).expect("what is shown can be sent back");
    let again = change.grant_by_id(id).expect("it is there");
    assert_eq!(client_grant_view(&again), client_grant_view(&stored));
    let entry = GrantEntry::of(stored.audience.as_str(), &stored.grant);
    let client = ClientEntry { grants: vec![entry], ..ClientEntry::new(Some("x".to_owned()), None) };
    survives_yaml(&Document { apis: Vec::new(), clients: vec![client] });
}

fn add_key(body: CredentialBody, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    change.add_client_key(World::CLIENT, &body.into_key(true)?)?;
    let client = change.existing_client(World::CLIENT)?;
    assert_eq!(client.keys.len(), 1);
    client_is_sound(&client, change);
    Ok(())
}

impl ClientBody {
    /// Hashing it takes long on purpose, and what it does is tested elsewhere.
    fn brings_a_secret(&self) -> bool {
        matches!(self.client_secret, Patch::Value(_))
    }
}
