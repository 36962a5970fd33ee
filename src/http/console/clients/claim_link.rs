//! How does a client's owner pick up a secret that nobody else sees? By a link, which is shown once to whoever makes it.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::ClientHead;
use super::fields::number;
use super::secret_terms::read_label;
use crate::http::console::answer::{lead_on, page, page_with};
use crate::http::console::counted::counted_of;
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::Form;
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::time::Instant;
use crate::http::console::visit::Visit;
use crate::issuer::console::MadeLink;
use crate::oauth::client::Client;
use crate::store::LinkPurpose;

/// The right to make a secret, which is what the link does.
const NEEDED: &str = "create:client_credentials";
/// The right to take a secret away, and so what leads to one.
const WITHDRAWS: &str = "delete:client_credentials";

/// A link on the one page that shows it.
pub(super) struct LinkShown {
    pub(super) url: String,
    pub(super) ends: Instant,
}

impl LinkShown {
    pub(super) fn of(visit: &Visit, link: &MadeLink) -> Self {
        let relative = format!("console/claim?link={}", link.token.expose());
        Self {
            url: visit.endpoints.issuer_name().endpoint(&relative),
            ends: Instant::near(link.expires_at, visit.now()),
        }
    }
}

#[derive(Template)]
#[template(path = "clients_link.html")]
struct AskPage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    longest_minutes: u32,
    /// How many links there are that nobody has used, and when the last of them ends; none: whoever is signed in may not withdraw them.
    open: Option<(String, Instant)>,
}

#[derive(Template)]
#[template(path = "clients_link_made.html")]
struct MadePage {
    frame: Frame,
    client: ClientHead,
    link: LinkShown,
}

/// Shows the form.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require(NEEDED)?;
    let client = visit.client(id.into_inner()).await?;
    let form = Form::empty().with("minutes", LinkPurpose::ClaimSecret.default_minutes().to_string());
    show(&visit, StatusCode::OK, &form, &client).await
}

/// Takes back the links that nobody has used.
pub(super) async fn withdraw(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require(WITHDRAWS)?;
    let client = visit.client(id.into_inner()).await?;
    let client_id = client.client_id.to_string();
    visit.change(move |change| change.withdraw_links(&client_id)).await?;
    Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::LinksWithdrawn))
}

/// Makes the link and shows it.
pub(super) async fn make(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require(NEEDED)?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let client = visit.client(id.into_inner()).await?;
    let (minutes, label) = (read_minutes(&mut form), read_label(&mut form, "label"));
    if !form.is_ok() {
        return show(&visit, StatusCode::BAD_REQUEST, &form, &client).await;
    }
    let client_id = client.client_id.to_string();
    let made =
        visit.change_once(&form, move |change| change.make_link(&client_id, LinkPurpose::ClaimSecret, minutes, label));
    match made.await {
        Ok(link) => page(&MadePage {
            frame: visit.frame("A link to pick up a secret", Section::Clients),
            client: ClientHead::of(&visit, &client),
            link: LinkShown::of(&visit, &link),
        }),
        Err(error) => {
            let status = form.take(error, None)?;
            show(&visit, status, &form, &client).await
        }
    }
}

/// For how many minutes the link is to work.
pub(super) fn read_minutes(form: &mut Form) -> u32 {
    if !form.has("minutes") {
        form.fail("minutes", "Say for how many minutes the link works.");
    }
    number(form, "minutes", 1, LinkPurpose::ClaimSecret.longest_minutes()).unwrap_or_default()
}

async fn show(visit: &Visit, status: StatusCode, form: &Form, client: &Client) -> Result<HttpResponse, ConsoleError> {
    page_with(
        status,
        &AskPage {
            frame: visit.frame("Make a claim link", Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            longest_minutes: LinkPurpose::ClaimSecret.longest_minutes(),
            open: open_links(visit, client).await?,
        },
    )
}

async fn open_links(visit: &Visit, client: &Client) -> Result<Option<(String, Instant)>, ConsoleError> {
    if !visit.holds(WITHDRAWS) {
        return Ok(None);
    }
    let (id, now) = (client.id, visit.now());
    let links = visit.read(move |reader| Ok(reader.open_links(id, now)?)).await?;
    let last = links.iter().map(|link| link.expires_at).max();
    Ok(last.map(|last| (counted_of(&links, "link"), Instant::near(last, now))))
}
