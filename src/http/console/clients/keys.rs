//! Which public keys has a client: one is registered from what is pasted, and one is removed?

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use tokenhouse_verifier::Algorithm;

use super::choices::Ending;
use super::confirm::Question;
use super::fields::{check, text};
use super::secret_terms::{endings, read_end, read_label};
use super::{ClientHead, existing};
use crate::http::console::answer::{lead_on, page_with};
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form, PUBLIC_KEY, looks_private};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::visit::Visit;
use crate::issuer::AdministrationError;
use crate::issuer::client_keys::{KeyMaterial, NewClientKey};
use crate::keys::{PublicKey, PublicKeyError};
use crate::oauth::client::{AuthenticationMethod, Client};
use crate::oauth::client_key::{ClientKey, KeyId};

/// The field of the key itself.
const KEY: &str = PUBLIC_KEY;

#[derive(Template)]
#[template(path = "clients_key_new.html")]
struct AddPage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    algorithms: Vec<Choice>,
    endings: Vec<Choice>,
    /// Is the client set to its secret, so that a key is not used yet?
    is_set_to_secret: bool,
}

/// Shows the form.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:client_credentials")?;
    let client = visit.client(id.into_inner()).await?;
    let form = Form::empty().with("ends", Ending::Never.as_str());
    show(&visit, StatusCode::OK, &form, &client)
}

/// Registers a key.
pub(super) async fn add(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("create:client_credentials")?;
    // Before all else: a private key that was pasted by mistake is written into no page.
    let (mut form, key) = read_key(form);
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let client = visit.client(id.into_inner()).await?;
    let kid = text(&form, "kid");
    if let Some(kid) = &kid {
        check(&mut form, "kid", kid.parse::<KeyId>());
    }
    let (name, expires_at) = (read_label(&mut form, "name"), read_end(&mut form, None, visit.now()));
    let (Some((material, alg)), true) = (key, form.is_ok()) else {
        return show(&visit, StatusCode::BAD_REQUEST, &form, &client);
    };
    let new = NewClientKey { name, alg, kid, expires_at, ..NewClientKey::new(material) };
    let client_id = client.client_id.to_string();
    match visit.change(move |change| change.add_client_key(&client_id, &new).map(drop)).await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::KeyAdded)),
        Err(error) => {
            let status = form.take(error, Some("kid"))?;
            show(&visit, status, &form, &client)
        }
    }
}

/// Asks whether to remove a key.
pub(super) async fn ask_to_remove(visit: Visit, path: Path<(String, String)>) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:client_credentials")?;
    let (client, key) = load(&visit, path.into_inner()).await?;
    ask_removal(&visit, StatusCode::OK, &Form::empty(), &client, &key)
}

/// Removes a key at once.
pub(super) async fn remove(
    request: HttpRequest,
    visit: Visit,
    path: Path<(String, String)>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:client_credentials")?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let (client, key) = load(&visit, path.into_inner()).await?;
    let (client_id, key_id) = (client.client_id.to_string(), key.id.to_string());
    match visit.change(move |change| change.retire_client_key(&client_id, &key_id)).await {
        Ok(()) => Ok(lead_on(&ClientHead::of(&visit, &client).path, Done::KeyRemoved)),
        Err(error) => {
            let status = form.take(error, None)?;
            ask_removal(&visit, status, &form, &client, &key)
        }
    }
}

/// The key that was pasted; otherwise the form says what is wrong with it, and does not hold it if it is private.
fn read_key(mut form: Form) -> (Form, Option<(KeyMaterial, Option<Algorithm>)>) {
    let named = text(&form, "alg");
    let alg = named.as_deref().and_then(Algorithm::from_name);
    if named.is_some() && alg.is_none() {
        form.fail("alg", "Choose an algorithm of the list.");
    }
    let Some(pasted) = text(&form, KEY) else {
        form.fail(KEY, "Paste the public key.");
        return (form, None);
    };
    let is_jwk = pasted.starts_with('{');
    let read = if is_jwk { PublicKey::from_jwk_text(&pasted, alg) } else { PublicKey::from_pem(&pasted, alg) };
    match read {
        Ok(_) if is_jwk => (form, Some((KeyMaterial::Jwk(pasted), alg))),
        Ok(_) => (form, Some((KeyMaterial::Pem(pasted), alg))),
        Err(reason) => {
            let is_private = reason == PublicKeyError::Private || looks_private(&pasted);
            let mut form = if is_private { Form::of(form.fields_without(&[KEY])) } else { form };
            check(&mut form, KEY, Err::<(), _>(reason));
            (form, None)
        }
    }
}

/// The client and the key that an address names, for those who may see it.
async fn load(visit: &Visit, (client, key): (String, String)) -> Result<(Client, ClientKey), ConsoleError> {
    let rights = visit.caller().rights;
    let read = visit.read(move |reader| {
        let client = existing(reader, &client)?;
        rights.may_touch_credentials(&client, reader)?;
        let found = client.keys.iter().find(|known| known.id.to_string() == key).cloned();
        let found = found.ok_or_else(|| AdministrationError::not_found("key", key))?;
        Ok((client, found))
    });
    read.await
}

fn show(visit: &Visit, status: StatusCode, form: &Form, client: &Client) -> Result<HttpResponse, ConsoleError> {
    let by_key = Choice::new("", "That of the key: RS256, ES256 or EdDSA by its kind");
    let algorithms = Algorithm::ALL.iter().map(|algorithm| Choice::new(algorithm.name(), algorithm.name()));
    page_with(
        status,
        &AddPage {
            frame: visit.frame("Add a public key", Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            algorithms: std::iter::once(by_key).chain(algorithms).collect(),
            endings: endings(None),
            is_set_to_secret: !client.accepts_assertions(),
        },
    )
}

fn ask_removal(
    visit: &Visit,
    status: StatusCode,
    form: &Form,
    client: &Client,
    key: &ClientKey,
) -> Result<HttpResponse, ConsoleError> {
    let now = visit.now();
    let others = client.keys.iter().filter(|other| other.id != key.id && other.is_live(now)).count();
    let by_key = client.authentication_methods.contains(&AuthenticationMethod::PrivateKeyJwt);
    let left = match (others, &client.jwks_uri) {
        (0, None) if by_key => "The client is set to its keys and has no other one: it cannot authenticate any more.",
        (0, None) => "The client has no other key.",
        (0, Some(_)) => "The client has no other key registered: those that it publishes work on.",
        _ => "Its other keys work on.",
    };
    let question = Question {
        title: format!("Remove the key {}?", key.kid),
        consequences: vec![
            "Assertions that are signed with it are refused, from now on.".to_owned(),
            left.to_owned(),
            "Tokens that were issued with it work until they expire.".to_owned(),
        ],
        verb: "Remove it",
        kind: "danger",
        action: format!("keys/{}/remove", key.id),
    };
    question.page(visit, ClientHead::of(visit, client), status, form)
}
