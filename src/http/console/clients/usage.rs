//! How often was a client answered in the last 30 days?

use crate::clock::UnixMillis;
use crate::http::console::counted::counted;
use crate::http::console::error::ConsoleError;
use crate::http::console::plot::{Bar, Bars};
use crate::http::console::time::{Instant, short_day};
use crate::http::console::visit::Visit;
use crate::issuer::usage::report::{ClientUsage, Period, Resolution, date};
use crate::oauth::client::Client;

/// Days that are plotted.
const DAYS: u32 = 30;
const DAY_SECONDS: i64 = 86_400;

/// The use of a client as its page shows it.
pub(super) struct Usage {
    /// The plot in words.
    pub(super) words: String,
    /// None: there is nothing to plot.
    pub(super) plot: Option<Bars>,
    pub(super) last_seen: Option<Instant>,
}

impl Usage {
    /// That of `client`, with what this server has not written yet.
    pub(super) async fn load(visit: &Visit, client: &Client) -> Result<Self, ConsoleError> {
        let now = visit.now();
        let usage = load(visit, client, Period::last_days(DAYS, now)).await?;
        let last_seen = usage.last_seen_at.map(|at| Instant::near(UnixMillis(at.as_millisecond()), now));
        let title = format!("Tokens issued and requests refused by the day (UTC), {DAYS} days");
        let plot = Bars { id: "usage".to_owned(), title, unit: "Day".to_owned(), bars: bars(&usage, now) };
        let has_any = usage.issued > 0 || usage.refused > 0;
        Ok(Self { words: words(&usage), plot: has_any.then_some(plot), last_seen })
    }
}

/// How many tokens were issued to `client` in the last 24 hours.
pub(super) async fn issued_last_day(visit: &Visit, client: &Client) -> Result<u64, ConsoleError> {
    let now = visit.now();
    Ok(load(visit, client, Period::between(now.plus_seconds(-DAY_SECONDS), now)).await?.issued)
}

async fn load(visit: &Visit, client: &Client, period: Period) -> Result<ClientUsage, ConsoleError> {
    let (issuer, client) = (visit.endpoints.issuer.clone(), client.clone());
    let load = move || Ok::<_, ConsoleError>(issuer.client_usage(&client, period, Resolution::Days)?);
    visit.endpoints.reading(load).await
}

/// A bar for each day, also for those on which there was nothing.
fn bars(usage: &ClientUsage, now: UnixMillis) -> Vec<Bar> {
    let bar = |days_ago: u32| {
        let at = now.plus_seconds(-i64::from(days_ago) * DAY_SECONDS);
        let counted = usage.days.iter().find(|day| date(at) == Some(day.date));
        let (issued, refused) = counted.map(|day| (day.issued, day.refused)).unwrap_or_default();
        Bar { label: short_day(at), issued, refused }
    };
    (0..DAYS).rev().map(bar).collect()
}

fn words(usage: &ClientUsage) -> String {
    if usage.issued == 0 && usage.refused == 0 {
        return format!("In the last {DAYS} days no token was asked for in its name.");
    }
    let (issued, refused) = (counted(usage.issued, "token"), counted(usage.refused, "request"));
    format!("In the last {DAYS} days: {issued} issued, {refused} refused. What was refused may have come from others.")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as civil;

    use super::*;
    use crate::issuer::usage::report::DayUsage;

    #[test]
    fn days_without_anything_have_a_bar_too() {
        // 2026-11-30T21:48:00Z
        let now = UnixMillis(1_796_075_280_000);
        let days = vec![
            DayUsage { date: civil(2026, 11, 1), issued: 3, refused: 1 },
            DayUsage { date: civil(2026, 11, 30), issued: 2, refused: 0 },
        ];
        let (from, to, last_seen_at, hours) = (None, None, None, None);
        let usage =
            ClientUsage { client_id: "a".to_owned(), from, to, last_seen_at, issued: 5, refused: 1, days, hours };
        let bars = bars(&usage, now);
        assert_eq!(bars.len(), 30);
        let shown = |bar: Option<&Bar>| bar.map(|bar| (bar.label.clone(), bar.issued, bar.refused)).unwrap();
        assert_eq!(shown(bars.first()), ("1 Nov".to_owned(), 3, 1));
        assert_eq!(shown(bars.last()), ("30 Nov".to_owned(), 2, 0));
        assert!(words(&usage).contains("5 tokens issued, 1 request refused"));
    }
}
