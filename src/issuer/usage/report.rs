//! How often was a client answered, or all of them together, by day and by hour?

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::UnixMillis;
use crate::issuer::TokenIssuer;
use crate::issuer::document::entries::to_timestamp;
use crate::oauth::client::Client;
use crate::store::{BusyClient, Counts, Hours, Reader, StoreError, UnixHour};

/// How many clients a ranking shows.
const RANKED: u32 = 10;

/// From when until when, in whole hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(Hours);

/// How finely the use of a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// By the day (UTC).
    Days,
    /// By the day and by the hour.
    Hours,
}

/// How often one client was answered. `refused` also counts requests that only claimed to be this client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClientUsage {
    /// The client.
    pub client_id: String,
    /// The beginning of the period.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// When it last proved who it is, as far back as counts are kept.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Timestamp>,
    /// Tokens in the period.
    pub issued: u64,
    /// Refusals in the period.
    pub refused: u64,
    /// The days on which there was anything, oldest first.
    pub days: Vec<DayUsage>,
    /// The hours in which there was anything, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<Vec<HourUsage>>,
}

/// What was counted on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayUsage {
    /// Which day.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Tokens.
    pub issued: u64,
    /// Refusals.
    pub refused: u64,
}

/// What was counted in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HourUsage {
    /// Its beginning.
    #[schema(value_type = String, format = DateTime)]
    pub hour: Timestamp,
    /// Tokens.
    pub issued: u64,
    /// Refusals.
    pub refused: u64,
}

/// How often all clients together were answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stats {
    /// The beginning of the period.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// How many clients there are now.
    pub clients: u64,
    /// How many of them got a token in the period.
    pub active_clients: u64,
    /// Tokens.
    pub issued: u64,
    /// Refusals of clients there are.
    pub refused: u64,
    /// Refusals of requests that named no client there is.
    pub refused_unattributed: u64,
    /// The days on which there was anything, oldest first.
    pub days: Vec<DayUsage>,
    /// The clients with the most tokens, busiest first.
    pub top_clients: Vec<TopClient>,
}

/// A client with many tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TopClient {
    /// The client.
    pub client_id: String,
    /// Tokens.
    pub issued: u64,
    /// Refusals.
    pub refused: u64,
    /// When it last proved who it is.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Timestamp>,
}

impl Period {
    /// Every hour that has begun before `to` and not ended at `from`.
    pub fn between(from: UnixMillis, to: UnixMillis) -> Self {
        Self(Hours { from: UnixHour::of(from), until: UnixHour::not_before(to) })
    }

    /// The day (UTC) of `now` and those before it, `days` in all.
    pub fn last_days(days: u32, now: UnixMillis) -> Self {
        let today = UnixHour::of(now).day();
        let first = today.saturating_add(1).saturating_sub(i64::from(days));
        Self(Hours { from: UnixHour::first_of_day(first), until: UnixHour::first_of_day(today.saturating_add(1)) })
    }

    fn from(self) -> Option<Timestamp> {
        to_timestamp(self.0.from.begins_at())
    }

    fn to(self) -> Option<Timestamp> {
        to_timestamp(self.0.until.begins_at())
    }
}

impl TokenIssuer {
    /// [`client_usage`] with what this server has not written yet. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn client_usage(
        &self,
        client: &Client,
        period: Period,
        resolution: Resolution,
    ) -> Result<ClientUsage, StoreError> {
        self.flush_usage()?;
        self.served().store().read(|reader| client_usage(reader, client, period, resolution))
    }

    /// [`stats`] with what this server has not written yet. Blocks: call it off the async workers.
    ///
    /// # Errors
    /// If the store does not answer.
    pub fn stats(&self, period: Period) -> Result<Stats, StoreError> {
        self.flush_usage()?;
        self.served().store().read(|reader| stats(reader, period))
    }
}

/// How often `client` was answered in `period`, as far as it is written.
///
/// # Errors
/// If the store does not answer.
pub fn client_usage(
    reader: &mut Reader,
    client: &Client,
    period: Period,
    resolution: Resolution,
) -> Result<ClientUsage, StoreError> {
    let counted = reader.usage_of_client(client.id, period.0)?;
    let last_seen_at = reader.last_seen(client.id)?.and_then(to_timestamp);
    let Counts { issued, refused } = sum(&counted);
    Ok(ClientUsage {
        client_id: client.client_id.to_string(),
        from: period.from(),
        to: period.to(),
        last_seen_at,
        issued,
        refused,
        days: by_day(&counted),
        hours: (resolution == Resolution::Hours).then(|| by_hour(&counted)),
    })
}

/// How often all clients were answered in `period`, as far as it is written.
///
/// # Errors
/// If the store does not answer.
pub fn stats(reader: &mut Reader, period: Period) -> Result<Stats, StoreError> {
    let counted = reader.usage_of_all(period.0)?;
    let Counts { issued, refused } = sum(&counted);
    Ok(Stats {
        from: period.from(),
        to: period.to(),
        clients: reader.count_clients()?,
        active_clients: reader.count_active_clients(period.0)?,
        issued,
        refused,
        refused_unattributed: reader.unattributed_refusals(period.0)?,
        days: by_day(&counted),
        top_clients: reader.busiest_clients(period.0, RANKED)?.into_iter().map(TopClient::from).collect(),
    })
}

impl From<BusyClient> for TopClient {
    fn from(BusyClient { client_id, counts, last_seen_at }: BusyClient) -> Self {
        Self {
            client_id: client_id.to_string(),
            issued: counts.issued,
            refused: counts.refused,
            last_seen_at: last_seen_at.and_then(to_timestamp),
        }
    }
}

fn sum(counted: &[(UnixHour, Counts)]) -> Counts {
    counted.iter().fold(Counts::default(), |sum, (_, counts)| Counts {
        issued: sum.issued.saturating_add(counts.issued),
        refused: sum.refused.saturating_add(counts.refused),
    })
}

fn by_day(counted: &[(UnixHour, Counts)]) -> Vec<DayUsage> {
    let days = counted.chunk_by(|(one, _), (next, _)| one.day() == next.day());
    let days = days.filter_map(|hours| {
        let (first, _) = hours.first()?;
        let Counts { issued, refused } = sum(hours);
        Some(DayUsage { date: date(first.begins_at())?, issued, refused })
    });
    days.collect()
}

fn by_hour(counted: &[(UnixHour, Counts)]) -> Vec<HourUsage> {
    let hours = counted.iter().filter_map(|(hour, Counts { issued, refused })| {
        Some(HourUsage { hour: to_timestamp(hour.begins_at())?, issued: *issued, refused: *refused })
    });
    hours.collect()
}

/// The day (UTC) of `at`.
pub fn date(at: UnixMillis) -> Option<Date> {
    Some(Offset::UTC.to_datetime(to_timestamp(at)?).date())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date as civil;

    use super::*;

    fn hour(number: i64, issued: u64, refused: u64) -> (UnixHour, Counts) {
        (UnixHour(number), Counts { issued, refused })
    }

    #[test]
    fn hours_add_up_to_their_day_in_utc() {
        let days = by_day(&[hour(23, 1, 0), hour(24, 2, 1), hour(47, 3, 1), hour(24 * 31, 4, 0)]);
        let shown: Vec<_> = days.iter().map(|day| (day.date, day.issued, day.refused)).collect();
        assert_eq!(shown, [(civil(1970, 1, 1), 1, 0), (civil(1970, 1, 2), 5, 2), (civil(1970, 2, 1), 4, 0)]);
        assert_eq!(by_hour(&[hour(25, 1, 2)])[0].hour.to_string(), "1970-01-02T01:00:00Z");
    }

    #[test]
    fn a_period_is_made_of_the_hours_it_touches() {
        let at = |seconds: i64| UnixMillis(seconds * 1000);
        let hours = |from: i64, until: i64| Period(Hours { from: UnixHour(from), until: UnixHour(until) });
        assert_eq!(Period::between(at(3_599), at(3_601)), hours(0, 2));
        assert_eq!(Period::between(at(3_600), at(7_200)), hours(1, 2), "an hour that begins at the end is left out");
        assert_eq!(Period::last_days(1, at(86_400)), hours(24, 48), "today is whole");
        assert_eq!(Period::last_days(30, at(86_400 * 29)), hours(0, 720));
    }
}
