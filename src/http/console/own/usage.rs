//! How many tokens did this client get, day by day, and how many may it still have?

use jiff::civil::Date;

use crate::clock::UnixMillis;
use crate::http::console::error::ConsoleError;
use crate::http::console::frame::Tone;
use crate::http::console::plot::{Bar, Bars, grouped};
use crate::http::console::time::{Instant, duration, short_day};
use crate::http::console::visit::Visit;
use crate::issuer::usage::report::{ClientUsage, Period, Resolution, date};
use crate::oauth::client::Client;

/// How many days are shown.
const DAYS: u32 = 30;

/// What was counted.
pub(super) struct Usage {
    pub(super) plot: Bars,
    pub(super) words: String,
    pub(super) last_seen: Option<Instant>,
}

impl Usage {
    /// What was counted of `client`, also what this server has not written yet.
    pub(super) async fn of(visit: &Visit, client: &Client) -> Result<Self, ConsoleError> {
        let (issuer, client, now) = (visit.endpoints.issuer.clone(), client.clone(), visit.now());
        let counted = move || {
            let period = Period::last_days(DAYS, now);
            Ok::<_, ConsoleError>(issuer.client_usage(&client, period, Resolution::Days)?)
        };
        let counted = visit.endpoints.reading(counted).await?;
        Ok(Self {
            words: words(&counted),
            last_seen: counted.last_seen_at.map(|at| Instant::near(UnixMillis(at.as_millisecond()), now)),
            plot: Bars {
                id: "usage".to_owned(),
                title: format!("Tokens issued to you and requests refused, by the day, in the last {DAYS} days"),
                unit: "Day (UTC)".to_owned(),
                bars: (0..i64::from(DAYS)).rev().map(|ago| bar(&counted, now.plus_seconds(-ago * 86_400))).collect(),
            },
        })
    }
}

fn bar(counted: &ClientUsage, at: UnixMillis) -> Bar {
    let day: Option<Date> = date(at);
    let counts = counted.days.iter().find(|one| Some(one.date) == day);
    Bar {
        label: short_day(at),
        issued: counts.map_or(0, |counts| counts.issued),
        refused: counts.map_or(0, |counts| counts.refused),
    }
}

fn words(counted: &ClientUsage) -> String {
    let count = |number: u64, one: &str, many: &str| match number {
        0 => format!("no {one}"),
        1 => format!("one {one}"),
        _ => format!("{} {many}", grouped(number)),
    };
    let issued = count(counted.issued, "token", "tokens");
    let refused = count(counted.refused, "request", "requests");
    let (verb, more) = match counted.refused {
        0 => ("was", ""),
        1 => ("was", ", whoever sent it"),
        _ => ("were", ", whoever sent them"),
    };
    format!("In the last {DAYS} days you got {issued}, and {refused} in your name {verb} refused{more}.")
}

/// What a quota leaves.
pub(super) struct Allowance {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) note: String,
    pub(super) tone: Tone,
}

impl Allowance {
    /// What is left to `client`, by the hour and by the day.
    pub(super) fn of(visit: &Visit, client: &Client) -> Vec<Self> {
        let Some(quota) = client.quota else { return Vec::new() };
        if !quota.enforce {
            let limits = [(quota.per_hour, "an hour"), (quota.per_day, "a day")];
            let watched = limits.into_iter().filter_map(|(limit, window)| Some((limit?, window)));
            return watched
                .map(|(limit, window)| Self {
                    label: format!("Quota for {window}"),
                    value: grouped(u64::from(limit)),
                    note: "Watched only: what goes beyond is not refused.".to_owned(),
                    tone: Tone::Quiet,
                })
                .collect();
        }
        let left = visit.endpoints.issuer.quota_left(client).into_iter();
        left.map(|left| Self {
            label: format!("Tokens left this {}", left.window),
            value: format!("{} of {}", grouped(u64::from(left.remaining)), grouped(u64::from(left.quota))),
            note: format!(
                "All of them again in {}. Each server counts for itself.",
                duration(u64::try_from(left.resets_in).unwrap_or_default())
            ),
            tone: match (left.remaining, left.quota) {
                (0, _) => Tone::Bad,
                (remaining, quota) if remaining < quota / 10 => Tone::Warning,
                _ => Tone::Good,
            },
        })
        .collect()
    }
}
