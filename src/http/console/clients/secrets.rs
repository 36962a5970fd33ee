//! Which secrets has a client: one is added, its label and end are changed, one is retired?

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use zeroize::Zeroizing;

use super::ClientHead;
use super::choices::{Ending, Origin};
use super::confirm::Question;
use super::fields::check;
use super::secret_terms::{endings, form_of, read_terms};
use crate::http::console::answer::{lead_on, page, page_with};
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::time::Instant;
use crate::http::console::visit::Visit;
use crate::issuer::AdministrationError;
use crate::issuer::secret_list::{ListedSecret, list_secrets};
use crate::issuer::secrets::AddedSecret;
use crate::oauth::client::Client;
use crate::secret::{StoredSecret, WeakSecrets, validate_brought};

#[derive(Template)]
#[template(path = "clients_secret_new.html")]
struct AddPage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    origins: Vec<Choice>,
    endings: Vec<Choice>,
}

/// The one page that shows a new secret.
#[derive(Template)]
#[template(path = "clients_secret_made.html")]
pub(super) struct MadePage {
    pub(super) frame: Frame,
    pub(super) client: ClientHead,
    pub(super) secret: String,
    pub(super) ends: Option<Instant>,
    /// When those before it stop working, after a rotation.
    pub(super) previous_end: Option<Instant>,
    /// Have those before it stopped working with the rotation?
    pub(super) is_alone: bool,
}

#[derive(Template)]
#[template(path = "clients_secret_edit.html")]
struct ChangePage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    secret: SecretHead,
    endings: Vec<Choice>,
}

/// What names a secret.
pub(super) struct SecretHead {
    pub(super) id: String,
    pub(super) name: String,
}

impl SecretHead {
    /// By its label, else by its first characters.
    pub(super) fn of(listed: &ListedSecret) -> Self {
        let summary = &listed.summary;
        let name = summary.label.clone().filter(|label| !label.is_empty()).or_else(|| summary.hint.clone());
        Self { id: summary.id.clone(), name: name.unwrap_or_else(|| "without a label".to_owned()) }
    }
}

/// Shows the form.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:client_credentials")?;
    let client = visit.client(id.into_inner()).await?;
    let form = Form::empty().with("origin", Origin::Generated.as_str()).with("ends", Ending::Never.as_str());
    show(&visit, StatusCode::OK, &form, &client)
}

/// Adds a secret; those before it work on.
pub(super) async fn add(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:client_credentials")?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let client = visit.client(id.into_inner()).await?;
    let parsed = form.value("origin").parse::<Origin>();
    let origin = check(&mut form, "origin", parsed);
    let brought = Zeroizing::new(form.secret("client_secret").to_owned());
    if origin == Some(Origin::Brought) {
        check(&mut form, "client_secret", validate_brought(&brought, WeakSecrets::Refuse));
    }
    let terms = read_terms(&mut form, None, visit.now());
    if !form.is_ok() {
        return show(&visit, StatusCode::BAD_REQUEST, &form, &client);
    }
    let client_id = client.client_id.to_string();
    let added = visit.change_once(&form, move |change| {
        if origin == Some(Origin::Generated) {
            return change.add_secret(&client_id, terms).map(Some);
        }
        let client = change.existing_client(&client_id)?;
        change.add_brought_secret(&client, &brought, WeakSecrets::Refuse, terms).map(|_| None)
    });
    match added.await {
        Ok(Some(added)) => made(&visit, &client, &added, false),
        Ok(None) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::SecretAdded)),
        Err(error) => {
            let status = form.take(error, None)?;
            show(&visit, status, &form, &client)
        }
    }
}

/// Shows the form with what is so now.
pub(super) async fn ask_to_change(visit: Visit, path: Path<(String, String)>) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:client_credentials")?;
    let (client, stored, listed) = load(&visit, path.into_inner()).await?;
    let form = form_of(stored.label.as_deref(), stored.expires_at);
    show_change(&visit, StatusCode::OK, &form, &client, &stored, &listed)
}

/// Changes label and end of a secret.
pub(super) async fn change(
    request: HttpRequest,
    visit: Visit,
    path: Path<(String, String)>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:client_credentials")?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let (client, stored, listed) = load(&visit, path.into_inner()).await?;
    let terms = read_terms(&mut form, stored.expires_at, visit.now());
    if !form.is_ok() {
        return show_change(&visit, StatusCode::BAD_REQUEST, &form, &client, &stored, &listed);
    }
    let (client_id, secret_id) = (client.client_id.to_string(), stored.id.to_string());
    let changed =
        visit.change(move |change| change.update_secret(&client_id, &secret_id, |current| *current = terms).map(drop));
    match changed.await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::SecretChanged)),
        Err(error) => {
            let status = form.take(error, None)?;
            show_change(&visit, status, &form, &client, &stored, &listed)
        }
    }
}

/// Asks whether to retire a secret, and says whether anybody would notice.
pub(super) async fn ask_to_retire(visit: Visit, path: Path<(String, String)>) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:client_credentials")?;
    let (client, _, listed) = load(&visit, path.into_inner()).await?;
    ask_retirement(&visit, StatusCode::OK, &Form::empty(), &client, &listed)
}

/// Retires a secret at once.
pub(super) async fn retire(
    request: HttpRequest,
    visit: Visit,
    path: Path<(String, String)>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:client_credentials")?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let (client, stored, listed) = load(&visit, path.into_inner()).await?;
    let (client_id, secret_id) = (client.client_id.to_string(), stored.id.to_string());
    match visit.change(move |change| change.retire_secret(&client_id, &secret_id)).await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::SecretRetired)),
        Err(error) => {
            let status = form.take(error, None)?;
            ask_retirement(&visit, status, &form, &client, &listed)
        }
    }
}

/// The page that shows `added`, once.
pub(super) fn made(
    visit: &Visit,
    client: &Client,
    added: &AddedSecret,
    is_alone: bool,
) -> Result<HttpResponse, ConsoleError> {
    let now = visit.now();
    page(&MadePage {
        frame: visit.frame("A new secret", Section::Clients),
        client: ClientHead::of(visit, client),
        secret: added.secret.expose().to_owned(),
        ends: added.stored.expires_at.map(|at| Instant::near(at, now)),
        previous_end: added.previous_expires_at.map(|at| Instant::near(at, now)),
        is_alone,
    })
}

/// The client and the secret that an address names, for those who may see it.
async fn load(
    visit: &Visit,
    (client, secret): (String, String),
) -> Result<(Client, StoredSecret, ListedSecret), ConsoleError> {
    let (rights, quiet_days, now) =
        (visit.caller().rights, visit.endpoints.administration.policy().quiet_days, visit.now());
    let read = visit.read(move |reader| {
        let client = super::existing(reader, &client)?;
        rights.may_touch_credentials(&client, reader)?;
        let listed = list_secrets(&client.secrets, quiet_days, now);
        let found = client.secrets.iter().cloned().zip(listed).find(|(stored, _)| stored.id.to_string() == secret);
        let (stored, listed) = found.ok_or_else(|| AdministrationError::not_found("secret", secret))?;
        Ok((client, stored, listed))
    });
    read.await
}

fn show(visit: &Visit, status: StatusCode, form: &Form, client: &Client) -> Result<HttpResponse, ConsoleError> {
    page_with(
        status,
        &AddPage {
            frame: visit.frame("Add a secret", Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            origins: Origin::ALL.iter().map(|origin| origin.choice()).collect(),
            endings: endings(None),
        },
    )
}

fn show_change(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    client: &Client,
    stored: &StoredSecret,
    listed: &ListedSecret,
) -> Result<HttpResponse, ConsoleError> {
    page_with(
        status,
        &ChangePage {
            frame: visit.frame("Change a secret's label and end", Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            secret: SecretHead::of(listed),
            endings: endings(stored.expires_at),
        },
    )
}

fn ask_retirement(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    client: &Client,
    listed: &ListedSecret,
) -> Result<HttpResponse, ConsoleError> {
    let secret = SecretHead::of(listed);
    let reason = &listed.safe_to_retire_reason;
    let verdict = if listed.safe_to_retire {
        format!("It is safe: {reason}.")
    } else {
        format!("It is not known to be safe: {reason}.")
    };
    let question = Question {
        title: format!("Retire the secret {}?", secret.name),
        consequences: vec![
            verdict,
            "It stops working at once: whoever still uses it is refused with invalid_client.".to_owned(),
            "Tokens that were issued with it work until they expire.".to_owned(),
            "It does not come back. To let it run out instead, change its end.".to_owned(),
        ],
        verb: "Retire it",
        kind: "danger",
        action: format!("secrets/{}/retire", secret.id),
    };
    question.page(visit, ClientHead::of(visit, client), status, form)
}
