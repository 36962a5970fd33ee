//! How is a client put out of use, put back, and deleted? After a page that says what follows.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::confirm::Question;
use super::{ClientHead, existing, usage};
use crate::http::console::answer::lead_on;
use crate::http::console::counted::{counted, counted_of};
use crate::http::console::done::Done;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::Form;
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::time::duration;
use crate::http::console::visit::Visit;
use crate::oauth::client::Client;

/// A client and what of it goes on when it is stopped.
struct Stopped {
    client: Client,
    /// Seconds that a token lives which is issued now, at most.
    longest_token: u32,
    /// Tokens issued in the last 24 hours; none: whoever is signed in may not know.
    issued: Option<u64>,
}

/// Asks whether to put the client out of use, or back into it.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:clients")?;
    let stopped = load(&visit, id.into_inner()).await?;
    ask_state(&visit, &stopped, StatusCode::OK, &Form::empty())
}

/// Puts the client out of use or back into it, as the form says.
pub(super) async fn change(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("update:clients")?;
    let stopped = load(&visit, id.into_inner()).await?;
    let client = &stopped.client;
    // What is asked for is named: who pressed "Disable" a moment after somebody else did must not enable it.
    let enable = match form.value("state") {
        "enabled" => true,
        "disabled" => false,
        _ => return ask_state(&visit, &stopped, StatusCode::BAD_REQUEST, &form),
    };
    if enable && let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let client_id = client.client_id.to_string();
    let changed = visit.change(move |change| {
        change.update_client(&client_id, |entry| {
            entry.enabled = enable;
            Ok(())
        })
    });
    match changed.await {
        Ok(client) => {
            let done = if enable { Done::ClientEnabled } else { Done::ClientDisabled };
            Ok(lead_on(&ClientHead::of(&visit, &client).path, done))
        }
        Err(error) => {
            let status = form.take(error, None)?;
            ask_state(&visit, &stopped, status, &form)
        }
    }
}

/// Asks whether to delete the client.
pub(super) async fn ask_to_delete(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:clients")?;
    let stopped = load(&visit, id.into_inner()).await?;
    ask_deletion(&visit, &stopped, StatusCode::OK, &Form::empty())
}

/// Deletes the client.
pub(super) async fn delete(
    request: HttpRequest,
    visit: Visit,
    id: Path<String>,
    Posted(mut form): Posted,
) -> Result<HttpResponse, ConsoleError> {
    visit.require("delete:clients")?;
    if let Some(question) = prove_again(&request, &visit, &form).await? {
        return Ok(question);
    }
    let stopped = load(&visit, id.into_inner()).await?;
    let client_id = stopped.client.client_id.to_string();
    match visit.change(move |change| change.delete_client(&client_id)).await {
        Ok(()) => Ok(lead_on(&visit.path("clients"), Done::ClientDeleted)),
        Err(error) => {
            let status = form.take(error, None)?;
            ask_deletion(&visit, &stopped, status, &form)
        }
    }
}

async fn load(visit: &Visit, named: String) -> Result<Stopped, ConsoleError> {
    let read = visit.read(move |reader| {
        let client = existing(reader, &named)?;
        let apis = reader.list_apis()?;
        let granted = apis.iter().filter(|api| client.grant_for(api.id).is_some());
        let longest_token = granted.map(|api| api.token_lifetime.seconds()).max().unwrap_or_default();
        Ok((client, longest_token))
    });
    let (client, longest_token) = read.await?;
    let issued = if visit.holds("read:stats") { Some(usage::issued_last_day(visit, &client).await?) } else { None };
    Ok(Stopped { client, longest_token, issued })
}

fn ask_state(visit: &Visit, stopped: &Stopped, status: StatusCode, form: &Form) -> Result<HttpResponse, ConsoleError> {
    let client = &stopped.client;
    let question = if client.enabled {
        let mut consequences = vec![
            "It gets no more tokens, from now on: its requests are answered with invalid_client, as if it did not exist."
                .to_owned(),
            "Nobody is signed in to this console as this client any longer.".to_owned(),
            "Its secrets, keys and grants stay, and work again once it is enabled.".to_owned(),
        ];
        consequences.extend(tokens_live_on(stopped));
        Question {
            title: format!("Disable {}?", client.name),
            consequences,
            verb: "Disable it",
            kind: "danger",
            action: "state".to_owned(),
        }
    } else {
        Question {
            title: format!("Enable {}?", client.name),
            consequences: vec![
                format!("It gets tokens again, with {}.", what_it_has(visit, client, "the ")),
                "If it was disabled because a secret is known to others, retire that secret first.".to_owned(),
            ],
            verb: "Enable it",
            kind: "primary",
            action: "state".to_owned(),
        }
    };
    let wanted = Form::empty().with("state", if client.enabled { "disabled" } else { "enabled" });
    question.page(visit, ClientHead::of(visit, client), status, &with_errors_of(wanted, form))
}

fn ask_deletion(
    visit: &Visit,
    stopped: &Stopped,
    status: StatusCode,
    form: &Form,
) -> Result<HttpResponse, ConsoleError> {
    let client = &stopped.client;
    let mut consequences = vec![
        "It gets no more tokens, from now on.".to_owned(),
        format!("With it are deleted {}.", what_it_has(visit, client, "")),
    ];
    consequences.extend(tokens_live_on(stopped));
    consequences.push(
        "It does not come back: a client that is made with the same id has other secrets. To stop it for a while, disable it."
            .to_owned(),
    );
    let question = Question {
        title: format!("Delete {}?", client.name),
        consequences,
        verb: "Delete it for good",
        kind: "danger",
        action: "delete".to_owned(),
    };
    question.page(visit, ClientHead::of(visit, client), status, form)
}

/// What belongs to the client, counted for those who may read it.
fn what_it_has(visit: &Visit, client: &Client, the: &str) -> String {
    let grants = if visit.holds("read:client_grants") {
        format!("{the}{}", counted_of(&client.grants, "grant"))
    } else {
        "its grants".to_owned()
    };
    let credentials = if visit.holds("read:client_credentials") {
        format!("{the}{} and {the}{}", counted_of(&client.secrets, "secret"), counted_of(&client.keys, "key"))
    } else {
        "its secrets and keys".to_owned()
    };
    format!("{grants}, {credentials}")
}

/// What is to be said of the tokens that the client holds.
fn tokens_live_on(stopped: &Stopped) -> Vec<String> {
    let issued = stopped.issued.map(|issued| {
        let were = if issued == 1 { "was" } else { "were" };
        format!("{} {were} issued to it in the last 24 hours.", counted(issued, "token"))
    });
    let live_on = match stopped.longest_token {
        0 => "Tokens that were issued to it work until they expire: nothing calls them back.".to_owned(),
        seconds => format!(
            "Tokens that were issued to it work until they expire, those of this minute for {}: nothing calls them back.",
            duration(seconds.into())
        ),
    };
    issued.into_iter().chain([live_on]).collect()
}

/// `form` with what was wrong with `other`.
fn with_errors_of(mut form: Form, other: &Form) -> Form {
    other.general().iter().for_each(|text| form.fail_generally(text));
    form
}
