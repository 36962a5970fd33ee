//! Which database, how many connections, and may its tables be changed when it is opened?

use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::time::Duration;

/// Where the data lives and how it is reached.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The database.
    pub database: Database,
    /// Connections at most: those that read, for SQLite (one more writes); all of them, for PostgreSQL.
    pub pool_size: u32,
}

/// A database.
#[derive(Clone, Debug)]
pub enum Database {
    /// Gone when the last clone of the [`Store`](super::Store) is dropped.
    InMemory,
    /// A SQLite file, made when it does not exist.
    SqliteFile(PathBuf),
    /// A PostgreSQL server, which several replicas may share.
    #[cfg(feature = "postgres")]
    Postgres(PostgresUrl),
}

/// When opening a database may create or change its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Never: an empty database is refused too, and nothing is written.
    Never,
    /// Only in a database without any; one that needs a change is refused.
    WhenEmpty,
    /// Whenever this version needs it.
    Always,
}

/// A `postgres://user:password@host:port/database` URL. `Debug` does not show it, since it holds a password.
#[cfg(feature = "postgres")]
#[derive(Clone)]
pub struct PostgresUrl {
    url: zeroize::Zeroizing<String>,
    timeouts: PostgresTimeouts,
}

/// For how long PostgreSQL is waited for.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresTimeouts {
    /// For a connection, to each address that the URL names; unless the URL says. libpq counts whole seconds, two at least.
    pub connect: Duration,
    /// For one statement.
    pub statement: Duration,
}

#[cfg(feature = "postgres")]
impl Default for PostgresTimeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), statement: Duration::from_secs(10) }
    }
}

#[cfg(feature = "postgres")]
impl PostgresUrl {
    /// Takes `url` as libpq will read it; nothing is checked before the connection is made.
    pub fn new(url: String) -> Self {
        Self { url: zeroize::Zeroizing::new(url), timeouts: PostgresTimeouts::default() }
    }

    /// The same with other timeouts.
    #[must_use]
    pub fn with_timeouts(self, timeouts: PostgresTimeouts) -> Self {
        Self { timeouts, ..self }
    }

    pub(super) const fn timeouts(&self) -> PostgresTimeouts {
        self.timeouts
    }

    /// The URL with what it leaves open: a name for the server's list of connections, and limits to every wait. A host that has gone
    /// without a word is noticed by the kernel in half a minute.
    pub(super) fn complete(&self) -> zeroize::Zeroizing<String> {
        let connect = self.timeouts.connect.as_secs().max(2).to_string();
        let unacknowledged = self.timeouts.statement.as_millis().to_string();
        let defaults = [
            ("fallback_application_name", "tokenhouse"),
            ("connect_timeout", connect.as_str()),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", &unacknowledged),
        ];
        let given: Vec<_> = self.url.split_once('?').map_or("", |(_, query)| query).split('&').collect();
        let is_given = |name: &str| given.iter().any(|one| one.split('=').next() == Some(name));
        let missing = defaults.into_iter().filter(|(name, _)| !is_given(name));
        let missing: Vec<_> = missing.map(|(name, value)| format!("{name}={value}")).collect();
        let separator = if self.url.contains('?') { "&" } else { "?" };
        zeroize::Zeroizing::new([self.url.as_str(), separator, &missing.join("&")].concat())
    }
}

#[cfg(feature = "postgres")]
impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PostgresUrl(…)")
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn what_the_url_says_wins_and_the_rest_is_limited() {
        let timeouts = PostgresTimeouts { connect: Duration::from_secs(1), statement: Duration::from_secs(7) };
        let complete = |url: &str| PostgresUrl::new(url.to_owned()).with_timeouts(timeouts).complete().to_string();
        assert_eq!(
            complete("postgres://u:p@h/db"),
            "postgres://u:p@h/db?fallback_application_name=tokenhouse&connect_timeout=2&keepalives_idle=10\
             &keepalives_interval=5&keepalives_count=3&tcp_user_timeout=7000"
        );
        let mine = complete("postgres://h/db?sslmode=verify-full&connect_timeout=30&tcp_user_timeout=1");
        assert!(
            mine.starts_with("postgres://h/db?sslmode=verify-full&connect_timeout=30&tcp_user_timeout=1&"),
            "{mine}"
        );
        assert_eq!((mine.matches("connect_timeout").count(), mine.matches("tcp_user_timeout").count()), (1, 1));
    }
}
