//! What goes with an API that is deleted? Its grants: asked first, with how many there are.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::answer::{lead_on, page_with};
use super::super::done::Done;
use super::super::error::ConsoleError;
use super::super::form::Form;
use super::super::frame::{Frame, Section};
use super::super::visit::Visit;
use super::{found, length, path_of};
use crate::oauth::resource::Api;
use crate::store::GrantFilter;

#[derive(Template)]
#[template(path = "apis_delete.html")]
struct DeletePage {
    frame: Frame,
    form: Form,
    name: String,
    path: String,
    title: String,
    is_system: bool,
    consequences: Vec<String>,
}

/// Asks whether the API is to go.
pub(super) async fn ask(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    require(&visit)?;
    let (api, _) = found(&visit, id.into_inner()).await?;
    question(&visit, &api, Form::empty(), StatusCode::OK).await
}

/// Deletes the API.
pub(super) async fn delete(visit: Visit, id: web::Path<String>) -> Result<HttpResponse, ConsoleError> {
    require(&visit)?;
    let (api, _) = found(&visit, id.into_inner()).await?;
    let identifier = api.identifier.clone();
    match visit.change(move |change| change.delete_api(identifier.as_str())).await {
        Ok(()) => Ok(lead_on(&visit.path("apis"), Done::ApiDeleted)),
        Err(error) => {
            let mut form = Form::empty();
            let status = form.take(error, None)?;
            question(&visit, &api, form, status).await
        }
    }
}

fn require(visit: &Visit) -> Result<(), ConsoleError> {
    visit.require("read:resource_servers")?;
    visit.require("delete:resource_servers")
}

async fn question(visit: &Visit, api: &Api, form: Form, status: StatusCode) -> Result<HttpResponse, ConsoleError> {
    let grants = if visit.holds("read:client_grants") {
        let filter = GrantFilter { client_row_id: None, api_id: Some(api.id) };
        Some(visit.read(move |reader| Ok(reader.count_grants(&filter)?)).await?)
    } else {
        None
    };
    let title = format!("Delete the API “{}”?", api.name);
    let page = DeletePage {
        frame: visit.frame(title.clone(), Section::Apis),
        form,
        name: api.name.clone(),
        path: visit.path(&path_of(api)),
        title,
        is_system: api.is_system,
        consequences: consequences(api, grants),
    };
    page_with(status, &page)
}

/// `grants` are those for it, if whoever is signed in may see them.
fn consequences(api: &Api, grants: Option<u64>) -> Vec<String> {
    let granted = match grants {
        None => "All grants for it go with it: their clients get no further token for it.".to_owned(),
        Some(0) => "No client holds a grant for it, so none loses anything.".to_owned(),
        Some(1) => "1 grant goes with it: its client gets no further token for it.".to_owned(),
        Some(count) => format!("{count} grants go with it: their clients get no further token for it."),
    };
    let scopes = match api.scopes.len() {
        0 => None,
        1 => Some("The scope that it defines goes too.".to_owned()),
        count => Some(format!("The {count} scopes that it defines go too.")),
    };
    let tokens = format!(
        "Tokens that were issued for {} work until they expire, at the latest in {}: whoever verifies them does not ask here.",
        api.identifier,
        length::written(api.token_lifetime.seconds())
    );
    let last = "This cannot be taken back. An API that is made anew has no grants.".to_owned();
    [Some(granted), scopes, Some(tokens), Some(last)].into_iter().flatten().collect()
}
