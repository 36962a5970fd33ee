//! Which clients are there? Searched by a part of the id or the name, 50 on a page.

use actix_web::HttpResponse;
use askama::Template;
use url::form_urlencoded;

use super::choices::Standing;
use super::{SEES_CLIENTS, segment};
use crate::clock::UnixMillis;
use crate::http::console::answer::page;
use crate::http::console::counted::counted;
use crate::http::console::error::ConsoleError;
use crate::http::console::form::{Choice, Form};
use crate::http::console::frame::{Frame, Pager, Section};
use crate::http::console::plot::grouped;
use crate::http::console::time::Instant;
use crate::http::console::visit::Visit;
use crate::oauth::client::Client;
use crate::store::{ClientSearch, Page};

/// Clients on a page.
const PER_PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "clients_list.html")]
struct ListPage<'a> {
    frame: Frame,
    form: &'a Form,
    standings: Vec<Choice>,
    rows: Vec<Row>,
    pager: Pager,
    /// Is there any client at all but those that are found?
    is_narrowed: bool,
    columns: Columns,
}

/// What of the clients whoever is signed in may see, and do.
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
struct Columns {
    may_create: bool,
    grants: bool,
    secrets: bool,
    last_seen: bool,
}

struct Row {
    path: String,
    client_id: String,
    name: String,
    enabled: bool,
    grants: usize,
    /// Secrets and keys that work.
    credentials: usize,
    last_seen: Option<Instant>,
}

/// Lists the clients that the query asks for.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require_any(SEES_CLIENTS)?;
    let columns = Columns {
        may_create: visit.holds("create:clients"),
        grants: visit.holds("read:client_grants"),
        secrets: visit.holds("read:client_credentials"),
        last_seen: visit.holds("read:stats"),
    };
    let standing = visit.query.value("state").parse().unwrap_or(Standing::Any);
    let search = ClientSearch { text: visit.query.value("q").trim().to_owned(), enabled: standing.enabled() };
    let is_narrowed = search != ClientSearch::default();
    let wanted: u32 = visit.query.value("page").parse().unwrap_or(1);
    let sees_last_seen = columns.last_seen;
    let found = visit.read(move |reader| {
        let total = reader.count_found_clients(&search)?;
        let number = wanted.clamp(1, last_page(total));
        let part = Page { offset: (number - 1).saturating_mul(PER_PAGE), limit: PER_PAGE, ..Page::ALL };
        let clients = reader.search_clients(&search, part)?;
        let ids: Vec<_> = clients.iter().map(|client| client.id).collect();
        let seen = if sees_last_seen { reader.last_seen_of(&ids)? } else { std::collections::HashMap::new() };
        Ok((total, number, clients, seen))
    });
    let (total, number, clients, seen) = found.await?;
    let now = visit.now();
    let row = |client: &Client| Row {
        path: visit.path(&format!("clients/{}", segment(client))),
        client_id: client.client_id.to_string(),
        name: client.name.clone(),
        enabled: client.enabled,
        grants: client.grants.len(),
        credentials: live_credentials(client, now),
        last_seen: seen.get(&client.id).map(|at| Instant::near(*at, now)),
    };
    page(&ListPage {
        frame: visit.frame("Clients", Section::Clients),
        form: &visit.query,
        standings: Standing::ALL.iter().map(|standing| standing.choice()).collect(),
        rows: clients.iter().map(row).collect(),
        pager: pager(&visit, number, total),
        is_narrowed,
        columns,
    })
}

/// With how many secrets and keys could it authenticate?
fn live_credentials(client: &Client, now: UnixMillis) -> usize {
    let secrets = client.secrets.iter().filter(|secret| client.accepts_secrets() && secret.is_live(now));
    let keys = client.keys.iter().filter(|key| client.accepts_assertions() && key.is_live(now));
    let published = client.jwks_uri.iter().filter(|_| client.accepts_assertions());
    secrets.count() + keys.count() + published.count()
}

/// The number of the last page, where the first is 1.
fn last_page(total: u64) -> u32 {
    u32::try_from(total.div_ceil(u64::from(PER_PAGE))).unwrap_or(u32::MAX).max(1)
}

fn pager(visit: &Visit, number: u32, total: u64) -> Pager {
    let address = |number: u32| {
        let kept = visit.query.fields_without(&["page", "done"]);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept.iter().filter(|(_, value)| !value.is_empty()));
        format!("{}?{}", visit.path("clients"), query.append_pair("page", &number.to_string()).finish())
    };
    let first = u64::from(number - 1) * u64::from(PER_PAGE) + 1;
    let last = (first - 1 + u64::from(PER_PAGE)).min(total);
    let words = match total {
        0 => "No clients".to_owned(),
        _ => format!("{}–{} of {}", grouped(first), grouped(last), counted(total, "client")),
    };
    Pager {
        previous: (number > 1).then(|| address(number - 1)),
        next: (number < last_page(total)).then(|| address(number + 1)),
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_at_least_one_page() {
        assert_eq!([0, 1, 50, 51, 100].map(last_page), [1, 1, 1, 2, 2]);
        assert_eq!(last_page(u64::MAX), u32::MAX);
    }
}
