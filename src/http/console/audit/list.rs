//! Which events match, and are they as they were written?

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::super::answer::page_with;
use super::super::error::ConsoleError;
use super::super::form::{Choice, Form};
use super::super::frame::{Frame, Pager, Section, Tone};
use super::super::plot::grouped;
use super::super::visit::Visit;
use super::event::ToldEvent;
use super::filter::{self, BEFORE, address};
use super::words;
use crate::store::{AuditEvent, AuditFilter, ChainFault, Page, Reader};

/// Events on a page.
const PER_PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "audit_list.html")]
struct AuditPage {
    frame: Frame,
    form: Form,
    kinds: Vec<Choice>,
    actions: Vec<Choice>,
    events: Vec<ToldEvent>,
    chain: Option<Chain>,
    pager: Pager,
    /// Where the list begins, if this is not its first page.
    newest: Option<String>,
    is_filtered: bool,
}

/// What checking the hashes of the events that are shown has found.
struct Chain {
    tone: Tone,
    word: &'static str,
    text: String,
}

/// What was read.
#[derive(Default)]
struct Found {
    /// How many match in all, and how many of those are on this page or a later one.
    total: u64,
    rest: u64,
    events: Vec<AuditEvent>,
    fault: Option<(i64, ChainFault)>,
}

/// Shows the list.
pub(super) async fn show(visit: Visit) -> Result<HttpResponse, ConsoleError> {
    visit.require("read:audit_events")?;
    let mut form = filter::form(&visit.query);
    let filter = filter::parse(&mut form, visit.query.value(BEFORE));
    let (status, is_first) =
        (if form.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST }, filter.before.is_none());
    let found = if form.is_ok() { visit.read(move |reader| read(reader, filter)).await? } else { Found::default() };
    let frame = visit.frame("Audit log", Section::Audit);
    let path = visit.path("audit");
    let page = AuditPage {
        kinds: words::kinds(),
        actions: words::actions(),
        chain: chain(&found),
        pager: pager(&path, &form, &found),
        newest: (!is_first).then(|| address(&path, &form, None)),
        is_filtered: filter::is_filled(&form),
        events: found.events.into_iter().map(|event| ToldEvent::of(event, &frame.nav, visit.now())).collect(),
        frame,
        form,
    };
    page_with(status, &page)
}

fn read(reader: &mut Reader, filter: AuditFilter) -> Result<Found, ConsoleError> {
    let rest = reader.count_audit_events(&filter)?;
    let events = reader.list_audit_events(&filter, Page { after: None, offset: 0, limit: PER_PAGE })?;
    let positions: Vec<i64> = events.iter().map(|event| event.position).collect();
    let fault = reader.verify_events(&positions)?;
    let total = if filter.before.is_none() {
        rest
    } else {
        reader.count_audit_events(&AuditFilter { before: None, ..filter })?
    };
    Ok(Found { total, rest, events, fault })
}

fn chain(found: &Found) -> Option<Chain> {
    let shown = found.events.len();
    let chain = match found.fault {
        None if shown == 0 => return None,
        None => Chain {
            tone: Tone::Good,
            word: "Unaltered.",
            text: "Each event shown here matches its hash, which covers the event before it. To check all of them, and against a hash kept \
                   elsewhere: tokenhouse audit verify"
                .to_owned(),
        },
        Some((position, fault)) => Chain {
            tone: Tone::Bad,
            word: "Altered.",
            text: format!(
                "The log was tampered with at event {position}: {fault}. Compare it with an export or a backup: tokenhouse audit verify"
            ),
        },
    };
    Some(chain)
}

fn pager(path: &str, form: &Form, found: &Found) -> Pager {
    let shown = u64::try_from(found.events.len()).unwrap_or(u64::MAX);
    let before = found.total.saturating_sub(found.rest);
    let oldest = found.events.last().map(|event| event.position);
    let words = match found.total {
        1 => "1 event".to_owned(),
        total if total == shown => format!("{} events", grouped(total)),
        total => format!("{}–{} of {} events", grouped(before + 1), grouped(before + shown), grouped(total)),
    };
    Pager {
        previous: None,
        next: oldest.filter(|_| found.rest > shown).map(|position| address(path, form, Some(position))),
        words,
    }
}
