//! How often did each client get a token or a refusal, hour by hour? Added to in batches, never a row for one request.

use std::collections::HashMap;

use diesel::dsl::{count, max, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use super::chunks::load_in_chunks;
use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::open::Store;
use super::read::Reader;
use super::rows::column::Place;
use super::schema::{client_usage, clients, meta, unattributed_refusals};
use crate::clock::UnixMillis;
use crate::fail_point;
use crate::oauth::client::ClientId;

/// An hour (UTC): how many have passed since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixHour(pub i64);

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens issued.
    pub issued: u64,
    /// Requests refused.
    pub refused: u64,
}

/// What was counted for one client in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedHour {
    /// Our own id of the client.
    pub client_row_id: Uuid,
    /// Which hour.
    pub hour: UnixHour,
    /// How many.
    pub counts: Counts,
    /// When it last proved who it is.
    pub last_seen_at: Option<UnixMillis>,
}

/// The hours from `from` on and before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first.
    pub from: UnixHour,
    /// The first one that is no longer meant.
    pub until: UnixHour,
}

/// A client and how often it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusyClient {
    /// Its public identifier.
    pub client_id: ClientId,
    /// How often.
    pub counts: Counts,
    /// When it last proved who it is.
    pub last_seen_at: Option<UnixMillis>,
}

impl UnixHour {
    const MILLIS: i64 = 3_600_000;
    const PER_DAY: i64 = 24;

    /// The hour in which `at` lies.
    pub const fn of(at: UnixMillis) -> Self {
        Self(at.0.div_euclid(Self::MILLIS))
    }

    /// The first hour that does not begin before `at`.
    pub const fn not_before(at: UnixMillis) -> Self {
        Self(at.0.saturating_add(Self::MILLIS - 1).div_euclid(Self::MILLIS))
    }

    /// The first hour of a day, which is counted from 1970 too.
    pub const fn first_of_day(day: i64) -> Self {
        Self(day.saturating_mul(Self::PER_DAY))
    }

    /// Its day (UTC), counted from 1970.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(Self::PER_DAY)
    }

    /// Its beginning.
    pub const fn begins_at(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(Self::MILLIS))
    }
}

impl Store {
    /// Adds to what is counted, in one transaction, without a revision and an audit entry: other servers add to the same
    /// hours. Clients that are gone are passed over.
    pub fn add_usage(&self, counted: &[CountedHour]) -> Result<(), StoreError> {
        let counted = in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            take_turn(connection)?;
            counted.iter().try_for_each(|hour| add_hour(connection, hour))?;
            fail_point::reach("usage.counted");
            Ok(())
        });
        self.noting(counted).inspect(|()| fail_point::reach("usage.written"))
    }

    /// Adds to the number of requests that named no client there is, as [`Self::add_usage`] does.
    pub fn add_unattributed_refusals(&self, hour: UnixHour, refused: u64) -> Result<(), StoreError> {
        use unattributed_refusals as table;
        in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            take_turn(connection)?;
            let more = number(refused);
            let sum = table::refused.eq(table::refused + more);
            if diesel::update(table::table.find(hour.0)).set(sum).execute(connection)? == 0 {
                let row = (table::hour.eq(hour.0), table::refused.eq(more));
                diesel::insert_into(table::table).values(row).execute(connection)?;
            }
            Ok(())
        })
    }

    /// Forgets what was counted before `hour`.
    pub fn delete_usage_before(&self, hour: UnixHour) -> Result<(), StoreError> {
        in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            take_turn(connection)?;
            diesel::delete(client_usage::table.filter(client_usage::hour.lt(hour.0))).execute(connection)?;
            let refusals = unattributed_refusals::table.filter(unattributed_refusals::hour.lt(hour.0));
            diesel::delete(refusals).execute(connection)?;
            Ok(())
        })
    }
}

impl Reader {
    /// What was counted for one client, hour by hour, oldest first; hours without anything are left out.
    pub fn usage_of_client(
        &mut self,
        client_row_id: Uuid,
        hours: Hours,
    ) -> Result<Vec<(UnixHour, Counts)>, StoreError> {
        self.attempt(|connection| {
            let rows: Vec<(i64, i64, i64)> = client_usage::table
                .filter(client_usage::client_row_id.eq(client_row_id.to_string()))
                .filter(client_usage::hour.ge(hours.from.0).and(client_usage::hour.lt(hours.until.0)))
                .order(client_usage::hour)
                .select((client_usage::hour, client_usage::issued, client_usage::refused))
                .load(connection)?;
            Ok(rows.into_iter().map(by_hour).collect())
        })
    }

    /// When the client last proved who it is, as far back as is kept.
    pub fn last_seen(&mut self, client_row_id: Uuid) -> Result<Option<UnixMillis>, StoreError> {
        self.attempt(|connection| {
            let of_client = client_usage::table.filter(client_usage::client_row_id.eq(client_row_id.to_string()));
            let latest: Option<i64> = of_client.select(max(client_usage::last_seen_at)).get_result(connection)?;
            Ok(latest.map(UnixMillis))
        })
    }

    /// When each of these clients last proved who it is; of those that never did, as far back as is kept, nothing. For a page of
    /// clients: it reads a row for each hour in which one of them was seen.
    pub fn last_seen_of(&mut self, client_row_ids: &[Uuid]) -> Result<HashMap<Uuid, UnixMillis>, StoreError> {
        self.attempt(|connection| {
            let ids: Vec<String> = client_row_ids.iter().map(ToString::to_string).collect();
            let rows: Vec<(String, Option<i64>)> = load_in_chunks(&ids, |ids| {
                client_usage::table
                    .filter(client_usage::client_row_id.eq_any(ids))
                    .group_by(client_usage::client_row_id)
                    .select((client_usage::client_row_id, max(client_usage::last_seen_at)))
                    .load(connection)
            })?;
            let seen = rows.into_iter().filter_map(|(id, at)| Some((id, UnixMillis(at?))));
            seen.map(|(id, at)| Ok((Place("client_usage", &id).id()?, at))).collect()
        })
    }

    /// What was counted for all clients together, hour by hour, oldest first; hours without anything are left out.
    pub fn usage_of_all(&mut self, hours: Hours) -> Result<Vec<(UnixHour, Counts)>, StoreError> {
        self.attempt(|connection| {
            let rows: Vec<(i64, i64, i64)> = client_usage::table
                .filter(client_usage::hour.ge(hours.from.0).and(client_usage::hour.lt(hours.until.0)))
                .group_by(client_usage::hour)
                .order(client_usage::hour)
                .select((client_usage::hour, sql::<BigInt>(ISSUED), sql::<BigInt>(REFUSED)))
                .load(connection)?;
            Ok(rows.into_iter().map(by_hour).collect())
        })
    }

    /// How many requests were refused that named no client there is.
    pub fn unattributed_refusals(&mut self, hours: Hours) -> Result<u64, StoreError> {
        use unattributed_refusals as table;
        self.attempt(|connection| {
            let rows: Vec<i64> = table::table
                .filter(table::hour.ge(hours.from.0).and(table::hour.lt(hours.until.0)))
                .select(table::refused)
                .load(connection)?;
            Ok(rows.into_iter().map(i64::unsigned_abs).sum())
        })
    }

    /// How many clients got at least one token.
    pub fn count_active_clients(&mut self, hours: Hours) -> Result<u64, StoreError> {
        self.attempt(|connection| {
            let count: i64 = client_usage::table
                .filter(client_usage::hour.ge(hours.from.0).and(client_usage::hour.lt(hours.until.0)))
                .filter(client_usage::issued.gt(0))
                .select(count(client_usage::client_row_id).aggregate_distinct())
                .get_result(connection)?;
            Ok(count.unsigned_abs())
        })
    }

    /// The clients with the most tokens, busiest first, `limit` at most.
    pub fn busiest_clients(&mut self, hours: Hours, limit: u32) -> Result<Vec<BusyClient>, StoreError> {
        self.attempt(|connection| {
            let rows: Vec<(String, i64, i64, Option<i64>)> = client_usage::table
                .filter(client_usage::hour.ge(hours.from.0).and(client_usage::hour.lt(hours.until.0)))
                .group_by(client_usage::client_row_id)
                .order((sql::<BigInt>(ISSUED).desc(), client_usage::client_row_id))
                .limit(limit.into())
                .select((
                    client_usage::client_row_id,
                    sql::<BigInt>(ISSUED),
                    sql::<BigInt>(REFUSED),
                    max(client_usage::last_seen_at),
                ))
                .load(connection)?;
            named(connection, &rows)
        })
    }
}

/// Sums: the cast is for PostgreSQL, whose sums of BIGINT are of no type that both engines have.
const ISSUED: &str = "CAST(SUM(issued) AS BIGINT)";
const REFUSED: &str = "CAST(SUM(refused) AS BIGINT)";

/// PostgreSQL: takes the lock that every change takes first. Servers that count the same hour at once then wait for each
/// other, and no client is deleted between the look at it and the row about it.
pub(super) fn take_turn(connection: &mut AnyConnection) -> QueryResult<()> {
    diesel::update(meta::table).set(meta::revision.eq(meta::revision)).execute(connection).map(drop)
}

fn add_hour(connection: &mut AnyConnection, counted: &CountedHour) -> Result<(), StoreError> {
    let CountedHour { client_row_id, hour, counts, last_seen_at } = *counted;
    let client = client_row_id.to_string();
    let (issued, refused) = (number(counts.issued), number(counts.refused));
    let row = client_usage::table.find((&client, hour.0));
    let sums = (
        client_usage::issued.eq(client_usage::issued + issued),
        client_usage::refused.eq(client_usage::refused + refused),
    );
    if diesel::update(row).set(sums).execute(connection)? == 0 {
        return insert_hour(connection, counted);
    }
    if let Some(at) = last_seen_at {
        let later = client_usage::last_seen_at.is_null().or(client_usage::last_seen_at.lt(at.0));
        diesel::update(row.filter(later)).set(client_usage::last_seen_at.eq(at.0)).execute(connection)?;
    }
    Ok(())
}

fn insert_hour(connection: &mut AnyConnection, counted: &CountedHour) -> Result<(), StoreError> {
    let client = counted.client_row_id.to_string();
    let found: Option<String> = clients::table.find(&client).select(clients::id).first(connection).optional()?;
    if found.is_some() {
        let row = (
            client_usage::client_row_id.eq(client),
            client_usage::hour.eq(counted.hour.0),
            client_usage::issued.eq(number(counted.counts.issued)),
            client_usage::refused.eq(number(counted.counts.refused)),
            client_usage::last_seen_at.eq(counted.last_seen_at.map(|at| at.0)),
        );
        diesel::insert_into(client_usage::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// The rows with the public identifiers of their clients.
fn named(
    connection: &mut AnyConnection,
    rows: &[(String, i64, i64, Option<i64>)],
) -> Result<Vec<BusyClient>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|(id, ..)| id.as_str()).collect();
    let names: Vec<(String, String)> = load_in_chunks(&ids, |ids| {
        clients::table.filter(clients::id.eq_any(ids)).select((clients::id, clients::client_id)).load(connection)
    })?;
    let named = rows.iter().filter_map(|(id, issued, refused, last_seen_at)| {
        let (_, name) = names.iter().find(|(known, _)| known == id)?;
        let client_id = Place("clients", id).parse(name);
        Some(client_id.map(|client_id| BusyClient {
            client_id,
            counts: Counts { issued: issued.unsigned_abs(), refused: refused.unsigned_abs() },
            last_seen_at: last_seen_at.map(UnixMillis),
        }))
    });
    named.collect()
}

fn by_hour((hour, issued, refused): (i64, i64, i64)) -> (UnixHour, Counts) {
    (UnixHour(hour), Counts { issued: issued.unsigned_abs(), refused: refused.unsigned_abs() })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
