//! What does this server know now? All of it is in memory but for the other servers, so it is told while the database is silent too.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use super::super::causes::{CauseWords, words};
use super::super::error::ConsoleError;
use super::super::frame::Tone;
use super::super::plot::{Bar, Bars, grouped};
use super::super::time::{Instant, duration};
use super::super::visit::Visit;
use super::verdict::{Reason, Verdict, reasons};
use crate::clock::UnixMillis;
use crate::issuer::duration_histogram::Quantile;
use crate::issuer::freshness::Freshness;
use crate::issuer::rate_history::RecentRates;
use crate::issuer::servers::{RunningServer, ServerState, TOLD_EVERY};
use crate::oauth::token_error_cause::TokenErrorCause;

/// After how many times that it should have told of itself a server counts as lost.
const MISSED: i64 = 3;

/// For how long a lost server is a reason to look, in seconds: after that somebody knows, or meant it.
const NEWS: i64 = 600;

/// Refusals that make a share of them worth looking at.
const MANY: u64 = 10;

/// The part of the page that is fetched again and again.
#[derive(Template)]
#[template(path = "overview_now.html")]
pub(super) struct Now {
    pub(super) base: String,
    pub(super) refresh: Refresh,
    at: Instant,
    verdict: Verdict,
    reasons: Vec<Reason>,
    has_certificate: bool,
    tiles: Vec<Tile>,
    /// What this server counted, for those that may see it.
    counted: Option<Counted>,
    servers: Servers,
}

/// The template is escaped where it writes text.
impl HtmlSafe for Now {}

/// Is it fetched again by itself?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// Every few seconds.
    ByItself,
    /// Only when somebody asks for it.
    WhenAsked,
}

impl Refresh {
    fn is_by_itself(self) -> bool {
        self == Self::ByItself
    }
}

struct Tile {
    label: &'static str,
    value: String,
    tone: Tone,
    note: String,
}

struct Counted {
    minutes: Bars,
    occurred: Vec<Cause>,
    others: Vec<Cause>,
}

struct Cause {
    name: &'static str,
    words: CauseWords,
    last_hour: String,
    since_start: String,
}

/// The servers that run on this database.
enum Servers {
    /// As they have told of themselves.
    Known(Vec<Server>),
    /// The database does not answer.
    Unknown,
    /// Not for whoever is signed in.
    Hidden,
}

struct Server {
    name: String,
    version: String,
    revision: i64,
    is_behind: bool,
    tone: Tone,
    state: &'static str,
    started: Instant,
    seen: Instant,
}

impl Now {
    /// What is known now, as far as whoever is signed in may see it.
    pub(super) async fn of(visit: &Visit, refresh: Refresh) -> Self {
        let now = visit.now();
        let rates = visit.endpoints.issuer.recent_rates();
        let mut reasons = reasons(&visit.endpoints, &rates.last_hour, now);
        let servers = servers(visit, &mut reasons).await;
        Self {
            base: visit.path("").trim_end_matches('/').to_owned(),
            refresh,
            at: Instant::at(now),
            verdict: Verdict::of(&reasons),
            reasons,
            has_certificate: visit.endpoints.certificate.is_some(),
            tiles: tiles(visit, &rates, now),
            counted: visit.holds("read:stats").then(|| counted(&rates)),
            servers,
        }
    }
}

fn tiles(visit: &Visit, rates: &RecentRates, now: UnixMillis) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let tile = |label, value, note: String| Tile { label, value, tone: Tone::Quiet, note };
    if visit.holds("read:stats") {
        tiles.push(tile("Tokens in the last minute", grouped(rates.per_minute), "by this server".to_owned()));
        tiles.push(refused(rates));
        tiles.push(answer_time(rates));
    }
    let snapshot = visit.endpoints.issuer.served().snapshot();
    let number = |count: usize| grouped(u64::try_from(count).unwrap_or(u64::MAX));
    if visit.holds("read:clients") {
        tiles.push(tile("Clients", number(snapshot.client_count()), "with those that manage".to_owned()));
    }
    if visit.holds("read:resource_servers") {
        // One of them is the Management API.
        tiles.push(tile(
            "APIs",
            number(snapshot.api_count().saturating_sub(1)),
            "besides the Management API".to_owned(),
        ));
    }
    let age = now.floor_seconds().saturating_sub(visit.endpoints.issuer.served().followed_at().floor_seconds());
    let followed = format!("the newest {} ago", duration(age.max(0).unsigned_abs()));
    tiles.push(tile("Revision served", snapshot.revision.0.to_string(), followed));
    tiles
}

fn refused(rates: &RecentRates) -> Tile {
    let (issued, refused) = (rates.last_hour.issued, rates.last_hour.refused());
    let all = issued.saturating_add(refused);
    let thousandths = refused.saturating_mul(1000).checked_div(all).unwrap_or_default();
    let is_much = refused >= MANY && refused >= issued;
    Tile {
        label: "Refused in the last hour",
        value: if all == 0 { "none".to_owned() } else { format!("{}.{} %", thousandths / 10, thousandths % 10) },
        tone: if is_much { Tone::Warning } else { Tone::Quiet },
        note: match all {
            0 => "nobody has asked".to_owned(),
            _ => format!("{} of {} requests", grouped(refused), grouped(all)),
        },
    }
}

fn answer_time(rates: &RecentRates) -> Tile {
    let times = &rates.last_hour.times;
    let (value, note) = match (times.quantile(500), times.quantile(990)) {
        (Some(half), Some(most)) => (within(half), format!("99 of 100 {}", within(most))),
        _ => ("none".to_owned(), "in the last hour".to_owned()),
    };
    Tile { label: "Half of all tokens took", value, tone: Tone::Quiet, note }
}

fn within(quantile: Quantile) -> String {
    let milliseconds = |time: std::time::Duration| {
        let micros = time.as_micros();
        if micros.is_multiple_of(1000) {
            format!("{} ms", micros / 1000)
        } else {
            format!("{}.{} ms", micros / 1000, micros % 1000 / 100)
        }
    };
    match quantile {
        Quantile::Within(bound) => format!("up to {}", milliseconds(bound)),
        Quantile::Beyond(bound) => format!("over {}", milliseconds(bound)),
    }
}

fn counted(rates: &RecentRates) -> Counted {
    let bar = |minute: &crate::issuer::rate_history::Minute| Bar {
        label: clock_time(minute.ends_at),
        issued: minute.issued,
        refused: minute.refused,
    };
    let causes = TokenErrorCause::ALL.iter().map(|cause| {
        let (last_hour, since_start) = (rates.last_hour.refused_for(*cause), rates.since_start.refused_for(*cause));
        let shown = Cause {
            name: cause.as_str(),
            words: words(*cause),
            last_hour: grouped(last_hour),
            since_start: grouped(since_start),
        };
        (last_hour, since_start, shown)
    });
    let (mut occurred, others): (Vec<_>, Vec<_>) = causes.partition(|(_, since_start, _)| *since_start > 0);
    occurred.sort_by_key(|(last_hour, since_start, _)| std::cmp::Reverse((*last_hour, *since_start)));
    let shown = |causes: Vec<(u64, u64, Cause)>| causes.into_iter().map(|(_, _, cause)| cause).collect();
    Counted {
        minutes: Bars {
            id: "minutes".to_owned(),
            title: "Tokens issued and requests refused by the minute".to_owned(),
            unit: "Until (UTC)".to_owned(),
            bars: rates.minutes.iter().map(bar).collect(),
        },
        occurred: shown(occurred),
        others: shown(others),
    }
}

/// The time of day in UTC.
fn clock_time(at: UnixMillis) -> String {
    Timestamp::from_second(at.floor_seconds()).map(|time| time.strftime("%H:%M").to_string()).unwrap_or_default()
}

async fn servers(visit: &Visit, reasons: &mut Vec<Reason>) -> Servers {
    if !visit.holds("read:stats") {
        return Servers::Hidden;
    }
    if visit.endpoints.issuer.served().freshness() != Freshness::Followed {
        return Servers::Unknown;
    }
    let Ok(running) = visit.read(|reader| Ok::<_, ConsoleError>(reader.list_servers()?)).await else {
        return Servers::Unknown;
    };
    let now = visit.now();
    reasons.extend(running.iter().filter_map(|server| reason(server, now)));
    let shown = running.iter().map(|server| shown(server, &running, now)).collect();
    Servers::Known(shown)
}

fn is_lost(server: &RunningServer, now: UnixMillis) -> bool {
    server.seen_at.plus_seconds(MISSED * i64::from(TOLD_EVERY)) < now
}

/// Why somebody should look at `server`; of this server itself the verdict knows more.
fn reason(server: &RunningServer, now: UnixMillis) -> Option<Reason> {
    let name = &server.name;
    if is_lost(server, now) {
        let is_news = server.seen_at.plus_seconds(NEWS) > now;
        let text = format!("The server {name} has not been heard of since {}.", Instant::at(server.seen_at).utc);
        return is_news
            .then(|| Reason::look(text, "It was killed, or does not reach the database: look whether it runs."));
    }
    let what = match server.state? {
        ServerState::Stale => "has not heard of changes for too long, and issues nothing",
        ServerState::NotIssuing => "has no key to sign with, and issues nothing",
        ServerState::Degraded => "issues tokens, but something is wrong with it",
        ServerState::Loading | ServerState::Issuing | ServerState::Stopping => return None,
    };
    Some(Reason::look(format!("The server {name} {what}."), "Its own /readyz and its log say more."))
}

fn shown(server: &RunningServer, all: &[RunningServer], now: UnixMillis) -> Server {
    let (tone, state) = match server.state {
        _ if is_lost(server, now) => (Tone::Quiet, "Not heard of"),
        Some(ServerState::Loading) => (Tone::Info, "Loading"),
        Some(ServerState::Issuing) => (Tone::Good, "Issuing"),
        Some(ServerState::Degraded) => (Tone::Warning, "Issuing, needs a look"),
        Some(ServerState::Stale) => (Tone::Bad, "Not issuing: no database"),
        Some(ServerState::NotIssuing) => (Tone::Bad, "Not issuing: no key"),
        Some(ServerState::Stopping) => (Tone::Quiet, "Stopping"),
        None => (Tone::Info, "Says what this version does not know"),
    };
    // What each serves is as old as its last word: only what another one served before that was missed.
    let is_behind = all.iter().any(|other| other.revision > server.revision && other.seen_at < server.seen_at);
    Server {
        name: server.name.clone(),
        version: server.version.clone(),
        revision: server.revision.0,
        is_behind,
        tone,
        state,
        started: Instant::near(server.started_at, now),
        seen: Instant::near(server.seen_at, now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revision;

    const NOW: UnixMillis = UnixMillis(1_796_075_280_000);

    fn server(revision: i64, seconds_ago: i64, state: Option<ServerState>) -> RunningServer {
        RunningServer {
            id: uuid::Uuid::nil(),
            name: "host 1".to_owned(),
            version: "1.0".to_owned(),
            revision: Revision(revision),
            state,
            started_at: UnixMillis(0),
            seen_at: NOW.plus_seconds(-seconds_ago),
        }
    }

    #[test]
    fn a_server_is_behind_that_lacks_what_another_had_before_its_last_word() {
        let all = [server(7, 9, None), server(6, 2, None), server(6, 10, None), server(7, 1, None)];
        let behind: Vec<_> = all.iter().map(|one| shown(one, &all, NOW).is_behind).collect();
        assert_eq!(behind, [false, true, false, false]);
    }

    #[test]
    fn a_server_that_falls_silent_is_news_for_a_while() {
        let issuing = Some(ServerState::Issuing);
        assert!(reason(&server(1, 25, issuing), NOW).is_none());
        assert!(reason(&server(1, 35, issuing), NOW).is_some());
        assert!(reason(&server(1, 900, issuing), NOW).is_none());
        assert_eq!(shown(&server(1, 900, issuing), &[], NOW).state, "Not heard of");
        assert!(reason(&server(1, 1, Some(ServerState::Stale)), NOW).is_some());
        assert!(reason(&server(1, 1, None), NOW).is_none());
    }
}
