//! How does a client get another secret without standing still? The others work on for a while.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::ClientHead;
use super::choices::{Ending, Unit};
use super::fields::{check, number};
use super::secret_terms::{endings, read_terms};
use super::secrets::made;
use crate::http::console::answer::page_with;
use crate::http::console::counted::counted_of;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Section};
use crate::http::console::posted::Posted;
use crate::http::console::prove_again::prove_again;
use crate::http::console::visit::Visit;
use crate::oauth::client::Client;

/// The right that the Management API asks of those who rotate a client's secret.
const NEEDED: &str = "update:client_keys";

#[derive(Template)]
#[template(path = "clients_rotate.html")]
struct RotatePage<'a> {
    frame: Frame,
    form: &'a Form,
    client: ClientHead,
    /// How many secrets work now, for those who may know.
    live: Option<String>,
    units: Vec<Choice>,
    endings: Vec<Choice>,
}

/// Shows the form.
pub(super) async fn ask(visit: Visit, id: Path<String>) -> Result<HttpResponse, ConsoleError> {
    visit.require(NEEDED)?;
    let client = visit.client(id.into_inner()).await?;
    let overlap = visit.endpoints.administration.policy().overlap.default;
    let unit = Unit::fitting(overlap);
    let form = Form::empty()
        .with("overlap", (overlap / unit.seconds()).to_string())
        .with("unit", unit.as_str())
        .with("ends", Ending::Never.as_str());
    show(&visit, StatusCode::OK, &form, &client)
}

/// Makes another secret and lets the others run out.
pub(super) async fn rotate(
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
    let overlap = read_overlap(&mut form).unwrap_or_default();
    let terms = read_terms(&mut form, None, visit.now());
    if !form.is_ok() {
        return show(&visit, StatusCode::BAD_REQUEST, &form, &client);
    }
    let client_id = client.client_id.to_string();
    match visit.change_once(&form, move |change| change.rotate_secret(&client_id, overlap, terms)).await {
        Ok(added) => made(&visit, &client, &added, overlap == 0),
        Err(error) => {
            let status = form.take(error, None)?;
            show(&visit, status, &form, &client)
        }
    }
}

/// For how many seconds the others work on.
fn read_overlap(form: &mut Form) -> Option<u32> {
    let parsed = form.value("unit").parse::<Unit>();
    let unit = check(form, "unit", parsed)?;
    if !form.has("overlap") {
        form.fail("overlap", "Say for how long the secrets there are work on; 0 ends them at once.");
        return None;
    }
    let overlap = number(form, "overlap", 0, u32::MAX / unit.seconds())?;
    Some(overlap.saturating_mul(unit.seconds()))
}

fn show(visit: &Visit, status: StatusCode, form: &Form, client: &Client) -> Result<HttpResponse, ConsoleError> {
    let now = visit.now();
    let live: Vec<_> = client.secrets.iter().filter(|secret| secret.is_live(now)).collect();
    page_with(
        status,
        &RotatePage {
            frame: visit.frame("Rotate the secret", Section::Clients),
            form,
            client: ClientHead::of(visit, client),
            live: visit.holds("read:client_credentials").then(|| counted_of(&live, "secret")),
            units: Unit::ALL.iter().map(|unit| Choice::new(unit.as_str(), unit.as_str())).collect(),
            endings: endings(None),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_a_number_of_units() {
        let read =
            |overlap: &str, unit: &str| read_overlap(&mut Form::empty().with("overlap", overlap).with("unit", unit));
        assert_eq!(read("90", "seconds"), Some(90));
        assert_eq!(read("0", "days"), Some(0));
        assert_eq!(read("2", "days"), Some(172_800));
        for (overlap, unit) in [("", "days"), ("-1", "days"), ("1.5", "hours"), ("4294967295", "hours"), ("1", "weeks")]
        {
            assert_eq!(read(overlap, unit), None, "{overlap} {unit}");
        }
    }
}
