//! What is to be known that does not change within seconds? The last days, the keys, and what ends soon.

use std::collections::HashMap;

use super::super::error::ConsoleError;
use super::super::keys::outlook::Outlook;
use super::super::plot::{Bar, Bars, grouped};
use super::super::time::{Instant, duration, short_day};
use super::super::visit::Visit;
use crate::clock::UnixMillis;
use crate::issuer::freshness::Freshness;
use crate::issuer::usage::report::{DayUsage, Period, Stats, date};
use crate::keys::lifecycle::SigningKeyRecord;
use crate::store::{ExpiringSecret, Page, Reader};

/// How many days are plotted.
const DAYS: u32 = 30;

/// How long before it expires a secret is shown, in days.
const SOON: i64 = 30;

/// How many secrets are shown.
const SHOWN: usize = 20;

/// How many are read at a time: of most, whoever is signed in may see all.
const READ: u32 = 100;

const DAY: i64 = 86_400;

/// What the database tells, if it answers and whoever is signed in may see it.
pub(super) enum Told<T> {
    /// That.
    Known(T),
    /// The database does not answer.
    Unknown,
    /// Not for whoever is signed in.
    Hidden,
}

/// The last days, of all servers.
pub(super) struct LastDays {
    pub(super) plot: Bars,
    pub(super) active: String,
    /// How many requests were refused that named no client there is.
    pub(super) unattributed: String,
    pub(super) busiest: Vec<Busy>,
}

pub(super) struct Busy {
    pub(super) client_id: String,
    pub(super) issued: String,
    pub(super) refused: String,
}

pub(super) struct Expiring {
    pub(super) client_id: String,
    pub(super) label: String,
    pub(super) at: Instant,
}

/// The key that signs with one algorithm.
pub(super) struct SigningKey {
    pub(super) alg: &'static str,
    pub(super) kid: String,
    /// For how long it has signed.
    pub(super) age: String,
    pub(super) next: Option<String>,
    /// When the next one takes over by itself.
    pub(super) rotates: Option<Instant>,
}

/// What was counted in the last days.
///
/// # Errors
/// If the store fails otherwise than by not answering.
pub(super) async fn last_days(visit: &Visit) -> Result<Told<LastDays>, ConsoleError> {
    if !visit.holds("read:stats") {
        return Ok(Told::Hidden);
    }
    let (issuer, now) = (visit.endpoints.issuer.clone(), visit.now());
    asked(visit, async {
        let stats = visit.endpoints.reading(move || Ok::<_, ConsoleError>(issuer.stats(Period::last_days(DAYS, now))?));
        Ok(shown_days(&stats.await?, now))
    })
    .await
}

/// The secrets that expire soon, of the clients whose credentials whoever is signed in may touch.
///
/// # Errors
/// As [`last_days`].
pub(super) async fn expiring(visit: &Visit) -> Result<Told<Vec<Expiring>>, ConsoleError> {
    if !visit.holds("read:clients") || !visit.holds("read:client_credentials") {
        return Ok(Told::Hidden);
    }
    let (now, rights) = (visit.now(), visit.caller().rights);
    let snapshot = visit.endpoints.issuer.served().snapshot().clone();
    asked(visit, async {
        let found = visit.read(move |reader| {
            next_to_expire(reader, now, |secret, reader| {
                let client = snapshot.client(secret.client_id.as_str());
                client.is_some_and(|client| rights.may_touch_credentials(client, reader).is_ok())
            })
        });
        let shown = found.await?.into_iter().map(|secret| Expiring {
            client_id: secret.client_id.to_string(),
            label: secret.label.unwrap_or_default(),
            at: Instant::near(secret.expires_at, now),
        });
        Ok(shown.collect())
    })
    .await
}

/// The first of those that `is_seen` holds for: what may not be seen takes no place of what may.
fn next_to_expire(
    reader: &mut Reader,
    now: UnixMillis,
    is_seen: impl Fn(&ExpiringSecret, &mut Reader) -> bool,
) -> Result<Vec<ExpiringSecret>, ConsoleError> {
    let mut seen = Vec::new();
    let mut page = Page { limit: READ, ..Page::ALL };
    loop {
        let read = reader.expiring_secrets(now, now.plus_seconds(SOON * DAY), page)?;
        let is_last = u32::try_from(read.len()).unwrap_or(u32::MAX) < page.limit;
        for secret in read {
            if is_seen(&secret, reader) {
                seen.push(secret);
            }
            if seen.len() == SHOWN {
                return Ok(seen);
            }
        }
        if is_last {
            return Ok(seen);
        }
        page.offset = page.offset.saturating_add(READ);
    }
}

/// The keys that sign, from memory.
pub(super) fn signing_keys(visit: &Visit) -> Vec<SigningKey> {
    if !visit.holds("read:signing_keys") {
        return Vec::new();
    }
    let (now, snapshot) = (visit.now(), visit.endpoints.issuer.served().snapshot());
    let records: Vec<SigningKeyRecord> = snapshot.keys.published_records(now).into_iter().cloned().collect();
    let outlooks = Outlook::all(&records, visit.endpoints.administration.policy());
    let shown = outlooks.iter().map(|outlook| {
        let since = outlook.active.activated_at.unwrap_or(outlook.active.created_at);
        SigningKey {
            alg: outlook.alg.as_str(),
            kid: outlook.active.kid.clone(),
            age: duration(now.floor_seconds().saturating_sub(since.floor_seconds()).max(0).unsigned_abs()),
            next: outlook.next.map(|next| next.kid.clone()),
            rotates: outlook.by_itself.map(|at| Instant::near(at.max(now), now)),
        }
    });
    shown.collect()
}

/// What `ask` hears, unless the store does not answer.
async fn asked<T>(visit: &Visit, ask: impl Future<Output = Result<T, ConsoleError>>) -> Result<Told<T>, ConsoleError> {
    if visit.endpoints.issuer.served().freshness() != Freshness::Followed {
        return Ok(Told::Unknown);
    }
    match ask.await {
        Ok(heard) => Ok(Told::Known(heard)),
        Err(ConsoleError::StoreSilent | ConsoleError::StoreFellSilent) => Ok(Told::Unknown),
        Err(error) => Err(error),
    }
}

fn shown_days(stats: &Stats, now: UnixMillis) -> LastDays {
    let counted: HashMap<_, &DayUsage> = stats.days.iter().map(|day| (day.date, day)).collect();
    // Days on which there was nothing are days, too.
    let bars = (0..i64::from(DAYS)).rev().map(|ago| {
        let at = now.plus_seconds(-ago * DAY);
        let day = date(at).and_then(|date| counted.get(&date));
        let (issued, refused) = day.map_or((0, 0), |day| (day.issued, day.refused));
        Bar { label: short_day(at), issued, refused }
    });
    let busiest = stats.top_clients.iter().map(|client| Busy {
        client_id: client.client_id.clone(),
        issued: grouped(client.issued),
        refused: grouped(client.refused),
    });
    LastDays {
        plot: Bars {
            id: "days".to_owned(),
            title: "Tokens issued and requests refused by the day, by all servers".to_owned(),
            unit: "Day (UTC)".to_owned(),
            bars: bars.collect(),
        },
        active: format!("{} of {}", grouped(stats.active_clients), grouped(stats.clients)),
        unattributed: match stats.refused_unattributed {
            1 => "1 further request was refused".to_owned(),
            count => format!("{} further requests were refused", grouped(count)),
        },
        busiest: busiest.collect(),
    }
}
