//! Which program, for which API, does somebody want to paste? Chosen by links, so that it works without a script.

use actix_web::HttpResponse;
use askama::Template;

use super::{Program, Values};
use crate::http::console::answer::page;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::own::{GrantedApi, Head, Own, Tab};
use crate::http::console::visit::Visit;
use crate::oauth::client::Client;

#[derive(Template)]
#[template(path = "own_code.html")]
struct CodePage {
    frame: Frame,
    head: Head,
    client_id: String,
    action: String,
    form: Form,
    apis: Vec<Choice>,
    shown: Option<Shown>,
}

/// A program, and the way to the others.
struct Shown {
    api_id: String,
    api_name: String,
    audience: String,
    programs: Vec<Program>,
    program: Program,
    text: String,
}

/// Shows it.
pub(in crate::http::console::own) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    let own = Own::of(&visit).await?;
    let chosen = own.chosen(visit.query.value("api"));
    let programs = programs_for(&own.client);
    let wished = Program::of(visit.query.value("lang")).filter(|wished| programs.contains(wished));
    let program = wished.or_else(|| programs.first().copied());
    let shown = chosen.zip(program).map(|(granted, program)| Shown {
        api_id: granted.api.id.to_string(),
        api_name: granted.api.name.clone(),
        audience: granted.api.identifier.to_string(),
        text: program.filled(&values(&visit, &own.client, granted)),
        programs,
        program,
    });
    let choices = own.granted.iter().map(|granted| Choice::new(granted.api.id.to_string(), granted.api.name.clone()));
    page(&CodePage {
        frame: visit.frame("Code to paste", Section::Own),
        head: own.head(Tab::Code),
        client_id: own.client.client_id.to_string(),
        action: visit.path("own/code"),
        form: Form::empty().with("api", chosen.map(|granted| granted.api.id.to_string()).unwrap_or_default()),
        apis: choices.collect(),
        shown,
    })
}

/// Those with which `client` can authenticate.
fn programs_for(client: &Client) -> Vec<Program> {
    let by_key = client.accepts_assertions() && client.has_key_in_use();
    let fits = |program: &Program| if program.has_key() { by_key } else { client.accepts_secrets() };
    Program::ALL.iter().copied().filter(fits).collect()
}

fn values(visit: &Visit, client: &Client, granted: &GrantedApi) -> Values {
    let issuer = visit.endpoints.issuer_name();
    Values {
        issuer: issuer.as_str().to_owned(),
        base: issuer.endpoint(""),
        client_id: client.client_id.to_string(),
        audience: granted.api.identifier.to_string(),
        scope: granted.scope.to_string(),
    }
}
