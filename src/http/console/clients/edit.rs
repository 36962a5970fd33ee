//! How is a client changed? All of it in one form, unless somebody else was quicker.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::fields::{ClientChoices, ClientFields};
use super::{ClientHead, existing};
use crate::http::console::answer::{lead_on, page_with};
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::Form;
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::visit::Visit;
use crate::issuer::AdministrationError;
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::store::Revision;

/// Whoever holds one of these may say with which keys a client authenticates.
const SETS_KEYS: &[&str] = &["update:client_credentials", "create:client_credentials"];

#[derive(Template)]
#[template(path = "clients_edit.html")]
struct EditPage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    choices: ClientChoices,
    /// The client as it was when the form was filled in.
    revision: Revision,
    is_outdated: bool,
}

/// Shows the form with what is so now.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:clients")?;
    let (client, revision) = current(&visit, id.into_inner()).await?;
    let form = ClientFields::form_of(&client);
    let choices = ClientChoices::load(&visit, audience_of(&client)).await?;
    show(&visit, StatusCode::OK, &form, &client, choices, revision, false)
}

/// Changes the client.
pub(super) async fn change(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:clients")?;
    let (client, now_at) = current(&visit, id.into_inner()).await?;
    let choices = ClientChoices::load(&visit, audience_of(&client)).await?;
    let fields = ClientFields::read(&mut form, &choices);
    let seen = form.value("revision").parse().ok().map(Revision);
    if sets_keys(&client, &fields) {
        visit.require_any(SETS_KEYS)?;
    }
    if !form.is_ok() {
        // The revision that was seen: what was changed since is still to be told.
        return show(&visit, StatusCode::BAD_REQUEST, &form, &client, choices, seen.unwrap_or(now_at), false);
    }
    let lets_in = (fields.enabled && !client.enabled) || fields.methods != client.authentication_methods;
    if (lets_in || sets_keys(&client, &fields))
        && let Some(question) = prove_again(&request, &visit, &form).await?
    {
        return Ok(question);
    }
    let client_id = client.client_id.to_string();
    let changed = visit.change(move |change| {
        change.expect_revision(&client_id, seen.as_slice())?;
        change.update_client(&client_id, |entry| {
            fields.apply_to(entry);
            Ok(())
        })
    });
    match changed.await {
        Ok(client) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::ClientChanged)),
        Err(error) => {
            let is_outdated = matches!(error, ConsoleError::Refused(AdministrationError::Outdated));
            let status = form.take(error, None)?;
            // Sent again, the form is for the client as it is now: whoever sends it has been told.
            let revision = if is_outdated { now_at } else { seen.unwrap_or(now_at) };
            show(&visit, status, &form, &client, choices, revision, is_outdated)
        }
    }
}

/// Is something said about keys? Who says with which keys a client authenticates has the client.
fn sets_keys(client: &Client, fields: &ClientFields) -> bool {
    let accepts_keys = fields.methods.is_empty() || fields.methods.contains(&AuthenticationMethod::PrivateKeyJwt);
    fields.jwks_uri.as_deref() != client.jwks_uri.as_ref().map(|uri| uri.as_str())
        || (fields.methods != client.authentication_methods && accepts_keys)
}

async fn current(visit: &Visit, named: String) -> Result<(Client, Revision), ConsoleError> {
    let read = visit.read(move |reader| {
        let client = existing(reader, &named)?;
        let revision = reader.client_revision(client.id)?.unwrap_or_default();
        Ok((client, revision))
    });
    read.await
}

fn audience_of(client: &Client) -> Option<String> {
    client.default_audience.as_ref().map(ToString::to_string)
}

fn show(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    client: &Client,
    choices: ClientChoices,
    revision: Revision,
    is_outdated: bool,
) -> Result<HttpResponse, ConsoleError> {
    let frame = visit.frame(format!("Edit {}", client.name), Section::Clients);
    let client = ClientHead::of(visit, client);
    page_with(status, &EditPage { frame, form, client, choices, revision, is_outdated })
}
