//! What is on the start page, and what of it is fetched again and again?

use actix_web::HttpResponse;
use askama::Template;

use super::super::answer::page;
use super::super::error::ConsoleError;
use super::super::frame::{Frame, Section};
use super::super::visit::Visit;
use super::first_steps::{Step, first_steps};
use super::lasting::{Expiring, LastDays, SigningKey, Told, expiring, last_days, signing_keys};
use super::now::{Now, Refresh};

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    now: Now,
    steps: Option<[Step; 3]>,
    last_days: Told<LastDays>,
    expiring: Told<Vec<Expiring>>,
    keys: Vec<SigningKey>,
    sees_clients: bool,
}

/// Shows the whole page.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    require_operator(&visit)?;
    let refresh = if visit.query.value("refresh") == "off" { Refresh::WhenAsked } else { Refresh::ByItself };
    page(&OverviewPage {
        frame: visit.frame("Overview", Section::Start),
        now: Now::of(&visit, refresh).await,
        steps: first_steps(&visit),
        last_days: last_days(&visit).await?,
        expiring: expiring(&visit).await?,
        keys: signing_keys(&visit),
        sees_clients: visit.holds("read:clients"),
    })
}

/// Shows the part that changes.
pub(super) async fn show_now(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    require_operator(&visit)?;
    page(&Now::of(&visit, Refresh::ByItself).await)
}

/// Partners have a page of their own.
fn require_operator(visit: &Visit) -> Result<(), ConsoleError> {
    if visit.session.is_operator() { Ok(()) } else { visit.require("read:stats") }
}
