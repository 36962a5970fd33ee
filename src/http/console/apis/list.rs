//! Which APIs are there? Searched by a part of the identifier or the name, oldest first.

use std::collections::HashMap;

use actix_web::HttpResponse;
use askama::Template;
use url::form_urlencoded;
use uuid::Uuid;

use super::super::answer::page;
use super::super::error::ConsoleError;
use super::super::form::Form;
use super::super::frame::{Frame, Pager, Section};
use super::super::visit::Visit;
use super::{length, path_of};
use crate::oauth::resource::Api;
use crate::store::Reader;

/// APIs on a page.
const PER_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "apis_list.html")]
struct ListPage {
    frame: Frame,
    query: Form,
    rows: Vec<Row>,
    pager: Pager,
    /// Does the list show what was sought only?
    is_search: bool,
    may_create: bool,
    shows_grants: bool,
}

/// An API in the list.
struct Row {
    path: String,
    name: String,
    identifier: String,
    is_system: bool,
    scopes: usize,
    grants: u64,
    signing_alg: &'static str,
    lifetime: String,
}

/// Shows the list.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:resource_servers")?;
    let sought = visit.query.value("q").trim().to_lowercase();
    let wanted = visit.query.value("page").parse().unwrap_or(1);
    let shows_grants = visit.holds("read:client_grants");
    let query = sought.clone();
    let Read { total, number, apis, grants } =
        visit.read(move |reader| read(reader, &query, wanted, shows_grants)).await?;
    let row = |api: &Api| Row {
        path: visit.path(&path_of(api)),
        name: api.name.clone(),
        identifier: api.identifier.to_string(),
        is_system: api.is_system,
        scopes: api.scopes.len(),
        grants: grants.get(&api.id).copied().unwrap_or_default(),
        signing_alg: api.signing_alg.as_str(),
        lifetime: length::written(api.token_lifetime.seconds()),
    };
    page(&ListPage {
        frame: visit.frame("APIs", Section::Apis),
        rows: apis.iter().map(row).collect(),
        pager: pager(&visit.path("apis"), visit.query.value("q"), number, total),
        is_search: !sought.is_empty(),
        may_create: visit.holds("create:resource_servers"),
        shows_grants,
        query: Form::empty().with("q", visit.query.value("q")),
    })
}

struct Read {
    total: usize,
    /// The page: the one that is wanted, or the last.
    number: usize,
    apis: Vec<Api>,
    grants: HashMap<Uuid, u64>,
}

fn read(reader: &mut Reader, sought: &str, wanted: usize, shows_grants: bool) -> Result<Read, ConsoleError> {
    let mut apis = reader.list_apis()?;
    apis.retain(|api| {
        api.identifier.as_str().to_lowercase().contains(sought) || api.name.to_lowercase().contains(sought)
    });
    let total = apis.len();
    let number = wanted.clamp(1, last_page(total));
    let apis: Vec<Api> = apis.into_iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).collect();
    let ids: Vec<Uuid> = apis.iter().map(|api| api.id).collect();
    let grants = if shows_grants { reader.count_grants_by_api(&ids)? } else { HashMap::new() };
    Ok(Read { total, number, apis, grants })
}

fn last_page(total: usize) -> usize {
    total.div_ceil(PER_PAGE).max(1)
}

fn pager(path: &str, sought: &str, number: usize, total: usize) -> Pager {
    let address = |number: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !sought.is_empty() {
            query.append_pair("q", sought);
        }
        format!("{path}?{}", query.append_pair("page", &number.to_string()).finish())
    };
    let first = (number - 1) * PER_PAGE;
    let words = match total {
        1 => "1 API".to_owned(),
        _ if total <= PER_PAGE => format!("{total} APIs"),
        _ => format!("{}–{} of {total} APIs", first + 1, total.min(first + PER_PAGE)),
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
    fn a_list_leads_from_page_to_page_and_keeps_what_is_sought() {
        let only = pager("/console/apis", "", 1, 3);
        assert_eq!((only.previous, only.next, only.words.as_str()), (None, None, "3 APIs"));
        let second = pager("/console/apis", "a&b", 2, 101);
        assert_eq!(second.previous.as_deref(), Some("/console/apis?q=a%26b&page=1"));
        assert_eq!(second.next.as_deref(), Some("/console/apis?q=a%26b&page=3"));
        assert_eq!(second.words, "51–100 of 101 APIs");
        let last = pager("/console/apis", "", 3, 101);
        assert_eq!((last.next, last.words.as_str()), (None, "101–101 of 101 APIs"));
    }
}
