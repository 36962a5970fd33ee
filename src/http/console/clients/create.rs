//! How is a client made? With its first secret, or with a link by which its owner picks that up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::ClientHead;
use super::choices::FirstSecret;
use super::claim_link::{self, LinkShown};
use super::fields::{ClientChoices, ClientFields, ON, check, text};
use crate::http::console::answer::{lead_on, page, page_with};
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::visit::Visit;
use crate::issuer::clients::IdRule;
use crate::issuer::document::ClientEntry;
use crate::issuer::secrets::SecretTerms;
use crate::oauth::client::{AuthenticationMethod, ClientId};
use crate::store::LinkPurpose;

#[derive(Template)]
#[template(path = "clients_create.html")]
struct CreatePage<'a> {
    frame: Frame,
    form: &'a Form,
    choices: ClientChoices,
    firsts: Vec<Choice>,
    longest_minutes: u32,
}

/// The one page that shows the first secret.
#[derive(Template)]
#[template(path = "clients_created.html")]
struct CreatedPage {
    frame: Frame,
    client: ClientHead,
    token_endpoint: String,
    secret: Option<String>,
    link: Option<LinkShown>,
    may_grant: bool,
}

/// Shows the form.
pub(super) async fn ask(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:clients")?;
    let choices = ClientChoices::load(&visit, None).await?;
    let form = Form::empty()
        .with("enabled", ON)
        .with("quota_enforce", ON)
        .with("first", FirstSecret::Now.as_str())
        .with("minutes", LinkPurpose::ClaimSecret.default_minutes().to_string());
    show(&visit, StatusCode::OK, &form, choices)
}

/// Makes the client.
pub(super) async fn create(
    request: HttpRequest,
    visit: Visit,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:clients")?;
    let choices = ClientChoices::load(&visit, None).await?;
    let client_id = text(&form, "client_id");
    if let Some(client_id) = &client_id {
        check(&mut form, "client_id", ClientId::parse_chosen(client_id));
    }
    let fields = ClientFields::read(&mut form, &choices);
    let parsed = form.value("first").parse::<FirstSecret>();
    let first = check(&mut form, "first", parsed).unwrap_or(FirstSecret::None);
    let minutes = if first == FirstSecret::Link { claim_link::read_minutes(&mut form) } else { 0 };
    if first != FirstSecret::None && fields.methods.contains(&AuthenticationMethod::PrivateKeyJwt) {
        form.fail("first", "A client that is set to its private key cannot use a secret: choose no secret.");
    }
    if !form.is_ok() {
        return show(&visit, StatusCode::BAD_REQUEST, &form, choices);
    }
    if (first != FirstSecret::None || fields.jwks_uri.is_some())
        && let Some(question) = prove_again(&request, &visit, &form).await?
    {
        return Ok(question);
    }
    let mut entry = ClientEntry::new(client_id, None);
    fields.apply_to(&mut entry);
    let made = visit.change_once(&form, move |change| {
        let client = change.create_client(&entry, IdRule::Chosen)?;
        let id = client.client_id.as_str();
        let (mut secret, mut link) = (None, None);
        match first {
            FirstSecret::Now => secret = Some(change.add_secret(id, SecretTerms::default())?.secret),
            FirstSecret::Link => link = Some(change.make_link(id, LinkPurpose::ClaimSecret, minutes, None)?),
            FirstSecret::None => {}
        }
        Ok((client, secret, link))
    });
    let (client, secret, link) = match made.await {
        Ok(made) => made,
        Err(error) => {
            let status = form.take(error, Some("client_id"))?;
            return show(&visit, status, &form, choices);
        }
    };
    let head = ClientHead::of(&visit, &client);
    if first == FirstSecret::None {
        return Ok(lead_on(&head.path, Done::ClientCreated));
    }
    page(&CreatedPage {
        frame: visit.frame(format!("{} is made", client.name), Section::Clients),
        client: head,
        token_endpoint: visit.endpoints.issuer_name().endpoint("oauth/token"),
        secret: secret.map(|secret| secret.expose().to_owned()),
        link: link.map(|link| LinkShown::of(&visit, &link)),
        may_grant: visit.holds("create:client_grants") && visit.holds("read:resource_servers"),
    })
}

fn show(visit: &Visit, status: StatusCode, form: &Form, choices: ClientChoices) -> Result<HttpResponse, ConsoleError> {
    page_with(
        status,
        &CreatePage {
            frame: visit.frame("New client", Section::Clients),
            form,
            choices,
            firsts: FirstSecret::ALL.iter().map(|first| first.choice()).collect(),
            longest_minutes: LinkPurpose::ClaimSecret.longest_minutes(),
        },
    )
}
