//! For which APIs may a client get tokens, and with which scopes: granted, changed, taken away?

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use super::confirm::Question;
use super::fields::ON;
use super::{ClientHead, existing};
use crate::http::console::answer::{lead_on, page_with};
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::time::duration;
use crate::http::console::visit::Visit;
use crate::issuer::AdministrationError;
use crate::issuer::document::GrantEntry;
use crate::oauth::client::Client;
use crate::oauth::resource::Api;
use crate::store::Revision;

/// The field of the boxes, one for each scope.
const SCOPE: &str = "scope";
/// The box that means all of them.
const ALL_SCOPES: &str = "all";

/// Which API?
#[derive(Template)]
#[template(path = "clients_grant_choose.html")]
struct ChoosePage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    apis: Vec<Choice>,
    has_apis: bool,
}

/// Which of its scopes?
#[derive(Template)]
#[template(path = "clients_grant.html")]
struct GrantPage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    api: &'a Api,
    scopes: Vec<Choice>,
    /// The grant that is changed; none: it is made.
    changed: Option<Changed>,
}

/// A grant that is changed.
#[derive(Clone, Copy)]
struct Changed {
    grant_id: Uuid,
    /// The client as it was when the form was filled in.
    revision: Revision,
    is_outdated: bool,
}

/// A grant that is there.
struct Granted {
    client: Client,
    api: Api,
    grant_id: Uuid,
    revision: Revision,
}

/// Asks for the API, then for its scopes.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:client_grants")?;
    let (client, apis) = ungranted(&visit, id.into_inner()).await?;
    let chosen = visit.query.value("api");
    match apis.iter().find(|api| api.id.to_string() == chosen) {
        Some(api) => show(&visit, StatusCode::OK, &Form::empty(), &client, api, None),
        None => choose(&visit, StatusCode::OK, &Form::empty(), &client, &apis),
    }
}

/// Grants scopes of an API.
pub(super) async fn create(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:client_grants")?;
    let (client, apis) = ungranted(&visit, id.into_inner()).await?;
    let chosen = form.value("api").to_owned();
    let Some(api) = apis.iter().find(|api| api.id.to_string() == chosen) else {
        form.fail("api", "Choose one of the APIs for which the client has no grant yet.");
        return choose(&visit, StatusCode::BAD_REQUEST, &form, &client, &apis);
    };
    if api.is_system
        && let Some(question) = prove_again(&request, &visit, &form).await?
    {
        return Ok(question);
    }
    let entry = GrantEntry::new(api.identifier.as_str(), chosen_scopes(&form, api));
    let client_id = client.client_id.to_string();
    match visit.change(move |change| change.create_grant(&client_id, &entry).map(drop)).await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::GrantCreated)),
        Err(error) => {
            let status = refuse(&mut form, error)?;
            show(&visit, status, &form, &client, api, None)
        }
    }
}

/// Shows the form with the scopes that are granted now.
pub(super) async fn ask_to_change(visit: Visit, path: Path<(String, String)>) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:client_grants")?;
    let granted = load(&visit, path.into_inner()).await?;
    let scopes = granted.client.grant_for(granted.api.id).map(|grant| grant.scope.iter()).into_iter().flatten();
    let form = scopes.fold(Form::empty(), |form, scope| form.with(SCOPE, scope.as_str()));
    show(&visit, StatusCode::OK, &form, &granted.client, &granted.api, Some(granted.unchanged()))
}

/// Changes which scopes are granted.
pub(super) async fn change(
    request: HttpRequest,
    visit: Visit,
    path: Path<(String, String)>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:client_grants")?;
    let granted = load(&visit, path.into_inner()).await?;
    if granted.api.is_system
        && let Some(question) = prove_again(&request, &visit, &form).await?
    {
        return Ok(question);
    }
    let seen = form.value("revision").parse().ok().map(Revision);
    let scope = chosen_scopes(&form, &granted.api);
    let (client_id, audience) = (granted.client.client_id.to_string(), granted.api.identifier.to_string());
    let changed = visit.change(move |change| {
        change.expect_revision(&client_id, seen.as_slice())?;
        let updated = change.update_grant(&client_id, &audience, |entry| {
            entry.scope = scope;
            Ok(())
        });
        updated.map(drop)
    });
    match changed.await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &granted.client).path, Done::GrantChanged)),
        Err(error) => {
            let is_outdated = matches!(error, ConsoleError::Refused(AdministrationError::Outdated));
            let status = refuse(&mut form, error)?;
            let revision = if is_outdated { granted.revision } else { seen.unwrap_or(granted.revision) };
            let changed = Changed { revision, is_outdated, ..granted.unchanged() };
            show(&visit, status, &form, &granted.client, &granted.api, Some(changed))
        }
    }
}

/// Asks whether to take the grant away.
pub(super) async fn ask_to_delete(visit: Visit, path: Path<(String, String)>) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:client_grants")?;
    let granted = load(&visit, path.into_inner()).await?;
    ask_deletion(&visit, StatusCode::OK, &Form::empty(), &granted)
}

/// Takes the grant away.
pub(super) async fn delete(
    visit: Visit,
    path: Path<(String, String)>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:client_grants")?;
    let granted = load(&visit, path.into_inner()).await?;
    let (client_id, audience) = (granted.client.client_id.to_string(), granted.api.identifier.to_string());
    match visit.change(move |change| change.delete_grant(&client_id, &audience)).await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &granted.client).path, Done::GrantDeleted)),
        Err(error) => {
            let status = form.take(error, None)?;
            ask_deletion(&visit, status, &form, &granted)
        }
    }
}

impl Granted {
    const fn unchanged(&self) -> Changed {
        Changed { grant_id: self.grant_id, revision: self.revision, is_outdated: false }
    }
}

/// The client and the APIs for which it has no grant.
async fn ungranted(visit: &Visit, named: String) -> Result<(Client, Vec<Api>), ConsoleError> {
    visit.require("read:resource_servers")?;
    let read = visit.read(move |reader| {
        let client = existing(reader, &named)?;
        let apis = reader.list_apis()?.into_iter().filter(|api| client.grant_for(api.id).is_none()).collect();
        Ok((client, apis))
    });
    read.await
}

/// The grant that an address names.
async fn load(visit: &Visit, (client, grant): (String, String)) -> Result<Granted, ConsoleError> {
    let read = visit.read(move |reader| {
        let client = existing(reader, &client)?;
        let missing = || AdministrationError::not_found("grant", &grant);
        let found = client.grants.iter().find(|known| known.id.to_string() == grant).ok_or_else(missing)?;
        let (grant_id, api_id) = (found.id, found.api_id);
        let api = reader.find_api_by_id(api_id)?.ok_or_else(missing)?;
        let revision = reader.client_revision(client.id)?.unwrap_or_default();
        Ok(Granted { client, api, grant_id, revision })
    });
    read.await
}

fn chosen_scopes(form: &Form, api: &Api) -> Vec<String> {
    if form.is_checked(ALL_SCOPES, ON) {
        return api.scopes.iter().map(|scope| scope.value.to_string()).collect();
    }
    form.values(SCOPE).map(str::to_owned).collect()
}

/// As [`Form::take`], but rights that are lacking stand beside the scopes.
fn refuse(form: &mut Form, error: ConsoleError) -> Result<StatusCode, ConsoleError> {
    match error {
        ConsoleError::Refused(AdministrationError::InsufficientScope(lacking)) => {
            form.fail(
                SCOPE,
                format!("You can only grant what you hold yourself, and you do not hold {}.", lacking.join(", ")),
            );
            Ok(StatusCode::FORBIDDEN)
        }
        other => form.take(other, None),
    }
}

fn choose(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    client: &Client,
    apis: &[Api],
) -> Result<HttpResponse, ConsoleError> {
    let choice = |api: &Api| Choice::new(api.id.to_string(), api.name.as_str()).hint(api.identifier.as_str());
    page_with(
        status,
        &ChoosePage {
            frame: visit.frame("Grant an API", Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            apis: apis.iter().map(choice).collect(),
            has_apis: !client.grants.is_empty() || !apis.is_empty(),
        },
    )
}

fn show(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    client: &Client,
    api: &Api,
    changed: Option<Changed>,
) -> Result<HttpResponse, ConsoleError> {
    let choice = |scope: &crate::oauth::resource::ScopeDefinition| {
        let value = scope.value.as_str();
        let description = scope.description.clone().unwrap_or_default();
        let cannot =
            if api.is_system && !visit.holds(value) { "You do not hold it, so you cannot grant it." } else { "" };
        Choice::new(value, value).hint([description.as_str(), cannot].join(" ").trim())
    };
    let title = if changed.is_some() { "Change a grant" } else { "Grant an API" };
    page_with(
        status,
        &GrantPage {
            frame: visit.frame(title, Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            api,
            scopes: api.scopes.iter().map(choice).collect(),
            changed,
        },
    )
}

fn ask_deletion(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    granted: &Granted,
) -> Result<HttpResponse, ConsoleError> {
    let Granted { client, api, grant_id, .. } = granted;
    let mut consequences = vec![
        format!("{} gets no more tokens for {}, from now on.", client.name, api.identifier),
        format!(
            "Tokens that were issued to it for this API work until they expire, those of this minute for {}.",
            duration(api.token_lifetime.seconds().into())
        ),
    ];
    if client.default_audience.as_ref() == Some(&api.identifier) {
        consequences.push("This is its default audience: requests that name no API are refused too.".to_owned());
    }
    if api.is_system {
        consequences.push("It can no longer use this console as an operator.".to_owned());
    }
    let question = Question {
        title: format!("Take {} away from {}?", api.name, client.name),
        consequences,
        verb: "Delete the grant",
        kind: "danger",
        action: format!("grants/{grant_id}/delete"),
    };
    question.page(visit, ClientHead::of(visit, client), status, form)
}
